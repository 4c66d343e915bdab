/**
 * Record files: what was appended is read back; a file that was cut anywhere is its longest prefix of
 * whole records; damage is a torn tail, or it is refused where a later record vouches for it.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import { bytesOfText, concatBytes } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { readWholeFile } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type RecordFileContents, RecordWriter, readRecords } from '../../src/storage/record-file.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { holds } from '../time/property.ts'
import { putFile, refusal } from './samples.ts'

const FILE_HEADER = 24
const RECORD_HEADER = 20

/** `hold` a record, `append` one, or sync. */
type Step = { readonly how: 'hold' | 'append'; readonly payload: Uint8Array } | { readonly how: 'sync' }

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    how: fc.constantFrom('hold' as const, 'append' as const),
    payload: fc.uint8Array({ minLength: 1, maxLength: 40 }),
  }),
  fc.constant({ how: 'sync' as const }),
)

/** A file of these steps, and how far it had been synced after each record that stands in it. */
function fileOf(
  steps: readonly Step[],
  number = 7,
): { bytes: Uint8Array; payloads: Uint8Array[]; synced: number } {
  const files = new MemoryFiles()
  const writer = RecordWriter.create(files, 'f', 'PALIMLOG', number, crc32)
  const payloads: Uint8Array[] = []
  for (const each of steps) {
    if (each.how === 'sync') writer.sync()
    else {
      writer[each.how](each.payload)
      payloads.push(each.payload)
    }
  }
  const bytes = readWholeFile(files, 'f')
  const synced = writer.syncedBytes
  expect(writer.bytes).toBe(
    FILE_HEADER + payloads.reduce((sum, { length }) => sum + RECORD_HEADER + length, 0),
  )
  return { bytes, payloads, synced }
}

const read = (bytes: Uint8Array, number = 7): RecordFileContents =>
  readRecords(bytes, 'PALIMLOG', number, crc32)
const payloadsOf = ({ records }: RecordFileContents) => records.map(({ payload }) => [...payload])

/** Where each record ends, the header first. */
function ends(payloads: readonly Uint8Array[]): number[] {
  let at = FILE_HEADER
  return [at, ...payloads.map(({ length }) => (at += RECORD_HEADER + length))]
}

const append = (...texts: string[]): Step[] =>
  texts.map((text) => ({ how: 'append', payload: bytesOfText(text) }))
const SYNC: Step = { how: 'sync' }

describe('a record file', () => {
  test('holds what was handed over, in order; what is held comes with the next record', () => {
    holds(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { bytes, payloads } = fileOf(steps)
        const lastHanded = steps.findLastIndex(({ how }) => how !== 'hold')
        const there = steps.slice(0, lastHanded + 1).filter(({ how }) => how !== 'sync').length
        const contents = read(bytes)
        expect(payloadsOf(contents)).toEqual(payloads.slice(0, there).map((payload) => [...payload]))
        expect(contents).toMatchObject({ wholeBytes: bytes.length, tornBytes: 0, damagedAt: undefined })
        const offsets = ends(payloads).slice(0, there)
        expect(contents.records.map(({ offset }) => offset)).toEqual(offsets)
      }),
    )
  })

  test('reading changes nothing: read again it says the same', () => {
    const { bytes } = fileOf([...append('one'), SYNC, ...append('two')])
    expect(read(bytes)).toEqual(read(bytes))
  })

  test('an empty record is never written', () => {
    expect(() => fileOf([{ how: 'append', payload: new Uint8Array() }])).toThrow(AssertionError)
  })

  test('is synced when it says so, and not asked twice', () => {
    const files = new FaultFiles()
    const writer = RecordWriter.create(files, 'f', 'PALIMLOG', 1, crc32)
    files.syncDirectory('')
    expect([writer.syncedBytes, files.isDurable('f')]).toEqual([FILE_HEADER, true])
    writer.hold(bytesOfText('held'))
    expect([writer.bytes, files.size('f')]).toEqual([48, 24])
    writer.append(bytesOfText('appended'))
    expect([writer.syncedBytes, files.size('f'), files.isDurable('f')]).toEqual([24, 76, false])
    writer.sync()
    expect([writer.syncedBytes, files.isDurable('f')]).toEqual([76, true])
    const syncs = files.count('sync')
    writer.sync()
    expect(files.count('sync')).toBe(syncs)
  })
})

describe('a cut', () => {
  test('at any byte leaves the longest prefix of whole records', () => {
    holds(
      fc.property(fc.array(step, { maxLength: 8 }), (steps) => {
        const { bytes, payloads } = fileOf([...steps, SYNC])
        const borders = ends(payloads)
        for (let length = 0; length <= bytes.length; length++) {
          const contents = read(bytes.subarray(0, length))
          const whole = borders.filter((end) => end <= length)
          expect(payloadsOf(contents)).toEqual(
            payloads.slice(0, Math.max(0, whole.length - 1)).map((p) => [...p]),
          )
          const wholeBytes = whole.at(-1) ?? 0
          expect(contents).toMatchObject({ wholeBytes, tornBytes: length - wholeBytes, damagedAt: undefined })
        }
      }),
      25,
    )
  })

  test('is taken up again where the whole records end', () => {
    holds(
      fc.property(
        fc.array(step, { maxLength: 8 }),
        fc.nat(),
        fc.array(step, { maxLength: 5 }),
        (steps, at, more) => {
          const { bytes, payloads } = fileOf([...steps, SYNC])
          const length = FILE_HEADER + (at % (bytes.length - FILE_HEADER + 1))
          const files = new MemoryFiles()
          putFile(files, 'f', bytes.subarray(0, length))
          const found = read(readWholeFile(files, 'f'))
          const writer = RecordWriter.resume(files, 'f', 'PALIMLOG', 7, crc32, found)
          expect([writer.bytes, writer.syncedBytes]).toEqual([found.wholeBytes, found.wholeBytes])
          const added: number[][] = []
          for (const each of [...more, SYNC]) {
            if (each.how === 'sync') writer.sync()
            else {
              writer[each.how](each.payload)
              added.push([...each.payload])
            }
          }
          const kept = ends(payloads).filter((end) => end <= length).length - 1
          const expected = [...payloads.slice(0, kept).map((payload) => [...payload]), ...added]
          const again = read(readWholeFile(files, 'f'))
          expect(payloadsOf(again)).toEqual(expected)
          expect(again.tornBytes).toBe(0)
        },
      ),
    )
  })

  test('is synced when it is taken up, should nobody have tried to', () => {
    const files = new FaultFiles()
    const { bytes } = fileOf(append('one', 'two'))
    const file = files.create('f')
    file.append(bytes.subarray(0, bytes.length - 1))
    file.close()
    expect(files.facts('f')?.bytesDurable).toBe(false)
    RecordWriter.resume(files, 'f', 'PALIMLOG', 7, crc32, read(readWholeFile(files, 'f')))
    expect(files.facts('f')?.bytesDurable).toBe(true)
    expect(files.size('f')).toBe(FILE_HEADER + RECORD_HEADER + 3)
  })
})

describe('damage', () => {
  /**
   * What may happen to a file with a changed byte: every record before it is read; it is refused exactly
   * if a whole record behind it says that what is damaged had been synced.
   */
  function expectDamage(
    bytes: Uint8Array,
    payloads: readonly Uint8Array[],
    at: number,
    flip: number,
  ): string {
    const damaged = Uint8Array.from(bytes)
    damaged[at]! ^= flip
    const contents = read(damaged)
    const borders = ends(payloads)
    const start = at < FILE_HEADER ? 0 : borders.findLast((end) => end <= at)!
    const before = borders.indexOf(start)
    expect(payloadsOf(contents)).toEqual(
      payloads.slice(0, Math.max(0, before)).map((payload) => [...payload]),
    )
    const vouches = borders.slice(0, -1).some((offset) => {
      const synced = Number(
        new DataView(bytes.buffer, bytes.byteOffset + offset + 8, 8).getBigUint64(0, true),
      )
      return offset > start && synced > start
    })
    // A record whose header is whole still says how far the file had been synced when it was written.
    expect(contents.damagedAt).toBe(vouches || (start === 0 && payloads.length > 0) ? start : undefined)
    expect(contents).toMatchObject({ wholeBytes: start, tornBytes: bytes.length - start })
    return contents.damagedAt === undefined ? 'torn' : 'refused'
  }

  test('of any byte: the records before it are read, and a record behind it that vouches for it is heard', () => {
    const met = new Set<string>()
    holds(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (steps, at, flip) => {
          const { bytes, payloads } = fileOf([...steps, SYNC])
          met.add(expectDamage(bytes, payloads, at % bytes.length, flip))
        },
      ),
      200,
    )
    expect([...met].toSorted()).toEqual(['refused', 'torn'])
  })

  test.each([
    ['in a record with a later one written after a sync', [...append('one'), SYNC, ...append('two')], 24, 24],
    ['in a record with a later one written before any sync', append('one', 'two'), 24, undefined],
    ['in the last record, synced or not', [...append('one'), SYNC, ...append('two'), SYNC], 47, undefined],
    [
      'in the first of three, vouched for by the third only',
      [...append('one', 'two'), SYNC, ...append('three')],
      28,
      24,
    ],
    ['in the header of the file, which is synced at once', append('one'), 3, 0],
    ['in the header of a file without a record', [], 3, undefined],
  ] as [string, Step[], number, number | undefined][])('%s', (_, steps, at, damagedAt) => {
    const { bytes } = fileOf(steps)
    bytes[at]! ^= 0xff
    expect(read(bytes).damagedAt).toBe(damagedAt)
  })

  test('that is refused is never written to', () => {
    const { bytes } = fileOf([...append('one'), SYNC, ...append('two')])
    bytes[28]! ^= 1
    const files = new MemoryFiles()
    putFile(files, 'f', bytes)
    expect(() => RecordWriter.resume(files, 'f', 'PALIMLOG', 7, crc32, read(bytes))).toThrow(AssertionError)
  })

  test('of any one to three bits is noticed', () => {
    const { bytes, payloads } = fileOf([...append('one', 'two'), SYNC, ...append('three')])
    holds(
      fc.property(
        fc.uniqueArray(fc.nat({ max: bytes.length * 8 - 1 }), { minLength: 1, maxLength: 3 }),
        (bits) => {
          const damaged = Uint8Array.from(bytes)
          for (const bit of bits) damaged[bit >>> 3]! ^= 1 << (bit & 7)
          expect(read(damaged).records.length).toBeLessThan(payloads.length)
        },
      ),
      300,
    )
  })

  test('records that changed places are noticed', () => {
    const { bytes } = fileOf(append('one', 'two'))
    const [head, first, second] = [bytes.subarray(0, 24), bytes.subarray(24, 47), bytes.subarray(47)]
    const swapped = concatBytes([head, second, first])
    expect(payloadsOf(read(swapped))).toEqual([])
  })

  test('zeros, as a crash leaves where a file grew without its data, are a torn tail', () => {
    const { bytes, payloads } = fileOf([...append('one'), SYNC, ...append('two')])
    const contents = read(concatBytes([bytes, new Uint8Array(5000)]))
    expect(contents).toMatchObject({ wholeBytes: bytes.length, tornBytes: 5000, damagedAt: undefined })
    expect(contents.records.length).toBe(payloads.length)
  })
})

describe('a stale record', () => {
  const { bytes } = fileOf([...append('stale'), SYNC, ...append('stale')])
  const stale = bytes.subarray(49)

  test('of another place in the file is not taken for one, nor for a witness', () => {
    const fresh = fileOf(append('fresh')).bytes
    for (const gap of [0, 1, 7, 100]) {
      const contents = read(concatBytes([fresh, new Uint8Array(gap), stale]))
      const isInPlace = fresh.length + gap === 49
      expect([contents.records.length, contents.damagedAt]).toEqual([isInPlace ? 2 : 1, undefined])
      expect(isInPlace).toBe(fresh.length === 49 && gap === 0)
    }
  })

  test('of a file of another kind with the same number is not taken for one, where it vouches for damage too', () => {
    const files = new MemoryFiles()
    const log = RecordWriter.create(files, 'f', 'PALIMLOG', 1, crc32)
    log.append(Uint8Array.of(1))
    log.sync()
    log.append(Uint8Array.of(2))
    const manifest = readWholeFile(files, 'f')
    manifest.set(bytesOfText('PALIMMAN'))
    new DataView(manifest.buffer).setUint32(20, crc32(manifest.subarray(0, 20)), true)
    const contents = readRecords(manifest, 'PALIMMAN', 1, crc32)
    expect(contents).toMatchObject({ records: [], wholeBytes: FILE_HEADER, damagedAt: undefined })
  })

  test('of another file at the same place is not taken for one', () => {
    const other = fileOf(append('fresh'), 8).bytes
    expect(other.length).toBe(49)
    const contents = read(concatBytes([other, stale]), 8)
    expect([contents.records.length, contents.damagedAt]).toEqual([1, undefined])
  })

  test('a file under another’s name, or of another kind, has no header', () => {
    const whole = fileOf([...append('one'), SYNC, ...append('two')]).bytes
    expect(read(whole, 8)).toMatchObject({ records: [], wholeBytes: 0, tornBytes: whole.length })
    expect(readRecords(whole, 'PALIMMAN', 7, crc32)).toMatchObject({ records: [], damagedAt: undefined })
  })
})

test('a record that says it was synced beyond its own begin is none, whatever its checksums', () => {
  const record = (synced: number) => {
    const bytes = new Uint8Array(RECORD_HEADER + 1).fill(7)
    const view = new DataView(bytes.buffer)
    view.setUint32(0, 1, true)
    view.setUint32(4, crc32(bytes.subarray(RECORD_HEADER)), true)
    view.setBigUint64(8, BigInt(synced), true)
    const place = new DataView(new ArrayBuffer(12))
    // Magic and number tell the file from all others.
    place.setUint32(0, crc32(fileOf([]).bytes.subarray(0, 12)), true)
    place.setBigUint64(4, BigInt(FILE_HEADER), true)
    view.setUint32(16, crc32(bytes.subarray(0, 16), crc32(new Uint8Array(place.buffer))), true)
    return concatBytes([fileOf([]).bytes, bytes])
  }
  expect(payloadsOf(read(record(FILE_HEADER)))).toEqual([[7]])
  expect(payloadsOf(read(record(FILE_HEADER + 1)))).toEqual([])
})

test('arbitrary bytes behind a header, their checksums right or not, are records or a tail', () => {
  holds(
    fc.property(fc.uint8Array({ maxLength: 120 }), (tail) => {
      const header = fileOf([]).bytes
      const contents = read(concatBytes([header, tail]))
      expect(contents).toMatchObject({ records: [], wholeBytes: FILE_HEADER, tornBytes: tail.length })
    }),
    300,
  )
})

test('a length field is held against what is left before anything is made of it', () => {
  const header = fileOf([]).bytes
  for (const length of [0xffff_ffff, 0x7fff_ffff, 1_000_000]) {
    const record = new Uint8Array(40)
    new DataView(record.buffer).setUint32(0, length, true)
    expect(refusal(() => read(concatBytes([header, record])))).toBeUndefined()
    expect(read(concatBytes([header, record])).tornBytes).toBe(40)
  }
})
