/**
 * Compaction: the merge is a sort-merge, the filter is obeyed, nothing that is kept can be hidden by what
 * is dropped, and the new tables are cut where a table may end.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PalimpsestError } from '../../src/base/errors.ts'
import {
  type CompactionIo,
  type CompactionJob,
  mergeVersions,
  runCompaction,
} from '../../src/storage/compaction.ts'
import { type VersionFilter } from '../../src/storage/filter.ts'
import { type Geometry } from '../../src/storage/geometry.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type TableMeta, tablePath } from '../../src/storage/table-format.ts'
import { type TableFiles } from '../../src/storage/table-files.ts'
import { type KeyedVersion } from '../../src/storage/version.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'
import {
  LAST_TICK,
  allShown,
  compareKeys,
  compareVersions,
  putFile,
  refusal,
  smallGeometry,
  sortedVersions,
  tableFiles,
  tick,
  version,
  writeTable,
} from './samples.ts'

const KEEP_ALL: VersionFilter = { beginKey: () => undefined, keeps: () => true }

const smallTables = smallGeometry({ tableBytes: 500, blockBytes: 100 })

function ioOver(tables: TableFiles, geometry: Geometry = smallTables): CompactionIo {
  let next = 100
  return {
    geometry,
    open: (number) => tables.open(number),
    create: () => tables.create(next++, geometry),
    mayCreate: () => true,
  }
}

/** A merge of whole levels into the level below the last. */
function mergeOf(levels: readonly (readonly TableMeta[])[], elsewhere: readonly TableMeta[] = []) {
  const inputs = levels.map((tables, level) => ({ level: level + 1, tables }))
  const choice = {
    kind: 'merge' as const,
    inputs,
    outputLevel: levels.length,
    outputRun: 1,
    because: 'a test',
  }
  return { choice, elsewhere, directive: undefined } satisfies CompactionJob<undefined>
}

/** Keeps what a rule keeps, and checks that it is asked key by key, newest first. */
function filterOf(keeps: (key: Uint8Array, time: HybridTime) => boolean, all: readonly KeyedVersion[]) {
  let at = -1
  const expected = all.toSorted(compareVersions)
  let begun = 0
  const filter: VersionFilter = {
    beginKey: () => {
      begun++
      expect(at + 1 === 0 || compareKeys(expected[at]!.key, expected[at + 1]!.key) !== 0).toBe(true)
    },
    keeps: (time) => {
      at++
      expect(time).toBe(expected[at]!.time)
      return keeps(expected[at]!.key, time)
    },
  }
  const isDone = () =>
    at === expected.length - 1 && begun === new Set(expected.map((each) => String(each.key))).size
  return { filter, isDone }
}

/** Versions of a tree cut by time into levels, the upper ones newer, and what may lie elsewhere below them. */
const leveled = fc.record({
  versions: sortedVersions({ minLength: 2, maxLength: 50 }),
  cuts: fc.array(fc.integer({ min: 1, max: LAST_TICK }), { maxLength: 3 }),
})

function cutByTime(versions: readonly KeyedVersion[], cuts: readonly number[]): KeyedVersion[][] {
  const borders = [LAST_TICK + 1, ...new Set(cuts.toSorted((a, b) => b - a)), 0]
  return borders
    .slice(1)
    .map((low, i) => versions.filter(({ time }) => time > tick(low) && time <= tick(borders[i]!)))
    .filter((part) => part.length > 0)
}

const outputOf = (tables: TableFiles, added: readonly { table: TableMeta }[]) =>
  added.flatMap(({ table }) => [...tables.open(table.number).versions()])

describe('the merge', () => {
  test('of sorted streams is the sorted whole', () => {
    holds(
      fc.property(fc.array(sortedVersions({ minLength: 0, maxLength: 20 }), { maxLength: 5 }), (streams) => {
        const all = streams.flat().toSorted(compareVersions)
        const merged = mergeVersions(streams.map((stream) => stream.values()))
        // Of equal positions either may come first.
        expect(allShown(merged).map((text) => text.split('=')[0])).toEqual(
          allShown(all).map((text) => text.split('=')[0]),
        )
      }),
      40,
    )
  })

  test('that keeps everything drops nothing but tombstones that hide nothing', () => {
    holds(
      fc.property(leveled, ({ versions, cuts }) => {
        const tables = tableFiles()
        const levels = cutByTime(versions, cuts).map((part, i) => [writeTable(tables, i + 1, part)])
        const result = runCompaction(mergeOf(levels), KEEP_ALL, ioOver(tables))
        const isIdle = ({ key, time, value }: KeyedVersion) =>
          value === undefined &&
          !versions.some(
            (other) => compareKeys(other.key, key) === 0 && other.time < time && other.value !== undefined,
          )
        expect(allShown(outputOf(tables, result.edit.add))).toEqual(
          allShown(versions.filter((each) => !isIdle(each))),
        )
        expect(result.droppedTombstones).toBe(versions.filter(isIdle).length)
        expect(result.droppedVersions).toBe(versions.filter(isIdle).length)
      }),
      40,
    )
  })

  test('asks the filter about every version, key by key and newest first, and drops what it does not keep', () => {
    holds(
      fc.property(leveled, fc.func(fc.boolean()), ({ versions, cuts }, rule) => {
        const keeps = (key: Uint8Array, time: HybridTime) => rule(String(key), Number(time))
        const tables = tableFiles()
        const levels = cutByTime(versions, cuts).map((part, i) => [writeTable(tables, i + 1, part)])
        const { filter, isDone } = filterOf(keeps, versions)
        const result = runCompaction(mergeOf(levels), filter, ioOver(tables))
        expect(isDone()).toBe(true)
        const kept = versions.filter((each) => keeps(each.key, each.time))
        const expected = kept.filter(
          ({ key, time, value }) =>
            value !== undefined ||
            kept.some(
              (other) => compareKeys(other.key, key) === 0 && other.time < time && other.value !== undefined,
            ),
        )
        expect(allShown(outputOf(tables, result.edit.add))).toEqual(allShown(expected))
        expect(result.droppedVersions).toBe(versions.length - expected.length)
        const tombstones = (some: readonly KeyedVersion[]) =>
          some.filter((each) => each.value === undefined).length
        expect(result.droppedTombstones).toBe(tombstones(versions) - tombstones(expected))
      }),
      40,
    )
  })

  test('says what it read and wrote, removes its inputs and adds its outputs to one level', () => {
    const tables = tableFiles()
    const inputs = [
      [writeTable(tables, 1, [version('a', 9, 'new'), version('c', 8)])],
      [writeTable(tables, 2, [version('a', 2, 'old')]), writeTable(tables, 3, [version('c', 1, 'old')])],
    ]
    const result = runCompaction(mergeOf(inputs), KEEP_ALL, ioOver(tables))
    expect(result.edit.remove).toEqual([1, 2, 3])
    expect(result.edit.add.map(({ level, table }) => [level, table.number])).toEqual([[2, 100]])
    expect(result.readBytes).toBe(inputs.flat().reduce((sum, { bytes }) => sum + bytes, 0))
    expect(result.writtenBytes).toBe(result.edit.add[0]!.table.bytes)
  })

  test('tables of level 0 may overlap each other', () => {
    const tables = tableFiles()
    const level0 = [
      writeTable(tables, 2, [version('a', 9, 'new'), version('z', 9, 'new')]),
      writeTable(tables, 1, [version('a', 2, 'old'), version('m', 2, 'old')]),
    ]
    const choice = {
      kind: 'merge' as const,
      inputs: level0.map((table) => ({ level: 0, tables: [table] })),
      outputLevel: 1,
      outputRun: 1,
      because: '',
    }
    const result = runCompaction({ choice, elsewhere: [], directive: undefined }, KEEP_ALL, ioOver(tables))
    expect(allShown(outputOf(tables, result.edit.add))).toEqual(
      allShown([
        version('a', 9, 'new'),
        version('a', 2, 'old'),
        version('m', 2, 'old'),
        version('z', 9, 'new'),
      ]),
    )
  })

  test('where nothing is kept there is no table', () => {
    const tables = tableFiles()
    const inputs = [[writeTable(tables, 1, [version('a', 1, 'x')])]]
    const result = runCompaction(mergeOf(inputs), { ...KEEP_ALL, keeps: () => false }, ioOver(tables))
    expect(result.edit).toEqual({ remove: [1], add: [] })
    expect(result).toMatchObject({ writtenBytes: 0, droppedVersions: 1 })
    expect(tables.list()).toEqual([1])
  })

  test('a move touches no file', () => {
    const tables = tableFiles()
    const meta = writeTable(tables, 1, [version('a', 1, 'x')])
    const choice = {
      kind: 'move' as const,
      inputs: [{ level: 1, tables: [meta] }],
      outputLevel: 2,
      outputRun: 3,
      because: '',
    }
    const { filter, isDone } = filterOf(() => true, [])
    const result = runCompaction({ choice, elsewhere: [], directive: undefined }, filter, ioOver(tables))
    expect(isDone()).toBe(true)
    expect(result).toEqual({
      edit: { remove: [1], add: [{ level: 2, run: 3, table: meta }] },
      ...{ readBytes: 0, writtenBytes: 0, droppedVersions: 0, droppedTombstones: 0 },
    })
    expect(tables.counters.blocksRead).toBe(0)
  })
})

describe('a tombstone that is kept', () => {
  /** Merges the versions, with other tables elsewhere, and shows what is left. */
  function left(merged: KeyedVersion[], elsewhere: KeyedVersion[][] = []): string[] {
    const tables = tableFiles()
    const others = elsewhere.map((versions, i) => writeTable(tables, 10 + i, versions))
    const job = mergeOf([[writeTable(tables, 1, merged)]], others)
    const { edit } = runCompaction(job, KEEP_ALL, ioOver(tables))
    return outputOf(tables, edit.add).map(({ key, time }) => `${Buffer.from(key).toString()}@${time}`)
  }

  test('goes where nothing older of its key is left', () => {
    expect(
      left([version('k', 9, 'v'), version('k', 7), version('k', 4, 'v'), version('k', 3), version('k', 2)]),
    ).toEqual(['k@9', 'k@7', 'k@4'])
  })

  test('stays where an older version of its key may lie in another table', () => {
    const older = [version('a', 1, 'v'), version('z', 1, 'v')]
    expect(left([version('k', 3)], [older])).toEqual(['k@3'])
    expect(left([version('k', 3), version('k', 2)], [older])).toEqual(['k@3', 'k@2'])
  })

  test('goes where that table has other keys, or newer times only', () => {
    expect(left([version('k', 3)], [[version('a', 1, 'v')], [version('l', 1, 'v')]])).toEqual([])
    expect(left([version('k', 3)], [[version('a', 5, 'v'), version('z', 4, 'v')]])).toEqual([])
    // Of two, the one is newer and the other older than what lies elsewhere.
    const between = [version('k', 3, 'v')]
    expect(left([version('k', 4), version('k', 2)], [between])).toEqual(['k@4'])
  })

  test('goes together with any number of others, or they all stay', () => {
    const many = Array.from({ length: 300 }, (_, i) => version('k', 300 - i))
    // What waits in memory is limited; beyond that a tombstone may stay that hides nothing.
    expect(left(many).length).toBeLessThan(300)
    expect(left([...many.slice(0, 299), version('k', 1, 'v')]).length).toBe(300)
  })
})

describe('what is written', () => {
  test('is cut into tables of the target size, between keys', () => {
    holds(
      fc.property(sortedVersions({ minLength: 30 }), (versions) => {
        const kept = versions.filter(({ value }) => value !== undefined)
        fc.pre(kept.length > 0)
        const tables = tableFiles()
        const result = runCompaction(mergeOf([[writeTable(tables, 1, kept)]]), KEEP_ALL, ioOver(tables))
        const metas = result.edit.add.map(({ table }) => table)
        for (const [i, table] of metas.entries()) {
          const next = metas[i + 1]
          if (next === undefined) continue
          const size = dataBytes(tables, table)
          expect(size).toBeGreaterThanOrEqual(500)
          if (compareKeys(table.last.key, next.first.key) === 0) expect(size).toBeGreaterThanOrEqual(1000)
        }
      }),
      40,
    )
  })

  test('of one key that goes on and on is cut within it, the newest versions first', () => {
    const tables = tableFiles()
    const versions = Array.from({ length: 200 }, (_, i) => version('k', 200 - i, 'a value of some length'))
    const input = writeTable(tables, 1, versions)
    const result = runCompaction(mergeOf([[input]]), KEEP_ALL, ioOver(tables))
    const metas = result.edit.add.map(({ table }) => table)
    expect(metas.length).toBeGreaterThan(3)
    for (const [i, { maxTime }] of metas.entries())
      if (i > 0) expect(maxTime).toBeLessThan(metas[i - 1]!.minTime)
    expect(allShown(outputOf(tables, result.edit.add))).toEqual(allShown(versions))
  })

  /** The blocks of a table with their checksums, as far as its size is measured while it is written. */
  function dataBytes(tables: TableFiles, { number }: TableMeta): number {
    return tables.open(number).index.reduce((sum, { length }) => sum + length + 4, 0)
  }
})

describe('an error', () => {
  const versions = Array.from({ length: 100 }, (_, i) => version(`k${100 + i}`, 5, 'a value of some length'))

  test('while reading passes on, and leaves no file open that is being written', () => {
    let openWriters = 0
    class WatchedFiles extends MemoryFiles {
      override create(path: string) {
        const file = super.create(path)
        openWriters++
        const close = file.close.bind(file)
        return Object.assign(file, { close: () => (openWriters--, close()) })
      }
    }
    const files = new WatchedFiles()
    const input = writeTable(tableFiles(files), 1, versions)
    const bytes = files.open(tablePath(1)).read(0, input.bytes)
    bytes[2000]! ^= 1
    putFile(files, tablePath(1), bytes)
    expect(openWriters).toBe(0)
    const tables = tableFiles(files)
    const error = refusal(() => runCompaction(mergeOf([[input]]), KEEP_ALL, ioOver(tables)))
    expect(error?.code).toBe('TABLE_CORRUPT')
    expect(openWriters).toBe(0)
  })

  test('is what comes of a table that reaches further than its tree knows: it could be merged past its neighbours', () => {
    const merged = (known: Partial<TableMeta>) => {
      const tables = tableFiles()
      const input = { ...writeTable(tables, 1, versions), ...known }
      return refusal(() => runCompaction(mergeOf([[input]]), KEEP_ALL, ioOver(tables)))?.code
    }
    const [from, to] = [version('k110', 5, 'v'), version('k150', 5, 'v')]
    expect([merged({ first: from }), merged({ last: to })]).toEqual(['TABLE_CORRUPT', 'TABLE_CORRUPT'])
    const times = [{ minTime: tick(6) }, { maxTime: tick(4) }]
    expect(times.map(merged)).toEqual(['TABLE_CORRUPT', 'TABLE_CORRUPT'])
    expect(merged({})).toBeUndefined()
  })

  test('of the filter passes on as well', () => {
    const tables = tableFiles()
    const input = writeTable(tables, 1, versions)
    const wrong = new PalimpsestError('IO_FAILED', 'of the test')
    const filter: VersionFilter = {
      beginKey: () => undefined,
      keeps: () => {
        throw wrong
      },
    }
    expect(refusal(() => runCompaction(mergeOf([[input]]), filter, ioOver(tables)))).toBe(wrong)
  })
})
