/**
 * The oracle of lineage and garbage: a list with the whole state of a table at every tick.
 *
 *     tick      10     11     12     13          14
 *     written          a@11   a@12               a@14
 *     state     {}     a@11   a@12   a@11        a@14
 *                                    restore
 *                                    to 11
 *
 * A write changes the last state, a restore repeats an earlier one, an undo the one before a restore.
 * Beside the states it keeps what the engine keeps: generations, and the versions that are still there.
 */
import * as fc from 'fast-check'
import { type Directive, garbageFilter } from '../../src/history/garbage.ts'
import { planForgetting } from '../../src/history/forgetting.ts'
import {
  type Generation,
  firstGeneration,
  gapsOf,
  generationAt,
  viewAsOf,
} from '../../src/history/lineage.ts'
import { readableTimes } from '../../src/history/readable.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { type Stretches, closedStretch, union } from '../../src/time/stretches.ts'

/** A version. The oracle has two keys. */
export interface StateVersion {
  readonly key: number
  readonly time: number
  readonly isTombstone: boolean
}

/** The version that each key shows at a tick; tombstones included. */
export type State = ReadonlyMap<number, StateVersion>

/** What happens; numbers are taken modulo what there is. */
export type Step =
  | { readonly do: 'write'; readonly keys: number; readonly isTombstone: boolean }
  | { readonly do: 'wait'; readonly ticks: number }
  | { readonly do: 'restore' | 'undo'; readonly to: number }
  | { readonly do: 'truncate' }
  | { readonly do: 'hold'; readonly at: number; readonly length: number }
  | { readonly do: 'release'; readonly hold: number }
  | { readonly do: 'expire'; readonly ticks: number }
  | { readonly do: 'plan'; readonly inputs: number }
  | { readonly do: 'install' }
  | { readonly do: 'forget' }

const CREATED = 10
/** Few, so that some bases stay references. */
const STRETCHES_MAX = 2
/** A mask that selects everything. */
const ALL_INPUTS = 2 ** 17 - 1

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 10,
      arbitrary: fc.record({
        do: fc.constant('write' as const),
        keys: fc.constantFrom(1, 2, 3),
        isTombstone: fc.oneof(
          { weight: 3, arbitrary: fc.constant(false) },
          { weight: 1, arbitrary: fc.constant(true) },
        ),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('wait' as const), ticks: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('restore' as const), to: fc.nat({ max: 60 }) }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('undo' as const), to: fc.nat({ max: 9 }) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('truncate' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('hold' as const),
        at: fc.nat({ max: 60 }),
        length: fc.nat({ max: 3 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('release' as const), hold: fc.nat({ max: 9 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({ do: fc.constant('expire' as const), ticks: fc.integer({ min: 1, max: 6 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('plan' as const),
        inputs: fc.oneof(fc.constant(ALL_INPUTS), fc.nat({ max: ALL_INPUTS })),
      }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('install' as const) }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('forget' as const) }) },
  ),
  { maxLength: 40, size: 'max' },
)

/** A table with the list of its states. */
export class StateHistory {
  #now = CREATED
  readonly #states: State[] = []
  #generations: readonly Generation[] = [firstGeneration([1], at(CREATED))]
  #holds: { readonly first: number; readonly last: number }[] = []
  #cutoff = CREATED
  /** Every version that was ever written. */
  readonly written: StateVersion[] = []
  /** Those that no compaction has dropped. */
  #kept: readonly StateVersion[] = []
  /** What a compaction that is under way will drop. */
  #planned: readonly StateVersion[] = []

  constructor() {
    this.#states[CREATED] = new Map()
  }

  /** What a compaction would be told now. */
  get directive(): Directive {
    const held = this.#holds.map(({ first, last }): Stretches => closedStretch(at(first), at(last)))
    const cutoff = at(this.#cutoff)
    return { generations: this.#generations, readable: readableTimes(cutoff, held), cutoff }
  }

  /** The versions that no compaction has dropped. */
  get left(): readonly StateVersion[] {
    return this.#kept
  }

  /** How many versions were dropped. */
  get dropped(): number {
    return this.written.length - this.#kept.length
  }

  /** How often the table was put back. */
  restores = 0
  /** How many generations were forgotten, and how many gaps were closed. */
  forgotten = 0
  closed = 0

  /** The ticks that can be read, from the creation through now. */
  get readableTicks(): readonly number[] {
    return Array.from({ length: this.#now - CREATED + 1 }, (_, i) => CREATED + i).filter((tick) =>
      this.#isReadable(tick),
    )
  }

  carryOut(step: Step): void {
    switch (step.do) {
      case 'write':
        return this.#write(step.keys, step.isTombstone)
      case 'wait':
        for (let i = 0; i < step.ticks; i++) this.#next(this.#states[this.#now]!)
        return
      case 'restore':
        return this.#putBack(CREATED + (step.to % (this.#now - CREATED + 1)))
      case 'undo': {
        const starts = this.#generations.slice(1).map(({ start }) => Number(start))
        const start = starts[step.to % Math.max(1, starts.length)]
        return start === undefined ? undefined : this.#putBack(start - 1)
      }
      case 'truncate': {
        const { tablets } = this.#generations.at(-1)!
        return this.#begin({ tablets, base: [] }, new Map())
      }
      case 'hold':
        return this.#hold(CREATED + (step.at % (this.#now - CREATED + 1)), step.length)
      case 'release':
        this.#holds.splice(step.hold % Math.max(1, this.#holds.length), 1)
        return
      case 'expire':
        this.#cutoff = Math.min(this.#now, this.#cutoff + step.ticks)
        return
      case 'plan':
        return this.#plan(step.inputs)
      case 'install':
        return this.#install()
      case 'forget':
        return this.forget(union(...this.#kept.map(({ time }) => closedStretch(at(time), at(time)))))
    }
  }

  /**
   * Forgets what can be, as if generations were rows: one whose base is the view as of a time has it read
   * anew from the rows that are left.
   */
  forget(occupied: Stretches): void {
    const before = this.#generations
    const plan = planForgetting(before, this.directive.readable, occupied, STRETCHES_MAX)
    const after: Generation[] = []
    for (const generation of before) {
      if (plan.forgotten.includes(generation)) continue
      const row = plan.rewritten.find(({ start }) => start === generation.start) ?? generation
      const { baseAsOf } = row
      after.push(
        baseAsOf === undefined ? row : { ...row, base: viewAsOf(generationAt(after, baseAsOf)!, baseAsOf) },
      )
    }
    this.forgotten += before.length - after.length
    this.closed += Math.max(0, gapsOf(before.at(-1)).length - gapsOf(after.at(-1)).length)
    this.#generations = after
  }

  /** What the list says that a key shows at a tick: a version's time, or `undefined`. */
  expected(tick: number, key: number): number | undefined {
    const version = this.#states[tick]!.get(key)
    return version === undefined || version.isTombstone ? undefined : version.time
  }

  /** What the lineage lets a reader as of a tick see. */
  view(tick: number): Stretches {
    return viewAsOf(generationAt(this.#generations, at(tick))!, at(tick))
  }

  /** What a read through the lineage finds among the versions that are still there. */
  read(tick: number, key: number): number | undefined {
    const view = this.view(tick)
    const inView = this.#kept.filter(
      (version) =>
        version.key === key &&
        view.some(({ after, through }) => after < version.time && version.time <= through),
    )
    const newest = inView.reduce<StateVersion | undefined>(
      (best, version) => (best === undefined || version.time > best.time ? version : best),
      undefined,
    )
    return newest === undefined || newest.isTombstone ? undefined : newest.time
  }

  /** The versions that some readable time sees, by the list; from now on the last state goes on for ever. */
  seen(): ReadonlySet<StateVersion> {
    const states = [...this.readableTicks.map((tick) => this.#states[tick]!), this.#states[this.#now]!]
    return new Set(states.flatMap((state) => [...state.values()]))
  }

  #write(keys: number, isTombstone: boolean): void {
    const state = new Map(this.#states[this.#now])
    for (const key of [0, 1].filter((bit) => (keys >> bit) & 1)) {
      const version = { key, time: this.#now + 1, isTombstone }
      this.written.push(version)
      this.#kept = [...this.#kept, version]
      state.set(key, version)
    }
    this.#next(state)
  }

  /** Restore and undo are the same: only to a time that can be read. */
  #putBack(tick: number): void {
    if (!this.#isReadable(tick)) return
    const generation = generationAt(this.#generations, at(tick))!
    const base = viewAsOf(generation, at(tick))
    this.#begin({ tablets: generation.tablets, base, baseAsOf: at(tick) }, this.#states[tick]!)
  }

  #begin(lineage: Pick<Generation, 'tablets' | 'base' | 'baseAsOf'>, state: State): void {
    this.restores++
    const last = this.#generations.at(-1)!
    const from = at(this.#now)
    this.#next(state)
    const before = [...this.#generations.slice(0, -1), { ...last, end: from }]
    this.#generations = [...before, { ...lineage, from, start: at(this.#now), cause: 'restore' }]
  }

  #next(state: State): void {
    this.#now++
    this.#states[this.#now] = state
  }

  /** A hold is only ever placed on readable times. */
  #hold(first: number, length: number): void {
    const last = Math.min(this.#now, first + length)
    for (let tick = first; tick <= last; tick++) if (!this.#isReadable(tick)) return
    this.#holds.push({ first, last })
  }

  #isReadable(tick: number): boolean {
    return tick >= this.#cutoff || this.#holds.some(({ first, last }) => first <= tick && tick <= last)
  }

  /** Some of the versions, as if the others lay in tables outside of the compaction. */
  #plan(inputs: number): void {
    const merged = this.#kept.filter((_, i) => (inputs >> (i % 17)) & 1)
    const others = this.#kept.filter((version) => !merged.includes(version))
    const keeps = keptBy(this.directive, merged)
    const settled = [0, 1].flatMap((key) => {
      const oldestFirst = merged.filter((version) => version.key === key && keeps.has(version))
      const firstValue = oldestFirst.findIndex(({ isTombstone }) => !isTombstone)
      const bottom = firstValue === -1 ? oldestFirst : oldestFirst.slice(0, firstValue)
      // A tombstone hides nothing if nothing older of its key remains, here or outside.
      return bottom.filter(({ time }) => !others.some((other) => other.key === key && other.time < time))
    })
    this.#planned = merged.filter((version) => !keeps.has(version) || settled.includes(version))
  }

  #install(): void {
    this.#kept = this.#kept.filter((version) => !this.#planned.includes(version))
    this.#planned = []
  }
}

/** The versions that the garbage rule keeps of some, which are in the order of their times. */
export function keptBy(directive: Directive, versions: readonly StateVersion[]): ReadonlySet<StateVersion> {
  const filter = garbageFilter(directive)
  const kept = new Set<StateVersion>()
  for (const key of [0, 1]) {
    filter.beginKey()
    for (const version of versions.toReversed()) {
      if (version.key === key && filter.keeps(at(version.time))) kept.add(version)
    }
  }
  return kept
}

/** The hybrid time of a tick. */
function at(tick: number): HybridTime {
  return BigInt(tick) as HybridTime
}
