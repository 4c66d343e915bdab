/**
 * The main job: a real history goes into a store, every moment of it is read back and proved; then it is
 * told many times over, to see what policies and windows cost; then one moment of it is restored.
 *
 *     history ─┬─▶ import ─▶ verify ─▶ compact ─▶ verify ─▶ reopen ─▶ verify ──┬─▶ restore ─▶ undo ─▶ verify
 *              └─▶ replay ─▶ 3 policies × 3 windows: import, verify, weigh ────┘
 *
 * How much is done is decided by counting commits and rows, and every choice by a seed: the same history
 * and seed give the same report, but for directories. The report is plain data; the CLI prints it.
 */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { type Database } from '../../database/database.ts'
import { type TableStats } from '../../database/stats.ts'
import { NodeFiles } from '../../platform/node-files.ts'
import { formatExact, formatIso } from '../../time/hybrid-time.ts'
import { type GitCommit } from '../git/history.ts'
import { FILES_TABLE, keyOfPath } from '../git/tables.ts'
import { type VerifyReport, importedCommits, verifyHistory } from '../git/verify.ts'
import { type OnProgress, filesStats, makeDatabase, reopen } from './databases.ts'
import { type RestoreStep, chooseCommit, restoreStep } from './restore-step.ts'
import { type HistorySource, chooseHistory } from './source.ts'
import { type Weighing, weigh } from './weigh.ts'

/** A verification at a moment of the job. */
export interface VerifiedStep {
  readonly step: string
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
  /** How the import of the history shaped the tree of the table `git.files`, before it was compacted, and what that took. */
  readonly levels: TableStats['levels']
  readonly compactions: number
  readonly writeAmplification: number
  readonly weighing: Weighing
  readonly restore: RestoreStep
  /** A path, and a time in the middle of the history as of which it can be read: exact, and to read. */
  readonly example: { readonly path: string; readonly time: string; readonly at: string }
  /** Whether every commit was proved where it is readable, and none differs. */
  readonly isProved: boolean
}

/** How to run the main job. */
export interface MainJobOptions {
  /** The directory whose repository is taken. */
  readonly directory: string
  /** Where the directory of the results is made; itself made where it is not there. */
  readonly keepIn: string
  /** Chooses what is sampled and read, and the commit to restore unless it is named. @defaultValue 1 */
  readonly seed?: number | undefined
  /** The commit to restore: its id, or the beginning of it. */
  readonly restoreTo?: string | undefined
  /** Rows that each weighed database gets at least. @defaultValue 40,000, for well under a minute in all */
  readonly rowsMin?: number | undefined
  readonly onProgress?: OnProgress | undefined
}

const DEFAULTS = { seed: 1, rowsMin: 40_000 }

/** Runs the main job. Throws `INVALID_ARGUMENT` where the commit to restore is none of the history. */
export async function runMainJob({
  directory,
  keepIn,
  seed = DEFAULTS.seed,
  restoreTo: named,
  rowsMin = DEFAULTS.rowsMin,
  onProgress = () => undefined,
}: MainJobOptions): Promise<MainJobReport> {
  const { source, commits } = chooseHistory(directory)
  // Asked before anything is made.
  const target = chooseCommit(commits, { named, seed })
  new NodeFiles(keepIn).makeDirectory('')
  const results = mkdtempSync(join(keepIn, 'palimpsest-'))
  const database = join(results, 'all.palimpsest')
  const { steps, ...imported } = proveHistory(database, commits, onProgress)
  const weighing = weigh({ commits, directory: results, rowsMin, seed, onProgress })
  const chosenBy = named === undefined ? 'seed' : 'name'
  const restore = await restoreStep(database, commits, target, chosenBy, onProgress)
  const isWhole = steps.every(({ verified }) => verified.matched === commits.length)
  const isProved = isWhole && weighing.windows.every((window) => window.isProved) && restore.isProved
  return { source, directory: results, database, steps, ...imported, weighing, restore, isProved }
}

/** Imports all of a history, and verifies every commit after each thing that could change what it reads. */
function proveHistory(
  directory: string,
  commits: readonly GitCommit[],
  onProgress: OnProgress,
): Pick<MainJobReport, 'steps' | 'levels' | 'compactions' | 'writeAmplification' | 'example'> {
  const verify = (step: string, database: Database): VerifiedStep => ({
    step,
    verified: verifyHistory(database, (done, total) => onProgress(`verify ${step}`, done, total)),
  })
  const database = makeDatabase(
    {
      directory,
      syncs: true,
      keep: 'forever',
      onProgress: (done) => onProgress('import', done, commits.length),
    },
    commits,
  )
  const steps = [verify('after the import', database)]
  const { levels, writeAmplification, totals } = filesStats(database)
  onProgress('compact', 0, 1)
  database.compact()
  steps.push(verify('after a full compaction', database))
  database.close()
  using reopened = reopen(directory)
  steps.push(verify('after a reopen', reopened))
  const example = exampleOf(reopened, commits)
  return { steps, levels, writeAmplification, compactions: totals.compactions, example }
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
  return { path, time: formatExact(time), at: formatIso(time) }
}
