/** The cache holds what was used last, within its budget, and says when it lets something go. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BudgetCache, type CacheEntry } from '../../src/storage/budget-cache.ts'
import { holds } from '../time/property.ts'

const step = fc.oneof(
  fc.record({ op: fc.constant('add' as const), cost: fc.nat({ max: 5 }) }),
  fc.record({ op: fc.constant('use' as const), which: fc.nat({ max: 5 }) }),
  fc.record({ op: fc.constant('remove' as const), which: fc.nat({ max: 5 }) }),
)

interface Kept {
  readonly entry: CacheEntry<number>
  readonly cost: number
  isUsed: boolean
}

test('it is a queue in which what was used has a second chance, cut at the budget', () => {
  holds(
    fc.property(fc.nat({ max: 12 }), fc.array(step), (budget, steps) => {
      const gone: number[] = []
      const expectedGone: number[] = []
      const cache = new BudgetCache<number>(budget)
      /** The one that is looked at first comes first. A value is the number of the step that added it. */
      let queue: Kept[] = []
      let [hits, misses] = [0, 0]
      const costOf = (entries: readonly Kept[]) => entries.reduce((sum, { cost }) => sum + cost, 0)
      for (const [value, each] of steps.entries()) {
        if (each.op === 'add') {
          misses++
          const entry = cache.add(value, each.cost, () => gone.push(value))
          expect(entry === undefined).toBe(each.cost > budget)
          if (entry !== undefined) queue.push({ entry, cost: each.cost, isUsed: false })
          while (costOf(queue) > budget) {
            const [first, ...rest] = queue
            if (first!.isUsed) queue = [...rest, { ...first!, isUsed: false }]
            else if (first!.entry === entry) queue = [...rest, first!]
            else {
              queue = rest
              expectedGone.push(first!.entry.value)
            }
          }
        } else if (queue.length > 0) {
          const found = queue[each.which % queue.length]!
          if (each.op === 'use') {
            hits++
            found.isUsed = true
            expect(cache.use(found.entry)).toBe(found.entry.value)
          } else {
            queue = queue.filter((kept) => kept !== found)
            expectedGone.push(found.entry.value)
            cache.remove(found.entry)
            cache.remove(found.entry)
          }
        }
        expect(gone).toEqual(expectedGone)
        expect(cache.cost).toBe(costOf(queue))
        expect([cache.hits, cache.misses]).toEqual([hits, misses])
      }
      cache.clear()
      expect(gone).toEqual([...expectedGone, ...queue.map(({ entry }) => entry.value)])
      expect(cache.cost).toBe(0)
    }),
    300,
  )
})

test('a value beyond the budget is not kept, and takes no other’s place', () => {
  const gone: string[] = []
  const cache = new BudgetCache<string>(10)
  const small = cache.add('small', 5, () => gone.push('small'))
  expect(cache.add('huge', 11, () => gone.push('huge'))).toBeUndefined()
  expect([small?.value, cache.cost, gone]).toEqual(['small', 5, []])
})
