/**
 * What a thread that runs jobs and the one that asks for them say to each other.
 *
 *     asking thread                              shared numbers                     running thread
 *     post a request ────────────────────────────────────────────────────────────▶ runs it
 *     looks now and then, or waits for a change ◀── BEATS, with every file call ─── is alive
 *     ABANDONED, "stop" ──────────────────────────────────────────────────────────▶ looked at with every file call
 *     reads the reply that is there by then ◀────── ENDED, after the reply ──────── posts a reply
 *
 * The reply is posted before its number is set, so the asking thread, which may never turn its event loop,
 * finds it there with `receiveMessageOnPort`. All messages are small: a memtable is not sent, but read from the log.
 */
import { type MessagePort } from 'node:worker_threads'
import { type Directive } from '../history/garbage.ts'
import { type Geometry } from '../storage/geometry.ts'
import { type JobResult, type SentJob } from '../storage/job.ts'

/** Place in the shared numbers: signs of life. */
export const BEATS = 0
/** Place in the shared numbers: the last job that ended. */
export const ENDED = 1
/** Place in the shared numbers: the last job that was given up. */
export const ABANDONED = 2
/** How many shared numbers there are. */
export const SIGNALS = 3

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
  /** Rises by one. */
  readonly id: number
  readonly job: SentJob<Directive>
}

/** What became of a job: its result, or in words why there is none. */
export type JobReply = { readonly id: number } & JobAnswer

/** A reply, whatever it is to. */
export type JobAnswer =
  | { readonly kind: 'done'; readonly result: JobResult }
  | { readonly kind: 'failed' | 'log failed'; readonly failure: string }
