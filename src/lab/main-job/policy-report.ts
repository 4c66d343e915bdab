/**
 * One policy over one window: a replay imported, proved by a sample of its commits, and weighed as the
 * policy's own compactions left it.
 */
import { type Database } from '../../database/database.ts'
import { type LevelStats } from '../../database/stats.ts'
import { type RandomStream, sample, seededRandom } from '../../simulator/random.ts'
import { type PolicyName } from '../../storage/policy.ts'
import { formatIso } from '../../time/hybrid-time.ts'
import { type GitCommit } from '../git/history.ts'
import { FILES_TABLE } from '../git/tables.ts'
import {
  type ImportedCommit,
  type VerifyReport,
  importedCommits,
  readableCommits,
  verifyCommits,
} from '../git/verify.ts'
import { type DatabasePlan, filesStats, makeDatabase, reopen } from './databases.ts'
import { type Get, type ReadCost, chooseGets, measureReads } from './read-cost.ts'

/** What one policy made of one window; its numbers are of the table `git.files`, others and the catalog are not in them. */
export interface PolicyReport {
  readonly policy: PolicyName
  /** The database, which can be opened. */
  readonly directory: string
  /** Bytes that flush and compaction wrote over those that flush wrote. */
  readonly writeAmplification: number
  /** Bytes of the table files over those of the newest state by itself, at the end. */
  readonly spaceAmplification: number
  /** The most that this was, looked at after every 64 commits: it rises until a large merge, and falls with it. */
  readonly spaceAmplificationMost: number
  /** Versions in the table files, with those that can go and have not gone yet. */
  readonly versions: number
  /** Bytes of the table files. */
  readonly bytes: number
  readonly compactions: number
  readonly levels: readonly LevelStats[]
  /** The first and the last time that can be read. */
  readonly readableFrom: string
  readonly readableThrough: string
  /** Commits that can be read. */
  readonly readableCommits: number
  /** A sample of these: their trees are what git recorded. */
  readonly verified: VerifyReport
  /** A sample of the others: reading them is refused. */
  readonly refused: VerifyReport
  /** Gets as of now. */
  readonly now: ReadCost
  /** Gets as of commits that can be read. */
  readonly past: ReadCost
}

/** A database to make, and by which seed commits, keys and times are chosen: all policies get the same. */
export interface PolicyPlan extends DatabasePlan {
  readonly policy: PolicyName
  readonly seed: number
  /** Bytes of the newest state by itself. */
  readonly newestBytes: number
}

/** Gets that are measured, now and in the past each. */
const GETS = 1_000
/** Commits of a sample; fewer of a large tree, so that a sample has no more than so many rows. */
const SAMPLE = { most: 40, least: 5, rowsMax: 20_000 }

/** Makes a database and weighs it. */
export function weighPolicy(plan: PolicyPlan, commits: Iterable<GitCommit>): PolicyReport {
  const random = seededRandom(plan.seed)
  let bytesMost = 0
  const onProgress = (done: number, database: Database) => {
    bytesMost = Math.max(bytesMost, filesStats(database).bytes)
    plan.onProgress?.(done, database)
  }
  const { gets, report } = weighWritten(makeDatabase({ ...plan, onProgress }, commits), random)
  using uncached = reopen(plan.directory, { readOnly: true, cacheBytes: 0 })
  const [now, past] = [measureReads(uncached, gets.now), measureReads(uncached, gets.past)]
  return {
    ...{ policy: plan.policy, directory: plan.directory },
    ...report,
    spaceAmplification: timesOf(report.bytes, plan.newestBytes),
    spaceAmplificationMost: timesOf(Math.max(bytesMost, report.bytes), plan.newestBytes),
    ...{ now, past },
  }
}

/** Whether the policies gave the same answers, and each those that git recorded. */
export function areProved(reports: readonly PolicyReport[]): boolean {
  const [first] = reports
  return reports.every(({ verified, refused, now, past, readableCommits: readable }) => {
    const isTrue = verified.matched === verified.commits && refused.unreadable === refused.commits
    const isSame = now.answers === first!.now.answers && past.answers === first!.past.answers
    return isTrue && isSame && readable === first!.readableCommits
  })
}

/** How many times the bytes of the newest state some bytes are; 0 where nothing is left in it. */
export function timesOf(bytes: number, newestBytes: number): number {
  return newestBytes === 0 ? 0 : bytes / newestBytes
}

/** What can be told while the database is open, and what is to be read then; the database is closed. */
function weighWritten(
  database: Database,
  random: RandomStream,
): {
  readonly report: Omit<
    PolicyReport,
    'policy' | 'directory' | 'spaceAmplification' | 'spaceAmplificationMost' | 'now' | 'past'
  >
  readonly gets: { readonly now: readonly Get[]; readonly past: readonly Get[] }
} {
  using open = database
  open.flush(FILES_TABLE)
  const commits = importedCommits(open)
  const readable = readableCommits(open, commits)
  const isReadable = new Set(readable)
  const chosen = chooseCommits(open, random.fork('readable'), readable)
  const others = chooseCommits(
    open,
    random.fork('unreadable'),
    commits.filter((commit) => !isReadable.has(commit)),
  )
  const { writeAmplification, versions, bytes, levels, totals, cutoff } = filesStats(open)
  return {
    report: {
      ...{ writeAmplification, versions, bytes, compactions: totals.compactions, levels },
      readableFrom: cutoff.at,
      readableThrough: formatIso(open.newest),
      readableCommits: readable.length,
      verified: verifyCommits(open, chosen),
      refused: verifyCommits(open, others),
    },
    gets: {
      now: chooseGets(open, random.fork('now'), { count: GETS }),
      past: chosen.flatMap(({ id, time }, i) =>
        chooseGets(open, random.fork(id), { asOf: time, count: shareOf(GETS, chosen.length, i) }),
      ),
    },
  }
}

/** What the `i`-th of so many gets of a count: all together get it all. */
function shareOf(count: number, parts: number, i: number): number {
  return Math.floor(count / parts) + (i < count % parts ? 1 : 0)
}

function chooseCommits(
  database: Database,
  random: RandomStream,
  commits: readonly ImportedCommit[],
): readonly ImportedCommit[] {
  const files = [...database.table(FILES_TABLE).scan()].length
  const fits = Math.floor(SAMPLE.rowsMax / Math.max(1, files))
  return sample(random, commits, Math.max(SAMPLE.least, Math.min(SAMPLE.most, fits)))
}
