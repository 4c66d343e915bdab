/**
 * Arbitraries of fast-check for versioned stores, made so that they find bugs early and shrink well.
 *
 * - Keys are few, and related: one is the beginning of another, with a zero byte or a separator behind it;
 *   bytes from 0x80 up are among them, and the names that objects have already.
 * - Times lie at a commit or at the cutoff, or a tick beside it. Uniform ones miss most bugs.
 * - Each run leaves out some kinds of operations (swarm testing): what a mixture of everything would always
 *   disturb then happens.
 * - The simplest comes first everywhere, and nothing depends on what was drawn before it.
 */
import * as fc from 'fast-check'
import { type OptionNames, checkOptions, checkWhole } from '../../base/arguments.ts'
import { checkArbitrary, checkSupports } from './arguments.ts'
import { type Capability, TICKS_PER_MICROSECOND } from './contract.ts'
import {
  type Moment,
  type Operation,
  type OperationKind,
  type Plan,
  type PlannedWrite,
  NEEDS,
} from './plan.ts'

const KEYS_MAX = 5
const LONG_KEY = 300

/** Characters that stores of text, of bytes, and of composite keys each have their trouble with. */
const CHARACTERS = Array.from('abAZ01:/ \u0000\u0001\u0080\u00e9\u00ff')
/** What may stand behind a key without being it. */
const SUFFIXES = ['a', '\u0000', '0', ':', '/', ':1', '\u00ff', '\u0000a']
const INHERITED = ['__proto__', 'constructor', 'toString']
/** Characters of two, three and four bytes in UTF-8. */
export const UNUSUAL = 'é日\u{1f600}'

const TICKS = Number(TICKS_PER_MICROSECOND)
/** To the next tick, the next microsecond, about them, and far away. */
const gap = fc.constantFrom(1, TICKS, 2, TICKS - 1, 100_000)
const keyNumber = fc.nat({ max: KEYS_MAX - 1 })
const bound = fc.option(keyNumber, { nil: undefined, freq: 2 })
const plannedValue = fc.oneof(
  { withCrossShrink: true },
  { weight: 8, arbitrary: fc.constant('fresh' as const) },
  { weight: 5, arbitrary: fc.constant('delete' as const) },
  {
    weight: 3,
    arbitrary: fc.constantFrom('empty' as const, 'again' as const, 'long' as const, 'unusual' as const),
  },
)
const SIMPLEST: PlannedWrite = { key: 0, value: 'fresh' }
const moment = fc.record({
  anchor: fc.oneof(
    { withCrossShrink: true },
    { weight: 4, arbitrary: fc.constant('newest' as const) },
    { weight: 4, arbitrary: fc.constant('commit' as const) },
    { weight: 2, arbitrary: fc.constant('cutoff' as const) },
  ),
  back: fc.nat({ max: 7 }),
  step: fc.constantFrom(0 as const, -1 as const, 1 as const),
})

/** One key: mostly one to three characters. */
export function anyKey(): fc.Arbitrary<string> {
  const unit = fc.constantFrom(...CHARACTERS)
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 16, arbitrary: fc.string({ unit, minLength: 1, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(...INHERITED) },
    { weight: 1, arbitrary: unit.map((character) => character.repeat(LONG_KEY)) },
    { weight: 1, arbitrary: fc.constant('') },
  )
}

/**
 * The keys of a run: one or some, and some that begin with another; of given ones, only those. Throws
 * `INVALID_ARGUMENT`.
 */
export function anyKeys(key?: fc.Arbitrary<string>): fc.Arbitrary<readonly string[]> {
  checkArbitrary('key', key)
  const others = fc.array(key ?? anyKey(), { maxLength: 3 })
  const suffixes = fc.array(fc.constantFrom(...SUFFIXES), { maxLength: key === undefined ? 2 : 0 })
  return fc.tuple(key ?? anyKey(), others, suffixes).map(([first, more, behind]) => {
    const keys = [first, ...more]
    const longer = behind.map((suffix, i) => keys[i % keys.length]! + suffix)
    return [...new Set([...keys, ...longer])].filter((_, i) => i < KEYS_MAX)
  })
}

/** One value, for tests of your own: mostly short, sometimes empty, long, or of unusual characters. */
export function anyValue(): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 8, arbitrary: fc.nat({ max: 99 }).map((number) => `v${number}`) },
    { weight: 1, arbitrary: fc.constant('') },
    { weight: 1, arbitrary: fc.constant('long '.repeat(60)) },
    { weight: 1, arbitrary: fc.constant(UNUSUAL) },
  )
}

/** A time, by what it is next to. */
export function anyMoment(): fc.Arbitrary<Moment> {
  return moment
}

/** What runs are drawn for. */
export interface PlanOptions {
  /** @defaultValue nothing beyond `commit`, `get` and `scan` */
  readonly supports?: readonly Capability[] | undefined
  /** The most operations of one run. @defaultValue 30 */
  readonly operations?: number | undefined
  /** One key. @defaultValue {@link anyKey} */
  readonly key?: fc.Arbitrary<string> | undefined
}

/** The names of {@link PlanOptions}. */
export const PLAN_OPTIONS: OptionNames<PlanOptions> = { supports: true, operations: true, key: true }

/** Runs. Throws `INVALID_ARGUMENT`. */
export function anyPlan(options: PlanOptions = {}): fc.Arbitrary<Plan> {
  checkOptions(options, PLAN_OPTIONS)
  const { supports = [], operations = 30, key } = options
  checkSupports(supports)
  checkWhole('operations', operations, 1)
  checkArbitrary('key', key)
  const kinds = KINDS.filter((kind) => NEEDS[kind] === undefined || supports.includes(NEEDS[kind]))
  const drawn = weighted(supports.includes('reverse'))
  const operation = fc.oneof(...kinds.map((kind) => drawn[kind]))
  const list = fc.array(operation, { maxLength: operations, size: 'max' })
  // Half of the runs leave nothing out, the others each kind as often as not; but never all of them at once,
  // or a run would do little.
  const optional: readonly OperationKind[] = kinds.filter((kind) => kind !== 'commit')
  const some = fc.subarray([...optional], { minLength: 1, maxLength: optional.length - 1 })
  const without: fc.Arbitrary<readonly OperationKind[]> = fc.option(some, { nil: [], freq: 2 })
  return fc
    .record({ keys: anyKeys(key), drawn: list, without })
    .map(({ keys, drawn: all, without: left }) => ({
      keys,
      operations: all.filter(({ kind }) => !left.includes(kind)),
    }))
}

const KINDS = Object.keys(NEEDS) as readonly OperationKind[]

interface Weighted<T> {
  readonly weight: number
  readonly arbitrary: fc.Arbitrary<T>
}

/** Operations by kind, each with how often it is drawn. */
function weighted(canReverse: boolean): Readonly<Record<OperationKind, Weighted<Operation>>> {
  const write = fc.record({ key: keyNumber, value: plannedValue })
  // Not by a least length: an array that has one cannot lose any item in shrinking.
  const writes = fc.array(write, { maxLength: 4 }).map((some) => (some.length === 0 ? [SIMPLEST] : some))
  const range = fc.record({
    from: bound,
    to: bound,
    reverse: canReverse ? fc.boolean() : fc.constant(false),
  })
  const of = <K extends OperationKind>(kind: K): fc.Arbitrary<K> => fc.constant(kind)
  return {
    commit: { weight: 14, arbitrary: fc.record({ kind: of('commit'), writes, gap }) },
    get: { weight: 2, arbitrary: fc.record({ kind: of('get'), key: keyNumber, asOf: moment }) },
    scan: { weight: 2, arbitrary: fc.record({ kind: of('scan'), range, asOf: moment }) },
    collect: { weight: 5, arbitrary: fc.record({ kind: of('collect'), cutoff: moment }) },
    reopen: { weight: 1, arbitrary: fc.record({ kind: of('reopen') }) },
    // Several are to be open at once: else closing one shows nothing of the others.
    snapshot: { weight: 8, arbitrary: fc.record({ kind: of('snapshot') }) },
    closeSnapshot: {
      weight: 3,
      arbitrary: fc.record({ kind: of('closeSnapshot'), which: fc.nat({ max: 3 }) }),
    },
    restore: { weight: 2, arbitrary: fc.record({ kind: of('restore'), to: moment, gap }) },
  }
}
