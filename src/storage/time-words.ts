/**
 * Times as words of 32 bits, as they stand in tables: of each the lower half, then the upper one. To compare bigints is
 * slow, and to make one for each time that a search passes allocates.
 */
import { type HybridTime, highOf, lowOf } from '../time/hybrid-time.ts'

/** Times as words. */
export function wordsOfTimes(times: readonly HybridTime[]): Uint32Array {
  return Uint32Array.from(times.flatMap((time) => [lowOf(time), highOf(time)]))
}

/** Whether the time that stands in some words, the lower half at `index`, is after another. */
export function isAfterTime(times: Uint32Array, index: number, time: HybridTime): boolean {
  const high = highOf(time)
  const upper = times[index + 1]!
  return upper > high || (upper === high && times[index]! > lowOf(time))
}
