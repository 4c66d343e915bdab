/**
 * Plan and install lie apart when flushes and compactions run elsewhere. Whatever happens between the two,
 * to the data, to retention and holds, by restores and crashes, and whatever becomes of the job, no answer
 * differs (law 10): a model says what each has to be.
 */
import { expect, test } from 'vitest'
import { anyRun } from '../../src/testing/arbitraries.ts'
import { DelayedRunner, type JobFate } from '../../src/testing/delayed-runner.ts'
import { type RunPlan } from '../../src/testing/operations.ts'
import { runPlan } from '../../src/testing/runner.ts'
import { type StartRunner } from '../../src/store/open.ts'
import { checkRuns, countRuns, isReplay } from './property.ts'

const done = (afterPolls: number): JobFate => ({ ends: 'done', afterPolls })

/** Fates in turn, for every job of a process. */
function fates(...list: readonly JobFate[]): StartRunner {
  let at = 0
  return (io) => new DelayedRunner(io, () => list[at++ % list.length]!)
}

const FATES: Readonly<Record<string, () => StartRunner>> = {
  'at the next commit': () => fates(done(1)),
  'some commits later': () => fates(done(3), done(0), done(7), done(2)),
  'failing now and then': () => fates(done(2), { ends: 'failed', afterPolls: 2 }),
  'lost on the way': () => fates(done(2), done(4), { ends: 'lost', afterPolls: 3 }),
  'never, unless waited for': () => fates({ ends: 'never' }),
}

const PUT_AND_CUT: RunPlan = {
  world: {
    ...{ startMicros: 1_763_633_730_000_000, windowMicros: 3, keys: [0, 1], without: [] },
    tables: [0, 0].map((keyspace) => {
      return { keys: 'bytes', values: 'text', keyspace, keep: { micros: 0, windows: 1 } }
    }),
    ...{ canReopenEarlier: false, watch: 'always', policy: 'leveled', level0Tables: 2 },
  },
  operations: [
    { do: 'put', write: { table: 0, key: 0, size: 1 } },
    { do: 'crash', model: 'hostile', seed: 27_825_096, wall: { micros: 0, windows: 0 }, calls: 0 },
  ],
}

test('segments of the log go when the ceiling in the next one is durable, whoever synced them', () => {
  runPlan(PUT_AND_CUT, { startRunner: fates(done(1)) })
})

for (const [name, startRunner] of Object.entries(FATES)) {
  test(`results that come ${name} change no answer`, () => {
    const run = (plan: Parameters<typeof runPlan>[0]) => runPlan(plan, { startRunner: startRunner() }).counts
    if (name !== 'some commits later') return checkRuns(anyRun(), 12, (plan) => void run(plan))
    const counts = countRuns(anyRun(), 40, run)
    if (isReplay) return
    for (const met of ['droppedVersions', 'deepTrees', 'crashes', 'heldReads', 'refusalsNeeded'] as const)
      expect(counts[met], met).toBeGreaterThan(0)
  })
}
