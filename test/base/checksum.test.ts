/** CRC-32: known values, zlib's, and what it is for: every small damage shows. */
import { crc32 as zlibCrc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { checksum } from '../../src/platform/node-files.ts'
import { holds } from '../time/property.ts'

test.each([
  ['', 0],
  // The check value of the CRC catalogue (CRC-32/ISO-HDLC).
  ['123456789', 0xcbf43926],
  ['a', 0xe8b7be43],
  ['The quick brown fox jumps over the lazy dog', 0x414fa339],
])('the checksum of %j is known', (text, expected) => {
  expect(crc32(bytesOfText(text))).toBe(expected)
  expect(checksum(bytesOfText(text))).toBe(expected)
})

test('is zlib’s, of whole bytes and of bytes in parts', () => {
  holds(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat({ max: 400 }), (bytes, cut) => {
      const at = Math.min(cut, bytes.length)
      for (const sum of [crc32, checksum]) {
        expect(sum(bytes)).toBe(zlibCrc32(bytes))
        expect(sum(bytes.subarray(at), sum(bytes.subarray(0, at)))).toBe(zlibCrc32(bytes))
      }
    }),
  )
})

test('every one to three flipped bits in a block show', () => {
  holds(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 200 }),
      fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 3 }),
      (bytes, places) => {
        const bits = [...new Set(places.map((place) => place % (8 * bytes.length)))]
        const damaged = Uint8Array.from(bytes)
        for (const bit of bits) damaged[bit >>> 3]! ^= 1 << (bit & 7)
        expect(crc32(damaged)).not.toBe(crc32(bytes))
      },
    ),
    500,
  )
})
