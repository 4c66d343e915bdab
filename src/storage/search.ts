/**
 * Binary search over anything sorted.
 */

/** The index of the first item for which `isThere` holds, given that it holds for all behind it; else the length. */
export function searchFirst<T>(items: ArrayLike<T>, isThere: (item: T) => boolean): number {
  let low = 0
  let high = items.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (isThere(items[middle]!)) high = middle
    else low = middle + 1
  }
  return low
}
