/**
 * A scan: the keys of a range in order, each with its newest version in a view, one step at a time.
 *
 *     tree      a c d    ▸ step: a    ▸ step: c    │ b is written, c@9 too │    ▸ step: d
 *                                                  └ seek again, behind c
 *
 * The rule: writes, flushes and compactions may happen between two steps. A scan then looks at the tree
 * anew and goes on behind its last key. It is no generator, because a step is on the path of every row read.
 */
import { compareSpanTo } from '../base/bytes.ts'
import { type KeyRange, keyAfter } from '../base/key-range.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Direction, type KeyCursor, type KeySpan } from './cursor.ts'
import { type KeyedVersion, type Version } from './version.ts'
import { VersionSpan } from './version-span.ts'

/** What is scanned: something whose cursors are good for one epoch each. */
export interface ScanSource {
  /** Changes whenever cursors made before must not be used any more. */
  readonly epoch: number
  /** A cursor over the keys that have a version in the view. */
  cursor(view: Stretches, direction: Direction): KeyCursor
}

/** What a scan is of. */
export interface ScanPlan {
  readonly range: KeyRange
  readonly view: Stretches
  readonly direction: Direction
  /** Whether keys show whose newest version in the view is a tombstone. */
  readonly withTombstones: boolean
}

/** A scan, which stands at a key after each step that answered `true`. */
export class VersionScan<Value extends Uint8Array | undefined = Uint8Array | undefined> implements Iterable<
  KeyedVersion<Value>
> {
  readonly #source: ScanSource
  readonly #plan: ScanPlan
  #cursor: KeyCursor | undefined
  #epoch = 0
  #isOver = false
  /** Where the version that shows stands. */
  readonly found: VersionSpan = new VersionSpan()

  constructor(source: ScanSource, plan: ScanPlan) {
    this.#source = source
    this.#plan = plan
  }

  /** Where the key it stands at is in the tree's memory. */
  get span(): Readonly<KeySpan> {
    return this.#cursor!.span
  }

  /** The key it stands at: a look at the tree's memory. */
  get key(): Uint8Array {
    return this.#cursor!.key!
  }

  /** The version that shows there; its value is a look at the tree's memory. */
  get version(): Version<Value> {
    return this.found.version as Version<Value>
  }

  /** To the next key that shows something; whether there is one. */
  step(): boolean {
    const { withTombstones } = this.#plan
    if (this.#isOver) return false
    for (let cursor = this.#next(); cursor !== undefined; cursor = this.#next()) {
      cursor.locate(this.found)
      if (!this.found.isTombstone || withTombstones) return true
    }
    this.#isOver = true
    return false
  }

  /**
   * The newest version of this key in another view, if it lies right beside the one in {@link version}; otherwise
   * nothing is known. To be asked before the tree changes.
   */
  newestBeside(view: Stretches): Version | undefined {
    return this.#cursor!.newestBeside(view)
  }

  *[Symbol.iterator](): Generator<KeyedVersion<Value>> {
    while (this.step()) {
      const { time, value } = this.version
      yield { key: this.key, time, value }
    }
  }

  /** Moves to the next key of the range, on a cursor that is good. */
  #next(): KeyCursor | undefined {
    const { range, view, direction } = this.#plan
    let cursor = this.#cursor
    if (cursor !== undefined && this.#epoch === this.#source.epoch) cursor.advance()
    else {
      const last = cursor?.key
      cursor = this.#cursor = this.#source.cursor(view, direction)
      this.#epoch = this.#source.epoch
      if (direction === 'forward') cursor.seek(last === undefined ? range.lower : keyAfter(last))
      else cursor.seek(last ?? range.upper)
    }
    return cursor.isAtKey && !this.#isOutside(cursor) ? cursor : undefined
  }

  #isOutside({ span }: KeyCursor): boolean {
    const { range, direction } = this.#plan
    if (direction === 'reverse') return compareSpanTo(span, range.lower) < 0
    return range.upper !== undefined && compareSpanTo(span, range.upper) >= 0
  }
}
