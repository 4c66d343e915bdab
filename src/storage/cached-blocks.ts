/**
 * The blocks of one table that are in the cache of all blocks, each in its place: a block that is there is found by
 * its number, without a search.
 */
import { type Block } from './block.ts'
import { type BudgetCache, type CacheEntry, type Keeper } from './budget-cache.ts'
import { noteFetched } from './fetch.ts'

/** Some blocks of a table. */
export class CachedBlocks implements Keeper {
  readonly #cache: BudgetCache
  readonly #blocks: (Block | undefined)[]
  /** One where a block was used since the cache looked at it last. */
  readonly #uses: Uint8Array
  readonly #entries = new Map<number, CacheEntry>()

  constructor(cache: BudgetCache, blocksInTable: number) {
    this.#cache = cache
    this.#blocks = Array.from({ length: blocksInTable }, () => undefined)
    this.#uses = new Uint8Array(blocksInTable)
  }

  /** Block number `index`, if it is there. */
  use(index: number): Block | undefined {
    const block = this.#blocks[index]
    if (block === undefined) return undefined
    this.#uses[index] = 1
    this.#cache.countHit()
    return block
  }

  /** Fetches the beginnings of the blocks from `from` to `to` that are there. To come back to them is still no use of them. */
  fetch(from: number, to: number): void {
    const end = Math.min(to, this.#blocks.length)
    let fetched = 0
    for (let index = from; index < end; index++) fetched += this.#blocks[index]?.beginning ?? 0
    noteFetched(fetched)
  }

  /** Puts block number `index` in, if there is room for it. */
  add(index: number, block: Block): void {
    const entry = this.#cache.add(this, index, block.bytes.length)
    if (entry === undefined) return
    this.#blocks[index] = block
    this.#uses[index] = 0
    this.#entries.set(index, entry)
  }

  /** Takes all blocks out. */
  clear(): void {
    for (const entry of this.#entries.values()) this.#cache.remove(entry)
  }

  takeUse(index: number): boolean {
    const isUsed = this.#uses[index] === 1
    this.#uses[index] = 0
    return isUsed
  }

  letGo(index: number): void {
    this.#blocks[index] = undefined
    this.#entries.delete(index)
  }
}
