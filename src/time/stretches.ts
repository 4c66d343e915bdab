/**
 * Stretches: sets of hybrid times as sorted, disjoint, half-open intervals.
 *
 *         after          through
 *     ──────○───────────────●──────────▶     (after, through]: `through` belongs, `after` does not
 *
 * A view is stretches, readable times are stretches, a window is one that never ends. Two intervals
 * that touch are one. Every function returns the one normal form of its set, so that sets are equal
 * exactly if their forms are.
 */
import { assert } from '../base/assert.ts'
import { type HybridTime, MAX_TIME, earlierOf, laterOf, tickBefore } from './hybrid-time.ts'

/** The times `t` with `after < t ≤ through`; never empty. */
export interface Stretch {
  readonly after: HybridTime
  readonly through: HybridTime
}

/** One that is set anew for each use, by the one who has it: to all others it is a {@link Stretch}. */
export type SettableStretch = { -readonly [End in keyof Stretch]: Stretch[End] }

/** A set of times: intervals in rising order that neither overlap nor touch. */
export type Stretches = readonly Stretch[]

/** No time at all. */
export const NO_TIMES: Stretches = []

/** The times after `after`, through `through`; none if they are in the wrong order. */
export function stretch(after: HybridTime, through: HybridTime): Stretches {
  return after < through ? [{ after, through }] : NO_TIMES
}

/** The times from `first` through `last`, both included. */
export function closedStretch(first: HybridTime, last: HybridTime): Stretches {
  return stretch(tickBefore(first), last)
}

/** The times from `first` on, for ever. */
export function stretchFrom(first: HybridTime): Stretches {
  return closedStretch(first, MAX_TIME)
}

/** The times that are in any of the sets. */
export function union(...sets: readonly Stretches[]): Stretches {
  return unionOf(sets)
}

/** As {@link union}, of however many: a call has no room for all tables of a large tree. */
export function unionOf(sets: readonly Stretches[]): Stretches {
  const all: Stretch[] = []
  for (const set of sets) all.push(...set)
  if (all.length < 2) return all
  all.sort((a, b) => (a.after < b.after ? -1 : a.after > b.after ? 1 : 0))
  const merged: Stretch[] = []
  for (const next of all) {
    const last = merged.at(-1)
    if (last === undefined || next.after > last.through) merged.push(next)
    else if (next.through > last.through)
      merged[merged.length - 1] = { after: last.after, through: next.through }
  }
  return merged
}

/** The times that are in both sets. */
export function intersection(a: Stretches, b: Stretches): Stretches {
  const common: Stretch[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length;) {
    const left = a[i]!
    const right = b[j]!
    const after = laterOf(left.after, right.after)
    const through = earlierOf(left.through, right.through)
    if (after < through) common.push({ after, through })
    if (left.through <= right.through) i++
    else j++
  }
  return common
}

/** The times of `a` that are not in `b`. */
export function difference(a: Stretches, b: Stretches): Stretches {
  const rest: Stretch[] = []
  let h = 0
  for (const { after, through } of a) {
    let from = after
    while (h < b.length && b[h]!.through <= from) h++
    // The last hole may go on in the next interval.
    for (let i = h; i < b.length && b[i]!.after < through; i++) {
      rest.push(...stretch(from, b[i]!.after))
      from = b[i]!.through
      h = i
    }
    rest.push(...stretch(from, through))
  }
  return rest
}

/** Whether a time is in the set. */
export function contains(set: Stretches, time: HybridTime): boolean {
  return indexIn(set, time) !== -1
}

/** The index of the interval that a time lies in; −1 if there is none. */
export function indexIn(set: Stretches, time: HybridTime): number {
  const index = firstThrough(set, time)
  return index < set.length && set[index]!.after < time ? index : -1
}

/** Whether some time after `after`, through `through`, is in the set. */
export function meets(set: Stretches, after: HybridTime, through: HybridTime): boolean {
  if (after >= through) return false
  assert(after < MAX_TIME, 'a stretch begins before the end of time')
  // The first interval that ends behind `after` is the only one that can begin before `through` first.
  const index = firstThrough(set, (after + 1n) as HybridTime)
  return index < set.length && set[index]!.after < through
}

/** Whether some time from `first` through `last` is in the set; allocates nothing. */
export function meetsClosed(set: Stretches, first: HybridTime, last: HybridTime): boolean {
  const index = firstThrough(set, first)
  return index < set.length && set[index]!.after < last
}

/**
 * The index of the last interval that begins before `time`, the only one from there down that can hold
 * it or something older first; −1 if all begin later. Steps down a set without looking at each interval.
 */
export function lastBefore(set: Stretches, time: HybridTime): number {
  let low = 0
  let high = set.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (set[middle]!.after < time) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** Whether both are the same set. */
export function sameStretches(a: Stretches, b: Stretches): boolean {
  return (
    a.length === b.length &&
    a.every((left, i) => left.after === b[i]!.after && left.through === b[i]!.through)
  )
}

/** The index of the first interval that ends at `time` or later. */
function firstThrough(set: Stretches, time: HybridTime): number {
  let low = 0
  let high = set.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (set[middle]!.through < time) low = middle + 1
    else high = middle
  }
  return low
}
