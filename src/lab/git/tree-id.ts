/**
 * Tree ids: what git hashes a directory to.
 *
 *     id = SHA-1 of  "tree <length>\0"  and, for each entry,  "<mode> <name>\0<20 bytes of id>"
 *
 * A directory is an entry of its parent, with mode 40000. Entries sort by name as if the names of
 * directories ended in '/'. Full paths in byte order give just that order: below one directory, the
 * character behind a directory's name *is* '/'. So one pass over sorted paths, with a stack of the
 * directories it is in, hashes a whole tree.
 */
import { createHash } from 'node:crypto'
import { PalimpsestError } from '../../base/errors.ts'
import type { GitChange, GitEntry, GitFile } from './history.ts'
import { byteTextOf } from './quoting.ts'

/** A directory that is not yet at its end: where it lies (with a '/' behind it), and its entries so far. */
interface OpenDirectory {
  readonly prefix: string
  body: string
}

/**
 * The id of the tree that has exactly these entries, in any order; those in the byte order of their
 * paths, as a scan gives them, cost no sort. A set of paths that no tree can have (one twice; `a` and
 * `a/b`) has an id that no commit has.
 */
export function treeId(entries: Iterable<GitEntry>): string {
  const stack: OpenDirectory[] = [{ prefix: '', body: '' }]
  for (const [path, file] of sortedByPath(entries)) {
    while (!path.startsWith(stack.at(-1)!.prefix)) closeDirectory(stack)
    let from = stack.at(-1)!.prefix.length
    for (let slash = path.indexOf('/', from); slash !== -1; slash = path.indexOf('/', from)) {
      from = slash + 1
      stack.push({ prefix: path.slice(0, from), body: '' })
    }
    stack.at(-1)!.body += fileEntry(path.slice(from), file)
  }
  while (stack.length > 1) closeDirectory(stack)
  return hashTree(stack[0]!.body, 'hex')
}

/**
 * A tree that changes, and knows its id: a change costs a hash of the directories above it, whatever
 * the size of the rest. It shares nothing with {@link treeId} but the form of an entry.
 */
export class TreeHasher {
  readonly #root: Directory = newDirectory()

  /**
   * Carries out the changes of one commit, deletes first. `INVALID_ARGUMENT`, with the tree half
   * changed, if a path to delete is not there, or if a file stands where a directory must be.
   */
  apply(changes: readonly GitChange[]): void {
    for (const change of changes) if (change.kind === 'delete') this.#delete(byteTextOf(change.path))
    for (const change of changes) if (change.kind === 'set') this.#set(byteTextOf(change.path), change)
  }

  /** The id of the tree as it is. */
  get id(): string {
    return Buffer.from(directoryId(this.#root), 'latin1').toString('hex')
  }

  #set(path: string, file: GitFile): void {
    const names = path.split('/')
    const name = names.pop()!
    let directory = this.#root
    directory.id = undefined
    for (const step of names) {
      let next = directory.entries.get(step)
      if (typeof next === 'string') throw misfit(path, 'lies below a file')
      if (next === undefined) directory.entries.set(step, (next = newDirectory()))
      next.id = undefined
      directory = next
    }
    if (typeof (directory.entries.get(name) ?? '') !== 'string') throw misfit(path, 'is a directory')
    directory.entries.set(name, fileEntry(name, file))
  }

  #delete(path: string): void {
    const names = path.split('/')
    const name = names.pop()!
    const above: Directory[] = [this.#root]
    for (const step of names) {
      const next = above.at(-1)!.entries.get(step)
      if (next === undefined || typeof next === 'string') throw misfit(path, 'is not there to delete')
      above.push(next)
    }
    if (typeof above.at(-1)!.entries.get(name) !== 'string') throw misfit(path, 'is not there to delete')
    above.at(-1)!.entries.delete(name)
    for (const directory of above) directory.id = undefined
    // Git knows no empty directories.
    for (let depth = above.length - 1; depth > 0 && above[depth]!.entries.size === 0; depth--) {
      above[depth - 1]!.entries.delete(names[depth - 1]!)
    }
  }
}

/** Entries by name: a file as the line that is hashed, a directory as itself. */
interface Directory {
  readonly entries: Map<string, string | Directory>
  /** Its id, unless something below has changed since. */
  id: string | undefined
}

function newDirectory(): Directory {
  return { entries: new Map(), id: undefined }
}

function directoryId(directory: Directory): string {
  if (directory.id !== undefined) return directory.id
  const sorted: (readonly [order: string, entry: string])[] = []
  for (const [name, entry] of directory.entries) {
    if (typeof entry === 'string') sorted.push([name, entry])
    else sorted.push([`${name}/`, directoryEntry(name, directoryId(entry))])
  }
  sorted.sort(byFirst)
  return (directory.id = hashTree(sorted.map(([, entry]) => entry).join(''), 'binary'))
}

function misfit(path: string, what: string): PalimpsestError {
  return new PalimpsestError('INVALID_ARGUMENT', `${JSON.stringify(path)} ${what}`, { path })
}

/** Ends the innermost directory and enters it into the one above. */
function closeDirectory(stack: OpenDirectory[]): void {
  const { prefix, body } = stack.pop()!
  const parent = stack.at(-1)!
  parent.body += directoryEntry(prefix.slice(parent.prefix.length, -1), hashTree(body, 'binary'))
}

function sortedByPath(entries: Iterable<GitEntry>): readonly (readonly [path: string, file: GitFile])[] {
  const rows = Array.from(entries, (entry) => [byteTextOf(entry.path), entry] as const)
  const sorted = rows.every(([path], index) => index === 0 || rows[index - 1]![0] <= path)
  return sorted ? rows : rows.toSorted(byFirst)
}

function byFirst(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0
}

function fileEntry(name: string, { mode, object }: GitFile): string {
  if (!/^[1-7][0-7]{5}$/.test(mode) || !/^[0-9a-f]{40}$/.test(object)) {
    throw new PalimpsestError('INVALID_ARGUMENT', 'not a mode and an object of git', { mode, object })
  }
  return `${mode} ${name}\0${Buffer.from(object, 'hex').toString('latin1')}`
}

function directoryEntry(name: string, id: string): string {
  return `40000 ${name}\0${id}`
}

/** The id of a directory whose entries are this byte text. */
function hashTree(body: string, encoding: 'hex' | 'binary'): string {
  return createHash('sha1').update(`tree ${body.length}\0`).update(body, 'latin1').digest(encoding)
}
