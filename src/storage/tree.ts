/**
 * The tree: an LSM tree of versions. Memtables over a shape of tables.
 *
 *     get, scan ──▶ memtable ─▶ frozen memtables ─▶ level 0, newest first ─▶ level 1 …   first answer wins
 *     apply ──────▶ memtable ──freeze──▶ frozen ──flush──▶ level 0 ──compaction──▶ level 1 …
 *
 * The rule on which everything rests: no version ever enters a tree at or below its newest time.
 *
 * Flush and compaction have four steps each: plan a job (here), run it (`job.ts`, perhaps in a worker),
 * make the edit durable (the store, because the log goes first), install the new state (here). A frozen
 * memtable takes no more writes and is read until its table is installed. The file set is one immutable
 * value that is swapped; a scan remembers its last key and seeks again when it was.
 */
import { assert, defined } from '../base/assert.ts'
import { ByteCopies } from '../base/bytes.ts'
import { type KeyRange } from '../base/key-range.ts'
import { type HybridTime, MIN_TIME, laterOf } from '../time/hybrid-time.ts'
import {
  NO_TIMES,
  type SettableStretch,
  type Stretches,
  closedStretch,
  difference,
  unionOf,
} from '../time/stretches.ts'
import { compactionJob, mergeVersions } from './compaction.ts'
import { type Direction, type KeyCursor, MergingCursor } from './cursor.ts'
import { type BesideOf } from './found-rows.ts'
import { type Geometry } from './geometry.ts'
import { type FlushJob, type JobResult, type MergeJob, type NumberRange, numbersFor } from './job.ts'
import { type LogPlace } from './log.ts'
import { EMPTY_TREE, type TreeEdit, type TreeState, type TreeTotals } from './manifest-state.ts'
import { Memtable } from './memtable.ts'
import { type CompactionChoice } from './plan.ts'
import { type ReadProbe } from './read-probe.ts'
import { newestRunNumber, tablesOf } from './shape.ts'
import { RunCursor } from './run-cursor.ts'
import { type RunIndex, indexRuns, isInView } from './run-index.ts'
import { SoughtKey } from './sought-key.ts'
import { type TableMeta } from './table-format.ts'
import { type TableFiles, type TablesOfTree } from './table-files.ts'
import { VersionScan } from './version-scan.ts'
import { VersionSpan } from './version-span.ts'
import { type VersionPlace, VersionWalk } from './version-walk.ts'
import { type KeyedVersion, type TimeOrder, type Version, comparePositions } from './version.ts'

/** What trees of one store share. */
export interface TreeContext {
  readonly tables: TableFiles
  readonly geometry: Geometry
}

/** Sets file numbers apart that were never used. */
export type ReserveNumbers = (count: number) => NumberRange

/** One LSM tree. */
export class Tree<Directive> {
  readonly id: number
  readonly #context: TreeContext
  #memtable = new Memtable()
  /** Full memtables that are not in a table yet, newest first. */
  #frozen: readonly Memtable[] = []
  #state: TreeState
  /** All runs, the newest first. */
  #runs: readonly RunIndex[]
  #newestTime: HybridTime
  /** What its gets have to know of its tables, all of them together. */
  #tables: TablesOfTree
  #epoch = 0
  /** What its gets look for. */
  readonly #sought: SoughtKey
  /** The one view of {@link #cutToTables}. */
  readonly #viewOfTables: [SettableStretch] = [{ after: MIN_TIME, through: MIN_TIME }]
  /** Where the values of histories are copied to. */
  readonly #copies = new ByteCopies()

  constructor(id: number, state: TreeState, context: TreeContext) {
    this.id = id
    this.#sought = new SoughtKey(undefined, id)
    this.#state = state
    this.#runs = indexRuns(state.shape, [])
    this.#context = context
    this.#tables = tablesOfTree(state)
    this.#newestTime = this.#tables.through
  }

  /** Changes whenever a cursor must not be used any more. */
  get epoch(): number {
    return this.#epoch
  }

  get state(): TreeState {
    return this.#state
  }

  /** What is in memory only: the memtable that takes the writes, then those that are frozen, newest first. */
  get memtables(): readonly [Memtable, ...Memtable[]] {
    return [this.#memtable, ...this.#frozen]
  }

  /** How many memtables wait to be flushed, or are being flushed. */
  get frozenCount(): number {
    return this.#frozen.length
  }

  /** Every version in the tree is at or before this time; every one to come is after it. */
  get newestTime(): HybridTime {
    return this.#newestTime
  }

  /** Whether the memtable should be frozen. */
  get isMemtableFull(): boolean {
    return this.#memtable.bytes >= this.#context.geometry.memtableBytes
  }

  /**
   * Takes the writes of one commit, all at one time; the keys differ. The bytes are copied. A memtable that may not have
   * room for them, as after a log that had more than one memtable of a run, is frozen before.
   */
  apply(time: HybridTime, writes: readonly { key: Uint8Array; value: Uint8Array | undefined }[]): void {
    assert(time > this.#newestTime, 'no version enters a tree at or below its newest time')
    if (!this.#memtable.hasRoom) this.freeze()
    for (const { key, value } of writes) this.#memtable.add(key, { time, value })
    this.#newestTime = time
    this.#epoch++
  }

  /**
   * Says where the newest version of the key whose time lies in the view stands, if there is one; it may be a
   * tombstone. `probe` is told where it looked.
   */
  locate(key: Uint8Array, view: Stretches, found: VersionSpan, probe?: ReadProbe): boolean {
    const sought = this.#sought.be(key)
    const isInMemory = this.#memtable.locate(sought, view, found) || this.#locateFrozen(sought, view, found)
    probe?.({ at: 'memtable', version: isInMemory ? found.version : undefined })
    if (isInMemory) return true
    const viewOfTables = this.#cutToTables(view)
    // Who asks what a read does is shown a search.
    const { tables } = this.#context
    if (probe === undefined && tables.locateAgain(sought, viewOfTables, found, this.#tables)) return true
    return this.#searchTables(sought, viewOfTables, found, probe)
  }

  /** The newest version of the key whose time lies in the view, as {@link locate} finds it; its value is a look. */
  find(key: Uint8Array, view: Stretches, probe?: ReadProbe): Version | undefined {
    const found = new VersionSpan()
    return this.locate(key, view, found, probe) ? found.version : undefined
  }

  /**
   * The keys of a range that have a value in the view, in order, each with the version that shows.
   * Writes, flushes and compactions may happen between two steps.
   */
  scan(
    range: KeyRange,
    view: Stretches,
    direction: Direction,
    limit: number = Infinity,
  ): VersionScan<Uint8Array> {
    return new VersionScan(this, { range, view, direction, withTombstones: false, limit })
  }

  /**
   * The keys of a range that have a version in the view, in order, each with the newest one in it; it may
   * be a tombstone. Tables that have nothing in the view are not opened. `besideOf` says of each which other view is
   * to be asked for what is beside it. Otherwise as {@link scan}.
   */
  newestVersions(range: KeyRange, view: Stretches, direction: Direction, besideOf?: BesideOf): VersionScan {
    return new VersionScan(this, {
      ...{ range, view, direction, withTombstones: true },
      ...{ limit: Infinity, besideOf },
    })
  }

  /**
   * The versions of one key whose times lie in the view, those of a block at a time; their values are copies.
   * Writes, flushes and compactions may happen between two steps, as long as they drop nothing that lies in the view.
   */
  versionBatches(key: Uint8Array, view: Stretches, order: TimeOrder): VersionWalk {
    return new VersionWalk(this, { key: new SoughtKey(key, this.id), view, order, copies: this.#copies })
  }

  /** A cursor over the keys that have a version in the view. It is good until {@link epoch} changes. */
  cursor(view: Stretches, direction: Direction): KeyCursor {
    const open = (number: number) => this.#context.tables.open(number)
    const sources: KeyCursor[] = []
    for (const memtable of this.memtables)
      if (memtable.versionCount > 0) sources.push(memtable.cursor(view, direction))
    for (const run of this.#runs) {
      const shown = run.tablesIn(view)
      if (shown.length > 0) sources.push(new RunCursor(open, shown, view, direction))
    }
    return sources.length === 1 ? sources[0]! : new MergingCursor(sources, direction)
  }

  /**
   * What can have versions of the key in the view, newest first: every version in a place is newer than all in
   * later ones. The places are good until {@link epoch} changes.
   */
  placesOf(key: SoughtKey, view: Stretches): readonly VersionPlace[] {
    const places: VersionPlace[] = []
    for (const memtable of this.memtables) if (memtable.versionCount > 0) places.push(memtable)
    for (const run of this.#runs) {
      // A key's versions may run over many tables.
      for (let t = run.firstTableTo(key); run.hasKey(t, key); t++) {
        const table = run.tables[t]!
        if (isInView(table, view)) places.push(this.#placeOf(table))
      }
    }
    return places
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
    const inMemory = this.memtables.map(({ versionCount, minTime, maxTime }) =>
      versionCount === 0 ? NO_TIMES : closedStretch(minTime, maxTime),
    )
    const inTables = tablesOf(this.#state.shape).map((table) =>
      difference(closedStretch(table.minTime, table.maxTime), table.emptyTimes ?? NO_TIMES),
    )
    return unionOf([...inMemory, ...inTables])
  }

  /** Lets nothing more be written to what is in the memtable; nothing happens if it is empty. */
  freeze(): void {
    if (this.#memtable.versionCount === 0) return
    this.#frozen = [this.#memtable, ...this.#frozen]
    this.#memtable = new Memtable(this.#memtable.keyCount)
    this.#epoch++
  }

  /** Lets go of all that it has, because nobody can read it any more: who is at it finds nothing behind that. */
  clear(): void {
    this.#memtable = new Memtable()
    this.#frozen = []
    this.#state = EMPTY_TREE
    this.#runs = []
    this.#tables = tablesOfTree(EMPTY_TREE)
    this.#epoch++
  }

  /** The job that flushes the oldest frozen memtable, when the log has gone on to a place. */
  flushJob(directive: Directive, loggedThrough: LogPlace, reserve: ReserveNumbers): FlushJob<Directive> {
    const { memory } = defined(this.#frozen.at(-1), 'a frozen memtable')
    return { kind: 'flush', memtable: memory, loggedThrough, directive, numbers: reserve(1) }
  }

  /** The job of a policy's choice. */
  mergeJob(choice: CompactionChoice, directive: Directive, reserve: ReserveNumbers): MergeJob<Directive> {
    const compaction = compactionJob(this.#state.shape, choice, directive)
    const numbers = reserve(numbersFor(compaction, this.#context.geometry))
    return { kind: 'compaction', compaction, numbers }
  }

  /**
   * The edit of a result, by what the tree is now. It is to be made durable, that of a compaction with
   * the directive's ratchet, then {@link install}ed.
   */
  editOf(result: JobResult, choice?: CompactionChoice): TreeEdit {
    const { shape, totals } = this.#state
    const tree = this.id
    if (result.kind === 'flush') {
      const { table } = result
      const add = [{ level: 0, run: newestRunNumber(shape[0]!), table }]
      const flushes = { flushes: 1, flushedBytes: table.bytes, flushedVersions: table.versions }
      return { tree, remove: [], add, flushedThrough: table.maxTime, totals: sumOf(totals, flushes) }
    }
    const { edit, readBytes, writtenBytes, droppedVersions, droppedTombstones } = result.compaction
    const work = {
      ...{ compactionReadBytes: readBytes, compactionWrittenBytes: writtenBytes },
      ...{ droppedVersions, droppedTombstones },
    }
    const counted = choice?.kind === 'move' ? { moves: 1 } : { compactions: 1 }
    return { ...edit, tree, pointer: choice?.pointer, totals: sumOf(totals, { ...work, ...counted }) }
  }

  /** Takes the state that an edit of {@link editOf} led to. */
  install(state: TreeState): void {
    if (state.flushedThrough > this.#state.flushedThrough) {
      const flushed = this.#frozen.at(-1)
      assert(state.flushedThrough === flushed?.maxTime, 'a flush takes a whole memtable, the oldest')
      this.#frozen = this.#frozen.filter((memtable) => memtable !== flushed)
    }
    this.#state = state
    this.#runs = indexRuns(state.shape, this.#runs)
    this.#tables = tablesOfTree(state)
    this.#epoch++
  }

  #locateFrozen(key: SoughtKey, view: Stretches, found: VersionSpan): boolean {
    for (const memtable of this.#frozen) if (memtable.locate(key, view, found)) return true
    return false
  }

  #searchTables(key: SoughtKey, view: Stretches, found: VersionSpan, probe?: ReadProbe): boolean {
    const runs = this.#runs
    for (let r = 0; r < runs.length; r++) {
      // What is newer than all that is asked for needs no search, unless somebody asks which tables were passed over.
      if (probe === undefined && isNewerThan(runs[r]!, view)) {
        this.#context.tables.countTimeSkip()
        continue
      }
      if (this.#locateInRun(runs[r]!, key, view, found, probe)) return true
    }
    return false
  }

  /**
   * What a view shows of tables. One of one stretch ends where tables do: at times behind they may yet get something, and
   * what is found in it is found for ever. (Where it begins behind them it comes to nothing, and nothing is found.)
   */
  #cutToTables(view: Stretches): Stretches {
    if (view.length !== 1 || view[0]!.through <= this.#tables.through) return view
    const [cut] = this.#viewOfTables
    cut.after = view[0]!.after
    cut.through = this.#tables.through
    return this.#viewOfTables
  }

  #locateInRun(
    run: RunIndex,
    key: SoughtKey,
    view: Stretches,
    found: VersionSpan,
    probe: ReadProbe | undefined,
  ): boolean {
    // A key's versions may run over many tables, the newest first.
    for (let t = run.firstTableTo(key); run.hasKey(t, key); t++)
      if (this.#context.tables.locate(run.tables[t]!, key, view, found, probe)) return true
    return false
  }

  /** A table file, which is opened when it is asked for something. */
  #placeOf({ number }: TableMeta): VersionPlace {
    const { tables } = this.#context
    return { versionBatches: (...asked) => tables.open(number).versionBatches(...asked) }
  }

  #mergedVersions(): Generator<KeyedVersion> {
    const runs = this.#state.shape.flat()
    const inMemory = this.memtables.map((memtable) => memtable.versions())
    return mergeVersions([...inMemory, ...runs.map(({ tables }) => this.#versionsOf(tables))])
  }

  *#versionsOf(tables: readonly TableMeta[]): Generator<KeyedVersion> {
    for (const { number } of tables) yield* this.#context.tables.open(number).versions()
  }
}

function tablesOfTree({ shape, flushedThrough }: TreeState): TablesOfTree {
  const tables = tablesOf(shape)
  return {
    numbers: new Set(tables.map(({ number }) => number)),
    through: tables.reduce((time, { maxTime }) => laterOf(time, maxTime), flushedThrough),
  }
}

/** Whether all that a run has is newer than what a view shows. */
function isNewerThan(run: RunIndex, view: Stretches): boolean {
  return view.length > 0 && run.isAfter(view[view.length - 1]!.through)
}

function sumOf(totals: TreeTotals, more: Partial<TreeTotals>): TreeTotals {
  const names = Object.keys(totals) as (keyof TreeTotals)[]
  const sums = names.map((name) => [name, totals[name] + (more[name] ?? 0)])
  return Object.fromEntries(sums) as TreeTotals
}
