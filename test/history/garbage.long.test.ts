/** Law 3: the garbage rule against a list of states, over 179,000 histories: `../histories.ts` counts them. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { historiesOf } from '../histories.ts'
import { casePath, propertySeeds } from '../seeds.ts'
import { StateHistory, type StateVersion, keptBy, steps } from './states.ts'

test('what is dropped is seen by no readable time, what is kept by one, long (law 3)', () => {
  const counts = { histories: 0, reads: 0, dropped: 0, forgotten: 0, closed: 0 }
  const [seed = 0] = propertySeeds([])
  const [path, numRuns] = [casePath(), historiesOf('garbage')]
  fc.assert(
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
    { seed, numRuns, ...(path === undefined ? {} : { path }) },
  )
  const replay = `replay: PALIMPSEST_SEED=${seed} npm run test:long -- test/history/garbage.long`
  console.log(`${counts.histories} histories of the garbage rule: ${JSON.stringify(counts)}\n${replay}`)
  if (path !== undefined) return
  expect(counts.dropped).toBeGreaterThan(numRuns / 2)
  expect(counts.forgotten).toBeGreaterThan(numRuns / 8)
  expect(counts.closed).toBeGreaterThan(numRuns / 40)
})

/** A tombstone that is seen may be gone already, if it hid nothing. */
function valuesOf(versions: Iterable<StateVersion>): ReadonlySet<StateVersion> {
  return new Set([...versions].filter(({ isTombstone }) => !isTombstone))
}
