/** The cache holds what was used last, within its budget, and says when it lets something go. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { BudgetCache } from '../../src/storage/budget-cache.ts'
import { holds } from '../time/property.ts'

const key = fc.nat({ max: 5 })
const step = fc.oneof(
  fc.record({ op: fc.constant('get' as const), key }),
  fc.record({ op: fc.constant('set' as const), key, cost: fc.nat({ max: 5 }) }),
  fc.record({ op: fc.constant('delete' as const), key }),
)

test('it is a list in the order of use, cut at the budget', () => {
  holds(
    fc.property(fc.nat({ max: 12 }), fc.array(step), (budget, steps) => {
      const gone: number[] = []
      const cache = new BudgetCache<number, number>(budget, (value) => gone.push(value))
      /** The one used longest ago first; a value is the number of the step that put it in. */
      let model: { key: number; value: number; cost: number }[] = []
      let expectedGone: number[] = []
      let [hits, misses] = [0, 0]
      const letGo = (leaving: typeof model) => {
        expectedGone.push(...leaving.map(({ value }) => value))
        model = model.filter((each) => !leaving.includes(each))
      }
      for (const [value, each] of steps.entries()) {
        const found = model.find((entry) => entry.key === each.key)
        if (each.op === 'get') {
          expect(cache.get(each.key)).toBe(found?.value)
          if (found) {
            hits++
            model = [...model.filter((entry) => entry !== found), found]
          } else misses++
        } else if (each.op === 'delete') {
          cache.delete(each.key)
          if (found) letGo([found])
        } else {
          cache.set(each.key, value, each.cost)
          if (found) letGo([found])
          const entry = { key: each.key, value, cost: each.cost }
          if (each.cost > budget) expectedGone.push(value)
          else {
            model.push(entry)
            while (model.reduce((sum, { cost }) => sum + cost, 0) > budget) letGo([model[0]!])
          }
        }
        expect(gone).toEqual(expectedGone)
        expect(cache.cost).toBe(model.reduce((sum, { cost }) => sum + cost, 0))
        expect([cache.hits, cache.misses]).toEqual([hits, misses])
      }
      expectedGone = [...expectedGone, ...model.map(({ value }) => value)]
      cache.clear()
      expect(gone.toSorted((a, b) => a - b)).toEqual(expectedGone.toSorted((a, b) => a - b))
      expect(cache.cost).toBe(0)
    }),
    300,
  )
})

test('a value beyond the budget is not kept, and takes no other’s place', () => {
  const cache = new BudgetCache<string, string>(10)
  cache.set('a', 'small', 5)
  cache.set('b', 'huge', 11)
  expect([cache.get('a'), cache.get('b')]).toEqual(['small', undefined])
})
