/**
 * What a store tells those who watch it: plain data, after the fact.
 *
 *     put() ▐ commit ▐ flush ▐ merge ▌ told: flush, compaction ▌ returns
 *
 * The rule: nobody is told while something is half done, so a listener may do whatever a caller may. What happens in a call
 * that changes something is told when it is done, in the order in which it happened. A read may see the clock jump, in the
 * midst of what it does: that is told with the next change, or when whoever reads lets others have their turn.
 */
import { type CandidateScore, type PickScore } from '../storage/plan.ts'
import { type PolicyName } from '../storage/policy.ts'
import { type ClockJump } from '../time/clock.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type HybridTime } from '../time/hybrid-time.ts'

/** A memtable became a table of level 0. */
export interface FlushEvent {
  readonly kind: 'flush'
  readonly tablet: number
  readonly table: number
  readonly versions: number
  readonly bytes: number
}

/** A compaction was installed. */
export interface CompactionEvent {
  readonly kind: 'compaction'
  readonly tablet: number
  /** `move`: the tables took another level as they are. */
  readonly how: 'merge' | 'move'
  readonly because: string
  /** The policy that chose it. */
  readonly policy: PolicyName
  /** The scores of all candidates when it was planned. */
  readonly scores: readonly CandidateScore[]
  /** Where one table of a level was picked: the scores of all of its tables. */
  readonly picks: readonly PickScore[]
  readonly inputs: readonly { readonly level: number; readonly tables: readonly number[] }[]
  readonly outputLevel: number
  readonly outputRun: number
  readonly outputs: readonly number[]
  readonly readBytes: number
  readonly writtenBytes: number
  readonly droppedVersions: number
}

/** What an opening found of the past, and what it did about it. */
export interface RecoveryReport {
  /** Commits that were read from the log: all that no table file has, and perhaps some that one has. */
  readonly commits: number
  /** The newest commit, of the log or of the table files; `MIN_TIME` if there never was one. */
  readonly newestCommit: HybridTime
  /**
   * Bytes of a torn tail of the log: commits that nobody was promised. A writing open cuts them off; one
   * for reading only passes over them.
   */
  readonly tornBytes: number
  /** Whether the last thing that happened was a clean close. Not so of a database that was just made. */
  readonly wasClosedCleanly: boolean
  /** Files that nothing named any more and that were removed; a reading open removes none. */
  readonly orphans: readonly string[]
}

/** A database was opened. */
export interface RecoveryEvent extends RecoveryReport {
  readonly kind: 'recovery'
}

/** The wall clock jumped; it does not drive retention until it is confirmed. */
export interface ClockJumpEvent extends ClockJump {
  readonly kind: 'clock-jump'
}

/** Background work failed after a commit had succeeded; the store takes no more writes. */
export interface FailureEvent {
  readonly kind: 'failure'
  readonly error: Error
}

/** A flush or compaction could not be done in the background, and was done by the call that noticed. */
export interface JobFailedEvent {
  readonly kind: 'job-failed'
  readonly tablet: number
  readonly job: 'flush' | 'compaction'
  /** Whether its worker died or fell silent: its jobs are done by calls from now on. */
  readonly isLost: boolean
  readonly error: Error
}

/** Maintenance of a tablet fell behind, and commits to it wait, or have waited; or it has caught up. */
export interface StallEvent {
  readonly kind: 'stall'
  readonly tablet: number
  /** Each commit waits a little, until something is done, or no longer. */
  readonly how: 'slow' | 'stop' | 'none'
  /** What there is, or was, too much of. */
  readonly because: 'memtables' | 'level 0' | 'compaction debt'
}

/** Anything that a store tells. */
export type StoreEvent =
  FlushEvent | CompactionEvent | RecoveryEvent | ClockJumpEvent | FailureEvent | JobFailedEvent | StallEvent

/** Hands events to whoever listens. */
export class EventBus {
  readonly #listeners = new Set<(event: StoreEvent) => void>()
  readonly #waiting: StoreEvent[] = []
  /** Changes that have begun, one in the other, and are not done. */
  #changes = 0
  #isTelling = false

  /** Calls `listener` with every event until the result is called. */
  listen(listener: (event: StoreEvent) => void): () => void {
    // Callers without types may pass anything, and would hear of it too late.
    if (typeof listener !== 'function')
      throw new PalimpsestError('INVALID_ARGUMENT', `a listener is a function, not ${typeof listener}`)
    // The same function may listen twice.
    const heard = (event: StoreEvent) => {
      listener(event)
    }
    this.#listeners.add(heard)
    return () => {
      this.#listeners.delete(heard)
    }
  }

  /** Makes a change. What happens meanwhile is told when it is done, or has failed. */
  during<Result>(change: () => Result): Result {
    this.#changes++
    try {
      return change()
    } finally {
      this.#changes--
      this.#tell()
    }
  }

  /** Tells an event when the change is done that is being made; where there is none, at the end of this turn. */
  emit(event: StoreEvent): void {
    this.#waiting.push(event)
    if (this.#changes === 0)
      void Promise.resolve().then(() => {
        this.#tell()
      })
  }

  /** Tells what waits, and what comes of telling it. */
  #tell(): void {
    if (this.#changes > 0 || this.#isTelling) return
    this.#isTelling = true
    for (let event = this.#waiting.shift(); event !== undefined; event = this.#waiting.shift())
      this.#tellAll(event)
    this.#isTelling = false
  }

  /** Whoever began to listen before, and still does when it is their turn. */
  #tellAll(event: StoreEvent): void {
    for (const listener of [...this.#listeners]) if (this.#listeners.has(listener)) hear(listener, event)
  }
}

/**
 * What a listener throws is not its caller's, whose call went well: it comes out as a rejection that nobody handles, as
 * what a listener of an `EventTarget` throws comes out by itself.
 */
function hear(listener: (event: StoreEvent) => void, event: StoreEvent): void {
  try {
    listener(event)
  } catch (error) {
    void Promise.reject(error)
  }
}
