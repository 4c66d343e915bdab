/** Writers wait by how far behind maintenance is: in the order and at the limits that RocksDB has. */
import { expect, test } from 'vitest'
import { GEOMETRIES } from '../../src/storage/geometry.ts'
import { DEFAULT_POLICY } from '../../src/storage/policy.ts'
import { EMPTY_SHAPE } from '../../src/storage/shape.ts'
import { type Pressure, compactionDebt, planStall } from '../../src/store/stalls.ts'

const geometry = GEOMETRIES.default
const NONE: Pressure = { frozen: 0, isFull: false, level0Runs: 0, debtBytes: 0 }
const GIB = 2 ** 30

test.each([
  [{ frozen: 1, isFull: true }, undefined],
  [{ frozen: 2 }, { how: 'slow', because: 'frozen memtables' }],
  [
    { frozen: 2, isFull: true },
    { how: 'stop', because: 'frozen memtables' },
  ],
  [{ level0Runs: 19 }, undefined],
  [{ level0Runs: 20 }, { how: 'slow', because: 'level 0' }],
  [
    { level0Runs: 36, frozen: 2 },
    { how: 'stop', because: 'level 0' },
  ],
  [{ debtBytes: 16 * GIB - 1 }, undefined],
  [{ debtBytes: 16 * GIB }, { how: 'slow', because: 'compaction debt' }],
  [
    { debtBytes: 64 * GIB, level0Runs: 20 },
    { how: 'stop', because: 'compaction debt' },
  ],
])('%j', (pressure, stall) => {
  expect(planStall({ ...NONE, ...pressure }, geometry)).toEqual(stall)
})

test('nothing is owed by an empty tree', () => {
  expect(compactionDebt(EMPTY_SHAPE, DEFAULT_POLICY, geometry)).toBe(0)
})
