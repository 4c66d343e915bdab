/**
 * The obvious model of a database: a list of all versions that were ever written, and every answer by
 * looking at all of them.
 *
 *     table  key   time                 value
 *     0      6161  1763633730000001.0   v1        a read as of t takes, of the versions of its key
 *     0      6161  1763633730000001.1   ✝         at or before t, the last one
 *     1      é     1763633730000004.0   v3
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
import { type ErrorCode } from '../base/errors.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { ModelClock } from './model-clock.ts'

/** How long history is kept, in microseconds. */
export type ModelKeep = number | 'forever'

/** What retention or a hold is about: a table, the tables of a keyspace, or everything. */
export type ModelScope = { readonly table: number } | { readonly keyspace: string } | 'database'

/** A table. Its number is its place in {@link Model.tables}. */
export interface ModelTable {
  readonly number: number
  readonly keyspace: string
  /** The full name. */
  readonly name: string
  readonly keys: 'text' | 'bytes'
  readonly created: HybridTime
}

/** A version. A bytes key is written in hexadecimal. */
export interface ModelVersion {
  readonly table: number
  readonly key: string
  readonly time: HybridTime
  /** `undefined` for a tombstone. */
  readonly value: string | undefined
}

/** One write of a commit. */
export type ModelWrite = Omit<ModelVersion, 'time'>

/** A hold on the times from `first` through `last`. */
export interface ModelHold {
  readonly name: string
  readonly scope: ModelScope
  readonly first: HybridTime
  readonly last: HybridTime
  readonly expires: number | undefined
}

/** An open cursor. It holds its time from its first step on. */
export interface ModelCursor {
  readonly table: number
  time: HybridTime
  /** The microsecond of the first step. */
  since: number | undefined
}

/** Whether a read is answered, and with which error if it is not. */
export type Verdict = 'ok' | Extract<ErrorCode, 'FUTURE_TIME' | 'HISTORY_GONE' | 'UNKNOWN_TABLE'>

const DEFAULT_KEEP_MICROS = 86_400_000_000
const CURSOR_MICROS_MAX = 600_000_000

/** Everything that a database has been told, and what it therefore has to say. */
export class Model {
  readonly clock: ModelClock
  readonly tables: ModelTable[] = []
  readonly #keeps: Map<string, ModelKeep> = new Map()
  #versions: ModelVersion[] = []
  #holds: ModelHold[] = []
  readonly #cursors: Set<ModelCursor> = new Set()
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

  createTable(table: Omit<ModelTable, 'number'>, keep: ModelKeep | undefined): ModelTable {
    const made = { ...table, number: this.tables.length }
    this.tables.push(made)
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

  /** To be called whenever the clock may have moved: windows go with it and never come back. */
  passTime(): void {
    for (const { number } of this.tables)
      this.#windows[number] = later(this.#windows[number]!, this.#windowNow(number))
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
      least: later(this.#promised[table]!, this.#windowNow(table)),
      most: later(this.windowOf(table), this.#windowNow(table)),
    }
  }

  /** What a new process says of a window counts from now on. */
  adoptWindow(table: number, first: HybridTime): void {
    this.#windows[table] = first
  }

  // What there is to say.

  /** The first time of the window of a table. */
  windowOf(table: number): HybridTime {
    return this.#windows[table]!
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
      this.#held(table).some(({ first, last }) => first <= time && time <= last)
    )
  }

  /** Whether the names of a time can be read: those of now, and wherever some table can be. */
  areNamesReadable(time: HybridTime): boolean {
    const isNow = Number(time / 4096n) >= this.clock.retained
    return time > 0n && (isNow || this.tables.some(({ number }) => this.isReadable(number, time)))
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
      const ends = this.#held(table)
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
    if (!this.isReadable(table, time)) return 'HISTORY_GONE'
    return time < this.tables[table]!.created ? 'UNKNOWN_TABLE' : 'ok'
  }

  /** What a key was as of a time: its newest version, which may be a tombstone. */
  find(table: number, key: string, time: HybridTime): ModelVersion | undefined {
    let found: ModelVersion | undefined
    for (const version of this.#versions) {
      if (version.table === table && version.key === key && version.time <= time) {
        if (found === undefined || version.time > found.time) found = version
      }
    }
    return found
  }

  /** The keys of a table that had a value as of a time, in order. */
  scan(table: number, time: HybridTime): readonly (ModelVersion & { readonly value: string })[] {
    const found = new Map<string, ModelVersion>()
    for (const version of this.#versions) {
      if (version.table !== table || version.time > time) continue
      const before = found.get(version.key)
      if (before === undefined || version.time > before.time) found.set(version.key, version)
    }
    const live = [...found.values()].flatMap((version) =>
      version.value === undefined ? [] : [{ ...version, value: version.value }],
    )
    const type = this.tables[table]!.keys
    return live.toSorted((a, b) => compareKeys(type, a.key, b.key))
  }

  /**
   * The versions that have to be there after everything was compacted into one: those that some readable
   * time sees, without the tombstones that have nothing older under them.
   */
  survivors(table: number): readonly ModelVersion[] {
    const keys = new Set(this.#versions.filter((version) => version.table === table).map(({ key }) => key))
    return [...keys].flatMap((key) => {
      const oldestFirst = this.#versions
        .filter((version) => version.table === table && version.key === key)
        .toSorted((a, b) => (a.time < b.time ? -1 : 1))
      const seen = oldestFirst.filter((version, i) =>
        this.#isSeen(table, version.time, oldestFirst[i + 1]?.time),
      )
      const firstValue = seen.findIndex(({ value }) => value !== undefined)
      return firstValue === -1 ? [] : seen.slice(firstValue)
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
    for (const version of this.#versions) {
      if (version.table !== table) continue
      add(version.time, -1n, 1n, -4096n, 4096n)
      add(version.time / 4096n, 0n)
      times.add((version.time / 4096n) * 4096n + 4095n)
    }
    for (const { first, last } of this.#held(table)) {
      add(first, -1n, 1n)
      add(last, -1n, 1n)
    }
    return [...times].filter((time) => time >= 0n && time <= this.clock.used) as HybridTime[]
  }

  /** The versions of each table by key and time, to look at when something is wrong. */
  describe(): string {
    const lines: string[] = []
    for (const { number, name, created } of this.tables) {
      const window = `readable from ${exact(this.windowOf(number))}`
      lines.push(`${name}  created ${exact(created)}  keep ${this.keepOf(number)}  ${window}`)
      for (const { first, last } of this.#held(number)) lines.push(`  held ${exact(first)} … ${exact(last)}`)
      for (const key of new Set(this.#versions.filter((v) => v.table === number).map((v) => v.key))) {
        const versions = this.#versions.filter((v) => v.table === number && v.key === key)
        const texts = versions.map(
          ({ time, value }) => `${exact(time)}=${value === undefined ? '✝' : short(value)}`,
        )
        lines.push(`  ${JSON.stringify(key)}  ${texts.join('  ')}`)
      }
    }
    const { wall, retained, used } = this.clock
    return [...lines, `wall ${wall}  retention's now ${retained}  used ${exact(used)}`].join('\n')
  }

  /** Where the window of a table would begin if only this moment counted. */
  #windowNow(table: number): HybridTime {
    const keep = this.keepOf(table)
    return (keep === 'forever' ? 0n : BigInt(Math.max(0, this.clock.retained - keep)) * 4096n) as HybridTime
  }

  #isSeen(table: number, from: HybridTime, next: HybridTime | undefined): boolean {
    if (next === undefined || next > this.windowOf(table)) return true
    return this.#held(table).some(({ first, last }) => last >= from && first < next)
  }

  /** What is held of a table now. */
  #held(table: number): readonly { readonly first: HybridTime; readonly last: HybridTime }[] {
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

/** Negative, zero or positive as a key sorts before, with or after another: bytes as numbers, text by code point. */
export function compareKeys(type: 'text' | 'bytes', a: string, b: string): number {
  if (type === 'bytes') return a < b ? -1 : a > b ? 1 : 0
  const left = Array.from(a, (character) => character.codePointAt(0)!)
  const right = Array.from(b, (character) => character.codePointAt(0)!)
  const differs = left.findIndex((point, i) => point !== right[i])
  if (differs === -1) return left.length - right.length
  return differs >= right.length ? 1 : left[differs]! - right[differs]!
}

function concerns(scope: ModelScope, table: ModelTable): boolean {
  if (scope === 'database') return true
  return 'table' in scope ? scope.table === table.number : scope.keyspace === table.keyspace
}

function keepName(scope: ModelScope): string {
  if (scope === 'database') return scope
  return 'table' in scope ? `table ${scope.table}` : `keyspace ${scope.keyspace}`
}

function later(a: HybridTime, b: HybridTime): HybridTime {
  return a > b ? a : b
}

function exact(time: bigint): string {
  return `${time / 4096n}.${time % 4096n}`
}

function short(value: string): string {
  return value.length > 12 ? `${value.substring(0, 8)}…(${value.length})` : value
}
