/** Bytes: order, copies, text and hexadecimal. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ByteCopies,
  bytesOfHex,
  bytesOfText,
  compareBytes,
  concatBytes,
  copyOf,
  equalBytes,
  TextScratch,
  hexOfBytes,
  nearestTextOf,
  textOfBytes,
} from '../../src/base/bytes.ts'
import { type PalimpsestError } from '../../src/base/errors.ts'
import { holds } from '../time/property.ts'

/** Bytes that are often equal, or prefixes of each other. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 6 }),
  fc
    .array(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), { maxLength: 5 })
    .map((values) => Uint8Array.from(values)),
)

describe('order', () => {
  test('is that of Buffer.compare: unsigned, a prefix first', () => {
    holds(
      fc.property(bytes, bytes, (a, b) => {
        expect(Math.sign(compareBytes(a, b))).toBe(Buffer.compare(a, b))
        expect(equalBytes(a, b)).toBe(Buffer.compare(a, b) === 0)
      }),
      300,
    )
  })

  test('of text is by code point, not by UTF-16 unit', () => {
    const [below, above] = ['\uffff', '\u{10000}']
    expect(below < above).toBe(false)
    expect(compareBytes(bytesOfText(below), bytesOfText(above))).toBeLessThan(0)
    holds(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
        const [x, y] = [a, b].map((text) => Array.from(text, (point) => point.codePointAt(0)!))
        const at = x!.findIndex((point, i) => point !== y![i])
        const expected = at === -1 || at >= y!.length ? x!.length - y!.length : x![at]! - y![at]!
        expect(Math.sign(compareBytes(bytesOfText(a), bytesOfText(b)))).toBe(Math.sign(expected))
      }),
      40,
    )
  })
})

describe('text', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 80 }),
    fc.string({ unit: 'binary-ascii', maxLength: 80 }),
    fc.constantFrom('a'.repeat(64) + 'ä', 'a'.repeat(21_845), 'ä'.repeat(21_846), 'ä'.repeat(80_000)),
  )

  test('has the bytes of UTF-8, in memory of its own or in a scratch, and comes back', () => {
    const scratch = new TextScratch()
    holds(
      fc.property(fc.array(text, { maxLength: 8 }), (texts) => {
        scratch.clear()
        const [own, scratched] = [texts.map(bytesOfText), texts.map((each) => scratch.bytesOf(each))]
        for (const [i, each] of texts.entries()) {
          expect(Buffer.from(own[i]!).equals(Buffer.from(each, 'utf8'))).toBe(true)
          expect(equalBytes(scratched[i]!, own[i]!)).toBe(true)
          expect([textOfBytes(own[i]!), nearestTextOf(own[i]!)]).toEqual([each, each])
        }
      }),
    )
  })

  test('that is not UTF-8 is refused, or comes out as near as can be', () => {
    const bad = Uint8Array.of(0x61, 0xff)
    expect(() => textOfBytes(bad)).toThrow(TypeError)
    expect(nearestTextOf(bad)).toBe('a\ufffd')
  })
})

describe('copies', () => {
  test('share no memory, and are never Buffers', () => {
    const original = Buffer.from([1, 2, 3])
    for (const copy of [copyOf(original), concatBytes([original])]) {
      expect(Object.getPrototypeOf(copy)).toBe(Uint8Array.prototype)
      expect(copy.buffer.byteLength).toBe(3)
      original[0] = 9
      expect(copy[0]).toBe(1)
      original[0] = 1
    }
  })

  test('that are handed out together are their bytes, and none reaches into another, whatever their lengths', () => {
    const lengths = fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 20_000 }))
    holds(
      fc.property(fc.array(lengths, { maxLength: 20 }), (all) => {
        const copies = new ByteCopies()
        const given = all.map((length, i) => new Uint8Array(length).fill(i + 1))
        const made = given.map((each) => copies.copyOf(each))
        for (const each of given) each.fill(0)
        for (const [i, copy] of made.entries()) {
          expect(copy.length).toBe(all[i])
          expect(copy.every((byte) => byte === i + 1)).toBe(true)
        }
        const shared = made.filter(({ length, buffer }) => buffer.byteLength > length)
        for (const { buffer } of shared) expect(buffer.byteLength).toBeLessThanOrEqual(32 * 1024)
      }),
      50,
    )
  })

  test('of a part of bytes are that part, however long it is and wherever it begins', () => {
    const given = new Uint8Array(1030).subarray(6).map((_, i) => i * 7 + (i >> 8))
    const view = new DataView(given.buffer, given.byteOffset, given.length)
    holds(
      fc.property(fc.nat({ max: 512 }), fc.nat({ max: 512 }), (from, length) => {
        const copies = new ByteCopies()
        const part = given.subarray(from, from + length)
        expect(copies.copyOf(part)).toEqual(part)
        expect(copies.copyOfSpan({ view, from, to: from + length })).toEqual(part)
      }),
      300,
    )
  })

  test('of parts are their bytes in order', () => {
    holds(
      fc.property(fc.array(bytes), (parts) => {
        expect([...concatBytes(parts)]).toEqual(parts.flatMap((part) => [...part]))
      }),
    )
  })
})

describe('text', () => {
  test('that is well-formed comes back as it was, a byte order mark too', () => {
    holds(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(textOfBytes(bytesOfText(text))).toBe(text)
      }),
    )
    expect(textOfBytes(bytesOfText('\ufeffa'))).toBe('\ufeffa')
  })

  test.each([[[0xff]], [[0xc0, 0x80]], [[0xed, 0xa0, 0x80]], [[0xe2, 0x82]]])('%j is no text', (wrong) => {
    expect(() => textOfBytes(Uint8Array.from(wrong))).toThrow(TypeError)
  })
})

describe('hexadecimal text', () => {
  test('is that of Buffer, and comes back', () => {
    holds(
      fc.property(bytes, (value) => {
        expect(hexOfBytes(value)).toBe(Buffer.from(value).toString('hex'))
        expect([...bytesOfHex(hexOfBytes(value))]).toEqual([...value])
      }),
    )
  })

  const chunk = 32 * 1024
  const lengths = [
    0,
    1,
    2,
    31,
    32,
    33,
    34,
    64,
    255,
    chunk - 1,
    chunk,
    chunk + 1,
    65_535,
    2 * chunk,
    3 * chunk + 7,
  ]

  test.each(lengths)('is that of Buffer at %i bytes, and after a longer one', (length) => {
    const value = Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) % 256)
    hexOfBytes(new Uint8Array(length + 100).fill(0xee))
    const hex = hexOfBytes(value)
    expect(hex).toBe(Buffer.from(value).toString('hex'))
    expect(Buffer.from(bytesOfHex(hex)).equals(value)).toBe(true)
  })

  test('of every byte comes back, and every text that comes back is hexadecimal', () => {
    holds(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 4 }),
        fc.uint8Array({ maxLength: 100 }),
        (text, some) => {
          const isHex = /^(?:[0-9a-f]{2})*$/.test(text)
          let read: Uint8Array | undefined
          try {
            read = bytesOfHex(hexOfBytes(some) + text)
          } catch (error) {
            expect((error as PalimpsestError).code).toBe('INVALID_ARGUMENT')
          }
          expect(read !== undefined).toBe(isHex)
          if (read !== undefined) expect(hexOfBytes(read)).toBe(hexOfBytes(some) + text)
        },
      ),
    )
    for (let code = 0; code < 0x300; code++) {
      const isDigit = /[0-9a-f]/.test(String.fromCharCode(code))
      for (const text of [`0${String.fromCharCode(code)}`, `${String.fromCharCode(code)}f`]) {
        const read = () => bytesOfHex(text)
        if (isDigit) expect([...read()]).toEqual([Number.parseInt(text, 16)])
        else expect(read).toThrow('not hexadecimal text')
      }
    }
  })

  test.each(['0', 'xy', 'AB', '0x', ' 0', '00 ', '0\n', '１２'])('%j is none', (wrong) => {
    let code: string | undefined
    try {
      bytesOfHex(wrong)
    } catch (error) {
      code = (error as PalimpsestError).code
    }
    expect(code).toBe('INVALID_ARGUMENT')
  })
})
