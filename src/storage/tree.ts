/**
 * The tree: an LSM tree of versions. A memtable over a shape of tables.
 *
 *     get, scan ──▶ memtable ─▶ level 0, newest first ─▶ level 1 ─▶ level 2 …      first answer wins
 *     apply ──────▶ memtable ──flush──▶ level 0 ──compaction──▶ level 1 …
 *
 * The rule on which everything rests: no version ever enters a tree at or below its newest time.
 *
 * Flush and compaction have three steps each: plan and write new files (here), make the edit durable
 * (the store, because the log goes first), install the new state (here). The file set is one immutable
 * value that is swapped; a scan remembers its last key and seeks again when it was.
 */
import { assert } from '../base/assert.ts'
import { compareBytes } from '../base/bytes.ts'
import { type KeyRange } from '../base/key-range.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, laterOf, tickBefore } from '../time/hybrid-time.ts'
import {
  NO_TIMES,
  type Stretches,
  closedStretch,
  difference,
  intersection,
  meetsClosed,
  stretch,
  union,
} from '../time/stretches.ts'
import { hashOfKey } from './bloom-filter.ts'
import {
  type CompactionJob,
  type CompactionResult,
  compactionJob,
  mergeVersions,
  runCompaction,
} from './compaction.ts'
import { type Direction, type KeyCursor, MergingCursor } from './cursor.ts'
import { type FilterFor } from './filter.ts'
import { type Geometry } from './geometry.ts'
import { type TreeEdit, type TreeState } from './manifest-state.ts'
import { Memtable } from './memtable.ts'
import { type CompactionChoice } from './plan.ts'
import { type ReadProbe } from './read-probe.ts'
import { searchFirst } from './search.ts'
import { newestRunNumber, tablesOf } from './shape.ts'
import { RunCursor } from './run-cursor.ts'
import { type TableMeta } from './table-format.ts'
import { type TableFiles } from './table-files.ts'
import { VersionScan } from './version-scan.ts'
import { type KeyedVersion, type TimeOrder, type Version, comparePositions } from './version.ts'

/** What trees of one store share. */
export interface TreeContext<Directive> {
  readonly tables: TableFiles
  readonly geometry: Geometry
  readonly filterFor: FilterFor<Directive>
  /** A file number that was never used. */
  readonly newNumber: () => number
}

/** A compaction that has run: the edit to make durable, and what it did. */
export interface FinishedCompaction {
  readonly edit: TreeEdit
  readonly result: CompactionResult
}

/** One LSM tree. */
export class Tree<Directive> {
  readonly id: number
  readonly #context: TreeContext<Directive>
  #memtable = new Memtable()
  #state: TreeState
  #newestTime: HybridTime
  #epoch = 0

  constructor(id: number, state: TreeState, context: TreeContext<Directive>) {
    this.id = id
    this.#state = state
    this.#context = context
    this.#newestTime = tablesOf(state.shape).reduce(
      (time, table) => laterOf(time, table.maxTime),
      state.flushedThrough,
    )
  }

  /** Changes whenever a cursor must not be used any more. */
  get epoch(): number {
    return this.#epoch
  }

  get state(): TreeState {
    return this.#state
  }

  get memtable(): Memtable {
    return this.#memtable
  }

  /** Every version in the tree is at or before this time; every one to come is after it. */
  get newestTime(): HybridTime {
    return this.#newestTime
  }

  /** Whether the memtable should be flushed. */
  get isMemtableFull(): boolean {
    return this.#memtable.bytes >= this.#context.geometry.memtableBytes
  }

  /** Takes the writes of one commit, all at one time; the keys differ. The bytes become the tree's. */
  apply(time: HybridTime, writes: readonly { key: Uint8Array; value: Uint8Array | undefined }[]): void {
    assert(time > this.#newestTime, 'no version enters a tree at or below its newest time')
    for (const { key, value } of writes) this.#memtable.add(key, { time, value })
    this.#newestTime = time
    this.#epoch++
  }

  /**
   * The newest version of the key whose time lies in the view; it may be a tombstone. `probe` is told
   * where it looked.
   */
  find(key: Uint8Array, view: Stretches, probe?: ReadProbe): Version | undefined {
    const hash = hashOfKey(key)
    const inMemory = this.#memtable.find(key, hash, view)
    probe?.({ at: 'memtable', version: inMemory })
    if (inMemory !== undefined) return inMemory
    for (const runs of this.#state.shape) {
      for (const { tables } of runs) {
        const version = this.#findInRun(tables, key, hash, view, probe)
        if (version !== undefined) return version
      }
    }
    return undefined
  }

  /**
   * The keys of a range that have a value in the view, in order, each with the version that shows.
   * Writes, flushes and compactions may happen between two steps.
   */
  scan(range: KeyRange, view: Stretches, direction: Direction): VersionScan<Uint8Array> {
    return new VersionScan(this, { range, view, direction, withTombstones: false })
  }

  /**
   * The keys of a range that have a version in the view, in order, each with the newest one in it; it may
   * be a tombstone. Tables that have nothing in the view are not opened. Otherwise as {@link scan}.
   */
  newestVersions(range: KeyRange, view: Stretches, direction: Direction): VersionScan {
    return new VersionScan(this, { range, view, direction, withTombstones: true })
  }

  /**
   * The versions of one key whose times lie in the view, those of a block at a time, so that memory does not
   * grow with the number of versions. Writes, flushes and compactions may happen between two steps, as long as
   * they drop nothing that lies in the view.
   */
  *versionBatches(key: Uint8Array, view: Stretches, order: TimeOrder): Generator<readonly Version[]> {
    let epoch = -1
    let rest = view
    while (epoch !== this.#epoch) {
      epoch = this.#epoch
      for (const versions of this.#batchesAtOnce(key, rest, order)) {
        yield versions
        if (epoch === this.#epoch) continue
        const { time } = versions.at(-1)!
        const left = order === 'newest first' ? stretch(MIN_TIME, tickBefore(time)) : stretch(time, MAX_TIME)
        rest = intersection(rest, left)
        break
      }
    }
  }

  /** A cursor over the keys of all that can have something in the view. It is good until {@link epoch} changes. */
  cursor(view: Stretches, direction: Direction): KeyCursor {
    const open = (number: number) => this.#context.tables.open(number)
    const sources: KeyCursor[] = this.#memtable.versionCount === 0 ? [] : [this.#memtable.cursor(direction)]
    for (const { tables } of this.#state.shape.flat()) {
      const shown = tables.filter((table) => isInView(table, view))
      if (shown.length > 0) sources.push(new RunCursor(open, shown, direction))
    }
    return sources.length === 1 ? sources[0]! : new MergingCursor(sources, direction)
  }

  /**
   * Every version that the tree holds, in order, whatever any view shows: to teach and to check. Writes,
   * flushes and compactions may happen between two steps.
   */
  *versions(): Generator<KeyedVersion> {
    let merged = this.#mergedVersions()
    let epoch = this.#epoch
    let last: KeyedVersion | undefined
    for (let next = merged.next(); !next.done; next = merged.next()) {
      // Merged anew, the versions begin again at the first.
      if (last !== undefined && comparePositions(next.value, last) <= 0) continue
      last = next.value
      yield last
      if (epoch === this.#epoch) continue
      merged = this.#mergedVersions()
      epoch = this.#epoch
    }
  }

  /** Times outside of which the tree holds no version. */
  occupiedTimes(): Stretches {
    const { versionCount, minTime, maxTime } = this.#memtable
    const inMemory = versionCount === 0 ? NO_TIMES : closedStretch(minTime, maxTime)
    const inTables = tablesOf(this.#state.shape).map((table) =>
      difference(closedStretch(table.minTime, table.maxTime), table.emptyTimes ?? NO_TIMES),
    )
    return union(inMemory, ...inTables)
  }

  /**
   * Writes the memtable, all of it, as a table of level 0. The edit is to be made durable, then
   * {@link install}ed. Of the directive, only the times to watch count.
   */
  writeFlush(directive: Directive): TreeEdit {
    assert(this.#memtable.versionCount > 0, 'there is something to flush')
    const { tables, geometry, newNumber, filterFor } = this.#context
    const writer = tables.create(newNumber(), geometry, filterFor(directive).watched)
    for (const version of this.#memtable.versions()) writer.add(version)
    const table = writer.finish()
    const { shape, totals } = this.#state
    return {
      tree: this.id,
      remove: [],
      add: [{ level: 0, run: newestRunNumber(shape[0]!), table }],
      flushedThrough: this.#memtable.maxTime,
      totals: {
        ...totals,
        flushes: totals.flushes + 1,
        flushedBytes: totals.flushedBytes + table.bytes,
        flushedVersions: totals.flushedVersions + table.versions,
      },
    }
  }

  /** The job of a policy's choice, as plain data. */
  jobFor(choice: CompactionChoice, directive: Directive): CompactionJob<Directive> {
    return compactionJob(this.#state.shape, choice, directive)
  }

  /** Runs a job. The edit is to be made durable, with the directive's ratchet, then {@link install}ed. */
  runCompaction(job: CompactionJob<Directive>): FinishedCompaction {
    const { tables, geometry, newNumber, filterFor } = this.#context
    const filter = filterFor(job.directive)
    const result = runCompaction(job, filter, {
      geometry,
      open: (number) => tables.open(number),
      create: () => tables.create(newNumber(), geometry, filter.watched),
    })
    const { totals } = this.#state
    const isMove = job.choice.kind === 'move'
    const edit = {
      ...result.edit,
      tree: this.id,
      pointer: job.choice.pointer,
      totals: {
        ...totals,
        compactions: totals.compactions + (isMove ? 0 : 1),
        moves: totals.moves + (isMove ? 1 : 0),
        compactionReadBytes: totals.compactionReadBytes + result.readBytes,
        compactionWrittenBytes: totals.compactionWrittenBytes + result.writtenBytes,
        droppedVersions: totals.droppedVersions + result.droppedVersions,
        droppedTombstones: totals.droppedTombstones + result.droppedTombstones,
      },
    }
    return { edit, result }
  }

  /** Takes the state that an edit of {@link writeFlush} or {@link runCompaction} led to. */
  install(state: TreeState): void {
    const hasFlushed = state.flushedThrough > this.#state.flushedThrough
    if (hasFlushed) {
      assert(state.flushedThrough === this.#memtable.maxTime, 'a flush takes the whole memtable')
      this.#memtable = new Memtable()
    }
    this.#state = state
    this.#epoch++
  }

  #findInRun(
    tables: readonly TableMeta[],
    key: Uint8Array,
    hash: number,
    view: Stretches,
    probe: ReadProbe | undefined,
  ): Version | undefined {
    // A key's versions may run over many tables, the newest first.
    const from = searchFirst(tables, ({ last }) => compareBytes(last.key, key) >= 0)
    for (let t = from; t < tables.length; t++) {
      const { number, first } = tables[t]!
      if (compareBytes(first.key, key) > 0) return undefined
      const version = this.#context.tables.open(number).find(key, hash, view, probe)
      if (version !== undefined) return version
    }
    return undefined
  }

  /** As {@link versionBatches}, until the next change of the tree. */
  *#batchesAtOnce(key: Uint8Array, view: Stretches, order: TimeOrder): Generator<readonly Version[]> {
    const hash = hashOfKey(key)
    const tables = this.#state.shape.flatMap((runs) =>
      runs.flatMap((run) => tablesWith(run.tables, key).filter((table) => isInView(table, view))),
    )
    const isNewestFirst = order === 'newest first'
    // For one key, every version in an upper place is newer than every version in a lower one.
    if (isNewestFirst) yield* this.#memtable.versionBatches(key, view, order)
    for (const { number } of isNewestFirst ? tables : tables.toReversed()) {
      const table = this.#context.tables.open(number)
      if (table.mayContain(hash)) yield* table.versionBatches(key, view, order)
    }
    if (!isNewestFirst) yield* this.#memtable.versionBatches(key, view, order)
  }

  #mergedVersions(): Generator<KeyedVersion> {
    const runs = this.#state.shape.flat()
    return mergeVersions([this.#memtable.versions(), ...runs.map(({ tables }) => this.#versionsOf(tables))])
  }

  *#versionsOf(tables: readonly TableMeta[]): Generator<KeyedVersion> {
    for (const { number } of tables) yield* this.#context.tables.open(number).versions()
  }
}

/** Whether a table can have a version in the view. */
function isInView({ minTime, maxTime }: TableMeta, view: Stretches): boolean {
  return meetsClosed(view, minTime, maxTime)
}

/** The tables of a sorted run that can have versions of a key: those between whose ends it stands. */
function tablesWith(run: readonly TableMeta[], key: Uint8Array): readonly TableMeta[] {
  const from = searchFirst(run, ({ last }) => compareBytes(last.key, key) >= 0)
  const end = searchFirst(run, ({ first }) => compareBytes(first.key, key) > 0)
  return Array.from({ length: Math.max(0, end - from) }, (_, i) => run[from + i]!)
}
