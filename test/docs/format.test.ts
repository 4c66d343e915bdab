/** docs/format.md against the real encoders: every dump, every JSON, every row and every name. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { platform } from 'node:process'
import { afterAll, describe, expect, test } from 'vitest'
import { bytesOfText, hexOfBytes, textOfBytes } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { type CatalogRow, putRow, readRow } from '../../src/catalog/rows.ts'
import { openDatabase } from '../../src/database/database.ts'
import { NodeFiles } from '../../src/platform/node-files.ts'
import { type FileSystem, readWholeFile } from '../../src/storage/files.ts'
import { GEOMETRIES } from '../../src/storage/geometry.ts'
import { LogWriter } from '../../src/storage/log.ts'
import { decodeManifestEdit, encodeManifestEdit } from '../../src/storage/manifest-format.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { numberIn, readRecords } from '../../src/storage/record-file.ts'
import { TableWriter } from '../../src/storage/table-writer.ts'
import { encodeRecord } from '../../src/storage/commit-record.ts'
import { endOfMicrosecond, hybridTime } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { ROOT } from '../house/source.ts'
import { blocksOf } from './markdown.ts'

const path = 'docs/format.md'
const text = readFileSync(join(ROOT, path), 'utf8')
const blocks = blocksOf({ path, text })

/** A line of a dump: offset, bytes, and what they mean. */
const DUMP_LINE = /^([0-9a-f]{4}) {2}((?:[0-9a-f]{2} )*[0-9a-f]{2}) {3,}\S/
/** The dumps, each as the bytes that it shows. */
const dumps = blocks
  .filter(({ lines }) => lines.some((line) => DUMP_LINE.test(line)))
  .map(({ lines }) => {
    let hex = ''
    for (const line of lines) {
      const [, offset, bytes] = DUMP_LINE.exec(line) ?? []
      expect(parseInt(offset ?? '', 16), line).toBe(hex.length / 2)
      hex += bytes!.replaceAll(' ', '')
    }
    return hex
  })

describe('the dumps', () => {
  test('are two', () => {
    expect(dumps.length).toBe(2)
  })

  test('of a segment is what the log writes', () => {
    const files = new MemoryFiles()
    const log = LogWriter.create(files, crc32, GEOMETRIES.default.segmentBytes)
    log.append(encodeRecord({ kind: 'ceiling', time: endOfMicrosecond(1_763_633_730_123_456) }))
    log.sync()
    const writes = [
      { key: bytesOfText('ada'), value: bytesOfText('40') },
      { key: bytesOfText('bob'), value: undefined },
    ]
    const time = hybridTime(1_763_633_730_123_456, 7)
    log.append(encodeRecord({ kind: 'commit', time, tablets: [{ tablet: 3, writes }] }))
    log.close()
    expect(hexOfBytes(readWholeFile(files, '000001.log'))).toBe(dumps[0])
  })

  test('of a table is what the writer of tables writes', () => {
    const files = new MemoryFiles()
    const writer = new TableWriter(files, 7, { ...GEOMETRIES.default, filterBitsPerKey: 10 }, crc32)
    writer.add({ key: bytesOfText('ada'), time: hybridTime(9), value: bytesOfText('40') })
    writer.add({ key: bytesOfText('ada'), time: hybridTime(5), value: bytesOfText('38') })
    writer.add({ key: bytesOfText('bob'), time: hybridTime(9), value: undefined })
    writer.finish()
    expect(hexOfBytes(readWholeFile(files, '000007.table'))).toBe(dumps[1])
  })
})

describe('JSON', () => {
  const [birth, edit, lock, ...others] = blocks
    .filter(({ language }) => language === 'json')
    .map(({ lines }) => JSON.parse(lines.join('\n')) as Record<string, unknown>)

  test('is an edit with a birth, a later edit, and a lock', () => {
    expect(others).toEqual([])
    expect(Object.keys(birth!)).toContain('birth')
    expect(Object.keys(lock!)).toContain('pid')
  })

  test('of edits is read, and written as it is shown', () => {
    for (const shown of [birth, edit]) {
      const decoded = decodeManifestEdit(JSON.stringify(shown))
      expect(JSON.parse(encodeManifestEdit(decoded))).toEqual(shown)
    }
  })

  test('has every field that a manifest has; the table of fields too', () => {
    const namesOf = (value: unknown): string[] =>
      Array.isArray(value)
        ? value.flatMap(namesOf)
        : typeof value === 'object' && value !== null
          ? Object.entries(value).flatMap(([name, item]) => [name, ...namesOf(item)])
          : []
    const shown = new Set([...namesOf(birth), ...namesOf(edit)])
    const manifest = readWholeFile(databaseWithHistory(new MemoryFiles()), 'MANIFEST')
    const { records } = readRecords(manifest, 'PALIMMAN', numberIn(manifest), crc32)
    const written = records.flatMap(({ payload }) => namesOf(JSON.parse(textOfBytes(payload))))
    expect(written.length).toBeGreaterThan(50)
    expect([...new Set(written)].toSorted().filter((name) => !shown.has(name))).toEqual([])
    const top = [...Object.keys(edit!), ...Object.keys((edit!['trees'] as Record<string, unknown>[])[0]!)]
    for (const name of top.filter((each) => each !== 'trees'))
      expect(text).toMatch(new RegExp(`^\\| \`[\\w[\\].]*${name}\``, 'm'))
  })

  test('names every geometry and both clocks', () => {
    for (const name of [...Object.keys(GEOMETRIES), 'system', 'replay']) expect(text).toContain(`\`${name}\``)
  })

  test.skipIf(platform !== 'linux')('of a lock has the fields that a lock has', () => {
    const files = new NodeFiles(scratch)
    const held = files.lock('LOCK')
    const content = JSON.parse(readFileSync(join(scratch, 'LOCK'), 'utf8')) as Record<string, unknown>
    held.release()
    const kinds = (some: Record<string, unknown>) =>
      Object.entries(some).map(([name, value]) => [name, typeof value])
    expect(kinds(content)).toEqual(kinds(lock!))
    expect(String(content['token']).length).toBe(String(lock!['token']).length)
  })
})

describe('the rows of the catalog', () => {
  const rows = blocks
    .flatMap(({ lines }) => lines)
    .flatMap((line) => {
      const match = /^([a-z]+\S*) +(\{.*\})$/.exec(line)
      return match === null ? [] : [{ key: match[1]!, value: match[2]! }]
    })

  test.each(rows)('$key is read, and written as it is shown', ({ key, value }) => {
    const write = putRow(readRow(bytesOfText(key), bytesOfText(value)))
    expect(textOfBytes(write.key)).toBe(key)
    expect(JSON.parse(textOfBytes(write.value!))).toEqual(JSON.parse(value))
  })

  test('are of every kind, in the order of their keys', () => {
    const kinds: Record<CatalogRow['kind'], true> = {
      ...{ counter: true, freed: true, generation: true, hold: true, keyspace: true },
      ...{ ratchet: true, restore: true, retention: true, table: true },
    }
    const keys = rows.map(({ key }) => key)
    expect([...new Set(keys.map((key) => key.split('/')[0]))]).toEqual(Object.keys(kinds))
    expect(keys).toEqual(keys.toSorted())
  })
})

const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-format-'))
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true })
})

test('the directory has the names that are listed, and no others', () => {
  const files = new NodeFiles(join(scratch, 'db'))
  databaseWithHistory(files)
  const listed = Array.from(text.matchAll(/^\| `([^`]+)` /gm), ([, name]) => name!)
  const patterns = listed.map((name) => name.replaceAll(/\d+/g, 'N'))
  const names = readdirSync(join(scratch, 'db')).map((name) => name.replaceAll(/\d{6,}/g, 'N'))
  expect(names.filter((name) => !patterns.includes(name))).toEqual([])
  expect([...new Set(names)].toSorted()).toEqual(['LOCK', 'MANIFEST', 'N.log', 'N.table'])
})

/** Makes a database whose manifest has edits of every kind, and leaves it open. */
function databaseWithHistory<F extends FileSystem>(files: F): F {
  const clock = new ReplayClock({ micros: 1_763_633_730_000_000 })
  const db = openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature' })
  db.createKeyspace('shop')
  const orders = db.createTable('shop.orders', { keep: 0 })
  for (let i = 0; i < 60; i++) {
    clock.advance(1000)
    orders.put(`order ${i % 7}`, 'x'.repeat(40))
  }
  db.compact('shop.orders')
  return files
}
