/**
 * The obvious model of a database: a list of all versions that were ever written, and every answer by
 * looking at all of them.
 *
 *     table  key   time                 value
 *     0      6161  1763633730000001.0   v1        a read as of t takes, of the versions of its key
 *     0      6161  1763633730000001.1   ✝         at or before t, the last one
 *     1      é     1763633730000004.0   v3
 *
 *     table  time                 rows from then on                  name from then on
 *     0      1763633730000005.0   those as of …01.0 (a restore)      ks0.t0
 *     0      1763633730000006.0   none (a truncation)                ks0.t0
 *     0      1763633730000007.0   the same                           none (a drop)
 *
 * A restore is remembered as what was asked for: from then on, what is not found among later versions is
 * looked for as of the time that was put back.
 *
 * It shares no code with what it is the measure of: no comparator, no intervals, no clock. It never
 * forgets a version; what may not be read any more it refuses by the definition. A time is readable in
 * a table if the window has never passed it, or if something that is in force holds it. That is all: the
 * model does not know when compactions run, because a time that was once behind the window stays there
 * whether or not anything was dropped for it.
 *
 * It is the model of this engine. What any versioned store has to do is much less, and has a model of its
 * own: `versioned/reference-store.ts`.
 */
import { type HybridTime } from '../time/hybrid-time.ts'
import {
  type ModelChange,
  type ModelCursor,
  type ModelHold,
  type ModelKeep,
  type ModelKeyChange,
  type ModelRestore,
  type ModelRestoreScope,
  type ModelScope,
  type ModelTable,
  type ModelVersion,
  type ModelWrite,
  type RestoreVerdict,
  type Verdict,
  concerns,
  keepName,
} from './model-facts.ts'
import { ModelClock } from './model-clock.ts'
import { compareKeys } from './values.ts'

const END = (2n ** 64n) as HybridTime
const DEFAULT_KEEP_MICROS = 86_400_000_000
const CURSOR_MICROS_MAX = 600_000_000

/** Everything that a database has been told, and what it therefore has to say. */
export class Model {
  readonly clock: ModelClock
  readonly tables: ModelTable[] = []
  readonly #keeps: Map<string, ModelKeep> = new Map()
  #versions: ModelVersion[] = []
  readonly #changes: ModelChange[] = []
  readonly #restores: ModelRestore[] = []
  #holds: ModelHold[] = []
  readonly #cursors: Set<ModelCursor> = new Set()
  /** When each keyspace was created. */
  readonly #keyspaces: Map<string, HybridTime> = new Map()
  /** The first time that the window of the names has never passed. */
  #namesWindow = 0n as HybridTime
  /** Of each table, the first time that the window has never passed. */
  readonly #windows: HybridTime[] = []
  /** The part of it that no restart can take back, because somebody was told. */
  readonly #promised: HybridTime[] = []

  constructor(micros: number) {
    this.clock = new ModelClock(micros)
  }

  get versions(): readonly ModelVersion[] {
    return this.#versions
  }

  /** The holds that are in force. */
  get holds(): readonly ModelHold[] {
    return this.#holds.filter((hold) => this.#isInForce(hold))
  }

  // What happens.

  createKeyspace(name: string, time: HybridTime): void {
    this.#keyspaces.set(name, time)
  }

  createTable(
    { name, ...table }: Omit<ModelTable, 'number'> & { readonly name: string },
    keep: ModelKeep | undefined,
  ): ModelTable {
    const made = { ...table, number: this.tables.length }
    this.tables.push(made)
    this.change({ table: made.number, time: table.created, cause: 'create', name, rows: 'none' })
    this.#windows.push(0n as HybridTime)
    this.#promised.push(0n as HybridTime)
    if (keep !== undefined) this.#keeps.set(keepName({ table: made.number }), keep)
    this.passTime()
    return made
  }

  /** All writes at one time; of several to one key the last one counts. */
  commit(writes: readonly ModelWrite[], time: HybridTime): void {
    for (const [i, write] of writes.entries()) {
      const isLast = !writes.slice(i + 1).some(({ table, key }) => table === write.table && key === write.key)
      if (isLast) this.#versions.push({ ...write, time })
    }
  }

  /** Something happens to a table as a whole. */
  change(change: ModelChange): void {
    this.#changes.push(change)
  }

  /** What is to be put back has the rows and the names that it had as of `to`; what did not exist then is gone. */
  restore(restore: ModelRestore, to: HybridTime): void {
    const { scope, time, undoes } = restore
    const cause = undoes === undefined ? 'restore' : 'undo'
    for (const { number: table } of this.inScope(scope)) {
      const name = this.nameOf(table, to)
      if (name !== undefined) this.change({ table, time, cause, name, rows: { asOf: to } })
      else if (this.exists(table)) this.change({ table, time, cause: 'drop', name, rows: 'same' })
    }
    this.#restores.push(restore)
  }

  /** To be called whenever the clock may have moved: windows go with it and never come back. */
  passTime(): void {
    for (const { number } of this.tables)
      this.#windows[number] = later(this.#windows[number]!, this.#windowAt(this.keepOf(number)))
    const keep = this.#keeps.get('database') ?? DEFAULT_KEEP_MICROS
    this.#namesWindow = later(this.#namesWindow, this.#windowAt(keep))
  }

  /** From now on history is kept so long. What is behind a window now stays there. */
  retain(scope: ModelScope, keep: ModelKeep): void {
    this.passTime()
    for (const table of this.tables)
      if (concerns(scope, table)) this.promise(table.number, this.windowOf(table.number))
    this.#keeps.set(keepName(scope), keep)
    this.passTime()
  }

  hold(hold: ModelHold): void {
    this.#holds = [...this.#holds.filter(({ name }) => name !== hold.name), hold]
  }

  release(name: string): void {
    this.#holds = this.#holds.filter((hold) => hold.name !== name)
  }

  openCursor(table: number, time: HybridTime): ModelCursor {
    const cursor = { table, time, since: undefined }
    this.#cursors.add(cursor)
    return cursor
  }

  closeCursor(cursor: ModelCursor): void {
    this.#cursors.delete(cursor)
  }

  /** The process ends, and its cursors with it. */
  closeCursors(): void {
    this.#cursors.clear()
  }

  /** Somebody was told that everything before `first` is gone from a table, but for what is held. */
  promise(table: number, first: HybridTime): void {
    this.#promised[table] = later(this.#promised[table]!, first)
  }

  /** The process ended, and what was committed after `time` is lost. */
  loseAfter(time: HybridTime): void {
    this.#versions = this.#versions.filter((version) => version.time <= time)
  }

  /** The least and the most that the window of a table may have passed in a process that begins now. */
  windowAfterRestart(table: number): { readonly least: HybridTime; readonly most: HybridTime } {
    return {
      least: later(this.#promised[table]!, this.#windowAt(this.keepOf(table))),
      most: later(this.windowOf(table), this.#windowAt(this.keepOf(table))),
    }
  }

  /** A new process may find the wall earlier: of the names, no more is gone than of a table that keeps them as long. */
  forgetNamesWindow(): void {
    this.#namesWindow = 0n as HybridTime
    this.passTime()
  }

  /** What a new process says of a window counts from now on. */
  adoptWindow(table: number, first: HybridTime): void {
    this.#windows[table] = first
  }

  // What there is to say.

  /** The newest commit that changed anything. */
  get newest(): HybridTime {
    return [...this.#versions, ...this.#changes].map(({ time }) => time).reduce(later, 0n as HybridTime)
  }

  /** The full name of a table as of a time, or now; `undefined` where it does not exist. */
  nameOf(table: number, time: HybridTime = END): string | undefined {
    return this.#changes.findLast((change) => change.table === table && change.time <= time)?.name
  }

  exists(table: number, time: HybridTime = END): boolean {
    return this.nameOf(table, time) !== undefined
  }

  /** The restores and undos that no undo in force has taken back. */
  get undoable(): readonly ModelRestore[] {
    return this.#restores.filter(({ time }) => !this.#isUndone(time))
  }

  /** What happened to tables as a whole, oldest first. */
  get changes(): readonly ModelChange[] {
    return this.#changes
  }

  /** How many restores and undos there were. */
  get restoreCount(): number {
    return this.#restores.length
  }

  /** The tables that would exist after a restore. */
  existingAfter(scope: ModelRestoreScope, to: HybridTime): readonly ModelTable[] {
    const inScope = this.inScope(scope)
    return this.tables.filter((table) => this.exists(table.number, inScope.includes(table) ? to : END))
  }

  /** How a restore, or an undo, must end. */
  judgeRestore(scope: ModelRestoreScope, to: HybridTime, cause: 'restore' | 'undo'): RestoreVerdict {
    if (Number(to / 4096n) > this.clock.current) return 'FUTURE_TIME'
    if (!this.areNamesReadable(to)) return 'HISTORY_GONE'
    if (to < this.#keyspaces.get(scope.keyspace)!) return 'UNKNOWN_KEYSPACE'
    if (cause === 'restore' && scope.table !== undefined && !this.exists(scope.table, to))
      return 'UNKNOWN_TABLE'
    const back = this.inScope(scope).filter(({ number }) => this.exists(number, to))
    const isTaken = ({ number }: ModelTable) =>
      this.tables.some(
        (table) => table.number !== number && this.nameOf(table.number) === this.nameOf(number, to),
      )
    if (scope.table !== undefined && back.some(isTaken)) return 'NAME_TAKEN'
    return back.every(({ number }) => this.isReadable(number, to)) ? 'ok' : 'HISTORY_GONE'
  }

  /** The first time of the window of a table. */
  windowOf(table: number): HybridTime {
    return this.#windows[table]!
  }

  /** Every time from which on what a table shows may be something else. */
  eventsOf(table: number): readonly HybridTime[] {
    const events = [...this.#versions, ...this.#changes].filter((event) => event.table === table)
    return [...new Set(events.map(({ time }) => time))].toSorted(byTime)
  }

  /** How long the history of a table is kept. */
  keepOf(table: number): ModelKeep {
    const { keyspace } = this.tables[table]!
    const names = [keepName({ table }), keepName({ keyspace }), keepName('database')]
    return (
      names.map((name) => this.#keeps.get(name)).find((keep) => keep !== undefined) ?? DEFAULT_KEEP_MICROS
    )
  }

  /** Whether a time of a table can be read. */
  isReadable(table: number, time: HybridTime): boolean {
    return (
      time >= this.windowOf(table) ||
      this.heldOf(table).some(({ first, last }) => first <= time && time <= last)
    )
  }

  /**
   * Whether the names of a time can be read: those that the database keeps, and wherever some table can be at which it
   * existed.
   */
  areNamesReadable(time: HybridTime): boolean {
    const isInWindow = Number(time / 4096n) >= this.clock.retained || time >= this.#namesWindow
    const isReadable = ({ number }: ModelTable) => this.isReadable(number, time) && this.exists(number, time)
    return time > 0n && (isInWindow || this.tables.some(isReadable))
  }

  /** Whether a time of a table can be read by somebody for whom it is `nowMicros` already. */
  isReadableBy(table: number, time: HybridTime, nowMicros: number): boolean {
    const keep = this.keepOf(table)
    const isInWindow = keep === 'forever' || Number(time / 4096n) >= nowMicros - keep
    const holds = this.#holds.filter(({ scope }) => concerns(scope, this.tables[table]!))
    const isHeld = holds.some(
      ({ first, last, expires }) =>
        first <= time && time <= last && (expires === undefined || expires > nowMicros),
    )
    return (isInWindow && time >= this.windowOf(table)) || isHeld
  }

  /** Whether a time can be read only because it is held. */
  isReadableByHold(table: number, time: HybridTime): boolean {
    return time < this.windowOf(table) && this.isReadable(table, time)
  }

  /** Whether every time from `first` through `last` can be read. */
  isAllReadable(table: number, first: HybridTime, last: HybridTime): boolean {
    let time = first
    while (time <= last && time < this.windowOf(table)) {
      const ends = this.heldOf(table)
        .filter((held) => held.first <= time && time <= held.last)
        .map((held) => held.last)
      if (ends.length === 0) return false
      time = (ends.reduce(later) + 1n) as HybridTime
    }
    return true
  }

  /** How a read of a table as of a time must end. */
  judge(table: number, time: HybridTime): Verdict {
    if (Number(time / 4096n) > this.clock.current) return 'FUTURE_TIME'
    const existed = this.exists(table, time)
    // One that was dropped is first looked for among the names of then.
    if (!this.exists(table)) {
      if (!this.areNamesReadable(time)) return 'HISTORY_GONE'
      if (!existed) return 'UNKNOWN_TABLE'
    }
    if (!this.isReadable(table, time)) return 'HISTORY_GONE'
    return existed ? 'ok' : 'UNKNOWN_TABLE'
  }

  /** What a key was as of a time: its newest version, which may be a tombstone. */
  find(table: number, key: string, time: HybridTime): ModelVersion | undefined {
    const reset = this.#changes.findLast(
      (change) => change.table === table && change.time <= time && change.rows !== 'same',
    )
    let found: ModelVersion | undefined
    for (const version of this.#versions) {
      if (version.table !== table || version.key !== key || version.time > time) continue
      if (reset !== undefined && version.time <= reset.time) continue
      if (found === undefined || version.time > found.time) found = version
    }
    if (found !== undefined || reset === undefined || typeof reset.rows === 'string') return found
    return this.find(table, key, reset.rows.asOf)
  }

  /** The version with a value that a key shows as of a time: none where the table does not exist. */
  shown(table: number, key: string, time: HybridTime): ModelVersion | undefined {
    const found = this.exists(table, time) ? this.find(table, key, time) : undefined
    return found?.value === undefined ? undefined : found
  }

  /** The keys of a table that had a value as of a time, in order. */
  scan(table: number, time: HybridTime): readonly (ModelVersion & { readonly value: string })[] {
    const live = this.keysOf(table).flatMap((key) => {
      const version = this.find(table, key, time)
      return version?.value === undefined ? [] : [{ ...version, value: version.value }]
    })
    const type = this.tables[table]!.keys
    return live.toSorted((a, b) => compareKeys(type, a.key, b.key))
  }

  /** The keys that were ever written. */
  keysOf(table: number): readonly string[] {
    return [...new Set(this.#versions.filter((version) => version.table === table).map(({ key }) => key))]
  }

  /**
   * How what a key shows has changed over the readable times through `last`, oldest first. Where a stretch
   * of them begins, what shows there is an opening, unless nothing did before and does.
   */
  history(table: number, key: string, last: HybridTime): readonly ModelKeyChange[] {
    const changes: ModelKeyChange[] = []
    for (const time of this.#readableStarts(table)) {
      if (time === 0n || time > last) continue
      const before = this.#readableBefore(table, time)
      const old = before === undefined ? undefined : this.shown(table, key, before)
      const now = this.shown(table, key, time)
      const isKnown = before === time - 1n
      if (old === undefined && now === undefined) continue
      if (isKnown && old?.time === now?.time) continue
      const cause = this.#changes.find((change) => change.table === table && change.time === time)?.cause
      changes.push({ time, value: now?.value, cause: isKnown ? (cause ?? 'commit') : 'opening' })
    }
    return changes
  }

  /**
   * The versions that have to be there after everything was compacted into one: those that some readable
   * time sees, without the tombstones that have nothing older under them.
   */
  survivors(table: number): readonly ModelVersion[] {
    const readable = this.#readableStarts(table).filter((time) => this.exists(table, time))
    return this.keysOf(table).flatMap((key) => {
      const found = new Set(readable.map((time) => this.find(table, key, time)))
      const seen = [...found].filter((version) => version !== undefined)
      const oldestFirst = seen.toSorted((a, b) => byTime(a.time, b.time))
      const firstValue = oldestFirst.findIndex(({ value }) => value !== undefined)
      return firstValue === -1 ? [] : oldestFirst.slice(firstValue)
    })
  }

  /** Every time at or before the last one used at which an answer about a table may change, and its neighbours. */
  boundaries(table: number): readonly HybridTime[] {
    const times = new Set<bigint>([0n])
    const add = (time: bigint, ...steps: readonly bigint[]) => {
      for (const step of [0n, ...steps]) times.add(time + step)
    }
    add(this.tables[table]!.created, -1n, 1n)
    add(this.windowOf(table), -1n, 1n)
    add(this.clock.used, -1n)
    for (const { table: changed, time, rows } of this.#changes) {
      if (changed !== table) continue
      add(time, -1n, 1n)
      if (typeof rows === 'object') add(rows.asOf, 1n)
    }
    for (const version of this.#versions) {
      if (version.table !== table) continue
      add(version.time, -1n, 1n, -4096n, 4096n)
      add(version.time / 4096n, 0n)
      times.add((version.time / 4096n) * 4096n + 4095n)
    }
    for (const { first, last } of this.heldOf(table)) {
      add(first, -1n, 1n)
      add(last, -1n, 1n)
    }
    return [...times].filter((time) => time >= 0n && time <= this.clock.used) as HybridTime[]
  }

  /** Where a window would begin if only this moment counted. */
  #windowAt(keep: ModelKeep): HybridTime {
    return (keep === 'forever' ? 0n : BigInt(Math.max(0, this.clock.retained - keep)) * 4096n) as HybridTime
  }

  /** The times at which readable times begin, or something happens in them. */
  #readableStarts(table: number): readonly HybridTime[] {
    const starts = [
      this.windowOf(table),
      ...this.heldOf(table).map(({ first }) => first),
      ...this.eventsOf(table),
    ]
    return [...new Set(starts)].filter((time) => this.isReadable(table, time)).toSorted(byTime)
  }

  /** The last readable time before another one. */
  #readableBefore(table: number, time: HybridTime): HybridTime | undefined {
    const before = (time - 1n) as HybridTime
    if (before > 0n && this.isReadable(table, before)) return before
    const ends = this.heldOf(table).map(({ last }) => last)
    return ends
      .filter((last) => last < time)
      .toSorted(byTime)
      .at(-1)
  }

  /** The tables that a restore is about. */
  inScope({ keyspace, table }: ModelRestoreScope): readonly ModelTable[] {
    return this.tables.filter(
      (one) => one.keyspace === keyspace && (table === undefined || one.number === table),
    )
  }

  /** Whether an undo of it is in force. */
  #isUndone(time: HybridTime): boolean {
    return this.#restores.some((restore) => restore.undoes === time && !this.#isUndone(restore.time))
  }

  /** What is held of a table now. */
  heldOf(table: number): readonly { readonly first: HybridTime; readonly last: HybridTime }[] {
    const held = this.#holds.filter(
      (hold) => this.#isInForce(hold) && concerns(hold.scope, this.tables[table]!),
    )
    const read = [...this.#cursors].filter((cursor) => cursor.table === table && this.holdsItsTime(cursor))
    return [...held, ...read.map(({ time }) => ({ first: time, last: time }))]
  }

  /** Whether a cursor has begun and is not too old. */
  holdsItsTime({ since }: ModelCursor): boolean {
    return since !== undefined && this.clock.retained - since <= CURSOR_MICROS_MAX
  }

  #isInForce({ expires }: ModelHold): boolean {
    return expires === undefined || expires > this.clock.retained
  }
}

function byTime(a: HybridTime, b: HybridTime): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function later(a: HybridTime, b: HybridTime): HybridTime {
  return a > b ? a : b
}
