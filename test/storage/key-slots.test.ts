/** Slots find the keys that are there, and no others, however many share a slot. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBytes } from '../../src/base/bytes.ts'
import { hashOfKey } from '../../src/storage/bloom-filter.ts'
import { type NumberedKeys, findInSlots, keySlotsOf } from '../../src/storage/key-slots.ts'
import { holds } from '../time/property.ts'
import { compareKeys } from './samples.ts'

function numbered(keys: readonly Uint8Array[]): NumberedKeys {
  return {
    keyCount: keys.length,
    keyAt: (index) => keys[index]!,
    compareKeyAt: (index, key) => compareBytes(keys[index]!, key),
  }
}

const someKeys = fc.uniqueArray(fc.uint8Array({ maxLength: 3 }), {
  maxLength: 300,
  comparator: (a, b) => compareKeys(a, b) === 0,
})

describe('the slots of keys', () => {
  test('find each key by its hash, and none that is not there', () => {
    holds(
      fc.property(someKeys, fc.array(fc.uint8Array({ maxLength: 3 })), (all, others) => {
        const keys = numbered(all)
        const slots = keySlotsOf(keys)
        const find = (key: Uint8Array) => findInSlots(slots, keys, key, hashOfKey(key))
        for (const [index, key] of all.entries()) expect(find(key)).toBe(index)
        for (const other of others)
          expect(find(other)).toBe(all.findIndex((key) => compareKeys(key, other) === 0))
      }),
    )
  })

  test('have room: a search for what is not there comes to a free one', () => {
    for (const count of [0, 1, 3, 4, 12, 13, 48, 49]) {
      const slots = keySlotsOf(numbered(Array.from({ length: count }, (_, i) => Uint8Array.of(i))))
      expect(slots.filter((number) => number === 0).length).toBeGreaterThanOrEqual(slots.length / 4)
      expect(slots.filter((number) => number > 0).toSorted()).toHaveLength(count)
    }
  })

  test('hold the numbers of more keys than two bytes can count', () => {
    const count = 2 ** 16 + 3
    const all = Array.from({ length: count }, (_, i) => Uint8Array.of(i & 0xff, (i >>> 8) & 0xff, i >>> 16))
    const keys = numbered(all)
    const slots = keySlotsOf(keys)
    for (const index of [0, 1, 2 ** 16 - 2, 2 ** 16 - 1, 2 ** 16, count - 1])
      expect(findInSlots(slots, keys, all[index]!, hashOfKey(all[index]!))).toBe(index)
  })
})
