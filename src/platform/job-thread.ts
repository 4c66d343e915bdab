/**
 * The thread that runs jobs, on files of its own: it shares nothing with the one that asks but the disk, and
 * touches only files that a job may read and those whose numbers are set apart for it. It has no lock and
 * no manifest, and of the log it reads and syncs what is there. Between two jobs it keeps nothing open.
 */
import { type MessagePort, workerData } from 'node:worker_threads'
import { PalimpsestError } from '../base/errors.ts'
import { type Directive, garbageFilter } from '../history/garbage.ts'
import { type AppendFile, type FileSystem, type RandomFile } from '../storage/files.ts'
import { type JobIo, type JobResult, runFlush, runMerge } from '../storage/job.ts'
import { type LogPlace, segmentPath } from '../storage/log.ts'
import { readLoggedMemtable } from '../storage/logged-memtable.ts'
import { TableFiles } from '../storage/table-files.ts'
import {
  ABANDONED,
  BEATS,
  ENDED,
  type JobAnswer,
  type JobReply,
  type JobRequest,
  type JobThreadData,
  type SentJob,
} from './job-messages.ts'
import { NodeFiles, checksum } from './node-files.ts'

/** Blocks are read once, in order: the cache only has to hold those at which inputs stand. */
const LIMITS = { cacheBytes: 4 * 1024 * 1024, openTables: 200 }

const { root, geometry, signals, port } = workerData as JobThreadData

port.on('message', ({ id, job }: JobRequest) => {
  reply(port, { id, ...answerTo(id, job) })
})
beat()

/** A failed sync of the log, which is final. */
class LogFailure extends Error {}

function answerTo(id: number, job: SentJob): JobAnswer {
  const files = watched(new NodeFiles(root), id)
  const tables = new TableFiles(files, checksum, LIMITS)
  try {
    return { result: run(job, { files, tables, geometry, filterFor: garbageFilter }) }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error)
    return { failure, isLogFailed: error instanceof LogFailure }
  } finally {
    tables.close()
  }
}

/** Runs a job; for a flush, the log becomes durable too, which its install asks for. */
function run(job: SentJob, io: JobIo<Directive>): JobResult {
  if (job.kind === 'compaction') return runMerge(job, io)
  const { through } = job.logged
  syncLog(io.files, through)
  const memtable = readLoggedMemtable(io.files, checksum, job.logged)
  return { ...runFlush({ ...job, memtable }, io), logSynced: through }
}

/** Syncs the segment of a place; those before it were when they were ended. */
function syncLog(files: FileSystem, { segment }: LogPlace): void {
  const file = files.append(segmentPath(segment))
  try {
    file.sync()
  } catch (error) {
    if (error instanceof PalimpsestError) throw new LogFailure(error.message)
    throw error
  } finally {
    file.close()
  }
}

function reply(to: MessagePort, message: JobReply): void {
  to.postMessage(message, [])
  Atomics.store(signals, ENDED, message.id)
  Atomics.notify(signals, ENDED)
}

function beat(): void {
  Atomics.add(signals, BEATS, 1)
}

/** Files on which every call is a sign of life, and a chance to stop. */
function watched(files: FileSystem, id: number): FileSystem {
  const watch = <T>(call: () => T): T => {
    beat()
    if (Atomics.load(signals, ABANDONED) >= id) throw new Error('the job was given up')
    return call()
  }
  const appending = (file: AppendFile): AppendFile => ({
    get size() {
      return file.size
    },
    append: (bytes) => watch(() => file.append(bytes)),
    sync: () => watch(() => file.sync()),
    close: () => file.close(),
  })
  const reading = (file: RandomFile): RandomFile => ({
    size: file.size,
    read: (offset, length) => watch(() => file.read(offset, length)),
    close: () => file.close(),
  })
  return {
    create: (path) => appending(watch(() => files.create(path))),
    append: (path) => appending(watch(() => files.append(path))),
    open: (path) => reading(watch(() => files.open(path))),
    size: (path) => files.size(path),
    truncate: (path, length) => files.truncate(path, length),
    rename: (from, to) => files.rename(from, to),
    link: (from, to) => files.link(from, to),
    remove: (path) => files.remove(path),
    list: (directory) => files.list(directory),
    makeDirectory: (path) => files.makeDirectory(path),
    syncDirectory: (path) => watch(() => files.syncDirectory(path)),
    lock: (path) => files.lock(path),
  }
}
