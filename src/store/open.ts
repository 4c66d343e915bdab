/**
 * Opening a directory: finding the parts of a store, in the order in which each can be trusted.
 *
 *     lock ▶ manifest ▶ log into memtables ▶ orphans away ▶ clock above all that was ▶ report ▶ catalog
 *
 * What was read may be in memory only: an earlier process may have failed to sync it, and no later sync makes up for that. So
 * the manifest and the end of the log are written anew before anything is removed, or written, that relies on them.
 *
 * A new database is made first, as an empty log and then a manifest that names it, and opened like any
 * other. A directory that is opened for reading only is not locked and not touched; it shows what was
 * there at that moment, and keeps what it shows open (`standing.ts`).
 */
import { type Checksum } from '../base/checksum.ts'
import { doAll } from '../base/do-all.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Directive, garbageFilter } from '../history/garbage.ts'
import { sizeOfFile } from '../storage/file-rules.ts'
import { type FileLock, type FileSystem, removeIfThere } from '../storage/files.ts'
import { GEOMETRIES, type Sizes, geometryOf } from '../storage/geometry.ts'
import { type JobIo, type JobRunner } from '../storage/job.ts'
import { LogWriter, NEW_SEGMENT_PATH, checkReaches, listSegments, segmentPath } from '../storage/log.ts'
import { type Birth, type ManifestState, namedTables } from '../storage/manifest-state.ts'
import { MANIFEST_PATH, Manifest, NEW_MANIFEST_PATH } from '../storage/manifest.ts'
import { type PolicyChange, choosePolicy } from '../storage/policy.ts'
import { FILE_HEADER_BYTES } from '../storage/record-file.ts'
import { TableFiles, type TableLimits } from '../storage/table-files.ts'
import { tablePath } from '../storage/table-format.ts'
import { CommitLog, type LogRecovery, recoverLog } from '../tablet/commit-log.ts'
import { FailStop } from '../tablet/fail-stop.ts'
import { Tablets } from '../tablet/tablet.ts'
import { HybridClock, type PhysicalClock } from '../time/clock.ts'
import { type HybridTime, MIN_TIME, laterOf, microsOf } from '../time/hybrid-time.ts'
import { ReplayClock } from '../time/replay-clock.ts'
import { EventBus, type RecoveryReport, type StoreEvent } from './events.ts'
import { FileNumbers, type StoreParts } from './parts.ts'
import { openStanding } from './standing.ts'
import { Store } from './store.ts'

/** The world that a store lives in. */
export interface World {
  readonly files: FileSystem
  readonly clock: PhysicalClock
  readonly checksum: Checksum
  /**
   * Where flushes and compactions run, for a database of this birth; called once, when a runner is
   * needed. Left out, or answering nothing, they run in the commits that make them due.
   */
  readonly jobs?: ((birth: Birth) => StartRunner | undefined) | undefined
}

/** Begins a runner of jobs that is elsewhere. `io` is what running them here would take. */
export type StartRunner = (io: JobIo<Directive>) => JobRunner<Directive>

/** How to open a store. */
export interface StoreOptions {
  /** Opens without a lock and changes nothing. */
  readonly readOnly: boolean
  /** Makes a new database where there is none. */
  readonly create: boolean
  /** What a new database is; one that exists stays what it is. */
  readonly birth: Birth
  /** Sizes for this process that are other than those of its birth. */
  readonly sizes: Sizes
  /** How its trees are compacted from now on; what is left out stays as it was. */
  readonly policy: PolicyChange
  readonly limits: TableLimits
}

/** No more numbers of tables are set apart between two edits of the manifest. */
const SET_APART_MAX = 2 ** 24

/** The lock of a database that is open for writing. */
const LOCK_PATH = 'LOCK'

/**
 * Opens a directory, or makes a database in an empty one. Throws `NOT_A_DATABASE`, `DATABASE_LOCKED`,
 * `MANIFEST_CORRUPT`, `LOG_CORRUPT`, `TABLE_CORRUPT`, `CATALOG_CORRUPT`, `IO_FAILED`.
 */
export function openStore(
  world: World,
  options: StoreOptions,
  listener?: (event: StoreEvent) => void,
): Store {
  const events = new EventBus()
  if (listener !== undefined) events.listen(listener)
  return events.during(() => {
    const store = openWith(world, options, events)
    events.emit({ kind: 'recovery', ...store.recovery })
    return store
  })
}

function openWith(world: World, options: StoreOptions, events: EventBus): Store {
  const { files } = world
  const isNew = hasNoManifest(files)
  if (isNew) checkCreatable(files, options)
  if (options.readOnly) return openForReading(world, options, events)
  if (isNew) files.makeDirectory('')
  const lock = files.lock(LOCK_PATH)
  try {
    // Asked again under the lock: somebody may have made it meanwhile.
    const isMadeNow = files.size(MANIFEST_PATH) === undefined
    if (isMadeNow) createDatabase(world, options.birth)
    return openForWriting(world, options, events, lock, isMadeNow)
  } catch (error) {
    letGoOf([
      () => {
        lock.release()
      },
    ])
    throw error
  }
}

/** Asked first of all, so that it is the one to find a file where a directory should be. */
function hasNoManifest(files: FileSystem): boolean {
  try {
    return files.size(MANIFEST_PATH) === undefined
  } catch (error) {
    if (!(error instanceof PalimpsestError) || error.details['errno'] !== 'ENOTDIR') throw error
    const message = 'the path, or a part of it, is no directory'
    throw new PalimpsestError('NOT_A_DATABASE', message, { found: [] }, error)
  }
}

/** The first segment goes before the manifest: a manifest without its log is damage. */
function createDatabase({ files, checksum }: World, birth: Birth): void {
  LogWriter.create(files, checksum, GEOMETRIES[birth.geometry].segmentBytes).close()
  Manifest.create(files, checksum, birth).close()
}

function openForReading(world: World, options: StoreOptions, events: EventBus): Store {
  // The clock is read before the log, so that no commit at or before it can have been missed.
  const wallMicros = world.clock.now()
  return openStanding(world.files, world.checksum, ({ state, files }) => {
    const loaded = load({ ...world, files }, options, state, () => state, events)
    files.letGo(listSegments(files).map(segmentPath))
    const shownMicros = state.birth.clock === 'replay' ? 0 : wallMicros
    const micros = Math.max(microsOf(loaded.newest), state.judgedMicros, shownMicros)
    const letGo = () => {
      files.close()
    }
    const clock = standingClock(micros, loaded.newest)
    try {
      return new Store({ ...loaded, recovery: recoveryOf(loaded, []), letGo, clock })
    } catch (error) {
      loaded.tables.close()
      throw error
    }
  })
}

/** Nothing is committed by it, and nobody can be promised that others will not. */
function standingClock(micros: number, newest: HybridTime): HybridClock {
  const physical = new ReplayClock({ micros })
  return new HybridClock({ physical, floor: newest, ceiling: newest, reserve: () => undefined })
}

function openForWriting(
  world: World,
  options: StoreOptions,
  events: EventBus,
  lock: FileLock,
  isMadeNow: boolean,
): Store {
  const manifest = Manifest.open(world.files, world.checksum)
  const opened = [
    () => {
      manifest.close()
    },
  ]
  try {
    return resumeWriting(world, options, events, { lock, manifest, isMadeNow, opened })
  } catch (error) {
    letGoOf(opened)
    throw error
  }
}

/** What the writer of a database has from its first moment on. */
interface Beginning {
  readonly lock: FileLock
  readonly manifest: Manifest
  /** Whether this opening has made the database, durably. */
  readonly isMadeNow: boolean
  /** How what was opened since is closed again, should the opening fail. */
  readonly opened: (() => void)[]
}

/** Why an opening failed is told; that a file could not be closed then, or the lock released, is not. */
function letGoOf(opened: readonly (() => void)[]): void {
  try {
    doAll(opened.toReversed())
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
  }
}

function resumeWriting(
  world: World,
  options: StoreOptions,
  events: EventBus,
  { lock, manifest, isMadeNow, opened }: Beginning,
): Store {
  const { files, checksum } = world
  rememberPolicy(manifest, options.policy)
  const loaded = load(world, options, manifest.state, () => manifest.state, events)
  const { tablets, failStop, geometry, replayed, newest, tables } = loaded
  opened.push(() => {
    tables.close()
  })
  // Whoever closed the log had seen all edits before become durable, and so has whoever just began the manifest.
  const isInDoubt = !replayed.wasClosed && !isMadeNow
  const orphans = removeOrphans(files, tables, manifest, isInDoubt)
  const floor = laterOf(newest, replayed.floor)
  const isReplay = manifest.state.birth.clock === 'replay' && !(world.clock instanceof ReplayClock)
  const log = CommitLog.resume(
    {
      ...{ files, checksum, failStop, segmentBytes: geometry.segmentBytes },
      physical: isReplay ? new ReplayClock({ micros: microsOf(floor) }) : world.clock,
      judgedMicros: manifest.state.judgedMicros,
      apply: (time, writes) => {
        tablets.apply(time, writes)
      },
      onJump: (jump) => {
        events.emit({ kind: 'clock-jump', ...jump })
      },
    },
    manifest.state.firstSegment,
    { ...replayed, newestCommit: newest },
    floor,
  )
  opened.push(() => {
    log.letGo()
  })
  const recovery = recoveryOf(loaded, orphans)
  const start = world.jobs?.(manifest.state.birth)
  const startRunner = start && (() => start(loaded.jobs))
  const letGo = () => {
    lock.release()
  }
  return new Store({ ...loaded, recovery, letGo, manifest, log, startRunner, clock: log.clock })
}

/** A policy changes cost, never answers, so nothing else has to be done with it (law 10). */
function rememberPolicy(manifest: Manifest, change: PolicyChange): void {
  const before = manifest.state.policy
  const policy = choosePolicy(before, change)
  if (policy.name !== before.name || policy.picker !== before.picker) manifest.commit({ policy })
}

type LoadedParts = Omit<StoreParts, 'clock' | 'recovery' | 'letGo'> & {
  /** What the log said. */
  readonly replayed: LogRecovery
  /** The newest commit. */
  readonly newest: HybridTime
}

/** What reading and writing have in common: the tables, and the log's commits in memtables over them. */
function load(
  world: World,
  options: StoreOptions,
  state: ManifestState,
  currentState: () => ManifestState,
  events: EventBus,
): LoadedParts {
  const { files, checksum } = world
  const geometry = geometryOf(state.birth.geometry, options.sizes)
  const tables = new TableFiles(files, checksum, options.limits)
  const numbers = new FileNumbers(nextNumberOf(state, tables.list()))
  const tablets = new Tablets({ tables, geometry }, currentState)
  const replayed = recoverLog(files, state.firstSegment, checksum, tablets)
  checkReaches(replayed.end, state.logSynced)
  const segments = listSegments(files).filter((segment) => segment >= state.firstSegment)
  const logBytes = segments.reduce((sum, segment) => sum + sizeOfFile(files, segmentPath(segment)), 0)
  const inTablets = tablets.all().map(({ newestTime }) => newestTime)
  const newest = inTablets.reduce(laterOf, replayed.newestCommit)
  const failStop = new FailStop()
  const { birth, policy } = state
  return {
    ...{ files, birth, policy, geometry, tables, tablets },
    ...{ numbers, events, failStop, replayed, newest, logBytes },
    // A log is ended when all before its end is durable.
    durableThrough: replayed.wasClosed ? newest : flushedThrough(tablets),
    jobs: { files, tables, geometry, filterFor: garbageFilter },
    monotonic: () => world.clock.monotonic(),
  }
}

/**
 * The first number that no table had. Those behind the one that the manifest names were set apart since its last edit,
 * for a few jobs: a name far behind them is of no table of this database, and would leave none for those to come.
 */
function nextNumberOf({ nextNumber }: ManifestState, numbers: readonly number[]): number {
  const own = numbers.filter((number) => number < nextNumber + SET_APART_MAX)
  return own.reduce((next, number) => Math.max(next, number + 1), nextNumber)
}

/**
 * What is in tables has been in a log that was durable before they were named, and so has all that came before it. Of what
 * came since, nobody can tell from a log that is being written, or was cut short.
 */
function flushedThrough(tablets: Tablets): HybridTime {
  return tablets.all().reduce((time, { state }) => laterOf(time, state.flushedThrough), MIN_TIME)
}

function recoveryOf({ replayed, newest }: LoadedParts, orphans: readonly string[]): RecoveryReport {
  return {
    commits: replayed.commits,
    newestCommit: newest,
    tornBytes: replayed.end.contents.tornBytes,
    wasClosedCleanly: replayed.wasClosed,
    orphans,
  }
}

/**
 * What a crash left behind goes before anything is written to the log: it may take the space for that. What no manifest has
 * ever named goes first, for the manifest takes space too. It has to say durably what it says before the rest goes:
 * another one, which a power cut may bring back, may need what this one does not. `isInDoubt` says that it may go back in any
 * case: then it is begun anew even if nothing goes, for what it has refused stays refused.
 */
function removeOrphans(
  files: FileSystem,
  tables: TableFiles,
  manifest: Manifest,
  isInDoubt: boolean,
): readonly string[] {
  const { state } = manifest
  const [numbers, segments] = [orphanTables(tables, namedTables(state)), oldSegments(files, state)]
  const wasNamed = (number: number) => number < state.nextNumber
  tables.remove(numbers.filter((number) => !wasNamed(number)))
  removeIfThere(files, NEW_SEGMENT_PATH)
  const former = numbers.filter(wasNamed)
  if (isInDoubt || former.length + segments.length > 0) manifest.beginAnew()
  tables.remove(former)
  for (const path of segments) files.remove(path)
  return [...numbers.map(tablePath), ...segments]
}

/**
 * Tables that a crash left behind and nothing names. Where one that is named is missing, this was no crash:
 * the manifest has lost its last edit, and what looks left behind may be all that is left.
 */
function orphanTables(tables: TableFiles, named: readonly number[]): readonly number[] {
  const there = new Set(tables.list())
  if (!named.every((number) => there.has(number))) return []
  for (const number of named) there.delete(number)
  return [...there]
}

/** Segments that the manifest no longer needs, and that a crash kept from being removed. */
function oldSegments(files: FileSystem, { firstSegment }: ManifestState): readonly string[] {
  return listSegments(files)
    .filter((segment) => segment < firstSegment)
    .map(segmentPath)
}

/** Refuses a directory that holds something else, or nothing where nothing may be made. */
function checkCreatable(files: FileSystem, options: StoreOptions): void {
  const names = files.list('')
  // What a crash while a database was made can leave behind. A log with records in it was a database's.
  const isOwn = (name: string) =>
    name === NEW_MANIFEST_PATH ||
    name === LOCK_PATH ||
    name.startsWith(`${LOCK_PATH}.`) ||
    (name === segmentPath(1) && (files.size(name) ?? 0) <= FILE_HEADER_BYTES)
  const foreign = (names ?? []).filter((name) => !isOwn(name))
  if (options.create && !options.readOnly && foreign.length === 0) return
  // Somebody may have made it meanwhile, also since the names were read.
  if (!hasNoManifest(files)) return
  const what = names === undefined ? 'there is no such directory' : 'the directory holds no database'
  throw new PalimpsestError('NOT_A_DATABASE', what, { found: foreign.toSorted().slice(0, 5) })
}
