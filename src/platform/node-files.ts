/**
 * Files of the operating system, below one directory: the file interface over Node's synchronous calls.
 *
 * - Everything the operating system refuses becomes `IO_FAILED` with its errno; `path` is the full one.
 * - Bytes handed out are plain `Uint8Array`s with memory of their own, never a `Buffer`.
 * - A symbolic link, a device or a pipe where a file is expected is refused.
 * - `sync` is fdatasync, which keeps the length as well. Windows cannot sync a directory: there
 *   `syncDirectory` only checks that it exists, and names are as safe as the file system makes them.
 */
import {
  type Stats,
  closeSync,
  constants,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { platform } from 'node:process'
import * as zlib from 'node:zlib'
import { checkWhole } from '../base/arguments.ts'
import { type Checksum, crc32 } from '../base/checksum.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type FileOperation, checkCut, ioFailed, partsOfPath } from '../storage/file-rules.ts'
import { type AppendFile, type FileLock, type FileSystem, type RandomFile } from '../storage/files.ts'
import { takeProcessLock } from './process-lock.ts'

/** CRC-32 by zlib, which is four times faster, where Node has it (20.15, 22.2). */
export const checksum: Checksum =
  typeof zlib.crc32 === 'function' ? (bytes, seed = 0) => zlib.crc32(bytes, seed) : crc32

/** The most that one call of the operating system is asked to move. */
const TRANSFER_BYTES_MAX = 2 ** 30

/** What is said of a directory that this process may not read, or that is on no disk or on one that nobody can write. */
const NOT_OURS: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'EINVAL'])

/** The file system below a directory, which `makeDirectory('')` creates. */
export class NodeFiles implements FileSystem {
  readonly #root: string

  constructor(root: string) {
    if (typeof root !== 'string' || root === '' || root.includes('\0')) {
      throw new PalimpsestError('INVALID_ARGUMENT', 'the root of a file system is the path of a directory', {
        root,
      })
    }
    this.#root = resolve(root)
  }

  /** The full path of the directory. */
  get root(): string {
    return this.#root
  }

  create(path: string): AppendFile {
    const full = this.#full(path)
    return new NodeAppendFile(
      full,
      attempt('create', full, () => openSync(full, 'ax', 0o644)),
      0,
    )
  }

  append(path: string): AppendFile {
    const full = this.#full(path)
    expectFile('openAppend', full)
    const fd = attempt('openAppend', full, () => openSync(full, constants.O_WRONLY | constants.O_APPEND))
    return new NodeAppendFile(full, fd, sizeOf('openAppend', full, fd))
  }

  open(path: string): RandomFile {
    const full = this.#full(path)
    expectFile('open', full)
    const fd = attempt('open', full, () => openSync(full, 'r'))
    return new NodeRandomFile(full, fd, sizeOf('open', full, fd))
  }

  size(path: string): number | undefined {
    return findFile('size', this.#full(path))?.size
  }

  truncate(path: string, length: number): void {
    const full = this.#full(path)
    checkCut(full, expectFile('truncate', full).size, length)
    attempt('truncate', full, () => truncateSync(full, length))
  }

  rename(from: string, to: string): void {
    const source = this.#full(from)
    const target = this.#full(to)
    expectFile('rename', source)
    findFile('rename', target)
    // The source was found, so what is refused now is refused because of the target.
    attempt('rename', target, () => renameSync(source, target))
  }

  link(from: string, to: string): void {
    const source = this.#full(from)
    const target = this.#full(to)
    expectFile('link', source)
    attempt('link', target, () => linkSync(source, target))
  }

  remove(path: string): void {
    const full = this.#full(path)
    expectFile('remove', full)
    attempt('remove', full, () => unlinkSync(full))
  }

  list(directory: string): readonly string[] | undefined {
    const full = this.#full(directory)
    try {
      return attempt('list', full, () => readdirSync(full))
    } catch (error) {
      if (error instanceof PalimpsestError && error.details['errno'] === 'ENOENT') return undefined
      throw error
    }
  }

  makeDirectory(path: string): void {
    const full = this.#full(path)
    const first = attempt('makeDirectory', full, () => makeDirectories(full))
    // Paths cannot name what is above the root, so its own name and those above it are synced here.
    if (first === undefined) return path === '' ? this.#syncOwnName() : undefined
    for (let made = this.#root; made.length >= first.length; made = dirname(made)) syncNames(dirname(made))
  }

  /**
   * Makes the name of a root durable that was there, in the directory above it: who made it may not have come so far. Names
   * above that, and what a link leads to, are of those who made them.
   */
  #syncOwnName(): void {
    try {
      syncNames(dirname(this.#root))
    } catch (error) {
      const errno = error instanceof PalimpsestError ? error.details['errno'] : undefined
      // Then it is not this process's to make durable: the root of a mount, or a name in the directory of another user.
      if (typeof errno !== 'string' || !NOT_OURS.has(errno)) throw error
    }
  }

  syncDirectory(path: string): void {
    syncNames(this.#full(path))
  }

  lock(path: string): FileLock {
    const full = this.#full(path)
    findFile('lock', full)
    return takeProcessLock(full)
  }

  #full(path: string): string {
    return join(this.#root, ...partsOfPath(path))
  }
}

class NodeAppendFile implements AppendFile {
  readonly #path: string
  #fd: number | undefined
  #size: number

  constructor(path: string, fd: number, size: number) {
    this.#path = path
    this.#fd = fd
    this.#size = size
  }

  get size(): number {
    return this.#size
  }

  append(bytes: Uint8Array): void {
    const fd = expectOpen('append', this.#path, this.#fd)
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(bytes.length - at, TRANSFER_BYTES_MAX)
      const written = attempt('append', this.#path, () => writeSync(fd, bytes, at, length))
      if (written === 0) throw ioFailed('append', this.#path, 'EIO')
      at += written
      this.#size += written
    }
  }

  sync(): void {
    const fd = expectOpen('sync', this.#path, this.#fd)
    attempt('sync', this.#path, () => fdatasyncSync(fd))
  }

  close(): void {
    const fd = this.#fd
    // The number may belong to another file from now on, even if closing fails.
    this.#fd = undefined
    if (fd !== undefined) attempt('close', this.#path, () => closeSync(fd))
  }
}

class NodeRandomFile implements RandomFile {
  readonly #path: string
  #fd: number | undefined
  readonly size: number

  constructor(path: string, fd: number, size: number) {
    this.#path = path
    this.#fd = fd
    this.size = size
  }

  read(offset: number, length: number): Uint8Array {
    checkWhole('offset', offset)
    checkWhole('length', length)
    const fd = expectOpen('read', this.#path, this.#fd)
    // A length that a damaged file asked for must not be allocated before it is known to be there.
    const end = offset + length
    if (end > this.size && end > sizeOf('read', this.#path, fd)) throw ioFailed('read', this.#path, 'EOF')
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length;) {
      const wanted = Math.min(length - at, TRANSFER_BYTES_MAX)
      const count = attempt('read', this.#path, () => readSync(fd, bytes, at, wanted, offset + at))
      if (count === 0) throw ioFailed('read', this.#path, 'EOF')
      at += count
    }
    return bytes
  }

  close(): void {
    const fd = this.#fd
    this.#fd = undefined
    if (fd !== undefined) attempt('close', this.#path, () => closeSync(fd))
  }
}

/** What is at a full path, if it is a file; `undefined` where there is nothing. */
function findFile(operation: FileOperation, full: string): Stats | undefined {
  const stats = attempt(operation, full, () => lstatSync(full, { throwIfNoEntry: false }))
  if (stats === undefined || stats.isFile()) return stats
  throw ioFailed(operation, full, stats.isDirectory() ? 'EISDIR' : 'EFTYPE')
}

function expectFile(operation: FileOperation, full: string): Stats {
  const stats = findFile(operation, full)
  if (stats === undefined) throw ioFailed(operation, full, 'ENOENT')
  return stats
}

function expectOpen(operation: FileOperation, full: string, fd: number | undefined): number {
  if (fd === undefined) throw ioFailed(operation, full, 'EBADF')
  return fd
}

function sizeOf(operation: FileOperation, full: string, fd: number): number {
  return attempt(operation, full, () => fstatSync(fd).size)
}

/** Makes the names in a directory durable. */
function syncNames(full: string): void {
  const operation = 'syncDirectory'
  /* v8 ignore if -- @preserve another system */
  if (platform === 'win32') {
    attempt(operation, full, () => readdirSync(full))
    return
  }
  const fd = attempt(operation, full, () => openSync(full, constants.O_RDONLY | constants.O_DIRECTORY))
  try {
    attempt(operation, full, () => fsyncSync(fd))
  } finally {
    closeSync(fd)
  }
}

/**
 * Makes a directory and those above it that are not there; answers the topmost that it made, if any. A call of Node's does the
 * same, but goes round for ever where a file system has a directory and says it has none: below /proc, for one.
 */
function makeDirectories(full: string): string | undefined {
  if (isDirectory(full)) return undefined
  const above = dirname(full)
  // Of what is there and no directory, the system says so.
  const first = above === full || isThere(above) ? undefined : makeDirectories(above)
  try {
    mkdirSync(full)
  } catch (error) {
    // Somebody else may have made it meanwhile.
    if (!isDirectory(full)) throw error
    return first
  }
  return first ?? full
}

function isThere(full: string): boolean {
  return statSync(full, { throwIfNoEntry: false }) !== undefined
}

function isDirectory(full: string): boolean {
  return statSync(full, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** Turns what the operating system refuses into an error of ours. */
function attempt<T>(operation: FileOperation, full: string, action: () => T): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
      throw ioFailed(operation, full, error.code, error)
    }
    throw error
  }
}
