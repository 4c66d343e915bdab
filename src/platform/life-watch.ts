/**
 * Whether somebody shows signs of life: how long there was none *while one was looking*.
 *
 * A process may be stopped as a whole and go on later. Whoever looks first then has seen no beat for long,
 * and nobody could have beaten. So silence is no difference of two times: each look adds what went by since
 * the look before, and no more than a small part of what is allowed. A pause is a small part, however
 * long it was; and of one who is dead any looks make up the whole in the end, however rare they are.
 */

/** So many looks it takes at least to give somebody up. */
const LOOKS_MIN = 10

/** A watch over one who counts beats. Times are milliseconds of any clock that never goes back. */
export class LifeWatch {
  readonly #silenceMs: number
  #beats = 0
  #lookedAtMs = 0
  #silentMs = 0

  /** Who is silent for longer than this is given up. */
  constructor(silenceMs: number) {
    this.#silenceMs = silenceMs
  }

  /** Counts from now on, whatever was before. */
  begin(nowMs: number): void {
    this.#lookedAtMs = nowMs
    this.#silentMs = 0
  }

  /** Takes in how many beats there were so far, and says for how long there was none if that is too long. */
  look(beats: number, nowMs: number): number | undefined {
    const watchedMs = Math.min(nowMs - this.#lookedAtMs, this.#silenceMs / LOOKS_MIN)
    this.#lookedAtMs = nowMs
    this.#silentMs = beats === this.#beats ? this.#silentMs + watchedMs : 0
    this.#beats = beats
    return this.#silentMs > this.#silenceMs ? this.#silentMs : undefined
  }
}
