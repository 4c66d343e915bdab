import { expect, test } from 'vitest'
import { checkCrashes } from '../../src/testing/crash/crash.ts'

const FIRST = Number(process.env['PALIMPSEST_SEED'] ?? crypto.getRandomValues(new Uint32Array(1))[0])
const SEEDS = 12

test('every crash at every call of many workloads leaves what was promised', () => {
  let [calls, images, nested] = [0, 0, 0]
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const report = checkCrashes({ seed, operations: 60, drawn: 12, singlesMax: 12 })
    calls += report.calls
    images += report.images
    nested += report.nested
  }
  console.log(`crash points ${calls}, images ${images}, recoveries that crashed ${nested}`)
  console.log(`replay: PALIMPSEST_SEED=${FIRST} npm run test:long -- test/crash`)
  expect(images).toBeGreaterThan(10_000)
})
