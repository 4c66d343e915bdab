/**
 * The same properties as in `laws.test.ts`, ten thousand times: fresh seeds, longer lists, one mixture of
 * operations at a time. It prints what the runs met. `../histories.ts` says how many there are.
 */
import { expect, test } from 'vitest'
import { PRESETS, type Preset, runOf } from '../../src/testing/arbitraries.ts'
import { runPlan } from '../../src/testing/runner.ts'
import { HISTORIES, historiesOf } from '../histories.ts'
import { countManyRuns, isReplay } from './property.ts'

const MIXTURES = Object.keys(PRESETS) as readonly Preset[]

test('the long run has 200,000 random histories', () => {
  expect(HISTORIES.model + HISTORIES.metamorphic + HISTORIES.garbage).toBeGreaterThanOrEqual(200_000)
})

test.each(MIXTURES)('laws 1 to 6, 8 and 11, long, %s', (preset) => {
  const numRuns = Math.ceil(historiesOf('model') / MIXTURES.length)
  const counts = countManyRuns(runOf(preset, 60), { numRuns, chunk: 100 }, (plan) => runPlan(plan).counts)
  const { runs, firstSeed } = counts
  const replay = `replay: PALIMPSEST_SEED=${firstSeed} npm run test:long -- test/model/laws.long -t '${preset}'`
  console.log(`${runs} histories of the model, ${preset}: ${JSON.stringify(counts)}\n${replay}`)
  if (!isReplay) expect(counts.pastReads).toBeGreaterThan(0)
})
