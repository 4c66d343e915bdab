/**
 * The file interface: all that the engine knows of a disk.
 *
 * Calls are synchronous. Paths are relative to the file system's root, parts joined by `/`, without
 * `.` and `..`; `''` is the root itself. Three implementations: memory (here), Node (`platform/`),
 * and the fault-injecting one of the simulator; `test/conformance/files.test.ts` holds them together.
 *
 * What survives a power cut, and what therefore every caller has to order by hand:
 * - `sync` of a file makes its bytes and its length durable, not its name;
 * - `syncDirectory` makes the names in that directory durable, not the bytes behind them;
 * - what was not synced may be kept, lost or torn, in any order.
 *
 * Failures are `PalimpsestError`s with code `IO_FAILED` and `details` `{ operation, path, errno }`
 * (`errno` as the operating system names it: `ENOENT`, `EEXIST`, `ENOSPC`, `EIO`, …). A directory where
 * a file is expected is `EISDIR`, a file where a directory is expected `ENOTDIR`, a closed handle
 * `EBADF`. A path or a number that can never be right is `INVALID_ARGUMENT`. Closing twice does nothing.
 */

/**
 * A file that grows at its end. While it is open, nothing else appends to the file or cuts it. After a
 * failed `append` a part of the bytes may be there; after a failed `sync` what was not yet durable never
 * will be, whatever a later `sync` says.
 */
export interface AppendFile {
  /** Its length in bytes. */
  readonly size: number
  /** Writes all of the bytes at the end. The caller may change the bytes afterwards. */
  append(bytes: Uint8Array): void
  /** Returns when all that was appended, and the length, will survive a power cut. */
  sync(): void
  close(): void
}

/** A file that is read at any place. It stays readable after its name was removed. */
export interface RandomFile {
  /** Its length in bytes when it was opened. */
  readonly size: number
  /**
   * Exactly `length` bytes from `offset` on, in memory that belongs to the caller. Fails with errno
   * `EOF` where the file ends earlier.
   */
  read(offset: number, length: number): Uint8Array
  close(): void
}

/** A lock that is held until it is released or its process ends. */
export interface FileLock {
  /** Should this fail, it can be repeated; what is left keeps nobody of this process out, and others until it has ended. */
  release(): void
}

/** A tree of directories and files. */
export interface FileSystem {
  /** Creates a file and opens it for appending; `EEXIST` if the name is taken. */
  create(path: string): AppendFile
  /** Opens an existing file for appending. */
  append(path: string): AppendFile
  /** Opens an existing file for reading. */
  open(path: string): RandomFile
  /** The length of a file in bytes, or `undefined` where there is nothing of this name. */
  size(path: string): number | undefined
  /** Cuts a file to `length` bytes, at most what it has. Durable after a `sync` of the file. */
  truncate(path: string, length: number): void
  /**
   * Gives a file another name, atomically replacing the file that had it. Where both are names of one
   * file, nothing happens and both stay. Durable after both directories were synced.
   */
  rename(from: string, to: string): void
  /** Gives a file a second name; `EEXIST` if it is taken. */
  link(from: string, to: string): void
  /** Takes a name away; the bytes go with the last name and the last open handle. */
  remove(path: string): void
  /** The names of files and directories in a directory, in no order; `undefined` where there is none. */
  list(directory: string): readonly string[] | undefined
  /**
   * Makes a directory and those above it; nothing happens if it exists. Each new name is durable after
   * a `syncDirectory` of the directory that it is in; the root's own name, in the directory above it, is if it may be.
   */
  makeDirectory(path: string): void
  /** Returns when the names in the directory will survive a power cut. */
  syncDirectory(path: string): void
  /**
   * Takes the lock file of this name. Throws `DATABASE_LOCKED` while another holder, in this process
   * or another, is alive; a lock whose holder is gone is taken over. While it is held the name is
   * listed; other names that begin with it may appear beside it and stay behind after a power cut.
   */
  lock(path: string): FileLock
}

/** Begins with what was just opened. Should that fail, nobody has it, and it is closed. */
export function beginWith<Opened extends { close(): void }, Result>(
  opened: Opened,
  begin: (opened: Opened) => Result,
): Result {
  try {
    return begin(opened)
  } catch (error) {
    opened.close()
    throw error
  }
}

/** All bytes of a file. */
export function readWholeFile(files: FileSystem, path: string): Uint8Array {
  const file = files.open(path)
  try {
    return file.read(0, file.size)
  } finally {
    file.close()
  }
}

/** Removes a file, if there is one of this name. */
export function removeIfThere(files: FileSystem, path: string): void {
  if (files.size(path) !== undefined) files.remove(path)
}
