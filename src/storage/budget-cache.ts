/**
 * A cache with a budget: the entries used longest ago go when the sum of their costs is too large.
 * One of decoded blocks with a budget in bytes, one of open tables with a limit of their number.
 */

interface Entry<Value> {
  readonly value: Value
  readonly cost: number
}

/** Values by key, the most recently used ones, within a budget. */
export class BudgetCache<Key, Value> {
  readonly #entries = new Map<Key, Entry<Value>>()
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
    // A `Map` keeps insertion order: the first entry is the one used longest ago.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  /** Puts a value in and lets others go until the budget holds; a value beyond the budget goes at once. */
  set(key: Key, value: Value, cost: number): void {
    this.delete(key)
    if (cost > this.#budget) {
      this.#onEvict?.(value)
      return
    }
    this.#entries.set(key, { value, cost })
    this.#cost += cost
    for (const oldest of this.#entries.keys()) {
      if (this.#cost <= this.#budget) break
      this.delete(oldest)
    }
  }

  /** Takes a value out, letting it go. */
  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#cost -= entry.cost
    this.#onEvict?.(entry.value)
  }

  /** Takes everything out. */
  clear(): void {
    for (const key of this.#entries.keys()) this.delete(key)
  }
}
