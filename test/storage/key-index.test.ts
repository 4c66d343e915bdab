/** Finding by key, against a list: with hashes as they are, and where all keys have the same one. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalBytes } from '../../src/base/bytes.ts'
import { hashOfKey } from '../../src/storage/bloom-filter.ts'
import { KeyIndex } from '../../src/storage/key-index.ts'
import { packKeys } from '../../src/storage/packed-keys.ts'
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

test('packed keys compare as keys do', () => {
  holds(
    fc.property(keys, fc.array(key), (unordered, probes) => {
      const ordered = unordered.toSorted(compareKeys)
      const packed = packKeys(ordered)
      expect(packed.keyCount).toBe(ordered.length)
      for (const probe of [...ordered, ...probes]) {
        const orders = ordered.map((_, i) => Math.sign(packed.compareKeyAt(i, probe)))
        expect(orders).toEqual(ordered.map((each) => Math.sign(compareKeys(each, probe))))
        const from = ordered.findIndex((each) => compareKeys(each, probe) >= 0)
        expect(packed.findKey(probe)).toBe(from === -1 ? ordered.length : from)
      }
    }),
  )
})
