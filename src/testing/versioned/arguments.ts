/**
 * What callers can get wrong, and types do not always see. A check that is told less than was meant would
 * pass and show nothing: so a capability that there is not, or no runs at all, are refused.
 */
import { checkArray, checkChoice, checkObject, checkText, checkWhole } from '../../base/arguments.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { type Capability } from './contract.ts'
import {
  type Moment,
  type Operation,
  type Plan,
  type PlannedRange,
  type PlannedWrite,
  NEEDS,
} from './plan.ts'

/** What stores can be checked for. */
const CAPABILITIES: Readonly<Record<Capability, true>> = {
  collect: true,
  refusal: true,
  reopen: true,
  snapshot: true,
  restore: true,
  reverse: true,
}

/** The methods that every store has. */
const METHODS = ['commit', 'get', 'scan'] as const
/** The methods that belong to a capability. */
const METHODS_OF_CAPABILITIES = ['collect', 'reopen', 'snapshot', 'restore'] as const

/** Refuses what says nothing of how to get at a store. Throws `INVALID_ARGUMENT`. */
export function checkSubject(subject: unknown): void {
  if (typeof propertyOf(subject, 'open') !== 'function')
    throw refusal('a store to check is given as { open }, a function that makes one')
  checkSupports(propertyOf(subject, 'supports'))
}

/** Refuses what is no list of capabilities. Throws `INVALID_ARGUMENT`. */
export function checkSupports(supports: unknown): void {
  if (supports === undefined) return
  const known: readonly unknown[] = Object.keys(CAPABILITIES)
  if (!Array.isArray(supports)) throw refusal(`supports is a list of some of ${known.join(', ')}`)
  const names: readonly unknown[] = supports
  const strange = names.findIndex((name) => !known.includes(name))
  if (strange >= 0)
    throw refusal(`a store supports some of ${known.join(', ')}, not ${String(names[strange])}`)
  if (names.includes('refusal') && !names.includes('collect'))
    throw refusal('refusal is about cutoffs: it needs collect')
}

/** Refuses what is no store with what it is said to support. Throws `INVALID_ARGUMENT`. */
export function checkStoreMethods(store: unknown, supports: readonly Capability[]): void {
  const missing = METHODS.find((method) => typeof propertyOf(store, method) !== 'function')
  if (missing !== undefined) throw refusal(`open makes a store, but what it made has no method ${missing}`)
  const unsupported = METHODS_OF_CAPABILITIES.find(
    (method) => supports.includes(method) && typeof propertyOf(store, method) !== 'function',
  )
  if (unsupported !== undefined) throw refusal(`the store supports ${unsupported}, but has no such method`)
}

/** Refuses what is no seed and no case of one. Throws `INVALID_ARGUMENT`. */
export function checkReplay(seed: number | undefined, path: string | undefined): void {
  if (seed !== undefined && !Number.isSafeInteger(seed))
    throw refusal(`seed is a whole number, not ${String(seed)}`)
  if (path === undefined) return
  if (typeof path !== 'string' || !/^\d+(?::\d+)*$/.test(path))
    throw refusal('path is numbers with colons between them, as a replay line has it')
  if (seed === undefined) throw refusal('a path needs the seed that stands beside it in its replay line')
}

/** Refuses what is no arbitrary of fast-check, of whichever copy of it. Throws `INVALID_ARGUMENT`. */
export function checkArbitrary(name: string, arbitrary: unknown): void {
  if (arbitrary === undefined || typeof propertyOf(arbitrary, 'generate') === 'function') return
  throw refusal(`${name} is an arbitrary of fast-check`)
}

/** Refuses what is no plan, or one for stores that support more. Throws `INVALID_ARGUMENT`. */
export function checkPlan(plan: Plan, supports: readonly Capability[]): void {
  checkObject('the keys and the operations of a plan', plan)
  const { keys, operations } = plan
  checkArray('the keys of a plan', keys)
  if (keys.length === 0) throw refusal('a plan has a key')
  for (const key of keys) checkText('a key of a plan', key)
  checkArray('the operations of a plan', operations)
  for (const operation of operations) checkOperation(operation, supports)
}

function checkOperation(operation: Operation, supports: readonly Capability[]): void {
  checkObject('the parts of an operation', operation)
  checkChoice('kind of an operation', operation.kind, Object.keys(NEEDS))
  checkSupported(`an operation of the kind ${operation.kind}`, NEEDS[operation.kind], supports)
  switch (operation.kind) {
    case 'commit':
      checkArray('the writes of a commit', operation.writes)
      for (const write of operation.writes) checkWrite(write)
      return checkWhole('gap', operation.gap, 1)
    case 'get':
      checkWhole('key', operation.key)
      return checkMoment(operation.asOf)
    case 'scan':
      checkRange(operation.range, supports)
      return checkMoment(operation.asOf)
    case 'collect':
      return checkMoment(operation.cutoff)
    case 'closeSnapshot':
      return checkWhole('which', operation.which)
    case 'restore':
      checkMoment(operation.to)
      return checkWhole('gap', operation.gap, 1)
    case 'reopen':
    case 'snapshot':
  }
}

function checkSupported(what: string, needed: Capability | undefined, supports: readonly Capability[]): void {
  if (needed === undefined || supports.includes(needed)) return
  throw refusal(`${what} needs a store that supports ${needed}`)
}

const VALUES: readonly PlannedWrite['value'][] = ['fresh', 'empty', 'long', 'unusual', 'again', 'delete']

function checkWrite(write: PlannedWrite): void {
  checkObject('the parts of a write', write)
  checkWhole('key', write.key)
  checkChoice('value of a write', write.value, VALUES)
}

function checkRange(range: PlannedRange, supports: readonly Capability[]): void {
  checkObject('the parts of a range', range)
  const { from, to, reverse } = range
  for (const bound of [from, to]) if (bound !== undefined) checkWhole('a bound of a range', bound)
  if (typeof reverse !== 'boolean') throw refusal(`reverse is true or false, not ${String(reverse)}`)
  checkSupported('a scan in reverse', reverse ? 'reverse' : undefined, supports)
}

function checkMoment(moment: Moment): void {
  checkObject('the parts of a moment', moment)
  checkChoice('anchor of a moment', moment.anchor, ['newest', 'commit', 'cutoff'])
  checkWhole('back', moment.back)
  checkWhole('step', moment.step, -1, 1)
}

function propertyOf(value: unknown, name: string): unknown {
  const hasProperties = (typeof value === 'object' && value !== null) || typeof value === 'function'
  return hasProperties ? (value as Record<string, unknown>)[name] : undefined
}

function refusal(message: string): PalimpsestError {
  return new PalimpsestError('INVALID_ARGUMENT', message)
}
