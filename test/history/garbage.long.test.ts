/** Law 3: the garbage rule against a list of states, over tens of thousands of histories. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { holds } from '../time/property.ts'
import { StateHistory, keptBy, steps } from './states.ts'

test('what is dropped is seen by no readable time, what is kept by one, long (law 3)', () => {
  const counts = { histories: 0, reads: 0, dropped: 0 }
  holds(
    fc.property(steps, (list) => {
      const history = new StateHistory()
      for (const step of list) {
        history.carryOut(step)
        for (const tick of history.readableTicks) {
          counts.reads += 2
          for (const key of [0, 1]) {
            const [actual, expected] = [history.read(tick, key), history.expected(tick, key)]
            if (actual !== expected) expect(actual, `key ${key} at ${tick}`).toBe(expected)
          }
        }
      }
      expect(keptBy(history.directive, history.written)).toEqual(history.seen())
      counts.histories++
      counts.dropped += history.dropped
    }),
    10_000,
  )
  console.log(JSON.stringify(counts))
  expect(counts.dropped).toBeGreaterThan(20_000)
})
