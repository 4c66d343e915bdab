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
import { type ByteSpan, compareSpans, lookAt } from '../base/bytes.ts'
import { type KeyRange } from '../base/key-range.ts'
import { type Direction } from '../storage/cursor.ts'
import { type BesideOf, type FoundRow } from '../storage/found-rows.ts'
import { VersionSpan } from '../storage/version-span.ts'
import { type HybridTime, MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretches, contains, difference, intersection, union } from '../time/stretches.ts'

/** The versions of one tablet. */
export interface RangeVersions {
  /** Says where the newest version of the key in the view is, if there is one; it may be a tombstone. */
  locate(key: Uint8Array, view: Stretches, found: VersionSpan): boolean
  /**
   * The keys that have a version in the view, in order, each with the newest one; it may be a tombstone. Of each,
   * what is beside it in another view, where that is asked for and known.
   */
  newestVersions(range: KeyRange, view: Stretches, direction: Direction, besideOf?: BesideOf): ChangeScan
}

/** A scan, which stands at a row after each step that answered `true`. */
export interface ChangeScan {
  step(): boolean
  readonly row: Readonly<FoundRow>
}

/** Where and in which view one of the two sides is read. */
export interface DiffSide {
  readonly versions: RangeVersions
  readonly view: Stretches
}

/**
 * The keys of a range whose answer differs, in order: after each step that answered `true` it stands at one. A value
 * that was written once more does not differ.
 */
export interface KeyDifferences {
  step(): boolean
  /** Where the key is. */
  readonly key: ByteSpan
  /** Where the values are; a side that is `undefined` is absent. At least one is not. */
  readonly before: VersionSpan | undefined
  readonly after: VersionSpan | undefined
}

/** Looks for the differences of two sides. */
export function differences(
  before: DiffSide,
  after: DiffSide,
  range: KeyRange,
  direction: Direction,
): KeyDifferences {
  return before.versions === after.versions
    ? new DifferencesInOne(before, after, range, direction)
    : new DifferencesInTwo(before, after, range, direction)
}

/** The times that lie in exactly one of two views. */
export function timesInOne(a: Stretches, b: Stretches): Stretches {
  return union(difference(a, b), difference(b, a))
}

const BEFORE = 0
const AFTER = 1
type Side = typeof BEFORE | typeof AFTER

/** Of two sides that lie in the same tablet. */
class DifferencesInOne implements KeyDifferences {
  readonly #sides: readonly [before: DiffSide, after: DiffSide]
  readonly #scan: ChangeScan
  /** What is after this time shows in one of the views only. */
  readonly #sharedThrough: HybridTime
  /** The side that alone has all that differs, all of it later than what both have: mostly there is one. */
  readonly #newer: Side | undefined
  /** Where what had to be looked for stands. */
  readonly #found = [new VersionSpan(), new VersionSpan()] as const
  before: VersionSpan | undefined
  after: VersionSpan | undefined

  constructor(before: DiffSide, after: DiffSide, range: KeyRange, direction: Direction) {
    this.#sides = [before, after]
    this.#sharedThrough = intersection(before.view, after.view).at(-1)?.through ?? MIN_TIME
    const changed = timesInOne(before.view, after.view)
    const side = sideWithAll(before.view, after.view)
    const isLater = (changed[0]?.after ?? MIN_TIME) >= this.#sharedThrough
    this.#newer = isLater ? side : undefined
    // What is beside a version that shows in one view only is asked of the view in which it does not show.
    const besideOf: BesideOf = (version) => this.#sides[1 - (side ?? this.#sideIn(version))]!.view
    this.#scan = before.versions.newestVersions(range, changed, direction, besideOf)
  }

  get key(): ByteSpan {
    return this.#scan.row.key
  }

  step(): boolean {
    while (this.#scan.step()) {
      this.#compare(this.#scan.row)
      if (!isSame(this.before, this.after)) return true
    }
    return false
  }

  #compare({ version, beside }: Readonly<FoundRow>): void {
    const side = this.#newer ?? this.#sideOf(version)
    if (side === AFTER) {
      this.before = beside ? live(beside) : this.#locate(BEFORE)
      this.after = live(version)
    } else if (side === BEFORE) {
      this.before = live(version)
      this.after = beside ? live(beside) : this.#locate(AFTER)
    } else {
      this.before = this.#locate(BEFORE)
      this.after = this.#locate(AFTER)
    }
  }

  /** The side that a version answers, if it is later than what both sides have. */
  #sideOf(version: VersionSpan): Side | undefined {
    return version.isAfter(this.#sharedThrough) ? this.#sideIn(version) : undefined
  }

  /** The side in whose view a version shows that shows in one only. */
  #sideIn(version: VersionSpan): Side {
    return contains(this.#sides[AFTER].view, version.time) ? AFTER : BEFORE
  }

  /** What a side shows, by a search from the top. */
  #locate(side: Side): VersionSpan | undefined {
    const { versions, view } = this.#sides[side]
    const found = this.#found[side]
    return versions.locate(lookAt(this.key), view, found) ? live(found) : undefined
  }
}

/** Of two sides that lie in different tablets: nothing is known of what they share. */
class DifferencesInTwo implements KeyDifferences {
  readonly #scans: readonly [before: ChangeScan, after: ChangeScan]
  readonly #sign: 1 | -1
  /** Which of the scans stand at a key. */
  #hasBefore = false
  #hasAfter = false
  /** How the key of the one compares with that of the other: the lesser one was last compared. */
  #order = 0
  before: VersionSpan | undefined
  after: VersionSpan | undefined

  constructor(before: DiffSide, after: DiffSide, range: KeyRange, direction: Direction) {
    const scanOf = ({ versions, view }: DiffSide) => versions.newestVersions(range, view, direction)
    this.#scans = [scanOf(before), scanOf(after)]
    this.#sign = direction === 'forward' ? 1 : -1
  }

  get key(): ByteSpan {
    return this.#scans[this.#order <= 0 ? 0 : 1].row.key
  }

  step(): boolean {
    const [a, b] = this.#scans
    do {
      if (this.#order <= 0) this.#hasBefore = a.step()
      if (this.#order >= 0) this.#hasAfter = b.step()
      if (!this.#hasBefore && !this.#hasAfter) return false
      this.#order = this.#orderOfKeys()
      this.before = this.#order <= 0 ? live(a.row.version) : undefined
      this.after = this.#order >= 0 ? live(b.row.version) : undefined
    } while (isSame(this.before, this.after))
    return true
  }

  #orderOfKeys(): number {
    if (!this.#hasBefore) return 1
    if (!this.#hasAfter) return -1
    const [a, b] = this.#scans
    return this.#sign * compareSpans(a.row.key, b.row.key)
  }
}

/** The side whose view has all that is in one of the two only. */
function sideWithAll(before: Stretches, after: Stretches): Side | undefined {
  if (difference(before, after).length === 0) return AFTER
  return difference(after, before).length === 0 ? BEFORE : undefined
}

function live(version: VersionSpan): VersionSpan | undefined {
  return version.isTombstone ? undefined : version
}

function isSame(a: VersionSpan | undefined, b: VersionSpan | undefined): boolean {
  if (a === undefined || b === undefined) return a === b
  return a.to - a.from === b.to - b.from && compareSpans(a, b) === 0
}
