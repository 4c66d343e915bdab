/**
 * What history costs: one history, replayed until there is enough of it, into a database for each policy
 * and each retention window.
 *
 *     span of the replay    ├───────────────────────────────────────────────────────────┤
 *     100 % of it           ├──────────────────────── readable ─────────────────────────┤
 *     10 %                                                                        ├─────┤
 *     1 %                                                                              ├┤
 *
 * Each database is weighed as its own compactions left it: a full one would make the policies look alike.
 * The least that a window needs is what a full compaction of a copy leaves. Sizes, seed and all choices
 * are decided ahead, nothing is timed and nothing synced: the same history and seed give the same numbers everywhere.
 *
 * All numbers are of the table `git.files`. Space amplification is the bytes of its files over those of a fully compacted
 * table that holds only the newest state. Where N files have U changes a second and R seconds are kept, a window needs about
 * N + U·R versions: the answer of each file as the window begins, and every change within it. In bytes it
 * is less than that many times the newest state, because a block has each of its keys once.
 */
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from '../../base/checksum.ts'
import { openDatabase } from '../../database/database.ts'
import { MemoryFiles } from '../../storage/memory-files.ts'
import { POLICY_NAMES } from '../../storage/policy.ts'
import { formatDuration } from '../../time/duration.ts'
import { type GitCommit } from '../git/history.ts'
import { importHistory } from '../git/import.ts'
import { FILES_TABLE } from '../git/tables.ts'
import { type ReplayPlan, filesAfter, planReplay, replayHistory } from '../git/replay.ts'
import { GEOMETRY, type OnProgress, filesStats, reopen } from './databases.ts'
import { type PolicyReport, areProved, timesOf, weighPolicy } from './policy-report.ts'

/** What the files of the table `git.files` hold after a full compaction. */
export interface CompactedSize {
  readonly versions: number
  /** Bytes of the table files. */
  readonly bytes: number
  /** These over the bytes of the newest state by itself. */
  readonly spaceAmplification: number
}

/** One retention window, under every policy. */
export interface WindowReport {
  /** The window as a share of the replay's span. */
  readonly share: number
  /** Its length. */
  readonly keep: string
  /** What it needs: what is left after a full compaction, whatever the policy. */
  readonly least: CompactedSize
  readonly policies: readonly PolicyReport[]
  /** Whether every sample is what git recorded, and all policies gave the same answers. */
  readonly isProved: boolean
}

/** What history costs. */
export interface Weighing {
  /** Rows that were asked for, and the replay that has them. */
  readonly rowsMin: number
  readonly replay: ReplayPlan
  readonly seed: number
  /** The newest state by itself, by which space amplification is measured. */
  readonly newest: CompactedSize
  readonly windows: readonly WindowReport[]
}

/** What is weighed, and where its databases are made. */
export interface WeighingOptions {
  readonly commits: readonly GitCommit[]
  readonly directory: string
  /** Rows that each database gets at least. */
  readonly rowsMin: number
  /** Chooses the commits that are verified, and the keys and times that are read. */
  readonly seed: number
  readonly onProgress: OnProgress
}

/** The windows, as shares of the span. */
const SHARES = [0.01, 0.1, 1]

/** Weighs every policy over every window. */
export function weigh({ commits, directory, rowsMin, seed, onProgress }: WeighingOptions): Weighing {
  const replay = planReplay(commits, rowsMin)
  const newest = newestState(commits)
  const windows = SHARES.map((share): WindowReport => {
    const keep = Math.max(1, Math.floor(replay.spanSeconds * 1_000_000 * share))
    const policies = POLICY_NAMES.map((policy) => {
      const path = join(directory, `${policy}-${share * 100}-percent.palimpsest`)
      const tell = (done: number) => onProgress(`${share * 100} % by ${policy}`, done, replay.commits)
      const plan = {
        directory: path,
        syncs: false,
        policy,
        keep,
        seed,
        newestBytes: newest.bytes,
        onProgress: tell,
      }
      return weighPolicy(plan, replayHistory(commits, replay))
    })
    const least = compactedCopy(policies[0]!.directory, newest.bytes)
    return { share, keep: formatDuration(keep), least, policies, isProved: areProved(policies) }
  })
  return { rowsMin, replay, seed, newest, windows }
}

/** The newest state as one commit, in memory: its files have the bytes that they would have on a disk. */
function newestState(commits: readonly GitCommit[]): CompactedSize {
  const files = [...filesAfter(commits).values()]
  const changes = files.map((file) => ({ ...file, kind: 'set' as const }))
  const { database } = importHistory(
    (clock) => openDatabase({ files: new MemoryFiles(), clock, checksum: crc32 }, { geometry: GEOMETRY }),
    [{ ...commits.at(-1)!, changes }],
  )
  using open = database
  open.compact(FILES_TABLE)
  const { versions, bytes } = filesStats(open)
  return { versions, bytes, spaceAmplification: 1 }
}

/** A full compaction of a copy, which does not stay. */
function compactedCopy(directory: string, newestBytes: number): CompactedSize {
  const copy = `${directory}.compacted`
  cpSync(directory, copy, { recursive: true })
  try {
    using database = reopen(copy)
    database.compact(FILES_TABLE)
    const { versions, bytes } = filesStats(database)
    return { versions, bytes, spaceAmplification: timesOf(bytes, newestBytes) }
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
