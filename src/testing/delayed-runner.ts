/**
 * A runner of jobs for simulation: it runs each job when it is given, with nothing but the files, as a thread would, and
 * lets the result wait. So everything that can happen between planning and installing does, the same way every time.
 *
 *     start ─▶ runs ─▶ asked once, twice, … ─▶ done      or failed, or lost: then what it wrote is left behind
 */
import { type Directive } from '../history/garbage.ts'
import {
  type Job,
  type JobIo,
  type JobKind,
  type JobOutcome,
  type JobRunner,
  runJobElsewhere,
} from '../storage/job.ts'

/** What becomes of a job. */
export type JobFate =
  | { readonly ends: 'done' | 'failed' | 'lost'; readonly afterPolls: number }
  /** It ends only for those who wait for it, and badly. */
  | { readonly ends: 'never' }

/** A job that has run, and waits to be asked for. */
interface Waiting {
  readonly outcome: JobOutcome
  readonly fate: JobFate
  polls: number
}

/** Runs jobs, each with a fate. */
export class DelayedRunner implements JobRunner<Directive> {
  readonly #io: JobIo<Directive>
  readonly #fateOf: (job: Job<Directive>) => JobFate
  readonly #waiting = new Map<JobKind, Waiting>()

  constructor(io: JobIo<Directive>, fateOf: (job: Job<Directive>) => JobFate) {
    this.#io = io
    this.#fateOf = fateOf
  }

  /** Whether a job has run whose result nobody has yet. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0
  }

  start(job: Job<Directive>): void {
    const outcome = runJobElsewhere(job, this.#io)
    this.#waiting.set(job.kind, { outcome, fate: this.#fateOf(job), polls: 0 })
  }

  poll(kind: JobKind, waitMicros: number): JobOutcome | undefined {
    const waiting = this.#waiting.get(kind)
    if (waiting === undefined) return undefined
    const { fate } = waiting
    const isOver = fate.ends !== 'never' && waiting.polls++ >= fate.afterPolls
    if (!isOver && waitMicros !== Infinity) return undefined
    this.#waiting.delete(kind)
    if (fate.ends === 'done') return waiting.outcome
    const error = new Error('a fate of the simulation')
    return { kind: fate.ends === 'never' ? 'lost' : fate.ends, error }
  }

  abandon(kind: JobKind): void {
    this.#waiting.delete(kind)
  }

  close(): void {
    this.#waiting.clear()
  }
}
