/** Finding by key, against a list: with hashes as they are, and where all keys have the same one. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalBytes } from '../../src/base/bytes.ts'
import { hashOfKey } from '../../src/storage/bloom-filter.ts'
import { KeyIndex } from '../../src/storage/key-index.ts'
import { packKeys } from '../../src/storage/packed-keys.ts'
import { SoughtKey } from '../../src/storage/sought-key.ts'
import { compareKeys } from './samples.ts'
import { holds } from '../time/property.ts'

const key = fc.uint8Array({ maxLength: 3, max: 3 })
const keys = fc.uniqueArray(key, { comparator: equalBytes, maxLength: 20 })

test.each([
  ['their hashes', hashOfKey],
  ['one hash', () => 2 ** 31],
])('things with %s are found by their keys, and no others', (_, hashOf) => {
  holds(
    fc.property(keys, fc.array(key), fc.nat({ max: 40 }), (there, probes, room) => {
      const index = new KeyIndex<{ readonly key: Uint8Array }>(room)
      const things = there.map((each) => ({ key: each }))
      for (const thing of things) index.add(thing, hashOf(thing.key))
      for (const probe of [...there, ...probes]) {
        const expected = things.find((thing) => equalBytes(thing.key, probe))
        expect(index.find(probe, hashOf(probe))).toBe(expected)
      }
    }),
  )
})

/** Of one length: of whole words up to what is compared by words, and beside that. */
const equallyLong = fc.constantFrom(1, 3, 4, 8, 16, 64, 65, 68).chain((length) => {
  const byte = fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat({ max: 0xff }))
  // Many begin alike, and differ in any byte.
  const one = fc.tuple(fc.nat({ max: length - 1 }), byte).map(([at, value]) => {
    return new Uint8Array(length).fill(0x61).fill(value, at, at + 1)
  })
  return fc.uniqueArray(one, { maxLength: 20, selector: String })
})

test('packed keys compare as keys do', () => {
  holds(
    fc.property(fc.oneof(keys, equallyLong), fc.array(key), (unordered, probes) => {
      const ordered = unordered.toSorted(compareKeys)
      // Some are looked for that are not there.
      const there = ordered.filter((_, i) => i % 3 !== 1)
      const packed = packKeys(there)
      expect(packed.keyCount).toBe(there.length)
      for (const probe of [...ordered, ...probes]) {
        const sought = new SoughtKey(probe)
        const orders = there.map((_, i) => Math.sign(packed.compareKeyAt(i, sought)))
        expect(orders).toEqual(there.map((each) => Math.sign(compareKeys(each, probe))))
        const from = there.findIndex((each) => compareKeys(each, probe) >= 0)
        expect(packed.findKey(sought)).toBe(from === -1 ? there.length : from)
      }
    }),
  )
})
