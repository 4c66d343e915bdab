/**
 * A cache with a budget: when the sum of the costs is too large, what was not used for long has to go. One of
 * blocks with a budget in bytes, one of open tables with a limit of their number.
 *
 * The values stay with whoever has them, who finds them without a search, marks in one byte what is used, and
 * is told what has to go: so a use is no look at memory of the cache. What goes is found by *second chance*, or
 * CLOCK (Corbató, "A Paging Experiment with the Multics System", 1968):
 *
 *     ends ⇄ a· ⇄ b✓ ⇄ c· ⇄ d✓ ⇄ ends        ✓ used since it was looked at last
 *     one has to go: a goes; the next time b loses its ✓ and moves behind d, and c goes
 */

/** Who keeps values, each in a place of its own. */
export interface Keeper {
  /** Whether the value in a place was used since this was asked last. */
  takeUse(place: number): boolean
  /** Lets the value in a place go. */
  letGo(place: number): void
}

interface Link {
  older: Link
  newer: Link
}

interface RingEntry extends Link {
  readonly keeper: Keeper
  readonly place: number
  readonly cost: number
  isIn: boolean
}

/** What the cache knows of a value. */
export type CacheEntry = Readonly<Pick<RingEntry, 'place'>>

/** Says which values are kept within a budget. */
export class BudgetCache {
  readonly #ends: Link = emptyRing()
  readonly #budget: number
  #cost = 0
  #hits = 0
  #misses = 0

  constructor(budget: number) {
    this.#budget = budget
  }

  /** The sum of the costs of what is kept. */
  get cost(): number {
    return this.#cost
  }

  /** How often a value was used again, and how often one was added. */
  get hits(): number {
    return this.#hits
  }

  get misses(): number {
    return this.#misses
  }

  /** Counts that a value was used again; its keeper takes note of the use. */
  countHit(): void {
    this.#hits++
  }

  /**
   * Takes in what a keeper has in a place and lets others go until the budget holds. A value beyond the budget does
   * not come in: there is no entry, and nobody is told.
   */
  add(keeper: Keeper, place: number, cost: number): CacheEntry | undefined {
    this.#misses++
    if (cost > this.#budget) return undefined
    const entry = { keeper, place, cost, isIn: true, older: this.#ends, newer: this.#ends }
    this.#linkAsNewest(entry)
    this.#cost += cost
    while (this.#cost > this.#budget) this.#letOneGo(entry)
    return entry
  }

  /** Takes a value out, whose keeper is told so. Taking it out twice does nothing. */
  remove(entry: CacheEntry): void {
    const ringEntry = entry as RingEntry
    if (!ringEntry.isIn) return
    ringEntry.isIn = false
    unlink(ringEntry)
    this.#cost -= ringEntry.cost
    ringEntry.keeper.letGo(ringEntry.place)
  }

  /** Takes everything out. */
  clear(): void {
    while (this.#ends.newer !== this.#ends) this.remove(this.#ends.newer as RingEntry)
  }

  /** Not the one that comes in, which could have been used by nobody. */
  #letOneGo(newest: Link): void {
    for (;;) {
      const oldest = this.#ends.newer as RingEntry
      if (oldest !== newest && !oldest.keeper.takeUse(oldest.place)) return this.remove(oldest)
      unlink(oldest)
      this.#linkAsNewest(oldest)
    }
  }

  #linkAsNewest(entry: Link): void {
    entry.newer = this.#ends
    entry.older = this.#ends.older
    entry.older.newer = entry
    this.#ends.older = entry
  }
}

function emptyRing(): Link {
  const link = {} as Link
  link.older = link.newer = link
  return link
}

function unlink({ older, newer }: Link): void {
  older.newer = newer
  newer.older = older
}
