/**
 * A cache with a budget: the entries used longest ago go when the sum of their costs is too large.
 * One of decoded blocks with a budget in bytes, one of open tables with a limit of their number.
 *
 * The order of use is a ring of links: a use moves an entry without touching the map.
 *
 *     ┌▶ ends ⇄ used longest ago ⇄ … ⇄ used last ◀┐
 *     └────────────────────────────────────────────┘
 */

interface Link {
  older: Link
  newer: Link
}

interface Entry<Key, Value> extends Link {
  readonly key: Key
  readonly value: Value
  readonly cost: number
}

/** Values by key, the most recently used ones, within a budget. */
export class BudgetCache<Key, Value> {
  readonly #entries = new Map<Key, Entry<Key, Value>>()
  readonly #ends: Link = emptyRing()
  readonly #budget: number
  readonly #onEvict: ((value: Value) => void) | undefined
  #cost = 0
  #hits = 0
  #misses = 0

  constructor(budget: number, onEvict?: (value: Value) => void) {
    this.#budget = budget
    this.#onEvict = onEvict
  }

  /** The sum of the costs of what it holds. */
  get cost(): number {
    return this.#cost
  }

  get hits(): number {
    return this.#hits
  }

  get misses(): number {
    return this.#misses
  }

  /** The value of a key, which becomes the most recently used one. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) {
      this.#misses++
      return undefined
    }
    this.#hits++
    if (entry.newer !== this.#ends) {
      unlink(entry)
      this.#linkAsNewest(entry)
    }
    return entry.value
  }

  /** Puts a value in and lets others go until the budget holds; a value beyond the budget goes at once. */
  set(key: Key, value: Value, cost: number): void {
    this.delete(key)
    if (cost > this.#budget) {
      this.#onEvict?.(value)
      return
    }
    const entry = { key, value, cost, older: this.#ends, newer: this.#ends }
    this.#entries.set(key, entry)
    this.#linkAsNewest(entry)
    this.#cost += cost
    while (this.#cost > this.#budget) this.delete((this.#ends.newer as Entry<Key, Value>).key)
  }

  /** Takes a value out, letting it go. */
  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    unlink(entry)
    this.#cost -= entry.cost
    this.#onEvict?.(entry.value)
  }

  /** Takes everything out. */
  clear(): void {
    for (const key of this.#entries.keys()) this.delete(key)
  }

  #linkAsNewest(entry: Entry<Key, Value>): void {
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
