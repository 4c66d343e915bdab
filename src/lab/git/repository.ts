/**
 * Git repositories, asked through the `git` command: their history, and the contents of their files.
 *
 * Git writes to a scratch file, which is then read in chunks: memory stays small whatever the size of
 * the repository, and everything stays synchronous. The settings of the user and of the repository
 * that would change what is printed are overruled one by one.
 */
import { spawnSync } from 'node:child_process'
import { assert } from '../../base/assert.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { errnoOf } from './chunks.ts'
import { parseGitLog } from './gitlog.ts'
import type { GitCommit } from './history.ts'
import { byteTextOf } from './quoting.ts'
import { ScratchFile } from './scratch-file.ts'

/** What to read of a repository. */
export interface RepositoryOptions {
  /** The newest commit to read: a branch, a tag, an id, anything git understands. `HEAD` by default. */
  readonly revision?: string | undefined
}

/** The contents of a file. */
export interface GitBlob {
  readonly object: string
  /** Its length in bytes. */
  readonly size: number
  /** `undefined` where it is longer than the caller wanted. */
  readonly bytes: Uint8Array | undefined
}

/** Which contents to read. */
export interface BlobOptions {
  /** The longest contents to read, in bytes; longer ones come without. No limit by default. */
  readonly limit?: number | undefined
}

/**
 * The first-parent history of the repository that the directory lies in, oldest commit first.
 *
 * Of a shallow clone, the oldest commit that is there sets all that its tree has, so that the tree ids
 * hold for it too. They cannot hold for a tree with what git no longer writes and does not print (modes
 * like 100664, empty directories): a few very old repositories have such.
 *
 * Nothing is done before the first commit is asked for. `INVALID_ARGUMENT`: no repository, no such
 * commit, ids that are not SHA-1. `INVALID_TRACE`, before the first commit: one of them cannot be taken, for example
 * because of its time. `IO_FAILED`: git is missing, or failed.
 */
export function* readRepository(
  directory: string,
  { revision = 'HEAD' }: RepositoryOptions = {},
): Generator<GitCommit> {
  const commit = findCommit(directory, revision)
  using log = new ScratchFile()
  runGit(directory, [...LOG, commit, '--'], { output: log.descriptor })
  checkLog(directory, log)
  yield* parseGitLog(log.chunks())
}

/** Reads a log to its end, so that nothing is made of a history that cannot all be read. */
function checkLog(directory: string, log: ScratchFile): void {
  try {
    for (const commits = parseGitLog(log.chunks()); commits.next().done !== true;);
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
    const { code, message, details } = error
    throw new PalimpsestError(code, `the log of ${directory}: ${message}`, { ...details, directory }, error)
  }
}

/** The log, and before and after it what overrules settings that would change it. */
const LOG: readonly string[] = [
  // A replaced object is not the one that the ids above it were made from.
  '--no-replace-objects',
  '-c',
  'core.quotePath=false',
  // Otherwise the first commit may come without its files.
  '-c',
  'log.showRoot=true',
  'log',
  '--first-parent',
  '--reverse',
  '--raw',
  '--no-abbrev',
  '--no-renames',
  '--diff-merges=first-parent',
  '--format=commit %H %T %ct',
  // A submodule may ask not to be shown, a directory to be shown alone, an order file may be missing.
  '--ignore-submodules=none',
  '--no-relative',
  '-O/dev/null',
  // What is said about signed commits stands between their lines.
  '--no-show-signature',
]

/**
 * The contents of objects, in the order of their ids. Submodules have none and must not be asked for.
 * Ids are taken and contents are kept by batches, the latter on disk, one at a time in memory.
 * `INVALID_ARGUMENT` if an id is that of no file in the repository.
 */
export function* readBlobs(
  directory: string,
  objects: Iterable<string>,
  { limit = Infinity }: BlobOptions = {},
): Generator<GitBlob> {
  using scratch = new ScratchFile()
  for (const batch of batchesOf(objects, BLOBS_PER_BATCH)) {
    scratch.clear()
    const input = batch.join('\n') + '\n'
    runGit(directory, ['--no-replace-objects', 'cat-file', '--batch', '--buffer'], {
      input,
      output: scratch.descriptor,
    })
    const reader = new ChunkReader(scratch.chunks())
    for (const object of batch) yield readBlob(reader, object, limit)
  }
}

const BLOBS_PER_BATCH = 512

/** Reads `<object> <type> <size>\n<contents>\n`. */
function readBlob(reader: ChunkReader, object: string, limit: number): GitBlob {
  const header = reader.line()
  const match = /^([0-9a-f]{40}) blob (\d+)$/.exec(header)
  if (match === null || match[1] !== object) {
    throw new PalimpsestError('INVALID_ARGUMENT', `no file of the repository: ${header}`, { object })
  }
  const size = Number(match[2])
  const bytes = size <= limit ? new Uint8Array(size) : undefined
  reader.take(size, bytes)
  reader.take(1)
  return { object, size, bytes }
}

function* batchesOf(objects: Iterable<string>, size: number): Generator<readonly string[]> {
  let batch: string[] = []
  for (const object of objects) {
    if (!/^[0-9a-f]{40}$/.test(object)) {
      throw new PalimpsestError('INVALID_ARGUMENT', `not an object id: ${JSON.stringify(object)}`, { object })
    }
    batch.push(object)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}

/** The id of the commit that a revision names. */
function findCommit(directory: string, revision: string): string {
  const format = tryGit(directory, ['rev-parse', '--show-object-format'])
  if (format.status !== 0) {
    throw new PalimpsestError('INVALID_ARGUMENT', `no git repository to read: ${format.message}`, {
      directory,
    })
  }
  if (format.output.trim() === 'sha256') {
    throw new PalimpsestError('INVALID_ARGUMENT', 'SHA-256 repositories are not supported', { directory })
  }
  const name = `${revision}^{commit}`
  const found = tryGit(directory, ['rev-parse', '--verify', '--quiet', '--end-of-options', name])
  if (found.status === 0) return found.output.trim()
  throw new PalimpsestError('INVALID_ARGUMENT', `no commit ${JSON.stringify(revision)} in ${directory}`, {
    directory,
    revision,
  })
}

interface GitRun {
  readonly input?: string | undefined
  /** The file to write to; without it the output is kept, and must be small. */
  readonly output?: number | undefined
}

interface GitResult {
  /** `null` where a signal ended it. */
  readonly status: number | null
  readonly output: string
  /** What git said about it. */
  readonly message: string
}

/** Runs git, which must succeed. */
function runGit(directory: string, words: readonly string[], run: GitRun): void {
  const { status, message } = tryGit(directory, words, run)
  if (status === 0) return
  throw new PalimpsestError('IO_FAILED', `git failed: ${message}`, {
    operation: 'git',
    path: directory,
    errno: String(status ?? 'SIGNAL'),
  })
}

function tryGit(directory: string, words: readonly string[], { input, output }: GitRun = {}): GitResult {
  const result = spawnSync('git', ['-C', directory, ...words], {
    env: gitEnvironment(),
    encoding: 'utf8',
    stdio: ['pipe', output ?? 'pipe', 'pipe'],
    input: input ?? '',
    windowsHide: true,
  })
  if (result.error !== undefined) {
    const errno = errnoOf(result.error)
    const why =
      errno === 'ENOENT' ? 'git is not installed, or not on the path' : `git cannot be run: ${errno}`
    throw new PalimpsestError('IO_FAILED', why, { operation: 'spawn', path: 'git', errno }, result.error)
  }
  const said = result.stderr.trim()
  const message = said === '' ? `it ended with ${result.signal ?? result.status}` : said
  return { status: result.status, output: result.stdout ?? '', message }
}

/** The environment without what would lead git to another repository than the one in the directory. */
function gitEnvironment(): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = { ...process.env, LC_ALL: 'C' }
  for (const name of ELSEWHERE) delete environment[name]
  return environment
}

const ELSEWHERE: readonly string[] = [
  'GIT_DIR',
  'GIT_WORK_TREE',
  'GIT_COMMON_DIR',
  'GIT_NAMESPACE',
  'GIT_PREFIX',
  'GIT_INDEX_FILE',
  'GIT_OBJECT_DIRECTORY',
  'GIT_ALTERNATE_OBJECT_DIRECTORIES',
  'GIT_SHALLOW_FILE',
  'GIT_GRAFT_FILE',
]

const NEWLINE = 10

/** Takes lines and counted bytes out of chunks. */
class ChunkReader {
  readonly #chunks: Iterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)

  constructor(chunks: Iterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.iterator]()
  }

  /** The text before the next newline, which is taken too. */
  line(): string {
    let text = ''
    for (;;) {
      const chunk = this.#filled()
      const end = chunk.indexOf(NEWLINE)
      text += byteTextOf(chunk.subarray(0, end === -1 ? chunk.length : end))
      this.#chunk = chunk.subarray(end === -1 ? chunk.length : end + 1)
      if (end !== -1) return text
    }
  }

  /** Passes over `count` bytes, which are copied where there is a place for them. */
  take(count: number, into?: Uint8Array): void {
    for (let taken = 0; taken < count;) {
      const part = this.#filled().subarray(0, count - taken)
      into?.set(part, taken)
      taken += part.length
      this.#chunk = this.#chunk.subarray(part.length)
    }
  }

  #filled(): Uint8Array {
    if (this.#chunk.length === 0) {
      const next = this.#chunks.next()
      assert(next.done !== true, 'git prints all that it was asked for')
      this.#chunk = next.value
    }
    return this.#chunk
  }
}
