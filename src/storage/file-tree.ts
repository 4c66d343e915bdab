/**
 * The names of a file system that is kept in memory: directories that map names to files or other
 * directories, and the rules by which a path is found or refused.
 *
 * It knows nothing of what is in a file. A file may have several names. Operations look up first and
 * change the maps themselves afterwards, so that a refused operation changes nothing.
 */
import { type FileOperation, ioFailed, partsOfPath } from './file-rules.ts'

/** A directory: names, each bound to a file or a directory. */
export class Directory<File extends object> {
  readonly entries: Map<string, TreeNode<File>> = new Map()
}

/** What a name can be bound to. */
export type TreeNode<File extends object> = File | Directory<File>

/** A place for the name of a file: the directory it is in, and the file that has the name there. */
export interface Slot<File extends object> {
  readonly directory: Directory<File>
  readonly name: string
  readonly file: File | undefined
}

/** A file, the place of its name, and the place that is to have it as well or instead. */
export interface Move<File extends object> {
  readonly file: File
  readonly source: Slot<File>
  readonly target: Slot<File>
}

/** A tree of names, found by path. Failures carry the errno that Linux would give. */
export class FileTree<File extends object> {
  readonly root: Directory<File>

  constructor(root: Directory<File> = new Directory<File>()) {
    this.root = root
  }

  /** What a path names, or `undefined`. `ENOTDIR` if the path goes through a file. */
  node(operation: FileOperation, path: string): TreeNode<File> | undefined {
    let node: TreeNode<File> | undefined = this.root
    for (const part of partsOfPath(path)) {
      if (node === undefined) return undefined
      if (!(node instanceof Directory)) throw ioFailed(operation, path, 'ENOTDIR')
      node = node.entries.get(part)
    }
    return node
  }

  /** The file of this name, or `undefined`. `EISDIR` if it is a directory. */
  findFile(operation: FileOperation, path: string): File | undefined {
    const node = this.node(operation, path)
    if (node instanceof Directory) throw ioFailed(operation, path, 'EISDIR')
    return node
  }

  /** The file of this name. */
  file(operation: FileOperation, path: string): File {
    const file = this.findFile(operation, path)
    if (file === undefined) throw ioFailed(operation, path, 'ENOENT')
    return file
  }

  /** The directory of this name, or `undefined`. `ENOTDIR` if it is a file. */
  findDirectory(operation: FileOperation, path: string): Directory<File> | undefined {
    const node = this.node(operation, path)
    if (node !== undefined && !(node instanceof Directory)) throw ioFailed(operation, path, 'ENOTDIR')
    return node
  }

  /** The directory of this name. */
  directory(operation: FileOperation, path: string): Directory<File> {
    const directory = this.findDirectory(operation, path)
    if (directory === undefined) throw ioFailed(operation, path, 'ENOENT')
    return directory
  }

  /** The place for a file, whether it is there or not; its directory must exist. */
  slot(operation: FileOperation, path: string): Slot<File> {
    const parts = partsOfPath(path)
    const name = parts.at(-1)
    if (name === undefined) throw ioFailed(operation, path, 'EISDIR')
    const parent = this.node(operation, parts.slice(0, -1).join('/'))
    if (parent === undefined) throw ioFailed(operation, path, 'ENOENT')
    if (!(parent instanceof Directory)) throw ioFailed(operation, path, 'ENOTDIR')
    const node = parent.entries.get(name)
    if (node instanceof Directory) throw ioFailed(operation, path, 'EISDIR')
    return { directory: parent, name, file: node }
  }

  /** The place for a new name. `EEXIST` if it is taken, by whatever it be. */
  freeSlot(operation: FileOperation, path: string): Slot<File> {
    if (this.node(operation, path) !== undefined) throw ioFailed(operation, path, 'EEXIST')
    return this.slot(operation, path)
  }

  /**
   * Both places of a rename, or `undefined` where nothing is to be done: of two names of one file,
   * POSIX renames none.
   */
  planRename(from: string, to: string): Move<File> | undefined {
    const file = this.file('rename', from)
    const target = this.slot('rename', to)
    return target.file === file ? undefined : { file, source: this.slot('rename', from), target }
  }

  /** Both places of a link. */
  planLink(from: string, to: string): Move<File> {
    const file = this.file('link', from)
    return { file, source: this.slot('link', from), target: this.freeSlot('link', to) }
  }

  /** The place of a file that is to lose this name. */
  planRemove(path: string): Slot<File> & { readonly file: File } {
    const slot = this.slot('remove', path)
    if (slot.file === undefined) throw ioFailed('remove', path, 'ENOENT')
    return { ...slot, file: slot.file }
  }

  /** Makes the directories of a path that are missing; `made` hears of each after it was entered. */
  makeDirectory(
    path: string,
    made: (place: Slot<File>, path: string, directory: Directory<File>) => void = () => {},
  ): void {
    if (this.node('makeDirectory', path) instanceof Directory) return
    const parts = partsOfPath(path)
    let directory = this.root
    for (const [depth, name] of parts.entries()) {
      const node = directory.entries.get(name) ?? new Directory<File>()
      // Only the last part can be a file here: looking the path up has refused one in its middle.
      if (!(node instanceof Directory)) throw ioFailed('makeDirectory', path, 'EEXIST')
      if (!directory.entries.has(name)) {
        directory.entries.set(name, node)
        made({ directory, name, file: undefined }, parts.slice(0, depth + 1).join('/'), node)
      }
      directory = node
    }
  }
}
