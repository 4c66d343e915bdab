import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { openDatabase } from '../../src/database/database.ts'
import { type OpenOptions } from '../../src/database/options.ts'
import { GEOMETRIES, geometryOf } from '../../src/storage/geometry.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

const KIB = 1024

const refused = expect.objectContaining({ code: 'INVALID_ARGUMENT' })

test('a geometry has the sizes that are given, and of the others those of its name', () => {
  const sizes = { blockBytes: 7, filterBitsPerKey: 3, logBytes: undefined }
  expect(geometryOf('tiny', sizes)).toEqual({ ...GEOMETRIES.tiny, blockBytes: 7, filterBitsPerKey: 3 })
})

test.each<Readonly<Record<string, unknown>>>([
  { blockBytes: 0 },
  { sizeRatio: 1 },
  { tableBytes: 1.5 },
  { memtableBytes: Number.NaN },
  { logBytes: '7' },
  // What no file, block or memory could hold.
  { memtableBytes: 2 ** 31 },
  { tableBytes: 2 ** 31 },
  { blockBytes: 2 ** 31 },
  { segmentBytes: 2 ** 40 },
  { filterBitsPerKey: 1e12 },
  { rows: 7 },
  { toString: 7 },
])('%j is refused as sizes (law 11)', (sizes) => {
  expect(() => geometryOf('tiny', sizes as never)).toThrow(refused)
})

test('a process has its own sizes, and what was written with others is read', () => {
  const files = new MemoryFiles()
  const open = (sizes: OpenOptions['sizes']) =>
    openDatabase({ files, clock: new ReplayClock({ micros: 1 }), checksum: crc32 }, { sizes })
  const blocksOf = (db: ReturnType<typeof open>) => db.check().map(({ blocks }) => blocks)[1]
  const first = open({ blockBytes: 1 })
  first.createKeyspace('k')
  const table = first.createTable<string, string>('k.t', { values: 'text' })
  for (const key of ['a', 'b', 'c']) table.put(key, key)
  first.flush()
  expect(blocksOf(first)).toBe(3)
  first.close()
  const second = open({ blockBytes: 1000 })
  expect(second.table('k.t').getMany(['a', 'b', 'c'])).toEqual(['a', 'b', 'c'])
  expect(blocksOf(second)).toBe(3)
  second.compact()
  expect(blocksOf(second)).toBe(1)
  expect(second.table('k.t').getMany(['a', 'b', 'c'])).toEqual(['a', 'b', 'c'])
})

test('blocks that are much smaller than before may repeat long keys so often that a merge writes more than it read', () => {
  const [files, clock] = [new MemoryFiles(), new ReplayClock({ micros: 1 })]
  const open = (sizes: OpenOptions['sizes']) => openDatabase({ files, clock, checksum: crc32 }, { sizes })
  const versions = 500
  const key = 'k'.repeat(2000)
  const first = open({ blockBytes: 32 * KIB })
  first.createKeyspace('k')
  const table = first.createTable<string, string>('k.t', { values: 'text', keep: 'forever' })
  for (let v = 0; v < versions; v++) table.put(key, `${v}`)
  first.flush()
  first.close()

  const second = open({ blockBytes: KIB, tableBytes: 8 * KIB })
  const before = second.stats().bytes
  second.compact('k.t')
  expect(second.stats().bytes).toBeGreaterThan(4 * before)
  expect(second.table('k.t').put(key, 'more').time).toBe(second.newest)
  expect([...second.table('k.t').history(key)]).toHaveLength(versions + 1)
  expect(second.check().flatMap(({ faults }) => faults)).toEqual([])
  second.close()
})

test('sizes that are wrong are refused before anything is touched', () => {
  const files = new MemoryFiles()
  const world = { files, clock: new ReplayClock({ micros: 1 }), checksum: crc32 }
  expect(() => openDatabase(world, { sizes: { blockBytes: -1 } })).toThrow(refused)
  expect(() => openDatabase(world, { sizes: 5 as never })).toThrow('sizes are an object, not a number')
  expect(files.list('')).toEqual([])
})
