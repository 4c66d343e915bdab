/**
 * Ranges as Level has them: of `gte` and `gt` the former counts, of `lte` and `lt` too, and a seek moves
 * within the range, never out of it.
 *
 *     range     5 ≤ k < 9                seek(7)    7 ≤ k < 9
 *     reverse   9 > k ≥ 5                seek(7)    7 ≥ k ≥ 5        seek(3)    nothing
 */
import { type KeyRange, keyAfter, keyRange } from '../base/key-range.ts'
import { compareBytes, copyOf } from '../base/bytes.ts'
import { type Direction } from '../storage/cursor.ts'
import { type LevelData, bytesOf } from './format.ts'

/** The bounds of a read, as Level hands them over: encoded. */
export interface LevelRange {
  readonly gt?: LevelData | undefined
  readonly gte?: LevelData | undefined
  readonly lt?: LevelData | undefined
  readonly lte?: LevelData | undefined
  readonly reverse?: boolean | undefined
  /** At most so many items; −1 is no limit. */
  readonly limit?: number | undefined
}

/** The keys within the bounds. */
export function rangeOf({ gt, gte, lt, lte }: LevelRange): KeyRange {
  const lower = gte === undefined ? { gt: optional(gt) } : { gte: ownBytesOf(gte) }
  const upper = lte === undefined ? { lt: optional(lt) } : { lte: ownBytesOf(lte) }
  return keyRange({ ...lower, ...upper })
}

/** What is left of a range from a key on. A key outside of it leaves nothing. */
export function rangeFrom(range: KeyRange, direction: Direction, target: Uint8Array): KeyRange {
  const { lower, upper } = range
  const isBelow = compareBytes(target, lower) < 0
  const isAbove = upper !== undefined && compareBytes(target, upper) >= 0
  if (isBelow || isAbove) return { lower, upper: lower }
  return direction === 'forward' ? { lower: target, upper } : { lower, upper: keyAfter(target) }
}

/** A copy: the caller may change its bytes while what they bound is read. */
export function ownBytesOf(data: LevelData): Uint8Array {
  return copyOf(bytesOf(data))
}

function optional(data: LevelData | undefined): Uint8Array | undefined {
  return data === undefined ? undefined : ownBytesOf(data)
}
