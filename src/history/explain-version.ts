/**
 * Why a version is kept, or may go: the garbage rule with its reasons, and when they end.
 *
 * The judgement is {@link judgeVersion}, the one that compactions go by. Beside it stands, for each
 * generation, during which times the version is seen, and which promise makes one of them readable.
 */
import { assert } from '../base/assert.ts'
import { type Version } from '../storage/version.ts'
import {
  type HybridTime,
  MAX_TIME,
  MICROS_MAX,
  MIN_TIME,
  earlierOf,
  hybridTime,
  laterOf,
  microsOf,
} from '../time/hybrid-time.ts'
import { NO_TIMES, type Stretches, closedStretch, intersection, union } from '../time/stretches.ts'
import { type JudgeNote, judgeVersion } from './garbage.ts'
import { type Generation, type GenerationCause, endOf } from './lineage.ts'
import { type Keep } from './readable.ts'

/** Something that makes times readable. */
export type ReadablePromise =
  | { readonly kind: 'window'; readonly times: Stretches; readonly cutoff: HybridTime; readonly keep: Keep }
  | {
      readonly kind: 'hold'
      readonly times: Stretches
      readonly name: string
      readonly owner: string
      readonly reason: string
      readonly expiresMicros?: number | undefined
    }
  /** An open cursor, which holds what it reads in memory until it is too old, by its number. */
  | { readonly kind: 'cursor'; readonly times: Stretches; readonly id: number; readonly untilMicros: number }

/** What one generation says about a version. */
export interface GenerationJudgement {
  readonly cause: GenerationCause
  /** The first time at which the generation is in force, and the last one; no last one while it still is. */
  readonly start: HybridTime
  readonly end?: HybridTime | undefined
  /**
   * Whether it is seen in it: `seen` for some time, always `hidden` by a newer version, or `outside` of
   * what the generation shows.
   */
  readonly verdict: 'seen' | 'hidden' | 'outside'
  /** The times at which it is seen. */
  readonly seen: Stretches
  /** The time of the newer version that hides it, from some time on or always. */
  readonly hiddenBy?: HybridTime | undefined
  /** The times at which it is seen and which can be read. */
  readonly readable: Stretches
}

/** A promise that keeps a version, and what has to happen before it does so no longer. */
export interface Keeper {
  readonly promise: ReadablePromise
  /** The readable times at which it is seen because of this promise. */
  readonly times: Stretches
  /**
   * `superseded`: a newer version; `released`: the hold's release, or the end of what the open cursor reads;
   * `retention`: that history is kept for less; `time`: that it is `from`, if nothing else changes.
   */
  readonly until: 'superseded' | 'released' | 'retention' | 'time'
  readonly from?: HybridTime | undefined
}

/** Why a version is kept, or may go. */
export interface KeepJudgement {
  /**
   * `kept`: a readable time sees it. `droppable`: none does. `hides nothing`: one sees it, but it is a
   * tombstone with nothing older behind it that is kept, and goes for that.
   */
  readonly verdict: 'kept' | 'droppable' | 'hides nothing'
  readonly generations: readonly GenerationJudgement[]
  /** What keeps it: of every promise, for each generation, the times that it keeps readable. */
  readonly keepers: readonly Keeper[]
  /**
   * Of what is kept, the time from which on it can go, if nothing changes; `undefined` if it then never can. A tombstone
   * can go once no value behind it is kept, whoever sees the tombstone.
   */
  readonly canGoFrom?: HybridTime | undefined
}

/**
 * Judges one version. `versions` are those of its key in its tablet, newest first; the version itself
 * need not be among them.
 */
export function explainKeeping(
  generations: readonly Generation[],
  promises: readonly ReadablePromise[],
  versions: Iterable<Version>,
  time: HybridTime,
): KeepJudgement {
  const judge = new Judge(generations, union(...promises.map(({ times }) => times)))
  let judged: readonly GenerationJudgement[] | undefined
  let isTombstone = false
  /** The time from which on no value behind it is kept: of all time, where none is. */
  let hidesUntil: End = MIN_TIME
  for (const version of versions) {
    if (version.time > time) judge.pass(version.time)
    else if (version.time === time) {
      judged = judge.explain(time)
      isTombstone = version.value === undefined
    } else {
      judged ??= judge.explain(time)
      if (!isTombstone || hidesUntil === undefined) break
      // A tombstone stays for a value behind it that is kept, whatever stands between them.
      if (version.value === undefined) judge.pass(version.time)
      else hidesUntil = laterEnd(hidesUntil, endOfAll(keepersOf(promises, judge.explain(version.time))))
    }
  }
  judged ??= judge.explain(time)
  const keepers = keepersOf(promises, judged)
  const verdict =
    keepers.length === 0 ? 'droppable' : isTombstone && hidesUntil === MIN_TIME ? 'hides nothing' : 'kept'
  const end = endOfAll(keepers)
  const canGoFrom = isTombstone ? earlierEnd(end, hidesUntil) : end
  return { verdict, generations: judged, keepers, canGoFrom: verdict === 'kept' ? canGoFrom : undefined }
}

/** The rule of compactions, applied to the versions of one key, with its reasons. */
class Judge {
  readonly #generations: readonly Generation[]
  readonly #readable: Stretches
  readonly #seenThrough: HybridTime[]
  /** For each generation, the version that hides what comes next. */
  readonly #hiddenBy: (HybridTime | undefined)[] = []

  constructor(generations: readonly Generation[], readable: Stretches) {
    this.#generations = generations
    this.#readable = readable
    this.#seenThrough = generations.map(endOf)
  }

  /** Whether the version is kept. */
  pass(time: HybridTime): boolean {
    return this.#judge(time, (g, from, through) => {
      if (from !== undefined && from <= through) this.#hiddenBy[g] = time
    })
  }

  /** What each generation says about the version, which is not passed. */
  explain(time: HybridTime): readonly GenerationJudgement[] {
    const judgements: GenerationJudgement[] = []
    const isKept = this.#judge(time, (g, from, through) => {
      const { cause, start, end } = this.#generations[g]!
      const isSeen = from !== undefined && from <= through
      const seen = isSeen ? closedStretch(from, through) : NO_TIMES
      const readable = intersection(seen, this.#readable)
      const verdict = isSeen ? 'seen' : from === undefined ? 'outside' : 'hidden'
      const hiddenBy = from === undefined ? undefined : this.#hiddenBy[g]
      judgements.push({ cause, start, end, verdict, seen, hiddenBy, readable })
    })
    assert(isKept === judgements.some(({ readable }) => readable.length > 0), 'the reasons are the rule')
    return judgements
  }

  #judge(time: HybridTime, note: JudgeNote): boolean {
    return judgeVersion(this.#generations, this.#readable, this.#seenThrough, time, note)
  }
}

/** What keeps a version of which the generations say this. */
function keepersOf(
  promises: readonly ReadablePromise[],
  judgements: readonly GenerationJudgement[],
): readonly Keeper[] {
  const seen = union(...judgements.map((generation) => generation.seen))
  return promises.flatMap((promise) => keeperOf(promise, seen))
}

function keeperOf(promise: ReadablePromise, seen: Stretches): readonly Keeper[] {
  const times = intersection(seen, promise.times)
  if (times.length === 0) return []
  if (promise.kind !== 'window') {
    const ends = promise.kind === 'hold' ? promise.expiresMicros : promise.untilMicros
    return [{ promise, times, ...endAt(ends, 'released') }]
  }
  const { keep } = promise
  if (keep === 'forever') return [{ promise, times, until: 'retention' }]
  const last = times.at(-1)!.through
  if (last === MAX_TIME) return [{ promise, times, until: 'superseded' }]
  // The window begins at a whole microsecond: the first one behind the last time at which it is seen.
  return [{ promise, times, ...endAt(microsOf(last) + 1 + keep, 'retention') }]
}

/** A microsecond as an end. What ends at none, or at none that there is, ends by what else can end it. */
function endAt(micros: number | undefined, otherwise: Keeper['until']): Pick<Keeper, 'until' | 'from'> {
  if (micros === undefined || micros > MICROS_MAX) return { until: otherwise }
  return { until: 'time', from: hybridTime(micros) }
}

/** A time from which on something is no longer so; `undefined` if that never comes. */
type End = HybridTime | undefined

/** When no promise keeps it any more. */
function endOfAll(keepers: readonly Keeper[]): End {
  return keepers.reduce<End>((latest, { from }) => laterEnd(latest, from), MIN_TIME)
}

function laterEnd(a: End, b: End): End {
  return a === undefined || b === undefined ? undefined : laterOf(a, b)
}

function earlierEnd(a: End, b: End): End {
  return a === undefined || b === undefined ? (a ?? b) : earlierOf(a, b)
}
