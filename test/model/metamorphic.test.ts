/**
 * Law 10: options, layouts, caches and upkeep change cost, never answers. One list of operations is run under
 * 64 option sets and has one history.
 */
import { describe, expect, test } from 'vitest'
import { pairsOf } from '../../src/testing/metamorphic/covering.ts'
import { MetamorphicCheck, metamorphicRun } from '../../src/testing/metamorphic/metamorphic.ts'
import { FACTORS, OPTION_SETS } from '../../src/testing/metamorphic/option-sets.ts'
import { countRuns, isReplay } from './property.ts'

describe('the option sets', () => {
  test('are 64, all different, and the first is plain', () => {
    expect(OPTION_SETS).toHaveLength(64)
    expect(new Set(OPTION_SETS.map(({ name }) => name)).size).toBe(64)
    expect(OPTION_SETS[0]!.name).toBe('plain')
  })

  test('have every two choices of two factors together in some set', () => {
    const combinations = OPTION_SETS.map(({ combination }) => combination)
    const met = new Set(combinations.flatMap(pairsOf))
    const sizes = FACTORS.map(({ choices }) => choices.length)
    const all = sizes.flatMap((a, i) => sizes.slice(i + 1).map((b) => a * b))
    expect(met.size).toBe(all.reduce((sum, pairs) => sum + pairs))
  })
})

test('options, layouts, caches and upkeep change no answer and no time (law 10)', () => {
  const metamorphic = new MetamorphicCheck()
  countRuns(metamorphicRun(15), 1, (plan) => metamorphic.check(plan))
  if (isReplay) return
  expect(metamorphic.databases).toBe(4 * 64)
  expect(metamorphic.costs, 'different costs of one list').toBeGreaterThan(30)
}, 300_000)
