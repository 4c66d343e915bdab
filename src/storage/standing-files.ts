/**
 * The files of a directory as they stood at one moment, for somebody who reads while another process writes.
 *
 *     writer    a table is merged, its name removed ──▶      a segment is no longer needed, removed ──▶
 *     reader    ●── opened: stays readable ─────────────────────────────────────────────────▶ closed
 *
 * Files are immutable, or grow at their ends, and an open one stays readable after its name was removed. So whoever
 * keeps open what a manifest names reads what the manifest says, whatever becomes of it. Nothing is ever written:
 * that is `READ_ONLY`.
 *
 * The system may refuse to open so many files. Then fewer are kept; the others are opened by name when they are needed, and
 * may be gone by then.
 */
import { PalimpsestError } from '../base/errors.ts'
import { namesIn } from './file-rules.ts'
import { type FileSystem, type RandomFile } from './files.ts'

/** What a system answers to one open file too many: in this process, and in all. */
const TOO_MANY = new Set<unknown>(['EMFILE', 'ENFILE'])

/** A directory that stands still. */
export class StandingFiles implements FileSystem {
  readonly #files: FileSystem
  readonly #names: readonly string[]
  readonly #kept = new Map<string, RandomFile>()
  readonly #missing: string[] = []

  /** Reads the names in the root. */
  constructor(files: FileSystem) {
    this.#files = files
    this.#names = namesIn(files, '')
  }

  /** Files that were to be kept open, and were not there. */
  get missing(): readonly string[] {
    return this.#missing
  }

  /** Keeps files of the root open, the first ones first. Where the system refuses to open more, half of them stay so. */
  keep(paths: readonly string[]): void {
    for (const path of paths) {
      try {
        this.#kept.set(path, this.#files.open(path))
      } catch (error) {
        // Whoever needs the file opens it by its name, and meets what is wrong with it.
        if (!(error instanceof PalimpsestError)) throw error
        const { errno } = error.details
        if (errno === 'ENOENT') this.#missing.push(path)
        if (!TOO_MANY.has(errno)) continue
        this.letGo([...this.#kept.keys()].slice(this.#kept.size / 2))
        return
      }
    }
  }

  /** Keeps files open no longer: whoever has opened one must be done with it. */
  letGo(paths: Iterable<string>): void {
    for (const path of paths) {
      this.#kept.get(path)?.close()
      this.#kept.delete(path)
    }
  }

  /** Keeps nothing open any more. */
  close(): void {
    this.letGo([...this.#kept.keys()])
  }

  open(path: string): RandomFile {
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
}

function refuse(path: string): never {
  throw new PalimpsestError('READ_ONLY', 'a directory that was opened for reading is not written to', {
    path,
  })
}
