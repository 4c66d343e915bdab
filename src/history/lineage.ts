/**
 * Lineage: which stretches of time a reader of a table may see.
 *
 * A lineage is `{ tablets, base, from }`; its view as of t is `base ∪ (from, t]`. A new table has an
 * empty base. Putting a table back to T at R gives it the base "what was in view as of T" and lets it
 * go on from R; nothing is erased, and an undo is a lineage again:
 *
 *     time        1    2    3    4    5    6    7    8
 *     written    a@1       a@3       a@5       b@7
 *     created    (0 ────────────────────t]                     as of 5: a@5
 *     back to 2  (0 ────2]              (5 ─────t]             as of 6: a@1    as of 7: a@1, b@7
 *     undone     (0 ────────────────────5]          (7 ──t]    as of 8: a@5
 *
 * A generation is a lineage with the times during which it was in force. A read as of t uses the one
 * in force at t, so reads as of a moment inside an undone stretch still show what was true then.
 */
import { assert } from '../base/assert.ts'
import { searchFirst } from '../storage/search.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, tickBefore } from '../time/hybrid-time.ts'
import { NO_TIMES, type Stretches, difference, meets, stretch, union } from '../time/stretches.ts'

/** What a reader may see, apart from when. */
export interface Lineage {
  /** The tablets that hold the versions, in key order. */
  readonly tablets: readonly number[]
  /** Stretches of the past that show. */
  readonly base: Stretches
  /** Every time after this one shows too. */
  readonly from: HybridTime
}

/** A lineage and the times during which it was, or is, in force. */
export interface Generation extends Lineage {
  /** The first time at which it is in force. */
  readonly start: HybridTime
  /** The last one; `undefined` while it is in force. */
  readonly end?: HybridTime | undefined
  /** What began it. */
  readonly cause: GenerationCause
  /** The time as of whose view the base was taken, where it is one of an earlier generation. */
  readonly baseAsOf?: HybridTime | undefined
}

/** What begins a generation. */
export type GenerationCause = 'create' | 'restore' | 'undo' | 'truncate'

/** The first generation of a table that is created at `time`. */
export function firstGeneration(tablets: readonly number[], time: HybridTime): Generation {
  return { tablets, base: NO_TIMES, from: tickBefore(time), start: time, cause: 'create' }
}

/** The generation that puts a table back, at `time`, to what `then` showed as of `to`. */
export function rewoundGeneration(
  then: Generation,
  to: HybridTime,
  time: HybridTime,
  cause: 'restore' | 'undo',
): Generation {
  assert(to < time, 'a table is put back to a time before')
  const { tablets } = then
  return { tablets, base: viewAsOf(then, to), from: tickBefore(time), start: time, cause, baseAsOf: to }
}

/** The generation that empties a table at `time`. */
export function truncatedGeneration({ tablets }: Generation, time: HybridTime): Generation {
  return { tablets, base: NO_TIMES, from: tickBefore(time), start: time, cause: 'truncate' }
}

/** The times that a reader as of `time` sees. */
export function viewAsOf(lineage: Lineage, time: HybridTime): Stretches {
  const { base, from } = lineage
  if (time <= from) return base
  // The base ends at or before `from`, so that no general union is needed.
  const last = base.at(-1)
  if (last === undefined) return stretch(from, time)
  return last.through < from ? [...base, { after: from, through: time }] : union(base, stretch(from, time))
}

/** The times at or before `from` that do not show though earlier ones do: what restores have hidden. */
export function gapsOf(lineage: Lineage | undefined): Stretches {
  const first = lineage?.base[0]
  return first === undefined ? NO_TIMES : difference(stretch(first.after, lineage!.from), lineage!.base)
}

/** Whether a generation is in force at one of some times. */
export function isInForceDuring(generation: Generation, times: Stretches): boolean {
  assert(generation.start > MIN_TIME, 'a generation starts after the beginning of time')
  return meets(times, tickBefore(generation.start), endOf(generation))
}

/** The last time at which a generation is in force. */
export function endOf(generation: Generation): HybridTime {
  return generation.end ?? MAX_TIME
}

/** The generation that is in force at `time`, if the table exists then. Generations come in the order of their starts. */
export function generationAt(generations: readonly Generation[], time: HybridTime): Generation | undefined {
  const newest = generations.at(-1)
  // Most reads mean the newest one, and need no search.
  const isNewest = newest !== undefined && newest.start <= time
  const behind = isNewest ? generations.length : countStartedAt(generations, time)
  const last = generationBefore(generations, behind)
  const before = generationBefore(generations, behind - 1)
  const isAlone = last === undefined || before === undefined || endOf(before) < last.start
  assert(isAlone, 'one generation is in force at a time')
  return last !== undefined && time <= endOf(last) ? last : undefined
}

/** The one that stands before a place. Nothing is looked for in front of the first: a list is slow to say that it has none. */
function generationBefore(generations: readonly Generation[], place: number): Generation | undefined {
  return place > 0 ? generations[place - 1] : undefined
}

/** How many generations have started at a time. By itself, because a function that captures a time allocates even unused. */
function countStartedAt(generations: readonly Generation[], time: HybridTime): number {
  return searchFirst(generations, ({ start }) => start > time)
}
