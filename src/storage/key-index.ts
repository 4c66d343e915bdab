/**
 * Things that have a key, found by it: by the hash that the filters of tables use, and then by its bytes.
 */
import { equalBytes } from '../base/bytes.ts'
import { hashOfKey } from './bloom-filter.ts'
import { HashSlots } from './hash-slots.ts'

/** Something that has a key. */
export interface Keyed {
  readonly key: Uint8Array
}

/** Finds things by their key; no two of them have the same. */
export class KeyIndex<T extends Keyed> {
  readonly #things: T[] = []
  /** The number-th thing, counted from 1. */
  readonly #slots: HashSlots

  /** For so many things it does not have to grow. */
  constructor(expected: number) {
    this.#slots = new HashSlots(expected)
  }

  /** The thing of a key. `hash` is the key's, where it is known. */
  find(key: Uint8Array, hash: number = hashOfKey(key)): T | undefined {
    const slots = this.#slots
    for (let at = slots.first(hash); at >= 0; at = slots.next(at)) {
      const thing = this.#things[slots.numberAt(at) - 1]!
      if (equalBytes(thing.key, key)) return thing
    }
    return undefined
  }

  /** Takes in a thing whose key it does not have. */
  add(thing: T, hash: number = hashOfKey(thing.key)): void {
    this.#slots.add(hash, this.#things.push(thing))
  }
}
