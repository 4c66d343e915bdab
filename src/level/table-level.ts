/**
 * The level: an abstract-level database over one table of bytes, with its past.
 *
 *     Level's own      get, put, del, batch, iterator, clear, sublevel, hooks, events …
 *     asOf             in the options of every read, and of snapshot()
 *     beside them      history(key)  diff(from, to)  restore(to)  undo(restore)
 *
 * The methods with an underscore are what abstract-level asks of a database: it has checked and encoded
 * what they are given. The engine answers at once; nothing waits, and a write is done when its call is.
 */
import { AbstractLevel, type Transcoder } from 'abstract-level'
import { checkOptions, checkText } from '../base/arguments.ts'
import { TextScratch } from '../base/bytes.ts'
import { type Restore } from '../recovery/recovery.ts'
import { type ReadPoint } from '../store/read-points.ts'
import { checkDurability } from '../table/table.ts'
import { type TimeInput } from '../time/expression.ts'
import { ByteTable, type ByteWrite, type ReadTime } from './byte-table.ts'
import { LevelCursor } from './cursor.ts'
import { type LevelData, bytesOf, dataOf, viewOf } from './format.ts'
import { EntryIterator, type IteratorOptions, KeyIterator, ValueIterator } from './iterators.ts'
import {
  type Durably,
  type LevelDiffOptions,
  type LevelHistoryOptions,
  type LevelOptions,
  type TimedLevel,
  LEVEL_DIFF_OPTIONS,
  LEVEL_HISTORY_OPTIONS,
} from './options.ts'
import { type LevelChange, type LevelDifference, type PastCodec, changesOf, differencesOf } from './past.ts'
import { type LevelRange } from './range.ts'
import { LevelSnapshot } from './snapshot.ts'
import { type BytesTable, type LevelOpenOptions, type LevelSource } from './source.ts'

/** What abstract-level makes of an operation of a batch. */
interface Operation {
  readonly type: 'put' | 'del'
  readonly key: LevelData
  readonly value: LevelData
}

type ReadOptions = ReadTime & { readonly valueEncoding: string }

/** Keys that a clear deletes in one commit, at most: its memory does not grow with the table. */
export const CLEAR_KEYS_MAX: number = 10_000

const MANIFEST = {
  ...{ implicitSnapshots: true, explicitSnapshots: true, has: true, getSync: true, seek: true },
  encodings: { utf8: true, view: true },
  events: { restore: true },
  additionalMethods: { history: true, diff: true, restore: true, undo: true },
  // A step of an iterator is done before anybody could abort it.
  signals: { iterators: false },
}

type TimedConstructor = new <K, V>(manifest: object, options: object) => TimedLevel<K, V>
const TimedAbstractLevel: TimedConstructor = AbstractLevel as unknown as TimedConstructor

/** An abstract-level database over a table of bytes. */
export class TableLevel<KDefault = string, VDefault = string> extends TimedAbstractLevel<KDefault, VDefault> {
  readonly #source: LevelSource
  #bytes: ByteTable | undefined
  readonly #scratch = new TextScratch()

  constructor(source: LevelSource, options: LevelOptions<KDefault, VDefault> = {}) {
    super({ ...MANIFEST, ...source.supports }, options)
    this.#source = source
  }

  /** The table under it; `undefined` until the level is open. */
  get table(): BytesTable | undefined {
    return this.#bytes?.table
  }

  /**
   * How what a key shows has changed over the times that can be read; oldest first, as `Table.history`. Throws
   * `INVALID_KEY` for null and undefined, which an encoding would take for texts.
   *
   * @example
   * for await (const change of db.history('o-1')) console.log(change.at, change.value)
   */
  async *history<K = KDefault, V = VDefault>(
    key: K,
    options: LevelHistoryOptions<K, V> = {},
  ): AsyncGenerator<LevelChange<K, V>> {
    checkOptions(options, LEVEL_HISTORY_OPTIONS)
    const bytes = await this.#opened()
    for (const change of changesOf(bytes, key, this.#codecOf<K, V>(options), options)) {
      yield change
      await this.#opened()
    }
  }

  /** The keys whose values differ between two times, in key order, each with both values, as `Table.diff`. */
  async *diff<K = KDefault, V = VDefault>(
    from: TimeInput,
    to?: TimeInput,
    options: LevelDiffOptions<K, V> = {},
  ): AsyncGenerator<LevelDifference<K, V>> {
    checkOptions(options, LEVEL_DIFF_OPTIONS)
    const bytes = await this.#opened()
    for (const difference of differencesOf(bytes, { from, to }, this.#codecOf<K, V>(options), options)) {
      yield difference
      await this.#opened()
    }
  }

  /**
   * Puts the table back to what it was at a time: one durable commit, whatever it holds. Nothing is
   * erased; {@link undo} takes it back. Emits `restore`.
   */
  async restore(to: TimeInput): Promise<Restore> {
    const restore = (await this.#opened()).restore(to)
    this.emit('restore', restore)
    return restore
  }

  /** Undoes a restore of this table; undoing an undo is a redo. Emits `restore`. */
  async undo(restore: string | Pick<Restore, 'id'>): Promise<Restore> {
    const id = typeof restore === 'string' ? restore : restore?.id
    checkText('a restore to undo', id)
    const undo = (await this.#opened()).undo(id)
    this.emit('restore', undo)
    return undo
  }

  async _open(options: LevelOpenOptions): Promise<void> {
    const table = this.#source.open(options)
    try {
      this.#bytes = new ByteTable(table)
    } catch (error) {
      this.#source.close()
      throw error
    }
  }

  async _close(): Promise<void> {
    this.#source.close()
    this.#bytes = undefined
  }

  async _get(key: LevelData, options: ReadOptions): Promise<LevelData | undefined> {
    return this.#valueAt(this.#table.readPoint(options), key, options.valueEncoding)
  }

  _getSync(key: LevelData, options: ReadOptions): LevelData | undefined {
    return this.#valueAt(this.#table.readPoint(options), key, options.valueEncoding)
  }

  async _getMany(
    keys: readonly LevelData[],
    options: ReadOptions,
  ): Promise<readonly (LevelData | undefined)[]> {
    const point = this.#table.readPoint(options)
    return keys.map((key) => this.#valueAt(point, key, options.valueEncoding))
  }

  async _has(key: LevelData, options: ReadTime): Promise<boolean> {
    return this.#table.find(this.#table.readPoint(options), bytesOf(key)) !== undefined
  }

  async _hasMany(keys: readonly LevelData[], options: ReadTime): Promise<readonly boolean[]> {
    const point = this.#table.readPoint(options)
    return keys.map((key) => this.#table.find(point, bytesOf(key)) !== undefined)
  }

  async _put(key: LevelData, value: LevelData, options: Durably): Promise<void> {
    this.#table.commit([{ type: 'put', key: bytesOf(key), value: bytesOf(value) }], durabilityOf(options))
  }

  async _del(key: LevelData, options: Durably): Promise<void> {
    this.#table.commit([{ type: 'delete', key: bytesOf(key) }], durabilityOf(options))
  }

  async _batch(operations: readonly Operation[], options: Durably): Promise<void> {
    // Whatever was written before has been copied.
    this.#scratch.clear()
    const writes = operations.map((operation) => writeOf(operation, this.#scratch))
    this.#table.commit(writes, durabilityOf(options))
  }

  async _clear(options: LevelRange & ReadTime & Durably & { readonly limit: number }): Promise<void> {
    const table = this.#table
    const durability = durabilityOf(options)
    const cursor = new LevelCursor(table, options, ({ key }): ByteWrite => ({ type: 'delete', key }))
    try {
      for (let left = options.limit === -1 ? Infinity : options.limit; left > 0;) {
        const writes = cursor.nextMany(Math.min(left, CLEAR_KEYS_MAX))
        if (writes.length === 0) return
        table.commit(writes, durability)
        left -= writes.length
      }
    } finally {
      cursor.close()
    }
  }

  _iterator(options: IteratorOptions): EntryIterator<this> {
    return new EntryIterator(this, this.#table, options)
  }

  _keys(options: IteratorOptions): KeyIterator<this> {
    return new KeyIterator(this, this.#table, options)
  }

  _values(options: IteratorOptions): ValueIterator<this> {
    return new ValueIterator(this, this.#table, options)
  }

  _snapshot(options: ReadTime): LevelSnapshot {
    return new LevelSnapshot(this.#table, this.#table.hold({ asOf: options.asOf }), options)
  }

  /** The table, where abstract-level has made sure that the level is open. */
  get #table(): ByteTable {
    return this.#bytes!
  }

  #valueAt(point: ReadPoint, key: LevelData, format: string): LevelData | undefined {
    const bytes = this.#table.find(point, bytesOf(key))
    return bytes === undefined ? undefined : dataOf(bytes, format)
  }

  /** Waits for an opening that has begun. Throws `LEVEL_DATABASE_NOT_OPEN`. */
  async #opened(): Promise<ByteTable> {
    if (this.status !== 'open') await this.open({ passive: true })
    return this.#table
  }

  #codecOf<K, V>(options: Pick<LevelDiffOptions<K, V>, 'keyEncoding' | 'valueEncoding'>): PastCodec<K, V> {
    // Left out, an encoding is the level's own.
    const key = this.keyEncoding(options.keyEncoding as Transcoder.MixedEncoding<K, LevelData, K>)
    const value = this.valueEncoding(options.valueEncoding as Transcoder.MixedEncoding<V, LevelData, V>)
    return {
      encodeKey: (given) => bytesOf(key.encode(given)),
      decodeKey: (bytes) => key.decode(dataOf(bytes, key.format)),
      decodeValue: (bytes) => value.decode(dataOf(bytes, value.format)),
    }
  }
}

function writeOf({ type, key, value }: Operation, scratch: TextScratch): ByteWrite {
  if (type === 'del') return { type: 'delete', key: viewOf(key, scratch) }
  return { type: 'put', key: viewOf(key, scratch), value: viewOf(value, scratch) }
}

/** What a write is to survive. What makes no sense is refused, though `sync` decides. Throws `INVALID_ARGUMENT`. */
function durabilityOf({ sync, durability }: Durably): Durably['durability'] {
  checkDurability(durability)
  return sync === true ? 'disk' : durability
}
