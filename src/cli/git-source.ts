/**
 * Where a git history comes from: a repository, a log in a file, or a log in a stream.
 *
 * A log is read through and checked before anything is made of it, so that a malformed one leaves
 * nothing behind. What can be read only once (standard input, a pipe) is put into a file meanwhile.
 */
import { statSync, writeSync } from 'node:fs'
import { PalimpsestError } from '../base/errors.ts'
import { attempt, readFileChunks } from '../lab/git/chunks.ts'
import { parseGitLog, readGitLogFile } from '../lab/git/gitlog.ts'
import { type GitCommit } from '../lab/git/history.ts'
import { type GitBlob, readBlobs, readRepository } from '../lab/git/repository.ts'
import { ScratchFile } from '../lab/git/scratch-file.ts'
import { type Session } from './session.ts'

/** Longer contents are left out of an import; their modes and ids are there: 16 MiB. */
const CONTENTS_BYTES_MAX = 16 * 1024 * 1024

/** A history that can be read. */
export interface GitSource {
  readonly commits: Iterable<GitCommit>
  /** How many commits there are, where that is known. */
  readonly total?: number | undefined
  /** Reads contents, where there are any. */
  readonly readBlobs?: ((objects: Iterable<string>) => Iterable<GitBlob>) | undefined
  [Symbol.dispose](): void
}

/**
 * Finds out what a source is, and checks it if it is a log. Throws `INVALID_TRACE`, `IO_FAILED`, and
 * `INVALID_ARGUMENT` where contents are wanted of a source that has none.
 */
export function openGitSource(session: Session, given: string, wantsContents: boolean): GitSource {
  const refuseContents = () => {
    if (!wantsContents) return
    throw new PalimpsestError('INVALID_ARGUMENT', '--contents needs a repository: a log has no contents')
  }
  if (given === '-') {
    refuseContents()
    return spooledLog(session, 0)
  }
  const path = session.path(given)
  const found = attempt('stat', path, () => statSync(path, { throwIfNoEntry: false }))
  if (found === undefined) {
    const message = `there is no file or directory ${given}`
    throw new PalimpsestError('IO_FAILED', message, { operation: 'stat', path, errno: 'ENOENT' })
  }
  if (found.isDirectory()) return repositorySource(path)
  refuseContents()
  if (!found.isFile()) return spooledLog(session, path)
  const total = checkLog(session, readGitLogFile(path))
  return { commits: readGitLogFile(path), total, [Symbol.dispose]: () => undefined }
}

function repositorySource(path: string): GitSource {
  return {
    commits: readRepository(path),
    readBlobs: (objects) => readBlobs(path, objects, { limit: CONTENTS_BYTES_MAX }),
    [Symbol.dispose]: () => undefined,
  }
}

/** Puts a stream into a file while it is checked. */
function spooledLog(session: Session, stream: string | 0): GitSource {
  const spool = new ScratchFile()
  const remove = () => {
    spool[Symbol.dispose]()
  }
  try {
    const total = checkLog(session, parseGitLog(copied(readFileChunks(stream), spool.descriptor)))
    return { commits: parseGitLog(spool.chunks()), total, [Symbol.dispose]: remove }
  } catch (error) {
    remove()
    throw error
  }
}

function* copied(chunks: Iterable<Uint8Array>, descriptor: number): Generator<Uint8Array> {
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at)
    yield chunk
  }
}

/** Reads a log to its end. Answers how many commits it has. */
function checkLog(session: Session, commits: Iterator<GitCommit>): number {
  let count = 0
  for (; commits.next().done !== true; count++) session.progress('reading', count)
  return count
}
