/**
 * Git histories into a database: paths are keys, commits are atomic batches at their committer times.
 *
 *     git.files      path       { mode, object } with contents also { text } or { bytes }
 *     git.commits    commit id  { tree, seconds }
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
import { type Table } from '../../table/table.ts'
import { formatIso, type HybridTime } from '../../time/hybrid-time.ts'
import { ReplayClock } from '../../time/replay-clock.ts'
import { type GitCommit, SUBMODULE_MODE } from './history.ts'
import { quotePath, byteTextOf, bytesOfByteText, unquotePath } from './quoting.ts'
import { bytesOfText } from '../../base/bytes.ts'
import { type GitBlob } from './repository.ts'

/** The keyspace of both tables. */
export const GIT_KEYSPACE = 'git'
/** The table of paths. */
export const FILES_TABLE = 'git.files'
/** The table of commits. */
export const COMMITS_TABLE = 'git.commits'

/** What a path holds, as a document. */
export interface FileDocument {
  readonly mode: string
  readonly object: string
  /** The contents, where they were imported and are UTF-8. */
  readonly text?: string
  /** The contents, where they were imported and are not. */
  readonly bytes?: Uint8Array
}

/** What is known of a commit, as a document. */
export interface CommitDocument {
  readonly tree: string
  /** Its committer time as git has it. */
  readonly seconds: number
}

/** How to import. */
export interface ImportOptions {
  /** How long the history of paths is kept. @defaultValue what the database has; 'forever' for a new one */
  readonly keep?: KeepInput | undefined
  /** Reads the contents of objects; without it, only modes and ids are stored. */
  readonly readBlobs?: ((objects: Iterable<string>) => Iterable<GitBlob>) | undefined
  /** Told how many commits have been looked at. */
  readonly onProgress?: ((done: number) => void) | undefined
}

/** What an import did. */
export interface ImportReport {
  /** Commits that are new. */
  readonly commits: number
  /** Commits that were there already. */
  readonly skipped: number
  /** Changes of paths in the new commits. */
  readonly changes: number
  /** The times of the first and the last commit that is new. */
  readonly from?: string | undefined
  readonly through?: string | undefined
}

/** Commits whose times are reserved together: after a crash, at most so many would get later times. */
const WINDOW_COMMITS = 64
/** Changes after which a window ends early, because their contents are in memory. */
const WINDOW_CHANGES = 5_000

/**
 * Imports a history, oldest commit first; commits that are there already are passed over. The database
 * is opened with the clock that `open` is given, after the first commit could be read, so that a bad
 * source leaves nothing behind; it is the caller's to close.
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
  const clock = new ReplayClock({ micros: Math.max(0, microsOf(first.value[0]!) - 1_000_000) })
  const database = open(clock)
  try {
    const run = new ImportRun(database, clock, options)
    run.take(first.value)
    for (const window of windows) run.take(window)
    database.sync()
    return { database, report: run.report }
  } catch (error) {
    database.close()
    throw error
  }
}

/** The key of a path: its text, or its C-quoted form where it is not UTF-8 or begins like a quoted one. */
export function keyOfPath(path: Uint8Array): string {
  try {
    const text = textOfBytes(path)
    if (!text.startsWith('"')) return text
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
  }
  return quotePath(byteTextOf(path), true)
}

/** The path of a key. */
export function pathOfKey(key: string): Uint8Array {
  const byteText = key.startsWith('"') ? unquotePath(key) : undefined
  return byteText === undefined ? bytesOfText(key) : bytesOfByteText(byteText)
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
  readonly #known: Table<string, CommitDocument>
  #looked = 0
  #commits = 0
  #changes = 0
  #from: HybridTime | undefined
  #through: HybridTime | undefined

  constructor(database: Database, clock: ReplayClock, options: ImportOptions) {
    this.#database = database
    this.#clock = clock
    this.#options = options
    assertTakesHistory(database)
    if (!database.keyspaces.includes(GIT_KEYSPACE)) database.createKeyspace(GIT_KEYSPACE)
    const { keep } = options
    const isNew = !database.tables.includes(FILES_TABLE)
    if (isNew) database.createTable(FILES_TABLE, { keep: keep ?? 'forever' })
    else if (keep !== undefined) database.setRetention(keep, { table: FILES_TABLE })
    if (!database.tables.includes(COMMITS_TABLE)) database.createTable(COMMITS_TABLE, { keep: 'forever' })
    this.#known = database.table(COMMITS_TABLE)
  }

  get report(): ImportReport {
    return {
      commits: this.#commits,
      skipped: this.#looked - this.#commits,
      changes: this.#changes,
      from: this.#from && formatIso(this.#from),
      through: this.#through && formatIso(this.#through),
    }
  }

  take(window: readonly GitCommit[]): void {
    const fresh = window.filter(({ id }) => this.#known.get(id) === undefined)
    const contents = this.#contentsOf(fresh)
    this.#clock.reserveAhead(Math.max(0, ...fresh.map(microsOf)))
    for (const commit of fresh) {
      this.#clock.set(microsOf(commit))
      const { time } = this.#database.batch(writesOf(commit, contents))
      this.#from ??= time
      this.#through = time
      this.#commits++
      this.#changes += commit.changes.length
    }
    this.#looked += window.length
    this.#options.onProgress?.(this.#looked)
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

function microsOf({ seconds }: GitCommit): number {
  return seconds * 1_000_000
}
