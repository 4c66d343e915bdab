/**
 * The same properties as in `laws.test.ts`, for minutes instead of seconds: fresh seeds, longer lists, one
 * mixture of operations at a time. It prints what the runs met.
 *
 * `PALIMPSEST_SECONDS` says for how long each of them is run.
 */
import { expect, test } from 'vitest'
import { PRESETS, type Preset, runOf } from '../../src/testing/arbitraries.ts'
import { runPlan } from '../../src/testing/runner.ts'
import { MetamorphicCheck, metamorphicRun } from '../../src/testing/metamorphic/metamorphic.ts'
import { countRunsFor, isReplay } from './property.ts'

const SECONDS = Number(process.env['PALIMPSEST_SECONDS'] ?? 40)

test.each(Object.keys(PRESETS) as readonly Preset[])('laws 1 to 6, 8 and 11, long, %s', (preset) => {
  const counts = countRunsFor(runOf(preset, 120), SECONDS, (plan) => runPlan(plan).counts)
  console.log(preset, JSON.stringify(counts))
  if (!isReplay) expect(counts.pastReads).toBeGreaterThan(0)
})

test('law 10, long', () => {
  const metamorphic = new MetamorphicCheck()
  const counts = countRunsFor(metamorphicRun(100), SECONDS, (plan) => metamorphic.check(plan))
  console.log('law 10', JSON.stringify(counts))
})
