/**
 * The parts that an open store holds together.
 */
import { type Directive } from '../history/garbage.ts'
import { type FileSystem } from '../storage/files.ts'
import { type Geometry } from '../storage/geometry.ts'
import { type JobIo, type JobRunner, type NumberRange } from '../storage/job.ts'
import { type Birth } from '../storage/manifest-state.ts'
import { type Manifest } from '../storage/manifest.ts'
import { type Policy } from '../storage/policy.ts'
import { type TableFiles } from '../storage/table-files.ts'
import { type CommitLog } from '../tablet/commit-log.ts'
import { type FailStop } from '../tablet/fail-stop.ts'
import { type Tablets } from '../tablet/tablet.ts'
import { type HybridClock } from '../time/clock.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type EventBus, type RecoveryReport } from './events.ts'

/** Everything that a store holds together. Log and manifest are there if it can write. */
export interface StoreParts {
  readonly files: FileSystem
  /** What the database is from its first moment on. */
  readonly birth: Birth
  readonly geometry: Geometry
  /** How its trees are compacted. */
  readonly policy: Policy
  readonly tables: TableFiles
  readonly tablets: Tablets
  readonly numbers: FileNumbers
  readonly jobs: JobIo<Directive>
  /** Begins a runner that is elsewhere; left out, jobs run here. */
  readonly startRunner?: (() => JobRunner<Directive>) | undefined
  /** Microseconds since any moment. */
  readonly monotonic: () => number
  readonly events: EventBus
  readonly failStop: FailStop
  /** What was found when it was opened. */
  readonly recovery: RecoveryReport
  /** The clock of the log, or one that stands still in a store that is read only. */
  readonly clock: HybridClock
  /** The bytes of the log as it was found. */
  readonly logBytes: number
  /** Every commit at or before this time survives a power cut, as far as what was found tells. */
  readonly durableThrough: HybridTime
  readonly manifest?: Manifest | undefined
  readonly log?: CommitLog | undefined
  /** Lets the directory go: a writer its lock, a reader the files that it kept open. */
  readonly letGo: () => void
}

/** Hands out file numbers, none twice. */
export class FileNumbers {
  #next: number

  constructor(next: number) {
    this.#next = next
  }

  /** Every number below this one may have been used. */
  get next(): number {
    return this.#next
  }

  /** Sets so many numbers apart. */
  reserve(count: number): NumberRange {
    const first = this.#next
    this.#next += count
    return { first, end: this.#next }
  }

  /** Takes back what is left of a range from `end` on, if nothing was set apart since. */
  giveBack(range: NumberRange, end: number): void {
    if (this.#next === range.end) this.#next = end
  }
}
