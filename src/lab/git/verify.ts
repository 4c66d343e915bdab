/**
 * Proves a database of a git history against git itself: a scan as of each commit, hashed the way git
 * hashes trees, must give the tree id that the commit recorded.
 */
import { PalimpsestError } from '../../base/errors.ts'
import { type Database } from '../../database/database.ts'
import { type HybridTime } from '../../time/hybrid-time.ts'
import { contains } from '../../time/stretches.ts'
import { type GitChange, type GitEntry } from './history.ts'
import { byteTextOf } from './quoting.ts'
import { COMMITS_TABLE, type CommitDocument, FILES_TABLE, type FileDocument, pathOfKey } from './tables.ts'
import { treeId } from './tree-id.ts'

/** What a verification found. */
export interface VerifyReport {
  /** Commits that were to be verified. */
  readonly commits: number
  /** Commits whose tree is what git recorded. */
  readonly matched: number
  /** Commits whose tree is not. */
  readonly mismatched: number
  /** Commits whose time retention has let go, so that reading them is refused. */
  readonly unreadable: number
  /** The first commit that did not match. */
  readonly firstMismatch?:
    { readonly commit: string; readonly expected: string; readonly found: string } | undefined
}

/** A commit with its time in the database. */
export interface ImportedCommit extends CommitDocument {
  readonly id: string
  readonly time: HybridTime
}

/** The commits that a database knows, oldest first. */
export function importedCommits(database: Database): readonly ImportedCommit[] {
  const rows = database.table<string, CommitDocument>(COMMITS_TABLE).scan()
  return Array.from(rows, ({ key: id, value, time }) => ({ id, time, ...value })).toSorted((a, b) =>
    a.time < b.time ? -1 : 1,
  )
}

/** The commits whose times can be read, in the order given. */
export function readableCommits(
  database: Database,
  commits: readonly ImportedCommit[],
): readonly ImportedCommit[] {
  const readable = database.readable(FILES_TABLE)
  return commits.filter(({ time }) => contains(readable, time))
}

/** The tree id of what the database held at a time. Throws `HISTORY_GONE`. */
export function treeIdAsOf(database: Database, time: HybridTime): string {
  return treeId(entriesAsOf(database, time))
}

/** The tree id of what the database holds. */
export function treeIdNow(database: Database): string {
  return treeId(entriesAsOf(database, undefined))
}

/**
 * Whether the files are what they were as of a commit: nothing was put back, or written, since. Of one that cannot be
 * read any more they are taken to be.
 */
export function filesStandAt(database: Database, { time }: ImportedCommit): boolean {
  if (!database.tables.includes(FILES_TABLE)) return false
  const then = treeIdIfReadable(database, time)
  return then === undefined || then === treeIdNow(database)
}

/** The tree id of what the database would hold after some changes. */
export function treeIdAfter(database: Database, changes: readonly GitChange[]): string {
  const entries = new Map<string, GitEntry>()
  for (const entry of entriesAsOf(database, undefined)) entries.set(byteTextOf(entry.path), entry)
  for (const { kind, path } of changes) if (kind === 'delete') entries.delete(byteTextOf(path))
  for (const change of changes) if (change.kind === 'set') entries.set(byteTextOf(change.path), change)
  return treeId(entries.values())
}

/** Checks every commit that the database knows. */
export function verifyHistory(
  database: Database,
  onProgress?: (done: number, total: number) => void,
): VerifyReport {
  return verifyCommits(database, importedCommits(database), onProgress)
}

/** Checks some commits. */
export function verifyCommits(
  database: Database,
  commits: readonly ImportedCommit[],
  onProgress?: (done: number, total: number) => void,
): VerifyReport {
  let [matched, mismatched, unreadable] = [0, 0, 0]
  let firstMismatch: VerifyReport['firstMismatch']
  for (const [i, { id, tree, time }] of commits.entries()) {
    const found = treeIdIfReadable(database, time)
    if (found === undefined) unreadable++
    else if (found === tree) matched++
    else {
      mismatched++
      firstMismatch ??= { commit: id, expected: tree, found }
    }
    onProgress?.(i + 1, commits.length)
  }
  return { commits: commits.length, matched, mismatched, unreadable, firstMismatch }
}

function treeIdIfReadable(database: Database, time: HybridTime): string | undefined {
  try {
    return treeIdAsOf(database, time)
  } catch (error) {
    if (error instanceof PalimpsestError && error.code === 'HISTORY_GONE') return undefined
    throw error
  }
}

function* entriesAsOf(database: Database, asOf: HybridTime | undefined): Generator<GitEntry> {
  for (const { key, value } of database.table<string, FileDocument>(FILES_TABLE).scan({ asOf })) {
    yield { path: pathOfKey(key), mode: value.mode, object: value.object }
  }
}
