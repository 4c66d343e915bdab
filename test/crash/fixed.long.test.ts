import { test } from 'vitest'
import { checkManyCrashes } from './many.ts'

test('every crash at every call of many workloads, the same every time, leaves what was promised', () => {
  checkManyCrashes(1000)
})
