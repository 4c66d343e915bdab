/**
 * A physical clock that stands where it is put: for replays of traces, whose operations carry their
 * own times, and for tests that crank the clock by hand.
 *
 * The wall may be put anywhere; the monotonic clock only ever moves forward. They move together,
 * except in a jump (which moves the wall alone) and when the wall is put back.
 */
import { type OptionNames, checkOptions } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type PhysicalClock, type ClockReadings } from './clock.ts'
import { MICROS_MAX } from './hybrid-time.ts'

/** Where a replay clock stands at first. */
export interface ReplayClockOptions {
  /** Microseconds since 1970. */
  readonly micros: number
  /** How far ahead of a time that needs a reservation to reserve. Nothing unless given. */
  readonly leadMicros?: number | undefined
}

const CLOCK_OPTIONS: OptionNames<ReplayClockOptions> = { micros: true, leadMicros: true }

/** A clock that moves only when it is told to. Its methods throw `INVALID_ARGUMENT`. */
export class ReplayClock implements PhysicalClock {
  readonly #leadMicros: number
  #wall: number
  #monotonic: number
  #reservedThrough = 0

  constructor(options: ReplayClockOptions) {
    checkOptions(options, CLOCK_OPTIONS)
    const { micros, leadMicros = 0 } = options
    checkMoment(leadMicros, 'a lead is whole microseconds')
    checkMoment(micros, 'a replay clock stands at a whole microsecond below 2^52')
    this.#leadMicros = leadMicros
    this.#wall = micros
    this.#monotonic = micros
  }

  now(): number {
    return this.#wall
  }

  monotonic(): number {
    return this.#monotonic
  }

  readings(): ClockReadings {
    return { wall: this.#wall, monotonic: this.#monotonic }
  }

  reserveThrough(micros: number): number {
    return Math.max(micros + this.#leadMicros, this.#reservedThrough)
  }

  /** Puts the clock at a microsecond. The wall may so go back; the monotonic clock stands still then. */
  set(micros: number): void {
    checkMoment(micros, 'a replay clock is set to a whole microsecond below 2^52')
    this.#monotonic += Math.max(0, micros - this.#wall)
    this.#wall = micros
  }

  /** Lets time pass. */
  advance(micros: number): void {
    checkMoment(micros, 'time passes forwards, in whole microseconds')
    this.set(this.#wall + micros)
  }

  /** Moves the wall alone, forwards or back, as an operator or a faulty time server does. */
  jump(micros: number): void {
    checkMoment(this.#wall + micros, 'a replay clock jumps to a whole microsecond below 2^52')
    this.#wall += micros
  }

  /** Every later reservation goes through this microsecond at least: a replay knows the times to come. */
  reserveAhead(throughMicros: number): void {
    checkMoment(throughMicros, 'times are reserved through a whole microsecond below 2^52')
    this.#reservedThrough = throughMicros
  }
}

/** Refuses what is no microsecond that a hybrid time can say. The message is the rule. */
function checkMoment(micros: number, rule: string): void {
  if (Number.isInteger(micros) && micros >= 0 && micros <= MICROS_MAX) return
  throw new PalimpsestError('INVALID_ARGUMENT', rule, { micros })
}
