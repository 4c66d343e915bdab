/**
 * The restore of the main job: the history goes back to one commit, is proved by its tree id, is put
 * forward again by the undo, and is proved commit by commit once more.
 */
import { PalimpsestError } from '../../base/errors.ts'
import { pick, seededRandom } from '../../simulator/random.ts'
import { type GitCommit } from '../git/history.ts'
import { type RestoreProof, proveRestore } from '../git/restore-check.ts'
import { type VerifyReport, verifyHistory } from '../git/verify.ts'
import { type OnProgress, reopen } from './databases.ts'

/** A restore that was proved and undone. */
export interface RestoreStep {
  readonly chosenBy: 'name' | 'seed'
  /** The commit's place in the history, from 1 on. */
  readonly position: number
  readonly proof: RestoreProof
  /** Every commit, after the undo. */
  readonly verified: VerifyReport
  readonly isProved: boolean
}

/** Which commit is restored: one that is named by its id or the beginning of it, or one that a seed chooses. */
export interface RestoreChoice {
  readonly named?: string | undefined
  readonly seed: number
}

/** The commit to restore. Throws `INVALID_ARGUMENT` where a name is that of none, or of several. */
export function chooseCommit(commits: readonly GitCommit[], { named, seed }: RestoreChoice): GitCommit {
  if (named === undefined) return pick(seededRandom(seed).fork('restore'), commits)
  const refuse = (why: string) => {
    const message = `${JSON.stringify(named)} ${why}`
    return new PalimpsestError('INVALID_ARGUMENT', message, { commit: named })
  }
  if (!/^[0-9a-f]{4,40}$/i.test(named)) throw refuse('is not 4 to 40 digits of the id of a commit')
  const [commit, other] = commits.filter(({ id }) => id.startsWith(named.toLowerCase()))
  if (commit === undefined) throw refuse('names no commit of this history')
  if (other !== undefined) throw refuse('names several commits of this history')
  return commit
}

/** Restores a database that holds all of a history to one of its commits, and undoes that. */
export async function restoreStep(
  directory: string,
  commits: readonly GitCommit[],
  commit: GitCommit,
  chosenBy: RestoreStep['chosenBy'],
  onProgress: OnProgress,
): Promise<RestoreStep> {
  using database = reopen(directory)
  const proof = await proveRestore(database, commit.id)
  const verified = verifyHistory(database, (done, total) => onProgress('verify after the undo', done, total))
  const isWhole = verified.matched === commits.length && proof.undone === commits.at(-1)!.tree
  return {
    chosenBy,
    position: commits.indexOf(commit) + 1,
    proof,
    verified,
    isProved: proof.isProved && isWhole,
  }
}
