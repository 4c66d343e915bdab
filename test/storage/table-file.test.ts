/**
 * Tables: what was written is read back by every way there is, over blocks of one version and of many;
 * the facts are exact; damage is refused and named.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import { ByteCopies, bytesOfText } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { BlockBuilder, NOTHING } from '../../src/storage/block.ts'
import { hashOfKey } from '../../src/storage/bloom-filter.ts'
import { readWholeFile } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { RunCursor } from '../../src/storage/run-cursor.ts'
import {
  type BlockEntry,
  type Footer,
  type TableFacts,
  type TableMeta,
  decodeFacts,
  decodeFooter,
  decodeIndex,
  encodeFacts,
  encodeFooter,
  encodeIndex,
  tableNumberOf,
  tablePath,
} from '../../src/storage/table-format.ts'
import { type TableFile } from '../../src/storage/table-file.ts'
import { TableFiles } from '../../src/storage/table-files.ts'
import { shouldEndTable } from '../../src/storage/table-writer.ts'
import { type KeyedVersion, type TimeOrder } from '../../src/storage/version.ts'
import { eachOf } from '../../src/storage/version-batch.ts'
import { type HybridTime, MAX_TIME, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { NO_TIMES, type Stretch, stretch } from '../../src/time/stretches.ts'
import { BinaryWriter, FormatError } from '../../src/base/binary.ts'
import { VersionSpan } from '../../src/storage/version-span.ts'
import { SoughtKey } from '../../src/storage/sought-key.ts'
import { holds } from '../time/property.ts'
import { expectBeside, expectCursor } from './cursor-check.ts'
import {
  allShown,
  compareKeys,
  KEYS,
  keysOf,
  LAST_TICK,
  located,
  newestOf,
  PROBES,
  putFile,
  refusal,
  shown,
  smallGeometry,
  sortedVersions,
  tableFiles,
  tick,
  version,
  views,
  writeRun,
  writeTable,
} from './samples.ts'

/** From one version a block to all in one. */
const blockBytes = fc.constantFrom(1, 40, 100, 300, 100_000)
const hotKey = sortedVersions({ minLength: 10, keys: KEYS.slice(4, 7) })
const tableVersions = fc.oneof(sortedVersions(), hotKey)
const orders = fc.constantFrom<TimeOrder>('newest first', 'oldest first')
const ALL = stretch(tick(0), MAX_TIME)

/** The versions of a key at some times, as a table hands them out. */
function batchesOf(table: TableFile, key: Uint8Array, times: Stretch, order: TimeOrder): readonly string[] {
  const batches = table.versionBatches(new SoughtKey(key), times, { order, copies: new ByteCopies() })
  return Array.from({ length: batches.count }, (_, index) =>
    Array.from(eachOf(batches.at(index)), shown),
  ).flat()
}

/** How large a block of one key is. */
function bytesOfBlock(versions: readonly KeyedVersion[]): number {
  const builder = new BlockBuilder()
  for (const [i, each] of versions.entries()) builder.add(each.key, each, i === 0)
  return builder.bytes
}

describe('a table', () => {
  test('holds the versions it was made of', () => {
    holds(
      fc.property(tableVersions, blockBytes, (versions, size) => {
        const tables = tableFiles()
        writeTable(tables, 1, versions, smallGeometry({ blockBytes: size }))
        expect(allShown(tables.open(1).versions())).toEqual(allShown(versions))
      }),
      40,
    )
  })

  test('has a key in one block if that takes up to half of one, and no block that is too large', () => {
    holds(
      fc.property(tableVersions, fc.integer({ min: 1, max: 400 }), (versions, size) => {
        const tables = tableFiles()
        writeTable(tables, 1, versions, smallGeometry({ blockBytes: size }))
        const table = tables.open(1)
        const blocks = table.index.map((_, index) => table.block(index))
        for (const block of blocks)
          if (block.versionCount > 1) expect(block.bytes.length).toBeLessThanOrEqual(size)
        for (const key of keysOf(versions)) {
          const ofKey = versions.filter((one) => compareKeys(one.key, key) === 0)
          const withKey = blocks.filter((block) => block.indexOf(new SoughtKey(key)) !== NOTHING)
          if (bytesOfBlock(ofKey) <= size / 2) expect(withKey.length).toBe(1)
        }
      }),
      100,
    )
  })

  test('finds the newest version of any key in any view', () => {
    holds(
      fc.property(tableVersions, blockBytes, views, (versions, size, view) => {
        const tables = tableFiles()
        writeTable(tables, 1, versions, smallGeometry({ blockBytes: size }))
        const table = tables.open(1)
        for (const probe of PROBES) {
          const expected = shown(newestOf(versions, probe, view))
          expect(shown(located((found) => table.locate(new SoughtKey(probe), view, found)))).toBe(expected)
          expect(shown(located((found) => table.locateVersion(new SoughtKey(probe), view, found)))).toBe(
            expected,
          )
        }
      }),
      80,
    )
  })

  test('hands out the versions of any key at some times, whether or not it was searched for before', () => {
    const times = fc.tuple(fc.nat({ max: LAST_TICK + 1 }), fc.nat({ max: LAST_TICK + 1 }))
    // Of those that have many versions more often than of others.
    const probe = fc.oneof(
      fc.nat({ max: 2 }).map((i) => 4 + i),
      fc.nat({ max: PROBES.length - 1 }),
    )
    const ask = fc.record({ table: fc.nat({ max: 1 }), probe, times, order: orders })
    holds(
      fc.property(
        fc.tuple(tableVersions, tableVersions),
        blockBytes,
        fc.constantFrom(0, 300, 1e6),
        fc.array(ask, { minLength: 10, maxLength: 60 }),
        (versions, size, cacheBytes, asks) => {
          const tables = tableFiles(new MemoryFiles(), cacheBytes)
          for (const i of [0, 1]) writeTable(tables, i + 1, versions[i]!, smallGeometry({ blockBytes: size }))
          for (const { table, probe: index, times: bounds, order } of asks) {
            const [after, through] = bounds.toSorted((a, b) => a - b).map(tick) as [HybridTime, HybridTime]
            const key = PROBES[index]!
            // A get leaves a place behind, which is not that of the whole key if that goes on in other blocks.
            tables.open(table + 1).locate(new SoughtKey(key), stretch(tick(0), through), new VersionSpan())
            const expected = versions[table]!.filter(
              (one) => compareKeys(one.key, key) === 0 && after < one.time && one.time <= through,
            )
            const found = batchesOf(tables.open(table + 1), key, { after, through }, order)
            expect(found).toEqual((order === 'newest first' ? expected : expected.toReversed()).map(shown))
          }
        },
      ),
      60,
    )
  })

  test.each(['forward', 'reverse'] as const)('a %s cursor stands where the list does', (direction) => {
    holds(
      fc.property(
        tableVersions,
        blockBytes,
        views,
        fc.integer({ min: 1, max: 3 }),
        (versions, size, view, every) => {
          const tables = tableFiles()
          const meta = writeTable(tables, 1, versions, smallGeometry({ blockBytes: size }))
          const cursor = new RunCursor((number) => tables.open(number), [meta], view, direction)
          expectCursor(cursor, direction, versions, view, every)
        },
      ),
      40,
    )
  })

  test('is of exact facts: counts, bounds, blocks, for itself and for each block', () => {
    holds(
      fc.property(tableVersions, blockBytes, (versions, size) => {
        const files = new MemoryFiles()
        const tables = tableFiles(files)
        const meta = writeTable(tables, 1, versions, smallGeometry({ blockBytes: size }))
        const { number, bytes, ...facts } = meta
        expect(number).toBe(1)
        expect(bytes).toBe(files.size(tablePath(1)))
        const table = tables.open(1)
        expect(facts).toEqual({ ...countsOf(versions), blocks: table.index.length })
        expect(table.facts).toEqual(facts)
        // Keys begin in one block and may go on in later ones, where they count as superseded.
        let at = 0
        const blocks = table.index.map((_, i) => {
          const count = table.block(i).versionCount
          at += count
          return versions.slice(at - count, at)
        })
        expect(at).toBe(versions.length)
        for (const [i, entry] of table.index.entries()) {
          const own = blocks[i]!
          const { first, minTime, maxTime } = countsOf(own)
          const isFirst = (each: KeyedVersion) =>
            versions.find(({ key }) => compareKeys(key, each.key) === 0) === each
          expect(entry).toEqual({
            offset: entry.offset,
            length: entry.length,
            ...{ first, minTime, maxTime },
            live: own.filter((each) => each.value !== undefined && isFirst(each)).length,
            superseded: own.filter((each) => each.value !== undefined && !isFirst(each)).length,
            tombstones: own.filter((each) => each.value === undefined).length,
          })
        }
      }),
      40,
    )
  })

  test('keeps nothing of the bytes it was made of: its facts have keys of their own', () => {
    // A merge hands over keys that are looks at whole blocks.
    const block = new Uint8Array(10_000)
    const key = block.subarray(5000, 5001)
    const meta = writeTable(tableFiles(), 1, [{ ...version('', 2, 'v'), key }])
    expect(meta.first.key.buffer.byteLength).toBe(1)
    expect(meta.last.key.buffer.byteLength).toBe(1)
  })

  test('takes versions in order only, and at least one', () => {
    const tables = tableFiles()
    const writer = tables.create(1, smallGeometry())
    expect(() => writer.finish()).toThrow(AssertionError)
    writer.add(version('b', 5, 'x'))
    expect(writer.last).toEqual({ key: bytesOfText('b'), time: 5n, value: bytesOfText('x') })
    for (const wrong of [version('b', 5, 'y'), version('b', 6), version('a', 1)])
      expect(() => writer.add(wrong)).toThrow(AssertionError)
    writer.add(version('b', 4))
  })

  test('keeps blocks within their size unless one version is larger', () => {
    holds(
      fc.property(sortedVersions({ minLength: 20 }), (versions) => {
        const tables = tableFiles()
        writeTable(tables, 1, versions, smallGeometry({ blockBytes: 100 }))
        const table = tables.open(1)
        for (const [i, { length }] of table.index.entries())
          if (table.block(i).versionCount > 1) expect(length).toBeLessThanOrEqual(100)
      }),
      40,
    )
  })
})

function countsOf(versions: readonly KeyedVersion[]): Omit<TableFacts, 'blocks'> {
  const heads = keysOf(versions).map((key) => versions.find((each) => compareKeys(each.key, key) === 0)!)
  const tombstones = versions.filter((each) => each.value === undefined).length
  const live = heads.filter((each) => each.value !== undefined).length
  const times = versions.map((each) => each.time).toSorted((a, b) => (a < b ? -1 : 1))
  const [first, last] = [versions[0]!, versions.at(-1)!]
  return {
    first: { key: first.key, time: first.time },
    last: { key: last.key, time: last.time },
    minTime: times[0]!,
    maxTime: times.at(-1)!,
    ...{ keys: heads.length, versions: versions.length, live, tombstones },
    superseded: versions.length - live - tombstones,
  }
}

describe('what a read costs', () => {
  // One version a block: a@9 a@8 … a@1 b@5
  const versions = [
    ...[9, 8, 7, 6, 5, 4, 3, 2, 1].map((time) => version('a', time, 'v')),
    version('b', 5, 'v'),
  ]
  const open = (cacheBytes?: number) => {
    const tables = tableFiles(new MemoryFiles(), cacheBytes)
    const meta = writeTable(tables, 1, versions, smallGeometry({ blockBytes: 1 }))
    return { tables, meta }
  }

  test('a search reads one block, or that and the next one', () => {
    const { tables } = open(0)
    const table = tables.open(1)
    for (let time = 1; time <= 9; time++) {
      const before = tables.counters.blocksRead
      expect(
        located((found) => table.locate(new SoughtKey(bytesOfText('a')), stretch(tick(0), tick(time)), found))
          ?.time,
      ).toBe(tick(time))
      expect(tables.counters.blocksRead - before).toBeLessThanOrEqual(2)
    }
  })

  test('a table is skipped where no time of it is in the view, and where its filter denies the key', () => {
    const { tables, meta } = open()
    const a = new SoughtKey(bytesOfText('a'))
    for (const view of [NO_TIMES, stretch(tick(9), MAX_TIME), stretch(tick(0), tick(0))])
      expect(tables.locate(meta, a, view, new VersionSpan())).toBe(false)
    expect(tables.counters).toMatchObject({ timeSkips: 3, filterSkips: 0, blocksRead: 0 })
    const table = tables.open(1)
    const denied = ['c', 'd', 'e', 'f', 'g']
      .map(bytesOfText)
      .filter((key) => !table.mayContain(hashOfKey(key)))
    for (const key of denied) expect(table.locate(new SoughtKey(key), ALL, new VersionSpan())).toBe(false)
    expect(tables.counters).toMatchObject({ filterSkips: denied.length, blocksRead: 0 })
    expect(denied.length).toBeGreaterThan(0)
  })

  test('a block that is in the cache is not read again; a stream of all versions leaves the cache alone', () => {
    const { tables } = open()
    const table = tables.open(1)
    table.block(0)
    table.block(0)
    expect(tables.counters.blocksRead).toBe(1)
    expect(tables.cache).toEqual({ bytes: table.index[0]!.length, hits: 1, misses: 1 })
    Array.from(table.versions())
    expect(tables.cache).toEqual({ bytes: table.index[0]!.length, hits: 1, misses: 1 })
  })

  test.each([0, 1, 100, 1e9])('a cache of %d bytes changes no answer', (cacheBytes) => {
    holds(
      fc.property(tableVersions, views, (all, view) => {
        const tables = tableFiles(new MemoryFiles(), cacheBytes)
        const meta = writeTable(tables, 1, all)
        for (const direction of ['forward', 'reverse'] as const)
          expectCursor(
            new RunCursor((number) => tables.open(number), [meta], view, direction),
            direction,
            all,
            view,
          )
        expect(tables.cache.bytes).toBeLessThanOrEqual(cacheBytes)
      }),
      10,
    )
  })
})

describe('the files of tables', () => {
  test('one that was closed, or let go because too many are open, still serves those who hold it', () => {
    const files = new MemoryFiles()
    const tables = new TableFiles(files, crc32, { cacheBytes: 0, openTables: 1 })
    writeTable(tables, 1, [version('a', 1, 'one')])
    writeTable(tables, 2, [version('a', 2, 'two')])
    const first = tables.open(1)
    tables.open(2)
    expect(shown(located((found) => first.locateVersion(new SoughtKey(bytesOfText('a')), ALL, found)))).toBe(
      shown(version('a', 1, 'one')),
    )
    tables.close()
    expect(allShown(first.versions())).toEqual(allShown([version('a', 1, 'one')]))
  })

  test('no more stay open than the limit says', () => {
    let open = 0
    class CountingFiles extends MemoryFiles {
      override open(path: string) {
        const file = super.open(path)
        open++
        let isOpen = true
        return {
          size: file.size,
          read: (offset: number, length: number) => file.read(offset, length),
          close: () => {
            if (isOpen) open--
            isOpen = false
            file.close()
          },
        }
      }
    }
    const tables = new TableFiles(new CountingFiles(), crc32, { cacheBytes: 0, openTables: 3 })
    for (let number = 1; number <= 8; number++) writeTable(tables, number, [version('a', number, 'v')])
    const held = [1, 2, 3, 4, 5, 6, 7, 8].map((number) => tables.open(number))
    expect(open).toBe(3)
    for (const table of held) expect(allShown(table.versions()).length).toBe(1)
    expect(open).toBe(3)
    tables.remove([8, 7])
    expect(open).toBe(1)
    tables.close()
    expect(open).toBe(0)
  })

  test('removing one takes its file and its blocks away', () => {
    const files = new MemoryFiles()
    const tables = tableFiles(files)
    writeTable(tables, 7, [version('a', 1, 'one')])
    writeTable(tables, 12, [version('a', 2, 'two')])
    expect(tables.list().toSorted((a, b) => a - b)).toEqual([7, 12])
    tables.open(7).block(0)
    expect(tables.cache.bytes).toBeGreaterThan(0)
    tables.remove([7])
    expect(tables.cache.bytes).toBe(0)
    expect(files.list('')).toEqual(['000012.table'])
    expect(refusal(() => tables.open(7))?.code).toBe('TABLE_CORRUPT')
  })

  test.each([
    ['000001.table', 1],
    ['1234567.table', 1_234_567],
    ['00001.table', undefined],
    ['000001.table.new', undefined],
    ['x000001.table', undefined],
    ['000001.log', undefined],
  ])('%s has the number %s', (name, number) => {
    expect(tableNumberOf(name)).toBe(number)
    if (number !== undefined) expect(tablePath(number)).toBe(name)
  })
})

describe('damage', () => {
  const versions = [version('a', 9, 'nine'), version('a', 5, 'five'), version('b', 7), version('c', 2, 'two')]

  test('a missing file, a cut one and one of something else are refused, with the name', () => {
    const files = new MemoryFiles()
    writeTable(tableFiles(files), 3, versions)
    const whole = readWholeFile(files, tablePath(3))
    for (let length = 0; length < whole.length; length++) {
      putFile(files, tablePath(3), whole.subarray(0, length))
      const error = refusal(() => tableFiles(files).open(3))
      expect(error).toMatchObject({ code: 'TABLE_CORRUPT', details: { file: '000003.table' } })
    }
    files.remove(tablePath(3))
    expect(refusal(() => tableFiles(files).open(3))).toMatchObject({
      code: 'TABLE_CORRUPT',
      details: { file: '000003.table', offset: 0 },
    })
  })

  test('every flipped bit of a file is refused, or in a block whose offset is named', () => {
    const files = new MemoryFiles()
    writeTable(tableFiles(files), 1, versions, smallGeometry({ blockBytes: 40 }))
    const whole = readWholeFile(files, tablePath(1))
    const { index } = tableFiles(files).open(1)
    const offsetOf = (at: number) => index.find(({ offset, length }) => at < offset + length + 4)?.offset ?? 0
    for (let bit = 0; bit < whole.length * 8; bit++) {
      const damaged = Uint8Array.from(whole)
      damaged[bit >>> 3]! ^= 1 << (bit & 7)
      putFile(files, tablePath(1), damaged)
      const error = refusal(() => Array.from(tableFiles(files).open(1).versions()))
      const details = { file: '000001.table', offset: offsetOf(bit >>> 3) }
      expect(error).toMatchObject({ code: 'TABLE_CORRUPT', details })
    }
  })

  test('a block that reaches into the parts behind it is refused, though every checksum is right', () => {
    const files = new MemoryFiles()
    writeTable(tableFiles(files), 1, versions)
    const whole = readWholeFile(files, tablePath(1))
    const { filter, index, facts } = decodeFooter(whole.subarray(-48), whole.length, 1, crc32)
    const [entry] = decodeIndex(whole.subarray(index.offset, index.offset + index.length))
    /** The file with a block of another length in its index. */
    const withLength = (length: number): Uint8Array => {
      const file = new BinaryWriter()
      const part = (bytes: Uint8Array) => {
        const handle = { offset: file.length, length: bytes.length }
        file.raw(bytes)
        file.u32(crc32(bytes))
        return handle
      }
      file.raw(whole.subarray(0, index.offset))
      const parts = {
        index: part(encodeIndex([{ ...entry!, length }])),
        facts: part(whole.subarray(facts.offset, facts.offset + facts.length)),
      }
      file.raw(encodeFooter({ filter, ...parts }, 1, crc32))
      return file.finish()
    }
    expect(withLength(entry!.length)).toEqual(whole)
    putFile(files, tablePath(1), withLength(entry!.length + 1))
    expect(refusal(() => tableFiles(files).open(1))).toMatchObject({
      code: 'TABLE_CORRUPT',
      message: expect.stringContaining('the blocks are not those of the index'),
    })
  })

  test('an error of the disk is no damage', () => {
    class FailingFiles extends MemoryFiles {
      override open(path: string) {
        const file = super.open(path)
        const read = (): never => {
          throw new RangeError('not a read error of ours')
        }
        return { size: file.size, read, close: () => undefined }
      }
    }
    const files = new FailingFiles()
    writeTable(tableFiles(files), 1, versions)
    expect(() => tableFiles(files).open(1)).toThrow(RangeError)
  })
})

describe('the parts of a table file', () => {
  const position = fc.record({
    key: fc.uint8Array({ maxLength: 20 }),
    time: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((time) => time as KeyedVersion['time']),
  })
  const time = position.map((each) => each.time)
  const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
  const facts = fc.record<TableFacts>({
    ...{ first: position, last: position, minTime: time, maxTime: time },
    ...{ blocks: count, keys: count, versions: count, live: count, superseded: count, tombstones: count },
  })
  const entry = fc.record<BlockEntry>({
    ...{ offset: count, length: count, first: position, minTime: time, maxTime: time },
    ...{ live: count, superseded: count, tombstones: count },
  })

  test('facts and index come back', () => {
    holds(
      fc.property(facts, fc.array(entry, { minLength: 1, maxLength: 5 }), (some, entries) => {
        expect(decodeFacts(encodeFacts(some))).toEqual(some)
        expect(decodeIndex(encodeIndex(entries))).toEqual(entries)
      }),
    )
  })

  test('of other bytes they are refused, or are those that the bytes say, in the one form', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 60 }),
      fc.tuple(facts, fc.nat(), fc.nat({ max: 255 })).map(([some, at, byte]) => {
        const encoded = encodeFacts(some)
        encoded[at % encoded.length] = byte
        return encoded
      }),
    )
    holds(
      fc.property(bytes, (some) => {
        for (const [decode, encode] of [
          [decodeFacts, encodeFacts],
          [decodeIndex, encodeIndex],
        ] as [(bytes: Uint8Array) => unknown, (value: unknown) => Uint8Array][]) {
          let decoded: unknown
          try {
            decoded = decode(some)
          } catch (error) {
            expect(error).toBeInstanceOf(FormatError)
            continue
          }
          expect([...encode(decoded)]).toEqual([...some])
        }
      }),
      300,
    )
  })

  test('an index of no block, or of more than its bytes can hold, is refused at once', () => {
    expect(() => decodeIndex(Uint8Array.of(0))).toThrow(FormatError)
    expect(() => decodeIndex(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f))).toThrow(
      FormatError,
    )
  })

  test('a footer comes back, if its parts stand one behind the other and fill the file', () => {
    const length = fc.nat({ max: 1000 })
    const shift = fc.oneof(fc.constant(0), fc.integer({ min: -3, max: 3 }))
    const shifts = fc.tuple(shift, shift, shift)
    holds(
      fc.property(fc.tuple(length, length, length, length), shifts, ([blocks, ...lengths], [a, b, c]) => {
        const filter = { offset: blocks, length: lengths[0] }
        const index = { offset: filter.offset + filter.length + 4 + Math.abs(a), length: lengths[1] }
        const last = { offset: index.offset + index.length + 4 + Math.abs(b), length: lengths[2] }
        const fileBytes = last.offset + last.length + 4 + 48 + c
        const footer: Footer = { filter, index, facts: last }
        const bytes = encodeFooter(footer, 7, crc32)
        expect(bytes.length).toBe(48)
        if (a === 0 && b === 0 && c === 0) expect(decodeFooter(bytes, fileBytes, 7, crc32)).toEqual(footer)
        else expect(() => decodeFooter(bytes, fileBytes, 7, crc32)).toThrow(FormatError)
      }),
    )
  })

  test('a footer of another format says so', () => {
    const part = { offset: 0, length: 0 }
    const bytes = encodeFooter({ filter: part, index: part, facts: part }, 7, crc32)
    const view = new DataView(bytes.buffer)
    view.setUint32(36, 2, true)
    view.setUint32(40, crc32(bytes.subarray(0, 40), crc32(Uint8Array.of(7, 0, 0, 0, 0, 0, 0, 0))), true)
    expect(() => decodeFooter(bytes, 1000, 7, crc32)).toThrow('format 2 is not known')
  })
})

test('a table ends between keys at its size, within a key at twice that', () => {
  const geometry = smallGeometry({ tableBytes: 1000 })
  const [a2, a1, b] = [version('a', 2), version('a', 1), version('b', 1)]
  const ends = (bytes: number, last: KeyedVersion, next: KeyedVersion) =>
    shouldEndTable(bytes, last, next, geometry)
  expect([ends(999, a1, b), ends(1000, a1, b)]).toEqual([false, true])
  expect([ends(1000, a2, a1), ends(1999, a2, a1), ends(2000, a2, a1)]).toEqual([false, false, true])
})

describe('runs of many tables', () => {
  /** Cuts sorted versions into tables at arbitrary places, within keys too. */
  const run = fc.tuple(tableVersions, fc.array(fc.integer({ min: 1, max: 59 }), { maxLength: 6 }), blockBytes)

  function openRun(
    versions: readonly KeyedVersion[],
    cuts: readonly number[],
    size: number,
    openTables = 100,
  ) {
    const tables = tableFiles(new MemoryFiles(), openTables === 1 ? 0 : 1e6, openTables)
    const metas = writeRun(tables, versions, cuts, smallGeometry({ blockBytes: size }))
    return { metas, open: (number: number) => tables.open(number) }
  }

  test.each(['forward', 'reverse'] as const)('a %s cursor stands where the list does', (direction) => {
    holds(
      fc.property(run, views, fc.integer({ min: 1, max: 3 }), ([versions, cuts, size], view, every) => {
        // Where one is open at a time, a cursor holds tables that are let go, and opened again.
        const { metas, open } = openRun(versions, cuts, size, every === 1 ? 1 : 100)
        expectCursor(new RunCursor(open, metas, view, direction), direction, versions, view, every)
      }),
      50,
    )
  })

  test.each(['forward', 'reverse'] as const)(
    'a %s cursor over those tables only that meet the view answers the same in it, and knows what is beside or says nothing',
    (direction) => {
      holds(
        fc.property(run, views, views, ([versions, cuts, size], view, older) => {
          const { metas, open } = openRun(versions, cuts, size)
          const meets = ({ minTime, maxTime }: TableMeta) =>
            view.some(({ after, through }) => after < maxTime && minTime <= through)
          const left = metas.filter(meets)
          const cursor = new RunCursor(open, left, view, direction)
          expectCursor(cursor, direction, versions, view)
          expectBeside(cursor, direction, versions, older)
        }),
        25,
      )
    },
  )

  test.each(['forward', 'reverse'] as const)(
    'a %s cursor does not take what is behind a table that was left out for what is beside',
    (direction) => {
      const versions = [version('a', 9), version('a', 8), version('a', 5), version('a', 2), version('b', 9)]
      const { metas, open } = openRun(versions, [2, 3], 1000)
      const view = stretch(tick(7), tick(9))
      const cursor = new RunCursor(open, [metas[0]!, metas[2]!], view, direction)
      expectBeside(cursor, direction, versions, stretch(MIN_TIME, tick(7)))
    },
  )

  test.each(['forward', 'reverse'] as const)(
    'a table without the keys that the manifest says it has is damaged (%s)',
    (direction) => {
      const { metas, open } = openRun([version('c', 1)], [], 1000)
      const [first, last] = ['a', 'z'].map((key) => ({ key: bytesOfText(key), time: tick(1) }))
      const cursor = new RunCursor(open, [{ ...metas[0]!, first: first!, last: last! }], ALL, direction)
      const error = refusal(() => cursor.seek(bytesOfText(direction === 'forward' ? 'd' : 'b')))
      expect(error).toMatchObject({ code: 'TABLE_CORRUPT', message: expect.stringContaining('no key where') })
    },
  )
})
