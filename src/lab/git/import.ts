/**
 * Git histories into a database: paths are keys, commits are atomic batches at their committer times (`tables.ts`).
 *
 *     database    a ── b ── c                       b and c are known, d goes on where the database stands
 *     source           b ── c ── d                  ✓
 *     source           b ── x ── y                  ✗ x changes the tree of b, and there stands that of c
 *
 * The database keeps the time of the history: a replay clock is put to each commit's time before it is
 * committed. Where the times of a history repeat or go back, the hybrid clock makes them strictly
 * increasing, so the order of the commits is the order of their times. The time of a commit is that of
 * its row in `git.commits`.
 */
import { textOfBytes } from '../../base/bytes.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { type Database } from '../../database/database.ts'
import { type DatabaseWrite, type KeepInput } from '../../database/options.ts'
import { type HybridTime, microsOf } from '../../time/hybrid-time.ts'
import { ReplayClock } from '../../time/replay-clock.ts'
import { type GitCommit, SUBMODULE_MODE } from './history.ts'
import { type GitBlob } from './repository.ts'
import { type FileDocument, COMMITS_TABLE, FILES_TABLE, GIT_KEYSPACE, keyOfPath } from './tables.ts'
import { type ImportedCommit, filesStandAt, importedCommits, treeIdAfter } from './verify.ts'

/** How to import. */
export interface ImportOptions {
  /** How long the history of paths is kept. @defaultValue what the database has; 'forever' for a new one */
  readonly keep?: KeepInput | undefined
  /** Reads the contents of objects; without it, only modes and ids are stored. */
  readonly readBlobs?: ((objects: Iterable<string>) => Iterable<GitBlob>) | undefined
  /** Told how many commits have been looked at, every 64 at least; it may look at the database. */
  readonly onProgress?: ((done: number, database: Database) => void) | undefined
}

/** What an import did. */
export interface ImportReport {
  /** Commits that are new. */
  readonly commits: number
  /** Commits that were there already. */
  readonly skipped: number
  /** Changes of paths in the new commits. */
  readonly changes: number
  /** New commits that got later times than git has: its times went back, or an import before was killed. */
  readonly later: number
  /** Contents were asked for, and what was there already has none. */
  readonly isWithoutContents: boolean
  /** The times of the first and the last commit that is new. */
  readonly from?: HybridTime | undefined
  readonly through?: HybridTime | undefined
}

/** Commits whose times are reserved together: after a crash, at most so many would get later times. */
const WINDOW_COMMITS = 64
/** Changes after which a window ends early, because their contents are in memory. */
const WINDOW_CHANGES = 5_000

/**
 * Imports a history, oldest commit first; commits that are there already are passed over. The database
 * is opened with the clock that `open` is given, after the first commits could be read, so that a source
 * without any leaves nothing behind; it is the caller's to close. Throws `INVALID_TRACE` for a history without commits,
 * and `INVALID_ARGUMENT` for a commit that does not go on where the database stands: what came before it stays. The first
 * import into a database is taken as it comes: whether it began at an empty tree, a verification shows.
 */
export function importHistory(
  open: (clock: ReplayClock) => Database,
  commits: Iterable<GitCommit>,
  options: ImportOptions = {},
): { database: Database; report: ImportReport } {
  const windows = windowsOf(commits)
  const first = windows.next()
  if (first.done) throw new PalimpsestError('INVALID_TRACE', 'the history has no commits')
  // The tables are made a second before the first commit.
  const clock = new ReplayClock({ micros: Math.max(0, microsOfCommit(first.value[0]!) - 1_000_000) })
  const database = open(clock)
  try {
    const run = new ImportRun(database, clock, options)
    run.take(first.value)
    for (const window of windows) run.take(window)
    run.end()
    return { database, report: run.report }
  } catch (error) {
    database.close()
    throw error
  }
}

/** Refuses a database that keeps the time of a system, not that of a history. Throws `INVALID_ARGUMENT`. */
export function assertTakesHistory(database: Database): void {
  if (database.clock === 'replay') return
  throw new PalimpsestError(
    'INVALID_ARGUMENT',
    'a history is imported into a database of its own, not into this one',
  )
}

class ImportRun {
  readonly #database: Database
  readonly #clock: ReplayClock
  readonly #options: ImportOptions
  /** The commits that the database has. */
  readonly #known: Set<string>
  /** The newest commit that was there before, if any. */
  readonly #found: ImportedCommit | undefined
  /** The commit at which the database stands, and the one that the source had last. */
  #newest: string | undefined
  #before: string | undefined
  readonly #isWithoutContents: boolean
  #isPrepared = false
  #looked = 0
  #commits = 0
  #changes = 0
  #later = 0
  #from: HybridTime | undefined
  #through: HybridTime | undefined

  constructor(database: Database, clock: ReplayClock, options: ImportOptions) {
    this.#database = database
    this.#clock = clock
    this.#options = options
    assertTakesHistory(database)
    const known = database.tables.includes(COMMITS_TABLE) ? importedCommits(database) : []
    this.#known = new Set(known.map(({ id }) => id))
    this.#found = known.at(-1)
    this.#newest = this.#found?.id
    this.#isWithoutContents = options.readBlobs !== undefined && known.length > 0 && !hasContents(database)
    // What is kept is judged by the time of the history, which has come as far as the database has.
    clock.set(Math.max(clock.now(), microsOf(database.newest)))
  }

  get report(): ImportReport {
    return {
      commits: this.#commits,
      skipped: this.#looked - this.#commits,
      changes: this.#changes,
      later: this.#later,
      isWithoutContents: this.#isWithoutContents,
      from: this.#from,
      through: this.#through,
    }
  }

  take(window: readonly GitCommit[]): void {
    const fresh = window.filter((commit) => this.#isFresh(commit))
    const contents = this.#contentsOf(fresh)
    this.#clock.reserveAhead(Math.max(0, ...fresh.map(microsOfCommit)))
    for (const commit of window) {
      if (this.#isFresh(commit)) this.#write(commit, contents)
      this.#before = commit.id
    }
    this.#looked += window.length
    this.#options.onProgress?.(this.#looked, this.#database)
  }

  /** To be called behind the last window: makes what is left to make where nothing was new. */
  end(): void {
    this.#prepare()
    this.#database.sync()
  }

  #isFresh({ id }: GitCommit): boolean {
    return !this.#known.has(id)
  }

  #write(commit: GitCommit, contents: ReadonlyMap<string, Uint8Array>): void {
    this.#assertContinues(commit)
    this.#prepare()
    this.#clock.set(microsOfCommit(commit))
    const { time } = this.#database.batch(writesOf(commit, contents))
    this.#known.add(commit.id)
    this.#newest = commit.id
    this.#from ??= time
    this.#through = time
    this.#commits++
    this.#changes += commit.changes.length
    if (microsOf(time) > microsOfCommit(commit)) this.#later++
  }

  /** A commit is known by what it changes, so it has to come upon the tree that it was made from. */
  #assertContinues(commit: GitCommit): void {
    const database = this.#database
    // The first import into a database is taken as it comes.
    if (this.#newest === undefined) return
    // Its files may have been put back without its commits, or the reverse; in this run nobody does so.
    const stands = this.#isPrepared || filesStandAt(database, this.#found!)
    if (stands && this.#newest === this.#before) return
    // A log may begin with what is new, and a branch come back to the same tree.
    const hasFiles = database.tables.includes(FILES_TABLE)
    if (hasFiles && treeIdAfter(database, commit.changes) === commit.tree) return
    throw new PalimpsestError(
      'INVALID_ARGUMENT',
      `the commit ${commit.id} does not go on from where the database stands, at ${this.#newest}: restore the ` +
        'keyspace git to where both are the same, give a log that begins there or before, or import into a new database',
      { commit: commit.id, newest: this.#newest },
    )
  }

  /** Makes the tables, and sets what they keep: only when the first commit was found to go on. */
  #prepare(): void {
    if (this.#isPrepared) return
    this.#isPrepared = true
    const database = this.#database
    const { keep } = this.#options
    if (!database.keyspaces.includes(GIT_KEYSPACE)) database.createKeyspace(GIT_KEYSPACE)
    const isNew = !database.tables.includes(FILES_TABLE)
    if (isNew) database.createTable(FILES_TABLE, { keep: keep ?? 'forever' })
    else if (keep !== undefined) database.setRetention(keep, { table: FILES_TABLE })
    if (!database.tables.includes(COMMITS_TABLE)) database.createTable(COMMITS_TABLE, { keep: 'forever' })
  }

  #contentsOf(commits: readonly GitCommit[]): ReadonlyMap<string, Uint8Array> {
    const contents = new Map<string, Uint8Array>()
    const { readBlobs } = this.#options
    if (readBlobs === undefined) return contents
    const objects = new Set<string>()
    for (const { changes } of commits) {
      for (const change of changes) {
        if (change.kind === 'set' && change.mode !== SUBMODULE_MODE) objects.add(change.object)
      }
    }
    for (const { object, bytes } of readBlobs(objects)) if (bytes !== undefined) contents.set(object, bytes)
    return contents
  }
}

function writesOf(commit: GitCommit, contents: ReadonlyMap<string, Uint8Array>): readonly DatabaseWrite[] {
  const { id, tree, seconds, changes } = commit
  const files = changes.map((change): DatabaseWrite => {
    const key = keyOfPath(change.path)
    if (change.kind === 'delete') return { type: 'delete', table: FILES_TABLE, key }
    const { mode, object } = change
    const value = { mode, object, ...contentFields(contents.get(object)) }
    return { type: 'put', table: FILES_TABLE, key, value }
  })
  return [...files, { type: 'put', table: COMMITS_TABLE, key: id, value: { tree, seconds } }]
}

/** Whether any file has contents, now. */
function hasContents(database: Database): boolean {
  if (!database.tables.includes(FILES_TABLE)) return false
  for (const { text, bytes } of database.table<string, FileDocument>(FILES_TABLE).values())
    if (text !== undefined || bytes !== undefined) return true
  return false
}

function contentFields(bytes: Uint8Array | undefined): { text?: string; bytes?: Uint8Array } {
  if (bytes === undefined) return {}
  try {
    return { text: textOfBytes(bytes) }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    return { bytes }
  }
}

function* windowsOf(commits: Iterable<GitCommit>): Generator<readonly GitCommit[]> {
  let window: GitCommit[] = []
  let changes = 0
  for (const commit of commits) {
    window.push(commit)
    changes += commit.changes.length
    if (window.length < WINDOW_COMMITS && changes < WINDOW_CHANGES) continue
    yield window
    window = []
    changes = 0
  }
  if (window.length > 0) yield window
}

function microsOfCommit({ seconds }: GitCommit): number {
  return seconds * 1_000_000
}
