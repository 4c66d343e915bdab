/**
 * Cursors: moving over the keys of a source in one direction and asking, at each, for the newest
 * version in a view. This is how reads see the tree; compaction sees it as streams of versions.
 *
 * Sources are asked from new to old. For one key, every version in an earlier source is newer than
 * every version in a later one (a structural law of the tree), so the first answer is the answer.
 */
import { compareBytes } from '../base/bytes.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Version } from './version.ts'

/** `forward` moves to greater keys, `reverse` to smaller ones. */
export type Direction = 'forward' | 'reverse'

/** A position over the distinct keys of one source, or of many. Nowhere until {@link seek}. */
export interface KeyCursor {
  /** The key it stands at, or `undefined` past the end. */
  readonly key: Uint8Array | undefined
  /**
   * Forward: to the first key at or above `key`. Reverse: to the last key below `key`, or to the last
   * of all where `key` is `undefined`.
   */
  seek(key: Uint8Array | undefined): void
  /** To the next key in its direction. */
  advance(): void
  /** The newest version of the key it stands at whose time lies in the view. */
  newestIn(view: Stretches): Version | undefined
}

/** One cursor over many sources, the newest source first. */
export class MergingCursor implements KeyCursor {
  readonly #sources: readonly KeyCursor[]
  readonly #sign: 1 | -1
  #key: Uint8Array | undefined
  /** The sources that stand at the key, the newest first: the first so many of this list. */
  readonly #atKey: KeyCursor[] = []
  #atKeyCount = 0

  constructor(sources: readonly KeyCursor[], direction: Direction) {
    this.#sources = sources
    this.#sign = direction === 'forward' ? 1 : -1
  }

  get key(): Uint8Array | undefined {
    return this.#key
  }

  seek(key: Uint8Array | undefined): void {
    for (const source of this.#sources) source.seek(key)
    this.#findKey()
  }

  advance(): void {
    for (let i = 0; i < this.#atKeyCount; i++) this.#atKey[i]!.advance()
    this.#findKey()
  }

  newestIn(view: Stretches): Version | undefined {
    for (let i = 0; i < this.#atKeyCount; i++) {
      const version = this.#atKey[i]!.newestIn(view)
      if (version !== undefined) return version
    }
    return undefined
  }

  #findKey(): void {
    let least: Uint8Array | undefined
    let count = 0
    for (const source of this.#sources) {
      const { key } = source
      if (key === undefined) continue
      const order = least === undefined ? -1 : this.#sign * compareBytes(key, least)
      if (order > 0) continue
      if (order < 0) {
        least = key
        count = 0
      }
      this.#atKey[count++] = source
    }
    this.#key = least
    this.#atKeyCount = count
  }
}
