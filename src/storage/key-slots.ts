/**
 * Where the keys of a block stand, by their hash: for reads of one key.
 *
 *     keys     a  b  c  d  e
 *     slots    4  .  1  .  5  2  .  3        the number of a key, counted from 1; a point is a free slot, 0
 *                    ▲ hash of a
 *
 * A binary search looks at keys all over the block, and waits for memory at each; this looks at the slot and at the
 * key that it names, seldom at another. It is made in memory when a block is first asked for a key, so that blocks
 * that are only scanned do without. Source: RocksDB's "data block hash index", which is a part of its files.
 */
import { hashOfKey } from './bloom-filter.ts'

/** Keys by number, in whatever memory they stand. */
export interface NumberedKeys {
  readonly keyCount: number
  keyAt(index: number): Uint8Array
  compareKeyAt(index: number, key: Uint8Array): number
}

/** The slots of some keys: a power of two in number, at least a quarter of them free. */
export type KeySlots = Uint16Array | Uint32Array

/** Makes the slots of keys, no two of which are the same. */
export function keySlotsOf(keys: NumberedKeys): KeySlots {
  const { keyCount } = keys
  let count = 4
  while (3 * count < 4 * keyCount) count *= 2
  const slots = keyCount < 2 ** 16 ? new Uint16Array(count) : new Uint32Array(count)
  for (let index = 0; index < keyCount; index++) {
    let at = hashOfKey(keys.keyAt(index)) & (count - 1)
    while (slots[at] !== 0) at = (at + 1) & (count - 1)
    slots[at] = index + 1
  }
  return slots
}

/** The index of the key; −1 if it is not one of the keys. `hash` is the key's. */
export function findInSlots(slots: KeySlots, keys: NumberedKeys, key: Uint8Array, hash: number): number {
  const mask = slots.length - 1
  for (let at = hash & mask; ; at = (at + 1) & mask) {
    const number = slots[at]!
    if (number === 0) return -1
    if (keys.compareKeyAt(number - 1, key) === 0) return number - 1
  }
}
