/**
 * Diff: the keys whose answer differs between two times.
 *
 *     view as of a   ▐███████▌      ▐███████████▌
 *     view as of b   ▐███████▌  ▐███▌            ▐████▌
 *     in one only               ▐███▌▐███████████▌████▌      keys with a version here may differ
 *
 * A key without a version in the one view that is not in the other has the same newest version in both.
 * So the cost follows the keys that changed, and the files whose times meet the difference.
 *
 * Mostly the views share nothing later than what differs. Then the newest version that is in one of them only
 * answers that side, and the other side is answered by something older, often right beside it.
 */
import { compareBytes, equalBytes } from '../base/bytes.ts'
import { type KeyRange } from '../base/key-range.ts'
import { type Direction } from '../storage/cursor.ts'
import { type Version } from '../storage/version.ts'
import { type VersionScan } from '../storage/version-scan.ts'
import { MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretches, contains, difference, intersection, union } from '../time/stretches.ts'

/** The versions of one tablet. */
export interface RangeVersions {
  find(key: Uint8Array, view: Stretches): Version | undefined
  /** The keys that have a version in the view, in order, each with the newest one; it may be a tombstone. */
  newestVersions(range: KeyRange, view: Stretches, direction: Direction): ChangeScan
}

/** A scan of a tree, of which a version beside the one that shows can be asked. */
export type ChangeScan = Pick<VersionScan, 'step' | 'key' | 'version' | 'newestBeside'>

/** Where and in which view one of the two sides is read. */
export interface DiffSide {
  readonly versions: RangeVersions
  readonly view: Stretches
}

/** A key whose answer differs; a side that is `undefined` is absent. At least one is not. */
export interface KeyDifference {
  readonly key: Uint8Array
  readonly before: Version<Uint8Array> | undefined
  readonly after: Version<Uint8Array> | undefined
}

/** The keys of a range whose answer differs, in order, each by itself. A value that was written once more does not differ. */
export function* differences(
  before: DiffSide,
  after: DiffSide,
  range: KeyRange,
  direction: Direction,
): Generator<readonly KeyDifference[]> {
  const found =
    before.versions === after.versions
      ? changesInOne(before, after, range, direction)
      : changesInTwo(before, after, range, direction)
  for (const each of found) {
    if (!isSame(each.before?.value, each.after?.value)) yield [each]
  }
}

/** The times that lie in exactly one of two views. */
export function timesInOne(a: Stretches, b: Stretches): Stretches {
  return union(difference(a, b), difference(b, a))
}

/** The keys of two sides that lie in the same tablet, as far as a version is in one view only. */
function* changesInOne(
  before: DiffSide,
  after: DiffSide,
  range: KeyRange,
  direction: Direction,
): Generator<KeyDifference> {
  const changed = timesInOne(before.view, after.view)
  if (changed.length === 0) return
  const sharedThrough = intersection(before.view, after.view).at(-1)?.through ?? MIN_TIME
  const scan = before.versions.newestVersions(range, changed, direction)
  while (scan.step()) {
    const { key, version } = scan
    if (version.time < sharedThrough) {
      yield { key, before: live(find(before, key)), after: live(find(after, key)) }
    } else if (contains(after.view, version.time)) {
      const older = scan.newestBeside(before.view) ?? find(before, key)
      yield { key, before: live(older), after: live(version) }
    } else {
      const older = scan.newestBeside(after.view) ?? find(after, key)
      yield { key, before: live(version), after: live(older) }
    }
  }
}

/** All keys of two sides that lie in different tablets: nothing is known of what they share. */
function* changesInTwo(
  before: DiffSide,
  after: DiffSide,
  range: KeyRange,
  direction: Direction,
): Generator<KeyDifference> {
  const [a, b] = [before, after].map(({ versions, view }) => versions.newestVersions(range, view, direction))
  const sign = direction === 'forward' ? 1 : -1
  let [hasA, hasB] = [a!.step(), b!.step()]
  while (hasA || hasB) {
    const order = !hasA ? 1 : !hasB ? -1 : sign * compareBytes(a!.key, b!.key)
    const key = order <= 0 ? a!.key : b!.key
    yield {
      key,
      before: order <= 0 ? live(a!.version) : undefined,
      after: order >= 0 ? live(b!.version) : undefined,
    }
    if (order <= 0) hasA = a!.step()
    if (order >= 0) hasB = b!.step()
  }
}

function find({ versions, view }: DiffSide, key: Uint8Array): Version | undefined {
  return versions.find(key, view)
}

function live(version: Version | undefined): Version<Uint8Array> | undefined {
  return version?.value === undefined ? undefined : (version as Version<Uint8Array>)
}

function isSame(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return equalBytes(a, b)
}
