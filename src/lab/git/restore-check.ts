/**
 * Proves restores against git: a git history is put back to a commit, what it holds then must hash to the
 * tree that git recorded for that commit, and after the undo to what it hashed to before.
 *
 *     time    commit c              R restore               U undo
 *     tree    ──●── c's tree ─ … ─ before ┤ c's tree ───────┤ before ──▶
 *               └──────── the same ───────┘ and as of R for ever (law 8)
 *
 * Both tables go back by one commit of the catalog: the commits that are listed then end with c.
 */
import { defined } from '../../base/assert.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { type Database } from '../../database/database.ts'
import { pick, seededRandom } from '../../simulator/random.ts'
import { formatExact, formatIso } from '../../time/hybrid-time.ts'
import { GIT_KEYSPACE } from './tables.ts'
import { type ImportedCommit, importedCommits, readableCommits, treeIdAsOf, treeIdNow } from './verify.ts'

/** A restore to a commit that was undone again, with every tree that was found on the way. */
export interface RestoreProof {
  readonly commit: string
  /** The time of the commit, to which everything was put back: exact, and to read. */
  readonly time: string
  readonly at: string
  /** The restore's id, under which `restores` lists it. */
  readonly restore: string
  /** The tree that git recorded for the commit. */
  readonly expected: string
  /** The tree before the restore. */
  readonly before: string
  /** The tree after the restore: the expected one. */
  readonly restored: string
  /** Whether the commits that were listed after the restore ended with this one. */
  readonly endsWithCommit: boolean
  /** The tree after the undo: the one before. */
  readonly undone: string
  /** The tree as of the restore, read after the undo: the expected one still. */
  readonly remembered: string
  /** Whether all of that is as it has to be. */
  readonly isProved: boolean
}

/** What a number of restores found. */
export interface RestoreCheckReport {
  readonly seed: number
  /** Commits that could be chosen: those that can be read. */
  readonly readable: number
  readonly restores: number
  readonly proved: number
  readonly failed: number
  readonly firstFailure?: RestoreProof | undefined
}

/** How many restores, to which commits. */
export interface RestoreCheckOptions {
  readonly restores: number
  /** Chooses the commits: the same ones each time, as long as the same ones can be read. */
  readonly seed: number
  readonly onProgress?: ((done: number, total: number) => void) | undefined
}

/**
 * Puts a git history back to commits chosen by a seed, one after the other, and proves and undoes each.
 * Throws `INVALID_ARGUMENT` where no commit can be read.
 */
export async function checkRestores(
  database: Database,
  { restores, seed, onProgress }: RestoreCheckOptions,
): Promise<RestoreCheckReport> {
  const readable = readableCommits(database, importedCommits(database))
  if (readable.length === 0) {
    throw new PalimpsestError('INVALID_ARGUMENT', 'there is no commit that can be read, and none to restore')
  }
  const random = seededRandom(seed).fork('restores')
  let proved = 0
  let firstFailure: RestoreProof | undefined
  for (let done = 0; done < restores; done++) {
    onProgress?.(done, restores)
    const proof = await proveRestore(database, pick(random, readable).id)
    if (proof.isProved) proved++
    else firstFailure ??= proof
  }
  return { seed, readable: readable.length, restores, proved, failed: restores - proved, firstFailure }
}

/** Puts a git history back to one of its commits, and undoes that. Throws as a restore does. */
export async function proveRestore(database: Database, id: string): Promise<RestoreProof> {
  const known = importedCommits(database)
  const commit = defined(
    known.find((each) => each.id === id),
    'a restore is to a commit that is known',
  )
  const before = treeIdNow(database)
  const restore = await database.restore(GIT_KEYSPACE, { to: commit.time })
  const restored = treeIdNow(database)
  const endsWithCommit = endsWith(importedCommits(database), known, commit)
  await database.undo(restore.id)
  const undone = treeIdNow(database)
  const remembered = treeIdAsOf(database, defined(restore.time, 'the time of a restore that was made'))
  const expected = commit.tree
  const isBack = undone === before && importedCommits(database).length === known.length
  return {
    ...{ commit: id, time: formatExact(commit.time), at: formatIso(commit.time), restore: restore.id },
    ...{ expected, before, restored, endsWithCommit, undone, remembered },
    isProved: restored === expected && remembered === expected && endsWithCommit && isBack,
  }
}

/** Whether commits are those that are known, through this one. */
function endsWith(
  listed: readonly ImportedCommit[],
  known: readonly ImportedCommit[],
  commit: ImportedCommit,
): boolean {
  return listed.at(-1)?.id === commit.id && listed.length === known.indexOf(commit) + 1
}
