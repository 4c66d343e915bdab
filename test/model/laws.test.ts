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
  const counts = countRuns(anyRun(), 80, (plan) => runPlan(plan).counts)
  if (!isReplay) expectEverythingMet(counts)
}, 300_000)

/** What the runs have to have met, so that they have shown something: less than a third of what they meet. */
const LEAST: Counts = {
  commits: 1200,
  pastReads: 6800,
  olderAnswers: 7900,
  refusals: 5400,
  refusalsNeeded: 370,
  heldReads: 9,
  droppedVersions: 140,
  droppedTombstones: 72,
  deepTrees: 72,
  effectiveCompactions: 95,
  reopenings: 120,
  crashes: 54,
  crashesWithin: 9,
  losses: 9,
  cursorSteps: 22,
  lateSteps: 9,
  misuses: 12,
  restores: 22,
  undos: 4,
  truncations: 15,
  drops: 4,
  renames: 12,
  refusedRestores: 30,
  droppedReads: 93,
  keyChanges: 2000,
  differences: 1400,
  upkeeps: 39,
  explanations: 890,
  readsBeforeWindow: 540,
  readsAtWindow: 720,
  readsAfterWindow: 690,
  readsBeforeChange: 620,
  readsAtChange: 630,
  carries: 39,
  sharedMicros: 980,
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
