/**
 * Law 10, as in `metamorphic.test.ts`, for hundreds of longer lists: each under 64 option sets.
 */
import { expect, test } from 'vitest'
import { MetamorphicCheck, metamorphicRun } from '../../src/testing/metamorphic/metamorphic.ts'
import { historiesOf } from '../histories.ts'
import { countManyRuns, isReplay } from './property.ts'

test('options, layouts, caches and upkeep change no answer and no time (law 10), long', () => {
  const metamorphic = new MetamorphicCheck()
  const numRuns = historiesOf('metamorphic')
  const counts = countManyRuns(metamorphicRun(25), { numRuns, chunk: 1 }, (plan) => metamorphic.check(plan))
  const { databases, costs } = metamorphic
  const replay = `replay: PALIMPSEST_SEED=${counts.firstSeed} npm run test:long -- test/model/metamorphic.long`
  console.log(
    `${counts.runs} metamorphic histories, ${databases} databases: ${JSON.stringify(counts)}\n${replay}`,
  )
  if (!isReplay) expect(costs, 'different costs of one list').toBeGreaterThan(30)
})
