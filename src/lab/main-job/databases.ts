/**
 * The databases of the main job: on real files, of tiny geometry, which takes small data through every
 * level; each holds one git history.
 */
import { type Database, openDatabase } from '../../database/database.ts'
import { type OpenOptions } from '../../database/options.ts'
import { type TableStats } from '../../database/stats.ts'
import { NodeFiles, checksum } from '../../platform/node-files.ts'
import { SystemClock } from '../../platform/system-clock.ts'
import { type GeometryName } from '../../storage/geometry.ts'
import { type PolicyName } from '../../storage/policy.ts'
import { type FileSystem } from '../../storage/files.ts'
import { type PhysicalClock } from '../../time/clock.ts'
import { type GitCommit } from '../git/history.ts'
import { importHistory } from '../git/import.ts'
import { FILES_TABLE } from '../git/tables.ts'
import { UnsyncedFiles } from './unsynced-files.ts'

/** Told how far a step is. */
export type OnProgress = (step: string, done: number, total: number) => void

/** The geometry of all databases of the main job. */
export const GEOMETRY: GeometryName = 'tiny'

/** A database to make of a history. */
export interface DatabasePlan {
  readonly directory: string
  readonly policy?: PolicyName | undefined
  /** Whether its files are synced, as those of any database are, or only written, which takes less time. */
  readonly syncs: boolean
  /** How long the history of the files is kept, in microseconds. */
  readonly keep: number | 'forever'
  readonly onProgress?: ((done: number, database: Database) => void) | undefined
}

/** Imports a history into a new database; it is the caller's to close. */
export function makeDatabase(
  { directory, syncs, policy, keep, onProgress }: DatabasePlan,
  commits: Iterable<GitCommit>,
): Database {
  const files = syncs ? new NodeFiles(directory) : new UnsyncedFiles(directory)
  const open = (clock: PhysicalClock) => openOn(files, clock, { geometry: GEOMETRY, policy })
  return importHistory(open, commits, { keep, onProgress }).database
}

/** Opens a database that is there. */
export function reopen(directory: string, options: OpenOptions = {}): Database {
  return openOn(new NodeFiles(directory), new SystemClock(), { ...options, create: false })
}

/** What the table of files holds and has cost. */
export function filesStats(database: Database): TableStats {
  return database.stats().tables.find(({ name }) => name === FILES_TABLE)!
}

function openOn(files: FileSystem, clock: PhysicalClock, options: OpenOptions): Database {
  return openDatabase({ files, clock, checksum }, options)
}
