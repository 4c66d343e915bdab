/**
 * A key that is looked for, made ready once for all places that are asked for it: with its hash, and as words of four
 * bytes, because keys whose length is a number of whole words are compared a word at a time.
 *
 *     key       k e y : │ 0 0 1 7 │
 *     words      first  │ second  │        the lowest byte first, as they stand in blocks
 */
import { wordAt } from '../base/binary.ts'
import { NO_BYTES } from '../base/bytes.ts'
import { hashOfKey, hashOfWords } from './bloom-filter.ts'

/** Longer keys are compared by bytes. */
const WORDS_MAX = 16

/** A key that is looked for. Who searches has one for all its searches: to make it ready then allocates nothing. */
export class SoughtKey {
  bytes: Uint8Array = NO_BYTES
  hash = 0
  /** How many words it is, if it is whole ones and not too many; otherwise 0. */
  wordCount = 0
  readonly words: Int32Array = new Int32Array(WORDS_MAX)
  /** What makes equal keys of different trees different. */
  readonly #salt: number

  /** A key to begin with, if there is one, and the tree that it is looked for in. */
  constructor(key?: Uint8Array, tree = 0) {
    this.#salt = Math.imul(tree, 0x9e3779b1)
    if (key !== undefined) this.be(key)
  }

  /** A hash of the key and its tree: for one key no two trees have the same. */
  get placeHash(): number {
    return this.hash ^ this.#salt
  }

  /** Becomes another key, which must not change while it is looked for. */
  be(key: Uint8Array): this {
    const { length } = key
    const count = (length & 3) === 0 && length <= 4 * WORDS_MAX ? length >> 2 : 0
    for (let i = 0; i < count; i++) this.words[i] = wordAt(key, 4 * i)
    this.bytes = key
    this.wordCount = count
    this.hash = count > 0 ? hashOfWords(this.words, count) : hashOfKey(key)
    return this
  }
}

/** How two different words compare as bytes, the lowest of which comes first. */
export function compareWords(a: number, b: number): number {
  const differing = a ^ b
  // The lowest bit that differs lies in the first byte that does.
  const shift = (31 - Math.clz32(differing & -differing)) & 24
  return ((a >>> shift) & 0xff) - ((b >>> shift) & 0xff)
}
