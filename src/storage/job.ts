/**
 * Jobs: the middle step of flush and compaction, the one that takes long, as something that can be done
 * elsewhere and later.
 *
 *     plan (tree, policy) ──▶ job ──▶ run: here, or in a worker ──▶ result ──▶ edit ──▶ install (store)
 *
 * A job reads what no longer changes, a frozen memtable or table files, and writes new files under numbers
 * that were set apart for it. So nothing that happens meanwhile can disturb it, and a job that is lost
 * leaves nothing but files that nobody names.
 *
 * A runner takes one job of each kind at a time. Its caller never has to let an event loop turn: it asks.
 */
import { assert, defined } from '../base/assert.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type CompactionJob, type CompactionResult, runCompaction } from './compaction.ts'
import { type FileSystem } from './files.ts'
import { type FilterFor } from './filter.ts'
import { type Geometry } from './geometry.ts'
import { type LogPlace, syncSegment } from './log.ts'
import { versionsIn } from './memtable.ts'
import { type PackedMemory } from './packed-versions.ts'
import { bytesOfTables } from './shape.ts'
import { type TableFiles } from './table-files.ts'
import { type TableMeta } from './table-format.ts'

/** File numbers that are set apart for a job: from `first` on, below `end`. */
export interface NumberRange {
  readonly first: number
  readonly end: number
}

/** Writes a frozen memtable, all of it, as one table. Of the directive, only the times to watch count. */
export interface FlushJob<Directive> {
  readonly kind: 'flush'
  readonly memtable: PackedMemory
  /** The place in the log behind which nothing of the memtable is. */
  readonly loggedThrough: LogPlace
  readonly directive: Directive
  readonly numbers: NumberRange
}

/** Merges tables. */
export interface MergeJob<Directive> {
  readonly kind: 'compaction'
  readonly compaction: CompactionJob<Directive>
  readonly numbers: NumberRange
}

/** Something to run, as plain data. */
export type Job<Directive> = FlushJob<Directive> | MergeJob<Directive>

/** What a job is: of each kind a runner takes one at a time. */
export type JobKind = Job<unknown>['kind']

/** The table that a flush wrote. */
export interface FlushResult {
  readonly kind: 'flush'
  readonly table: TableMeta
  /** The place through which whoever ran the job has synced the log, if it did. */
  readonly logSynced?: LogPlace | undefined
}

/** What a compaction wrote and dropped. */
export interface MergeResult {
  readonly kind: 'compaction'
  readonly compaction: CompactionResult
}

/** What a job made, as plain data. The files are durable, and so are their names. */
export type JobResult = FlushResult | MergeResult

/** How a job ended. */
export type JobOutcome =
  | { readonly kind: 'done'; readonly result: JobResult }
  /** It failed where it ran, or on its way there. Whoever runs it again, here, finds out why. */
  | { readonly kind: 'failed'; readonly error: Error }
  /** The log could not be synced. Another try could seem to succeed, so nothing may be written any more. */
  | { readonly kind: 'log failed'; readonly error: Error }
  /** Where it ran is gone, or silent: nothing should be given there any more. */
  | { readonly kind: 'lost'; readonly error: Error }

/** Runs jobs, one of each kind at a time. */
export interface JobRunner<Directive> {
  /** Begins a job; the one of its kind before has ended or was abandoned. */
  start(job: Job<Directive>): void
  /**
   * How the job of a kind ended, told once; `undefined` while it runs. Waits for it for up to `waitMicros`
   * microseconds, `Infinity` for as long as it takes: then there always is an answer.
   */
  poll(kind: JobKind, waitMicros: number): JobOutcome | undefined
  /** Stops the job of a kind, if one runs, and forgets it. Files that it wrote may be left. */
  abandon(kind: JobKind): void
  /** Stops all jobs, for good. */
  close(): void
}

/** What running a job takes. */
export interface JobIo<Directive> {
  readonly files: FileSystem
  readonly tables: TableFiles
  readonly geometry: Geometry
  readonly filterFor: FilterFor<Directive>
}

/** Runs a job. */
export function runJob<Directive>(job: Job<Directive>, io: JobIo<Directive>): JobResult {
  return job.kind === 'flush' ? runFlush(job, io) : runMerge(job, io)
}

/**
 * Runs a job for somebody elsewhere. The log becomes durable through a memtable, which an install asks for. Of
 * failures, those that files can cause are told; others are bugs.
 */
export function runJobElsewhere<Directive>(job: Job<Directive>, io: JobIo<Directive>): JobOutcome {
  let isSyncing = false
  try {
    if (job.kind === 'compaction') return { kind: 'done', result: runMerge(job, io) }
    const { loggedThrough } = job
    isSyncing = true
    syncSegment(io.files, loggedThrough.segment)
    isSyncing = false
    return { kind: 'done', result: { ...runFlush(job, io), logSynced: loggedThrough } }
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
    return { kind: isSyncing ? 'log failed' : 'failed', error }
  }
}

/** Writes a memtable as one table. */
function runFlush<Directive>(job: FlushJob<Directive>, io: JobIo<Directive>): FlushResult {
  const { watched } = io.filterFor(job.directive)
  const writer = io.tables.create(job.numbers.first, io.geometry, watched)
  try {
    for (const version of versionsIn(job.memtable)) writer.add(version)
    const table = writer.finish()
    assert(table.versions === job.memtable.versionCount, 'a flush drops nothing')
    io.files.syncDirectory('')
    return { kind: 'flush', table }
  } catch (error) {
    writer.abandon()
    throw error
  }
}

/** Merges tables. */
function runMerge<Directive>(job: MergeJob<Directive>, io: JobIo<Directive>): MergeResult {
  const { files, tables, geometry } = io
  const { first, end } = job.numbers
  const filter = io.filterFor(job.compaction.directive)
  let next = first
  const mayCreate = () => next < end
  const create = () => {
    assert(mayCreate(), 'a job writes no more tables than it has numbers')
    return tables.create(next++, geometry, filter.watched)
  }
  const open = (number: number) => tables.open(number)
  const compaction = runCompaction(job.compaction, filter, { geometry, open, create, mayCreate })
  if (next > first) files.syncDirectory('')
  return { kind: 'compaction', compaction }
}

/**
 * How many numbers a job may use. A table ends at its target size; twice as many is for what a cut repeats. What is written
 * may be more than that where blocks were larger and repeated fewer keys: then the last table takes it.
 */
export function numbersFor(compaction: CompactionJob<unknown>, { tableBytes }: Geometry): number {
  const { kind, inputs } = compaction.choice
  if (kind === 'move') return 0
  const merged = inputs.flatMap(({ tables }) => tables)
  const [bytes, versions] = [bytesOfTables(merged), merged.reduce((sum, table) => sum + table.versions, 0)]
  // No table is without a version: where tables are to be very small, numbers would be used up. (A forger may say none.)
  return Math.min(2 * Math.ceil(bytes / tableBytes) + 2, Math.max(1, versions))
}

/** The first number that a result left unused. */
export function endOfNumbers(result: JobResult, { first }: NumberRange): number {
  const tables =
    result.kind === 'flush' ? [result.table] : result.compaction.edit.add.map(({ table }) => table)
  return tables.reduce((end, { number }) => Math.max(end, number + 1), first)
}

/** Runs each job here, when it is asked for: whoever asks waits, and gets its failure as it was thrown. */
export class InlineRunner<Directive> implements JobRunner<Directive> {
  readonly #io: JobIo<Directive>
  readonly #jobs = new Map<JobKind, Job<Directive>>()

  constructor(io: JobIo<Directive>) {
    this.#io = io
  }

  start(job: Job<Directive>): void {
    assert(!this.#jobs.has(job.kind), 'a runner has one job of a kind at a time')
    this.#jobs.set(job.kind, job)
  }

  poll(kind: JobKind): JobOutcome {
    const job = defined(this.#jobs.get(kind), 'the job of a runner')
    this.#jobs.delete(kind)
    return { kind: 'done', result: runJob(job, this.#io) }
  }

  abandon(kind: JobKind): void {
    this.#jobs.delete(kind)
  }

  close(): void {
    this.#jobs.clear()
  }
}
