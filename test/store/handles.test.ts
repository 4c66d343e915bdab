/**
 * File handles: whatever becomes of an opening, a flush or a close, none stays open behind it.
 */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { ioFailed } from '../../src/storage/file-rules.ts'
import { type AppendFile, type RandomFile, readWholeFile } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { openDatabase } from '../../src/database/database.ts'
import { refusal } from '../storage/samples.ts'
import { StandingClock } from './scratch.ts'

/** Knows which files are open, and syncs nothing any more once the disk is full. */
class CountedFiles extends MemoryFiles {
  readonly handles = new Set<object>()
  isFull = false
  /** What cannot be removed. */
  stuck = ''

  override remove(path: string): void {
    if (path === this.stuck) throw ioFailed('remove', path, 'EACCES')
    super.remove(path)
  }

  override create(path: string): AppendFile {
    return this.#appending(path, super.create(path))
  }

  override append(path: string): AppendFile {
    return this.#appending(path, super.append(path))
  }

  override open(path: string): RandomFile {
    const file = super.open(path)
    this.handles.add(file)
    return {
      size: file.size,
      read: (offset, length) => file.read(offset, length),
      close: () => {
        this.handles.delete(file)
        file.close()
      },
    }
  }

  #appending(path: string, file: AppendFile): AppendFile {
    this.handles.add(file)
    return {
      get size() {
        return file.size
      },
      append: (bytes) => {
        file.append(bytes)
      },
      sync: () => {
        if (this.isFull) throw ioFailed('sync', path, 'ENOSPC')
        file.sync()
      },
      close: () => {
        this.handles.delete(file)
        file.close()
      },
    }
  }
}

function scene() {
  const files = new CountedFiles()
  const open = () =>
    openDatabase({ files, clock: new StandingClock(), checksum: crc32 }, { geometry: 'miniature' })
  const db = open()
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t')
  for (let i = 0; i < 30; i++) table.put(`key ${i}`, 'x'.repeat(50))
  db.flush()
  expect(table.get('key 1')).toBe('x'.repeat(50))
  table.put('more', 'x')
  return { files, open, db, table }
}

test('a close that fails has closed everything all the same, and let the directory go', () => {
  const { files, open, db } = scene()
  // The log, the manifest and a table at least.
  expect(files.handles.size).toBeGreaterThan(2)
  files.isFull = true
  expect(refusal(() => db.close())?.code).toBe('IO_FAILED')
  expect(files.handles.size).toBe(0)
  files.isFull = false
  const again = open()
  expect(again.table('k.t').get('more')).toBe('x')
  again.close()
  expect(files.handles.size).toBe(0)
})

test('an opening that fails has closed what it opened', () => {
  const { files, open, db } = scene()
  files.isFull = true
  refusal(() => db.close())
  // The log was not ended, so that an opening has to write to it.
  for (let attempt = 0; attempt < 2; attempt++) {
    expect(refusal(open)?.code).toBe('IO_FAILED')
    expect(files.handles.size).toBe(0)
  }
  files.isFull = false
  open().close()
})

test('an opening that fails when it has gone on with the log has closed that too, and not ended it', () => {
  const { files, open, db } = scene()
  db.close()
  files.stuck = '000099.table'
  files.create(files.stuck).close()
  const [log] = files
    .list('')!
    .filter((name) => name.endsWith('.log'))
    .toSorted()
    .slice(-1) as [string]
  const before = readWholeFile(files, log)
  expect(refusal(open)?.code).toBe('IO_FAILED')
  expect(files.handles.size).toBe(0)
  expect(readWholeFile(files, log)).toEqual(before)
  files.stuck = ''
  open().close()
})

test('a flush that fails closes the file that it began', () => {
  const { files, db } = scene()
  const before = files.handles.size
  files.isFull = true
  expect(refusal(() => db.flush())?.code).toBe('IO_FAILED')
  expect(files.handles.size).toBeLessThanOrEqual(before)
  refusal(() => db.close())
  expect(files.handles.size).toBe(0)
})
