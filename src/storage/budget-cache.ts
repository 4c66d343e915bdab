/**
 * A cache with a budget: when the sum of the costs is too large, entries go that were not used for long. One of
 * decoded blocks with a budget in bytes, one of open tables with a limit of their number.
 *
 * Whoever adds a value keeps its entry, and so finds it without a search. Which one goes is found by *second
 * chance*, or CLOCK (Corbató, "A Paging Experiment with the Multics System", 1968), so that a use writes one
 * flag, and not the links of three entries all over memory:
 *
 *     ends ⇄ a· ⇄ b✓ ⇄ c· ⇄ d✓ ⇄ ends        ✓ used since it was looked at last
 *     one has to go: a goes; the next time b loses its ✓ and moves behind d, and c goes
 */

interface Link {
  older: Link
  newer: Link
}

/** A value in the cache: kept by whoever looks for it, until it is told that it has gone. */
export interface CacheEntry<Value> {
  readonly value: Value
}

interface RingEntry<Value> extends Link, CacheEntry<Value> {
  readonly cost: number
  readonly onGone: () => void
  isIn: boolean
  isUsed: boolean
}

/** Values, those that are used, within a budget. */
export class BudgetCache<Value> {
  readonly #ends: Link = emptyRing()
  readonly #budget: number
  #cost = 0
  #hits = 0
  #misses = 0

  constructor(budget: number) {
    this.#budget = budget
  }

  /** The sum of the costs of what it holds. */
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

  /**
   * Puts a value in and lets others go until the budget holds. `onGone` is called when it has to go. A value
   * beyond the budget does not come in: there is no entry, and nobody is told.
   */
  add(value: Value, cost: number, onGone: () => void): CacheEntry<Value> | undefined {
    this.#misses++
    if (cost > this.#budget) return undefined
    const entry: RingEntry<Value> = {
      ...{ value, cost, onGone, isIn: true, isUsed: false },
      ...{ older: this.#ends, newer: this.#ends },
    }
    this.#linkAsNewest(entry)
    this.#cost += cost
    while (this.#cost > this.#budget) this.#letOneGo(entry)
    return entry
  }

  /** The value, which is used again. */
  use(entry: CacheEntry<Value>): Value {
    this.#hits++
    const ringEntry = entry as RingEntry<Value>
    if (!ringEntry.isUsed) ringEntry.isUsed = true
    return entry.value
  }

  /** Takes a value out, which is told so. Taking it out twice does nothing. */
  remove(entry: CacheEntry<Value>): void {
    const link = entry as RingEntry<Value>
    if (!link.isIn) return
    link.isIn = false
    unlink(link)
    this.#cost -= link.cost
    link.onGone()
  }

  /** Takes everything out. */
  clear(): void {
    while (this.#ends.newer !== this.#ends) this.remove(this.#ends.newer as RingEntry<Value>)
  }

  /** Not the one that comes in, which could have been used by nobody. */
  #letOneGo(newest: Link): void {
    for (;;) {
      const oldest = this.#ends.newer as RingEntry<Value>
      if (oldest !== newest && !oldest.isUsed) return this.remove(oldest)
      oldest.isUsed = false
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
