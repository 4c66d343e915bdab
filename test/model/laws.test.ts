/**
 * Random operations on a database and on an obvious model of it.
 *
 * Laws 1, 2, 3, 4, 5, 6, 8 and 11: every commit's time, every answer, every refusal is compared as it comes;
 * after data were moved about, everything that can be read is, with the history of every key, what differs
 * between two times, and whether each version is kept. Law 10 is in
 * `metamorphic.test.ts`.
 */
import { expect, test } from 'vitest'
import { anyRun, runOf } from '../../src/testing/arbitraries.ts'
import { type Counts } from '../../src/testing/counts.ts'
import { runPlan } from '../../src/testing/runner.ts'
import { checkRuns, countRuns, isReplay } from './property.ts'

test('whatever is done to it, a database answers as a list of all its versions does', () => {
  const counts = countRuns(anyRun(), 80, (plan) => runPlan(plan).counts)
  if (!isReplay) expectEverythingMet(counts)
}, 300_000)

/** What the runs have to have met, so that they have shown something: less than a third of what they meet. */
const LEAST: Counts = {
  commits: 1245,
  pastReads: 9746,
  olderAnswers: 10133,
  refusals: 10336,
  refusalsNeeded: 861,
  heldReads: 12,
  droppedVersions: 236,
  droppedTombstones: 91,
  deepTrees: 42,
  effectiveCompactions: 184,
  reopenings: 119,
  crashes: 51,
  crashesWithin: 7,
  losses: 8,
  cursorSteps: 24,
  lateSteps: 15,
  misuses: 9,
  restores: 39,
  undos: 11,
  truncations: 18,
  drops: 16,
  renames: 21,
  refusedRestores: 32,
  droppedReads: 351,
  keyChanges: 3297,
  differences: 1815,
  upkeeps: 126,
  explanations: 1353,
  readsBeforeWindow: 926,
  readsAtWindow: 1163,
  readsAfterWindow: 1088,
  readsBeforeChange: 992,
  readsAtChange: 999,
  carries: 44,
  sharedMicros: 1000,
  lastTicks: 16,
  blockEdges: 148,
  fileEdges: 35,
  overlaps: 6,
  restoresAtVersion: 14,
  restoresBeforeVersion: 6,
  readsAtBase: 168,
  readsAfterBase: 168,
  closedGaps: 10,
  freedTables: 5,
}

function expectEverythingMet(counts: Counts): void {
  for (const name of Object.keys(LEAST) as (keyof Counts)[])
    expect(counts[name], name).toBeGreaterThan(LEAST[name])
}

test('a canary: a property that is false fails, with a short case and a line that runs it again', () => {
  const claim = () => {
    checkRuns(runOf('restores', 20), 20, (plan) => {
      expect(runPlan(plan).counts.truncations).toBe(0)
    })
  }
  expect(claim).toThrow(/"operations":\[\{"do":"truncate","table":\d+\}\]\}\nreplay: PALIMPSEST_SEED=/)
})
