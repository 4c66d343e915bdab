/**
 * Holds in memory: an open cursor keeps the time that it reads at readable, so that compaction does not
 * take away what it has yet to see. They end with the cursor, with the store, or when they are too old, because a
 * cursor that is never finished must not hold history for ever.
 */
import { type MemoryHold } from '../catalog/promises.ts'
import { type HybridTime, MIN_TIME } from '../time/hybrid-time.ts'
import { NO_TIMES, type Stretches, closedStretch } from '../time/stretches.ts'

/** A cursor that stays open longer than this stops holding history: ten minutes, in microseconds. */
export const MEMORY_HOLD_MICROS_MAX = 600_000_000

/** A hold, for its holder. */
export interface OpenHold extends MemoryHold {
  /**
   * Whether it was given up, because of its age or because the store was closed: the holder has to ask again if its
   * time is readable.
   */
  isOver: boolean
  /** Where it stands among the holds that are open; {@link NOWHERE} once it is released or given up. */
  place: number
}

const NOWHERE = -1

/** The holds of one open store, in no order. */
export class MemoryHolds implements Iterable<MemoryHold> {
  /** No `Set`: every scan and every history would pay for two hashes. */
  readonly #holds: OpenHold[] = []
  #last = 0

  /** Holds one time of a table, until it is released. */
  hold(table: number, time: HybridTime, nowMicros: number): OpenHold {
    return this.holdTimes(table, time === MIN_TIME ? NO_TIMES : closedStretch(time, time), nowMicros)
  }

  /** Holds times of a table, until it is released. */
  holdTimes(table: number, times: Stretches, nowMicros: number): OpenHold {
    const untilMicros = nowMicros + MEMORY_HOLD_MICROS_MAX + 1
    const place = this.#holds.length
    const hold = { id: ++this.#last, table, times, sinceMicros: nowMicros, untilMicros, isOver: false, place }
    this.#holds.push(hold)
    return hold
  }

  /** Releasing twice does nothing. */
  release(hold: OpenHold): void {
    const { place } = hold
    if (place === NOWHERE) return
    // The last one takes its place.
    const last = this.#holds.pop()!
    if (last !== hold) {
      this.#holds[place] = last
      last.place = place
    }
    hold.place = NOWHERE
  }

  /** Gives up what is too old. */
  expire(nowMicros: number): void {
    for (let place = this.#holds.length - 1; place >= 0; place--) {
      const hold = this.#holds[place]!
      if (nowMicros >= hold.untilMicros) this.#giveUp(hold)
    }
  }

  /** Gives up all of them. */
  end(): void {
    this.expire(Infinity)
  }

  [Symbol.iterator](): Iterator<MemoryHold> {
    return this.#holds[Symbol.iterator]()
  }

  #giveUp(hold: OpenHold): void {
    hold.isOver = true
    this.release(hold)
  }
}
