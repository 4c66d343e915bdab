/**
 * Where times come from: the physical clock, which a platform or a simulation gives, and the hybrid
 * clock on top of it, which issues the times of commits and closes the times that reads used.
 *
 *     ──────●───────────────●─────────────────▲──────▶
 *         floor     last issued or used     ceiling, durable: a crash reopens here
 *
 * The rule (law 1): no commit gets a time at or below one that was issued or used, restarts included.
 * Within a run `last` sees to it. Across a crash the ceiling does: nothing is issued or used above it
 * before a higher one is durable. The ceiling is raised by a good piece at a time, so that few commits
 * pay for it. The wall may freeze or step back; times then go on tick by tick.
 *
 * Retention has a now of its own, which a wall that jumps forward does not drive: a wrong clock must
 * not make history expire.
 */
import { assert } from '../base/assert.ts'
import { PalimpsestError } from '../base/errors.ts'
import {
  type HybridTime,
  MAX_TIME,
  MICROS_MAX,
  endOfMicrosecond,
  formatExact,
  formatIso,
  hybridTime,
  laterOf,
  microsOf,
  tickAfter,
} from './hybrid-time.ts'

/** What a clock shows at one moment, in microseconds. */
export interface ClockReadings {
  readonly wall: number
  readonly monotonic: number
}

/** The clock of a machine. Every answer is a whole number of microseconds. */
export interface PhysicalClock {
  /** Microseconds since 1970 on the wall; may step backwards or forwards. */
  now(): number
  /** Microseconds since any moment; never steps. */
  monotonic(): number
  /** Both at one moment, which takes less than one after the other. */
  readings(): ClockReadings
  /** The microsecond through which times should be reserved when `micros` needs a reservation; ≥ `micros`. */
  reserveThrough(micros: number): number
}

const READINGS = ['now', 'monotonic', 'readings', 'reserveThrough'] as const

/** Refuses what is no physical clock. Throws `INVALID_ARGUMENT`. */
export function checkClock(clock: Partial<PhysicalClock>): void {
  const missing = READINGS.filter((reading) => typeof clock[reading] !== 'function')
  if (missing.length === 0) return
  const message = `a clock has the methods ${READINGS.join(', ')}; this one lacks ${missing.join(', ')}`
  throw new PalimpsestError('INVALID_ARGUMENT', message)
}

/** A step of the wall clock against the monotonic clock, forward or back, beyond the skew. */
export interface ClockJump {
  /** What the wall would show by the monotonic clock. */
  readonly expectedMicros: number
  /** What it shows. */
  readonly actualMicros: number
}

/** What a hybrid clock starts from. */
export interface HybridClockOptions {
  /** The clock of the machine. */
  readonly physical: PhysicalClock
  /** Every time that was ever issued or used is at or below this. */
  readonly floor: HybridTime
  /** Times through this one are reserved durably already; not below the floor. */
  readonly ceiling: HybridTime
  /** Makes a new ceiling durable before it returns; if it throws, nothing was issued or used. */
  readonly reserve: (ceiling: HybridTime) => void
  /** A microsecond by which history was judged, and before which retention's now can therefore not be. */
  readonly judgedMicros?: number | undefined
  /** How far clocks may be apart. Half a second unless given. */
  readonly skewMicros?: number | undefined
  /** Told once of each jump. Only a forward one waits for {@link HybridClock.confirmJump}. */
  readonly onJump?: ((jump: ClockJump) => void) | undefined
}

/** Where the wall is, against the monotonic clock. */
type WallIs = 'as expected' | 'ahead' | 'behind'

/** How far clocks may be apart unless the options say otherwise. Source: YugabyteDB's `max_clock_skew_usec`. */
const DEFAULT_SKEW_MICROS = 500_000

/** Issues times that strictly increase, whatever the wall does, across restarts too. */
export class HybridClock {
  readonly #physical: PhysicalClock
  readonly #reserve: (ceiling: HybridTime) => void
  readonly #skewMicros: number
  readonly #onJump: ((jump: ClockJump) => void) | undefined
  #last: HybridTime
  #ceiling: HybridTime
  #closed = false
  /** The newest answer of `retentionMicros`. */
  #retained: number
  /** The wall, as it was last trusted, and the monotonic clock at that moment. */
  #trusted: ClockReadings
  /** Where the wall was found, against the monotonic clock, when retention last looked. */
  #wallIs: WallIs = 'as expected'

  constructor(options: HybridClockOptions) {
    const { skewMicros = DEFAULT_SKEW_MICROS } = options
    assert(options.floor <= options.ceiling, 'the ceiling of a clock is not below its floor')
    assert(skewMicros >= 0, 'the allowed skew is not negative')
    this.#physical = options.physical
    this.#reserve = options.reserve
    this.#skewMicros = skewMicros
    this.#onJump = options.onJump
    this.#last = options.floor
    this.#ceiling = options.ceiling
    this.#retained = options.judgedMicros ?? 0
    this.#trusted = this.#readings()
  }

  /** The newest time that was issued, used or observed. */
  get last(): HybridTime {
    return this.#last
  }

  /** The durable ceiling: after a crash, times go on above it. */
  get ceiling(): HybridTime {
    return this.#ceiling
  }

  /**
   * Issues a time: above everything issued or used, and durably so.
   * The wall's microsecond where that is above, else one tick after the last time.
   */
  now(): HybridTime {
    assert(!this.#closed, 'a closed clock issues no time')
    const next = laterOf(hybridTime(this.#wall()), nextTick(this.#last))
    if (next === MAX_TIME) {
      throw new PalimpsestError('CLOCK_SKEW', 'the clock has come to the end of time', textsOf(this.#last))
    }
    this.#advance(next)
    return next
  }

  /** The current microsecond: a time lies in the future iff its microsecond is later than this. */
  currentMicros(): number {
    return Math.max(this.#wall(), microsOf(this.#last))
  }

  /**
   * Closes a time: every later commit is above it, which is durable when this returns.
   * Fails with `FUTURE_TIME` if it lies in the future.
   */
  use(time: HybridTime): void {
    assert(!this.#closed, 'a closed clock closes no time')
    if (time <= this.#last) return
    const current = this.currentMicros()
    if (microsOf(time) > current) {
      const now = endOfMicrosecond(current)
      throw new PalimpsestError(
        'FUTURE_TIME',
        `${formatExact(time)} (${formatIso(time)}) lies in the future: it is ${formatIso(now)}`,
        { ...textsOf(time), now: formatExact(now) },
      )
    }
    this.#advance(time)
  }

  /**
   * Takes in a time of another clock: later times are above it.
   * Fails with `CLOCK_SKEW`, and changes nothing, if it is ahead of the wall by more than the skew.
   */
  observe(time: HybridTime): void {
    assert(!this.#closed, 'a closed clock observes no time')
    if (time <= this.#last) return
    const wall = this.#readWall()
    if (microsOf(time) > wall + this.#skewMicros) {
      throw new PalimpsestError(
        'CLOCK_SKEW',
        `${formatExact(time)} (${formatIso(time)}) is ahead of this clock by ${microsOf(time) - wall} microseconds, ` +
          `of which ${this.#skewMicros} are allowed`,
        { ...textsOf(time), now: formatExact(endOfMicrosecond(wall)), skewMicros: this.#skewMicros },
      )
    }
    this.#advance(time)
  }

  /**
   * The now that drives retention. It follows the wall, never goes back, and is never later than
   * {@link currentMicros}. While the wall is ahead by a jump that nobody confirmed, it goes on with
   * the monotonic clock from where it was.
   */
  retentionMicros(): number {
    const readings = this.#readings()
    const expected = this.#trusted.wall + Math.max(0, readings.monotonic - this.#trusted.monotonic)
    const before = this.#wallIs
    this.#wallIs = this.#compare(readings.wall, expected)
    const isAhead = this.#wallIs === 'ahead'
    // A wall that went back cannot make history expire, so it is trusted again at once.
    if (!isAhead) this.#trusted = readings
    this.#retained = Math.max(this.#retained, isAhead ? expected : readings.wall)
    if (this.#wallIs !== 'as expected' && this.#wallIs !== before) {
      this.#onJump?.({ expectedMicros: expected, actualMicros: readings.wall })
    }
    return this.#retained
  }

  /** Trusts the wall as it is now: it drives retention again. */
  confirmJump(): void {
    this.#trusted = this.#readings()
    this.#wallIs = 'as expected'
  }

  /** Ends the clock. The last time, to be kept: the next clock may start with it as floor and ceiling. */
  close(): HybridTime {
    this.#closed = true
    return this.#last
  }

  /** Makes `time` the last one, below a ceiling that is durable first. */
  #advance(time: HybridTime): void {
    if (time > this.#ceiling) {
      const micros = microsOf(time)
      const through = this.#physical.reserveThrough(micros)
      if (!(Number.isInteger(through) && through >= micros)) throw nonsense('reserves', through)
      const ceiling = endOfMicrosecond(Math.min(through, MICROS_MAX))
      this.#reserve(ceiling)
      this.#ceiling = ceiling
    }
    this.#last = time
  }

  /** The wall, but never below what retention was told: what expired by it must not become now again. */
  #wall(): number {
    return Math.max(this.#readWall(), this.#retained)
  }

  #readWall(): number {
    return checkWall(this.#physical.now())
  }

  #compare(wall: number, expected: number): WallIs {
    if (wall > expected + this.#skewMicros) return 'ahead'
    return wall < expected - this.#skewMicros ? 'behind' : 'as expected'
  }

  #readings(): ClockReadings {
    const readings = this.#physical.readings()
    checkWall(readings.wall)
    if (!Number.isSafeInteger(readings.monotonic)) throw nonsense('counts', readings.monotonic)
    return readings
  }
}

/** The tick after `time`, or the end of time if there is none. */
function nextTick(time: HybridTime): HybridTime {
  return time === MAX_TIME ? MAX_TIME : tickAfter(time)
}

function checkWall(micros: number): number {
  if (!(Number.isInteger(micros) && micros >= 0 && micros <= MICROS_MAX)) throw nonsense('shows', micros)
  return micros
}

function nonsense(verb: string, micros: number): PalimpsestError {
  return new PalimpsestError(
    'CLOCK_SKEW',
    `the physical clock ${verb} ${micros} microseconds, which cannot be`,
    {
      micros: String(micros),
    },
  )
}

function textsOf(time: HybridTime): { readonly time: string; readonly at: string } {
  return { time: formatExact(time), at: formatIso(time) }
}
