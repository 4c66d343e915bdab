/**
 * A lane: the tasks of one kind, one at a time. Flushes have a lane, and compactions another, so that a memtable
 * never waits for a long merge to end. Both may have the same runner.
 *
 * Whatever is wrong with where a job runs, the job is done: what failed or was lost there is run again here.
 * A runner that was lost is not asked again.
 */
import { defined } from '../base/assert.ts'
import { type Directive } from '../history/garbage.ts'
import { type Job, type JobKind, type JobOutcome, type JobResult, type JobRunner } from '../storage/job.ts'
import { type CompactionPlan } from '../storage/plan.ts'

/** A job, and what has to be known of it when its result is installed. */
export interface Task {
  readonly tablet: number
  readonly job: Job<Directive>
  /** What led to a compaction. */
  readonly plan?: CompactionPlan | undefined
  /** The microsecond by which its directive was judged. */
  readonly judgedMicros: number
}

/** Why a runner did not do a task. */
export type JobTrouble = Exclude<JobOutcome, { readonly kind: 'done' }>

/** A task that is done, or that its runner did not do. */
export type Ended =
  { readonly task: Task; readonly result: JobResult } | { readonly task: Task; readonly trouble: JobTrouble }

/** The task of a kind, and who runs it. */
export class Lane {
  readonly #kind: JobKind
  readonly #here: JobRunner<Directive>
  readonly #elsewhere: () => JobRunner<Directive>
  #runner: JobRunner<Directive> | undefined
  #task: Task | undefined

  /** `elsewhere` is asked for the runner when there is a first task. */
  constructor(kind: JobKind, here: JobRunner<Directive>, elsewhere: () => JobRunner<Directive>) {
    this.#kind = kind
    this.#here = here
    this.#elsewhere = elsewhere
  }

  /** The task that runs. */
  get task(): Task | undefined {
    return this.#task
  }

  start(task: Task): void {
    this.#runner ??= this.#elsewhere()
    this.#runner.start(task.job)
    this.#task = task
  }

  /** The task, if it has ended. Waits for up to `waitMicros`; after `Infinity` it has. */
  poll(waitMicros: number): Ended | undefined {
    if (this.#task === undefined) return undefined
    const task = this.#task
    // A runner that throws has ended it as well.
    this.#task = undefined
    const outcome = defined(this.#runner, 'the runner of a task').poll(this.#kind, waitMicros)
    if (outcome === undefined) {
      this.#task = task
      return undefined
    }
    if (outcome.kind === 'done') return { task, result: outcome.result }
    if (outcome.kind === 'lost') this.#runner = this.#here
    return { task, trouble: outcome }
  }

  /** Stops what runs, and says what it was. */
  abandon(): Task | undefined {
    const task = this.#task
    this.#task = undefined
    if (task !== undefined) this.#runner?.abandon(this.#kind)
    return task
  }
}
