/**
 * Palimpsest on Node: the engine over real files and the system's clock, or over memory.
 */
import { type OptionNames, checkOptions, pickOptions } from './base/arguments.ts'
import { PalimpsestError } from './base/errors.ts'
import { type Database, openDatabase } from './database/database.ts'
import {
  type Background,
  type OpenOptions,
  OPEN_OPTIONS,
  checkBackground,
  checkBackgroundInMemory,
  isInMemory,
} from './database/options.ts'
import { type Directive } from './history/garbage.ts'
import { NodeFiles, checksum } from './platform/node-files.ts'
import { SystemClock } from './platform/system-clock.ts'
import { WorkerRunner } from './platform/worker-runner.ts'
import { type JobIo } from './storage/job.ts'
import { type Birth } from './storage/manifest-state.ts'
import { MemoryFiles } from './storage/memory-files.ts'
import { type PhysicalClock } from './time/clock.ts'

export { PalimpsestError, ERROR_CODES, type ErrorCode, type ErrorDetails } from './base/errors.ts'
export { type KeyType, type ValueType } from './catalog/rows.ts'
export { Database, DatabaseView, openDatabase } from './database/database.ts'
export {
  type Background,
  type DatabaseWrite,
  type HoldOptions,
  type KeepInput,
  type OpenOptions,
  type RestoreOptions,
  type ScopeOptions,
  type TableOptions,
} from './database/options.ts'
export { type DatabaseStats, type LevelStats, type RecoveryStats, type TableStats } from './database/stats.ts'
export { type ReadableStretch, type StoredFile, type StoredVersion } from './database/inspect.ts'
export { type ListedRestore, type Restore } from './recovery/recovery.ts'
export { type LaterWrite } from './recovery/later-writes.ts'
export { type PlannedTable } from './recovery/restore.ts'
export { type GeometryName, type Sizes } from './storage/geometry.ts'
export { type TreeTotals } from './storage/manifest-state.ts'
export { type PickerName } from './storage/pickers.ts'
export { type CandidateScore, type PickScore } from './storage/plan.ts'
export { type Policy, type PolicyName } from './storage/policy.ts'
export { type ReadCounters } from './storage/table-file.ts'
export { type CacheStats } from './storage/table-files.ts'
export {
  type ClockJumpEvent,
  type CompactionEvent,
  type FailureEvent,
  type FlushEvent,
  type JobFailedEvent,
  type RecoveryEvent,
  type RecoveryReport,
  type StallEvent,
  type StoreEvent,
} from './store/events.ts'
export { type CursorHold, type Hold, type HoldUsage, type NamedHold, type UsedHold } from './store/holds.ts'
export { type World } from './store/open.ts'
export { type StallStats } from './store/stalls.ts'
export { type TabletCheck } from './store/store.ts'
export { type KeptVersions } from './history/hold-usage.ts'
export { type ReadStep, type SearchedBlock, type VersionPlace } from './store/explain.ts'
export { type GenerationCause } from './history/lineage.ts'
export { type Keep } from './history/readable.ts'
export { type ChangeCause } from './history/state-history.ts'
export { type GenerationJudgement, type Keeper, type ReadablePromise } from './history/explain-version.ts'
export {
  type Change,
  type Difference,
  type HistoryOptions,
  type ReadExplanation,
  type VersionExplanation,
} from './table/state-history.ts'
export {
  Table,
  type BatchWrite,
  type DiffOptions,
  type Entry,
  type ReadOptions,
  type Receipt,
  type ScanOptions,
  type WriteOptions,
} from './table/table.ts'
export { type Key } from './table/codec.ts'
export { type Durability } from './tablet/commit-log.ts'
export { type ClockReadings, type PhysicalClock } from './time/clock.ts'
export { type TimeInput } from './time/expression.ts'
export {
  type HybridTime,
  formatExact,
  formatIso,
  hybridTime,
  logicalOf,
  microsOf,
} from './time/hybrid-time.ts'
export { ReplayClock, type ReplayClockOptions } from './time/replay-clock.ts'
export { type Stretch, type Stretches } from './time/stretches.ts'

/** Where a database is. */
export type Place = string | { readonly memory: true }

/** How to open a database on Node. */
export interface NodeOpenOptions extends OpenOptions {
  /** The physical clock: a {@link ReplayClock} makes a database that keeps the time of a history. @defaultValue the system's */
  readonly clock?: PhysicalClock | undefined
  /**
   * Where flushes and compactions run: in a worker thread, which begins with the first one, or in the
   * commits that make them due. @defaultValue 'worker' in a directory, 'inline' in memory, with a
   * {@link ReplayClock} or with a geometry for small data
   */
  readonly background?: Background | undefined
}

const NODE_OPEN_OPTIONS: OptionNames<NodeOpenOptions> = {
  ...OPEN_OPTIONS,
  clock: true,
  background: true,
}

/**
 * Opens the database in a directory, making one where there is none, or one in memory.
 *
 * Throws `INVALID_ARGUMENT`, `NOT_A_DATABASE`, `DATABASE_LOCKED`, `MANIFEST_CORRUPT`, `LOG_CORRUPT`, `TABLE_CORRUPT`,
 * `CATALOG_CORRUPT`, `IO_FAILED`.
 *
 * @example
 * const db = open('./shop.db')
 */
export function open(place: Place, options: NodeOpenOptions = {}): Database {
  checkOptions(options, NODE_OPEN_OPTIONS)
  const clock = options.clock ?? new SystemClock()
  const others = pickOptions<OpenOptions>(options, OPEN_OPTIONS)
  const { background } = options
  checkBackground(background)
  if (typeof place === 'string' && place !== '') {
    const files = new NodeFiles(place)
    const jobs = (birth: Birth) =>
      (background ?? usualBackground(birth)) === 'worker'
        ? ({ geometry }: Pick<JobIo<Directive>, 'geometry'>) => new WorkerRunner(files.root, geometry)
        : undefined
    return namingPath(files.root, () => openDatabase({ files, clock, checksum, jobs }, others))
  }
  if (isInMemory(place)) {
    checkBackgroundInMemory(background)
    return openDatabase({ files: new MemoryFiles(), clock, checksum }, others)
  }
  throw new PalimpsestError(
    'INVALID_ARGUMENT',
    'a database is opened by the path of its directory, or { memory: true }',
  )
}

/** The engine does not know where its files are: that there is no database is said with the path. */
function namingPath(path: string, openThere: () => Database): Database {
  try {
    return openThere()
  } catch (error) {
    if (!(error instanceof PalimpsestError) || error.code !== 'NOT_A_DATABASE') throw error
    throw new PalimpsestError(error.code, `${path}: ${error.message}`, { ...error.details, path }, error)
  }
}

/** Small data is done with sooner than a thread begins, and a replay is to run the same way every time. */
function usualBackground({ geometry, clock }: Birth): Background {
  return geometry === 'default' && clock === 'system' ? 'worker' : 'inline'
}
