/** Bloom filters: never a wrong "absent", and few wrong "maybe"s. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FormatError } from '../../src/base/binary.ts'
import { bytesOfText } from '../../src/base/bytes.ts'
import { buildBloomFilter, checkBloomFilter, hashOfKey, mayContain } from '../../src/storage/bloom-filter.ts'
import { SoughtKey } from '../../src/storage/sought-key.ts'
import { holds } from '../time/property.ts'

describe('the hash', () => {
  // Values of the reference implementation of MurmurHash3_x86_32 with seed 0.
  test.each([
    ['', 0],
    ['a', 0x3c2569b2],
    ['ab', 0x9bbfd75f],
    ['abc', 0xb3dd93fa],
    ['abcd', 0x43ed676a],
    ['hello, world', 0x149bbb7f],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ])('of %j is MurmurHash3’s', (text, expected) => {
    expect(hashOfKey(bytesOfText(text)) >>> 0).toBe(expected)
    expect(new SoughtKey(bytesOfText(text)).hash >>> 0).toBe(expected)
  })
})

describe('a filter', () => {
  test('lets every key pass that is in it, whatever the bits', () => {
    holds(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 8 }), { maxLength: 50 }),
        fc.integer({ min: 1, max: 40 }),
        (keys, bits) => {
          const filter = buildBloomFilter(keys.map(hashOfKey), bits)
          checkBloomFilter(filter)
          expect(keys.filter((key) => !mayContain(filter, hashOfKey(key)))).toEqual([])
        },
      ),
    )
  })

  test('of ten bits a key lets about 0.8 % of the others pass', () => {
    const hashOf = (n: number) => hashOfKey(bytesOfText(`key-${n}`))
    const filter = buildBloomFilter(
      Array.from({ length: 10_000 }, (_, n) => hashOf(n)),
      10,
    )
    let passed = 0
    for (let n = 10_000; n < 110_000; n++) if (mayContain(filter, hashOf(n))) passed++
    // 0.82 % by theory; the deviation of 100 000 draws is 0.03 %.
    expect(passed / 100_000).toBeGreaterThan(0.006)
    expect(passed / 100_000).toBeLessThan(0.01)
  })

  test('of no keys lets nothing pass', () => {
    const filter = buildBloomFilter([], 10)
    for (let n = 0; n < 100; n++) expect(mayContain(filter, hashOfKey(bytesOfText(`${n}`)))).toBe(false)
  })
})

test.each([[[]], [[1]], [[0, 1]], [[31, 1]], [[255, 1]]])('%j is no filter', (bytes) => {
  expect(() => {
    checkBloomFilter(Uint8Array.from(bytes))
  }).toThrow(FormatError)
})
