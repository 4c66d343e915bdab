/**
 * Things that have a key, found by it: by the hash that the filters of tables use, and then by its bytes.
 *
 * A hash table with open addressing, in one array of numbers, so that a key that is not there is known not
 * to be after one look at memory:
 *
 *     slots    hash, number │ 0, 0 │ hash, number │ hash, number │ 0, 0 …      at least half of them are free
 *     things   the number-th thing, counted from 1; 0 is a free slot
 */
import { equalBytes } from '../base/bytes.ts'
import { hashOfKey } from './bloom-filter.ts'

/** Something that has a key. */
export interface Keyed {
  readonly key: Uint8Array
}

const FIRST_SLOTS = 16

/** Finds things by their key; no two of them have the same. */
export class KeyIndex<T extends Keyed> {
  readonly #things: T[] = []
  #slots = new Int32Array(2 * FIRST_SLOTS)

  /** The thing of a key. `hash` is the key's, where it is known. */
  find(key: Uint8Array, hash: number = hashOfKey(key)): T | undefined {
    const slots = this.#slots
    const signed = hash | 0
    for (let at = firstSlot(slots, signed); ; at = nextSlot(slots, at)) {
      const number = slots[at + 1]!
      if (number === 0) return undefined
      if (slots[at] !== signed) continue
      const thing = this.#things[number - 1]!
      if (equalBytes(thing.key, key)) return thing
    }
  }

  /** Takes in a thing whose key it does not have. */
  add(thing: T, hash: number = hashOfKey(thing.key)): void {
    const count = this.#things.push(thing)
    if (4 * count > this.#slots.length) this.#slots = doubled(this.#slots)
    take(this.#slots, hash | 0, count)
  }
}

/** Where a hash stands, if nothing else does. Slots are two numbers each, and a power of two in number. */
function firstSlot(slots: Int32Array, hash: number): number {
  return (2 * hash) & (slots.length - 1)
}

function nextSlot(slots: Int32Array, at: number): number {
  return (at + 2) & (slots.length - 1)
}

function take(slots: Int32Array, hash: number, number: number): void {
  let at = firstSlot(slots, hash)
  while (slots[at + 1] !== 0) at = nextSlot(slots, at)
  slots[at] = hash
  slots[at + 1] = number
}

function doubled(slots: Int32Array): Int32Array<ArrayBuffer> {
  const more = new Int32Array(2 * slots.length)
  for (let at = 0; at < slots.length; at += 2) {
    if (slots[at + 1] !== 0) take(more, slots[at]!, slots[at + 1]!)
  }
  return more
}
