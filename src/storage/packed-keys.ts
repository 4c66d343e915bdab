/**
 * Keys in one piece of memory, to be searched: a search over separate arrays would wait for memory at each
 * step.
 */
import { comparePart } from '../base/bytes.ts'

/** Keys in rising order. */
export class PackedKeys {
  readonly #bytes: Uint8Array
  /** Where each key begins, and where the last one ends. */
  readonly #starts: Uint32Array

  constructor(keys: readonly Uint8Array[]) {
    this.#starts = new Uint32Array(keys.length + 1)
    for (const [i, key] of keys.entries()) this.#starts[i + 1] = this.#starts[i]! + key.length
    this.#bytes = new Uint8Array(this.#starts[keys.length]!)
    for (const [i, key] of keys.entries()) this.#bytes.set(key, this.#starts[i])
  }

  get count(): number {
    return this.#starts.length - 1
  }

  /** How key `index` compares with `key`. */
  compareAt(index: number, key: Uint8Array): number {
    return comparePart(this.#bytes, this.#starts[index]!, this.#starts[index + 1]!, key)
  }

  /** The first key at or above `key`; their count if there is none. */
  firstFrom(key: Uint8Array): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.compareAt(middle, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}
