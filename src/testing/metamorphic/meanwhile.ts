/**
 * What may happen between operations without any answer being different: upkeep, other processes, readers,
 * and holds that nobody reads by.
 *
 *     put  put  advance  compact  put  get as of …  put
 *     ▲ hold                          ▲ release            as if it had never been
 */
import { type Moment, type Operation, type OperationKind } from '../operations.ts'
import { type Meanwhile } from '../runner.ts'

/** The same operation before every `count`th one. */
export function every(count: number, operation: Operation): Meanwhile {
  return (index) => (index % count === 0 ? [operation] : [])
}

/** A number that no hold of an operation has. */
const NAME = 9
/** At most so many operations under one hold. */
const STRETCH_MAX = 12

/** Operations that read no past and speak of no hold. */
const BLIND: readonly OperationKind[] = [
  'put',
  'delete',
  'batch',
  'flush',
  'compact',
  'sync',
  'advance',
  'truncate',
]

/**
 * A hold on the last commits wherever nobody will read by it: it is placed before operations that do not
 * look at the past, keeps alive what they supersede, and is released before the first one that looks.
 */
export function holdsNobodyReadsBy(index: number, operations: readonly Operation[]): readonly Operation[] {
  const isBlind = (at: number) => BLIND.includes(operations[at]?.do ?? 'get')
  const isHeld = (at: number): boolean => isBlind(at) && at % STRETCH_MAX !== 0
  const before = index > 0 && isHeld(index - 1)
  if (before === isHeld(index)) return []
  if (before) return [{ do: 'release', name: NAME }]
  const [at, through] = [versionBack(4), versionBack(0)]
  return [{ do: 'hold', name: NAME, scope: 'database', at, through }]
}

function versionBack(index: number): Moment {
  return { anchor: 'version', index, micros: 0, ticks: 0, form: 'time' }
}
