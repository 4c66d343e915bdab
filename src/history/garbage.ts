/**
 * The garbage rule: a version is dropped only if no readable time sees it (law 3).
 *
 * In one generation, a version shows from some time on, until the next newer one does:
 *
 *     it lies in the base          from the generation's start
 *     it is newer than `from`      from its own time, if that is not after the generation's end
 *     else                         never
 *
 *     times            1    2    3    4    5    6    7    8    9
 *     versions        k@1       k@3            k@6
 *     k@6 is seen                               6────────────▶
 *     k@3 is seen                3─────────────5
 *     k@1 is seen      1────2
 *     readable                        ▐▌ hold        ▐████████▶       k@1 goes, k@3 and k@6 stay
 *
 * It is kept if, in some generation, the stretch during which it is seen meets a readable time. A base
 * shows all at once, so of the versions in it only the newest is ever seen.
 *
 * A compaction knows only its inputs. A newer version outside of them makes it think that an older one
 * is seen for longer, so it keeps more: safe. Versions of one key come newest first, and all that is
 * remembered is one time for each generation, whatever the number of versions.
 */
import { defined } from '../base/assert.ts'
import { type VersionFilter } from '../storage/filter.ts'
import { type HybridTime, tickBefore } from '../time/hybrid-time.ts'
import { type Stretches, contains, meets } from '../time/stretches.ts'
import { type Generation, endOf, gapsOf, isInForceDuring } from './lineage.ts'

/** What a compaction may forget: plain data, taken when it is planned. */
export interface Directive {
  /** The generations of the table whose versions these are. */
  readonly generations: readonly Generation[]
  /** The times that can be read. */
  readonly readable: Stretches
  /** The first time of the window: what the ratchet is raised to when the result is installed. */
  readonly cutoff: HybridTime
}

/**
 * What a flush needs of a directive: it drops nothing, and watches the gaps of the newest view. All views of a table that
 * was put back a thousand times have half a million stretches, which would take longer to send than the flush.
 */
export function flushDirective(directive: Directive): Directive {
  return { ...directive, generations: directive.generations.slice(-1) }
}

/** The filter of a directive. */
export function garbageFilter(directive: Directive): VersionFilter {
  const { readable } = directive
  const generations = directive.generations.filter((generation) => isInForceDuring(generation, readable))
  /** For each generation: the last time at which the next version can be seen; `MIN_TIME` for never. */
  const seenThrough: HybridTime[] = []
  return {
    beginKey: () => {
      for (const [g, generation] of generations.entries()) seenThrough[g] = endOf(generation)
    },
    keeps: (time) => judgeVersion(generations, readable, seenThrough, time),
    // The gaps of the view that most reads have close once their versions are gone: see forgetting.ts.
    watched: gapsOf(directive.generations.at(-1)),
  }
}

/**
 * Told, of each generation by its index, when the version shows in it: from `from` on unless a newer one
 * hides it, which it does from behind `through` on. `from` is `undefined` where it never shows; where it
 * is behind `through`, the newer one hides it always.
 */
export type JudgeNote = (generation: number, from: HybridTime | undefined, through: HybridTime) => void

/**
 * The rule itself: whether a readable time sees a version. Versions of one key come newest first;
 * `seenThrough` has, for each generation, the last time at which the next one can be seen, in the
 * beginning its end, and is moved on.
 */
export function judgeVersion(
  generations: readonly Generation[],
  readable: Stretches,
  seenThrough: HybridTime[],
  time: HybridTime,
  note?: JudgeNote,
): boolean {
  let isSeen = false
  // In those that were over before it, it never shows: after many restores, these are nearly all for what is written now.
  const first = note === undefined ? firstNotEnded(generations, time) : 0
  for (let g = first; g < generations.length; g++) {
    const from = seenFrom(generations[g]!, time)
    const through = defined(seenThrough[g], 'a key that has begun')
    note?.(g, from, through)
    if (from === undefined || from > through) continue
    isSeen ||= meets(readable, tickBefore(from), through)
    seenThrough[g] = tickBefore(from)
  }
  return isSeen
}

/** The number of the first generation that is not over before `time`; they come in the order of their ends. */
function firstNotEnded(generations: readonly Generation[], time: HybridTime): number {
  let first = generations.length
  while (first > 0 && endOf(generations[first - 1]!) >= time) first--
  return first
}

/** From when on a version shows in a generation, unless a newer one hides it. */
export function seenFrom(generation: Generation, time: HybridTime): HybridTime | undefined {
  const { base } = generation
  // Most of a base is its first stretch: the time before anything was put back.
  const [first] = base
  if (first === undefined || time <= first.after) return ownFrom(generation, time)
  if (time <= first.through || contains(base, time)) return generation.start
  return ownFrom(generation, time)
}

function ownFrom(generation: Generation, time: HybridTime): HybridTime | undefined {
  return time > generation.from && time <= endOf(generation) ? time : undefined
}
