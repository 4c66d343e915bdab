/**
 * The next rows of a scan, found some at a time: where each key and the version that shows stand.
 *
 *     find a b c d ── fetch their values ── hand out a ── b ── c ── d ── find e …
 *
 * To find, to wait for memory and to hand out are loops of their own: each is short, and the processor waits for the
 * values of many rows at once. A scan that is read to its end looks further ahead each time.
 *
 * What says where rows stand serves one scan after the other, as long as these find few at a time.
 */
import { type ByteSpan, NO_VIEW, compareSpanTo } from '../base/bytes.ts'
import { type KeyRange } from '../base/key-range.ts'
import { type Stretches } from '../time/stretches.ts'
import { CHUNK_BYTES_MAX } from './arena.ts'
import { type Direction, type KeyCursor, type KeySink, type KeySpan, emptySpan } from './cursor.ts'
import { fetchBytes } from './fetch.ts'
import { VersionSpan } from './version-span.ts'

/** So many rows are found at first, and at most: the more there are, the better the processor is used. */
const FIRST_ROWS = 16
const ROWS_MAX = 256
/** What shows stands in no more blocks than this, because a block that somebody points to is not collected. */
const BLOCKS_MAX = 64
/**
 * And behind the first of these, to which its cursor points anyway, in no more bytes: as many as the chunks of a memtable
 * come to, and far more than blocks do, unless there are large values in them.
 */
const BYTES_MAX = BLOCKS_MAX * CHUNK_BYTES_MAX

/** A scan that finds more at a time has rows of its own: made together, they stand close together in memory. */
const SPARE_ROWS_MAX = 128

/** Which other view is asked for what is beside a version that shows. */
export type BesideOf = (shown: VersionSpan) => Stretches

/**
 * Where a row stands. It is good until more rows are asked for, whatever happens to the tree, because what it points to
 * is never written again.
 */
export class FoundRow {
  readonly key: KeySpan = emptySpan()
  readonly version: VersionSpan = new VersionSpan()
  /** Of another view the newest version, where it was asked for and stands beside the one that shows. */
  beside: VersionSpan | undefined
}

/** Which rows are taken in. */
export interface RowPlan {
  readonly range: KeyRange
  readonly direction: Direction
  /** Whether keys show whose newest version in the view is a tombstone. */
  readonly withTombstones: boolean
  /** Which other view is asked for what is beside the version that shows; none, if left out. */
  readonly besideOf?: BesideOf | undefined
}

/** Rows that a scan has left, for the next one: to make a hundred takes a seventh of a scan of a hundred. They point nowhere. */
let spareRows: FoundRow[] = []

/** Rows that are found and not yet handed out. */
export class FoundRows implements KeySink {
  // The plan, field by field: plans are put together in many places, and V8 finds the fields of objects of many shapes slowly.
  readonly #range: KeyRange
  readonly #direction: Direction
  readonly #withTombstones: boolean
  readonly #besideOf: BesideOf | undefined
  #rows: FoundRow[] = spareRows
  readonly #besides: VersionSpan[] = []
  /** How many there are room for this time. */
  #room = 0
  #count = 0
  #at = 0
  /** How many rows of the list point to memory, those of before included. */
  #pointing = 0
  /** In how many blocks, or chunks of a memtable, versions were found one after the other, and the last of these. */
  #blocks = 0
  /** The bytes of all of these but the first; of one that was found again in turn with another, again. */
  #bytes = 0
  #block = NO_VIEW
  /** Whether a key behind the range was seen. */
  #isAtEnd = false

  constructor({ range, direction, withTombstones, besideOf }: RowPlan) {
    this.#range = range
    this.#direction = direction
    this.#withTombstones = withTombstones
    this.#besideOf = besideOf
    spareRows = []
  }

  /** How many rows were found and not handed out, the one it is at included. */
  get left(): number {
    return Math.max(0, this.#count - this.#at)
  }

  /** Whether more can be added. */
  get hasRoom(): boolean {
    return this.#count < this.#room && !this.#isAtEnd
  }

  /** The row it is at. */
  get row(): FoundRow {
    return this.#rows[this.#at]!
  }

  /** To the next row; whether there is one. */
  advance(): boolean {
    return ++this.#at < this.#count
  }

  /** To be called before cursors are made anew: who writes between rows has few of them found in vain. */
  startOver(): void {
    this.#room = 0
    this.#isAtEnd = false
  }

  /** Forgets all rows, and makes room for more, up to `most`; for none behind the end of the range. */
  clear(most: number): void {
    this.#room = Math.min(most, ROWS_MAX, Math.max(FIRST_ROWS, 2 * this.#room))
    if (this.#room > SPARE_ROWS_MAX && this.#rows.length <= SPARE_ROWS_MAX) this.#leaveRows()
    while (this.#rows.length < this.#room) this.#rows.push(new FoundRow())
    this.#count = this.#at = this.#blocks = this.#bytes = 0
    this.#block = NO_VIEW
  }

  /** Takes in what a cursor stands at; not if it is a tombstone, unless they are asked for. */
  add(cursor: KeyCursor): void {
    const { span } = cursor
    this.#isAtEnd = this.#isOutside(span)
    if (this.#isAtEnd) return
    const row = this.#rows[this.#count]!
    const { key, version } = row
    cursor.locate(version)
    if (version.isTombstone && !this.#withTombstones) {
      version.view = NO_VIEW
      return
    }
    key.view = span.view
    key.from = span.from
    key.to = span.to
    const besideOf = this.#besideOf
    if (besideOf !== undefined) {
      const beside = (this.#besides[this.#count] ??= new VersionSpan())
      row.beside = cursor.locateBeside(besideOf(version), beside) ? beside : undefined
    }
    this.#count++
    if (version.view !== this.#block) this.#noteBlock(version.view)
  }

  #noteBlock(block: DataView): void {
    this.#block = block
    if (++this.#blocks > 1) this.#bytes += block.byteLength
    if (this.#blocks === BLOCKS_MAX || this.#bytes >= BYTES_MAX) this.#room = this.#count
  }

  #isOutside(span: ByteSpan): boolean {
    const { lower, upper } = this.#range
    if (this.#direction === 'reverse') return compareSpanTo(span, lower) < 0
    return upper !== undefined && compareSpanTo(span, upper) >= 0
  }

  /** Asks for the memory of all values. */
  fetchValues(): void {
    for (let i = 0; i < this.#count; i++) {
      const { version, beside } = this.#rows[i]!
      fetchBytes(version.view, version.from, version.to)
      if (beside !== undefined) fetchBytes(beside.view, beside.from, beside.to)
    }
  }

  /** To be called when all are found: lets go the memory to which rows of before point. */
  letGoOfEarlier(): void {
    for (let i = this.#count; i < this.#pointing; i++) this.#letGo(i)
    this.#pointing = this.#count
  }

  /** To be called when no more are asked for: what stood for rows here will stand for those of other scans. */
  end(): void {
    this.#room = 0
    this.#leaveRows()
  }

  /** Leaves the rows to the next scan, if they are not too many, and more than it would have. */
  #leaveRows(): void {
    this.#count = 0
    this.letGoOfEarlier()
    const { length } = this.#rows
    if (length > spareRows.length && length <= SPARE_ROWS_MAX) spareRows = this.#rows
    this.#rows = []
  }

  #letGo(index: number): void {
    const row = this.#rows[index]!
    row.key.view = row.version.view = NO_VIEW
    row.beside = undefined
    const beside = this.#besides[index]
    if (beside !== undefined) beside.view = NO_VIEW
  }
}
