/** The check finds each planted damage: of bytes, of structure under right checksums, of places. */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { buildBloomFilter } from '../../src/storage/bloom-filter.ts'
import { Block } from '../../src/storage/block.ts'
import { checkTree } from '../../src/storage/check.ts'
import { readWholeFile } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type Shape } from '../../src/storage/shape.ts'
import {
  type BlockEntry,
  type TableFacts,
  type TableMeta,
  decodeFacts,
  decodeFooter,
  decodeIndex,
  encodeFacts,
  encodeFooter,
  encodeIndex,
  tablePath,
} from '../../src/storage/table-format.ts'
import { concatBytes } from '../../src/base/bytes.ts'
import { hybridTime } from '../../src/time/hybrid-time.ts'
import { putFile, shapeOf, smallGeometry, tableFiles, tick, version, writeTable } from './samples.ts'

const VERSIONS = [
  version('a', 9, 'nine'),
  version('a', 5, 'five'),
  version('a', 3),
  version('b', 7),
  version('c', 8, 'eight'),
  version('c', 2, 'two'),
]

/** One table of several blocks, at level 1. */
function sample() {
  const files = new MemoryFiles()
  const meta = writeTable(tableFiles(files), 1, VERSIONS, smallGeometry({ blockBytes: 60 }))
  return { files, meta, shape: shapeOf([], [meta]) }
}

function faultsOf(files: MemoryFiles, shape: Shape): readonly string[] {
  const tables = tableFiles(files)
  return checkTree(shape, (number) => tables.open(number)).faults
}

test('a whole tree has no fault, and the report counts what was looked at', () => {
  const { files, shape, meta } = sample()
  const tables = tableFiles(files)
  const blocks = tables.open(1).index.length
  expect(blocks).toBeGreaterThan(2)
  const report = checkTree(shape, (number) => tables.open(number))
  const looked = { tables: 1, blocks, versions: 6, bytes: meta.bytes }
  expect(report).toEqual({ ...looked, unreadTables: 0, isOrderChecked: true, faults: [] })
  expect(checkTree(shapeOf(), () => expect.unreachable('there is none')).faults).toEqual([])
})

describe('damaged bytes', () => {
  test('every byte of a table file is covered: any change of any one is found', () => {
    const { files, shape } = sample()
    const whole = readWholeFile(files, tablePath(1))
    const unnoticed: string[] = []
    for (let at = 0; at < whole.length; at++) {
      for (const flip of [0x01, 0x80, 0xff]) {
        const damaged = Uint8Array.from(whole)
        damaged[at]! ^= flip
        putFile(files, tablePath(1), damaged)
        if (faultsOf(files, shape).length === 0) unnoticed.push(`${at}^${flip}`)
      }
    }
    expect(unnoticed).toEqual([])
  })

  test('every cut, and bytes too many, are found', () => {
    const { files, shape } = sample()
    const whole = readWholeFile(files, tablePath(1))
    for (let length = 0; length < whole.length; length++) {
      putFile(files, tablePath(1), whole.subarray(0, length))
      expect(faultsOf(files, shape)).not.toEqual([])
    }
    putFile(files, tablePath(1), concatBytes([Uint8Array.of(0), whole]))
    expect(faultsOf(files, shape)).not.toEqual([])
  })

  test('a missing table is a fault; the others are still looked at', () => {
    const files = new MemoryFiles()
    const tables = tableFiles(files)
    const metas = ['a', 'b', 'c'].map((key, i) => writeTable(tables, i + 1, [version(key, 1, 'v')]))
    files.remove(tablePath(2))
    putFile(files, tablePath(3), new Uint8Array(10))
    expect(faultsOf(files, shapeOf([], metas))).toEqual([
      'a table file is missing: file=000002.table offset=0',
      'a table file is damaged: shorter than a footer: file=000003.table offset=0',
    ])
  })

  test('what could not be read is not counted, and that tables were not held against each other is said', () => {
    const files = new MemoryFiles()
    const tables = tableFiles(files)
    const metas = ['a', 'c', 'e'].map((key, i) => writeTable(tables, i + 1, [version(key, 1, 'v')]))
    const whole = readWholeFile(files, tablePath(2))
    putFile(files, tablePath(2), whole.subarray(0, whole.length / 4))
    // The manifest's word for it is no look either.
    const told = metas.map((meta) => ({ ...meta, versions: 50 }))
    const check = (shape: Shape) => checkTree(shape, (number) => tableFiles(files).open(number))
    const read = { tables: 2, blocks: 2, versions: 2, bytes: metas[0]!.bytes + metas[2]!.bytes }
    const found = { ...read, unreadTables: 1, isOrderChecked: false }
    expect(check(shapeOf([], metas))).toMatchObject(found)
    expect(check(shapeOf([], told))).toMatchObject(found)
    expect(check(shapeOf([], metas.slice(0, 1)))).toMatchObject({ unreadTables: 0, isOrderChecked: true })
  })

  test('two tables that changed places are found, though each is whole', () => {
    const files = new MemoryFiles()
    const tables = tableFiles(files)
    const metas = ['a', 'b'].map((key, i) => writeTable(tables, i + 1, [version(key, 1, 'v')]))
    files.rename(tablePath(1), 'x')
    files.rename(tablePath(2), tablePath(1))
    files.rename('x', tablePath(2))
    expect(faultsOf(files, shapeOf([], metas)).length).toBeGreaterThanOrEqual(2)
  })

  test('an error of the disk is passed on, not reported as a fault', () => {
    const { shape } = sample()
    const error = new RangeError('of the test')
    expect(() =>
      checkTree(shape, () => {
        throw error
      }),
    ).toThrow(error)
  })
})

describe('wrong content under right checksums', () => {
  interface Parts {
    readonly blocks: Uint8Array[]
    readonly filter: Uint8Array
    readonly index: readonly BlockEntry[]
    readonly facts: TableFacts
  }

  function read(files: MemoryFiles): Parts {
    const whole = readWholeFile(files, tablePath(1))
    const footer = decodeFooter(whole.subarray(whole.length - 48), whole.length, 1, crc32)
    const part = ({ offset, length }: { offset: number; length: number }) =>
      whole.slice(offset, offset + length)
    const index = decodeIndex(part(footer.index))
    return {
      blocks: index.map(part),
      filter: part(footer.filter),
      index,
      facts: decodeFacts(part(footer.facts)),
    }
  }

  /** Writes a table of these parts, every checksum right, and checks it. */
  function faultsOfParts(change: (parts: Parts) => Partial<Parts>, metaToo = false): readonly string[] {
    const { files, meta } = sample()
    const before = read(files)
    const parts = { ...before, ...change(before) }
    const pieces: Uint8Array[] = []
    let offset = 0
    const put = (bytes: Uint8Array) => {
      const place = { offset, length: bytes.length }
      const crc = new Uint8Array(4)
      new DataView(crc.buffer).setUint32(0, crc32(bytes), true)
      pieces.push(bytes, crc)
      offset += bytes.length + 4
      return place
    }
    const places = parts.blocks.map(put)
    const filter = put(parts.filter)
    const index = put(encodeIndex(parts.index.map((entry, i) => ({ ...entry, ...places[i] }))))
    const facts = put(encodeFacts(parts.facts))
    pieces.push(encodeFooter({ filter, index, facts }, 1, crc32))
    putFile(files, tablePath(1), concatBytes(pieces))
    const told = metaToo ? { ...meta, ...parts.facts } : meta
    return faultsOf(files, shapeOf([], [{ ...told, bytes: files.size(tablePath(1))! }]))
  }

  const changeEntry = (at: number, change: Partial<BlockEntry>) => (parts: Parts) => ({
    index: parts.index.map((entry, i) => (i === at ? { ...entry, ...change } : entry)),
  })
  const changeFacts = (change: Partial<TableFacts>) => (parts: Parts) => ({
    facts: { ...parts.facts, ...change },
  })
  const changeBlock = (at: number, change: (block: Uint8Array, view: DataView) => void) => (parts: Parts) => {
    const block = parts.blocks[at]!
    change(block, new DataView(block.buffer, block.byteOffset, block.byteLength))
    return { blocks: parts.blocks }
  }

  test('nothing changed, nothing found', () => {
    expect(faultsOfParts(() => ({}))).toEqual([])
  })

  test.each<[string, (parts: Parts) => Partial<Parts>]>([
    ['a filter without a key', () => ({ filter: buildBloomFilter([], 10) })],
    ['a filter that is none', () => ({ filter: Uint8Array.of(0, 0) })],
    [
      'a block whose first key the index has wrong',
      changeEntry(1, { first: { key: Uint8Array.of(0x61, 0), time: tick(3) } }),
    ],
    [
      'a block whose first time the index has wrong',
      changeEntry(1, { first: { key: Uint8Array.of(0x61), time: tick(4) } }),
    ],
    ['a block whose oldest time the index has wrong', changeEntry(0, { minTime: tick(1) })],
    ['a block whose newest time the index has wrong', changeEntry(0, { maxTime: tick(10) })],
    ['one live version too many in the index', changeEntry(0, { live: 9 })],
    ['live and superseded confused in the index', changeEntry(0, { live: 0, superseded: 2 })],
    ['tombstones and superseded confused in the index', changeEntry(1, { superseded: 1, tombstones: 0 })],
    ['a block of a later place', ({ blocks }) => ({ blocks: [blocks[1]!, blocks[0]!, ...blocks.slice(2)] })],
    [
      'times that rise',
      changeBlock(0, (_, view) => view.setBigUint64(view.getUint32(0, true) * 8 + 8, 4n, true)),
    ],
    ['keys that fall', changeBlock(2, (block) => block.fill(0x41, block.length - 9, block.length - 8))],
    ...(['blocks', 'keys', 'versions', 'live', 'superseded', 'tombstones'] as const).map(
      (name): [string, (parts: Parts) => Partial<Parts>] => [
        `another number of ${name} in the facts`,
        (parts) => changeFacts({ [name]: parts.facts[name] + 1 })(parts),
      ],
    ),
    ['an oldest time in the facts that is none', changeFacts({ minTime: tick(1) })],
    ['a newest time in the facts that is none', changeFacts({ maxTime: hybridTime(1, 0) })],
    [
      'a first key in the facts that is not there',
      changeFacts({ first: { key: Uint8Array.of(0x60), time: tick(9) } }),
    ],
    [
      'a last time in the facts that is not there',
      changeFacts({ last: { key: Uint8Array.of(0x63), time: tick(1) } }),
    ],
  ])('%s is found, even if the manifest says so too', (_, change) => {
    expect(faultsOfParts(change)).not.toEqual([])
    expect(faultsOfParts(change, true)).not.toEqual([])
  })

  test('versions of a key out of order are found, where nothing else is wrong', () => {
    const files = new MemoryFiles()
    const meta = writeTable(tableFiles(files), 1, VERSIONS, smallGeometry({ blockBytes: 1000 }))
    const whole = readWholeFile(files, tablePath(1))
    const { index } = tableFiles(files).open(1)
    expect(index.length).toBe(1)
    const block = whole.subarray(0, index[0]!.length)
    const view = new DataView(whole.buffer, whole.byteOffset)
    // The times of the second and the third version of the first key; the least and the greatest stay.
    const times = 8 + 8 * view.getUint32(0, true)
    view.setBigUint64(times + 8, 3n, true)
    view.setBigUint64(times + 16, 5n, true)
    view.setUint32(block.length, crc32(block), true)
    putFile(files, tablePath(1), whole)
    expect(faultsOf(files, shapeOf([], [meta]))).toEqual(['table 1: versions are out of order'])
  })

  test('the sample has the blocks that the tests above count on', () => {
    const { files } = sample()
    const blocks = read(files).blocks.map((bytes) => new Block(bytes))
    expect(blocks.map((block) => Buffer.from(block.keyAt(0)).toString() + block.timeAt(0))).toEqual([
      'a9',
      'a3',
      'c8',
    ])
    expect(blocks.map(({ versionCount }) => versionCount)).toEqual([2, 2, 2])
  })
})

describe('the manifest', () => {
  test.each<[string, Partial<TableMeta>]>([
    ['another length', { bytes: 1 }],
    ['another number of versions', { versions: 7 }],
    ['another number of blocks', { blocks: 7 }],
    ['another first key', { first: { key: Uint8Array.of(0x61), time: tick(10) } }],
    ['another oldest time', { minTime: tick(1) }],
  ])('%s than the file has is found', (_, change) => {
    const { files, meta } = sample()
    expect(faultsOf(files, shapeOf([], [{ ...meta, ...change }]))).not.toEqual([])
  })
})

describe('places', () => {
  /** Checks tables at levels; each level is a list of tables, each table a list of versions. */
  function faultsAt(...levels: (readonly ReturnType<typeof version>[])[][]): readonly string[] {
    const files = new MemoryFiles()
    const tables = tableFiles(files)
    let number = 1
    const shape = levels.map((level) => level.map((versions) => writeTable(tables, number++, versions)))
    return faultsOf(files, shapeOf(...shape))
  }

  test('tables that overlap within a level', () => {
    const overlapping = [[version('a', 9, 'v'), version('c', 9, 'v')], [version('b', 8, 'v')]]
    expect(faultsAt([], overlapping)).toEqual(['level 1: tables 1 and 2 are out of order'])
  })

  test('an upper level with an older version than a lower one', () => {
    expect(faultsAt([], [[version('k', 1, 'v')]], [[version('k', 2, 'v')]])).toEqual([
      'source 1 has a newer version than source 0',
    ])
  })

  test('one version in two levels', () => {
    expect(faultsAt([], [[version('k', 2, 'v')]], [[version('k', 2, 'v')]])).toEqual([
      'two versions of one key have one time: sources 0, 1',
    ])
  })

  test('a key over two tables of a level, newest first, is no fault', () => {
    const run = [[version('k', 9, 'v'), version('k', 8, 'v')], [version('k', 7, 'v')]]
    expect(faultsAt([], run, [[version('k', 6, 'v')]])).toEqual([])
  })
})
