/**
 * This engine: a table of bytes, its history kept for ever.
 */
import { type HybridTime, open } from '../../src/index.ts'
import { type OpenStore, type VersionStore } from './store.ts'

const TABLE = 'bench.versions'

/** Opens a database with one table. */
export const openPalimpsest: OpenStore = async (directory, durability): Promise<VersionStore<HybridTime>> => {
  const db = open(directory, { durability, cacheBytes: 512 * 2 ** 20 })
  if (!db.tables.includes(TABLE)) {
    db.createKeyspace('bench')
    db.createTable(TABLE, { keys: 'bytes', values: 'bytes', keep: 'forever' })
  }
  const table = db.table<Uint8Array, Uint8Array>(TABLE)
  const times = timesIn(directory)
  return {
    commit(rows, commit) {
      times[commit] = table.batch(rows.map(({ key, value }) => ({ type: 'put', key, value }))).time
    },
    timeOf: (commit) => times[commit]!,
    settle: () => db.flush(),
    get: (key) => table.get(key),
    getAsOf: (key, time) => table.get(key, { asOf: time }),
    scanAsOf(from, time, limit) {
      let [count, bytes] = [0, 0]
      for (const { value } of table.scan({ gte: from, limit, asOf: time })) {
        count++
        bytes += value.length
      }
      return { count, bytes }
    },
    history(key) {
      let [count, bytes] = [0, 0]
      for (const { value } of table.history(key)) {
        count++
        bytes += value?.length ?? 0
      }
      return { count, bytes }
    },
    diff(from, to) {
      let count = 0
      for (const { key } of table.diff({ from, to })) if (key.length > 0) count++
      return count
    },
    debt() {
      const [stats] = db.stats().tables
      return stats!.levels
        .map(({ level, tables, bytes }) => `L${level}: ${tables} files, ${bytes} bytes`)
        .join('; ')
    },
    close: () => db.close(),
  }
}

/** The times of commits, by number; a store that is opened again finds them as they were. */
const allTimes = new Map<string, HybridTime[]>()

function timesIn(directory: string): HybridTime[] {
  const times = allTimes.get(directory) ?? []
  allTimes.set(directory, times)
  return times
}
