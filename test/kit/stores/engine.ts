/**
 * This engine as a versioned store: one table with text keys, in memory, on a clock that is put to the times
 * that are offered.
 *
 * It has its own times: a commit gets the first tick that is free in its microsecond. Histories are kept as
 * long as a window says, to the microsecond, so a collection promises from the beginning of one on.
 */
import { crc32 } from '../../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../../src/database/database.ts'
import { MemoryFiles } from '../../../src/storage/memory-files.ts'
import { type Table } from '../../../src/table/table.ts'
import {
  type Entry,
  type ScanRange,
  type StoreSnapshot,
  type VersionedStore,
  type Write,
  TICKS_PER_MICROSECOND,
} from '../../../src/testing.ts'
import { tickAfter } from '../../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../../src/time/replay-clock.ts'

const KEYSPACE = 'kit'
const TABLE = 'kit.table'
/** A database with one table. */
export class EngineStore implements VersionedStore {
  readonly #clock = new ReplayClock({ micros: 0 })
  readonly #files = new MemoryFiles()
  #db: Database = this.#open()
  #table: Table<string, string>
  #holdCount = 0

  constructor() {
    this.#db.createKeyspace(KEYSPACE)
    this.#table = this.#db.createTable(TABLE, { values: 'text', keep: 'forever' })
  }

  commit(writes: readonly Write[], at: bigint): bigint {
    this.#passTime(at)
    const batch = writes.map(({ key, value }) =>
      value === undefined ? ({ type: 'delete', key } as const) : ({ type: 'put', key, value } as const),
    )
    return this.#table.batch(batch).time
  }

  get(key: string, asOf: bigint): string | undefined {
    return this.#table.get(key, { asOf })
  }

  *scan(range: ScanRange, asOf: bigint): Generator<Entry> {
    for (const { key, value } of this.#table.scan({ ...range, asOf })) yield [key, value]
  }

  collect(cutoff: bigint): bigint {
    const keep = this.#clock.now() - Number(cutoff / TICKS_PER_MICROSECOND)
    this.#db.setRetention(Math.max(0, keep), { table: TABLE })
    this.#db.compact()
    // The window would go on with the clock; where it has been stays given up.
    this.#db.setRetention('forever', { table: TABLE })
    const { after } = this.#db.readable(TABLE).at(-1)!
    return tickAfter(after)
  }

  reopen(): void {
    this.#db.close()
    this.#db = this.#open()
    this.#table = this.#db.table(TABLE)
    for (const hold of this.#db.holds()) if (hold.kind === 'hold') this.#db.release(hold.name)
  }

  snapshot(): StoreSnapshot {
    const { name, through } = this.#db.hold({ name: `snapshot-${++this.#holdCount}`, at: this.#db.newest })
    return {
      get: (key) => this.get(key, through),
      scan: (range) => this.scan(range, through),
      close: () => this.#db.release(name),
    }
  }

  async restore(to: bigint, at: bigint): Promise<bigint> {
    this.#passTime(at)
    const { time } = await this.#db.restore(KEYSPACE, { to })
    return time!
  }

  close(): void {
    this.#db.close()
  }

  #open(): Database {
    const world = { files: this.#files, clock: this.#clock, checksum: crc32 }
    return openDatabase(world, { geometry: 'miniature' })
  }

  #passTime(at: bigint): void {
    this.#clock.set(Math.max(this.#clock.now(), Number(at / TICKS_PER_MICROSECOND)))
  }
}
