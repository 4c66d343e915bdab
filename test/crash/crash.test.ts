import { expect, test } from 'vitest'
import { checkCrashes } from '../../src/testing/crash/crash.ts'
import { propertySeeds } from '../seeds.ts'

for (const seed of propertySeeds([1, 2, 3, 5])) {
  test(`every crash of a workload leaves what was promised (seed ${seed})`, () => {
    const report = checkCrashes({ seed, operations: 40, points: 40, drawn: 5, singlesMax: 4 })
    expect(report.images).toBeGreaterThan(100)
    // Not vacuous: some crashes lost unsynced commits, some struck during recovery.
    expect(report.shortened).toBeGreaterThan(0)
    expect(report.nested).toBeGreaterThan(0)
  })
}
