/**
 * The clock of the model: what a clock has to answer, said once more and as plainly as possible.
 *
 * Two things are told apart. The *current microsecond* decides what lies in the future. The *now of
 * retention* decides what has expired: it follows the wall, never goes back, and does not believe a wall
 * that jumped ahead of the monotonic clock by more than the skew until somebody confirms it.
 */
import { type HybridTime } from '../time/hybrid-time.ts'

/** The skew that a database allows unless it is told otherwise: half a second. */
const SKEW_MICROS = 500_000

/** What the model knows of time. Whoever changes the wall has to {@link ModelClock.look} at it next. */
export class ModelClock {
  #wall: number
  #monotonic = 0
  #trusted: { readonly wall: number; readonly monotonic: number }
  #retained: number
  /** The highest time that was given to a commit or closed by a read. */
  used: HybridTime = 0n as HybridTime

  constructor(micros: number) {
    this.#wall = micros
    this.#trusted = { wall: micros, monotonic: 0 }
    this.#retained = micros
  }

  get wall(): number {
    return this.#wall
  }

  /** The now of retention. */
  get retained(): number {
    return this.#retained
  }

  /** A time is in the future if its microsecond is later than this. */
  get current(): number {
    return Math.max(this.#wall, this.#retained, Number(this.used / 4096n))
  }

  /** Time passes, or the wall is put back; only forward does the monotonic clock go along. */
  set(micros: number): void {
    this.#monotonic += Math.max(0, micros - this.#wall)
    this.#wall = micros
    this.look()
  }

  /** The wall moves alone. */
  jump(micros: number): void {
    this.#wall += micros
    this.look()
  }

  /** Somebody says that the wall is right. */
  confirm(): void {
    this.#trusted = { wall: this.#wall, monotonic: this.#monotonic }
    this.look()
  }

  /** Another process begins to look at the wall, which shows `micros`; the now of retention is `retained`. */
  restart(micros: number, retained: number): void {
    this.#wall = micros
    this.#trusted = { wall: micros, monotonic: this.#monotonic }
    this.#retained = retained
  }

  /** A read or a commit uses a time. */
  use(time: HybridTime): void {
    if (time > this.used) this.used = time
  }

  /** What happens whenever a database asks for the now of retention. */
  look(): void {
    const expected = this.#trusted.wall + (this.#monotonic - this.#trusted.monotonic)
    const isAhead = this.#wall > expected + SKEW_MICROS
    if (!isAhead) this.#trusted = { wall: this.#wall, monotonic: this.#monotonic }
    this.#retained = Math.max(this.#retained, isAhead ? expected : this.#wall)
  }
}
