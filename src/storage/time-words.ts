/**
 * Times in two halves of 32 bits, as they stand in tables and memtables: to compare bigints is slow, to make one for
 * each time that a search passes allocates, and to shift one allocates two more.
 */
import { type HybridTime } from '../time/hybrid-time.ts'

const split = BigUint64Array.of(1n)
const words = new Uint32Array(split.buffer)
/** Which of the two words of a time is the lower one, on this machine. */
const LOW = words.indexOf(1)
const HIGH = 1 - LOW

/** The upper half of a time. */
export function highOf(time: HybridTime): number {
  split[0] = time
  return words[HIGH]!
}

/** The lower half of a time. */
export function lowOf(time: HybridTime): number {
  split[0] = time
  return words[LOW]!
}

/** Whether the time that stands in some words, the lower half at `index`, is after another. */
export function isAfterTime(times: Uint32Array, index: number, time: HybridTime): boolean {
  split[0] = time
  const upper = times[index + 1]!
  const high = words[HIGH]!
  return upper > high || (upper === high && times[index]! > words[LOW]!)
}

/** The time of two halves. */
export function timeOf(high: number, low: number): HybridTime {
  words[HIGH] = high
  words[LOW] = low
  return split[0] as HybridTime
}
