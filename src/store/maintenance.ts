/**
 * Flush and compaction: what is due, and its installing, in the order that a power cut cannot break:
 *
 *     write the files ▶ sync them ▶ sync the directory ▶ sync the log ▶ append and sync the edit ▶ unlink
 *     └─ a job: here or elsewhere ┘ └─ installing: here, at some later commit ───────────────────────────┘
 *
 * The log goes before the manifest: otherwise a cut could leave half a commit in a table file, or lose a
 * hold whose release is the reason why versions are gone. Files go before the edit, so that an edit never
 * names what is not there; the edit goes before the unlinking. A cut may leave orphans, never a
 * reference to nothing.
 *
 * Nothing waits for an event loop. Each commit asks the two lanes, of flushes and of compactions, what has
 * ended, installs it and starts what is due next. Where jobs run here, that is all there is; where they run
 * elsewhere, a commit may have to wait (`stalls.ts`). What a job dropped, it dropped by the directive that
 * was taken when it was planned, and that goes with its result: times that were lost since are none of its
 * business, and no time comes back.
 */
import { assert, defined } from '../base/assert.ts'
import { type Directive } from '../history/garbage.ts'
import { type CompactionJob } from '../storage/compaction.ts'
import { type FileSystem } from '../storage/files.ts'
import { type Geometry } from '../storage/geometry.ts'
import {
  type FlushResult,
  InlineRunner,
  type JobIo,
  type JobResult,
  type JobRunner,
  type MergeResult,
  type NumberRange,
  endOfNumbers,
} from '../storage/job.ts'
import { type ManifestEdit, type TreeEdit } from '../storage/manifest-state.ts'
import { type Manifest } from '../storage/manifest.ts'
import { type Memtable } from '../storage/memtable.ts'
import { type CompactionPlan } from '../storage/plan.ts'
import { type Policy, type PolicyInput, planCompaction, planFullCompaction } from '../storage/policy.ts'
import { EMPTY_SHAPE, tablesOf } from '../storage/shape.ts'
import { type TableFiles } from '../storage/table-files.ts'
import { type CommitLog } from '../tablet/commit-log.ts'
import { type FailStop } from '../tablet/fail-stop.ts'
import { type Tablet, type Tablets } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, earlierOf } from '../time/hybrid-time.ts'
import { type EventBus } from './events.ts'
import { type Ended, Lane, type Task } from './lane.ts'
import { type FileNumbers } from './parts.ts'
import {
  FROZEN_MAX,
  NO_STALLS,
  SLOWED_BYTES_PER_SECOND,
  type Stall,
  type StallStats,
  compactionDebt,
  planStall,
} from './stalls.ts'

/** What maintenance works on. */
export interface MaintenanceContext {
  readonly files: FileSystem
  readonly tables: TableFiles
  readonly tablets: Tablets
  readonly manifest: Manifest
  readonly log: CommitLog
  readonly failStop: FailStop
  readonly geometry: Geometry
  readonly policy: Policy
  readonly numbers: FileNumbers
  readonly jobs: JobIo<Directive>
  /** Begins a runner that is elsewhere; left out, jobs run here. */
  readonly startRunner?: (() => JobRunner<Directive>) | undefined
  /** Microseconds since any moment. */
  readonly monotonic: () => number
  readonly directiveFor: (tablet: number) => Directive
  readonly events: EventBus
}

/** The least that is worth waiting for, in microseconds: shorter waits gather. */
const WAIT_LEAST_MICROS = 1000

/** Keeps the trees of a store in shape. */
export class Maintenance {
  readonly #context: MaintenanceContext
  readonly #here: JobRunner<Directive>
  readonly #flushes: Lane
  readonly #compactions: Lane
  /** Tablets with frozen memtables, and those that a policy has to be asked about, in the order in which they came. */
  readonly #frozen = new Set<number>()
  readonly #unsettled = new Set<number>()
  readonly #stalls = new Map<number, Stall>()
  #stallStats = NO_STALLS
  #owedMicros = 0
  #hasCompacted = false

  constructor(context: MaintenanceContext) {
    this.#context = context
    this.#here = new InlineRunner(context.jobs)
    const start = context.startRunner ?? (() => this.#here)
    this.#flushes = new Lane(this.#here, start)
    this.#compactions = new Lane(this.#here, start)
  }

  /** What writers waited for maintenance. */
  get stallStats(): StallStats {
    return this.#stallStats
  }

  /** The bytes that compactions would have to rewrite until nothing is due. */
  get debtBytes(): number {
    return this.#context.tablets.all().reduce((sum, tablet) => sum + this.#debtOf(tablet), 0)
  }

  /** What a commit of so many bytes has made due: full memtables, a long log, levels over their size. */
  afterCommit(touched: readonly number[], bytes: number): void {
    const { tablets, geometry, log } = this.#context
    this.#advance()
    for (const id of touched) {
      const tablet = tablets.get(id)
      if (tablet.isMemtableFull) this.#freeze(tablet)
    }
    if (log.bytes > geometry.logBytes) for (const tablet of this.#pinningLog()) this.#freeze(tablet)
    this.#advance()
    if (this.#stalls.size > 0) this.#slowDown(touched, bytes)
  }

  /** Writes all that a tablet has in memory down, and compacts it while that is due, before it returns. */
  flush(tablet: Tablet): void {
    this.#writeDown(tablet)
    for (;;) {
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
    this.#writeDown(tablet)
    const plan = planFullCompaction(this.#policyInput(tablet))
    if (plan.choice !== undefined) this.#runHere(this.#mergeTask(tablet, plan))
  }

  /** Stops what runs elsewhere, for good. What it would have made is made after the next opening. */
  close(): void {
    const { failStop, manifest, numbers } = this.#context
    const abandoned = [this.#flushes, this.#compactions].filter((lane) => this.#abandon(lane))
    this.#flushes.close()
    this.#compactions.close()
    // A runner that did not answer may still write: nobody else may ever take its numbers.
    if (abandoned.length > 0 && !failStop.hasFailed)
      failStop.guard(() => manifest.commit({ nextNumber: numbers.next }))
  }

  /** Whether anything was compacted since this was asked last. */
  takeCompacted(): boolean {
    const hasCompacted = this.#hasCompacted
    this.#hasCompacted = false
    return hasCompacted
  }

  /**
   * Ends tablets that nobody can read any more: first the edit, then their files. Those that are gone
   * already are passed over.
   */
  free(ids: readonly number[]): void {
    const { failStop, manifest, tables, tablets, log } = this.#context
    const { trees } = manifest.state
    const files = ids.flatMap((id) => tablesOf(trees.get(id)?.shape ?? EMPTY_SHAPE))
    const removeTrees = ids.filter((id) => trees.has(id))
    for (const lane of [this.#flushes, this.#compactions])
      if (lane.task !== undefined && ids.includes(lane.task.tablet)) this.#abandon(lane)
    for (const known of [this.#frozen, this.#unsettled, this.#stalls]) for (const id of ids) known.delete(id)
    if (removeTrees.length === 0) return tablets.forget(ids)
    failStop.guard(() => {
      const firstSegment = log.firstSegmentWith(this.#oldestInMemory(({ id }) => !ids.includes(id)))
      manifest.commit({ removeTrees, firstSegment, logSynced: log.syncedThrough })
      tablets.forget(ids)
      tables.remove(files.map(({ number }) => number))
      log.removeBefore(firstSegment)
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
    else this.#compactions.start(this.#mergeTask(tablet, plan))
    return true
  }

  /** Installs what a lane's task made, if it has ended. */
  #take(lane: Lane, waitMicros: number): boolean {
    return this.#context.failStop.guard(() => {
      const ended = lane.poll(waitMicros)
      if (ended !== undefined) this.#finish(ended)
      return ended !== undefined
    })
  }

  #finish(ended: Ended): void {
    const { task } = ended
    this.#unsettled.add(task.tablet)
    if ('result' in ended) return this.#installResult(task, ended.result)
    const { isLost, error } = ended.trouble
    const { kind: job } = task.job
    this.#context.events.emit({ kind: 'job-failed', tablet: task.tablet, job, isLost, error })
    this.#removeFilesOf(task)
    const { numbers } = task.job
    this.#runHere({ ...task, job: { ...task.job, numbers: this.#reserve(numbers.end - numbers.first) } })
  }

  #runHere(task: Task): void {
    this.#context.failStop.guard(() => {
      this.#here.start(task.job)
      const outcome = this.#here.poll(Infinity)
      assert(outcome?.kind === 'done', 'what fails here throws')
      this.#installResult(task, outcome.result)
    })
  }

  /** Waits for what runs elsewhere, then writes all that a tablet has in memory down here. */
  #writeDown(tablet: Tablet): void {
    for (const lane of [this.#flushes, this.#compactions])
      if (lane.task !== undefined) this.#take(lane, Infinity)
    tablet.freeze()
    while (tablet.frozenCount > 0) this.#runHere(this.#flushTask(tablet))
  }

  /** Freezes what a tablet has in its memtable, when there is room for one more that is frozen. */
  #freeze(tablet: Tablet): void {
    while (tablet.frozenCount >= FROZEN_MAX && this.#flushes.task !== undefined)
      this.#stop(tablet, this.#flushes)
    tablet.freeze()
    this.#frozen.add(tablet.id)
    this.#judgePressure(tablet)
  }

  #flushTask(tablet: Tablet): Task {
    const job = tablet.flushJob(this.#context.directiveFor(tablet.id), this.#reserve)
    return { tablet: tablet.id, job, judgedMicros: this.#context.log.clock.retentionMicros() }
  }

  #mergeTask(tablet: Tablet, plan: CompactionPlan): Task {
    const choice = defined(plan.choice, 'the choice of a plan')
    const job = tablet.mergeJob(choice, this.#context.directiveFor(tablet.id), this.#reserve)
    return { tablet: tablet.id, plan, job, judgedMicros: this.#context.log.clock.retentionMicros() }
  }

  readonly #reserve = (count: number): NumberRange => this.#context.numbers.reserve(count)

  #installResult(task: Task, result: JobResult): void {
    const { tablets, numbers } = this.#context
    const tablet = tablets.get(task.tablet)
    numbers.giveBack(task.job.numbers, endOfNumbers(result, task.job.numbers))
    if (task.job.kind === 'flush' && result.kind === 'flush')
      this.#installFlush(tablet, task.job.memtable, result)
    else if (task.job.kind === 'compaction' && result.kind === 'compaction')
      this.#installCompaction(tablet, task, task.job.compaction, result)
    this.#judgePressure(tablet)
  }

  #installFlush(tablet: Tablet, memtable: Memtable, result: FlushResult): void {
    const { log, events } = this.#context
    const firstSegment = log.firstSegmentWith(this.#oldestInMemory((_, other) => other !== memtable))
    this.#install({ trees: [tablet.editOf(result)], firstSegment })
    log.removeBefore(firstSegment)
    if (tablet.frozenCount === 0) this.#frozen.delete(tablet.id)
    const { number: table, versions, bytes } = result.table
    events.emit({ kind: 'flush', tablet: tablet.id, table, versions, bytes })
  }

  #installCompaction(
    tablet: Tablet,
    { plan, judgedMicros }: Task,
    { choice, directive }: CompactionJob<Directive>,
    result: MergeResult,
  ): void {
    const { tables, events, policy } = this.#context
    const edit = tablet.editOf(result, choice)
    const add = edit.add.map((one) =>
      choice.kind === 'merge' ? { ...one, table: { ...one.table, writtenAtCutoff: directive.cutoff } } : one,
    )
    // The ratchet goes with the edit that drops, and so does the time at which holds had run out: what is
    // lost is never readable again (law 4).
    this.#install({ trees: [{ ...edit, add, ratchet: directive.cutoff }], judgedMicros })
    this.#hasCompacted = true
    const stays = new Set(edit.add.map(({ table }) => table.number))
    tables.remove(edit.remove.filter((number) => !stays.has(number)))
    const { kind: how, because, outputLevel, outputRun, inputs } = choice
    const { readBytes, writtenBytes, droppedVersions } = result.compaction
    events.emit({
      ...{ kind: 'compaction', tablet: tablet.id, how, because, policy: policy.name },
      ...{ scores: plan?.scores ?? [], picks: plan?.picks ?? [], outputLevel, outputRun },
      ...{ readBytes, writtenBytes, droppedVersions, outputs: [...stays] },
      inputs: inputs.map((input) => ({
        level: input.level,
        tables: input.tables.map(({ number }) => number),
      })),
    })
  }

  /** Whether a lane had something to stop. */
  #abandon(lane: Lane): boolean {
    const task = lane.abandon()
    if (task !== undefined) this.#removeFilesOf(task)
    return task !== undefined
  }

  /** Removes what a job left behind that will not be installed. */
  #removeFilesOf({ job: { numbers } }: Task): void {
    const { tables } = this.#context
    tables.remove(tables.list().filter((number) => number >= numbers.first && number < numbers.end))
  }

  #install(edit: ManifestEdit & { readonly trees: readonly TreeEdit[] }): void {
    const { files, log, manifest, tablets, numbers } = this.#context
    files.syncDirectory('')
    log.sync()
    manifest.commit({ ...edit, nextNumber: numbers.next, logSynced: log.syncedThrough })
    for (const { tree } of edit.trees) tablets.get(tree).install(manifest.state.trees.get(tree)!)
  }

  /** The oldest version that will be in memory only, of the memtables that stay. */
  #oldestInMemory(stays: (tablet: Tablet, memtable: Memtable) => boolean): HybridTime {
    const memtables = this.#context.tablets
      .all()
      .flatMap((tablet) => tablet.memtables.filter((memtable) => stays(tablet, memtable)))
    return memtables.reduce((oldest, { minTime }) => earlierOf(oldest, minTime), MAX_TIME)
  }

  /** The tablets whose memtables need the oldest segment of the log, and are not on their way down. */
  #pinningLog(): readonly Tablet[] {
    const { log, tablets } = this.#context
    return tablets.all().filter(({ frozenCount, memtables: [memtable] }) => {
      const isNeeded = frozenCount === 0 && memtable.versionCount > 0
      return isNeeded && log.firstSegmentWith(memtable.minTime) === log.firstSegment
    })
  }

  #debtOf(tablet: Tablet): number {
    const { policy, geometry } = this.#context
    return compactionDebt(tablet.state.shape, policy, geometry)
  }

  /** What writers of a tablet have to do from now on. Where jobs run here, nothing is ever left behind. */
  #judgePressure(tablet: Tablet): void {
    const { geometry, events, startRunner } = this.#context
    if (startRunner === undefined) return
    const { id, frozenCount: frozen, isMemtableFull: isFull, state } = tablet
    const level0Runs = state.shape[0]!.length
    const stall = planStall({ frozen, isFull, level0Runs, debtBytes: this.#debtOf(tablet) }, geometry)
    const before = this.#stalls.get(id)
    if (stall === undefined) this.#stalls.delete(id)
    else this.#stalls.set(id, stall)
    const told = stall ?? before
    if (told !== undefined && (stall?.how !== before?.how || stall?.because !== before?.because))
      events.emit({ kind: 'stall', tablet: id, how: stall?.how ?? 'none', because: told.because })
  }

  /** Lets a commit wait, if it touched a tablet that is far behind. */
  #slowDown(touched: readonly number[], bytes: number): void {
    for (const id of touched) {
      const lane = (stall: Stall) =>
        stall.because === 'frozen memtables' ? this.#flushes : this.#compactions
      for (;;) {
        const stall = this.#stalls.get(id)
        if (stall?.how !== 'stop' || lane(stall).task === undefined) break
        this.#stop(this.#context.tablets.get(id), lane(stall))
      }
      const stall = this.#stalls.get(id)
      if (stall !== undefined) return this.#slow(lane(stall), bytes)
    }
  }

  /** Waits until a lane is done with what it has. */
  #stop(tablet: Tablet, lane: Lane): void {
    const since = this.#context.monotonic()
    this.#take(lane, Infinity)
    this.#advance()
    this.#judgePressure(tablet)
    const { stopped, stoppedMicros } = this.#stallStats
    const waited = this.#context.monotonic() - since
    this.#stallStats = {
      ...this.#stallStats,
      ...{ stopped: stopped + 1, stoppedMicros: stoppedMicros + waited },
    }
  }

  /** Waits as long as the bytes of a commit should have taken, but not longer than for the lane. */
  #slow(lane: Lane, bytes: number): void {
    this.#owedMicros += (bytes * 1e6) / SLOWED_BYTES_PER_SECOND
    if (this.#owedMicros < WAIT_LEAST_MICROS) return
    const since = this.#context.monotonic()
    this.#take(lane, this.#owedMicros)
    this.#owedMicros = 0
    this.#advance()
    const { slowed, slowedMicros } = this.#stallStats
    const waited = this.#context.monotonic() - since
    this.#stallStats = {
      ...this.#stallStats,
      ...{ slowed: slowed + 1, slowedMicros: slowedMicros + waited },
    }
  }
}
