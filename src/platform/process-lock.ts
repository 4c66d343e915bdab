/**
 * Locks that a process holds: a file that says who holds it, as JSON.
 *
 * A holder is a process: its number, the boot of the machine and its own start, because numbers are
 * used again. In a worker thread it is that thread, by its number. Linux tells all four; elsewhere only the number of
 * the process is known. A lock is *stale* when its process or its thread is gone, or is another than the
 * one that took it, or when the machine was booted since.
 *
 * - A lock appears with its content, by linking a finished file to its name.
 * - A stale lock is replaced by renaming over it, which only the holder of the *claim* on exactly that
 *   lock may do: a second lock, named after the token of the stale one. So two who find the same stale
 *   lock cannot both take it, and one who comes late finds another token under the name and judges
 *   again. Whoever dies while it holds a claim leaves a stale claim, which is taken over the same way.
 * - A lock without readable content was torn by a power cut (or, where there are no links, is being
 *   written at this moment, so it counts as held while it is a few seconds old).
 *
 * It guards between the processes of one machine that see each other: not between machines that share
 * a network file system, nor between containers that share a volume but not their process numbers.
 */
import {
  existsSync,
  linkSync,
  lstatSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { kill, pid } from 'node:process'
import { isMainThread } from 'node:worker_threads'
import { randomBytes } from 'node:crypto'
import { PalimpsestError } from '../base/errors.ts'
import { ioFailed, lockHeld } from '../storage/file-rules.ts'
import { type FileLock } from '../storage/files.ts'

/** What a lock file says about the one who took it. */
interface Holder {
  readonly pid: number
  /** The boot of the machine. */
  readonly boot?: string | undefined
  /** When the process started, in the machine's ticks since its boot. */
  readonly started?: string | undefined
  /** Which worker thread of the process, where it is one. */
  readonly thread?: string | undefined
  /** Tells this taking of the lock from every other. */
  readonly token: string
}

/** Stands for the holder of a lock without readable content. */
const TORN = 'torn'
/** For so long a lock without readable content may be one that is being written. */
const WRITING_MILLIS = 3000
/** The greatest number that a process can have anywhere; no system is asked of a greater one. */
const PID_MAX = 2 ** 31 - 1
/** What a file system without hard links answers; `EISDIR` is how exFAT on Windows comes through. */
const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR'])

/** The locks of this process by their real path, each with the token it was taken under. */
const heldHere = new Map<string, string>()

/** Tokens that this process has given up, and whose file may still be there: it holds nothing. */
const givenUpHere = new Set<string>()

/** Takes the lock file of this name. Throws `DATABASE_LOCKED` while its holder is alive. */
export function takeProcessLock(path: string): FileLock {
  const place = attempt(path, () => join(realpathSync(dirname(path)), basename(path)))
  if (heldHere.has(place)) throw lockHeld(path, pid)
  const mine = identify()
  attempt(path, () => acquire(place, mine, path))
  heldHere.set(place, mine.token)
  return {
    release() {
      const isHeld = heldHere.get(place) === mine.token
      if (isHeld) heldHere.delete(place)
      // What failed once can be tried again.
      if (isHeld || givenUpHere.has(mine.token)) attempt(path, () => letGo(place, mine), 'unlock')
    },
  }
}

/** Makes `path` the lock of `mine`, or throws that another holds it. `shown` is the lock that was asked for. */
function acquire(path: string, mine: Holder, shown: string): void {
  for (;;) {
    const found = readHolder(path)
    if (found === undefined) {
      if (createWhole(path, mine)) return
    } else {
      if (isAlive(found, path)) throw lockHeld(shown, found === TORN ? undefined : found.pid)
      if (takeOver(path, found, mine, shown)) return
    }
  }
}

/** Replaces a stale lock. False if it is no longer there. */
function takeOver(path: string, stale: Holder | typeof TORN, mine: Holder, shown: string): boolean {
  const claim = `${path}.${tokenOf(stale)}`
  const claimant = identify()
  acquire(claim, claimant, shown)
  try {
    const found = readHolder(path)
    if (found === undefined || tokenOf(found) !== tokenOf(stale)) return false
    withFinished(path, mine, (finished) => renameSync(finished, path))
    return true
  } finally {
    // A claim is on one stale lock: if it stays behind, it is in nobody's way.
    ifPossible(() => letGo(claim, claimant))
  }
}

/** Creates a lock together with its content. False if there is one of this name. */
function createWhole(path: string, mine: Holder): boolean {
  return withFinished(path, mine, (finished) => {
    try {
      linkSync(finished, path)
      return true
    } catch (error) {
      /* v8 ignore start -- @preserve only a race between processes, or a file system without links, gets here */
      const errno = errnoOf(error)
      if (errno === 'EEXIST') return false
      if (errno === undefined || !NO_LINKS.has(errno)) throw error
      return createInPlace(path, mine)
      /* v8 ignore stop */
    }
  })
}

/** Where there are no links: the lock is there a moment before its content. */
/* v8 ignore next -- @preserve the file systems of a test have links */
function createInPlace(path: string, mine: Holder): boolean {
  try {
    writeFileSync(path, JSON.stringify(mine), { flag: 'wx', mode: 0o644 })
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

/** Writes a lock under a name of its own, to be put into its place; under that name nothing stays, come what may. */
function withFinished<T>(path: string, mine: Holder, put: (finished: string) => T): T {
  const finished = `${path}.${mine.token}.new`
  try {
    writeFileSync(finished, JSON.stringify(mine), { flag: 'wx', mode: 0o644 })
    return put(finished)
  } finally {
    ifPossible(() => rmSync(finished, { force: true }))
  }
}

/** Takes a lock of this process away. Should that fail, it is stale to this process, and to others once it is gone. */
function letGo(path: string, mine: Holder): void {
  givenUpHere.add(mine.token)
  const found = readHolder(path)
  if (found !== undefined && tokenOf(found) === mine.token) rmSync(path, { force: true })
  givenUpHere.delete(mine.token)
}

function tokenOf(holder: Holder | typeof TORN): string {
  return holder === TORN ? TORN : holder.token
}

/** Who the lock file says holds it; `undefined` where there is none. */
function readHolder(path: string): Holder | typeof TORN | undefined {
  try {
    // A link to nothing would be no lock to who reads it, and one to who creates it, for ever.
    const stats = lstatSync(path)
    if (!stats.isFile()) throw ioFailed('lock', path, stats.isDirectory() ? 'EISDIR' : 'EFTYPE')
    return parseHolder(readFileSync(path, 'utf8'))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Trusts nothing in the file: its token becomes part of a file name, its number is asked of the system. */
function parseHolder(text: string): Holder | typeof TORN {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    return TORN
  }
  if (typeof parsed !== 'object' || parsed === null) return TORN
  const { pid: holder, boot, started, thread, token }: Partial<Record<keyof Holder, unknown>> = parsed
  if (typeof holder !== 'number' || !Number.isInteger(holder) || holder <= 0 || holder > PID_MAX) return TORN
  if (typeof token !== 'string' || !/^[0-9a-f]{16}$/.test(token)) return TORN
  return {
    pid: holder,
    boot: typeof boot === 'string' ? boot : undefined,
    started: typeof started === 'string' ? started : undefined,
    thread: typeof thread === 'string' && /^[1-9]\d{0,9}$/.test(thread) ? thread : undefined,
    token,
  }
}

function isAlive(holder: Holder | typeof TORN, path: string): boolean {
  if (holder === TORN) return wasJustWritten(path)
  if (givenUpHere.has(holder.token)) return false
  const here = identify()
  if (holder.boot !== undefined && here.boot !== undefined && holder.boot !== here.boot) return false
  if (!processExists(holder.pid)) return false
  const { state, started } = processStat(String(holder.pid))
  if (state === 'Z' || state === 'X') return false
  // Where the system does not tell of the process, it says nothing of its threads either.
  if (holder.started === undefined || started === undefined) return true
  return (
    holder.started === started &&
    (holder.thread === undefined || existsSync(`/proc/${holder.pid}/task/${holder.thread}`))
  )
}

function wasJustWritten(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  // oxlint-disable-next-line no-restricted-properties -- the age of a file is told by the wall
  return stats !== undefined && Math.abs(Date.now() - stats.mtimeMs) < WRITING_MILLIS
}

function processExists(number: number): boolean {
  try {
    return kill(number, 0)
  } catch (error) {
    return errnoOf(error) !== 'ESRCH'
  }
}

/** This process, or this worker thread of it, as a holder with a token of its own. */
function identify(): Holder {
  return {
    pid,
    boot: readLine('/proc/sys/kernel/random/boot_id'),
    started: processStat('self').started,
    thread: isMainThread ? undefined : readLine('/proc/thread-self/stat')?.split(' ')[0],
    token: randomBytes(8).toString('hex'),
  }
}

/** Fields 3 and 22 of `/proc/<pid>/stat`. The second field is a name in parentheses that may hold any character. */
function processStat(number: string): { state?: string | undefined; started?: string | undefined } {
  const line = readLine(`/proc/${number}/stat`)
  if (line === undefined) return {}
  const fields = line.substring(line.lastIndexOf(')') + 2).split(' ')
  return { state: fields[0], started: fields[19] }
}

function readLine(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return undefined
  }
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

/** Does what nothing depends on: what the system has against it must not hide what went wrong before. */
function ifPossible(action: () => void): void {
  try {
    action()
  } catch (error) {
    if (errnoOf(error) === undefined && !(error instanceof PalimpsestError)) throw error
  }
}

function attempt<T>(path: string, action: () => T, operation: 'lock' | 'unlock' = 'lock'): T {
  try {
    return action()
  } catch (error) {
    if (error instanceof Error && 'syscall' in error) {
      throw ioFailed(operation, path, errnoOf(error) ?? 'EIO', error)
    }
    throw error
  }
}
