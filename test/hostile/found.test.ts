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
import { tableNumberOf } from '../../src/storage/table-format.ts'
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

test('a file whose name is no number that a table can have is left alone', () => {
  const directory = directoryAfter((database) => {
    database.table('k.a').put('key', { value: 1 })
  })
  directory.set('999999999999999999999.table', new Uint8Array(3))
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
