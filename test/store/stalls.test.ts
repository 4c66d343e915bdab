/** Writers wait by how far behind maintenance is, from the limits of RocksDB on, and more the nearer to their end. */
import { describe, expect, test } from 'vitest'
import { GEOMETRIES } from '../../src/storage/geometry.ts'
import { DEFAULT_POLICY, type PolicyName } from '../../src/storage/policy.ts'
import { EMPTY_SHAPE } from '../../src/storage/shape.ts'
import { type Pressure, type Stall, compactionDebt, planStall } from '../../src/store/stalls.ts'
import { newPlace, openAt } from './scratch.ts'

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

describe('a level 0 that is over its target', () => {
  /** Six runs in level 0, which nobody merged because there a hundred may be. */
  function crowded(policy: PolicyName): string {
    const place = newPlace()
    using db = openAt(place, { geometry: 'tiny', policy, sizes: { level0Tables: 100 } })
    db.createKeyspace('k')
    const table = db.createTable<string, number>('k.t')
    for (let run = 0; run < 6; run++) {
      for (let i = 0; i < 20; i++) table.put(`key ${i}`, run)
      db.flush()
    }
    return place
  }

  test('is owed for, and who only reads is told what the writer is', () => {
    const place = crowded('leveled')
    using reader = openAt(place, { readOnly: true })
    const { debtBytes, tables } = reader.stats()
    expect(tables[0]!.levels).toMatchObject([{ level: 0, runs: 6 }])
    expect(debtBytes).toBeGreaterThanOrEqual(tables[0]!.bytes)
    reader.close()
    using writer = openAt(place)
    expect(writer.stats().debtBytes).toBe(debtBytes)
    writer.close()
    // By another target nothing is due.
    using patient = openAt(place, { readOnly: true, sizes: { level0Tables: 100 } })
    expect(patient.stats().debtBytes).toBe(0)
  })

  test.each(['tiered', 'lazy-leveled'] as const)(
    'of %s owes nothing: that runs gather is meant',
    (policy) => {
      using reader = openAt(crowded(policy), { readOnly: true })
      expect(reader.stats()).toMatchObject({ debtBytes: 0, tables: [{ levels: [{ runs: 6 }] }] })
    },
  )
})

test('nothing is owed by an empty tree', () => {
  expect(compactionDebt(EMPTY_SHAPE, DEFAULT_POLICY, geometry)).toBe(0)
})
