/**
 * What every implementation of the file interface shares: the one form of its paths, the one form of
 * its failures, and the checks of its numbers.
 *
 * A path means the same on every system and cannot leave the root: it is relative, has no empty
 * part, no `.` and `..`, and none of the characters that are a separator somewhere.
 */
import { checkWhole } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type FileSystem } from './files.ts'

/** What is done to files and directories. `append` writes; `openAppend` opens for it. */
export const FILE_OPERATIONS = [
  'create',
  'openAppend',
  'open',
  'size',
  'truncate',
  'rename',
  'link',
  'remove',
  'list',
  'makeDirectory',
  'syncDirectory',
  'lock',
  'unlock',
  'append',
  'sync',
  'read',
  'close',
] as const

/** What was done to a file or a directory. */
export type FileOperation = (typeof FILE_OPERATIONS)[number]

const MEANINGS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EBADF: 'it was closed',
  EDQUOT: 'the quota of the disk is used up',
  EEXIST: 'the name is taken',
  EFTYPE: 'it is neither a file nor a directory',
  EIO: 'the disk failed',
  EISDIR: 'it is a directory',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files',
  ENOENT: 'it does not exist',
  ENOSPC: 'no space is left',
  ENOTDIR: 'a part of the path is not a directory',
  EOF: 'the file ends earlier',
  EPERM: 'permission denied',
  EROFS: 'the file system is read-only',
}

/** The error for what the operating system, or a model of it, refused. */
export function ioFailed(
  operation: FileOperation,
  path: string,
  errno: string,
  cause?: unknown,
): PalimpsestError {
  const meaning = MEANINGS[errno]
  const why = meaning === undefined ? errno : `${meaning} (${errno})`
  const message = `${operation} failed on ${JSON.stringify(path)}: ${why}`
  return new PalimpsestError('IO_FAILED', message, { operation, path, errno }, cause)
}

/** The error for a lock whose holder is alive. `pid` is its process, where that is known. */
export function lockHeld(path: string, pid?: number): PalimpsestError {
  const holder = pid === undefined ? 'another holder' : `process ${pid}`
  return new PalimpsestError(
    'DATABASE_LOCKED',
    `${holder} holds the lock ${JSON.stringify(path)}`,
    pid === undefined ? { path } : { path, pid },
  )
}

// eslint-disable-next-line no-control-regex -- control characters are what it refuses
const REFUSED = /[\u0000-\u001f\u007f\\:]/

/** The parts of a path, none for the root. Throws `INVALID_ARGUMENT` if it is no path. */
export function partsOfPath(path: string): readonly string[] {
  if (path === '') return []
  if (typeof path !== 'string')
    throw new PalimpsestError('INVALID_ARGUMENT', `a path is a text, not ${String(path)}`, { path })
  const parts = path.split('/')
  if (REFUSED.test(path) || parts.some((part) => part === '' || part === '.' || part === '..')) {
    throw new PalimpsestError('INVALID_ARGUMENT', `not a path inside the root: ${JSON.stringify(path)}`, {
      path,
    })
  }
  return parts
}

/** The length of a file that has to be there, in bytes. Throws `IO_FAILED` with errno `ENOENT` if it is not. */
export function sizeOfFile(files: FileSystem, path: string): number {
  const size = files.size(path)
  if (size === undefined) throw ioFailed('size', path, 'ENOENT')
  return size
}

/** The names in a directory that has to be there. Throws `IO_FAILED` with errno `ENOENT` if it is not. */
export function namesIn(files: FileSystem, directory: string): readonly string[] {
  const names = files.list(directory)
  if (names === undefined) throw ioFailed('list', directory, 'ENOENT')
  return names
}

/** Refuses to cut a file to more than it has. */
export function checkCut(path: string, size: number, length: number): void {
  checkWhole('length', length)
  if (length <= size) return
  throw new PalimpsestError(
    'INVALID_ARGUMENT',
    `a cut to ${length} bytes would make ${JSON.stringify(path)} longer`,
    {
      path,
      size,
      length,
    },
  )
}
