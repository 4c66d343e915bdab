/**
 * Files of any size, read in chunks, one after the other, without waiting for events.
 */
import { closeSync, openSync, readSync } from 'node:fs'
import { PalimpsestError } from '../../base/errors.ts'

const CHUNK_SIZE = 1 << 16
const PAUSE_MILLIS = 5

/**
 * What is left of an open file. All chunks lie in the same memory: each is good until the next is
 * asked for. `from` is where to begin; without it, reading goes on where the file stands (a pipe).
 */
export function* readChunks(descriptor: number, name: string, from?: number): Generator<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_SIZE)
  for (let at = from; ;) {
    const count = readSome(descriptor, buffer, at, name)
    if (count === 0) return
    if (at !== undefined) at += count
    yield buffer.subarray(0, count)
  }
}

/** The chunks of a file, or of standard input if it is `0`. Opened at the first chunk. */
export function* readFileChunks(path: string | 0): Generator<Uint8Array> {
  if (path === 0) {
    yield* readChunks(0, 'standard input')
    return
  }
  const descriptor = attempt('open', path, () => openSync(path, 'r'))
  try {
    yield* readChunks(descriptor, path)
  } finally {
    closeSync(descriptor)
  }
}

/** Does something with a file; a refusal of the operating system becomes `IO_FAILED`. */
export function attempt<T>(operation: string, path: string, action: () => T): T {
  try {
    return action()
  } catch (cause) {
    const errno = errnoOf(cause)
    throw new PalimpsestError(
      'IO_FAILED',
      `${operation} ${path}: ${errno}`,
      { operation, path, errno },
      cause,
    )
  }
}

/** The operating system's name for what went wrong. */
export function errnoOf(error: unknown): string {
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : String(error)
}

function readSome(
  descriptor: number,
  buffer: Uint8Array,
  position: number | undefined,
  name: string,
): number {
  for (;;) {
    try {
      return readSync(descriptor, buffer, 0, buffer.length, position ?? null)
    } catch (cause) {
      const errno = errnoOf(cause)
      // Windows says so at the end of a pipe.
      if (errno === 'EOF') return 0
      // A pipe that another process made non-blocking, and that has nothing yet.
      if (errno !== 'EAGAIN') return attempt('read', name, () => raise(cause))
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MILLIS)
    }
  }
}

function raise(cause: unknown): never {
  throw cause
}
