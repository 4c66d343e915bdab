import { test } from 'vitest'
import { checkManyCrashes } from './many.ts'

const FIRST = Number(process.env['PALIMPSEST_SEED'] ?? crypto.getRandomValues(new Uint32Array(1))[0])

test('every crash at every call of many new workloads leaves what was promised', () => {
  console.log(`replay: PALIMPSEST_SEED=${FIRST} npm run test:long -- test/crash/crash.long`)
  checkManyCrashes(FIRST)
})
