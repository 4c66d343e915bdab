/**
 * What hostile bytes could do once, or what no checksum of a single file can see: each frozen as a small case.
 */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database } from '../../src/database/database.ts'
import { FILE_HEADER_BYTES, readRecords } from '../../src/storage/record-file.ts'
import { type Directory } from '../../src/testing/hostile/attack.ts'
import { forgeJson } from '../../src/testing/hostile/json-forgery.ts'
import { StandingClock, filesOf, openScene } from '../../src/testing/hostile/scene.ts'
import { forgeTable, tableParts, withBlocks } from '../../src/testing/hostile/table-forgery.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { readWholeFile } from '../../src/storage/files.ts'
import { decodeIndex, encodeIndex, tableNumberOf } from '../../src/storage/table-format.ts'
import { decodeValue } from '../../src/table/codec.ts'
import { FormatError } from '../../src/base/binary.ts'
import { bytesOfHex, bytesOfText, textOfBytes } from '../../src/base/bytes.ts'
import { CatalogRows } from '../../src/catalog/catalog.ts'
import { Block, BlockBuilder } from '../../src/storage/block.ts'
import { MAX_TIME, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { refusal } from '../storage/samples.ts'

const MICROS = 1_763_633_730_000_000

/** A directory left open after some work on two tables. */
function directoryAfter(work: (database: Database) => void): Map<string, Uint8Array> {
  const files = new MemoryFiles()
  const database = openScene(files, MICROS, crc32)
  database.createKeyspace('k')
  database.createTable('k.a')
  database.createTable('k.b')
  work(database)
  const names = (files.list('') ?? []).filter((name) => name !== 'LOCK')
  return new Map(names.map((name) => [name, readWholeFile(files, name)]))
}

const reopen = (directory: Directory) =>
  openScene(filesOf(directory), MICROS + 5_000_000, crc32, { create: false })
const namesOf = (directory: Directory, end: string) =>
  [...directory.keys()].filter((name) => name.endsWith(end)).toSorted()

const both = (value: string) =>
  ['k.a', 'k.b'].map((table) => ({ type: 'put' as const, table, key: 'key', value: { value, table } }))

describe('two tables of the same keys, times and sizes', () => {
  test('that changed places are told apart by their numbers', () => {
    const directory = directoryAfter((database) => {
      database.batch(both('x'))
      database.flush()
    })
    const twins = namesOf(directory, '.table').filter((name) => {
      const text = Buffer.from(directory.get(name)!).toString('latin1')
      return text.includes('k.a') !== text.includes('k.b') && text.includes('value')
    })
    expect(twins.map((name) => directory.get(name)!.length)).toEqual([expect.any(Number), expect.any(Number)])
    const [first, second] = twins as [string, string]
    expect(directory.get(first)!.length).toBe(directory.get(second)!.length)
    const bytes = directory.get(first)!
    directory.set(first, directory.get(second)!).set(second, bytes)
    const database = reopen(directory)
    for (const table of ['k.a', 'k.b'])
      expect(refusal(() => database.table(table).get('key'))?.code).toBe('TABLE_CORRUPT')
  })
})

describe('a log that lost its end between two records', () => {
  /** `k.b` is flushed after a commit to both: a log without that commit would show half of it. */
  const directory = directoryAfter((database) => {
    database.batch(both('x'))
    database.flush('k.b')
  })
  const [name] = namesOf(directory, '.log').slice(-1) as [string]
  const bytes = directory.get(name)!
  const { records } = readRecords(bytes, 'PALIMLOG', Number(name.replace('.log', '')), crc32)

  test('is refused where the manifest knows that it had been synced', () => {
    expect(records.length).toBeGreaterThan(1)
    for (const { offset } of records) {
      const cut = new Map(directory).set(name, bytes.subarray(0, offset))
      expect(
        refusal(() => reopen(cut)),
        String(offset),
      ).toMatchObject({ code: 'LOG_CORRUPT', details: { offset } })
    }
  })

  test('is refused where the segment behind it says how long it was', () => {
    const many = directoryAfter((database) => {
      for (let i = 0; i < 12; i++) database.batch(both('x'.repeat(i)))
    })
    const [segment, next] = namesOf(many, '.log').slice(-2) as [string, string]
    expect(next).toBeDefined()
    const whole = many.get(segment)!
    const [, second] = readRecords(whole, 'PALIMLOG', Number(segment.replace('.log', '')), crc32).records
    expect(second!.offset).toBeGreaterThan(FILE_HEADER_BYTES)
    many.set(segment, whole.subarray(0, second!.offset))
    expect(refusal(() => reopen(many))).toMatchObject({
      code: 'LOG_CORRUPT',
      details: { file: segment, offset: second!.offset },
    })
  })
})

describe('a forged table', () => {
  const directory = directoryAfter((database) => {
    for (let i = 0; i < 10; i++) database.table('k.a').put(`key ${i}`, { text: 'x'.repeat(30) })
    database.flush('k.a')
    database.compact('k.a')
  })
  const name = namesOf(directory, '.table').findLast((each) => blocksOf(each) > 2)!
  const number = tableNumberOf(name)!
  const parts = tableParts(directory.get(name)!, number, crc32)
  function blocksOf(each: string): number {
    return tableParts(directory.get(each)!, tableNumberOf(each)!, crc32).blocks.length
  }
  const refusedWith = (bytes: Uint8Array) => {
    const database = reopen(new Map(directory).set(name, bytes))
    return refusal(() => [...database.table('k.a').scan()])?.code
  }

  test('is put together again as it was', () => {
    expect(forgeTable(parts, number, crc32)).toEqual(directory.get(name))
    expect(refusedWith(directory.get(name)!)).toBeUndefined()
  })

  test('whose blocks changed places, or are fewer than its facts say, is refused by reads', () => {
    const [first, second, ...others] = parts.blocks as [Uint8Array, Uint8Array, ...Uint8Array[]]
    for (const blocks of [
      [second, first, ...others],
      [first, ...others],
      [first, first, ...others],
    ])
      expect(refusedWith(forgeTable(withBlocks(parts, blocks), number, crc32))).toBe('TABLE_CORRUPT')
  })
})

describe('a forged table, by its index', () => {
  const directory = directoryAfter((database) => {
    for (let i = 0; i < 10; i++) database.table('k.a').put(`key ${i}`, { text: 'x'.repeat(30) })
    database.compact('k.a')
  })
  const partsNamed = (each: string) => tableParts(directory.get(each)!, tableNumberOf(each)!, crc32)
  const name = namesOf(directory, '.table').findLast((each) => partsNamed(each).blocks.length > 2)!
  const parts = partsNamed(name)
  const index = decodeIndex(parts.index)
  const shortest = { ...parts, blocks: parts.blocks.slice(0, -1) }

  test.each([
    ['whose last block is gone, from the index too', shortest, index.slice(0, -1)],
    ['that counts other versions', parts, [{ ...index[0]!, live: 9 }, ...index.slice(1)]],
    ['that has times outside of the facts', parts, [{ ...index[0]!, minTime: MIN_TIME }, ...index.slice(1)]],
    ['that is out of order', parts, [index[0]!, { ...index[1]!, first: index[0]!.first }, ...index.slice(2)]],
    ['whose blocks overlap', parts, [index[0]!, { ...index[1]!, offset: 0 }, ...index.slice(2)]],
  ])('%s is refused when it is opened', (_, changed, entries) => {
    const bytes = forgeTable({ ...changed, index: encodeIndex(entries) }, tableNumberOf(name)!, crc32)
    const database = reopen(new Map(directory).set(name, bytes))
    // Where the key is one of its first block, so that nothing else is wrong for this read.
    expect(refusal(() => database.table('k.a').get(textOfBytes(index[0]!.first.key)))?.code).toBe(
      'TABLE_CORRUPT',
    )
  })
})

test('a merge of a table whose versions are out of order within a block is refused', () => {
  const directory = directoryAfter((database) => {
    for (let i = 0; i < 3; i++) database.table('k.a').put('key', i)
    database.flush('k.a')
  })
  const name = namesOf(directory, '.table').at(-1)!
  const parts = tableParts(directory.get(name)!, tableNumberOf(name)!, crc32)
  const [block] = parts.blocks as [Uint8Array]
  const [, second, third] = [0, 1, 2].map((v) => block.subarray(16 + 8 * v, 24 + 8 * v))
  const swapped = Uint8Array.from(block)
  swapped.set(third!, 24)
  swapped.set(second!, 32)
  directory.set(name, forgeTable(withBlocks(parts, [swapped]), tableNumberOf(name)!, crc32))
  const database = reopen(directory)
  database.table('k.a').put('key', 3)
  expect(refusal(() => database.compact('k.a'))?.code).toBe('TABLE_CORRUPT')
})

test('a tombstone with a value is none', () => {
  const builder = new BlockBuilder()
  builder.add(Uint8Array.of(1), { time: MAX_TIME, value: Uint8Array.of(7) }, true)
  const bytes = builder.finish()
  const ends = bytes.length - 1 - 1 - 4
  expect(bytes[ends]).toBe(1)
  bytes[ends + 3] = 0x80
  expect(() => new Block(bytes)).toThrow(FormatError)
})

test.each(['c1', 'c70173', 'd57801a16190', '81a161c1', 'ff00', ''])(
  'what is no document (%s) is refused with a code',
  (hex) => {
    expect(refusal(() => decodeValue(bytesOfHex(hex), 'document'))?.code).toBe('TABLE_CORRUPT')
  },
)

test('a file whose name is no number that a table can have is left alone', () => {
  const bytes = new Uint8Array(3)
  const directory = directoryAfter((database) => {
    database.table('k.a').put('key', { value: 1 })
  })
  for (const name of ['999999999999999999999', '999999999', '0000001']) directory.set(`${name}.table`, bytes)
  const database = reopen(directory)
  expect(database.recovery.orphans).toEqual([])
  database.flush()
  expect(database.table('k.a').get('key')).toEqual({ value: 1 })
})

test('a forger of JSON changes something, and leaves what is no JSON', () => {
  const text = '{"a":[1,2],"b":{"c":"5.0000"}}'
  const forged = new Set(Array.from({ length: 200 }, (_, seed) => forgeJson(seededRandom(seed), text)))
  expect(forged.size).toBeGreaterThan(40)
  expect(forgeJson(seededRandom(1), 'no JSON')).toBe('no JSON')
  expect(new StandingClock(5).monotonic()).toBe(5)
})

test('generations of a table that overlap are refused, also where a later one has the base of a time in both', () => {
  const row = (start: number, more: object) => ({
    key: bytesOfText(`generation/000002/${start}.0000`),
    value: bytesOfText(
      JSON.stringify({
        ...{ keyspace: 1, tablets: [3], cause: 'restore', from: `${start}.0000`, start: `${start}.0000` },
        ...more,
      }),
    ),
  })
  const rows = new CatalogRows()
  rows.apply([
    row(10, { base: [], end: '30.0000' }),
    row(20, { base: [], end: '40.0000' }),
    row(50, { baseAsOf: '25.0000' }),
  ])
  expect(refusal(() => rows.catalog())).toMatchObject({ code: 'CATALOG_CORRUPT' })
})

test('a table that exists with no generation in force is refused', () => {
  const row = (key: string, fields: object) => ({
    key: bytesOfText(key),
    value: bytesOfText(JSON.stringify(fields)),
  })
  const table = row('table/000002', { keyspace: 1, name: 't', keys: 'text', values: 'document' })
  const generation = (more: object) =>
    row('generation/000002/10.0000', {
      ...{ keyspace: 1, tablets: [3], cause: 'create', base: [], from: '9.0000', start: '10.0000' },
      ...more,
    })
  const refusedWith = (...rows: readonly ReturnType<typeof row>[]) => {
    const catalog = new CatalogRows()
    catalog.apply(rows)
    return refusal(() => catalog.catalog())?.code
  }
  expect(refusedWith(table, generation({}))).toBeUndefined()
  expect(refusedWith(table, generation({ end: '30.0000' }))).toBe('CATALOG_CORRUPT')
  expect(refusedWith(table)).toBe('CATALOG_CORRUPT')
})
