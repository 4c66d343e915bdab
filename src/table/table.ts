/**
 * A table, as users hold it: reads and writes by key, now or as of a time.
 *
 * The handle knows the table by its id and looks it up on every call, so it follows a rename and never
 * writes to a table that was replaced.
 */
import { type OptionNames, checkArray, checkOptions, checkWhole, kindOf } from '../base/arguments.ts'
import { ByteCopies } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { keyRange, prefixRange, intersectRanges, isEmptyRange, type KeyRange } from '../base/key-range.ts'
import { fullNameOf } from '../catalog/catalog.ts'
import { type TableRow } from '../catalog/rows.ts'
import { explainRead, explainVersion } from '../store/explain.ts'
import { diffOf, historyOf } from '../store/state-history.ts'
import { type ReadPoint } from '../store/read-points.ts'
import { type HeldRead } from '../store/held-read.ts'
import { type Store } from '../store/store.ts'
import { type TimeOrder } from '../storage/version.ts'
import { type VersionScan } from '../storage/version-scan.ts'
import { VersionSpan } from '../storage/version-span.ts'
import { DURABILITIES, type Durability } from '../tablet/commit-log.ts'
import { type HybridTime, formatExact, formatIso } from '../time/hybrid-time.ts'
import { type TimeInput } from '../time/expression.ts'
import { type TableWrite, checkWrites, planBatch } from './batch.ts'
import { Rows } from './rows.ts'
import { type Key, decodeKeySpan, decodeValueSpan, encodeKey, viewKey } from './codec.ts'
import {
  type Change,
  type Difference,
  type HistoryOptions,
  type ReadExplanation,
  type VersionExplanation,
  HISTORY_OPTIONS,
  changeOf,
  differenceOf,
  readExplanationOf,
  versionExplanationOf,
} from './state-history.ts'

/** When a read looks. */
export interface ReadOptions {
  /**
   * The time as of which it reads, inclusive: a hybrid time, a `Date`, or a time expression.
   * A view has one: another is refused.
   * @defaultValue what is there now; in a view, its time
   */
  readonly asOf?: TimeInput | undefined
}

/** Which keys a scan visits. Bounds combine; of two on one side the narrower one counts. */
export interface ScanOptions<K extends Key = Key> extends ReadOptions {
  readonly gt?: K | undefined
  readonly gte?: K | undefined
  readonly lt?: K | undefined
  readonly lte?: K | undefined
  /** Only keys that begin with this. */
  readonly prefix?: K | undefined
  /** Whether to go from the greatest key to the least. @defaultValue false */
  readonly reverse?: boolean | undefined
  /** At most so many. @defaultValue no limit */
  readonly limit?: number | undefined
}

/** Which differences a diff has: between which times, in which range of keys. */
export interface DiffOptions<K extends Key = Key> extends Omit<ScanOptions<K>, 'asOf'> {
  /** The time before. */
  readonly from: TimeInput
  /** The time after. @defaultValue now */
  readonly to?: TimeInput | undefined
}

/** How a write is made to last. */
export interface WriteOptions {
  /** What the commit survives. @defaultValue the database's, which is `os` */
  readonly durability?: Durability | undefined
}

/** A commit that has happened. */
export interface Receipt {
  /** Its time: a read as of it sees it. */
  readonly time: HybridTime
  /** The same in ISO form, to read. */
  readonly at: string
}

/** A key with the value that shows. */
export interface Entry<K extends Key, V> {
  readonly key: K
  readonly value: V
  /** When this value was written. */
  readonly time: HybridTime
}

/** One write of a table's batch. */
export type BatchWrite<K extends Key, V> =
  { readonly type: 'put'; readonly key: K; readonly value: V } | { readonly type: 'delete'; readonly key: K }

/** What a handle needs of its database. */
export interface TableContext {
  readonly store: Store
  /** Reads a time as users write it. */
  readonly resolve: (time: TimeInput) => HybridTime
  readonly durability: Durability
}

/** What a handle of a table is: for faces over the same table, and not for users. */
export interface TableHandle {
  readonly context: TableContext
  readonly id: number
  /** The time to which it is bound, if it is one of a view. */
  readonly boundTo: HybridTime | undefined
  /** The time that a read means; `undefined` is the present. Throws `INVALID_TIME`, `INVALID_ARGUMENT`. */
  readonly timeOf: (asOf: TimeInput | undefined) => HybridTime | undefined
}

const NO_OPTIONS: ReadOptions = {}

const READ_OPTIONS: OptionNames<ReadOptions> = { asOf: true }

/** The names of the options that say which keys a scan or a diff visits. */
const RANGE_OPTIONS: OptionNames<Omit<ScanOptions, 'asOf'>> = {
  gt: true,
  gte: true,
  lt: true,
  lte: true,
  prefix: true,
  reverse: true,
  limit: true,
}

const SCAN_OPTIONS: OptionNames<ScanOptions> = { ...RANGE_OPTIONS, ...READ_OPTIONS }
const DIFF_OPTIONS: OptionNames<DiffOptions> = { from: true, to: true, ...RANGE_OPTIONS }
const WRITE_OPTIONS: OptionNames<WriteOptions> = { durability: true }

/** A table of a database. `K` and `V` are what its keys and values are. */
export class Table<K extends Key = Key, V = unknown> {
  readonly #context: TableContext
  readonly #id: number
  /** The time to which the handle is bound, if it is one of a view. */
  readonly #boundTo: HybridTime | undefined
  /** Where the bytes that its gets answer are copied to. */
  readonly #copies = new ByteCopies()
  /** Where what its gets have found stands. */
  readonly #found = new VersionSpan()

  /** @internal */
  constructor(context: TableContext, id: number, boundTo?: HybridTime) {
    this.#context = context
    this.#id = id
    this.#boundTo = boundTo
  }

  /** @internal */
  get handle(): TableHandle {
    return {
      context: this.#context,
      id: this.#id,
      boundTo: this.#boundTo,
      timeOf: (asOf) => this.#timeOf(asOf),
    }
  }

  /** `keyspace.table`: as it is now or, of a table of a view, as it was then. Throws `UNKNOWN_TABLE`, `HISTORY_GONE`. */
  get name(): string {
    const { store } = this.#context
    if (this.#boundTo === undefined) return fullNameOf(store.catalog, this.#row())
    const then = store.catalogAsOf(this.#boundTo)
    return fullNameOf(then, then.tables.get(this.#id)!)
  }

  /** The id, which no other table ever has. */
  get id(): number {
    return this.#id
  }

  /**
   * The value of a key, or `undefined` where it has none. Here and in all other reads, small byte strings may share
   * an `ArrayBuffer` of up to 32 KiB with each other: copy one before you transfer its buffer to another thread, or
   * where you keep few of many.
   * Throws `INVALID_KEY`, `INVALID_TIME`, `FUTURE_TIME`, `UNKNOWN_TABLE`, `HISTORY_GONE`.
   */
  get(key: K, options: ReadOptions = NO_OPTIONS): V | undefined {
    if (options !== NO_OPTIONS) checkOptions(options, READ_OPTIONS)
    return this.#get(this.#context.store.momentaryPoint(this.#id, this.#timeOf(options.asOf)), key)
  }

  /** The values of many keys, all at one time, in the order of the keys. */
  getMany(keys: readonly K[], options: ReadOptions = {}): (V | undefined)[] {
    checkArray('the keys to get', keys)
    checkOptions(options, READ_OPTIONS)
    const point = this.#context.store.readPoint(this.#id, this.#timeOf(options.asOf))
    const values: (V | undefined)[] = []
    // A hole is no key, and `map` would pass over it.
    for (const key of keys) values.push(this.#get(point, key))
    return values
  }

  /**
   * The keys of a range with their values, all at one time, in key order. The scan may be read while
   * the table is written to.
   */
  scan(options: ScanOptions<K> = {}): IterableIterator<Entry<K, V>> {
    return this.#scan(options, (scan, { keys, values }) => () => {
      const { key, version } = scan.found.row
      const copies = this.#copies
      return entryOf(
        decodeKeySpan(key, keys, copies) as K,
        decodeValueSpan(version, values, copies) as V,
        version.time,
      )
    })
  }

  /** The keys that {@link scan} has, alone. */
  keys(options: ScanOptions<K> = {}): IterableIterator<K> {
    return this.#scan(options, (scan, { keys }) => () => {
      return decodeKeySpan(scan.found.row.key, keys, this.#copies) as K
    })
  }

  /** The values that {@link scan} has, in the order of their keys, alone: less work than whole entries. */
  values(options: ScanOptions<K> = {}): IterableIterator<V> {
    return this.#scan(options, (scan, { values }) => () => {
      return decodeValueSpan(scan.found.row.version, values, this.#copies) as V
    })
  }

  /**
   * How what a key shows has changed over the times that can be read, restores and undos of its table
   * included; oldest first. Where readable times begin, what shows there comes as an `opening`.
   *
   * @example
   * for (const change of orders.history('o-1')) console.log(change.at, change.value)
   */
  history(key: K, options: HistoryOptions = {}): IterableIterator<Change<K, V>> {
    checkOptions(options, HISTORY_OPTIONS)
    const to = options.to === undefined ? this.#boundTo : this.#context.resolve(options.to)
    const from = options.from === undefined ? undefined : this.#context.resolve(options.from)
    const row = this.#row(to)
    const limit = limitOf(options.limit)
    const order: TimeOrder = options.reverse === true ? 'newest first' : 'oldest first'
    // The caller may change the bytes of the key before the first step.
    const bytes = this.#copies.copyOf(viewKey(key, row.keys))
    const shown = typeof key === 'string' ? key : (this.#copies.copyOf(bytes) as K)
    const history = historyOf(this.#context.store, { table: this.#id, key: bytes, from, to, order })
    return new Rows(history, limit, () => changeOf<K, V>(shown, row, history.found))
  }

  /**
   * The keys whose values differ between two times, in key order, each with both values. The cost follows
   * what changed, not what the table holds; `from` may be the later one.
   */
  diff(options: DiffOptions<K>): IterableIterator<Difference<K, V>> {
    checkOptions(options, DIFF_OPTIONS)
    const from = this.#context.resolve(options.from)
    const to = options.to === undefined ? this.#boundTo : this.#context.resolve(options.to)
    const row = this.#row(to)
    const limit = limitOf(options.limit)
    const range = this.#range(row, options)
    const direction = options.reverse === true ? 'reverse' : 'forward'
    const found = diffOf(this.#context.store, { table: this.#id, range, direction, from, to })
    const wanted = isEmptyRange(range) ? 0 : limit
    return new Rows(found, wanted, () => differenceOf<K, V>(row, found.found, this.#copies))
  }

  /** Reads a key as `get` does and tells what that did, step by step. Throws as `get` does. */
  explainRead(key: K, options: ReadOptions = {}): ReadExplanation<K, V> {
    checkOptions(options, READ_OPTIONS)
    const asOf = this.#timeOf(options.asOf)
    const bytes = encodeKey(key, this.#row(asOf).keys)
    return readExplanationOf<K, V>(key, explainRead(this.#context.store, this.#id, bytes, asOf))
  }

  /**
   * Why the version that was written to a key at a time is kept, or may go: which readable times see it,
   * what makes them readable, where it lies, when it can go. A time at the end of a microsecond means the
   * last version of that microsecond. Throws `UNKNOWN_TABLE`, and `HISTORY_GONE` if nothing of a dropped table is
   * there any more.
   */
  explainVersion(key: K, time: TimeInput): VersionExplanation<K, V> {
    const { store, resolve } = this.#context
    const bytes = encodeKey(key, this.#row().keys)
    const explained = explainVersion(store, this.#id, bytes, resolve(time), this.#boundTo)
    return versionExplanationOf<K, V>(key, explained)
  }

  /** Sets the value of a key. */
  put(key: K, value: V, options: WriteOptions = {}): Receipt {
    return this.batch([{ type: 'put', key, value }], options)
  }

  /** Deletes a key; deleting one that is not there is a commit too. */
  delete(key: K, options: WriteOptions = {}): Receipt {
    return this.batch([{ type: 'delete', key }], options)
  }

  /** Makes all writes in one commit, or none. */
  batch(writes: readonly BatchWrite<K, V>[], options: WriteOptions = {}): Receipt {
    if (this.#boundTo !== undefined)
      throw new PalimpsestError('READ_ONLY', 'a view of the past cannot be written to')
    checkWrites(writes)
    const table = this.#row()
    return commitBatch(
      this.#context,
      writes.map(
        ({ type, key, value, table: other }: { type: string; key: K; value?: V; table?: unknown }) => {
          if (other !== undefined) throw ofTheDatabase(other)
          return { type, table, key, value } as TableWrite
        },
      ),
      options,
    )
  }

  /** A scan that hands out what `making` makes of each row at which it stands. */
  #scan<T>(
    options: ScanOptions<K>,
    making: (scan: HeldRead<VersionScan<Uint8Array>>, row: TableRow) => () => T,
  ): Rows<T> {
    checkOptions(options, SCAN_OPTIONS)
    const asOf = this.#timeOf(options.asOf)
    const row = this.#row(asOf)
    const limit = limitOf(options.limit)
    const range = this.#range(row, options)
    const direction = options.reverse === true ? 'reverse' : 'forward'
    const scan = this.#context.store.scan({ table: this.#id, range, direction, asOf, limit })
    return new Rows(scan, isEmptyRange(range) ? 0 : limit, making(scan, row))
  }

  #get(point: ReadPoint, key: K): V | undefined {
    const { keys, values } = point.table
    const found = this.#found
    const isThere = this.#context.store.locate(point, viewKey(key, keys), found)
    return isThere && !found.isTombstone ? (decodeValueSpan(found, values, this.#copies) as V) : undefined
  }

  #timeOf(asOf: TimeInput | undefined): HybridTime | undefined {
    if (asOf === undefined) return this.#boundTo
    const time = this.#context.resolve(asOf)
    if (this.#boundTo === undefined || this.#boundTo === time) return time
    const [view, asked] = [this.#boundTo, time].map(formatExact)
    const message = `a view as of ${view} cannot be read as of ${asked}: a request has one time`
    throw new PalimpsestError('INVALID_ARGUMENT', message, { view, asked })
  }

  #range(row: TableRow, { gt, gte, lt, lte, prefix }: ScanOptions<K>): KeyRange {
    const encode = (key: K | undefined) => (key === undefined ? undefined : encodeKey(key, row.keys))
    const bounds = keyRange({ gt: encode(gt), gte: encode(gte), lt: encode(lt), lte: encode(lte) })
    if (prefix === undefined) return bounds
    return intersectRanges(bounds, prefixRange(encodeKey(prefix, row.keys)))
  }

  #row(asOf: HybridTime | undefined = this.#boundTo): TableRow {
    return this.#context.store.tableOf(this.#id, asOf)
  }
}

/** Refuses what no commit can be told to survive. Throws `INVALID_ARGUMENT`. */
export function checkDurability(durability: unknown): void {
  if (durability === undefined || DURABILITIES.includes(durability as Durability)) return
  const given = typeof durability === 'string' ? durability : kindOf(durability)
  const message = `durability is one of ${DURABILITIES.join(', ')}, not ${given}`
  throw new PalimpsestError('INVALID_ARGUMENT', message)
}

/** Commits a batch. An empty one commits nothing and answers the newest time there is. */
export function commitBatch(
  { store, durability }: TableContext,
  batch: readonly TableWrite[],
  options: WriteOptions,
): Receipt {
  checkOptions(options, WRITE_OPTIONS)
  checkDurability(options.durability)
  const writes = planBatch(store.catalog, batch)
  const time = writes.length === 0 ? store.lastTime : store.commit(writes, options.durability ?? durability)
  return { time, at: formatIso(time) }
}

/** Callers without types can give a batch of the database to a table, which would write all of it to itself. */
function ofTheDatabase(table: unknown): PalimpsestError {
  const named = typeof table === 'string' ? JSON.stringify(table) : kindOf(table)
  const message = `a write names a table (${named}): the batch of the database writes to tables by name`
  return new PalimpsestError('INVALID_ARGUMENT', message)
}

function limitOf(limit: number | undefined): number {
  // Level says "no limit" with −1 and with Infinity.
  if (limit === undefined || limit === -1 || limit === Infinity) return Infinity
  checkWhole('limit', limit)
  return limit
}

/**
 * An entry, put together property by property. V8 watches how long what a literal makes lives: where it saw many outlive a
 * collection, it makes all later ones in the memory of what lives long, and what they point to is copied there
 * too, collection after collection. In every second process or so, that made scans take twice as long.
 */
function entryOf<K extends Key, V>(key: K, value: V, time: HybridTime): Entry<K, V> {
  const entry: { -readonly [Name in keyof Entry<K, V>]?: Entry<K, V>[Name] } = {}
  entry.key = key
  entry.value = value
  entry.time = time
  return entry as Entry<K, V>
}
