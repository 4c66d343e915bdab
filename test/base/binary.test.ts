/** Binary records: what is written is read back, and what is no record is refused before anything is taken for it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { BinaryReader, BinaryWriter, FormatError, longWordsOf, wordsOf } from '../../src/base/binary.ts'
import { concatBytes } from '../../src/base/bytes.ts'
import { holds } from '../time/property.ts'

const MAX = Number.MAX_SAFE_INTEGER
/** Around every power at which a varint grows by a byte, and around the limits of fixed numbers. */
const BOUNDARIES = [7, 14, 21, 28, 31, 32, 35, 42, 49, 53]
  .flatMap((power) => [2 ** power - 1, 2 ** power, 2 ** power + 1])
  .concat(0, 1, 2)
  .filter((value) => value <= MAX)

const written = (write: (writer: BinaryWriter) => void): Uint8Array => {
  const writer = new BinaryWriter(0)
  write(writer)
  return writer.finish()
}
const varint = (value: number) => written((writer) => writer.varint(value))
const read = (bytes: readonly number[]) => new BinaryReader(Uint8Array.from(bytes))

/** The plainest varint there is: seven bits a byte, the lowest first, by arithmetic on bigints. */
function plainVarint(value: bigint): number[] {
  const bytes: number[] = []
  for (; value >= 128n; value >>= 7n) bytes.push(Number(value & 127n) | 128)
  return [...bytes, Number(value)]
}

describe('varints', () => {
  test.each(BOUNDARIES)('%d is written in as few bytes as it takes, and read back', (value) => {
    const bytes = varint(value)
    expect([...bytes]).toEqual(plainVarint(BigInt(value)))
    const reader = new BinaryReader(bytes)
    expect(reader.varint()).toBe(value)
    reader.end()
  })

  test('every whole number below 2^53 comes back', () => {
    holds(
      fc.property(fc.nat({ max: MAX }), (value) => {
        expect([...varint(value)]).toEqual(plainVarint(BigInt(value)))
        expect(new BinaryReader(varint(value)).varint()).toBe(value)
      }),
    )
  })

  test.each([
    ['a zero in two bytes', [0x80, 0x00]],
    ['one in three bytes', [0x81, 0x80, 0x00]],
    ['2^53', plainVarint(2n ** 53n)],
    ['2^56 − 1 in eight bytes', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]],
    ['nine bytes', plainVarint(2n ** 60n)],
    ['one that never ends', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['nothing', []],
    ['one that is cut off', [0x80]],
  ])('%s is refused', (_, bytes) => {
    expect(() => read(bytes).varint()).toThrow(FormatError)
  })

  test('whatever is accepted is the one form of its number', () => {
    holds(
      fc.property(fc.uint8Array({ maxLength: 10 }), (bytes) => {
        const reader = new BinaryReader(bytes)
        let value: number
        try {
          value = reader.varint()
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
          return
        }
        expect([...varint(value)]).toEqual([...bytes.subarray(0, bytes.length - reader.remaining)])
      }),
      500,
    )
  })
})

describe('records', () => {
  const field = fc.oneof(
    fc.record({ kind: fc.constant('u8' as const), value: fc.nat({ max: 0xff }) }),
    fc.record({ kind: fc.constant('u32' as const), value: fc.nat({ max: 0xffff_ffff }) }),
    fc.record({ kind: fc.constant('u64' as const), value: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) }),
    fc.record({
      kind: fc.constant('varint' as const),
      value: fc.oneof(fc.nat({ max: MAX }), fc.constantFrom(...BOUNDARIES)),
    }),
    fc.record({ kind: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 300 }) }),
    fc.record({ kind: fc.constant('raw' as const), value: fc.uint8Array({ maxLength: 10 }) }),
  )
  type Field = typeof field extends fc.Arbitrary<infer F> ? F : never

  function write(writer: BinaryWriter, { kind, value }: Field): void {
    if (kind === 'u64') writer.u64(value)
    else if (kind === 'bytes' || kind === 'raw') writer[kind](value)
    else writer[kind](value)
  }

  function readBack(reader: BinaryReader, { kind, value }: Field): unknown {
    return kind === 'raw' ? reader.raw(value.length) : reader[kind]()
  }

  test('are read back field by field, to the last byte, from anywhere in a larger array', () => {
    holds(
      fc.property(fc.array(field), fc.nat({ max: 5 }), (fields, before) => {
        const bytes = written((writer) => fields.forEach((each) => write(writer, each)))
        const around = concatBytes([new Uint8Array(before).fill(7), bytes, Uint8Array.of(7, 7)])
        const reader = new BinaryReader(around.subarray(before, before + bytes.length))
        for (const each of fields) expect(readBack(reader, each)).toEqual(each.value)
        reader.end()
      }),
    )
  })

  test('a record that is cut anywhere is refused; nothing behind it is read', () => {
    holds(
      fc.property(fc.array(field, { minLength: 1, maxLength: 5 }), fc.nat(), (fields, at) => {
        const bytes = written((writer) => fields.forEach((each) => write(writer, each)))
        fc.pre(bytes.length > 0)
        const around = concatBytes([bytes, bytes])
        const reader = new BinaryReader(around.subarray(0, at % bytes.length))
        expect(() => fields.forEach((each) => readBack(reader, each))).toThrow(FormatError)
      }),
    )
  })

  test('a byte string is passed over to where reading it would end, or refused as that would be', () => {
    holds(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat({ max: 400 }), (value, at) => {
        const bytes = written((writer) => {
          writer.bytes(value)
          writer.u8(7)
        })
        const [reader, other] = [0, 1].map(() => new BinaryReader(bytes.subarray(0, at)))
        const end = (pass: () => void) => {
          try {
            pass()
          } catch (error) {
            return error
          }
          return undefined
        }
        expect(end(() => reader!.passOverBytes())).toEqual(end(() => other!.bytes()))
        expect(reader!.remaining).toBe(other!.remaining)
      }),
    )
  })

  test('bytes too many are refused', () => {
    const reader = read([1, 2])
    reader.u8()
    expect(() => {
      reader.end()
    }).toThrow('1 bytes too many')
  })

  test('a length beyond what is left is refused before anything is taken', () => {
    const reader = new BinaryReader(concatBytes([varint(MAX), Uint8Array.of(1, 2, 3)]))
    expect(() => reader.bytes()).toThrow(FormatError)
    expect(reader.remaining).toBe(3)
  })

  test('a reader looks at the bytes, a writer gives bytes of their own', () => {
    const bytes = Uint8Array.of(2, 8, 9)
    expect(new BinaryReader(bytes).bytes().buffer).toBe(bytes.buffer)
    const writer = new BinaryWriter()
    writer.raw(bytes)
    const first = writer.finish()
    writer.u8(1)
    expect([...first]).toEqual([2, 8, 9])
    expect([...writer.finish()]).toEqual([2, 8, 9, 1])
    expect(writer.length).toBe(4)
  })

  test('numbers of fixed width are little-endian', () => {
    const bytes = written((writer) => {
      writer.u32(0x01020304)
      writer.u64(0x0102030405060708n)
    })
    expect([...bytes]).toEqual([4, 3, 2, 1, 8, 7, 6, 5, 4, 3, 2, 1])
  })
})

describe('words', () => {
  const BYTES = Uint8Array.from({ length: 48 }, (_, i) => 7 * i + 200)
  const whole = new DataView(BYTES.buffer)

  test.each([0, 1, 2, 4, 8])('from byte %d on, looked at or copied, the lowest byte comes first', (from) => {
    const bytes = BYTES.subarray(from)
    for (const canLook of [true, false]) {
      const words = wordsOf(bytes, canLook)
      expect([...words]).toEqual(Array.from(words, (_, i) => whole.getUint32(from + 4 * i, true)))
      expect(words.length).toBe(bytes.length >>> 2)
      const longWords = longWordsOf(bytes, 4, 3, canLook)
      expect([...longWords]).toEqual([4, 12, 20].map((at) => whole.getBigUint64(from + at, true)))
    }
  })
})
