/**
 * Random operations on a database and on an obvious model of it.
 *
 * Laws 1, 2, 3, 4, 5, 6, 8 and 11: every commit's time, every answer, every refusal is compared as it comes;
 * after data were moved about, everything that can be read is, with the history of every key, what differs
 * between two times, and whether each version is kept. Law 10: the same operations give the same answers
 * under every set of options.
 */
import { expect, test } from 'vitest'
import { anyRun } from '../../src/testing/arbitraries.ts'
import { type Counts } from '../../src/testing/comparison.ts'
import { runPlan } from '../../src/testing/runner.ts'
import { checkRuns, countRuns, isReplay } from './property.ts'
import { VARIANTS, withoutProcesses } from './variants.ts'

test('whatever is done to it, a database answers as a list of all its versions does', () => {
  const counts = countRuns(anyRun(), 80, (plan) => runPlan(plan).counts)
  if (!isReplay) expectEverythingMet(counts)
}, 300_000)

/** What the runs have to have met, so that they have shown something: about a third of what they meet. */
const LEAST: Counts = {
  commits: 1500,
  pastReads: 9300,
  olderAnswers: 12_000,
  refusals: 7800,
  refusalsNeeded: 520,
  heldReads: 26,
  droppedVersions: 200,
  droppedTombstones: 97,
  deepTrees: 120,
  effectiveCompactions: 130,
  reopenings: 150,
  crashes: 69,
  crashesWithin: 16,
  losses: 14,
  cursorSteps: 42,
  lateSteps: 22,
  misuses: 18,
  restores: 38,
  undos: 10,
  truncations: 22,
  drops: 8,
  renames: 19,
  refusedRestores: 49,
  droppedReads: 160,
  keyChanges: 2800,
  differences: 2100,
  upkeeps: 56,
  explanations: 1300,
}

function expectEverythingMet(counts: Counts): void {
  for (const name of Object.keys(LEAST) as (keyof Counts)[])
    expect(counts[name], name).toBeGreaterThan(LEAST[name])
}

test('options, layouts, caches and upkeep change no answer and no time (law 10)', () => {
  checkRuns(anyRun(40), 10, (drawn) => {
    const plan = withoutProcesses(drawn)
    const { transcript } = runPlan(plan)
    for (const [name, options] of Object.entries(VARIANTS))
      expect(runPlan(plan, options).transcript, name).toEqual(transcript)
  })
})
