/**
 * The thread that runs jobs, on files of its own: with the one that asks it shares the disk and, while it flushes, the memory
 * of a memtable. It touches only files that a job may read and those whose numbers are set apart for it. It has no lock
 * and no manifest, and the log it only syncs. Between two jobs it keeps nothing open.
 *
 * A flush goes before a merge, since writers wait for memtables: with each file call a merge looks aside.
 *
 *     merge   read ─ read ─ write ─ read ┐               ┌ read ─ write …
 *     flush                              └ read ─ write ─┘
 */
import { receiveMessageOnPort, workerData } from 'node:worker_threads'
import { garbageFilter } from '../history/garbage.ts'
import { type AppendFile, type FileSystem, type RandomFile } from '../storage/files.ts'
import { type JobKind, runJobElsewhere } from '../storage/job.ts'
import { TableFiles } from '../storage/table-files.ts'
import {
  ABANDONED,
  BEATS,
  ENDED,
  type JobAnswer,
  type JobReply,
  type JobRequest,
  type JobThreadData,
  failureOf,
} from './job-messages.ts'
import { NodeFiles, checksum } from './node-files.ts'

/* v8 ignore file -- @preserve it is a thread of its own, in which tests run what was built of it */

/** Blocks are read once, in order: the cache only has to hold those at which inputs stand. */
const LIMITS = { cacheBytes: 4 * 1024 * 1024, openTables: 200 }

const { root, geometry, signals, port } = workerData as JobThreadData

port.on('message', run)
beat()

function run(request: JobRequest): void {
  const { id, job } = request
  const reply: JobReply = { kind: job.kind, id, answer: answerTo(request) }
  port.postMessage(reply, [])
  Atomics.store(signals, ENDED[job.kind], id)
  Atomics.notify(signals, ENDED[job.kind])
}

function answerTo({ id, job }: JobRequest): JobAnswer {
  const files = watched(new NodeFiles(root), () => breathe(id, job.kind))
  const tables = new TableFiles(files, checksum, LIMITS)
  try {
    const outcome = runJobElsewhere(job, { files, tables, geometry, filterFor: garbageFilter })
    if (outcome.kind === 'done') return outcome
    const kind = outcome.kind === 'log failed' ? 'log failed' : 'failed'
    return { kind, failure: failureOf(outcome.error) }
  } catch (error) {
    return { kind: 'failed', failure: failureOf(error) }
  } finally {
    tables.close()
  }
}

/** A sign of life, a chance to stop, and in a merge a look aside. */
function breathe(id: number, kind: JobKind): void {
  beat()
  if (Atomics.load(signals, ABANDONED[kind]) >= id) throw new Error('the job was given up')
  if (kind === 'flush') return
  const waiting = receiveMessageOnPort(port)
  if (waiting !== undefined) run(waiting.message as JobRequest)
}

function beat(): void {
  Atomics.add(signals, BEATS, 1)
}

/** Files on which something is done before every call that takes time. */
function watched(files: FileSystem, before: () => void): FileSystem {
  const watch = <T>(call: () => T): T => {
    before()
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
