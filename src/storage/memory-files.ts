/**
 * Files in memory: the file interface with nothing under it, for in-memory databases, pages and tests.
 *
 * Files live apart from their names: a link is a second name for the same file, and a file whose last
 * name was removed stays readable through the handles that are open. Nothing is shared with callers:
 * what is appended is copied, what is read is a copy. Nothing survives the object, so syncing only
 * checks its arguments.
 */
import { checkWhole } from '../base/arguments.ts'
import { copyOf } from '../base/bytes.ts'
import { checkCut, ioFailed, lockHeld } from './file-rules.ts'
import { FileTree } from './file-tree.ts'
import { type AppendFile, type FileLock, type FileSystem, type RandomFile } from './files.ts'

/** The bytes of a file; the array has room to grow. */
class MemoryFile {
  #bytes = new Uint8Array(0)
  #length = 0

  get length(): number {
    return this.#length
  }

  append(bytes: Uint8Array): void {
    const length = this.#length + bytes.length
    if (length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(length, 2 * this.#bytes.length))
      grown.set(this.#bytes.subarray(0, this.#length))
      this.#bytes = grown
    }
    this.#bytes.set(bytes, this.#length)
    this.#length = length
  }

  truncate(length: number): void {
    this.#length = length
  }

  read(offset: number, length: number): Uint8Array {
    return copyOf(this.#bytes.subarray(offset, offset + length))
  }
}

/** A file system in memory. */
export class MemoryFiles implements FileSystem {
  readonly #tree: FileTree<MemoryFile> = new FileTree()
  readonly #locks: Map<string, MemoryFile> = new Map()

  create(path: string): AppendFile {
    const { directory, name } = this.#tree.freeSlot('create', path)
    const file = new MemoryFile()
    directory.entries.set(name, file)
    return new MemoryAppendFile(path, file)
  }

  append(path: string): AppendFile {
    return new MemoryAppendFile(path, this.#tree.file('openAppend', path))
  }

  open(path: string): RandomFile {
    return new MemoryRandomFile(path, this.#tree.file('open', path))
  }

  size(path: string): number | undefined {
    return this.#tree.findFile('size', path)?.length
  }

  truncate(path: string, length: number): void {
    const file = this.#tree.file('truncate', path)
    checkCut(path, file.length, length)
    file.truncate(length)
  }

  rename(from: string, to: string): void {
    const move = this.#tree.planRename(from, to)
    if (move === undefined) return
    move.source.directory.entries.delete(move.source.name)
    move.target.directory.entries.set(move.target.name, move.file)
  }

  link(from: string, to: string): void {
    const { file, target } = this.#tree.planLink(from, to)
    target.directory.entries.set(target.name, file)
  }

  remove(path: string): void {
    const { directory, name } = this.#tree.planRemove(path)
    directory.entries.delete(name)
  }

  list(directory: string): readonly string[] | undefined {
    const found = this.#tree.findDirectory('list', directory)
    return found === undefined ? undefined : [...found.entries.keys()]
  }

  makeDirectory(path: string): void {
    this.#tree.makeDirectory(path)
  }

  syncDirectory(path: string): void {
    this.#tree.directory('syncDirectory', path)
  }

  lock(path: string): FileLock {
    const { directory, name } = this.#tree.slot('lock', path)
    if (this.#locks.has(path)) throw lockHeld(path)
    const file = new MemoryFile()
    directory.entries.set(name, file)
    this.#locks.set(path, file)
    return {
      release: () => {
        if (this.#locks.get(path) !== file) return
        this.#locks.delete(path)
        if (directory.entries.get(name) === file) directory.entries.delete(name)
      },
    }
  }
}

class MemoryAppendFile implements AppendFile {
  readonly #path: string
  readonly #file: MemoryFile
  #closed = false

  constructor(path: string, file: MemoryFile) {
    this.#path = path
    this.#file = file
  }

  get size(): number {
    return this.#file.length
  }

  append(bytes: Uint8Array): void {
    if (this.#closed) throw ioFailed('append', this.#path, 'EBADF')
    this.#file.append(bytes)
  }

  sync(): void {
    if (this.#closed) throw ioFailed('sync', this.#path, 'EBADF')
  }

  close(): void {
    this.#closed = true
  }
}

class MemoryRandomFile implements RandomFile {
  readonly #path: string
  readonly #file: MemoryFile
  readonly size: number
  #closed = false

  constructor(path: string, file: MemoryFile) {
    this.#path = path
    this.#file = file
    this.size = file.length
  }

  read(offset: number, length: number): Uint8Array {
    checkWhole('offset', offset)
    checkWhole('length', length)
    if (this.#closed) throw ioFailed('read', this.#path, 'EBADF')
    if (offset + length > this.#file.length) throw ioFailed('read', this.#path, 'EOF')
    return this.#file.read(offset, length)
  }

  close(): void {
    this.#closed = true
  }
}
