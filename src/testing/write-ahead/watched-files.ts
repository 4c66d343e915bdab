/**
 * Files that are watched: every call goes on to another file system, and whoever watches is told of those
 * that change or sync something.
 *
 *     append, create, remove, rename, truncate      told, then made     from here on it may be on the disk
 *     sync, syncDirectory                           made, then told     from here on it is
 *
 * So what the watcher believes to be durable is, and what it believes to be pending is no less than what is.
 */
import { type AppendFile, type FileLock, type FileSystem, type RandomFile } from '../../storage/files.ts'

/** A call that changes or syncs something, as plain data. */
export type WatchedCall =
  | { readonly did: 'create'; readonly path: string }
  | { readonly did: 'sync'; readonly path: string }
  | { readonly did: 'remove'; readonly path: string }
  | { readonly did: 'syncDirectory'; readonly path: string }
  /** The bytes belong to the caller and are valid during the call only. */
  | { readonly did: 'append'; readonly path: string; readonly bytes: Uint8Array }
  | { readonly did: 'truncate'; readonly path: string; readonly length: number }
  | { readonly did: 'rename'; readonly path: string; readonly to: string }

/** A file system that tells of its calls. */
export class WatchedFiles implements FileSystem {
  readonly #files: FileSystem
  readonly #tell: (call: WatchedCall) => void
  /** What is open to be written to, under the name that it has now. */
  readonly #open = new Set<{ path: string }>()

  constructor(files: FileSystem, tell: (call: WatchedCall) => void) {
    this.#files = files
    this.#tell = tell
  }

  create(path: string): AppendFile {
    this.#tell({ did: 'create', path })
    return this.#appender(path, this.#files.create(path))
  }

  append(path: string): AppendFile {
    return this.#appender(path, this.#files.append(path))
  }

  open(path: string): RandomFile {
    return this.#files.open(path)
  }

  size(path: string): number | undefined {
    return this.#files.size(path)
  }

  truncate(path: string, length: number): void {
    this.#tell({ did: 'truncate', path, length })
    this.#files.truncate(path, length)
  }

  rename(from: string, to: string): void {
    this.#tell({ did: 'rename', path: from, to })
    this.#files.rename(from, to)
    for (const file of this.#open) if (file.path === from) file.path = to
  }

  /** The engine links nothing today; what watches need not know of it. */
  link(from: string, to: string): void {
    this.#files.link(from, to)
  }

  remove(path: string): void {
    this.#tell({ did: 'remove', path })
    this.#files.remove(path)
  }

  list(directory: string): readonly string[] | undefined {
    return this.#files.list(directory)
  }

  makeDirectory(path: string): void {
    this.#files.makeDirectory(path)
  }

  syncDirectory(path: string): void {
    this.#files.syncDirectory(path)
    this.#tell({ did: 'syncDirectory', path })
  }

  lock(path: string): FileLock {
    return this.#files.lock(path)
  }

  #appender(path: string, file: AppendFile): AppendFile {
    const tell = this.#tell
    const open = this.#open
    const name = { path }
    open.add(name)
    return {
      get size() {
        return file.size
      },
      append: (bytes) => {
        tell({ did: 'append', path: name.path, bytes })
        file.append(bytes)
      },
      sync: () => {
        file.sync()
        tell({ did: 'sync', path: name.path })
      },
      close: () => {
        open.delete(name)
        file.close()
      },
    }
  }
}
