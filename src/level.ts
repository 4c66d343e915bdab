/**
 * Palimpsest as a database of Level, on Node: an `abstract-level` database with its past.
 */
import { type OptionNames, pickOptions } from './base/arguments.ts'
import { PalimpsestError } from './base/errors.ts'
import { Database, openDatabase } from './database/database.ts'
import { type OpenOptions, OPEN_OPTIONS, checkBackgroundInMemory, isInMemory } from './database/options.ts'
import { type NodeOpenOptions, type Place, open } from './index.ts'
import { type LevelOptions } from './level/options.ts'
import { type LevelSource, sourceInDatabase, sourceOfDatabase, sourceOfTable } from './level/source.ts'
import { TableLevel } from './level/table-level.ts'
import { SystemClock } from './platform/system-clock.ts'
import { checksum } from './platform/node-files.ts'
import { MemoryFiles } from './storage/memory-files.ts'
import { Table } from './table/table.ts'

export {
  type AsOf,
  type Durably,
  type LevelDiffOptions,
  type LevelHistoryOptions,
  type LevelOptions,
  type TimedMethods,
  type TimedSublevel,
} from './level/options.ts'
export { type LevelData } from './level/format.ts'
export { type LevelChange, type LevelDifference } from './level/past.ts'
export { LevelSnapshot } from './level/snapshot.ts'
export { type BytesTable, type LevelOpenOptions, type LevelSource } from './level/source.ts'
export { TableLevel } from './level/table-level.ts'

/** How to open a level that opens its database itself. */
export interface PalimpsestLevelOptions<K = string, V = string>
  extends LevelOptions<K, V>, Pick<NodeOpenOptions, 'clock' | 'background'> {
  /** The table, by its full name. @defaultValue 'level.data' */
  readonly table?: string | undefined
}

/**
 * A database of Level: the data of one table, read as of now or of any time that is retained.
 *
 * It opens the database in a directory, as `open` does, and closes it with itself; or it stands on a table
 * of a database that is open already, which it leaves open, and takes no options of an opening. Keys and
 * values of the table are bytes.
 *
 * @example
 * const db = new PalimpsestLevel('./shop.level')
 * await db.put('o-1', 'paid')
 */
export class PalimpsestLevel<K = string, V = string> extends TableLevel<K, V> {
  constructor(place: Place, options?: PalimpsestLevelOptions<K, V>)
  constructor(table: Table, options?: Omit<LevelOptions<K, V>, keyof OpenOptions>)
  constructor(database: Database, table: string, options?: Omit<LevelOptions<K, V>, keyof OpenOptions>)
  constructor(
    where: Place | Table | Database,
    second?: string | PalimpsestLevelOptions<K, V>,
    third?: LevelOptions<K, V>,
  ) {
    const options = (typeof second === 'string' ? third : second) ?? {}
    const name = typeof second === 'string' ? second : (second?.table ?? 'level.data')
    super(sourceOf(where, name), options)
  }
}

/** What of the options of a level is for the database under it: the others are Level's, or the level's own. */
const NODE_OPTIONS: OptionNames<NodeOpenOptions> = { ...OPEN_OPTIONS, clock: true, background: true }

function nodeOptionsOf(options: NodeOpenOptions): NodeOpenOptions {
  return pickOptions(options, NODE_OPTIONS)
}

function sourceOf(where: Place | Table | Database, name: string): LevelSource {
  if (where instanceof Table) return sourceOfTable(where as unknown as Table<Uint8Array, Uint8Array>)
  if (where instanceof Database) return sourceInDatabase(where, name)
  if (typeof where === 'string' && where !== '')
    return sourceOfDatabase((options) => open(where, nodeOptionsOf(options)), name, true)
  if (!isInMemory(where))
    throw new PalimpsestError(
      'INVALID_ARGUMENT',
      'a level stands on the path of a directory, { memory: true }, a table, or a database and the name of a table',
    )
  // What is in memory outlives a close of the level, but not the level.
  const files = new MemoryFiles()
  const openInMemory = (options: NodeOpenOptions) => {
    const { clock = new SystemClock(), background } = options
    checkBackgroundInMemory(background)
    return openDatabase({ files, clock, checksum }, pickOptions<OpenOptions>(options, OPEN_OPTIONS))
  }
  return sourceOfDatabase(openInMemory, name, false)
}
