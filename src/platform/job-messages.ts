/**
 * What a thread that runs jobs and the one that asks for them say to each other.
 *
 *     asking thread                              shared numbers                     running thread
 *     post a request ────────────────────────────────────────────────────────────▶ runs it; a flush that comes
 *     looks now and then, or waits for a change ◀── BEATS, with every file call ─── while it merges, it runs
 *     ABANDONED, then a wait ─────────────────────────────────────────────────────▶ at the next file call
 *     reads the replies that are there by then ◀─── ENDED, after the reply ──────── posts a reply
 *
 * A flush and a compaction may be on their way at once, so ends are told for each kind of job. The reply is posted
 * before its number is set, so the asking thread, which may never turn its event loop, finds it there with
 * `receiveMessageOnPort`.
 */
import { type MessagePort } from 'node:worker_threads'
import { PalimpsestError } from '../base/errors.ts'
import { type Directive } from '../history/garbage.ts'
import { type Geometry } from '../storage/geometry.ts'
import { type Job, type JobKind, type JobResult } from '../storage/job.ts'

/** Place in the shared numbers: signs of life. */
export const BEATS = 0
/** Places in the shared numbers: the last job of a kind that ended. */
export const ENDED: Readonly<Record<JobKind, number>> = { flush: 1, compaction: 2 }
/** Places in the shared numbers: the last job of a kind that was given up. */
export const ABANDONED: Readonly<Record<JobKind, number>> = { flush: 3, compaction: 4 }
/** How many shared numbers there are. */
export const SIGNALS = 5

/** What a thread begins with. */
export interface JobThreadData {
  /** The directory of the database. */
  readonly root: string
  readonly geometry: Geometry
  readonly signals: Int32Array<SharedArrayBuffer>
  readonly port: MessagePort
}

/** A job to run. */
export interface JobRequest {
  /** Rises by one with each job of a kind. */
  readonly id: number
  readonly job: Job<Directive>
}

/** What became of a job. */
export interface JobReply {
  readonly kind: JobKind
  readonly id: number
  readonly answer: JobAnswer
}

/** A result, or why there is none. */
export type JobAnswer =
  | { readonly kind: 'done'; readonly result: JobResult }
  | { readonly kind: 'failed' | 'log failed'; readonly failure: JobFailure }

/** An error as plain data. Sent as it is, it would arrive without its code and its facts. */
export type JobFailure = Pick<PalimpsestError, 'code' | 'message' | 'details'>

/** What went wrong, for the one who asked: what files can cause with its code and its facts, a bug with its words. */
export function failureOf(error: unknown): JobFailure {
  if (error instanceof PalimpsestError)
    return { code: error.code, message: error.message, details: error.details }
  return { code: 'IO_FAILED', message: error instanceof Error ? error.message : String(error), details: {} }
}
