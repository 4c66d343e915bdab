/** The cache holds what was used last, within its budget, and says when it lets something go. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { Block, BlockBuilder } from '../../src/storage/block.ts'
import { BudgetCache, type CacheEntry, type Keeper } from '../../src/storage/budget-cache.ts'
import { CachedBlocks } from '../../src/storage/cached-blocks.ts'
import { version as sampleVersion } from './samples.ts'
import { holds } from '../time/property.ts'

const step = fc.oneof(
  fc.record({ op: fc.constant('add' as const), cost: fc.nat({ max: 5 }) }),
  fc.record({ op: fc.constant('use' as const), which: fc.nat({ max: 5 }) }),
  fc.record({ op: fc.constant('remove' as const), which: fc.nat({ max: 5 }) }),
)

interface Kept {
  readonly place: number
  readonly entry: CacheEntry
  readonly cost: number
  isUsed: boolean
}

/** Notes which places are used, and which had to go. */
class NotingKeeper implements Keeper {
  readonly used = new Set<number>()
  readonly gone: number[] = []

  takeUse(place: number): boolean {
    return this.used.delete(place)
  }

  letGo(place: number): void {
    this.gone.push(place)
  }
}

test('it is a queue in which what was used has a second chance, cut at the budget', () => {
  holds(
    fc.property(fc.nat({ max: 12 }), fc.array(step), (budget, steps) => {
      const keeper = new NotingKeeper()
      const expectedGone: number[] = []
      const cache = new BudgetCache(budget)
      /** The one that is looked at first comes first. A place is the number of the step that added to it. */
      let queue: Kept[] = []
      let misses = 0
      const costOf = (entries: readonly Kept[]) => entries.reduce((sum, { cost }) => sum + cost, 0)
      for (const [place, each] of steps.entries()) {
        if (each.op === 'add') {
          misses++
          const entry = cache.add(keeper, place, each.cost)
          expect(entry === undefined).toBe(each.cost > budget)
          if (entry !== undefined) queue.push({ place, entry, cost: each.cost, isUsed: false })
          while (costOf(queue) > budget) {
            const [first, ...rest] = queue
            if (first!.isUsed) queue = [...rest, { ...first!, isUsed: false }]
            else if (first!.entry === entry) queue = [...rest, first!]
            else {
              queue = rest
              expectedGone.push(first!.place)
            }
          }
        } else if (queue.length > 0) {
          const found = queue[each.which % queue.length]!
          if (each.op === 'use') {
            found.isUsed = true
            keeper.used.add(found.place)
          } else {
            queue = queue.filter((kept) => kept !== found)
            expectedGone.push(found.place)
            cache.remove(found.entry)
            cache.remove(found.entry)
          }
        }
        expect(keeper.gone).toEqual(expectedGone)
        expect(cache.cost).toBe(costOf(queue))
        expect([cache.hits, cache.misses]).toEqual([0, misses])
      }
      cache.clear()
      expect(keeper.gone).toEqual([...expectedGone, ...queue.map(({ place }) => place)])
      expect(cache.cost).toBe(0)
    }),
    300,
  )
})

test('a value beyond the budget is not kept, and takes no other’s place', () => {
  const keeper = new NotingKeeper()
  const cache = new BudgetCache(10)
  cache.add(keeper, 1, 5)
  expect(cache.add(keeper, 2, 11)).toBeUndefined()
  expect([cache.cost, keeper.gone]).toEqual([5, []])
})

test('a block that comes back has not been used', () => {
  const builder = new BlockBuilder()
  const { key, ...version } = sampleVersion('a', 1)
  builder.add(key, version, true)
  const block = new Block(builder.finish())
  const cache = new BudgetCache(2 * block.bytes.length)
  const [first, second] = [new CachedBlocks(cache, 1), new CachedBlocks(cache, 2)]
  first.add(0, block)
  expect(first.use(0)).toBe(block)
  first.clear()
  expect([first.use(0), cache.cost, cache.hits]).toEqual([undefined, 0, 1])
  first.add(0, block)
  second.add(0, block)
  second.add(1, block)
  expect([first.use(0), second.use(0), second.use(1)]).toEqual([undefined, block, block])
})
