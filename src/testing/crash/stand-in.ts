/**
 * What stands in for the thread in crash runs: flushes and merges run when they are given, and their results wait, for as long
 * as is drawn. So a crash can come between the two, in a workload and in a recovery.
 */
import { type RandomStream } from '../../simulator/random.ts'
import { type StartRunner } from '../../store/open.ts'
import { DelayedRunner, type JobFate } from '../delayed-runner.ts'

/** The jobs of one database after the other, on one disk. */
export class StandIn {
  readonly #random: RandomStream
  #runner: DelayedRunner | undefined
  #jobs = 0

  constructor(random: RandomStream) {
    this.#random = random
  }

  /** Starts the runner of a database that is opened. */
  readonly start: StartRunner = (io) =>
    (this.#runner = new DelayedRunner(io, () => {
      this.#jobs++
      return drawFate(this.#random)
    }))

  /** How many jobs were given to it. */
  get jobs(): number {
    return this.#jobs
  }

  /** Whether a job has run, and its result waits to be installed. */
  get isJobWaiting(): boolean {
    return this.#runner?.isWaiting ?? false
  }
}

/** Most jobs are done some commits later; a few fail, or are lost with all that come after them. */
function drawFate(random: RandomStream): JobFate {
  const kind = random.below(20)
  if (kind === 0) return { ends: 'never' }
  if (kind < 3) return { ends: kind === 1 ? 'failed' : 'lost', afterPolls: random.below(4) }
  return { ends: 'done', afterPolls: random.below(6) }
}
