/**
 * A flush for somebody elsewhere: it writes what is in the memory that it was given, and a failure is an outcome, where its
 * error has a code.
 */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type FileSystem } from '../../src/storage/files.ts'
import { GEOMETRIES } from '../../src/storage/geometry.ts'
import { type FlushJob, type JobIo, numbersFor, runJobElsewhere } from '../../src/storage/job.ts'
import { LogWriter } from '../../src/storage/log.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { Memtable } from '../../src/storage/memtable.ts'
import { FILE_HEADER_BYTES } from '../../src/storage/record-file.ts'
import { TableFiles } from '../../src/storage/table-files.ts'
import { allShown, version, writeTable } from './samples.ts'

const VERSIONS = [version('b', 1, 'one'), version('a', 2, 'two'), version('b', 3), version('', 4, '')]

function flushOf(): FlushJob<null> {
  const memtable = new Memtable()
  for (const each of VERSIONS) memtable.add(each.key, each)
  const loggedThrough = { segment: 1, bytes: FILE_HEADER_BYTES }
  const { memory } = memtable
  return { kind: 'flush', memtable: memory, loggedThrough, directive: null, numbers: { first: 2, end: 3 } }
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

test('a job is plain data: sent, it writes every version of the memtable, in order', () => {
  const files = new MemoryFiles()
  LogWriter.create(files, crc32, 1_000_000).close()
  const io = ioOver(files)
  const job = flushOf()
  const outcome = runJobElsewhere(structuredClone(job), io)
  const { loggedThrough } = job
  expect(outcome).toMatchObject({
    kind: 'done',
    result: { table: { versions: 4 }, logSynced: loggedThrough },
  })
  const order = [VERSIONS[3]!, VERSIONS[1]!, VERSIONS[2]!, VERSIONS[0]!]
  expect(allShown(io.tables.open(2).versions())).toEqual(allShown(order))
})

test('a log that cannot be synced is told apart: nothing may be written after it', () => {
  const error = new PalimpsestError('IO_FAILED', 'no sync')
  expect(runJobElsewhere(flushOf(), ioOver(new BrokenFiles(error)))).toEqual({ kind: 'log failed', error })
})

test('a table that is there already is a job that has failed', () => {
  const files = new MemoryFiles()
  LogWriter.create(files, crc32, 1_000_000).close()
  runJobElsewhere(flushOf(), ioOver(files))
  const outcome = runJobElsewhere(flushOf(), ioOver(files))
  expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'IO_FAILED' } })
})

test('an error without a code is no outcome: it is thrown', () => {
  const error = new Error('a fault of the program')
  expect(() => runJobElsewhere(flushOf(), ioOver(new BrokenFiles(error)))).toThrow(error)
})

test('what is in memory and not in the table is a fault of the program', () => {
  const files = new MemoryFiles()
  LogWriter.create(files, crc32, 1_000_000).close()
  const job = flushOf()
  const memtable = { ...job.memtable, versionCount: 5 }
  expect(() => runJobElsewhere({ ...job, memtable }, ioOver(files))).toThrow('a flush drops nothing')
})

test('a merge sets no more numbers apart than it has versions, however small tables are to be: numbers are not without end', () => {
  const io = ioOver(new MemoryFiles())
  const versions = [1, 2, 3].map((time) => version('a', 4 - time, 'x'.repeat(10_000)))
  const table = writeTable(io.tables, 1, versions, GEOMETRIES.tiny)
  const inputs = [{ level: 0, tables: [table] }]
  const choice = { kind: 'merge' as const, inputs, outputLevel: 1, outputRun: 1, because: 'asked for' }
  const numbers = (tableBytes: number) =>
    numbersFor({ choice, elsewhere: [], directive: null }, { ...GEOMETRIES.tiny, tableBytes })
  expect([1, 1000, 1_000_000].map(numbers)).toEqual([3, 3, 3])
})
