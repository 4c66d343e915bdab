/**
 * File handles: whatever becomes of an opening, a flush or a close, none stays open behind it.
 */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { ioFailed } from '../../src/storage/file-rules.ts'
import { type AppendFile, type RandomFile } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { openDatabase } from '../../src/database/database.ts'
import { copyFiles, putFile, refusal } from '../storage/samples.ts'
import { StandingClock } from './scratch.ts'

/** Knows which files are open; from some change on every one fails, and so do reads and closes. */
class CountedFiles extends MemoryFiles {
  readonly handles = new Set<object>()
  changesLeft = Infinity
  readsLeft = Infinity
  closesLeft = Infinity

  override create(path: string): AppendFile {
    this.#change(path)
    return this.#appending(path, super.create(path))
  }

  override append(path: string): AppendFile {
    return this.#appending(path, super.append(path))
  }

  override remove(path: string): void {
    this.#change(path)
    super.remove(path)
  }

  override syncDirectory(path: string): void {
    this.#change(path)
    super.syncDirectory(path)
  }

  override open(path: string): RandomFile {
    const file = super.open(path)
    this.handles.add(file)
    return {
      size: file.size,
      read: (offset, length) => {
        if (this.readsLeft-- <= 0) throw ioFailed('read', path, 'EIO')
        return file.read(offset, length)
      },
      close: () => {
        this.#close(path, file)
      },
    }
  }

  #change(path: string): void {
    if (this.changesLeft-- <= 0) throw ioFailed('sync', path, 'ENOSPC')
  }

  #appending(path: string, file: AppendFile): AppendFile {
    this.handles.add(file)
    return {
      get size() {
        return file.size
      },
      append: (bytes) => {
        this.#change(path)
        file.append(bytes)
      },
      sync: () => {
        this.#change(path)
        file.sync()
      },
      close: () => {
        this.#close(path, file)
      },
    }
  }

  /** It is closed even if that fails. */
  #close(path: string, file: AppendFile | RandomFile): void {
    this.handles.delete(file)
    file.close()
    if (this.closesLeft-- <= 0) throw ioFailed('close', path, 'EIO')
  }
}

const openOn = (files: CountedFiles) =>
  openDatabase({ files, clock: new StandingClock(), checksum: crc32 }, { geometry: 'miniature' })

/** A database with tables, and a commit that is in none. */
function scene() {
  const files = new CountedFiles()
  const db = openOn(files)
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t')
  for (let i = 0; i < 30; i++) table.put(`key ${i}`, 'x'.repeat(50))
  db.flush()
  expect(table.get('key 1')).toBe('x'.repeat(50))
  table.put('more', 'x')
  return { files, db }
}

/** A directory as a crash leaves it, with a table that nothing names. */
function afterCrash(from: CountedFiles): CountedFiles {
  const files = new CountedFiles()
  const copy = copyFiles(from)
  for (const name of copy.list('')!) {
    const file = copy.open(name)
    putFile(files, name, file.read(0, file.size))
  }
  putFile(files, '000099.table', new Uint8Array(9))
  return files
}

test('a close that fails has closed everything all the same, and let the directory go, wherever it fails', () => {
  for (let changes = 0, code: string | undefined = 'begin'; code !== undefined; changes++) {
    const { files, db } = scene()
    // The log, the manifest and a table at least.
    expect(files.handles.size).toBeGreaterThan(2)
    files.changesLeft = changes
    code = refusal(() => db.close())?.code
    expect([code, files.handles.size]).toEqual([code && 'IO_FAILED', 0])
    expect(changes > 0 || code !== undefined).toBe(true)
    files.changesLeft = Infinity
    const again = openOn(files)
    expect(again.table('k.t').get('more')).toBe('x')
    again.close()
    expect(files.handles.size).toBe(0)
  }
})

// What is read last is the catalog, when log and tables are open already.
test.each(['changesLeft', 'readsLeft', 'closesLeft'] as const)(
  'an opening that fails has closed what it opened, wherever it fails (%s)',
  (limit) => {
    const { files: left } = scene()
    for (let calls = 0, code: string | undefined = 'begin'; code !== undefined; calls++) {
      const files = afterCrash(left)
      files[limit] = calls
      code = refusal(() => openOn(files).close())?.code
      expect([calls, code, files.handles.size]).toEqual([calls, code && 'IO_FAILED', 0])
      expect(calls > 8 || code !== undefined).toBe(true)
    }
  },
)

test('a flush that fails closes the file that it began, wherever it fails', () => {
  for (let changes = 0, code: string | undefined = 'begin'; code !== undefined; changes++) {
    const { files, db } = scene()
    const before = files.handles.size
    files.changesLeft = changes
    code = refusal(() => db.flush())?.code
    files.changesLeft = Infinity
    if (code !== undefined) expect(files.handles.size).toBeLessThanOrEqual(before)
    refusal(() => db.close())
    expect(files.handles.size).toBe(0)
  }
})
