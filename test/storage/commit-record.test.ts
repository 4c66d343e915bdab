/** Records of the commit log: they come back as they were, and what is none is refused. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FormatError } from '../../src/base/binary.ts'
import { bytesOfHex, bytesOfText, concatBytes, hexOfBytes } from '../../src/base/bytes.ts'
import {
  type CommitLogRecord,
  type TabletWrites,
  decodeRecord,
  encodeRecord,
} from '../../src/storage/commit-record.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'

const time = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.constantFrom(0n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n),
) as fc.Arbitrary<HybridTime>
const write = fc.record({
  key: fc.uint8Array({ maxLength: 12 }),
  value: fc.option(fc.uint8Array({ maxLength: 200 }), { nil: undefined }),
})
const distinct = fc.uniqueArray(write, { maxLength: 4, selector: ({ key }) => hexOfBytes(key) })
const tablets = fc.uniqueArray(
  fc.record({ tablet: fc.nat({ max: Number.MAX_SAFE_INTEGER }), writes: distinct }),
  {
    maxLength: 4,
    selector: ({ tablet }) => tablet,
  },
)
const record: fc.Arbitrary<CommitLogRecord> = fc.oneof(
  fc.record({ kind: fc.constant('commit' as const), time, tablets }),
  fc.record({ kind: fc.constantFrom('ceiling' as const, 'close' as const), time }),
)

describe('a record', () => {
  test('comes back as it was', () => {
    holds(
      fc.property(record, (each) => {
        expect(decodeRecord(encodeRecord(each))).toEqual(each)
      }),
      200,
    )
  })

  test('tells an empty value from a deletion', () => {
    const writes = [
      { key: bytesOfText('a'), value: new Uint8Array() },
      { key: bytesOfText('b'), value: undefined },
    ]
    const each = { kind: 'commit' as const, time: 5n as HybridTime, tablets: [{ tablet: 1, writes }] }
    expect(decodeRecord(encodeRecord(each))).toEqual(each)
    expect(hexOfBytes(encodeRecord(each))).toBe(
      '01' + '0500000000000000' + '01' + '01' + '02' + '00016100' + '010162',
    )
  })

  test('is read without the tablets that nobody wants', () => {
    holds(
      fc.property(record, fc.nat({ max: 2 }), (each, rest) => {
        const wants = (tablet: number, at: HybridTime) => {
          expect(at).toBe(each.time)
          return tablet % 3 === rest
        }
        const wanted = each.kind === 'commit' ? each.tablets.filter(({ tablet }) => tablet % 3 === rest) : []
        const expected = each.kind === 'commit' ? { ...each, tablets: wanted } : each
        expect(decodeRecord(encodeRecord(each), wants)).toEqual(expected)
      }),
      200,
    )
  })

  test('is looked at, not copied, when it is read', () => {
    const bytes = encodeRecord({
      kind: 'commit',
      time: 5n as HybridTime,
      tablets: [{ tablet: 1, writes: [{ key: bytesOfText('a'), value: bytesOfText('v') }] }],
    })
    const read = decodeRecord(bytes)
    expect(read.kind === 'commit' && read.tablets[0]!.writes[0]!.value!.buffer).toBe(bytes.buffer)
  })
})

describe('what is no record is refused', () => {
  test('a key twice in a tablet, and a tablet twice', () => {
    const one = { key: bytesOfText('a'), value: undefined }
    const encode = (parts: readonly TabletWrites[]) =>
      encodeRecord({ kind: 'commit', time: 5n as HybridTime, tablets: parts })
    const twice = [
      [{ tablet: 1, writes: [one, one] }],
      [
        { tablet: 1, writes: [one] },
        { tablet: 1, writes: [] },
      ],
    ]
    for (const parts of twice) expect(() => decodeRecord(encode(parts))).toThrow(FormatError)
  })

  test('one that is cut anywhere, or goes on behind its end', () => {
    holds(
      fc.property(record, fc.nat(), (each, at) => {
        const bytes = encodeRecord(each)
        expect(() => decodeRecord(bytes.subarray(0, at % bytes.length))).toThrow(FormatError)
        expect(() => decodeRecord(concatBytes([bytes, Uint8Array.of(0)]))).toThrow(FormatError)
        const nothing = () => false
        expect(() => decodeRecord(bytes.subarray(0, at % bytes.length), nothing)).toThrow(FormatError)
        expect(() => decodeRecord(concatBytes([bytes, Uint8Array.of(0)]), nothing)).toThrow(FormatError)
      }),
      200,
    )
  })

  test.each([
    ['nothing', ''],
    ['an unknown kind', '00' + '0500000000000000'],
    ['a kind of another version', '04' + '0500000000000000'],
    ['an unknown kind of write', '01' + '0500000000000000' + '0101' + '01' + '020161'],
    ['more tablets than bytes', '01' + '0500000000000000' + 'ffffffffffffff0f'],
    ['more writes than bytes', '01' + '0500000000000000' + '0101' + 'ffffffffffffff0f'],
    ['a key beyond the end', '01' + '0500000000000000' + '0101' + '01' + '00ff61'],
    ['a count in a longer form than it needs', '01' + '0500000000000000' + '8000'],
  ])('%s', (_, hex) => {
    expect(() => decodeRecord(bytesOfHex(hex))).toThrow(FormatError)
  })

  test('any bytes, whole records with changes among them, are refused or are the one form of what they say', () => {
    const changed = fc
      .tuple(record, fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 3 }))
      .map(([each, changes]) => {
        const bytes = encodeRecord(each)
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte
        return bytes
      })
    let decoded = 0
    holds(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 40 }), changed), (bytes) => {
        let read: CommitLogRecord
        try {
          read = decodeRecord(bytes)
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError)
          return
        }
        decoded++
        expect(hexOfBytes(encodeRecord(read))).toBe(hexOfBytes(bytes))
      }),
      500,
    )
    expect(decoded).toBeGreaterThan(50)
  })
})
