/**
 * Maintenance: what of flush and compaction is due, who does it, and who waits for it.
 *
 *     commit ─▶ is anything done? install it ─▶ is a memtable full? freeze it ─▶ is a lane free? start what is due
 *
 * Nothing waits for an event loop. Each commit asks the two lanes, of flushes and of compactions, what has
 * ended, installs it (`installer.ts`) and starts what is due next. Where jobs run here, that is all there is; where
 * they run elsewhere, a commit may have to wait (`stalls.ts`). What a job dropped, it dropped by the directive that
 * was taken when it was planned, and that goes with its result: times that were lost since are none of its
 * business, and no time comes back.
 */
import { assert, defined } from '../base/assert.ts'
import { doAll } from '../base/do-all.ts'
import { type Directive, flushDirective } from '../history/garbage.ts'
import { type Geometry } from '../storage/geometry.ts'
import { planIdleGarbage } from '../storage/idle-garbage.ts'
import { InlineRunner, type JobIo, type JobRunner, type NumberRange } from '../storage/job.ts'
import { type CompactionPlan } from '../storage/plan.ts'
import { type PolicyInput, planCompaction, planFullCompaction } from '../storage/policy.ts'
import { type FailStop } from '../tablet/fail-stop.ts'
import { type Tablet } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, MICROS_MAX, MIN_TIME, hybridTime, microsOf } from '../time/hybrid-time.ts'
import { Backpressure } from './backpressure.ts'
import { Installer, type InstallerContext } from './installer.ts'
import { type Ended, Lane, type Task } from './lane.ts'
import { FROZEN_MAX, type Stall, type StallStats } from './stalls.ts'

/** What maintenance works on. */
export interface MaintenanceContext extends InstallerContext {
  readonly failStop: FailStop
  readonly geometry: Geometry
  readonly jobs: JobIo<Directive>
  /** Begins a runner that is elsewhere; left out, jobs run here. */
  readonly startRunner?: (() => JobRunner<Directive>) | undefined
  /** Microseconds since any moment. */
  readonly monotonic: () => number
  readonly directiveFor: (tablet: number) => Directive
}

/** A run that ends sooner would begin merges in vain, and its close would have to clear away what they wrote. */
const TAKING_UP_AFTER_MICROS = 1_000_000

/** After so long, by the times of commits, all tablets are looked at again for garbage that nobody's writes lead to. */
const ROUND_MICROS = 10_000_000

/** Keeps the trees of a store in shape. */
export class Maintenance {
  readonly #context: MaintenanceContext
  readonly #installer: Installer
  readonly #backpressure: Backpressure
  readonly #here: JobRunner<Directive>
  /** Where jobs run, once there was one. */
  #runner: JobRunner<Directive> | undefined
  readonly #flushes: Lane
  readonly #compactions: Lane
  /** Tablets with frozen memtables, and those that a policy has to be asked about: each has its turn. */
  readonly #frozen = new Set<number>()
  readonly #unsettled = new Set<number>()
  /** Tablets of which runs before this one may have given up merges that this one has not taken up. */
  readonly #leftOver = new Set<number>()
  /** Tablets that this round has yet to look at, and when the next one begins. */
  readonly #unseen = new Set<number>()
  #nextRound: HybridTime = MIN_TIME
  /** When the first commit came. */
  #begun: number | undefined

  constructor(context: MaintenanceContext) {
    this.#context = context
    this.#installer = new Installer(context)
    this.#backpressure = new Backpressure(context)
    this.#here = new InlineRunner(context.jobs)
    const runner = () => (this.#runner ??= context.startRunner?.() ?? this.#here)
    this.#flushes = new Lane('flush', this.#here, runner)
    this.#compactions = new Lane('compaction', this.#here, runner)
  }

  /** What writers waited for maintenance. */
  get stallStats(): StallStats {
    return this.#backpressure.stats
  }

  /** What a commit of so many bytes has made due: full memtables, a long log, levels over their size. */
  afterCommit(touched: readonly number[], bytes: number): void {
    const { tablets, geometry, log, failStop } = this.#context
    this.#begun ??= this.#begin()
    this.#advance()
    for (const id of touched) {
      if (this.#leftOver.has(id)) this.#takeUp(id)
      const tablet = tablets.get(id)
      if (tablet.isMemtableFull) this.#freeze(tablet)
      // A commit may have found one that had no room for it.
      else if (tablet.frozenCount > 0) this.#frozen.add(id)
    }
    if (log.bytes > geometry.logBytes) for (const tablet of this.#pinningLog()) this.#freeze(tablet)
    // That of the commit: a clock is not read again, and while the wall is set back the cutoff stands still too.
    if (this.#unseen.size > 0 || log.clock.last >= this.#nextRound) this.#lookForGarbage()
    this.#advance()
    failStop.guard(() => this.#installer.removeSome(bytes))
    if (this.#backpressure.isFelt) this.#slowDown(touched, bytes)
  }

  /** Writes all that a tablet has in memory down, and compacts it while that is due, before it returns. */
  flush(tablet: Tablet): void {
    this.writeDown(tablet)
    for (;;) {
      this.removeUnneeded()
      const plan = planCompaction(this.#policyInput(tablet))
      if (plan.choice === undefined) {
        this.#unsettled.delete(tablet.id)
        return
      }
      this.#runHere(this.#mergeTask(tablet, plan))
    }
  }

  /** Flushes a tablet and merges all that it has into one run. */
  compactFully(tablet: Tablet): void {
    this.writeDown(tablet)
    // A merge needs space: what the one before it has replaced goes first.
    this.removeUnneeded()
    const plan = planFullCompaction(this.#policyInput(tablet))
    if (plan.choice !== undefined) this.#runHere(this.#mergeTask(tablet, plan))
  }

  /** Removes the files that nothing needs any more, for somebody who waits anyway, and may want the space. */
  removeUnneeded(): void {
    this.#context.failStop.guard(() => {
      this.#installer.removeAll()
    })
  }

  /** Waits for what runs elsewhere, then writes all that a tablet has in memory down here. */
  writeDown(tablet: Tablet): void {
    for (const lane of [this.#flushes, this.#compactions])
      if (lane.task !== undefined) this.#take(lane, Infinity)
    tablet.freeze()
    while (tablet.frozenCount > 0) this.#runHere(this.#flushTask(tablet))
  }

  /** Stops what runs elsewhere, for good. Flushes are due again with the next full memtable, merges in a run that lasts. */
  close(): void {
    const { failStop, manifest, numbers } = this.#context
    const abandoned: Lane[] = []
    try {
      abandoned.push(...[this.#flushes, this.#compactions].filter((lane) => this.#abandon(lane)))
    } finally {
      this.#runner?.close()
    }
    if (failStop.hasFailed) return
    failStop.guard(() => {
      // A runner that did not answer may still write: nobody else may ever take its numbers.
      if (abandoned.length > 0) manifest.commit({ nextNumber: numbers.next })
      this.#installer.removeAll()
    })
  }

  /** Whether anything was compacted since this was asked last. */
  takeCompacted(): boolean {
    return this.#installer.takeCompacted()
  }

  /** Ends tablets that nobody can read any more. Those that are gone already are passed over. */
  free(ids: readonly number[]): void {
    const { failStop, manifest, tablets } = this.#context
    const trees = ids.filter((id) => manifest.state.trees.has(id))
    for (const lane of [this.#flushes, this.#compactions])
      if (lane.task !== undefined && ids.includes(lane.task.tablet)) this.#abandon(lane)
    for (const known of [this.#frozen, this.#unsettled, this.#leftOver, this.#unseen])
      for (const id of ids) known.delete(id)
    this.#backpressure.forget(ids)
    if (trees.length === 0) return tablets.forget(ids)
    failStop.guard(() => {
      this.#installer.free(ids, trees)
      this.#removeUnlessAwaited()
    })
  }

  /** Every refusal that follows from this microsecond is written down already. */
  get judgedMicros(): number {
    return this.#context.manifest.state.judgedMicros
  }

  /**
   * Writes down that somebody was refused history as of this microsecond: a clock that is set back must
   * not make it readable again (law 4).
   */
  noteJudged(judgedMicros: number): void {
    const { failStop, manifest } = this.#context
    // A store that has failed can still be read; its refusals are as good as its memory.
    if (!failStop.hasFailed) failStop.guard(() => manifest.commit({ judgedMicros }))
  }

  #policyInput(tablet: Tablet): PolicyInput {
    const { geometry, policy, directiveFor } = this.#context
    const { shape, pointers } = tablet.state
    return { policy, shape, pointers, geometry, cutoff: directiveFor(tablet.id).cutoff }
  }

  /**
   * What runs before this one left of a log that is too long is written down here, with the first commit: if each ends
   * sooner than a flush elsewhere would, the log grows for ever, and the memtables that the next opening makes of it.
   */
  #begin(): number {
    const { geometry, log, tablets, startRunner, monotonic } = this.#context
    this.#planRound()
    // Where jobs run here, no merge is given up.
    if (startRunner !== undefined) for (const { id } of tablets.all()) this.#leftOver.add(id)
    const pinning = log.bytes > geometry.logBytes ? this.#pinningLog() : []
    for (const tablet of [...pinning, ...tablets.all().filter(({ frozenCount }) => frozenCount > 0)]) {
      this.writeDown(tablet)
      this.#unsettled.add(tablet.id)
    }
    return monotonic()
  }

  /** Merges of a tablet that a run before this one gave up are due again, once this one has lasted for a while. */
  #takeUp(id: number): void {
    if (this.#context.monotonic() - this.#begun! < TAKING_UP_AFTER_MICROS) return
    this.#leftOver.delete(id)
    this.#unsettled.add(id)
  }

  #planRound(): void {
    const micros = microsOf(this.#context.log.clock.last)
    this.#nextRound = hybridTime(Math.min(micros + ROUND_MICROS, MICROS_MAX))
  }

  /** Takes up one tablet, of all in turn, if history has left tables of it behind: perhaps nobody writes to it any more. */
  #lookForGarbage(): void {
    const { tablets, directiveFor } = this.#context
    if (this.#unseen.size === 0) {
      this.#planRound()
      for (const { id } of tablets.all()) this.#unseen.add(id)
    }
    const [id] = this.#unseen
    if (id === undefined) return
    this.#unseen.delete(id)
    const { shape } = tablets.get(id).state
    const isDue = (cutoff: HybridTime) => planIdleGarbage(shape, cutoff).choice !== undefined
    // Most have none at any cutoff; to ask for theirs takes a look at the catalog.
    if (isDue(MAX_TIME) && isDue(directiveFor(id).cutoff)) this.#unsettled.add(id)
  }

  /** Installs what has ended and starts what is due, until nothing more can be done without waiting. */
  #advance(): void {
    while (this.#stepFlushes() || this.#stepCompactions());
  }

  #stepFlushes(): boolean {
    if (this.#flushes.task !== undefined) return this.#take(this.#flushes, 0)
    const [id] = this.#frozen
    if (id === undefined) return false
    this.#flushes.start(this.#flushTask(this.#context.tablets.get(id)))
    return true
  }

  #stepCompactions(): boolean {
    if (this.#compactions.task !== undefined) return this.#take(this.#compactions, 0)
    const [id] = this.#unsettled
    if (id === undefined) return false
    const tablet = this.#context.tablets.get(id)
    const plan = planCompaction(this.#policyInput(tablet))
    if (plan.choice === undefined) this.#unsettled.delete(id)
    // To move tables is to name them anew: it is done sooner than sent.
    else if (plan.choice.kind === 'move') this.#runHere(this.#mergeTask(tablet, plan))
    else this.#compactions.start(this.#mergeTask(tablet, plan))
    return true
  }

  /** Installs what a lane's task made, if it has ended. */
  #take(lane: Lane, waitMicros: number): boolean {
    const { task } = lane
    return this.#context.failStop.guard(() => {
      const ended = this.#leavingNothing(task, () => lane.poll(waitMicros))
      if (ended !== undefined) this.#finish(ended)
      return ended !== undefined
    })
  }

  #finish(ended: Ended): void {
    const { task } = ended
    // In turn: one that is always due must not keep back the others.
    this.#unsettled.delete(task.tablet)
    this.#unsettled.add(task.tablet)
    if ('result' in ended) return this.#install(task, ended.result)
    const { kind, error } = ended.trouble
    if (kind === 'log failed') throw error
    const { kind: job, numbers } = task.job
    this.#context.events.emit({
      kind: 'job-failed',
      tablet: task.tablet,
      job,
      isLost: kind === 'lost',
      error,
    })
    this.#removeFilesOf(task)
    this.#runHere({ ...task, job: { ...task.job, numbers: this.#reserve(numbers.end - numbers.first) } })
  }

  #runHere(task: Task): void {
    this.#context.failStop.guard(() => {
      this.#here.start(task.job)
      const outcome = this.#leavingNothing(task, () => this.#here.poll(task.job.kind, Infinity))
      assert(outcome?.kind === 'done', 'what fails here throws')
      this.#install(task, outcome.result)
    })
  }

  #install(...[task, result]: Parameters<Installer['install']>): void {
    this.#installer.install(task, result)
    this.#removeUnlessAwaited()
    const tablet = this.#context.tablets.get(task.tablet)
    // In turn: one that always has some must not keep back the others, without whose flush the log only grows.
    this.#frozen.delete(tablet.id)
    if (tablet.frozenCount > 0) this.#frozen.add(tablet.id)
    this.#judge(tablet)
  }

  /** Where jobs run here, their commit has waited for them already, and files go at once. */
  #removeUnlessAwaited(): void {
    if (this.#context.startRunner === undefined) this.#installer.removeAll()
  }

  /** Freezes what a tablet has in its memtable, when there is room for one more that is frozen. */
  #freeze(tablet: Tablet): void {
    while (tablet.frozenCount >= FROZEN_MAX && this.#flushes.task !== undefined) {
      this.#judge(tablet)
      this.#stop(tablet, this.#flushes)
    }
    tablet.freeze()
    this.#frozen.add(tablet.id)
    this.#judge(tablet)
  }

  #flushTask(tablet: Tablet): Task {
    const { log, directiveFor } = this.#context
    const directive = flushDirective(directiveFor(tablet.id))
    const job = tablet.flushJob(directive, log.release(), this.#reserve)
    return { tablet: tablet.id, job, judgedMicros: log.clock.retentionMicros() }
  }

  #mergeTask(tablet: Tablet, plan: CompactionPlan): Task {
    const choice = defined(plan.choice, 'the choice of a plan')
    const job = tablet.mergeJob(choice, this.#context.directiveFor(tablet.id), this.#reserve)
    return { tablet: tablet.id, plan, job, judgedMicros: this.#context.log.clock.retentionMicros() }
  }

  readonly #reserve = (count: number): NumberRange => this.#context.numbers.reserve(count)

  /** Whether a lane had something to stop. */
  #abandon(lane: Lane): boolean {
    const task = lane.abandon()
    if (task !== undefined) this.#removeFilesOf(task)
    return task !== undefined
  }

  /** Runs a job, or asks after one. Of one that fails here nothing stays: it may have what there was no space for. */
  #leavingNothing<Outcome>(task: Task | undefined, run: () => Outcome): Outcome {
    try {
      return run()
    } catch (error) {
      // Why it failed is told, whatever becomes of the rest.
      const fail = () => {
        throw error
      }
      doAll([fail, () => task && this.#removeFilesOf(task)])
      throw error
    }
  }

  /** Removes what a job left behind that will not be installed. */
  #removeFilesOf({ job: { numbers } }: Task): void {
    const { tables } = this.#context
    tables.remove(tables.list().filter((number) => number >= numbers.first && number < numbers.end))
  }

  /** The tablets whose memtables need the oldest segment of the log, and are not on their way down. */
  #pinningLog(): readonly Tablet[] {
    const { log, tablets } = this.#context
    return tablets.all().filter(({ frozenCount, memtables: [memtable] }) => {
      const isNeeded = frozenCount === 0 && memtable.versionCount > 0
      return isNeeded && log.firstSegmentWith(memtable.minTime) === log.firstSegment
    })
  }

  #judge(tablet: Tablet): Stall | undefined {
    return this.#context.startRunner && this.#backpressure.judge(tablet)
  }

  /** Lets a commit wait, if it touched a tablet that is far behind. */
  #slowDown(touched: readonly number[], bytes: number): void {
    const { tablets } = this.#context
    for (const id of touched) {
      if (this.#backpressure.of(id) === undefined) continue
      const tablet = tablets.get(id)
      let stall = this.#judge(tablet)
      while (stall?.how === 'stop' && this.#laneOf(stall).task !== undefined) {
        this.#stop(tablet, this.#laneOf(stall))
        stall = this.#backpressure.of(id)
      }
      if (stall?.how !== 'slow') continue
      const micros = this.#backpressure.owe(bytes, stall.bytesPerSecond)
      if (micros > 0) this.#wait(this.#laneOf(stall), 'slow', micros)
      return
    }
  }

  #laneOf(stall: Stall): Lane {
    return stall.because === 'memtables' ? this.#flushes : this.#compactions
  }

  /** Waits until a lane is done with what it has. */
  #stop(tablet: Tablet, lane: Lane): void {
    this.#wait(lane, 'stop', Infinity)
    this.#judge(tablet)
  }

  /** Waits for a lane, for so long at most. */
  #wait(lane: Lane, how: Stall['how'], micros: number): void {
    const { monotonic } = this.#context
    const since = monotonic()
    this.#take(lane, micros)
    this.#backpressure.noteWait(how, monotonic() - since)
    this.#advance()
  }
}
