/**
 * Ranges of keys: half-open, from a lower key that belongs to them to an upper key that does not.
 *
 * The successor of a key is the key with a zero byte behind it, so every pair of `gt`, `gte`, `lt`
 * and `lte` has an exact half-open form.
 */
import { compareBytes, concatBytes } from './bytes.ts'

/** The keys `k` with `lower ≤ k`, and `k < upper` where there is an upper key. */
export interface KeyRange {
  readonly lower: Uint8Array
  readonly upper?: Uint8Array | undefined
}

/** Bounds of a range, in any combination; of two on the same side the narrower one counts. */
export interface KeyBounds {
  readonly gt?: Uint8Array | undefined
  readonly gte?: Uint8Array | undefined
  readonly lt?: Uint8Array | undefined
  readonly lte?: Uint8Array | undefined
}

/** Every key there can be. */
export const ALL_KEYS: KeyRange = { lower: new Uint8Array(0) }

/** The least key above `key`. */
export function keyAfter(key: Uint8Array): Uint8Array {
  return concatBytes([key, new Uint8Array(1)])
}

/** The half-open range that the bounds describe; it may be empty. */
export function keyRange(bounds: KeyBounds): KeyRange {
  let lower = bounds.gte ?? ALL_KEYS.lower
  if (bounds.gt !== undefined && compareBytes(bounds.gt, lower) >= 0) lower = keyAfter(bounds.gt)
  let upper = bounds.lte === undefined ? undefined : keyAfter(bounds.lte)
  if (bounds.lt !== undefined && (upper === undefined || compareBytes(bounds.lt, upper) < 0))
    upper = bounds.lt
  return { lower, upper }
}

/** The keys that begin with `prefix`. */
export function prefixRange(prefix: Uint8Array): KeyRange {
  const upper = new Uint8Array(prefix)
  for (let last = upper.length - 1; last >= 0; last--) {
    if (upper[last] === 0xff) continue
    upper[last]! += 1
    return { lower: prefix, upper: upper.subarray(0, last + 1) }
  }
  return { lower: prefix }
}

/** The keys that lie in both ranges. */
export function intersectRanges(a: KeyRange, b: KeyRange): KeyRange {
  const lower = compareBytes(a.lower, b.lower) >= 0 ? a.lower : b.lower
  if (a.upper === undefined) return { lower, upper: b.upper }
  if (b.upper === undefined) return { lower, upper: a.upper }
  return { lower, upper: compareBytes(a.upper, b.upper) <= 0 ? a.upper : b.upper }
}

/** Whether a key lies in the range. */
export function rangeHas(range: KeyRange, key: Uint8Array): boolean {
  return (
    compareBytes(key, range.lower) >= 0 && (range.upper === undefined || compareBytes(key, range.upper) < 0)
  )
}

/** Whether no key can lie in the range. */
export function isEmptyRange(range: KeyRange): boolean {
  return range.upper !== undefined && compareBytes(range.lower, range.upper) >= 0
}
