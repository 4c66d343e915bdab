/**
 * Cursors: moving over the keys of a source that have a version in a view, in one direction; at each, the
 * newest one in it shows. This is how reads see the tree; compaction sees it as streams of versions.
 *
 *     view of 4      a@9 a@3    b@7    c@4 c@2        it stands at a, where a@3 shows, and at c, where c@4 does
 *
 * Sources are asked from new to old. For one key, every version in an earlier source is newer than
 * every version in a later one (a structural law of the tree), so the first answer is the answer.
 */
import { type ByteSpan, NO_VIEW, compareSpans, lookAt } from '../base/bytes.ts'
import { type Stretches } from '../time/stretches.ts'
import { type VersionSpan } from './version-span.ts'

/** `forward` moves to greater keys, `reverse` to smaller ones. */
export type Direction = 'forward' | 'reverse'

/** Where a key stands in memory. A cursor has one for all its keys: to move on then allocates nothing. */
export interface KeySpan {
  view: DataView
  from: number
  to: number
}

/** A position over those keys of one source, or of many, that show something in a view. Nowhere until {@link seek}. */
export interface KeyCursor {
  /** Whether it stands at a key, and not past the end. */
  readonly isAtKey: boolean
  /** Where the key is, if it stands at one: good until it moves. */
  readonly span: ByteSpan
  /** The key it stands at, or `undefined` past the end. */
  readonly key: Uint8Array | undefined
  /**
   * Forward: to the first key at or above `key`. Reverse: to the last key below `key`, or to the last
   * of all where `key` is `undefined`.
   */
  seek(key: Uint8Array | undefined): void
  /** To the next key in its direction. */
  advance(): void
  /** Says where the newest version in the view of the key it stands at is; it may be a tombstone. */
  locate(found: VersionSpan): void
  /**
   * Says where the newest version in another view is, if it is found right beside the one that shows, which takes no
   * search from the top; otherwise nothing is known. No other source has a version between two of one source.
   */
  locateBeside(view: Stretches, found: VersionSpan): boolean
  /**
   * Gives a sink, which has room, the key it stands at and those that follow: all, or all before `end`. If there is no
   * room left before that, it stands at the key that it gave last, otherwise behind it.
   */
  feed(sink: KeySink, end: ByteSpan | undefined): void
}

/** What takes in keys in the order of a cursor. */
export interface KeySink {
  readonly hasRoom: boolean
  /** Takes in the key at which a cursor stands, or passes it over; or has no room from this key on. */
  add(cursor: KeyCursor): void
}

/** What {@link KeyCursor.feed} does, key by key; `sign` is 1 forward and −1 in reverse. */
export function feedOneByOne(
  cursor: KeyCursor,
  sink: KeySink,
  end: ByteSpan | undefined,
  sign: 1 | -1,
): void {
  while (isBefore(cursor, end, sign)) {
    sink.add(cursor)
    if (!sink.hasRoom) return
    cursor.advance()
  }
}

function isBefore({ isAtKey, span }: KeyCursor, end: ByteSpan | undefined, sign: 1 | -1): boolean {
  return isAtKey && (end === undefined || sign * compareSpans(span, end) < 0)
}

/** The span of a cursor that has not moved. */
export function emptySpan(): KeySpan {
  return { view: NO_VIEW, from: 0, to: 0 }
}

/** The key at which a cursor stands, as a look at its memory. */
export function keyAtCursor({ isAtKey, span }: KeyCursor): Uint8Array | undefined {
  return isAtKey ? lookAt(span) : undefined
}

/** A source that gave so many keys in a row is asked for all that it has before the others have one. */
const GALLOPS_AFTER = 3

/** One cursor over many sources, the newest source first. */
export class MergingCursor implements KeyCursor {
  readonly #sources: readonly KeyCursor[]
  readonly #sign: 1 | -1
  /** The sources that stand at the key, the newest first: the first so many of this list. */
  readonly #atKey: KeyCursor[] = []
  #atKeyCount = 0
  span: ByteSpan = emptySpan()

  constructor(sources: readonly KeyCursor[], direction: Direction) {
    this.#sources = sources
    this.#sign = direction === 'forward' ? 1 : -1
  }

  get isAtKey(): boolean {
    return this.#atKeyCount > 0
  }

  get key(): Uint8Array | undefined {
    return keyAtCursor(this)
  }

  seek(key: Uint8Array | undefined): void {
    for (const source of this.#sources) source.seek(key)
    this.#findKey()
  }

  advance(): void {
    for (let i = 0; i < this.#atKeyCount; i++) this.#atKey[i]!.advance()
    this.#findKey()
  }

  locate(found: VersionSpan): void {
    this.#atKey[0]!.locate(found)
  }

  locateBeside(view: Stretches, found: VersionSpan): boolean {
    return this.#atKey[0]!.locateBeside(view, found)
  }

  feed(sink: KeySink, end: ByteSpan | undefined): void {
    let last: KeyCursor | undefined
    let inARow = 0
    while (isBefore(this, end, this.#sign)) {
      const source = this.#atKey[0]!
      inARow = this.#atKeyCount === 1 && source === last ? inARow + 1 : 0
      last = source
      // Galloping: who gave some keys in a row may have many before the others have one.
      if (inARow >= GALLOPS_AFTER) {
        source.feed(sink, this.#endFor(source, end))
        if (!sink.hasRoom) return
        this.#findKey()
      } else {
        sink.add(this)
        if (!sink.hasRoom) return
        this.advance()
      }
    }
  }

  /** Where another source than this one has a key, or `end`, if that comes first. */
  #endFor(source: KeyCursor, end: ByteSpan | undefined): ByteSpan | undefined {
    let first = end
    for (const other of this.#sources)
      if (other !== source && isBefore(other, first, this.#sign)) first = other.span
    return first
  }

  #findKey(): void {
    let count = 0
    for (let i = 0; i < this.#sources.length; i++) {
      const source = this.#sources[i]!
      if (!source.isAtKey) continue
      const order = count === 0 ? -1 : this.#sign * compareSpans(source.span, this.span)
      if (order > 0) continue
      if (order < 0) {
        this.span = source.span
        count = 0
      }
      this.#atKey[count++] = source
    }
    this.#atKeyCount = count
  }
}
