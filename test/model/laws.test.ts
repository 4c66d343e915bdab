/**
 * Random operations on a database and on an obvious model of it.
 *
 * Laws 1, 2, 3, 4, 5, 6, 8 and 11: every commit's time, every answer, every refusal is compared as it comes;
 * after data were moved about, everything that can be read is, with the history of every key, what differs
 * between two times, and whether each version is kept. Law 10: the same operations give the same answers
 * under every set of options.
 */
import { expect, test } from 'vitest'
import { anyRun, runOf } from '../../src/testing/arbitraries.ts'
import { type Counts } from '../../src/testing/comparison.ts'
import { runPlan } from '../../src/testing/runner.ts'
import { checkRuns, countRuns, isReplay } from './property.ts'
import { VARIANTS, withoutProcesses } from './variants.ts'

test('whatever is done to it, a database answers as a list of all its versions does', () => {
  const counts = countRuns(anyRun(), 160, (plan) => runPlan(plan).counts)
  if (!isReplay) expectEverythingMet(counts)
})

/** What the runs have to have met, so that they have shown something. */
const LEAST: Counts = {
  commits: 3000,
  pastReads: 20_000,
  olderAnswers: 20_000,
  refusals: 20_000,
  refusalsNeeded: 500,
  heldReads: 50,
  droppedVersions: 200,
  droppedTombstones: 100,
  deepTrees: 100,
  effectiveCompactions: 200,
  reopenings: 300,
  crashes: 100,
  crashesWithin: 20,
  losses: 20,
  cursorSteps: 50,
  lateSteps: 20,
  misuses: 30,
  restores: 60,
  undos: 20,
  truncations: 40,
  drops: 10,
  renames: 30,
  refusedRestores: 90,
  droppedReads: 200,
  keyChanges: 4000,
  differences: 3000,
  upkeeps: 80,
  explanations: 2000,
  readsBeforeWindow: 500,
  readsAtWindow: 500,
  readsAfterWindow: 500,
  readsBeforeChange: 500,
  readsAtChange: 500,
  carries: 20,
  sharedMicros: 500,
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

test('a canary: a property that is false fails, with a short case and a line that runs it again', () => {
  const claim = () => {
    checkRuns(runOf('restores', 20), 20, (plan) => {
      expect(runPlan(plan).counts.truncations).toBe(0)
    })
  }
  expect(claim).toThrow(/"operations":\[\{"do":"truncate","table":\d+\}\]\}\nreplay: PALIMPSEST_SEED=/)
})
