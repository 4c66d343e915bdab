/** Writers wait by how far behind maintenance is, from the limits of RocksDB on, and more the nearer to their end. */
import { expect, test } from 'vitest'
import { GEOMETRIES } from '../../src/storage/geometry.ts'
import { DEFAULT_POLICY } from '../../src/storage/policy.ts'
import { EMPTY_SHAPE } from '../../src/storage/shape.ts'
import { type Pressure, type Stall, compactionDebt, planStall } from '../../src/store/stalls.ts'

const geometry = GEOMETRIES.default
const NONE: Pressure = { memtables: 0, level0Runs: 0, debtBytes: 0 }
const MIB = 2 ** 20
const GIB = 2 ** 30

const slow = (because: Stall['because'], mib: number): Stall => {
  return { how: 'slow', because, bytesPerSecond: mib * MIB }
}

test.each<[Partial<Pressure>, Stall | undefined]>([
  [{ memtables: 1.99 }, undefined],
  [{ memtables: 2 }, slow('memtables', 16)],
  [{ memtables: 3 }, slow('memtables', 8)],
  [{ memtables: 3.99 }, slow('memtables', 1)],
  [{ memtables: 4 }, { how: 'stop', because: 'memtables' }],
  [{ level0Runs: 19 }, undefined],
  [{ level0Runs: 20 }, slow('level 0', 16)],
  [{ level0Runs: 32, memtables: 2 }, slow('level 0', 4)],
  [
    { level0Runs: 36, memtables: 3 },
    { how: 'stop', because: 'level 0' },
  ],
  [{ debtBytes: 32 * GIB - 1 }, undefined],
  [{ debtBytes: 32 * GIB }, slow('compaction debt', 16)],
  [
    { debtBytes: 128 * GIB, level0Runs: 20 },
    { how: 'stop', because: 'compaction debt' },
  ],
])('%j', (pressure, stall) => {
  expect(planStall({ ...NONE, ...pressure }, geometry)).toEqual(stall)
})

test('nothing is owed by an empty tree', () => {
  expect(compactionDebt(EMPTY_SHAPE, DEFAULT_POLICY, geometry)).toBe(0)
})
