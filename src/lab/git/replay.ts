/**
 * A history again and again, as one longer history: the same paths over and over, until there is enough
 * data to matter.
 *
 *     pass 0              pass 1              pass 2
 *     c₀ c₁ c₂ … cₙ       j  c₁ c₂ … cₙ       j  c₁ c₂ … cₙ
 *     ├── as it was ──┤   │ ◀── one period later, the times between commits as they were
 *                         └ the join: from the tree of cₙ to that of c₀, of which it takes the place
 *
 * Every commit of a pass leads to the tree that the same commit led to in the history, so a replay proves
 * itself as the history does. It is made while it is read; only the history itself is in memory.
 */
import { createHash } from 'node:crypto'
import { PalimpsestError } from '../../base/errors.ts'
import { type GitChange, type GitCommit, type GitEntry, SECONDS_MAX } from './history.ts'
import { byteTextOf } from './quoting.ts'

/** How a history is replayed: everything that is decided before the first commit. */
export interface ReplayPlan {
  /** How often the history is gone through, the first time included. */
  readonly passes: number
  /** Commits of all passes. */
  readonly commits: number
  /** Changes of paths in all passes, joins included. */
  readonly changes: number
  /** From a commit of one pass to the same commit of the next, in seconds. */
  readonly periodSeconds: number
  /** From the earliest commit to the latest, in seconds of the replay. */
  readonly spanSeconds: number
  /**
   * How many seconds of the history are one second of the replay: 1, unless it would go on beyond
   * {@link SECONDS_MAX}.
   */
  readonly squeeze: number
}

/**
 * Plans a replay of whole passes that writes at least so many rows, where a commit writes one for each
 * change and one for itself. Throws `INVALID_ARGUMENT` for a history without commits.
 */
export function planReplay(commits: readonly GitCommit[], rowsMin: number): ReplayPlan {
  if (commits.length === 0) throw new PalimpsestError('INVALID_ARGUMENT', 'the history has no commits')
  const changesOnce = commits.reduce((sum, { changes }) => sum + changes.length, 0)
  const changesAgain = changesOnce - commits[0]!.changes.length + joinOf(commits).length
  const { from, through } = secondsOf(commits)
  const rowsLeft = rowsMin - changesOnce - commits.length
  const wanted = 1 + Math.max(0, Math.ceil(rowsLeft / (changesAgain + commits.length)))
  const passes = Math.max(1, Math.min(wanted, SECONDS_MAX - from))
  const periodAt = (squeeze: number) => periodOf((through - from) / squeeze, commits.length)
  // One pass always ends in time, because the history does; any number does if a pass takes a second.
  const squeeze =
    passes === 1 ? 1 : leastThat((candidate) => from + passes * periodAt(candidate) <= SECONDS_MAX)
  const periodSeconds = periodAt(squeeze)
  return {
    passes,
    commits: passes * commits.length,
    changes: changesOnce + (passes - 1) * changesAgain,
    periodSeconds,
    spanSeconds: (passes - 1) * periodSeconds + Math.floor((through - from) / squeeze),
    squeeze,
  }
}

/** The commits of a replay, oldest first. The first pass has the ids of the history, later ones their own. */
export function* replayHistory(commits: readonly GitCommit[], plan: ReplayPlan): Generator<GitCommit> {
  const join = joinOf(commits)
  const { from } = secondsOf(commits)
  for (let pass = 0; pass < plan.passes; pass++) {
    for (const [i, commit] of commits.entries()) {
      const { id, tree, seconds, changes } = commit
      yield {
        id: pass === 0 ? id : sha1(`pass ${pass} of ${id}`),
        tree,
        seconds: from + Math.floor((seconds - from) / plan.squeeze) + pass * plan.periodSeconds,
        changes: pass > 0 && i === 0 ? join : changes,
      }
    }
  }
}

/** The files after some commits, by the byte text of their paths. */
export function filesAfter(commits: Iterable<GitCommit>): ReadonlyMap<string, GitEntry> {
  const files = new Map<string, GitEntry>()
  for (const { changes } of commits) {
    for (const change of changes) {
      const key = byteTextOf(change.path)
      if (change.kind === 'set') files.set(key, change)
      else files.delete(key)
    }
  }
  return files
}

/** The changes that lead from the last tree of a history to its first one. */
function joinOf(commits: readonly GitCommit[]): readonly GitChange[] {
  const before = filesAfter(commits)
  const after = filesAfter(commits.slice(0, 1))
  const gone = [...before.entries()].filter(([key]) => !after.has(key))
  const other = [...after.entries()].filter(([key, { mode, object }]) => {
    const old = before.get(key)
    return old?.mode !== mode || old.object !== object
  })
  return [
    ...gone.map(([, { path }]): GitChange => ({ kind: 'delete', path })),
    ...other.map(([, { path, mode, object }]): GitChange => ({ kind: 'set', path, mode, object })),
  ]
}

/** Its times may go back: the first commit is not always the earliest. */
function secondsOf(commits: readonly GitCommit[]): { readonly from: number; readonly through: number } {
  const seconds = commits.map((commit) => commit.seconds)
  const from = seconds.reduce((least, next) => Math.min(least, next))
  return { from, through: seconds.reduce((most, next) => Math.max(most, next), from) }
}

/** The span of a pass, and from its end to the next one as long as between two commits on average. */
function periodOf(spanSeconds: number, commits: number): number {
  const span = Math.floor(spanSeconds)
  return span + Math.max(1, Math.floor(span / Math.max(1, commits - 1)))
}

/** The least whole number from 1 on with which something fits. */
function leastThat(fits: (candidate: number) => boolean): number {
  let least = 1
  while (!fits(least)) least++
  return least
}

function sha1(text: string): string {
  return createHash('sha1').update(text).digest('hex')
}
