/**
 * A git history as two tables: what they are called, and what stands in them.
 *
 *     git.files      path       { mode, object } with contents also { text } or { bytes }
 *     git.commits    commit id  { tree, seconds }
 *
 * Paths of git are bytes, keys are text: a path that is not UTF-8 has its C-quoted form for a key.
 */
import { bytesOfText, textOfBytes } from '../../base/bytes.ts'
import { byteTextOf, bytesOfByteText, quotePath, unquotePath } from './quoting.ts'

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
