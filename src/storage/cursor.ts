/**
 * Cursors: moving over the keys of a source that have a version in a view, in one direction; at each, the
 * newest one in it shows. This is how reads see the tree; compaction sees it as streams of versions.
 *
 *     view of 4      a@9 a@3    b@7    c@4 c@2        it stands at a, where a@3 shows, and at c, where c@4 does
 *
 * Sources are asked from new to old. For one key, every version in an earlier source is newer than
 * every version in a later one (a structural law of the tree), so the first answer is the answer.
 */
import { NO_BYTES, NO_VIEW, compareSpans } from '../base/bytes.ts'
import { type Stretches } from '../time/stretches.ts'
import { type VersionSpan } from './version-span.ts'

/** `forward` moves to greater keys, `reverse` to smaller ones. */
export type Direction = 'forward' | 'reverse'

/** Where a key stands in memory. A cursor has one for all its keys: to move on then allocates nothing. */
export interface KeySpan {
  bytes: Uint8Array
  view: DataView
  from: number
  to: number
}

/** A position over those keys of one source, or of many, that show something in a view. Nowhere until {@link seek}. */
export interface KeyCursor {
  /** Whether it stands at a key, and not past the end. */
  readonly isAtKey: boolean
  /** Where the key is, if it stands at one: good until it moves. */
  readonly span: Readonly<KeySpan>
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
}

/** The span of a cursor that has not moved. */
export function emptySpan(): KeySpan {
  return { bytes: NO_BYTES, view: NO_VIEW, from: 0, to: 0 }
}

/** The key at which a cursor stands, as a look at its memory. */
export function keyAtCursor({ isAtKey, span }: KeyCursor): Uint8Array | undefined {
  return isAtKey ? span.bytes.subarray(span.from, span.to) : undefined
}

/** One cursor over many sources, the newest source first. */
export class MergingCursor implements KeyCursor {
  readonly #sources: readonly KeyCursor[]
  readonly #sign: 1 | -1
  /** The sources that stand at the key, the newest first: the first so many of this list. */
  readonly #atKey: KeyCursor[] = []
  #atKeyCount = 0
  span: Readonly<KeySpan> = emptySpan()

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
