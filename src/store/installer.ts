/**
 * Installing what flushes and compactions made, in the order that a power cut cannot break:
 *
 *     write the files ▶ sync them ▶ sync the directory ▶ sync the log ▶ append and sync the edit ▶ unlink
 *     └─ a job: here or elsewhere ────────────────────┘ └─ here, at some later commit ─────────────────┘
 *
 * The log goes before the manifest: otherwise a cut could leave half a commit in a table file. It has to be durable
 * through the newest commit of a memtable that became a table. A compaction adds nothing that was not in such a
 * table, and a hold whose release is the reason why versions are gone was released by a commit that was
 * synced by itself, as all of the catalog are. Files go before the edit, so that an edit never names what
 * is not there; the edit goes before the unlinking. A cut may leave orphans, never a reference to nothing.
 *
 * Unlinking takes the system milliseconds for each file. Where jobs run elsewhere, so that nobody has to wait, files
 * go one with each commit; all of them go with a flush or a compaction that somebody has asked for.
 */
import { type Directive } from '../history/garbage.ts'
import { type CompactionJob } from '../storage/compaction.ts'
import {
  type FlushJob,
  type FlushResult,
  type JobResult,
  type MergeResult,
  endOfNumbers,
} from '../storage/job.ts'
import { type Geometry } from '../storage/geometry.ts'
import { type ManifestEdit, type TreeEdit } from '../storage/manifest-state.ts'
import { type Manifest } from '../storage/manifest.ts'
import { type Memtable } from '../storage/memtable.ts'
import { type Policy } from '../storage/policy.ts'
import { EMPTY_SHAPE, tablesOf } from '../storage/shape.ts'
import { type TableFiles } from '../storage/table-files.ts'
import { type CommitLog } from '../tablet/commit-log.ts'
import { type Tablet, type Tablets } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, earlierOf } from '../time/hybrid-time.ts'
import { type EventBus } from './events.ts'
import { type Task } from './lane.ts'
import { type FileNumbers } from './parts.ts'

/** What installing works on. */
export interface InstallerContext {
  readonly geometry: Geometry
  readonly tables: TableFiles
  readonly tablets: Tablets
  readonly manifest: Manifest
  readonly log: CommitLog
  readonly policy: Policy
  readonly numbers: FileNumbers
  readonly events: EventBus
}

/** What a version is rewritten until it lies as deep as it can, at most: ten times for each of three levels, or so. */
const REWRITES_MAX = 32
/** Where as many segments wait, a commit removes one of them, and more of more. */
const WAITING_SEGMENTS_MAX = 4

/** Makes results part of the store. The caller guards it: what throws here is final. */
export class Installer {
  readonly #context: InstallerContext
  /** Tables that nothing names any more. */
  readonly #obsolete: number[] = []
  /** The first segment of the log that is needed. */
  #firstSegment = 0
  #hasCompacted = false

  constructor(context: InstallerContext) {
    this.#context = context
  }

  /** Whether anything was compacted since this was asked last. */
  takeCompacted(): boolean {
    const hasCompacted = this.#hasCompacted
    this.#hasCompacted = false
    return hasCompacted
  }

  /** Installs what the job of a task made. */
  install(task: Task, result: JobResult): void {
    const { tablets, numbers } = this.#context
    const tablet = tablets.get(task.tablet)
    numbers.giveBack(task.job.numbers, endOfNumbers(result, task.job.numbers))
    if (task.job.kind === 'flush' && result.kind === 'flush') this.#installFlush(tablet, task.job, result)
    else if (task.job.kind === 'compaction' && result.kind === 'compaction')
      this.#installCompaction(tablet, task, task.job.compaction, result)
  }

  /** Ends tablets, of whose trees the manifest has those given: first the edit, then their files. */
  free(ids: readonly number[], removeTrees: readonly number[]): void {
    const { manifest, tablets, log } = this.#context
    const { trees } = manifest.state
    const files = removeTrees.flatMap((id) => tablesOf(trees.get(id)?.shape ?? EMPTY_SHAPE))
    const firstSegment = log.firstSegmentWith(this.#oldestInMemory(({ id }) => !ids.includes(id)))
    manifest.commit({ removeTrees, firstSegment, logSynced: log.syncedThrough })
    tablets.forget(ids)
    this.#retire(
      files.map(({ number }) => number),
      firstSegment,
    )
  }

  /**
   * Removes some of the files that nothing needs any more, in a commit of so many bytes: one, and as many more as such
   * a commit may have replaced, so that they do not gather.
   */
  removeSome(bytes: number): void {
    const { log, geometry } = this.#context
    const count = 1 + Math.floor((bytes * REWRITES_MAX) / geometry.tableBytes)
    const segments = this.#firstSegment - log.firstSegment
    // Tables come first, but a log that waits for them does not grow for ever.
    this.#remove(count, Math.max(count - this.#obsolete.length, Math.floor(segments / WAITING_SEGMENTS_MAX)))
  }

  /** Removes all files that nothing needs any more. */
  removeAll(): void {
    this.#remove(Infinity, Infinity)
  }

  #remove(tableCount: number, segmentCount: number): void {
    const { tables, log } = this.#context
    if (this.#obsolete.length > 0) tables.remove(this.#obsolete.splice(0, tableCount))
    if (segmentCount > 0 && log.firstSegment < this.#firstSegment)
      log.removeBefore(Math.min(this.#firstSegment, log.firstSegment + segmentCount))
  }

  #installFlush(tablet: Tablet, { loggedThrough }: FlushJob<Directive>, result: FlushResult): void {
    const { log, events } = this.#context
    if (result.logSynced !== undefined) log.noteSynced(result.logSynced)
    log.syncThrough(loggedThrough)
    const memtable = tablet.memtables.at(-1)
    const firstSegment = log.firstSegmentWith(this.#oldestInMemory((_, other) => other !== memtable))
    this.#commit({ trees: [tablet.editOf(result)], firstSegment })
    this.#retire([], firstSegment)
    const { number: table, versions, bytes } = result.table
    events.emit({ kind: 'flush', tablet: tablet.id, table, versions, bytes })
  }

  #installCompaction(
    tablet: Tablet,
    { plan, judgedMicros }: Task,
    { choice, directive }: CompactionJob<Directive>,
    result: MergeResult,
  ): void {
    const { events, policy } = this.#context
    const edit = tablet.editOf(result, choice)
    const { cutoff } = directive
    const add = edit.add.map((one) =>
      choice.kind === 'merge' ? { ...one, table: { ...one.table, writtenAtCutoff: cutoff } } : one,
    )
    const stays = new Set(edit.add.map(({ table }) => table.number))
    const obsolete = edit.remove.filter((number) => !stays.has(number))
    // The ratchet goes with the edit that drops, and so does the time at which holds had run out: what is
    // lost is never readable again (law 4).
    this.#commit({ trees: [{ ...edit, add, ratchet: cutoff }], judgedMicros })
    this.#retire(obsolete)
    this.#hasCompacted = true
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

  #commit(edit: ManifestEdit & { readonly trees: readonly TreeEdit[] }): void {
    const { log, manifest, tablets, numbers } = this.#context
    manifest.commit({ ...edit, nextNumber: numbers.next, logSynced: log.syncedThrough })
    for (const { tree } of edit.trees) tablets.get(tree).install(manifest.state.trees.get(tree)!)
  }

  /** Takes note of what the manifest names no more, to be removed. */
  #retire(tables: readonly number[], firstSegment: number = this.#firstSegment): void {
    for (const table of tables) this.#obsolete.push(table)
    this.#firstSegment = Math.max(this.#firstSegment, firstSegment)
  }

  /** The oldest version that will be in memory only, of the memtables that stay. */
  #oldestInMemory(stays: (tablet: Tablet, memtable: Memtable) => boolean): HybridTime {
    const memtables = this.#context.tablets
      .all()
      .flatMap((tablet) => tablet.memtables.filter((memtable) => stays(tablet, memtable)))
    return memtables.reduce((oldest, { minTime }) => earlierOf(oldest, minTime), MAX_TIME)
  }
}
