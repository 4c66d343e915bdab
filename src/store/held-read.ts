/**
 * A read of something at some times of a table, which are held in memory from the first step to the end:
 *
 *     scan() ──── step ── step ── step ──┐ false, an error, or close
 *                 ▐██████████████████████▌ held: no compaction takes away what is yet to be found
 *
 * The rule: what it finds was readable when it was found. A hold that became too old, or whose store was closed, ends
 * before the read does; from then on each step asks.
 */
import { assert } from '../base/assert.ts'

/** What is read step by step: a scan, a diff, a history. It stands at something after each step that answered `true`. */
export interface Steps {
  step(): boolean
}

/** A read that has begun: its times are held. */
export interface Held<Found extends Steps> {
  /** What it is about. An end before the last step needs no word. */
  readonly found: Found
  /** What holds its times. */
  readonly hold: { readonly isOver: boolean }
  /** Asked at each step once the hold is over. Throws `CLOSED`, and `HISTORY_GONE` if the times cannot be read without it. */
  assertGoesOn(): void
  /** Lets the times go. */
  end(): void
}

/** A read, which stands at something after each step that answered `true`. Until it is over it has to be closed. */
export class HeldRead<Found extends Steps> implements Steps {
  readonly #begin: () => Held<Found>
  #held: Held<Found> | undefined
  #isOver = false

  /** `begin` chooses the times and holds them, when the first step is made. */
  constructor(begin: () => Held<Found>) {
    this.#begin = begin
  }

  /** What it reads, which stands at what was found. */
  get found(): Found {
    assert(this.#held !== undefined, 'a read that was stepped')
    return this.#held.found
  }

  /** To the next thing; whether there is one. Throws `CLOSED`, `HISTORY_GONE`. */
  step(): boolean {
    if (this.#isOver) return false
    try {
      const held = (this.#held ??= this.#begin())
      if (held.hold.isOver) held.assertGoesOn()
      if (held.found.step()) return true
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
}
