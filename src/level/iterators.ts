/**
 * The three iterators of a level: over entries, keys and values. Each is a cursor with a face; they differ
 * in what they take of a version.
 */
import { AbstractIterator, AbstractKeyIterator, AbstractValueIterator } from 'abstract-level'
import { type ByteTable, type ReadTime } from './byte-table.ts'
import { LevelCursor } from './cursor.ts'
import { type LevelData, dataOf } from './format.ts'
import { type LevelRange } from './range.ts'

/** The options of an iterator, as Level hands them over: bounds and encodings resolved. */
export interface IteratorOptions extends LevelRange, ReadTime {
  readonly keyEncoding: string
  readonly valueEncoding: string
  readonly keys?: boolean | undefined
  readonly values?: boolean | undefined
}

type Entry = [key: LevelData | undefined, value: LevelData | undefined]

/** Iterates over entries; a side that is not asked for is `undefined`. */
export class EntryIterator<TDatabase> extends AbstractIterator<TDatabase, unknown, unknown> {
  readonly #cursor: LevelCursor<Entry>

  constructor(db: TDatabase, table: ByteTable, options: IteratorOptions) {
    super(db, options as object)
    const { keys = true, values = true, keyEncoding, valueEncoding } = options
    this.#cursor = new LevelCursor(table, options, ({ key, version: { value } }) => [
      keys ? dataOf(key, keyEncoding) : undefined,
      values ? dataOf(value, valueEncoding) : undefined,
    ])
  }

  async _next(): Promise<Entry | undefined> {
    return this.#cursor.next()
  }

  async _nextv(size: number): Promise<Entry[]> {
    return this.#cursor.nextMany(size)
  }

  _seek(target: LevelData): void {
    this.#cursor.seek(target)
  }

  async _close(): Promise<void> {
    this.#cursor.close()
  }
}

/** Iterates over keys. */
export class KeyIterator<TDatabase> extends AbstractKeyIterator<TDatabase, unknown> {
  readonly #cursor: LevelCursor<LevelData>

  constructor(db: TDatabase, table: ByteTable, options: IteratorOptions) {
    super(db, options as object)
    this.#cursor = new LevelCursor(table, options, ({ key }) => dataOf(key, options.keyEncoding))
  }

  async _next(): Promise<LevelData | undefined> {
    return this.#cursor.next()
  }

  async _nextv(size: number): Promise<LevelData[]> {
    return this.#cursor.nextMany(size)
  }

  _seek(target: LevelData): void {
    this.#cursor.seek(target)
  }

  async _close(): Promise<void> {
    this.#cursor.close()
  }
}

/** Iterates over values. */
export class ValueIterator<TDatabase> extends AbstractValueIterator<TDatabase, unknown, unknown> {
  readonly #cursor: LevelCursor<LevelData>

  constructor(db: TDatabase, table: ByteTable, options: IteratorOptions) {
    super(db, options as object)
    this.#cursor = new LevelCursor(table, options, ({ version: { value } }) =>
      dataOf(value, options.valueEncoding),
    )
  }

  async _next(): Promise<LevelData | undefined> {
    return this.#cursor.next()
  }

  async _nextv(size: number): Promise<LevelData[]> {
    return this.#cursor.nextMany(size)
  }

  _seek(target: LevelData): void {
    this.#cursor.seek(target)
  }

  async _close(): Promise<void> {
    this.#cursor.close()
  }
}
