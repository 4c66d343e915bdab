/**
 * Runs jobs in a worker thread, for a caller whose event loop may never turn: the outcome is fetched from
 * a port when shared numbers say that it is there (`job-messages.ts`).
 *
 * The thread begins with the first job and does not keep the process alive. Every wait has a limit, and the
 * thread has to show signs of life: one that is silent for too long is lost, whether it died, hangs, or could
 * not even be loaded. What it may have written then is the caller's to remove.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { performance } from 'node:perf_hooks'
import { MessageChannel, type MessagePort, Worker, receiveMessageOnPort } from 'node:worker_threads'
import { assert } from '../base/assert.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Directive } from '../history/garbage.ts'
import { type Geometry } from '../storage/geometry.ts'
import { type Job, type JobKind, type JobOutcome, type JobRunner } from '../storage/job.ts'
import { Handover } from './handover.ts'
import {
  ABANDONED,
  BEATS,
  ENDED,
  type JobAnswer,
  type JobReply,
  type JobRequest,
  type JobThreadData,
  SIGNALS,
  failureOf,
} from './job-messages.ts'
import { LifeWatch } from './life-watch.ts'

/** How a runner can be told to differ, for tests mostly. Milliseconds. */
export interface WorkerRunnerOptions {
  /** The module of the thread. */
  readonly module?: URL | undefined
  /** A thread that shows no sign of life for so long of looking is lost; one sync of a slow disk shows none. @defaultValue 10 000 */
  readonly silenceMs?: number | undefined
  /** How long a job that is given up may take to stop. @defaultValue 2000 */
  readonly stopMs?: number | undefined
}

/** One wait of the operating system; between two of them signs of life are looked at. */
const WAIT_MS = 50

/** What a thread may take of objects. The index of a table that is written fits in well; what is young dies young. */
const [YOUNG_MB, OLD_MB] = [4, 192]

/** Memory that is kept to hand memtables over: a large commit may take one far beyond its size. */
const HANDOVER_MEMTABLES = 2

/** What is known of the jobs of one kind. */
interface Seat {
  /** The last one. */
  id: number
  isTaken: boolean
  /** What was said of it. */
  answer: JobAnswer | undefined
}

/** Runs the jobs of one database in a thread. */
export class WorkerRunner implements JobRunner<Directive> {
  readonly #root: string
  readonly #geometry: Geometry
  readonly #module: URL | undefined
  readonly #stopMs: number
  readonly #watch: LifeWatch
  readonly #handover: Handover
  readonly #signals = new Int32Array(new SharedArrayBuffer(4 * SIGNALS))
  #worker: Worker | undefined
  #port: MessagePort | undefined
  #loss: Error | undefined
  readonly #seats: Readonly<Record<JobKind, Seat>> = { flush: freeSeat(), compaction: freeSeat() }

  constructor(root: string, geometry: Geometry, options: WorkerRunnerOptions = {}) {
    this.#root = root
    this.#geometry = geometry
    this.#handover = new Handover(HANDOVER_MEMTABLES * geometry.memtableBytes)
    this.#module = options.module
    this.#stopMs = options.stopMs ?? 2000
    this.#watch = new LifeWatch(options.silenceMs ?? 10_000)
  }

  start(job: Job<Directive>): void {
    const seat = this.#seats[job.kind]
    assert(!seat.isTaken, 'a runner has one job of a kind at a time')
    seat.isTaken = true
    seat.id++
    seat.answer = undefined
    this.#watch.begin(performance.now())
    if (this.#worker === undefined && this.#loss === undefined) this.#begin()
    if (this.#loss !== undefined) return
    try {
      this.#send({ id: seat.id, job })
    } catch (error) {
      // There may be no memory for a copy. The job has then ended before it began, and who asked for it does it.
      const unsent = new Error(`a job could not be sent: ${String(error)}`)
      seat.answer = { kind: 'failed', failure: failureOf(unsent) }
      Atomics.store(this.#signals, ENDED[job.kind], seat.id)
    }
  }

  poll(kind: JobKind, waitMicros: number): JobOutcome | undefined {
    const seat = this.#seats[kind]
    if (!seat.isTaken) return undefined
    const untilMs = waitMicros === 0 ? 0 : performance.now() + waitMicros / 1000
    for (;;) {
      const outcome = this.#outcome(kind)
      if (outcome !== undefined) {
        seat.isTaken = false
        return outcome
      }
      const leftMs = waitMicros === 0 ? 0 : untilMs - performance.now()
      if (leftMs <= 0) return undefined
      Atomics.wait(this.#signals, ENDED[kind], seat.id - 1, Math.min(leftMs, WAIT_MS))
    }
  }

  abandon(kind: JobKind): void {
    const seat = this.#seats[kind]
    if (!seat.isTaken) return
    Atomics.store(this.#signals, ABANDONED[kind], seat.id)
    // Whatever it says then, the job is over.
    if (!this.#hasStopped(kind)) this.#lose(new Error('a worker did not stop'))
    seat.isTaken = false
  }

  close(): void {
    this.abandon('flush')
    this.abandon('compaction')
    this.#end()
  }

  /** Whether a job that is given up ends in time. Waits are counted: a pause of the whole process is one of them. */
  #hasStopped(kind: JobKind): boolean {
    for (let waitedMs = 0; waitedMs < this.#stopMs; waitedMs += WAIT_MS)
      if (this.poll(kind, 1000 * WAIT_MS) !== undefined) return true
    return false
  }

  #begin(): void {
    const { port1, port2 } = new MessageChannel()
    const data: JobThreadData = {
      ...{ root: this.#root, geometry: this.#geometry, signals: this.#signals, port: port2 },
    }
    try {
      // Bundled, this module may not know where it is, and the other may be anywhere. A worker would say so only to an
      // event loop that turns.
      const module = this.#module ?? new URL('./job-thread.js', import.meta.url)
      if (!existsSync(fileURLToPath(module))) throw new Error('the module of the worker is not there')
      this.#worker = new Worker(module, {
        ...{ workerData: data, transferList: [port2], execArgv: [] },
        resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB, maxOldGenerationSizeMb: OLD_MB },
      })
    } catch (error) {
      port1.close()
      return this.#lose(error instanceof Error ? error : new Error(String(error)))
    }
    this.#worker.on('error', (error) => {
      this.#loss ??= error instanceof Error ? error : new Error(String(error))
    })
    this.#worker.on('exit', () => {
      this.#loss ??= new Error('the worker has ended')
    })
    this.#worker.unref()
    this.#port = port1
    port1.unref()
  }

  #send({ id, job }: JobRequest): void {
    const sent = job.kind === 'flush' ? { ...job, memtable: this.#handover.share(job.memtable) } : job
    const request: JobRequest = { id, job: sent }
    this.#port?.postMessage(request, [])
  }

  #outcome(kind: JobKind): JobOutcome | undefined {
    // What has ended counts, even of a thread that is gone since.
    if (Atomics.load(this.#signals, ENDED[kind]) === this.#seats[kind].id) return this.#outcomeToldOf(kind)
    if (this.#loss === undefined) this.#listenForLife()
    return this.#loss === undefined ? undefined : { kind: 'lost', error: this.#loss }
  }

  #outcomeToldOf(kind: JobKind): JobOutcome {
    this.#receive()
    const { answer } = this.#seats[kind]
    if (answer === undefined)
      return { kind: 'lost', error: new Error('a worker ended a job without a reply') }
    if (answer.kind === 'done') return answer
    const { code, message, details } = answer.failure
    return { kind: answer.kind, error: new PalimpsestError(code, message, details) }
  }

  /** Takes the replies that are there. */
  #receive(): void {
    const port = this.#port
    if (port === undefined) return
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) {
      const { kind, id, answer } = next.message as JobReply
      const seat = this.#seats[kind]
      assert(seat.isTaken && seat.id === id, 'a reply is that of the job')
      seat.answer = answer
    }
  }

  #listenForLife(): void {
    const silentMs = this.#watch.look(Atomics.load(this.#signals, BEATS), performance.now())
    if (silentMs !== undefined) this.#lose(new Error(`a worker was silent for ${Math.round(silentMs)} ms`))
  }

  #lose(error: Error): void {
    this.#loss ??= error
    // A job of the other kind may have ended well.
    this.#receive()
    this.#end()
  }

  #end(): void {
    this.#port?.close()
    void this.#worker?.terminate()
    this.#worker = undefined
    this.#port = undefined
    // The runner itself stays for as long as the event loop, which may never turn, has not heard of the thread's end.
    this.#handover.letGo()
  }
}

function freeSeat(): Seat {
  return { id: 0, isTaken: false, answer: undefined }
}
