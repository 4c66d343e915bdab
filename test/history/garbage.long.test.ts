/** Law 3: the garbage rule against a list of states, over tens of thousands of histories. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { holds } from '../time/property.ts'
import { StateHistory, type StateVersion, keptBy, steps } from './states.ts'

test('what is dropped is seen by no readable time, what is kept by one, long (law 3)', () => {
  const counts = { histories: 0, reads: 0, dropped: 0, forgotten: 0, closed: 0 }
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
      const left = keptBy(history.directive, history.left)
      expect(valuesOf(left)).toEqual(valuesOf(history.seen()))
      counts.forgotten += history.forgotten
      counts.closed += history.closed
      counts.histories++
      counts.dropped += history.dropped
    }),
    10_000,
  )
  console.log(JSON.stringify(counts))
  expect(counts.dropped).toBeGreaterThan(20_000)
  expect(counts.forgotten).toBeGreaterThan(5000)
  expect(counts.closed).toBeGreaterThan(1000)
})

/** A tombstone that is seen may be gone already, if it hid nothing. */
function valuesOf(versions: Iterable<StateVersion>): ReadonlySet<StateVersion> {
  return new Set([...versions].filter(({ isTombstone }) => !isTombstone))
}
