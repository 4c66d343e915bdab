/**
 * Backpressure: who of the writers has to wait, and what was waited. Where jobs run here, nobody has to: nothing is
 * ever left behind. The rules are those of `stalls.ts`; the waiting itself is the maintenance's.
 */
import { type Geometry } from '../storage/geometry.ts'
import { type Policy } from '../storage/policy.ts'
import { type Tablet } from '../tablet/tablet.ts'
import { type EventBus } from './events.ts'
import { NO_STALLS, type Stall, type StallStats, compactionDebt, planStall } from './stalls.ts'

/** The least that is worth waiting for, in microseconds: shorter waits gather. */
const WAIT_LEAST_MICROS = 1000

/** What backpressure is judged by. */
export interface BackpressureContext {
  readonly geometry: Geometry
  readonly policy: Policy
  readonly events: EventBus
}

/** The stalls of a store. */
export class Backpressure {
  readonly #context: BackpressureContext
  readonly #stalls = new Map<number, Stall>()
  #stats = NO_STALLS
  #owedMicros = 0

  constructor(context: BackpressureContext) {
    this.#context = context
  }

  /** What writers waited so far. */
  get stats(): StallStats {
    return this.#stats
  }

  /** Whether any writer has to wait. */
  get isFelt(): boolean {
    return this.#stalls.size > 0
  }

  /** What writers of a tablet have to do, as far as is known. */
  of(tablet: number): Stall | undefined {
    return this.#stalls.get(tablet)
  }

  /** Judges a tablet anew, and tells if that changes what writers have to do, or why. */
  judge(tablet: Tablet): Stall | undefined {
    const { geometry, policy, events } = this.#context
    const { id, frozenCount, memtables, state } = tablet
    const filled = Math.min(1, memtables[0].bytes / geometry.memtableBytes)
    const stall = planStall(
      {
        ...{ memtables: frozenCount + filled, level0Runs: state.shape[0]!.length },
        debtBytes: compactionDebt(state.shape, policy, geometry),
      },
      geometry,
    )
    const before = this.#stalls.get(id)
    if (stall === undefined) this.#stalls.delete(id)
    else this.#stalls.set(id, stall)
    const told = stall ?? before
    if (told !== undefined && (stall?.how !== before?.how || stall?.because !== before?.because))
      events.emit({ kind: 'stall', tablet: id, how: stall?.how ?? 'none', because: told.because })
    return stall
  }

  /** Lets go of tablets that are no more. */
  forget(ids: readonly number[]): void {
    for (const id of ids) this.#stalls.delete(id)
  }

  /** The microseconds that somebody has to wait now who wrote so many bytes at such a rate; 0 while they gather. */
  owe(bytes: number, bytesPerSecond: number): number {
    this.#owedMicros += (bytes * 1e6) / bytesPerSecond
    const owed = this.#owedMicros
    if (owed < WAIT_LEAST_MICROS) return 0
    this.#owedMicros = 0
    return owed
  }

  /** Takes note of a wait. */
  noteWait(how: Stall['how'], micros: number): void {
    const { slowed, slowedMicros, stopped, stoppedMicros } = this.#stats
    this.#stats =
      how === 'slow'
        ? { ...this.#stats, slowed: slowed + 1, slowedMicros: slowedMicros + micros }
        : { ...this.#stats, stopped: stopped + 1, stoppedMicros: stoppedMicros + micros }
  }
}
