/**
 * The stage of the scenarios: a database in memory, made at microsecond 0, with a clock that is cranked
 * by hand, and the short forms in which scenarios are written.
 *
 *     at(3, { a: '1', b: undefined })     at microsecond 3, one commit puts a and deletes b
 *     show(5)                             what a scan as of microsecond 5, through its end, shows
 *     kept()                              the versions that are still there: 'a@3', 'b@3✝'
 */
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { type KeepInput } from '../../src/database/options.ts'
import { type FileSystem } from '../../src/storage/files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type StoreEvent } from '../../src/store/events.ts'
import { type Table } from '../../src/table/table.ts'
import { type HybridTime, endOfMicrosecond, microsOf } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

/** What a commit writes: values, or nothing for a deletion. */
export type Writes = Readonly<Record<string, string | undefined>>
/** What a table shows. */
export type Shown = Readonly<Record<string, string>>

/** A microsecond, whose end is meant, or an exact time. */
export type When = number | HybridTime

/** The table of most scenarios. */
export const TABLE = 'k.t'

/** One database and its clock. */
export class Scene {
  readonly clock = new ReplayClock({ micros: 0 })
  readonly events: StoreEvent[] = []
  readonly #files: FileSystem
  db: Database

  constructor(keep: KeepInput = 'forever', files: FileSystem = new MemoryFiles()) {
    this.#files = files
    this.db = this.#open()
    this.db.createKeyspace('k')
    this.createTable(TABLE, keep)
  }

  get table(): Table<string, string> {
    return this.db.table(TABLE)
  }

  createTable(name: string, keep: KeepInput = 'forever'): Table<string, string> {
    return this.db.createTable(name, { keep, values: 'text' })
  }

  /** Puts the clock at a microsecond and makes one commit. Answers its time. */
  at(micros: number, writes: Writes): HybridTime {
    this.clock.set(micros)
    return this.commit(writes)
  }

  /** Makes one commit where the clock stands. */
  commit(writes: Writes, table = TABLE): HybridTime {
    const batch = Object.entries(writes).map(([key, value]) =>
      value === undefined
        ? { type: 'delete' as const, table, key }
        : { type: 'put' as const, table, key, value },
    )
    return this.db.batch(batch).time
  }

  /** What a table shows at a time, or now. */
  show(when?: When, table = TABLE): Shown {
    const entries = this.db.table<string, string>(table).scan({ asOf: timeOf(when) })
    return Object.fromEntries(Array.from(entries, ({ key, value }) => [key, value]))
  }

  /** The versions that are still there, as `a@3`, deletions as `a@3✝`. */
  kept(): readonly string[] {
    const versions = this.db.versions<string, string>(TABLE)
    return Array.from(
      versions,
      ({ key, time, value }) => `${key}@${microsOf(time)}${value === undefined ? '✝' : ''}`,
    )
  }

  /** Closes the database and opens it again. */
  reopen(): void {
    this.db.close()
    this.db = this.#open()
  }

  /** What the next process finds in the files that this one left when it died. */
  afterDeath(files: FileSystem): { readonly db: Database; readonly events: readonly StoreEvent[] } {
    const events: StoreEvent[] = []
    const clock = new ReplayClock({ micros: this.clock.now() })
    const db = openDatabase({ files, clock, checksum: crc32 }, { onEvent: (event) => events.push(event) })
    return { db, events }
  }

  #open(): Database {
    const onEvent = (event: StoreEvent) => this.events.push(event)
    const world = { files: this.#files, clock: this.clock, checksum: crc32 }
    return openDatabase(world, { geometry: 'miniature', onEvent })
  }
}

/** The time that a scenario means. */
export function timeOf(when: When): HybridTime
export function timeOf(when: When | undefined): HybridTime | undefined
export function timeOf(when: When | undefined): HybridTime | undefined {
  return typeof when === 'number' ? endOfMicrosecond(when) : when
}

/** The code of a refusal, or `nothing` where nothing was refused. */
export function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof PalimpsestError) return error.code
    throw error
  }
  return 'nothing'
}
