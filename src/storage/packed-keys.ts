/**
 * Keys in rising order in one piece of memory, to be searched: a search over separate arrays would wait for memory
 * at each step. Blocks are that, and the index of a table is searched by it.
 *
 *     ends    4 │ 9 │ 13                 where each key ends
 *     keys    key1key12key2              "key" begins them all: no comparison of a search looks at it again
 */
import { wordsOf } from '../base/binary.ts'
import { comparePart } from '../base/bytes.ts'
import { type KeySpan } from './cursor.ts'
import { type SoughtKey, compareWords } from './sought-key.ts'

/** Where keys stand. */
export interface KeyColumn {
  readonly bytes: Uint8Array
  /** The same as words, the lowest byte first, as far as they are whole. */
  readonly words: Uint32Array
  readonly keyCount: number
  /** Key i ends at `ends[firstEnd + i]` bytes behind `keyBytes`. */
  readonly ends: Uint32Array
  readonly firstEnd: number
  /** Where in the bytes the first key begins. */
  readonly keyBytes: number
}

/** Keys in rising order, searched in place. Keys that it returns are looks at its memory. */
export class PackedKeys {
  readonly bytes: Uint8Array
  /** The same as numbers. */
  readonly view: DataView
  readonly keyCount: number
  readonly #ends: Uint32Array
  readonly #firstEnd: number
  readonly #keyBytes: number
  /** With so many bytes all keys begin alike. */
  readonly #sharedBytes: number
  /** How long all keys are; 0 if they are not equally long. */
  readonly #keyLength: number
  /** How many words each key is, if all are equally many whole ones; otherwise 0. */
  readonly #keyWords: number
  readonly #words: Uint32Array

  /** Takes a column whose ends rise and lie in its bytes. */
  constructor({ bytes, words, keyCount, ends, firstEnd, keyBytes }: KeyColumn) {
    this.bytes = bytes
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    this.keyCount = keyCount
    this.#ends = ends
    this.#firstEnd = firstEnd
    this.#keyBytes = keyBytes
    this.#keyLength = commonLength(ends, firstEnd, keyCount)
    this.#words = words
    this.#keyWords = ((this.#keyLength | keyBytes) & 3) === 0 ? this.#keyLength >> 2 : 0
    this.#sharedBytes = keyCount === 0 ? 0 : sharedLength(this.keyAt(0), this.keyAt(keyCount - 1))
  }

  /** The index of the first key at or above `key`; the number of keys if there is none. */
  findKey(key: SoughtKey): number {
    const isByWords = this.#isByWords(key)
    const order = isByWords ? this.#compareSharedWords(key) : this.#compareShared(key.bytes)
    if (order !== 0) return order > 0 ? 0 : this.keyCount
    let low = 0
    let high = this.keyCount
    while (low < high) {
      const middle = (low + high) >>> 1
      const isBelow = isByWords
        ? this.#compareByWords(middle, key, this.#sharedBytes >> 2) < 0
        : comparePart(this.bytes, this.#keyFrom(middle), this.#keyTo(middle), key.bytes, this.#sharedBytes) <
          0
      if (isBelow) low = middle + 1
      else high = middle
    }
    return low
  }

  /** How key `index` compares with `key`. */
  compareKeyAt(index: number, key: SoughtKey): number {
    if (this.#isByWords(key)) return this.#compareByWords(index, key, 0)
    return comparePart(this.bytes, this.#keyFrom(index), this.#keyTo(index), key.bytes)
  }

  /** As {@link compareKeyAt}, of a key of as many words; the first `alike` are known to be the same. */
  #compareByWords(index: number, key: SoughtKey, alike: number): number {
    const count = this.#keyWords
    const from = (this.#keyBytes >> 2) + index * count
    for (let i = alike; i < count; i++) {
      const word = this.#words[from + i]! | 0
      const other = key.words[i]!
      if (word !== other) return compareWords(word, other)
    }
    return 0
  }

  /** Key `index`. */
  keyAt(index: number): Uint8Array {
    return this.bytes.subarray(this.#keyFrom(index), this.#keyTo(index))
  }

  /** Says where key `index` stands. */
  locateKey(index: number, span: KeySpan): void {
    span.view = this.view
    span.from = this.#keyFrom(index)
    span.to = this.#keyTo(index)
  }

  /** Whether all keys are as many whole words as `key` is. */
  #isByWords(key: SoughtKey): boolean {
    return this.#keyWords > 0 && this.#keyWords === key.wordCount
  }

  /** As {@link compareShared}, of a key of as many words, as far as what is shared is whole words. */
  #compareSharedWords({ words }: SoughtKey): number {
    const from = this.#keyBytes >> 2
    const count = this.#sharedBytes >> 2
    for (let i = 0; i < count; i++) {
      const word = this.#words[from + i]! | 0
      if (word !== words[i]) return compareWords(word, words[i]!)
    }
    return 0
  }

  /** How what all keys begin with compares with the beginning of `key`. */
  #compareShared(key: Uint8Array): number {
    for (let i = 0; i < this.#sharedBytes; i++) {
      if (i === key.length) return 1
      const difference = this.bytes[this.#keyBytes + i]! - key[i]!
      if (difference !== 0) return difference
    }
    return 0
  }

  #keyFrom(index: number): number {
    return index === 0 ? this.#keyBytes : this.#keyTo(index - 1)
  }

  #keyTo(index: number): number {
    // Where the length is known, nobody waits for the memory of the column.
    if (this.#keyLength > 0) return this.#keyBytes + (index + 1) * this.#keyLength
    return this.#keyBytes + this.#ends[this.#firstEnd + index]!
  }
}

/** Packs keys in rising order. */
export function packKeys(keys: readonly Uint8Array[]): PackedKeys {
  const ends = new Uint32Array(keys.length)
  let end = 0
  for (const [i, key] of keys.entries()) ends[i] = end += key.length
  const bytes = new Uint8Array(end)
  for (const [i, key] of keys.entries()) bytes.set(key, ends[i]! - key.length)
  return new PackedKeys({
    bytes,
    words: wordsOf(bytes),
    keyCount: keys.length,
    ends,
    firstEnd: 0,
    keyBytes: 0,
  })
}

/** How long all keys are; 0 if they are not equally long, or none. */
function commonLength(ends: Uint32Array, firstEnd: number, keyCount: number): number {
  const length = keyCount === 0 ? 0 : ends[firstEnd]!
  for (let i = 1; i < keyCount; i++) if (ends[firstEnd + i] !== (i + 1) * length) return 0
  return length
}

/** With how many bytes two keys begin alike. */
function sharedLength(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  let shared = 0
  while (shared < length && a[shared] === b[shared]) shared++
  return shared
}
