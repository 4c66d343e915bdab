/**
 * A versioned store as many people build one: rows of (key, time) in an ordered key-value store, here any
 * database with the interface of `abstract-level`.
 *
 *     row key   key, escaped │ 00 │ 00 │ ¬time, 8 bytes      a key's versions stand together, newest first
 *     row value 00 = deleted, 01 = the value follows
 *     00        before all rows: the newest time and the cutoff, 8 bytes each
 *
 * Two things about it have to be right, and are what most of those go wrong on. Keys are escaped and ended, so
 * that no key's rows lie among those of another that begins with it; and times are written so that bytes sort
 * as the numbers do.
 */
import { bytesOfText, compareBytes, concatBytes, textOfBytes } from '../../../src/base/bytes.ts'
import {
  type Awaitable,
  type Entry,
  type ScanRange,
  type StoreSnapshot,
  type VersionedStore,
  type Write,
  bytesOfKey,
  keyOfBytes,
} from '../../../src/testing.ts'

/** What is kept beside the rows. */
interface Times {
  readonly newest: bigint
  readonly cutoff: bigint
}

/** What is done to a row. */
export type RowWrite =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array }

/** Which rows, in their order. */
export interface RowBounds {
  readonly gte: Uint8Array
  readonly lt?: Uint8Array
  readonly lte?: Uint8Array
  readonly limit?: number
}

/** A database of bytes: what is used of `abstract-level`. */
export interface Rows {
  get(key: Uint8Array): Promise<Uint8Array | undefined>
  batch(writes: RowWrite[]): Promise<void>
  iterator(bounds: RowBounds): AsyncIterable<[Uint8Array, Uint8Array]>
  close(): Promise<void>
}

/** How to get at the rows, and what it takes to begin again with what is on disk. */
export interface RowsPlace {
  readonly open: () => Awaitable<Rows>
  readonly remove?: () => Awaitable<void>
}

const TIME_BYTES = 8
const TIME_MAX = 2n ** 64n - 1n
const TIMES_ROW = new Uint8Array(1)

/** Rows of (key, time). It gives nothing up below a cutoff that a snapshot still shows. */
export class LevelRowsStore implements VersionedStore {
  readonly #place: RowsPlace
  #rows: Rows
  #times: Times = { newest: 0n, cutoff: 0n }
  #snapshotTimes: bigint[] = []

  private constructor(place: RowsPlace, rows: Rows) {
    this.#place = place
    this.#rows = rows
  }

  static async open(place: RowsPlace): Promise<LevelRowsStore> {
    return new LevelRowsStore(place, await place.open())
  }

  async commit(writes: readonly Write[], at: bigint): Promise<void> {
    // Of several writes to one row the last one counts here too.
    const rows = writes.map(({ key, value }) => put(rowKey(key, at), rowValue(value)))
    this.#times = { ...this.#times, newest: at }
    await this.#rows.batch([...rows, put(TIMES_ROW, bytesOfTimes(this.#times))])
  }

  async get(key: string, asOf: bigint): Promise<string | undefined> {
    this.#refuseBelowCutoff(asOf)
    return this.#find(key, asOf)
  }

  scan(range: ScanRange, asOf: bigint): AsyncIterable<Entry> {
    this.#refuseBelowCutoff(asOf)
    return this.#list(range, asOf)
  }

  async collect(cutoff: bigint): Promise<void> {
    if (cutoff > this.#times.cutoff) this.#times = { ...this.#times, cutoff }
    const first = [this.#times.cutoff, ...this.#snapshotTimes].reduce((a, b) => (a < b ? a : b))
    const batch: RowWrite[] = [put(TIMES_ROW, bytesOfTimes(this.#times))]
    let boundary: Uint8Array | undefined
    for await (const [row, value] of this.#rows.iterator({ gte: prefixOf('') })) {
      const { prefix, time } = partsOf(row)
      if (time > first) continue
      const isOfBoundary = boundary === undefined || compareBytes(boundary, prefix) !== 0
      // Newest first: what is under the version of the boundary goes, and so does that, if it is a tombstone.
      if (!isOfBoundary || value[0] === 0) batch.push({ type: 'del', key: row })
      boundary = prefix
    }
    await this.#rows.batch(batch)
  }

  async reopen(): Promise<void> {
    await this.#rows.close()
    this.#rows = await this.#place.open()
    this.#times = timesOf(await this.#rows.get(TIMES_ROW))
    this.#snapshotTimes = []
  }

  snapshot(): StoreSnapshot {
    const asOf = this.#times.newest
    this.#snapshotTimes.push(asOf)
    return {
      get: (key) => this.#find(key, asOf),
      scan: (range) => this.#list(range, asOf),
      close: () => {
        this.#snapshotTimes.splice(this.#snapshotTimes.indexOf(asOf), 1)
      },
    }
  }

  async restore(to: bigint, at: bigint): Promise<void> {
    const writes: Write[] = []
    for await (const [key] of this.#list({}, this.#times.newest)) writes.push({ key, value: undefined })
    for await (const [key, value] of this.#list({}, to)) writes.push({ key, value })
    await this.commit(writes, at)
  }

  async close(): Promise<void> {
    await this.#rows.close()
    await this.#place.remove?.()
  }

  async #find(key: string, asOf: bigint): Promise<string | undefined> {
    const bounds = { gte: rowKey(key, asOf), lte: rowKey(key, 0n), limit: 1 }
    for await (const [, value] of this.#rows.iterator(bounds)) return valueOf(value)
    return undefined
  }

  async *#list({ gte = '', lt, reverse = false }: ScanRange, asOf: bigint): AsyncGenerator<Entry> {
    const bounds = { gte: prefixOf(gte), ...(lt === undefined ? {} : { lt: prefixOf(lt) }) }
    let last: Uint8Array | undefined
    const found: Entry[] = []
    for await (const [row, value] of this.#rows.iterator(bounds)) {
      const { prefix, key, time } = partsOf(row)
      if (time > asOf || (last !== undefined && compareBytes(last, prefix) === 0)) continue
      last = prefix
      const text = valueOf(value)
      if (text !== undefined) found.push([key, text])
    }
    yield* reverse ? found.toReversed() : found
  }

  #refuseBelowCutoff(asOf: bigint): void {
    if (asOf < this.#times.cutoff) throw new RangeError(`${asOf} is below the cutoff`)
  }
}

function put(key: Uint8Array, value: Uint8Array): RowWrite {
  return { type: 'put', key, value }
}

/** The bytes of a key with every zero byte marked, ended by two: they sort as the keys do. */
function prefixOf(key: string): Uint8Array {
  const escaped = Array.from(bytesOfKey(key)).flatMap((byte) => (byte === 0 ? [0, 1] : [byte]))
  return Uint8Array.from([...escaped, 0, 0])
}

function bytesOfTimes({ newest, cutoff }: Times): Uint8Array {
  return concatBytes([bytesOfTime(newest), bytesOfTime(cutoff)])
}

function timesOf(row: Uint8Array | undefined): Times {
  if (row === undefined) return { newest: 0n, cutoff: 0n }
  const view = new DataView(row.buffer, row.byteOffset)
  return { newest: view.getBigUint64(0), cutoff: view.getBigUint64(TIME_BYTES) }
}

function bytesOfTime(time: bigint): Uint8Array {
  const bytes = new Uint8Array(TIME_BYTES)
  new DataView(bytes.buffer).setBigUint64(0, time)
  return bytes
}

function rowKey(key: string, time: bigint): Uint8Array {
  return concatBytes([prefixOf(key), bytesOfTime(TIME_MAX - time)])
}

function partsOf(row: Uint8Array): {
  readonly prefix: Uint8Array
  readonly key: string
  readonly time: bigint
} {
  const end = row.length - TIME_BYTES
  const prefix = row.subarray(0, end)
  const inverted = new DataView(row.buffer, row.byteOffset + end).getBigUint64(0)
  const bytes = Array.from(prefix.subarray(0, -2)).filter((byte, i, all) => byte !== 1 || all[i - 1] !== 0)
  return { prefix, key: keyOfBytes(Uint8Array.from(bytes)), time: TIME_MAX - inverted }
}

function rowValue(value: string | undefined): Uint8Array {
  return value === undefined ? new Uint8Array(1) : concatBytes([new Uint8Array([1]), bytesOfText(value)])
}

function valueOf(row: Uint8Array): string | undefined {
  return row[0] === 0 ? undefined : textOfBytes(row.subarray(1))
}
