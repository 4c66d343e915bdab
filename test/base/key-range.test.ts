/** Key ranges select what a filter over all keys selects. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compareBytes } from '../../src/base/bytes.ts'
import {
  ALL_KEYS,
  type KeyBounds,
  type KeyRange,
  intersectRanges,
  isEmptyRange,
  keyAfter,
  keyRange,
  prefixRange,
  rangeHas,
} from '../../src/base/key-range.ts'
import { holds } from '../time/property.ts'

/** Every key of up to three of the bytes where borders are: 85 keys. */
const LETTERS = [0, 1, 0xfe, 0xff]
const KEYS = [0, 1, 2, 3].flatMap((length) =>
  Array.from({ length: 4 ** length }, (_, n) =>
    Uint8Array.from({ length }, (_each, i) => LETTERS[Math.floor(n / 4 ** i) % 4]!),
  ),
)
const key = fc.constantFrom(...KEYS)
const bound = fc.option(key, { nil: undefined, freq: 2 })

const selected = (range: KeyRange) => KEYS.filter((each) => rangeHas(range, each))

function meets({ gt, gte, lt, lte }: KeyBounds, each: Uint8Array): boolean {
  return (
    (gt === undefined || compareBytes(each, gt) > 0) &&
    (gte === undefined || compareBytes(each, gte) >= 0) &&
    (lt === undefined || compareBytes(each, lt) < 0) &&
    (lte === undefined || compareBytes(each, lte) <= 0)
  )
}

describe('a range of bounds', () => {
  test('has the keys that meet all of them', () => {
    holds(
      fc.property(fc.record({ gt: bound, gte: bound, lt: bound, lte: bound }), (bounds) => {
        const expected = KEYS.filter((each) => meets(bounds, each))
        expect(selected(keyRange(bounds))).toEqual(expected)
        if (isEmptyRange(keyRange(bounds))) expect(expected).toEqual([])
      }),
      300,
    )
  })

  test('is empty by the word where no key of any kind can lie in it', () => {
    holds(
      fc.property(key, key, (a, b) => {
        expect(isEmptyRange(keyRange({ gte: a, lt: b }))).toBe(compareBytes(a, b) >= 0)
        // Nothing lies between a key and its successor.
        expect(isEmptyRange(keyRange({ gt: a, lt: keyAfter(a) }))).toBe(true)
        expect(isEmptyRange(keyRange({ gte: a, lte: a }))).toBe(false)
      }),
    )
  })

  test('of no bounds has every key', () => {
    expect(selected(keyRange({}))).toEqual(KEYS)
    expect(selected(ALL_KEYS)).toEqual(KEYS)
  })
})

test('the keys with a prefix are those that begin with it', () => {
  for (const prefix of KEYS) {
    const begins = (each: Uint8Array) => prefix.every((byte, i) => each[i] === byte)
    expect(selected(prefixRange(prefix))).toEqual(KEYS.filter(begins))
  }
})

test('the intersection has the keys of both', () => {
  const range = fc.oneof(
    key.map(prefixRange),
    fc.record({ gt: bound, lte: bound }).map(keyRange),
    fc.record({ gte: bound, lt: bound }).map(keyRange),
  )
  holds(
    fc.property(range, range, (a, b) => {
      const both = KEYS.filter((each) => rangeHas(a, each) && rangeHas(b, each))
      expect(selected(intersectRanges(a, b))).toEqual(both)
    }),
  )
})

test('the successor of a key is above it, and nothing is between', () => {
  for (const each of KEYS) {
    const next = keyAfter(each)
    expect(compareBytes(each, next)).toBeLessThan(0)
    expect(KEYS.filter((k) => compareBytes(k, each) > 0 && compareBytes(k, next) < 0)).toEqual([])
  }
})
