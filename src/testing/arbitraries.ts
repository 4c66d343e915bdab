/**
 * Arbitraries of fast-check for lists of operations, made so that they find bugs early and shrink well.
 *
 * - Times lie next to something that happened: uniform ones miss most bugs.
 * - Worlds are tiny: two or three keys, one or two tables, a window of a few microseconds.
 * - Each run takes one preset, and leaves out some kinds of operations altogether: what a
 *   uniform mixture would always disturb then happens (swarm testing).
 * - The simplest comes first everywhere, and nothing depends on what was drawn before it, so that a
 *   failing list shrinks to little.
 */
import * as fc from 'fast-check'
import { CRASH_MODELS } from '../simulator/crash-models.ts'
import { POLICY_NAMES } from '../storage/policy.ts'
import {
  type Delta,
  type KeepChoice,
  type Moment,
  type Operation,
  type OperationKind,
  type RangePlan,
  type RunPlan,
  type ScopePlan,
  type TablePlan,
  type WorldPlan,
  type WritePlan,
} from './operations.ts'

/** How often a kind of operation is drawn, relative to the others. */
export type Weights = Readonly<Partial<Record<OperationKind, number>>>

/** How operations are mixed. */
export type Preset =
  'tiny' | 'many versions' | 'maintenance' | 'cursors' | 'crashes' | 'restores' | 'definitions'

const WRITING: Weights = { put: 14, delete: 4, batch: 3 }
const READING: Weights = {
  get: 6,
  scan: 4,
  history: 1,
  diff: 1,
  view: 1,
  openCursor: 2,
  stepCursor: 4,
  closeCursor: 1,
}
const TIMES: Weights = { advance: 12, stepBack: 1, jump: 1, confirm: 1 }
const PROMISES: Weights = { hold: 7, release: 2, retain: 2, createTable: 1 }
const CHANGES: Weights = { drop: 2, rename: 1, truncate: 1, restore: 3, undo: 2 }
const UPKEEP: Weights = { flush: 5, compact: 3, sync: 1, openReader: 1, check: 1, misuse: 1 }
const PROCESSES: Weights = { reopen: 1, crash: 2 }
const ALL: Weights = { ...WRITING, ...READING, ...TIMES, ...PROMISES, ...CHANGES, ...UPKEEP, ...PROCESSES }

/** The mixtures. */
export const PRESETS: Readonly<Record<Preset, Weights>> = {
  tiny: ALL,
  'many versions': { ...ALL, put: 40, delete: 2, batch: 6, get: 10 },
  maintenance: { ...ALL, flush: 18, compact: 7, reopen: 3, hold: 4, crash: 1 },
  cursors: {
    ...UPKEEP,
    put: 24,
    delete: 6,
    batch: 4,
    advance: 16,
    openCursor: 10,
    stepCursor: 12,
    flush: 3,
    compact: 8,
  },
  crashes: {
    ...WRITING,
    ...PROMISES,
    ...CHANGES,
    batch: 16,
    flush: 10,
    compact: 4,
    advance: 6,
    crash: 10,
    reopen: 2,
  },
  restores: {
    ...ALL,
    delete: 12,
    drop: 2,
    rename: 2,
    truncate: 3,
    restore: 12,
    undo: 6,
    flush: 8,
    compact: 6,
    createTable: 3,
  },
  // Tables come and go, and what is left of them has to go too.
  definitions: {
    ...WRITING,
    ...READING,
    ...UPKEEP,
    ...PROCESSES,
    createTable: 6,
    drop: 10,
    rename: 3,
    truncate: 3,
    restore: 4,
    undo: 3,
    flush: 16,
    compact: 12,
    advance: 30,
  },
}

/** What a mixture is about: no run of it leaves that out. */
const CORES: Readonly<Partial<Record<Preset, readonly OperationKind[]>>> = {
  cursors: ['openCursor', 'stepCursor', 'advance', 'compact'],
}

/** A value, or mostly nothing. */
function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
}

/** A value, or as often nothing. */
function maybe<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.option(arbitrary, { nil: undefined, freq: 2 })
}

const table = fc.nat({ max: 3 })
const key = fc.nat({ max: 5 })
const durability = maybe(fc.constantFrom('os' as const, 'none' as const, 'disk' as const))

/** Time that passes: mostly nothing or a step, sometimes to just before, at or behind the end of a window. */
const passing: fc.Arbitrary<Delta> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ micros: fc.constantFrom(1, 0, 2, 3), windows: fc.constant(0) }) },
  { weight: 4, arbitrary: fc.record({ micros: fc.constantFrom(0, 1, -1), windows: fc.constantFrom(1, 2) }) },
  {
    weight: 1,
    arbitrary: fc.record({ micros: fc.constantFrom(3_600_000_000, 1000), windows: fc.constant(0) }),
  },
)

/** What the wall shows to a new process, against what it showed to the last one. */
const meanwhile: fc.Arbitrary<Delta> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ micros: fc.constantFrom(0, 1, 2), windows: fc.constantFrom(0, 0, 1) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ micros: fc.constantFrom(0, -1, -5), windows: fc.constantFrom(0, -1, -2) }),
  },
)

const anyMoment: fc.Arbitrary<Moment> = fc.record({
  anchor: fc.oneof(
    { weight: 6, arbitrary: fc.constant('version' as const) },
    { weight: 2, arbitrary: fc.constant('change' as const) },
    { weight: 3, arbitrary: fc.constant('window' as const) },
    { weight: 2, arbitrary: fc.constantFrom('hold' as const, 'newest' as const) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('now' as const, 'created' as const, 'zero' as const, 'end of time' as const),
    },
  ),
  index: fc.nat({ max: 30 }),
  micros: fc.constantFrom(0, 0, 0, -1, 1),
  ticks: fc.constantFrom(0, 0, 0, -1, -1, 1, 4095, -4095),
  form: fc.constantFrom(
    'time' as const,
    'time' as const,
    'exact' as const,
    'micros' as const,
    'name' as const,
  ),
})
/** The last tick but one of this microsecond: the next commit gets the last one, the one after it carries. */
const brim: fc.Arbitrary<Moment> = fc.constant({
  anchor: 'now',
  index: 0,
  micros: 0,
  ticks: 4094,
  form: 'time',
})
const moment = fc.oneof({ weight: 12, arbitrary: anyMoment }, { weight: 1, arbitrary: brim })
const whenever = fc.option(moment, { nil: undefined, freq: 3 })

const keep: fc.Arbitrary<KeepChoice> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ micros: fc.constantFrom(0, 1), windows: fc.constantFrom(1, 0, 2) }) },
  { weight: 2, arbitrary: fc.constantFrom('forever' as const, 'default' as const) },
)

const scope: fc.Arbitrary<ScopePlan> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ table }) },
  { weight: 1, arbitrary: fc.constant('database' as const) },
  { weight: 1, arbitrary: fc.record({ keyspace: fc.nat({ max: 1 }) }) },
)

/** Lengths: small, empty, around the size of a block, larger than a memtable. */
const size = fc.oneof(
  { weight: 10, arbitrary: fc.constant(1) },
  { weight: 2, arbitrary: fc.constantFrom(0, 20, 60, 75, 76, 77, 100) },
  { weight: 1, arbitrary: fc.constant(1100) },
)
const write: fc.Arbitrary<WritePlan> = fc.record({ table, key, size })
const writeOrDelete: fc.Arbitrary<WritePlan> = fc.record({
  table,
  key,
  size: fc.option(size, { nil: undefined, freq: 3 }),
})

const bound = seldom(key)
const range: fc.Arbitrary<RangePlan> = fc.record({
  gt: bound,
  gte: bound,
  lt: bound,
  lte: bound,
  prefix: maybe(key),
  reverse: fc.boolean(),
  limit: seldom(fc.constantFrom(1, 0, 2, -1)),
})

const plan: fc.Arbitrary<TablePlan> = fc.record({
  keys: fc.constantFrom('bytes' as const, 'text' as const),
  values: fc.constantFrom('text' as const, 'bytes' as const, 'document' as const),
  keyspace: fc.nat({ max: 1 }),
  keep,
})

/** Exactly at a version, or just before it, so that a base ends there. */
const cut: fc.Arbitrary<Moment> = fc.record({
  anchor: fc.constant('version' as const),
  index: fc.nat({ max: 12 }),
  micros: fc.constant(0),
  ticks: fc.constantFrom(0, -1),
  form: fc.constant('time' as const),
})
const restore = fc.record({
  do: fc.constant('restore' as const),
  keyspace: fc.nat({ max: 1 }),
  table: maybe(table),
  to: fc.oneof(moment, cut),
})
const undo = fc.record({ do: fc.constant('undo' as const), index: fc.nat({ max: 3 }) })
const truncate = fc.record({ do: fc.constant('truncate' as const), table })

/** What a crash can fall into. */
const during: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constant('put' as const), write, durability }),
  fc.record({ do: fc.constant('compact' as const) }),
  fc.record({ do: fc.constant('flush' as const) }),
  fc.record({
    do: fc.constant('batch' as const),
    writes: fc.array(writeOrDelete, { minLength: 1, maxLength: 4 }),
  }),
  fc.record({ do: fc.constant('hold' as const), name: fc.nat({ max: 2 }), scope, at: moment }),
  fc.record({ do: fc.constant('release' as const), name: fc.nat({ max: 2 }) }),
  fc.record({ do: fc.constant('retain' as const), scope, keep }),
  fc.record({ do: fc.constant('createTable' as const), plan }),
  restore,
  undo,
  truncate,
  fc.record({ do: fc.constant('reopen' as const), wall: fc.constant({ micros: 0, windows: 0 }) }),
)

const OPERATIONS: { readonly [Kind in OperationKind]: fc.Arbitrary<Operation> } = {
  put: fc.record({ do: fc.constant('put' as const), write, durability }),
  delete: fc.record({ do: fc.constant('delete' as const), table, key }),
  batch: fc.record({
    do: fc.constant('batch' as const),
    writes: fc.array(writeOrDelete, { maxLength: 4 }),
    durability,
  }),
  createTable: fc.record({ do: fc.constant('createTable' as const), plan }),
  drop: fc.record({ do: fc.constant('drop' as const), table }),
  rename: fc.record({ do: fc.constant('rename' as const), table, to: fc.nat({ max: 2 }) }),
  truncate,
  restore,
  undo,
  flush: fc.record({ do: fc.constant('flush' as const), table: maybe(table) }),
  compact: fc.record({
    do: fc.constant('compact' as const),
    table: seldom(table),
  }),
  sync: fc.record({ do: fc.constant('sync' as const) }),
  advance: fc.record({ do: fc.constant('advance' as const), by: passing }),
  stepBack: fc.record({ do: fc.constant('stepBack' as const), by: passing }),
  jump: fc.record({ do: fc.constant('jump' as const), seconds: fc.constantFrom(1, 3600, -1, -3600) }),
  confirm: fc.record({ do: fc.constant('confirm' as const) }),
  hold: fc.record({
    do: fc.constant('hold' as const),
    name: fc.nat({ max: 2 }),
    scope,
    at: moment,
    through: whenever,
    expiresIn: maybe(passing),
  }),
  release: fc.record({ do: fc.constant('release' as const), name: fc.nat({ max: 2 }) }),
  retain: fc.record({ do: fc.constant('retain' as const), scope, keep }),
  get: fc.record({ do: fc.constant('get' as const), table, key, at: whenever }),
  scan: fc.record({ do: fc.constant('scan' as const), table, range, at: whenever }),
  history: fc.record({ do: fc.constant('history' as const), table, key }),
  diff: fc.record({ do: fc.constant('diff' as const), table, from: moment, to: whenever }),
  view: fc.record({ do: fc.constant('view' as const), at: moment }),
  openCursor: fc.record({ do: fc.constant('openCursor' as const), table, range, at: maybe(moment) }),
  stepCursor: fc.record({
    do: fc.constant('stepCursor' as const),
    cursor: fc.nat({ max: 3 }),
    steps: fc.constantFrom(1, 1, 1, 1, 1, 2, 9),
  }),
  closeCursor: fc.record({ do: fc.constant('closeCursor' as const), cursor: fc.nat({ max: 3 }) }),
  check: fc.record({ do: fc.constant('check' as const) }),
  reopen: fc.record({ do: fc.constant('reopen' as const), wall: meanwhile }),
  openReader: fc.record({ do: fc.constant('openReader' as const) }),
  misuse: fc.record({ do: fc.constant('misuse' as const), how: fc.nat({ max: 99 }), table }),
  crash: fc.record({
    do: fc.constant('crash' as const),
    model: fc.constantFrom(...CRASH_MODELS),
    seed: fc.nat(),
    wall: meanwhile,
    during: maybe(during),
    calls: fc.nat({ max: 14 }),
  }),
}

const KINDS = Object.keys(OPERATIONS) as readonly OperationKind[]

/** One operation of a mixture. */
export function operationOf(weights: Weights): fc.Arbitrary<Operation> {
  const weighted = KINDS.map((kind) => ({ weight: weights[kind] ?? 0, arbitrary: OPERATIONS[kind] }))
  return fc.oneof({ withCrossShrink: true }, ...weighted.filter(({ weight }) => weight > 0))
}

/** The world of a run. */
export const world: fc.Arbitrary<WorldPlan> = fc.record({
  // An ordinary day; the day on which a hybrid time gets its top bit, in 2041; the beginning of time.
  startMicros: fc.oneof(
    { weight: 6, arbitrary: fc.constant(1_763_633_730_000_000) },
    { weight: 2, arbitrary: fc.constantFrom(2 ** 51 - 4, 3, 0) },
  ),
  windowMicros: fc.constantFrom(3, 5, 1, 10, 0, 40),
  tables: fc.array(plan, { minLength: 1, maxLength: 3 }),
  keys: fc.oneof(
    fc.constantFrom([0, 1], [0, 1, 2, 3, 4, 5], [0, 3, 4, 2], [6, 7, 8, 10, 5], [0, 3, 11, 12, 1]),
    fc.array(fc.nat({ max: 12 }), { minLength: 1, maxLength: 6 }),
  ),
  without: fc.oneof(fc.constant([]), fc.subarray(KINDS.filter((kind) => kind !== 'put'))),
  policy: fc.constantFrom(...POLICY_NAMES),
  level0Tables: fc.constantFrom(2, 4, 9),
  canReopenEarlier: fc.constantFrom(false, false, true),
  watch: fc.constantFrom('always' as const, 'always' as const, 'new processes' as const, 'the end' as const),
})

/** Operations of a mixture, at most so many. */
function operationsOf(preset: Preset, maxLength: number): fc.Arbitrary<readonly Operation[]> {
  return fc.array(operationOf(PRESETS[preset]), { maxLength, size: 'max' })
}

/** Operations of any one mixture, at most so many. */
export function anyOperations(maxLength: number): fc.Arbitrary<readonly Operation[]> {
  const presets = Object.keys(PRESETS) as readonly Preset[]
  return fc.oneof(...presets.map((preset) => operationsOf(preset, maxLength)))
}

/** Runs of a mixture, of at most so many operations. */
export function runOf(preset: Preset, maxLength = 50): fc.Arbitrary<RunPlan> {
  const core = CORES[preset] ?? []
  const coreWorld = world.map((one) => ({
    ...one,
    without: one.without.filter((kind) => !core.includes(kind)),
  }))
  return fc.record({ world: coreWorld, operations: operationsOf(preset, maxLength) })
}

/** Runs of all mixtures. */
export function anyRun(maxLength = 50): fc.Arbitrary<RunPlan> {
  const presets = Object.keys(PRESETS) as readonly Preset[]
  return fc.oneof(...presets.map((preset) => runOf(preset, maxLength)))
}
