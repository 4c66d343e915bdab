/**
 * A git history as plain data: the commits of one line of history, oldest first, each with its changes.
 *
 * Paths are keys, (mode, object) pairs are values, commits are transactions. A commit names the tree it
 * leads to, a hash over all paths, modes and objects: so a replay proves itself, commit by commit.
 *
 * Paths are bytes, because git's are: most are UTF-8, none has to be. Modes and ids stay the text that
 * git prints. Only SHA-1 repositories are supported; SHA-256 ones are refused by name.
 */
import { MICROS_MAX } from '../../time/hybrid-time.ts'

/** What a path holds. */
export interface GitFile {
  /** One of {@link GIT_MODES}. */
  readonly mode: string
  /** The id of a blob, or of another repository's commit for a submodule: 40 hexadecimal digits. */
  readonly object: string
}

/** A path and what it holds: a row of a tree that is written out flat. */
export interface GitEntry extends GitFile {
  readonly path: Uint8Array
}

/** One path gets something else to hold, or ends. */
export type GitChange =
  | { readonly kind: 'set'; readonly path: Uint8Array; readonly mode: string; readonly object: string }
  | { readonly kind: 'delete'; readonly path: Uint8Array }

/**
 * One step of a history. No path is changed twice in it. A file may give way to a directory of its
 * name, or the reverse: whoever applies changes one by one does the deletes first.
 */
export interface GitCommit {
  readonly id: string
  /** The id of the tree after the changes. */
  readonly tree: string
  /** When it was committed, in Unix seconds, at most {@link SECONDS_MAX}. May repeat or go back. */
  readonly seconds: number
  readonly changes: readonly GitChange[]
}

/** The modes that git writes: file, executable file, symbolic link, submodule. */
export const GIT_MODES: readonly string[] = ['100644', '100755', '120000', '160000']

/** The mode of a submodule, whose object is no blob and lies in another repository. */
export const SUBMODULE_MODE = '160000'

/** The last second that a hybrid time can name, in the year 2112. */
export const SECONDS_MAX: number = Math.floor(MICROS_MAX / 1_000_000)

/** The id of the tree without entries. */
export const EMPTY_TREE = '4b825dc642cb6eb9a060e54bf8d69288fbee4904'
