import { expect, test } from 'vitest'
import { checkCrashes } from '../../src/testing/crash/crash.ts'

/** Fixed seeds, and one that is new every time; a failure prints what replays it. */
const FRESH = crypto.getRandomValues(new Uint32Array(1))[0]!

for (const seed of [1, 2, 3, 5, FRESH]) {
  test(`every crash of a workload leaves what was promised (seed ${seed})`, () => {
    const report = checkCrashes({ seed, operations: 40, points: 40, drawn: 5, singlesMax: 4 })
    expect(report.images).toBeGreaterThan(100)
    // Not vacuous: some crashes lost unsynced commits, some struck during recovery.
    expect(report.shortened).toBeGreaterThan(0)
    expect(report.nested).toBeGreaterThan(0)
  })
}
