/**
 * The main job: a real history goes into a store, every moment of it is read back and proved, and then
 * history is given up bit by bit, to see what is still readable and what it costs.
 *
 *     history ──▶ import ──▶ verify ──▶ compact ──▶ verify ──▶ reopen ──▶ verify
 *        └──────▶ three windows (1 %, 10 %, all of the span): import, compact, verify, weigh
 *
 * Tiny geometry takes small data through every level. The report is plain data; the CLI prints it.
 */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { PalimpsestError } from '../base/errors.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { type TableStats } from '../database/stats.ts'
import { NodeFiles, checksum } from '../platform/node-files.ts'
import { SystemClock } from '../platform/system-clock.ts'
import { type PhysicalClock } from '../time/clock.ts'
import { formatDuration } from '../time/duration.ts'
import { formatIso, microsOf } from '../time/hybrid-time.ts'
import { generateHistory } from './git/generator.ts'
import { type GitCommit } from './git/history.ts'
import { FILES_TABLE, importHistory, keyOfPath } from './git/import.ts'
import { readRepository } from './git/repository.ts'
import { type VerifyReport, importedCommits, verifyHistory } from './git/verify.ts'

/** Where the history comes from, and why. */
export interface HistorySource {
  readonly kind: 'repository' | 'generated'
  readonly because: string
  readonly commits: number
  readonly changes: number
}

/** A verification at a moment of the job. */
export interface VerifiedStep {
  readonly step: string
  readonly verified: VerifyReport
}

/** What one retention window keeps and costs, after a full compaction. */
export interface WindowReport {
  /** The window as a share of the history's span. */
  readonly share: number
  readonly keep: string
  readonly directory: string
  readonly versions: number
  readonly bytes: number
  readonly writeAmplification: number
  readonly readableFrom: string
  readonly readableThrough: string
  readonly verified: VerifyReport
}

/** Everything that the main job found. */
export interface MainJobReport {
  readonly source: HistorySource
  /** The directory of the results; each database in it can be opened. */
  readonly directory: string
  /** The database with all of the history. */
  readonly database: string
  readonly steps: readonly VerifiedStep[]
  readonly windows: readonly WindowReport[]
  readonly levels: TableStats['levels']
  readonly compactions: number
  readonly writeAmplification: number
  /** A path, and a time in the middle of the history as of which it can be read. */
  readonly example: { readonly path: string; readonly at: string }
  /** Whether every commit was proved where it is readable, and none differs. */
  readonly isProved: boolean
}

/** How to run the main job. */
export interface MainJobOptions {
  /** The directory whose repository is taken. */
  readonly directory: string
  /** Where the directory of the results is made. */
  readonly keepIn: string
  readonly onProgress?: ((step: string, done: number, total: number) => void) | undefined
}

/** A repository with fewer commits is not much of a history. */
const COMMITS_MIN = 20
/** Rows that one verification reads at most: older commits of large repositories first, then no more. */
const ROWS_MAX = 400_000
const GENERATED = { seed: 1, commits: 600, files: 120 }
const SHARES = [0.01, 0.1, 1]

/** Runs the main job. It takes under a minute. */
export function runMainJob({
  directory,
  keepIn,
  onProgress = () => undefined,
}: MainJobOptions): MainJobReport {
  const { source, commits } = chooseHistory(directory)
  const results = mkdtempSync(join(keepIn, 'palimpsest-'))
  const path = join(results, 'all.palimpsest')
  const verify = (step: string, database: Database) => ({
    step,
    verified: verifyHistory(database, (done, total) => onProgress(`verify ${step}`, done, total)),
  })

  const database = importInto(path, commits, 'forever', (done) => onProgress('import', done, commits.length))
  const steps = [verify('after the import', database)]
  const { levels, writeAmplification } = filesStats(database)
  const { compactions } = database.stats()
  onProgress('compact', 0, 1)
  database.compact()
  steps.push(verify('after a full compaction', database))
  database.close()
  const reopened = openAt(path, new SystemClock())
  steps.push(verify('after a reopen', reopened))
  const span = spanOf(reopened)
  const example = exampleOf(reopened, commits)
  reopened.close()

  const windows = SHARES.map((share) =>
    weighWindow(join(results, `${share * 100}-percent.palimpsest`), commits, span, share, onProgress),
  )
  const all = [...steps.map(({ verified }) => verified), ...windows.map(({ verified }) => verified)]
  const isWhole = steps.every(({ verified }) => verified.matched === commits.length)
  return {
    ...{
      source,
      directory: results,
      database: path,
      steps,
      windows,
      levels,
      compactions,
      writeAmplification,
      example,
    },
    isProved: isWhole && all.every(({ mismatched }) => mismatched === 0),
  }
}

/** The repository's history, or a generated one where there is none to speak of. */
function chooseHistory(directory: string): { source: HistorySource; commits: readonly GitCommit[] } {
  const found = historyOf(directory)
  const isEnough = found.commits.length >= COMMITS_MIN
  const commits = isEnough ? found.commits : [...generateHistory(GENERATED)]
  const kind = isEnough ? 'repository' : 'generated'
  const because = isEnough
    ? found.because
    : `${found.because}; a generated history (seed ${GENERATED.seed}) is used instead`
  const changes = commits.reduce((sum, commit) => sum + commit.changes.length, 0)
  return { source: { kind, because, commits: commits.length, changes }, commits }
}

/** The oldest commits of a repository, as many as can be verified in short time. */
function historyOf(directory: string): { commits: readonly GitCommit[]; because: string } {
  const commits: GitCommit[] = []
  const paths = new Set<string>()
  let rows = 0
  try {
    for (const commit of readRepository(directory)) {
      for (const change of commit.changes) {
        const path = change.path.join()
        if (change.kind === 'set') paths.add(path)
        else paths.delete(path)
      }
      rows += paths.size
      if (rows > ROWS_MAX && commits.length >= COMMITS_MIN) {
        return { commits, because: `the first ${commits.length} commits of the repository here` }
      }
      commits.push(commit)
    }
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
    return { commits: [], because: `no history can be read here (${error.message})` }
  }
  const many = commits.length === 1 ? '1 commit' : `${commits.length} commits`
  return { commits, because: `the repository here has ${many}` }
}

function weighWindow(
  directory: string,
  commits: readonly GitCommit[],
  span: number,
  share: number,
  onProgress: (step: string, done: number, total: number) => void,
): WindowReport {
  const keep = Math.max(1, Math.floor(span * share))
  const step = `window ${share * 100} %`
  const database = importInto(directory, commits, keep, (done) =>
    onProgress(`import, ${step}`, done, commits.length),
  )
  database.compact()
  const verified = verifyHistory(database, (done, total) => onProgress(`verify, ${step}`, done, total))
  const { versions, bytes, writeAmplification, cutoff } = filesStats(database)
  const readableThrough = formatIso(database.newest)
  database.close()
  const readableFrom = cutoff.at
  return {
    share,
    keep: formatDuration(keep),
    directory,
    versions,
    bytes,
    writeAmplification,
    readableFrom,
    readableThrough,
    verified,
  }
}

function importInto(
  directory: string,
  commits: readonly GitCommit[],
  keep: number | 'forever',
  onProgress: (done: number) => void,
): Database {
  return importHistory((clock) => openAt(directory, clock), commits, { keep, onProgress }).database
}

function openAt(directory: string, clock: PhysicalClock): Database {
  return openDatabase({ files: new NodeFiles(directory), clock, checksum }, { geometry: 'tiny' })
}

function filesStats(database: Database): TableStats {
  return database.stats().tables.find(({ name }) => name === FILES_TABLE)!
}

/** Microseconds from the first commit to the last. */
function spanOf(database: Database): number {
  const commits = importedCommits(database)
  return microsOf(commits.at(-1)!.time) - microsOf(commits[0]!.time)
}

/** The path that changed most often, as of the first commit from half-way on that has it. */
function exampleOf(database: Database, commits: readonly GitCommit[]): MainJobReport['example'] {
  const counts = new Map<string, number>()
  for (const { path } of commits.flatMap(({ changes }) => changes)) {
    const key = keyOfPath(path)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  const [path] = [...counts].reduce((most, next) => (next[1] > most[1] ? next : most), ['', 0])
  const known = importedCommits(database)
  const later = known.slice(Math.floor(known.length / 2))
  const files = database.table(FILES_TABLE)
  const { time } =
    later.find((commit) => files.get(path, { asOf: commit.time }) !== undefined) ?? known.at(-1)!
  return { path, at: formatIso(time) }
}
