/**
 * Diff: the keys whose answer differs between two times.
 *
 *     view as of a   ▐███████▌      ▐███████████▌
 *     view as of b   ▐███████▌  ▐███▌            ▐████▌
 *     in one only               ▐███▌▐███████████▌████▌      keys with a version here may differ
 *
 * A key without a version in the one view that is not in the other has the same newest version in both.
 * So the cost follows the keys that changed, and the files whose times meet the difference.
 */
import { compareBytes, equalBytes } from '../base/bytes.ts'
import { type KeyRange } from '../base/key-range.ts'
import { type Direction } from '../storage/cursor.ts'
import { type KeyedVersion, type Version } from '../storage/version.ts'
import { type Stretches, difference, union } from '../time/stretches.ts'

/** The versions of one tablet. */
export interface RangeVersions {
  find(key: Uint8Array, view: Stretches): Version | undefined
  /** The keys that have a version in the view, in order, each with the newest one; it may be a tombstone. */
  newestVersions(range: KeyRange, view: Stretches, direction: Direction): Iterable<KeyedVersion>
}

/** Where and in which view one of the two sides is read. */
export interface DiffSide {
  readonly versions: RangeVersions
  readonly view: Stretches
}

/** A key whose answer differs; a side that is `undefined` is absent. At least one is not. */
export interface KeyDifference {
  readonly key: Uint8Array
  readonly before: (Version & { readonly value: Uint8Array }) | undefined
  readonly after: (Version & { readonly value: Uint8Array }) | undefined
}

/** The keys of a range whose answer differs, in order. A value that was written once more does not differ. */
export function* differences(
  before: DiffSide,
  after: DiffSide,
  range: KeyRange,
  direction: Direction,
): Generator<KeyDifference> {
  const keys =
    before.versions === after.versions
      ? candidates(before, after, range, direction)
      : keysOfBoth(before, after, range, direction)
  for (const key of keys) {
    const found = { key, before: shown(before, key), after: shown(after, key) }
    if (!isSame(found.before?.value, found.after?.value)) yield found
  }
}

/** The times that lie in exactly one of two views. */
export function timesInOne(a: Stretches, b: Stretches): Stretches {
  return union(difference(a, b), difference(b, a))
}

function* candidates(
  { versions, view }: DiffSide,
  after: DiffSide,
  range: KeyRange,
  direction: Direction,
): Generator<Uint8Array> {
  const changed = timesInOne(view, after.view)
  if (changed.length === 0) return
  for (const { key } of versions.newestVersions(range, changed, direction)) yield key
}

/** All keys of two sides that lie in different tablets: nothing is known of what they share. */
function* keysOfBoth(
  before: DiffSide,
  after: DiffSide,
  range: KeyRange,
  direction: Direction,
): Generator<Uint8Array> {
  const sides = [before, after].map(({ versions, view }) =>
    versions.newestVersions(range, view, direction)[Symbol.iterator](),
  )
  const sign = direction === 'forward' ? 1 : -1
  const heads = sides.map((side) => keyOf(side))
  for (;;) {
    const [a, b] = heads
    const order = a === undefined ? 1 : b === undefined ? -1 : sign * compareBytes(a, b)
    const key = order <= 0 ? a : b
    if (key === undefined) return
    yield key
    if (order <= 0) heads[0] = keyOf(sides[0]!)
    if (order >= 0) heads[1] = keyOf(sides[1]!)
  }
}

function keyOf(versions: Iterator<KeyedVersion>): Uint8Array | undefined {
  const next = versions.next()
  return next.done === true ? undefined : next.value.key
}

function shown({ versions, view }: DiffSide, key: Uint8Array): KeyDifference['before'] {
  const version = versions.find(key, view)
  return version?.value === undefined ? undefined : { time: version.time, value: version.value }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return equalBytes(a, b)
}
