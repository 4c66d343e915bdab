/**
 * LMDB: rows whose key is (key, time), newer ones first. A version is found by seeking, and so are those of a scan, and
 * what differs between two times: by walking over all versions of each key they take several times as long.
 */
import { join } from 'node:path'
import {
  type OpenStore,
  type Row,
  type VersionStore,
  LAST_TIME,
  isOfKey,
  timeOfVersionKey,
  versionKey,
} from './store.ts'

/** The calls of the package that are used. */
interface Lmdb {
  transactionSync(work: () => void): void
  putSync(key: Uint8Array, value: Uint8Array): void
  getRange(range: { start: Uint8Array; end?: Uint8Array; limit?: number }): Iterable<Row>
  flushed: Promise<unknown>
  close(): Promise<void>
}

/** Opens an environment with one database in it. */
export const openLmdb: OpenStore = async (directory, durability): Promise<VersionStore<number>> => {
  const name = 'lmdb'
  const lmdb = (await import(name)) as { open(options: object): Lmdb }
  const binary = { keyEncoding: 'binary', encoding: 'binary' }
  const db = lmdb.open({ path: join(directory, 'versions'), noSync: durability === 'os', ...binary })
  /** The first row at or above a place. */
  const firstFrom = (start: Uint8Array): Row | undefined => {
    for (const row of db.getRange({ start, limit: 1 })) return row
    return undefined
  }
  const newest = (key: Uint8Array, time: number) => {
    const row = firstFrom(versionKey(key, time))
    return row !== undefined && isOfKey(row.key, key) ? row.value : undefined
  }
  /** The newest version of each key as of a time, in the order of keys: two seeks pass over all other versions of a key. */
  function* asOf(from: Uint8Array, time: number): Generator<Row> {
    for (let first = firstFrom(from); first !== undefined;) {
      const key = first.key.subarray(0, first.key.length - 8)
      const row = timeOfVersionKey(first.key) <= time ? first : firstFrom(versionKey(key, time))
      if (row !== undefined && isOfKey(row.key, key)) yield row
      // Behind its oldest version: commits are numbered from 1.
      first = firstFrom(versionKey(key, 0))
    }
  }
  return {
    commit(rows, time) {
      db.transactionSync(() => {
        for (const { key, value } of rows) db.putSync(versionKey(key, time), value)
      })
    },
    timeOf: (number) => number,
    settle: async () => void (await db.flushed),
    get: (key) => newest(key, LAST_TIME),
    getAsOf: newest,
    scanAsOf(from, time, limit) {
      let [count, bytes] = [0, 0]
      for (const { value } of asOf(from, time)) {
        count++
        bytes += value.length
        if (count === limit) break
      }
      return { count, bytes }
    },
    history(key) {
      let [count, bytes] = [0, 0]
      for (const { value } of db.getRange({ start: versionKey(key, LAST_TIME), end: versionKey(key, 0) })) {
        count++
        bytes += value.length
      }
      return { count, bytes }
    },
    diff(from, to) {
      let count = 0
      for (const { key, value } of asOf(new Uint8Array(1), to)) {
        if (timeOfVersionKey(key) <= from) continue
        const before = newest(key.subarray(0, key.length - 8), from)
        if (before === undefined || Buffer.compare(before, value) !== 0) count++
      }
      return count
    },
    debt: () => 'none: a tree that is changed in place',
    close: () => db.close(),
  }
}
