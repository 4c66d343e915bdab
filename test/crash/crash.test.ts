import { expect, test } from 'vitest'
import { type CrashOptions, checkCrashes, replayOf } from '../../src/testing/crash/crash.ts'
import { propertySeeds } from '../seeds.ts'

const met = { images: 0, shortened: 0, nested: 0 }

test.each(propertySeeds([1, 2, 3, 5]))(
  'every crash of a workload leaves what was promised (seed %i)',
  (seed) => {
    const report = checkCrashes({ seed, operations: 40, points: 40, drawn: 5, singlesMax: 4 })
    expect(report.points).toBe(40)
    met.images += report.images
    met.shortened += report.shortened
    met.nested += report.nested
  },
)

// Of all seeds together: one alone may happen to have none.
test('some crashes lost unsynced commits, and some struck during recovery', () => {
  expect(met.images).toBeGreaterThan(500)
  expect(met.shortened).toBeGreaterThan(0)
  // Three recoveries in ten are to be cut, and most go on for long enough.
  expect(met.nested).toBeGreaterThan(met.images / 8)
})

// Every second workload has what stands for a thread: that of this seed has.
test('some crashes come while a flush or a merge has run, and its result waits', () => {
  const report = checkCrashes({ seed: 3, operations: 25, points: 25, drawn: 1, singlesMax: 1 })
  expect(report.delayed).toBeGreaterThan(0)
})

// Where something is pending, what a dying process leaves is never what a power cut does. Where nothing is, it was passed over.
test('what a dying process leaves is tried though a power cut leaves the same, if more is promised of it', () => {
  const { byChoice } = checkCrashes({ seed: 2, operations: 25, points: 60, drawn: 1, singlesMax: 0 })
  expect(byChoice['process-kill']).toBeGreaterThan(byChoice['all'] ?? Infinity)
})

// This one recovers beside a stand-in for the thread, and frees a table that was dropped.
test('files that a recovery has freed may wait for a commit, and are gone when it is closed', () => {
  checkCrashes({ seed: 14, operations: 40, points: 40, drawn: 5, singlesMax: 4 })
})

test('a finding is replayed by the call that it names, with all that was asked for', () => {
  const options: CrashOptions = { seed: 3, operations: 25, points: 9, drawn: 1, singlesMax: Infinity }
  const line = replayOf({ ...options, readInFull: undefined })
  expect(line).toBe('checkCrashes({ seed: 3, operations: 25, points: 9, drawn: 1, singlesMax: Infinity })')
})
