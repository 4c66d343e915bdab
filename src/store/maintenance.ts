/**
 * Flush and compaction, in the order that a power cut cannot break:
 *
 *     write the files ▶ sync them ▶ sync the directory ▶ sync the log ▶ append and sync the edit ▶ unlink
 *
 * The log goes before the manifest: otherwise a cut could leave half a commit in a table file, or lose a
 * hold whose release is the reason why versions are gone. Files go before the edit, so that an edit never
 * names what is not there; the edit goes before the unlinking. A cut may leave orphans, never a
 * reference to nothing.
 */
import { type Directive } from '../history/garbage.ts'
import { type FileSystem } from '../storage/files.ts'
import { type Geometry } from '../storage/geometry.ts'
import { type ManifestEdit, type TreeEdit } from '../storage/manifest-state.ts'
import { type Manifest } from '../storage/manifest.ts'
import { type CompactionPlan } from '../storage/plan.ts'
import { type Policy, type PolicyInput, planCompaction, planFullCompaction } from '../storage/policy.ts'
import { EMPTY_SHAPE, tablesOf } from '../storage/shape.ts'
import { type TableFiles } from '../storage/table-files.ts'
import { type CommitLog } from '../tablet/commit-log.ts'
import { type FailStop } from '../tablet/fail-stop.ts'
import { type Tablet, type Tablets } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, earlierOf } from '../time/hybrid-time.ts'
import { type EventBus } from './events.ts'
import { type FileNumbers } from './parts.ts'

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
  readonly directiveFor: (tablet: number) => Directive
  readonly events: EventBus
}

/** Keeps the trees of a store in shape. */
export class Maintenance {
  readonly #context: MaintenanceContext
  #hasCompacted = false

  constructor(context: MaintenanceContext) {
    this.#context = context
  }

  /** What a commit has made due: full memtables, a long log, levels over their size. */
  afterCommit(touched: readonly number[]): void {
    const { tablets, geometry, log } = this.#context
    const due = new Set(touched.map((id) => tablets.get(id)).filter((tablet) => tablet.isMemtableFull))
    if (log.bytes > geometry.logBytes) for (const tablet of this.#pinningLog()) due.add(tablet)
    for (const tablet of due) {
      this.flush(tablet)
      this.compactWhileDue(tablet)
    }
  }

  /** Writes the memtable of a tablet down, if there is anything in it. */
  flush(tablet: Tablet): void {
    const { failStop, log, events, directiveFor } = this.#context
    if (tablet.memtable.versionCount === 0) return
    failStop.guard(() => {
      const edit = tablet.writeFlush(directiveFor(tablet.id))
      const firstSegment = log.firstSegmentWith(this.#oldestInMemory([tablet.id]))
      this.#install({ trees: [edit], firstSegment })
      log.removeBefore(firstSegment)
      const { table } = edit.add[0]!
      events.emit({
        kind: 'flush',
        tablet: tablet.id,
        table: table.number,
        versions: table.versions,
        bytes: table.bytes,
      })
    })
  }

  /** Runs compactions until the policy finds nothing due in the tablet. */
  compactWhileDue(tablet: Tablet): void {
    for (;;) {
      const plan = planCompaction(this.#policyInput(tablet))
      if (plan.choice === undefined) return
      this.#compact(tablet, plan)
    }
  }

  /** Flushes a tablet and merges all that it has into one run. */
  compactFully(tablet: Tablet): void {
    this.flush(tablet)
    const plan = planFullCompaction(this.#policyInput(tablet))
    if (plan.choice !== undefined) this.#compact(tablet, plan)
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
    if (removeTrees.length === 0) return tablets.forget(ids)
    failStop.guard(() => {
      const firstSegment = log.firstSegmentWith(this.#oldestInMemory(ids))
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

  #compact(tablet: Tablet, plan: CompactionPlan): void {
    const { failStop, directiveFor, tables, events, log, policy } = this.#context
    const choice = plan.choice!
    failStop.guard(() => {
      const job = tablet.jobFor(choice, directiveFor(tablet.id))
      const { cutoff } = job.directive
      const { edit, result } = tablet.runCompaction(job)
      const isWritten = choice.kind === 'merge'
      const add = edit.add.map((one) =>
        isWritten ? { ...one, table: { ...one.table, writtenAtCutoff: cutoff } } : one,
      )
      // The ratchet goes with the edit that drops, and so does the time at which holds had run out: what is
      // lost is never readable again (law 4).
      const judgedMicros = log.clock.retentionMicros()
      this.#install({ trees: [{ ...edit, add, ratchet: cutoff }], judgedMicros })
      this.#hasCompacted = true
      const stays = new Set(edit.add.map(({ table }) => table.number))
      tables.remove(edit.remove.filter((number) => !stays.has(number)))
      const { kind: how, because, outputLevel, outputRun, inputs } = choice
      const { readBytes, writtenBytes, droppedVersions } = result
      events.emit({
        ...{ kind: 'compaction', tablet: tablet.id, how, because, policy: policy.name },
        ...{ scores: plan.scores, picks: plan.picks, outputLevel, outputRun },
        ...{ readBytes, writtenBytes, droppedVersions, outputs: [...stays] },
        inputs: inputs.map((input) => ({
          level: input.level,
          tables: input.tables.map(({ number }) => number),
        })),
      })
    })
  }

  #install(edit: ManifestEdit & { readonly trees: readonly TreeEdit[] }): void {
    const { files, log, manifest, tablets, numbers } = this.#context
    files.syncDirectory('')
    log.sync()
    manifest.commit({ ...edit, nextNumber: numbers.next, logSynced: log.syncedThrough })
    for (const { tree } of edit.trees) tablets.get(tree).install(manifest.state.trees.get(tree)!)
  }

  /** The oldest version that is in memory only, once some tablets are written down, or gone. */
  #oldestInMemory(done: readonly number[]): HybridTime {
    const others = this.#context.tablets.all().filter(({ id }) => !done.includes(id))
    return others.reduce((oldest, { memtable }) => earlierOf(oldest, memtable.minTime), MAX_TIME)
  }

  /** The tablets whose memtables need the oldest segment of the log. */
  #pinningLog(): readonly Tablet[] {
    const { log, tablets } = this.#context
    const needs = ({ memtable }: Tablet) => log.firstSegmentWith(memtable.minTime)
    const inMemory = tablets.all().filter(({ memtable }) => memtable.versionCount > 0)
    return inMemory.filter((tablet) => needs(tablet) === log.firstSegment)
  }
}
