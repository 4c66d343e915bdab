/** Files in a directory that are not the database's, though their names look like it: they are no danger to what it has. */
import { expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { checksum } from '../../src/platform/node-files.ts'
import { namesIn } from '../../src/storage/file-rules.ts'
import { type FileSystem, readWholeFile } from '../../src/storage/files.ts'
import { listSegments, segmentPath } from '../../src/storage/log.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { tablePath } from '../../src/storage/table-format.ts'
import { refusal } from '../storage/samples.ts'
import { StandingClock } from './scratch.ts'

/** The directory of a closed database whose log no longer begins with its first segment, and how it is opened. */
function closed(): { files: MemoryFiles; opened: () => Database } {
  const files = new MemoryFiles()
  const clock = new StandingClock()
  const opened = () => openDatabase({ files, clock, checksum }, { geometry: 'miniature' })
  const db = opened()
  db.createKeyspace('k')
  const table = db.createTable('k.t', { values: 'text' })
  for (let i = 0; i < 400; i++) table.put(`key ${i % 10}`, `${i}`.padStart(100, '.'))
  db.flush()
  db.close()
  return { files, opened }
}

function add(files: MemoryFiles, path: string, bytes: Uint8Array): void {
  const file = files.create(path)
  file.append(bytes)
  file.close()
}

test('a table of the last number that there is leaves numbers for those to come', () => {
  const { files, opened } = closed()
  add(files, tablePath(2 ** 29 - 1), Uint8Array.of(1, 2, 3))
  const db = opened()
  expect(db.recovery.orphans).toEqual(['536870911.table'])
  db.table('k.t').put('key 0', 'new')
  db.flush()
  db.close()
  const again = opened()
  expect(again.table('k.t').get('key 0')).toBe('new')
  again.close()
})

test('a segment whose number has more zeros in front than it should is no segment', () => {
  const { files, opened } = closed()
  const segments = namesIn(files, '').filter((name) => name.endsWith('.log'))
  expect(segments).not.toContain('000001.log')
  for (const name of ['0000001.log', `0${segments[0]!}`]) add(files, name, readWholeFile(files, segments[0]!))
  for (let i = 0; i < 2; i++) {
    const db = opened()
    expect(db.table('k.t').get('key 9')).toBe('399'.padStart(100, '.'))
    db.close()
  }
})

/** The files, and the names that were asked for. */
function watched(files: FileSystem): { readonly files: FileSystem; readonly asked: ReadonlySet<string> } {
  const asked = new Set<string>()
  const watching: unknown = new Proxy(files, {
    get: (_, name) => {
      if (name !== 'open' && name !== 'size') {
        const member: unknown = files[name as keyof FileSystem]
        return typeof member === 'function' ? (member.bind(files) as unknown) : member
      }
      return (path: string) => {
        asked.add(path)
        return files[name](path)
      }
    },
  })
  return { files: watching as FileSystem, asked }
}

test.each([2, 1000, 50_000, 999_999_999_999, Number.MAX_SAFE_INTEGER])(
  'beside a segment %i numbers behind the last a reader is refused as a writer is, and asks for one that is not there',
  (far) => {
    const { files, opened } = closed()
    const last = listSegments(files).at(-1)!
    add(files, segmentPath(Math.min(last + far, Number.MAX_SAFE_INTEGER)), Uint8Array.of(1, 2, 3))
    const ofWriter = refusal(opened)
    expect(ofWriter).toMatchObject({ code: 'LOG_CORRUPT', details: { file: segmentPath(last + 1) } })
    const reading = watched(files)
    const world = { files: reading.files, clock: new StandingClock(), checksum }
    const ofReader = refusal(() => openDatabase(world, { readOnly: true }))
    expect([ofReader?.message, ofReader?.details]).toEqual([ofWriter?.message, ofWriter?.details])
    const names = namesIn(files, '')
    const missed = [...reading.asked].filter((path) => !names.includes(path))
    expect(missed).toEqual([segmentPath(last + 1)])
  },
)
