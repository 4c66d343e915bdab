/**
 * A read of something at some times of a table, which are held in memory from the first step to the end:
 *
 *     history() ──── step ── step ── step ──┐ false, an error, or close
 *                    ▐██████████████████████▌ held: no compaction takes away what is yet to be found
 *
 * The rule: what it finds was readable when it was found. A hold that became too old ends before the read does;
 * from then on each step asks. What is found comes in batches and is handed out one by one, by plain calls: a
 * step is on the path of every row.
 */

/** A read that has begun: its times are held. */
export interface Held<T> {
  /** Finds what it is about, some at a time. An end before the last of it needs no word. */
  find(): Iterable<readonly T[]>
  /** Throws `CLOSED`, and `HISTORY_GONE` once the hold is over and the times cannot be read without it. */
  assertGoesOn(): void
  /** Lets the times go. */
  end(): void
}

/** A read, which stands at an item after each step that answered `true`. Until it is over it has to be closed. */
export class HeldRead<T> implements Iterable<T> {
  readonly #begin: () => Held<T>
  #held: Held<T> | undefined
  #found: Iterator<readonly T[]> | undefined
  #batch: readonly T[] = []
  #at = 0
  #isOver = false

  /** `begin` chooses the times and holds them, when the first item is asked for. */
  constructor(begin: () => Held<T>) {
    this.#begin = begin
  }

  /** The item it stands at. */
  get item(): T {
    return this.#batch[this.#at]!
  }

  /** To the next item; whether there is one. Throws `CLOSED`, `HISTORY_GONE`. */
  step(): boolean {
    if (this.#isOver) return false
    try {
      if (this.#held === undefined) this.#held = this.#begin()
      else this.#held.assertGoesOn()
      if (++this.#at < this.#batch.length || this.#nextBatch(this.#held)) return true
    } catch (error) {
      this.close()
      throw error
    }
    this.close()
    return false
  }

  /** Lets its times go. Closing twice does nothing. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#held?.end()
  }

  *[Symbol.iterator](): Generator<T> {
    try {
      while (this.step()) yield this.item
    } finally {
      this.close()
    }
  }

  /** To the next batch that has something; whether there is one. */
  #nextBatch(held: Held<T>): boolean {
    this.#found ??= held.find()[Symbol.iterator]()
    this.#at = 0
    do {
      const next = this.#found.next()
      if (next.done === true) return false
      this.#batch = next.value
    } while (this.#batch.length === 0)
    return true
  }
}
