/**
 * The files of a directory as they stood at one moment, for somebody who reads while another process writes.
 *
 *     writer    a table is merged, its name removed ──▶      a segment is no longer needed, removed ──▶
 *     reader    ●── opened: stays readable ─────────────────────────────────────────────────▶ closed
 *
 * A table is never changed, a log grows at its end, and an open file stays readable after its name was removed. So whoever
 * keeps open what a manifest names reads what the manifest says, whatever becomes of it. Nothing is ever written:
 * that is `READ_ONLY`.
 *
 * The system may refuse to open so many files. Then half of them are kept; the others are opened by name when they are
 * needed, and may be gone by then.
 */
import { PalimpsestError } from '../base/errors.ts'
import { namesIn } from './file-rules.ts'
import { type FileSystem, type RandomFile } from './files.ts'

/** What a system answers to one open file too many: in this process, and in all. */
const TOO_MANY = new Set<unknown>(['EMFILE', 'ENFILE'])
/** So many files more can be opened by whoever else needs some in a process that keeps as many, or more. */
const LEFT_TO_OTHERS = 64

/** A directory that stands still. */
export class StandingFiles implements FileSystem {
  readonly #files: FileSystem
  readonly #kept = new Map<string, RandomFile>()
  #names: readonly string[] = []
  #isClosed = false

  constructor(files: FileSystem) {
    this.#files = files
  }

  /** Reads the names in the root anew. */
  readNames(): void {
    this.#names = namesIn(this.#files, '')
  }

  /**
   * Keeps files of the root open, the first ones first, and says whether none was missing. Those that were kept already stay
   * as they are. Where the system refuses to open more, half of what is kept stays so, and nothing is said to be missing.
   */
  keep(paths: readonly string[]): boolean {
    let isWhole = true
    for (const path of paths) {
      const file = this.#kept.get(path) ?? this.#tryToOpen(path)
      // Also where it was kept already it comes behind those that were asked for before.
      this.#kept.delete(path)
      if (file === 'too many') return this.#keepHalf()
      if (file === undefined) isWhole = false
      else this.#kept.set(path, file)
    }
    const [path] = paths
    const hasRoom = path === undefined || this.#kept.size < LEFT_TO_OTHERS || this.#canOpenMore(path)
    return hasRoom ? isWhole : this.#keepHalf()
  }

  /** Keeps files open no longer: whoever has opened one must be done with it. */
  letGo(paths: Iterable<string>): void {
    for (const path of paths) {
      this.#kept.get(path)?.close()
      this.#kept.delete(path)
    }
  }

  /** Keeps nothing open any more, and opens nothing. */
  close(): void {
    this.#isClosed = true
    this.letGo([...this.#kept.keys()])
  }

  open(path: string): RandomFile {
    if (this.#isClosed) throw new PalimpsestError('CLOSED', 'the database was closed')
    const file = this.#kept.get(path)
    if (file === undefined) return this.#files.open(path)
    return { size: file.size, read: (offset, length) => file.read(offset, length), close: () => undefined }
  }

  size(path: string): number | undefined {
    return this.#kept.get(path)?.size ?? this.#files.size(path)
  }

  list(directory: string): readonly string[] | undefined {
    return directory === '' ? this.#names : this.#files.list(directory)
  }

  create(path: string): never {
    refuse(path)
  }

  append(path: string): never {
    refuse(path)
  }

  truncate(path: string): never {
    refuse(path)
  }

  rename(path: string): never {
    refuse(path)
  }

  link(path: string): never {
    refuse(path)
  }

  remove(path: string): never {
    refuse(path)
  }

  makeDirectory(path: string): never {
    refuse(path)
  }

  syncDirectory(path: string): never {
    refuse(path)
  }

  lock(path: string): never {
    refuse(path)
  }

  /** Nothing, where the file cannot be opened, for whatever reason: whoever needs it will meet that. */
  #tryToOpen(path: string): RandomFile | 'too many' | undefined {
    try {
      return this.#files.open(path)
    } catch (error) {
      if (!(error instanceof PalimpsestError)) throw error
      return TOO_MANY.has(error.details['errno']) ? 'too many' : undefined
    }
  }

  #keepHalf(): true {
    this.letGo([...this.#kept.keys()].slice(this.#kept.size / 2))
    return true
  }

  #canOpenMore(path: string): boolean {
    const more = Array.from({ length: LEFT_TO_OTHERS }, () => this.#tryToOpen(path))
    for (const file of more) if (typeof file === 'object') file.close()
    return !more.includes('too many')
  }
}

function refuse(path: string): never {
  throw new PalimpsestError('READ_ONLY', 'a directory that was opened for reading is not written to', {
    path,
  })
}
