/**
 * LMDB: rows whose key is (key, time), newer ones first. A version is found by seeking; what differs between two
 * times by walking all rows, since they are in the order of keys.
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
  const newest = (key: Uint8Array, time: number) => {
    for (const row of db.getRange({ start: versionKey(key, time), limit: 1 }))
      return isOfKey(row.key, key) ? row.value : undefined
    return undefined
  }
  /** The newest version of each key as of a time, in the order of keys. */
  function* asOf(from: Uint8Array, time: number): Generator<Row> {
    let last: Uint8Array | undefined
    for (const row of db.getRange({ start: from })) {
      if (timeOfVersionKey(row.key) > time || (last !== undefined && isOfKey(row.key, last))) continue
      last = row.key.subarray(0, row.key.length - 8)
      yield row
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
      let changed: Row | undefined
      for (const row of db.getRange({ start: new Uint8Array(1) })) {
        const time = timeOfVersionKey(row.key)
        if (time > to) continue
        if (changed !== undefined && !isOfKey(row.key, changed.key.subarray(0, changed.key.length - 8))) {
          count++
          changed = undefined
        }
        if (time > from) changed ??= row
        else if (changed !== undefined) {
          if (Buffer.compare(changed.value, row.value) !== 0) count++
          changed = undefined
        }
      }
      return count + (changed === undefined ? 0 : 1)
    },
    debt: () => 'none: a tree that is changed in place',
    close: () => db.close(),
  }
}
