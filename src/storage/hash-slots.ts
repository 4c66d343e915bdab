/**
 * A hash table of numbers with open addressing, in one array, so that what is not there is known not to be after
 * one look at memory. What a number stands for, and whether it is what is looked for, the user knows:
 *
 *     slots    hash, number │ 0, 0 │ hash, number │ hash, number │ 0, 0 …      at least half of them are free
 *
 *     for (let at = slots.first(hash); at >= 0; at = slots.next(at)) … slots.numberAt(at) …
 */

const FIRST_SLOTS = 8

/** What a number takes, roughly: between two and four slots of two numbers. */
export const HASH_SLOT_BYTES = 24

/** Numbers other than 0, by hash. */
export class HashSlots {
  #slots: Int32Array
  #count = 0

  /** For so many numbers it does not have to grow. */
  constructor(expected: number) {
    let slots = FIRST_SLOTS
    while (slots < 2 * expected) slots *= 2
    this.#slots = new Int32Array(2 * slots)
  }

  /** The place of the first number with a hash; negative if there is none. */
  first(hash: number): number {
    return this.#from(firstSlot(this.#slots, hash | 0), hash | 0)
  }

  /** The place of the next number with the hash of the one at a place; negative if there is none. */
  next(at: number): number {
    return this.#from(nextSlot(this.#slots, at), this.#slots[at]!)
  }

  numberAt(at: number): number {
    return this.#slots[at + 1]! >>> 0
  }

  /** Takes in a number. */
  add(hash: number, number: number): void {
    this.#count++
    if (4 * this.#count > this.#slots.length) this.#slots = doubled(this.#slots)
    take(this.#slots, hash | 0, number | 0)
  }

  #from(start: number, hash: number): number {
    const slots = this.#slots
    for (let at = start; ; at = nextSlot(slots, at)) {
      if (slots[at + 1] === 0) return -1
      if (slots[at] === hash) return at
    }
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

function doubled(slots: Int32Array): Int32Array {
  const more = new Int32Array(2 * slots.length)
  for (let at = 0; at < slots.length; at += 2) {
    if (slots[at + 1] !== 0) take(more, slots[at]!, slots[at + 1]!)
  }
  return more
}
