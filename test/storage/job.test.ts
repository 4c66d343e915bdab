/** What becomes of a job that fails where there is nothing but the files: an outcome, where its error has a code. */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { GEOMETRIES } from '../../src/storage/geometry.ts'
import { type JobIo, type SentJob, runSentJob } from '../../src/storage/job.ts'
import { LogWriter } from '../../src/storage/log.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type FileSystem } from '../../src/storage/files.ts'
import { FILE_HEADER_BYTES } from '../../src/storage/record-file.ts'
import { TableFiles } from '../../src/storage/table-files.ts'
import { tick } from './samples.ts'

const place = { segment: 1, bytes: FILE_HEADER_BYTES }
const FLUSH: SentJob<null> = {
  kind: 'flush',
  logged: { tablet: 1, minTime: tick(1), maxTime: tick(2), versionCount: 3, from: place, through: place },
  directive: null,
  numbers: { first: 2, end: 3 },
}

function ioOver(files: FileSystem): JobIo<null> {
  const tables = new TableFiles(files, crc32, { cacheBytes: 0, openTables: 1 })
  const filterFor = () => ({ watched: [], beginKey: () => undefined, keeps: () => true })
  return { files, tables, geometry: GEOMETRIES.tiny, filterFor }
}

/** Files on which nothing can be written to; the error is told as it is. */
class BrokenFiles extends MemoryFiles {
  readonly #error: Error

  constructor(error: Error) {
    super()
    this.#error = error
  }

  override append(): never {
    throw this.#error
  }
}

test('a log that cannot be synced is told apart: nothing may be written after it', () => {
  const error = new PalimpsestError('IO_FAILED', 'no sync')
  expect(runSentJob(FLUSH, ioOver(new BrokenFiles(error)), crc32)).toEqual({ kind: 'log failed', error })
})

test('a memtable that is not in the log is a job that has failed', () => {
  const files = new MemoryFiles()
  LogWriter.create(files, crc32, 1_000_000).close()
  expect(runSentJob(FLUSH, ioOver(files), crc32)).toMatchObject({
    kind: 'failed',
    error: { code: 'LOG_CORRUPT' },
  })
})

test('an error without a code is no outcome: it is thrown', () => {
  const error = new Error('a fault of the program')
  expect(() => runSentJob(FLUSH, ioOver(new BrokenFiles(error)), crc32)).toThrow(error)
})
