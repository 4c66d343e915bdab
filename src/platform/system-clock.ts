/**
 * The clock of this machine, to the microsecond.
 *
 * `Date.now` has only milliseconds, so the wall is read from the performance clock, which counts
 * microseconds from where the wall was when the process started. That clock does not see the wall
 * being set, and on Linux it stands still while the machine sleeps. So every reading is checked
 * against `Date.now`, and where the two differ by more than {@link TOLERANCE_MILLIS} the clock is
 * anchored at `Date.now` anew.
 *
 * Sleep is not a jump. When the clock is anchored anew, the machine's uptime, which goes on in sleep,
 * tells how long the machine slept, and the monotonic clock moves on by as much: retention would
 * otherwise wait for a confirmation after every closed lid.
 */
import { uptime } from 'node:os'
import { performance } from 'node:perf_hooks'
import { type PhysicalClock, type ClockReadings } from '../time/clock.ts'

/** Where a system clock reads; a test gives its own. */
export interface ClockSources {
  /** Milliseconds since 1970 on the wall. */
  wallMillis(): number
  /** Milliseconds with microseconds as decimals, since any moment; never steps, may stand still in sleep. */
  steadyMillis(): number
  /** Milliseconds since any moment, sleep included, to the nearest hundredth of a second; NaN if unknown. */
  wakingMillis(): number
}

/** When the performance clock began, on the wall of then. */
const STARTED_MILLIS = performance.timeOrigin

/** The sources of this process. */
const SYSTEM_SOURCES: ClockSources = {
  // oxlint-disable-next-line no-restricted-properties -- this is where the wall is read
  wallMillis: () => Date.now(),
  steadyMillis: () => STARTED_MILLIS + performance.now(),
  // Elsewhere the performance clock itself goes on in sleep.
  wakingMillis: () => (process.platform === 'linux' ? uptimeMillis() : NaN),
}

/**
 * How far ahead times are reserved: a running database writes its ceiling once in five seconds, and
 * one that crashed goes on at most that much ahead of the wall.
 */
export const RESERVE_AHEAD_MICROS = 5_000_000

/**
 * How far beyond a time that is ahead of the wall itself. Little, because a database that crashes
 * again and again would run away from the wall by this much each time.
 */
export const RESERVE_STEP_MICROS = 1000

/** How far the performance clock and `Date.now`, which may tick in steps of 16 ms, can be apart in peace. */
export const TOLERANCE_MILLIS = 20

/** Uptime is too coarse to tell a shorter sleep. */
const SLEEP_MIN_MILLIS = 100

/** The wall and the monotonic clock of this machine. */
export class SystemClock implements PhysicalClock {
  readonly #sources: ClockSources
  /** What the waking clock shows beyond the steady one in a machine that never slept. */
  readonly #wakingAhead: number
  /** What to add to the steady clock to get the wall. */
  #wallAhead: number
  /** How long the machine slept, as far as the steady clock does not know. */
  #asleep = 0

  constructor(sources: ClockSources = SYSTEM_SOURCES) {
    this.#sources = sources
    this.#wakingAhead = sources.wakingMillis() - sources.steadyMillis()
    this.#wallAhead = 0
    this.#reanchor()
  }

  now(): number {
    return microsOfMillis(this.#steadyMillis() + this.#wallAhead)
  }

  monotonic(): number {
    return microsOfMillis(this.#steadyMillis() + this.#asleep)
  }

  readings(): ClockReadings {
    const steady = this.#steadyMillis()
    return {
      wall: microsOfMillis(steady + this.#wallAhead),
      monotonic: microsOfMillis(steady + this.#asleep),
    }
  }

  reserveThrough(micros: number): number {
    return Math.max(micros + RESERVE_STEP_MICROS, this.now() + RESERVE_AHEAD_MICROS)
  }

  /** The steady clock; where it and the wall have parted, the clock is anchored first. */
  #steadyMillis(): number {
    // Mostly the two agree, and nobody has to look twice: to read a clock is most of what a short read costs.
    const wall = this.#sources.wallMillis()
    const steady = this.#sources.steadyMillis()
    const isTogether = Math.abs(steady + this.#wallAhead - wall) <= TOLERANCE_MILLIS
    return isTogether ? steady : this.#reanchor()
  }

  /** Anchors the clock at the wall if the two have parted; the steady clock. */
  #reanchor(): number {
    // The steady clock is read on both sides of the wall, so that a pause in between is no difference.
    const before = this.#sources.steadyMillis() + this.#wallAhead
    const wall = this.#sources.wallMillis()
    const steady = this.#sources.steadyMillis()
    const after = steady + this.#wallAhead
    if (wall >= before - TOLERANCE_MILLIS && wall <= after + TOLERANCE_MILLIS) return steady
    this.#wallAhead += wall - after
    const asleep = this.#sources.wakingMillis() - steady - this.#wakingAhead
    if (asleep > this.#asleep + SLEEP_MIN_MILLIS) this.#asleep = asleep
    return steady
  }
}

function microsOfMillis(millis: number): number {
  return Math.floor(millis * 1000)
}

/** Milliseconds since the machine started; NaN where the system does not tell. */
function uptimeMillis(): number {
  try {
    return uptime() * 1000
  } catch {
    return NaN
  }
}
