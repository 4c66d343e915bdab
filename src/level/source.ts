/**
 * Where a level finds its table: a handle, a name in an open database, or a database that it opens by
 * itself. What it opened it closes; what it was given stays open.
 */
import { PalimpsestError } from '../base/errors.ts'
import { checkTableName } from '../catalog/changes.ts'
import { type Database } from '../database/database.ts'
import { type OpenOptions, type TableOptions, OPEN_OPTIONS, keepFrom } from '../database/options.ts'
import { type Table } from '../table/table.ts'

/** How a level is opened. */
export interface LevelOpenOptions extends OpenOptions {
  /**
   * Of a table that is made: how long its history is kept. One that is there already keeps what it keeps: see
   * `Database.setRetention`.
   */
  readonly keep?: TableOptions['keep']
  /**
   * Whether a database, or a table, that does not exist is made; no database where `create` is `false`.
   * @defaultValue true, unless `readOnly`
   */
  readonly createIfMissing?: boolean | undefined
  /** Whether to fail where the table exists already. @defaultValue false */
  readonly errorIfExists?: boolean | undefined
}

/** A table of bytes. */
export type BytesTable = Table<Uint8Array, Uint8Array>

/** Where a level finds its table. */
export interface LevelSource {
  /** What it can do, for the manifest. */
  readonly supports: {
    readonly createIfMissing: boolean
    readonly errorIfExists: boolean
    readonly permanence: boolean
  }
  /** Finds the table, or makes it. */
  open(options: LevelOpenOptions): BytesTable
  /** Closes what {@link open} opened. */
  close(): void
}

/** A table that is there. */
export function sourceOfTable(table: BytesTable): LevelSource {
  return {
    supports: { createIfMissing: false, errorIfExists: false, permanence: true },
    open(options) {
      refuseOpenOptions(options)
      return table
    },
    close: () => undefined,
  }
}

/** A table of an open database, by its full name. */
export function sourceInDatabase(database: Database, name: string): LevelSource {
  return {
    supports: { createIfMissing: true, errorIfExists: true, permanence: true },
    open(options) {
      refuseOpenOptions(options)
      return tableIn(database, name, options)
    },
    close: () => undefined,
  }
}

/**
 * Refuses options of an opening where the database is open already: a `durability` or a `readOnly` that changes
 * nothing would be believed. Throws `INVALID_ARGUMENT`.
 */
function refuseOpenOptions(options: LevelOpenOptions): void {
  for (const name of Object.keys(OPEN_OPTIONS) as (keyof OpenOptions)[]) {
    if (options[name] === undefined) continue
    const message = `${name} is for opening a database, and that of this level is open already`
    throw new PalimpsestError('INVALID_ARGUMENT', message, { option: name })
  }
}

/** A table of a database that is opened with the level, and closed with it. */
export function sourceOfDatabase(
  openDatabase: (options: OpenOptions) => Database,
  name: string,
  permanence: boolean,
): LevelSource {
  let opened: Database | undefined
  return {
    supports: { createIfMissing: true, errorIfExists: true, permanence },
    open(options) {
      checkCreation(name, options)
      const database = opening(options, openDatabase)
      try {
        const table = tableIn(database, name, options)
        opened = database
        return table
      } catch (error) {
        database.close()
        throw error
      }
    },
    close() {
      opened?.close()
      opened = undefined
    },
  }
}

function wantsCreation({ createIfMissing, readOnly }: LevelOpenOptions): boolean {
  return createIfMissing !== false && readOnly !== true
}

/** Refuses a table that cannot be made, so that no database is made for it. Throws `INVALID_ARGUMENT`, `INVALID_TIME`. */
function checkCreation(name: string, options: LevelOpenOptions): void {
  if (!wantsCreation(options)) return
  checkTableName(name)
  if (options.keep !== undefined) keepFrom(options.keep)
}

/** Opens a database, and says of one that is not there that it does not exist. */
function opening(options: LevelOpenOptions, open: (options: OpenOptions) => Database): Database {
  const create = wantsCreation(options) && options.create !== false
  try {
    return open({ ...options, create })
  } catch (error) {
    if (create || !(error instanceof PalimpsestError) || error.code !== 'NOT_A_DATABASE') throw error
    throw new PalimpsestError(
      error.code,
      `the database does not exist: ${error.message}`,
      error.details,
      error,
    )
  }
}

function tableIn(database: Database, name: string, options: LevelOpenOptions): BytesTable {
  const { keep } = options
  if (database.tables.includes(name)) {
    if (options.errorIfExists === true) {
      throw new PalimpsestError('NAME_TAKEN', `the table ${name} exists already`, { name })
    }
    // A table that is there keeps what it keeps; what makes no sense is refused all the same.
    if (keep !== undefined) keepFrom(keep)
    return database.table<Uint8Array, Uint8Array>(name)
  }
  if (!wantsCreation(options)) {
    throw new PalimpsestError('UNKNOWN_TABLE', `the table ${name} does not exist`, { name })
  }
  const create = () =>
    database.createTable<Uint8Array, Uint8Array>(name, { keys: 'bytes', values: 'bytes', keep })
  try {
    return create()
  } catch (error) {
    // Everything else about the table was found good by then.
    if (!(error instanceof PalimpsestError) || error.code !== 'UNKNOWN_KEYSPACE') throw error
    database.createKeyspace(name.substring(0, name.indexOf('.')))
    return create()
  }
}
