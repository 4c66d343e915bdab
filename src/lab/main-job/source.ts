/**
 * Where the main job takes its history from: the repository that it stands in, or a generated history
 * where there is none to speak of. How much it takes is decided by counting rows, never by a clock, so
 * that the same repository gives the same job.
 */
import { PalimpsestError } from '../../base/errors.ts'
import { generateHistory } from '../git/generator.ts'
import { type GitCommit } from '../git/history.ts'
import { readRepository } from '../git/repository.ts'

/** Where the history comes from, and why. */
export interface HistorySource {
  readonly kind: 'repository' | 'generated'
  readonly because: string
  readonly commits: number
  readonly changes: number
}

/** How much history makes a job that matters, and takes less than a minute. */
export interface HistoryLimits {
  /** A repository with fewer commits is not much of a history. */
  readonly commitsMin: number
  /** Rows that one verification reads at most: the older commits of a larger repository, then no more. */
  readonly rowsMax: number
  /** Changes that each database gets at most, in the same way. */
  readonly changesMax: number
}

const LIMITS: HistoryLimits = { commitsMin: 20, rowsMax: 400_000, changesMax: 60_000 }
const GENERATED = { seed: 1, commits: 600, files: 120 }

/** The repository's history, or a generated one where there is none to speak of. */
export function chooseHistory(
  directory: string,
  limits: HistoryLimits = LIMITS,
): {
  readonly source: HistorySource
  readonly commits: readonly GitCommit[]
} {
  const found = historyOf(directory, limits)
  const isEnough = found.commits.length >= limits.commitsMin
  const commits = isEnough ? found.commits : [...generateHistory(GENERATED)]
  const kind = isEnough ? 'repository' : 'generated'
  const because = isEnough
    ? found.because
    : `${found.because}; a generated history (seed ${GENERATED.seed}) is used instead`
  const changes = commits.reduce((sum, commit) => sum + commit.changes.length, 0)
  return { source: { kind, because, commits: commits.length, changes }, commits }
}

/** The oldest commits of a repository, as many as can be verified in short time. */
function historyOf(
  directory: string,
  { commitsMin, rowsMax, changesMax }: HistoryLimits,
): { commits: readonly GitCommit[]; because: string } {
  const commits: GitCommit[] = []
  const paths = new Set<string>()
  let [rows, changes] = [0, 0]
  try {
    for (const commit of readRepository(directory)) {
      for (const change of commit.changes) {
        const path = change.path.join()
        if (change.kind === 'set') paths.add(path)
        else paths.delete(path)
      }
      rows += paths.size
      changes += commit.changes.length
      if (rows > rowsMax || changes > changesMax) {
        if (commits.length < commitsMin) return { commits: [], because: 'the trees here are too large' }
        return {
          commits,
          because: `the first ${commits.length} commits of the repository here, along first parents`,
        }
      }
      commits.push(commit)
    }
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
    return { commits: [], because: `no history can be read here (${error.message})` }
  }
  const many = commits.length === 1 ? '1 commit' : `${commits.length} commits`
  // Fewer than `git log` lists, where branches were merged.
  return { commits, because: `the repository here has ${many}, counted along first parents` }
}
