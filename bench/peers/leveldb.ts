/**
 * LevelDB, through `level`: rows whose key is (key, time), newer ones first. Gets of one row have a synchronous
 * call there, but a version is found by an iterator, which has none.
 */
import { join } from 'node:path'
import { Level } from 'level'
import {
  type OpenStore,
  type Row,
  type VersionStore,
  LAST_TIME,
  isOfKey,
  timeOfVersionKey,
  versionKey,
} from './store.ts'

const BYTES = { keyEncoding: 'view', valueEncoding: 'view' } as const

/** Opens a database of bytes. */
export const openLeveldb: OpenStore = async (directory, durability): Promise<VersionStore<number>> => {
  const options = { ...BYTES, cacheSize: 512 * 2 ** 20 }
  const db = new Level<Uint8Array, Uint8Array>(join(directory, 'leveldb'), options)
  await db.open()
  const sync = durability === 'disk'
  const newest = async (key: Uint8Array, time: number) => {
    const range = { gte: versionKey(key, time), lte: versionKey(key, 0), limit: 1, ...BYTES }
    for await (const value of db.values<Uint8Array, Uint8Array>(range)) return value
    return undefined
  }
  async function* asOf(from: Uint8Array, time: number): AsyncGenerator<Row> {
    let last: Uint8Array | undefined
    for await (const [key, value] of db.iterator<Uint8Array, Uint8Array>({ gte: from, ...BYTES })) {
      if (timeOfVersionKey(key) > time || (last !== undefined && isOfKey(key, last))) continue
      last = key.subarray(0, key.length - 8)
      yield { key, value }
    }
  }
  return {
    async commit(rows, time) {
      const puts = rows.map(({ key, value }) => ({ type: 'put' as const, key: versionKey(key, time), value }))
      await db.batch(puts, { ...BYTES, sync })
    },
    timeOf: (number) => number,
    settle: () => undefined,
    get: (key) => newest(key, LAST_TIME),
    getAsOf: newest,
    async scanAsOf(from, time, limit) {
      let [count, bytes] = [0, 0]
      for await (const { value } of asOf(from, time)) {
        count++
        bytes += value.length
        if (count === limit) break
      }
      return { count, bytes }
    },
    async history(key) {
      let [count, bytes] = [0, 0]
      const range = { gte: versionKey(key, LAST_TIME), lte: versionKey(key, 0), ...BYTES }
      for await (const value of db.values<Uint8Array, Uint8Array>(range)) {
        count++
        bytes += value.length
      }
      return { count, bytes }
    },
    async diff(from, to) {
      let count = 0
      let changed: Row | undefined
      for await (const [key, value] of db.iterator<Uint8Array, Uint8Array>(BYTES)) {
        const time = timeOfVersionKey(key)
        if (time > to) continue
        if (changed !== undefined && !isOfKey(key, changed.key.subarray(0, changed.key.length - 8))) {
          count++
          changed = undefined
        }
        if (time > from) changed ??= { key, value }
        else if (changed !== undefined) {
          if (Buffer.compare(changed.value, value) !== 0) count++
          changed = undefined
        }
      }
      return count + (changed === undefined ? 0 : 1)
    },
    debt: () => (db as unknown as { getProperty(name: string): string }).getProperty('leveldb.stats'),
    close: () => db.close(),
  }
}
