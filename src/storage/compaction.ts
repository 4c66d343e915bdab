/**
 * Compaction, the middle step: merge immutable tables into new ones and drop what the filter drops.
 * Planning is the policy's (`policy.ts`), installing the tree's.
 *
 * A job is plain data, so that a worker could run it. The versions stream by in order, newest first
 * within a key; memory does not grow with versions per key.
 *
 * A tombstone that is kept hides older versions. Where nothing older of its key remains, neither
 * behind it in this merge nor in a table outside of it, it hides nothing and goes as well:
 *
 *     kept by the filter   k@9  k@7✝ k@4  k@3✝ k@2✝          ✝ tombstone
 *     written              k@9  k@7✝ k@4                    no table outside has k before 2
 */
import { compareBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { formatExact } from '../time/hybrid-time.ts'
import { type VersionFilter } from './filter.ts'
import { type Geometry } from './geometry.ts'
import { type CompactionChoice } from './plan.ts'
import { type Shape, type ShapeEdit, overlapsKeys, spanOf, tablesOf, timesOf } from './shape.ts'
import { type TableFile } from './table-file.ts'
import { type TableMeta } from './table-format.ts'
import { type TableWriter, shouldEndTable } from './table-writer.ts'
import { type KeyedVersion, type Position, comparePositions } from './version.ts'

/** A compaction to run. */
export interface CompactionJob<Directive> {
  readonly choice: CompactionChoice
  /** Tables that are not merged but hold keys of the merge: older versions may lie there. */
  readonly elsewhere: readonly TableMeta[]
  /** What may be forgotten, as known when the job was planned. */
  readonly directive: Directive
}

/** What a compaction did. */
export interface CompactionResult {
  readonly edit: ShapeEdit
  readonly readBytes: number
  readonly writtenBytes: number
  readonly droppedVersions: number
  readonly droppedTombstones: number
}

/** Where a compaction reads and writes. */
export interface CompactionIo {
  readonly geometry: Geometry
  readonly open: (table: number) => TableFile
  readonly create: () => TableWriter
  /** Whether one more table may be begun; the last one takes all that is left. */
  readonly mayCreate: () => boolean
}

/** Kept tombstones that wait to be told whether something older follows; more are simply kept. */
const WAITING_TOMBSTONES_MAX = 256

/** The job of a choice. */
export function compactionJob<Directive>(
  shape: Shape,
  choice: CompactionChoice,
  directive: Directive,
): CompactionJob<Directive> {
  const merged = choice.inputs.flatMap(({ tables }) => tables)
  const numbers = new Set(merged.map(({ number }) => number))
  const others = tablesOf(shape).filter(({ number }) => !numbers.has(number))
  return { choice, directive, elsewhere: others.filter((table) => overlapsKeys(merged, table)) }
}

/** Runs a job. The new tables are durable files; their names, and the edit, are the caller's to make so. */
export function runCompaction<Directive>(
  job: CompactionJob<Directive>,
  filter: VersionFilter,
  io: CompactionIo,
): CompactionResult {
  const { inputs, outputLevel: level, outputRun: run, kind } = job.choice
  const merged = inputs.flatMap(({ tables }) => tables)
  const remove = merged.map(({ number }) => number)
  if (kind === 'move') {
    const add = merged.map((table) => ({ level, run, table }))
    return { edit: { remove, add }, readBytes: 0, writtenBytes: 0, droppedVersions: 0, droppedTombstones: 0 }
  }
  const output = new MergeOutput(io, job.elsewhere)
  try {
    for (const version of mergeVersions(inputs.map(({ tables }) => streamOf(tables, io))))
      output.take(version, filter)
    const tables = output.finish()
    if (tables.length > 0) checkReach(tables, merged)
    const versionsIn = merged.reduce((sum, table) => sum + table.versions, 0)
    const versionsOut = tables.reduce((sum, table) => sum + table.versions, 0)
    return {
      edit: { remove, add: tables.map((table) => ({ level, run, table })) },
      readBytes: merged.reduce((sum, { bytes }) => sum + bytes, 0),
      writtenBytes: tables.reduce((sum, { bytes }) => sum + bytes, 0),
      droppedVersions: versionsIn - versionsOut,
      droppedTombstones: output.droppedTombstones,
    }
  } catch (error) {
    output.abandon()
    throw error
  }
}

/** The versions of several streams in order, each in order by itself. What stands in two comes of the first one first. */
export function* mergeVersions<V extends KeyedVersion>(streams: readonly Iterator<V>[]): Generator<V> {
  const heads: Head<V>[] = []
  for (const [rank, stream] of streams.entries()) {
    const first = stream.next()
    if (!first.done) {
      heads.unshift({ stream, rank, version: first.value })
      settle(heads)
    }
  }
  while (heads.length > 0) {
    const head = heads[0]!
    yield head.version
    const next = head.stream.next()
    if (next.done) heads.shift()
    else {
      head.version = next.value
      settle(heads)
    }
  }
}

/** A stream and its next version. */
interface Head<V> {
  readonly stream: Iterator<V>
  readonly rank: number
  version: V
}

/** Moves the first head behind those that stand before it now; these are in order. */
function settle<V extends KeyedVersion>(heads: Head<V>[]): void {
  const head = heads[0]!
  let at = 0
  for (; at + 1 < heads.length && standsBefore(heads[at + 1]!, head); at++) heads[at] = heads[at + 1]!
  heads[at] = head
}

function standsBefore<V extends KeyedVersion>(a: Head<V>, b: Head<V>): boolean {
  const order = comparePositions(a.version, b.version)
  return order < 0 || (order === 0 && a.rank < b.rank)
}

function* streamOf(tables: readonly TableMeta[], io: CompactionIo): Generator<KeyedVersion> {
  for (const { number } of tables) yield* io.open(number).versions()
}

/**
 * What is merged goes where there is room for the keys and the times that the tree knew of. A table that reaches further,
 * as only a forger or a bug makes one, would be merged past its neighbours.
 */
function checkReach(written: readonly TableMeta[], known: readonly TableMeta[]): void {
  const [span, knownSpan] = [spanOf(written), spanOf(known)]
  const areKeysKnown =
    comparePositions(span.first, knownSpan.first) >= 0 && comparePositions(span.last, knownSpan.last) <= 0
  const [minTime, maxTime] = timesOf(known)
  const [writtenMinTime, writtenMaxTime] = timesOf(written)
  if (areKeysKnown && writtenMinTime >= minTime && writtenMaxTime <= maxTime) return
  throw new PalimpsestError('TABLE_CORRUPT', 'tables that are merged reach further than their tree knows')
}

/** Tables in order merge to versions in order, and no version stands in two of them. */
function outOfOrder({ time }: KeyedVersion): PalimpsestError {
  return new PalimpsestError('TABLE_CORRUPT', 'tables that are merged have versions out of order', {
    time: formatExact(time),
  })
}

/** Takes the merged versions and writes those that are kept. */
class MergeOutput {
  readonly #io: CompactionIo
  readonly #elsewhere: readonly TableMeta[]
  readonly #tables: TableMeta[] = []
  #writer: TableWriter | undefined
  #last: KeyedVersion | undefined
  /** Tombstones of the current key that were kept and hide nothing yet. */
  #waiting: KeyedVersion[] = []
  droppedTombstones = 0

  constructor(io: CompactionIo, elsewhere: readonly TableMeta[]) {
    this.#io = io
    this.#elsewhere = elsewhere
  }

  take(version: KeyedVersion, filter: VersionFilter): void {
    const last = this.#last
    const order = last === undefined ? -1 : compareBytes(last.key, version.key)
    if (order > 0 || (order === 0 && last!.time <= version.time)) throw outOfOrder(version)
    this.#last = version
    if (order < 0) {
      this.#endKey()
      filter.beginKey()
    }
    const isTombstone = version.value === undefined
    if (!filter.keeps(version.time)) {
      if (isTombstone) this.droppedTombstones++
      return
    }
    if (isTombstone) this.#waiting.push(version)
    if (!isTombstone || this.#waiting.length >= WAITING_TOMBSTONES_MAX) this.#writeWaiting()
    if (!isTombstone) this.#write(version)
  }

  finish(): readonly TableMeta[] {
    this.#endKey()
    this.#endTable()
    return this.#tables
  }

  abandon(): void {
    this.#writer?.abandon()
  }

  /** No older version of the key follows in this merge: a tombstone stays only if one lies elsewhere. */
  #endKey(): void {
    while (this.#waiting.length > 0 && !this.#isOlderElsewhere(this.#waiting.at(-1)!)) {
      this.#waiting.pop()
      this.droppedTombstones++
    }
    this.#writeWaiting()
  }

  #isOlderElsewhere({ key, time }: KeyedVersion): boolean {
    return this.#elsewhere.some(
      ({ first, last, minTime }) =>
        minTime < time && compareBytes(first.key, key) <= 0 && compareBytes(key, last.key) <= 0,
    )
  }

  #writeWaiting(): void {
    for (const version of this.#waiting) this.#write(version)
    this.#waiting = []
  }

  #write(version: KeyedVersion): void {
    const last = this.#writer?.last
    if (last !== undefined && this.#isTableFull(last, version)) this.#endTable()
    this.#writer ??= this.#io.create()
    this.#writer.add(version)
  }

  #isTableFull(last: Position, next: KeyedVersion): boolean {
    const { geometry, mayCreate } = this.#io
    return shouldEndTable(this.#writer!.bytes, last, next, geometry) && mayCreate()
  }

  #endTable(): void {
    if (this.#writer === undefined) return
    this.#tables.push(this.#writer.finish())
    this.#writer = undefined
  }
}
