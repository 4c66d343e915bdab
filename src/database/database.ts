/**
 * The database, as users hold it: a thin face that delegates.
 */

// Who compiles against it for an older language has no `Symbol.dispose` otherwise.
/// <reference lib="esnext.disposable" preserve="true" />
import { checkChoice, checkOptions, checkWhole } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type HoldRow, type TableRow } from '../catalog/rows.ts'
import { fullNameOf, keyspaceNamed, tableNamed, tabletsOf } from '../catalog/catalog.ts'
import {
  holdNamed,
  planCreateKeyspace,
  planCreateTable,
  planDropKeyspace,
  planDropTable,
  planHold,
  planRelease,
  planRenameTable,
  planRetention,
  planTruncate,
} from '../catalog/changes.ts'
import {
  type ListedRestore,
  type Restore,
  applyRestore,
  applyUndo,
  hiddenByUndo,
  listRestores,
  previewRestore,
  previewUndo,
  restoreTimeNamed,
} from '../recovery/recovery.ts'
import { type LaterWrite } from '../recovery/later-writes.ts'
import { GEOMETRIES, geometryOf } from '../storage/geometry.ts'
import { DEFAULT_POLICY, type Policy, choosePolicy } from '../storage/policy.ts'
import { type RecoveryReport, type StoreEvent } from '../store/events.ts'
import { type Hold, type HoldUsage, type NamedHold, holdUsage, listHolds, namedHold } from '../store/holds.ts'
import { type World, openStore } from '../store/open.ts'
import { type Store, type TabletCheck } from '../store/store.ts'
import { type TableWrite, checkWrites } from '../table/batch.ts'
import { type Key } from '../table/codec.ts'
import { type Difference } from '../table/state-history.ts'
import {
  type DiffOptions,
  Table,
  type Receipt,
  type TableContext,
  type WriteOptions,
  commitBatch,
} from '../table/table.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { checkClock } from '../time/clock.ts'
import { type TimeExpressionContext, type TimeInput, resolveTime } from '../time/expression.ts'
import { type HybridTime, tickBefore } from '../time/hybrid-time.ts'
import { ReplayClock } from '../time/replay-clock.ts'
import {
  type DatabaseWrite,
  type HoldOptions,
  type KeepInput,
  type OpenOptions,
  type RestoreOptions,
  type ScopeOptions,
  type TableOptions,
  OPEN_OPTIONS,
  SCOPE_OPTIONS,
  TABLE_OPTIONS,
  checkOneScope,
  expiryOf,
  heldTimes,
  holdWords,
  keepFrom,
  restoreScope,
} from './options.ts'
import {
  type ReadableStretch,
  type StoredFile,
  type StoredVersion,
  readableStretches,
  storedFiles,
  storedVersions,
} from './inspect.ts'
import { type DatabaseStats, statsOf, tableNamesOf } from './stats.ts'

const DEFAULT_CACHE_BYTES = 64 * 1024 * 1024
const DEFAULT_OPEN_TABLES = 500

/**
 * Opens the database of a world. Composition roots such as `index.ts` give it files and a clock. Throws what
 * `open` does.
 */
export function openDatabase(world: World, options: OpenOptions = {}): Database {
  checkOptions(options, OPEN_OPTIONS)
  checkWorld(world)
  const readOnly = options.readOnly ?? false
  checkChoice('geometry', options.geometry ?? 'default', Object.keys(GEOMETRIES))
  checkChoice('durability', options.durability ?? 'os', ['none', 'os', 'disk'])
  const policy = { name: options.policy, picker: options.picker }
  const sizes = options.sizes ?? {}
  const { cacheBytes = DEFAULT_CACHE_BYTES, openTables = DEFAULT_OPEN_TABLES } = options
  // Asked before anything is touched.
  choosePolicy(DEFAULT_POLICY, policy)
  geometryOf('default', sizes)
  checkWhole('cacheBytes', cacheBytes)
  checkWhole('openTables', openTables)
  const store = openStore(
    world,
    {
      readOnly,
      create: options.create ?? !readOnly,
      birth: {
        geometry: options.geometry ?? 'default',
        clock: world.clock instanceof ReplayClock ? 'replay' : 'system',
      },
      ...{ policy, sizes },
      limits: { cacheBytes, openTables },
    },
    options.onEvent,
  )
  return new Database(store, options.durability ?? 'os')
}

/** Callers without types may give a path, or a part of a world. */
function checkWorld(world: Partial<World> | undefined): void {
  if (!world?.files || !world.clock || typeof world.checksum !== 'function')
    throw new PalimpsestError('INVALID_ARGUMENT', 'a world has files, a clock and a checksum')
  checkClock(world.clock)
}

/** What time expressions mean in a store. The clock is read when one asks for it: most times are given exactly. */
function timeContextOf(store: Store): TimeExpressionContext {
  return {
    get nowMicros() {
      return store.currentMicros
    },
    // A hold runs out by the now that drives retention, which may be another.
    resolveName: (name) =>
      restoreTimeNamed(store, name) ?? holdNamed(store.catalog, name, store.moment().nowMicros)?.through,
  }
}

/** An open database. */
export class Database {
  readonly #store: Store
  readonly #context: TableContext
  readonly #timeContext: TimeExpressionContext

  /** @internal */
  constructor(store: Store, durability: Durability) {
    this.#store = store
    this.#timeContext = timeContextOf(store)
    this.#context = { store, durability, resolve: (time) => this.resolveTime(time) }
  }

  /** The names of the keyspaces. */
  get keyspaces(): readonly string[] {
    return [...this.#store.catalog.keyspaces.values()].map(({ name }) => name).toSorted()
  }

  /** The full names of the tables. */
  get tables(): readonly string[] {
    return tableNamesOf(this.#store.catalog)
  }

  /** Whose time it keeps: the machine's, or that of the history that was replayed into it. */
  get clock(): 'system' | 'replay' {
    return this.#store.birth.clock
  }

  /** The full name of the table that a tablet belongs to, as events name them; none has the catalog's. */
  tableOfTablet(tablet: number): string | undefined {
    const { catalog } = this.#store
    const table = [...catalog.tables.values()].find(({ id }) => tabletsOf(catalog, id).includes(tablet))
    return table && fullNameOf(catalog, table)
  }

  /** What was found when it was opened: how it had ended, and what of it is there. */
  get recovery(): RecoveryReport {
    return this.#store.recovery
  }

  /** How its files are merged. */
  get policy(): Policy {
    return this.#store.policy
  }

  /** Whether it was opened for reading only. */
  get isReadOnly(): boolean {
    return this.#store.isReadOnly
  }

  /** The newest time that was given to a commit or closed by a read. */
  get newest(): HybridTime {
    return this.#store.lastTime
  }

  /** Every commit at or before this time survives a power cut. One that was opened for reading knows what files tell. */
  get durableThrough(): HybridTime {
    return this.#store.durableThrough
  }

  /** The hybrid time that an input means now. Throws `INVALID_TIME`. */
  resolveTime(time: TimeInput): HybridTime {
    return resolveTime(time, this.#timeContext)
  }

  /** Creates a keyspace. Throws `INVALID_ARGUMENT`, `NAME_TAKEN`. */
  createKeyspace(name: string): void {
    this.#store.create(planCreateKeyspace(this.#store.catalog, name))
  }

  /** Creates the table `keyspace.table`. Throws `INVALID_ARGUMENT`, `UNKNOWN_KEYSPACE`, `NAME_TAKEN`. */
  createTable<K extends Key = string, V = unknown>(name: string, options: TableOptions = {}): Table<K, V> {
    checkOptions(options, TABLE_OPTIONS)
    const { keys = 'text', values = 'document', keep } = options
    checkChoice('keys', keys, ['text', 'bytes'])
    checkChoice('values', values, ['text', 'bytes', 'document'])
    const shape = { keys, values, keep: keep === undefined ? undefined : keepFrom(keep) }
    return new Table(this.#context, this.#store.create(planCreateTable(this.#store.catalog, name, shape)))
  }

  /** Drops a keyspace with its tables; they can be read as of the past, and come back. Throws `UNKNOWN_KEYSPACE`. */
  dropKeyspace(name: string): void {
    this.#store.commitCatalog(planDropKeyspace(this.#store.catalog, name))
  }

  /** Drops a table; it can be read as of the past, and come back. Throws `UNKNOWN_TABLE`. */
  dropTable(name: string): void {
    this.#store.commitCatalog(planDropTable(this.#store.catalog, name))
  }

  /**
   * Gives the table `keyspace.table` another name in its keyspace. Throws `INVALID_ARGUMENT`, `UNKNOWN_TABLE`,
   * `NAME_TAKEN`.
   */
  renameTable(name: string, newName: string): void {
    this.#store.commitCatalog(planRenameTable(this.#store.catalog, name, newName))
  }

  /** Empties a table, at the same cost whatever it holds; its past stays. Throws `UNKNOWN_TABLE`. */
  truncate(table: string): void {
    this.#store.commitCatalog(planTruncate(this.#store.catalog, table))
  }

  /**
   * What a restore would do. Throws as {@link restore} does.
   */
  planRestore(keyspace: string, options: RestoreOptions): Restore {
    return previewRestore(this.#store, restoreScope(keyspace, options), this.resolveTime(options.to))
  }

  /**
   * Puts a keyspace, or one of its tables, back to what it was at a time: one durable commit, at the same
   * cost whatever it holds. Tables dropped since come back, tables created since are hidden; nothing is
   * erased, and {@link undo} takes it back.
   *
   * Throws `INVALID_ARGUMENT`, `INVALID_TIME`, `FUTURE_TIME`, `HISTORY_GONE`, `UNKNOWN_KEYSPACE`, `UNKNOWN_TABLE`,
   * `NAME_TAKEN`.
   */
  async restore(keyspace: string, options: RestoreOptions): Promise<Restore> {
    return this.restoreSync(keyspace, options)
  }

  /** As {@link restore}, for callers that cannot wait. */
  restoreSync(keyspace: string, options: RestoreOptions): Restore {
    return applyRestore(this.#store, restoreScope(keyspace, options), this.resolveTime(options.to))
  }

  /** What an undo would do. Throws as {@link undo} does. */
  planUndo(restore: string): Restore {
    return previewUndo(this.#store, restore)
  }

  /**
   * The writes that an undo would hide beside what it undoes: of every key that was written since the restore,
   * the newest, unless it deletes what was not there. Throws as {@link undo} does, at once.
   */
  hiddenByUndo(restore: string): Generator<LaterWrite> {
    return hiddenByUndo(this.#store, restore)
  }

  /**
   * Undoes a restore; undoing an undo is a redo. Throws `UNKNOWN_RESTORE`, `ALREADY_UNDONE`, `HISTORY_GONE`,
   * `NAME_TAKEN`, `UNKNOWN_KEYSPACE`.
   */
  async undo(restore: string): Promise<Restore> {
    return this.undoSync(restore)
  }

  /** As {@link undo}, for callers that cannot wait. */
  undoSync(restore: string): Restore {
    return applyUndo(this.#store, restore)
  }

  /** All restores and undos, oldest first. */
  restores(): readonly ListedRestore[] {
    return listRestores(this.#store)
  }

  /** The table `keyspace.table`. Throws `UNKNOWN_TABLE`. */
  table<K extends Key = string, V = unknown>(name: string): Table<K, V> {
    return new Table(this.#context, tableNamed(this.#store.catalog, name).id)
  }

  /** Everything as of a time, names included, to read. Throws `INVALID_TIME`, `FUTURE_TIME`. */
  asOf(time: TimeInput): DatabaseView {
    return new DatabaseView(this.#context, this.resolveTime(time))
  }

  /** Makes writes to any tables in one commit, or none. */
  batch(writes: readonly DatabaseWrite[], options: WriteOptions = {}): Receipt {
    checkWrites(writes)
    const rows = new Map<string, TableRow>()
    const rowOf = (name: string) => {
      const row = rows.get(name) ?? tableNamed(this.#store.catalog, name)
      rows.set(name, row)
      return row
    }
    const batch = writes.map((write): TableWrite => ({ ...write, table: rowOf(write.table) }))
    return commitBatch(this.#context, batch, options)
  }

  /**
   * Says how long history is kept: of a table, of all tables of a keyspace that do not say otherwise, or
   * of the database. What is no longer readable does not come back.
   */
  setRetention(keep: KeepInput, of: ScopeOptions = {}): void {
    const { catalog } = this.#store
    checkOptions(of, SCOPE_OPTIONS)
    checkOneScope(of)
    const id =
      of.table !== undefined
        ? tableNamed(catalog, of.table).id
        : of.keyspace !== undefined
          ? keyspaceNamed(catalog, of.keyspace).id
          : 'database'
    const kept = keepFrom(keep)
    this.#store.commitCatalog(
      this.#store.plan((moment) => planRetention(this.#store.catalog, id, kept, moment)),
    )
  }

  /**
   * Keeps times readable until it is released or expires. Throws `INVALID_ARGUMENT`, `INVALID_TIME`, `FUTURE_TIME`,
   * `UNKNOWN_TABLE`, `UNKNOWN_KEYSPACE`, `NAME_TAKEN`, `HISTORY_GONE`.
   */
  hold(options: HoldOptions): NamedHold {
    const words = holdWords(options)
    const resolve = (time: TimeInput) => this.resolveTime(time)
    const [first, last] = heldTimes(options, resolve)
    this.#store.use(last)
    const scope = this.#scopeOf(options)
    const times = { after: tickBefore(first), through: last }
    const { row, change } = this.#store.plan((moment) => {
      const expiresMicros = expiryOf(options, resolve, moment.nowMicros)
      return planHold(this.#store.catalog, { ...words, scope, ...times, expiresMicros }, moment)
    })
    return namedHold(this.#store.catalog, row, this.#store.commitCatalog(change))
  }

  /** Lets a hold go. Throws `UNKNOWN_HOLD`. */
  release(name: string): void {
    this.#store.commitCatalog(
      this.#store.plan(({ nowMicros }) => planRelease(this.#store.catalog, name, nowMicros)),
    )
  }

  /**
   * What keeps times readable beyond the windows of tables: the holds that were placed, in their order, then
   * those of open scans, histories and diffs.
   */
  holds(): readonly Hold[] {
    return listHolds(this.#store)
  }

  /**
   * What each hold alone keeps, and all of them together. Reads every version of every table that something
   * holds once; memory does not grow with their number.
   */
  holdUsage(): HoldUsage {
    return holdUsage(this.#store)
  }

  /** The times as of which a table can be read now, in order; the last stretch has no end. */
  readable(table: string): readonly ReadableStretch[] {
    return readableStretches(this.#store, tableNamed(this.#store.catalog, table))
  }

  /**
   * Every version that the files and the memtable of a table hold: keys rise, times of one key fall. To
   * teach and to check; what is there is not always readable.
   */
  versions<K extends Key = string, V = unknown>(table: string): IterableIterator<StoredVersion<K, V>> {
    const row = tableNamed(this.#store.catalog, table)
    return storedVersions(this.#store, row, this.#tabletsOf(table))
  }

  /** The files of a table: from the top level down, each level in its order. */
  files<K extends Key = string>(table: string): readonly StoredFile<K>[] {
    const row = tableNamed(this.#store.catalog, table)
    return storedFiles(this.#store, row, this.#tabletsOf(table))
  }

  /** The keys of a table whose values differ between two times, in key order, each with both values. */
  diff<K extends Key = string, V = unknown>(
    table: string,
    options: DiffOptions<K>,
  ): IterableIterator<Difference<K, V>> {
    return this.table<K, V>(table).diff(options)
  }

  /** Writes what is in memory down, of one table or of all. */
  flush(table?: string): void {
    this.#store.flush(this.#chosenTablets(table))
  }

  /** Merges all tables' files fully, or one's, and drops what no readable time sees. */
  compact(table?: string): void {
    this.#store.compact(this.#chosenTablets(table))
  }

  /** Makes every commit so far survive a power cut. */
  sync(): void {
    this.#store.sync()
  }

  /** What it holds and what that has cost. */
  stats(): DatabaseStats {
    return statsOf(this.#store)
  }

  /** Checks every checksum and structural law; reads only. */
  check(): readonly TabletCheck[] {
    return this.#store.check()
  }

  /**
   * Calls `listener` with every event until the result is called: when the call is done in which it happened, in the order
   * in which they happened. (That a read saw the clock jump is told with the next change, or at the end of the turn.) A
   * listener may do whatever a caller may. What it throws comes out as a rejection that nobody handles, not of the call.
   */
  on(listener: (event: StoreEvent) => void): () => void {
    return this.#store.listen(listener)
  }

  /** Takes the wall clock for right again after it jumped. */
  confirmClock(): void {
    this.#store.confirmClock()
  }

  /** Makes everything durable and lets the directory go. */
  close(): void {
    this.#store.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #scopeOf({ table, keyspace }: ScopeOptions): HoldRow['scope'] {
    const { catalog } = this.#store
    checkOneScope({ table, keyspace })
    if (table !== undefined) return { table: tableNamed(catalog, table).id }
    return keyspace === undefined ? { database: true } : { keyspace: keyspaceNamed(catalog, keyspace).id }
  }

  #chosenTablets(table?: string): readonly number[] | undefined {
    return table === undefined ? undefined : this.#tabletsOf(table)
  }

  #tabletsOf(name: string): readonly number[] {
    const { catalog } = this.#store
    return tabletsOf(catalog, tableNamed(catalog, name).id)
  }
}

/** A database as of one time, to read. */
export class DatabaseView {
  readonly #context: TableContext
  /** The time as of which it reads. */
  readonly time: HybridTime

  /** @internal */
  constructor(context: TableContext, time: HybridTime) {
    this.#context = context
    this.time = time
    context.store.use(time)
  }

  /** The full names of the tables that existed. */
  get tables(): readonly string[] {
    return tableNamesOf(this.#context.store.catalogAsOf(this.time))
  }

  /** A table by the name that it had. Throws `UNKNOWN_TABLE`. */
  table<K extends Key = string, V = unknown>(name: string): Table<K, V> {
    const row = tableNamed(this.#context.store.catalogAsOf(this.time), name)
    return new Table(this.#context, row.id, this.time)
  }
}
