/**
 * What the runs count is what its name says: else the least that they have to meet would be met by something else.
 */
import { describe, expect, test } from 'vitest'
import { type Counts } from '../../src/testing/counts.ts'
import { type Moment, type Operation, type WorldPlan } from '../../src/testing/operations.ts'
import { runPlan } from '../../src/testing/runner.ts'

const table = { keys: 'text', values: 'text', keyspace: 0, keep: 'forever' } as const
const world: WorldPlan = {
  startMicros: 1_763_633_730_000_000,
  windowMicros: 40,
  tables: [table, table],
  keys: [0, 1],
  without: [],
  policy: 'leveled',
  level0Tables: 4,
  canReopenEarlier: false,
  watch: 'the end',
}

function counted(...operations: readonly Operation[]): Counts {
  return runPlan({ world, operations }).counts
}

const put = (number: number): Operation => ({
  do: 'put',
  write: { table: number, key: 0, size: 1 },
})
const passing: Operation = { do: 'advance', by: { micros: 5, windows: 0 } }

describe('a cursor step is late', () => {
  const range = {
    gt: undefined,
    gte: undefined,
    lt: undefined,
    lte: undefined,
    prefix: undefined,
    reverse: false,
    limit: undefined,
  }
  const open: Operation = { do: 'openCursor', table: 0, range }
  const step: Operation = { do: 'stepCursor', cursor: 0, steps: 1 }

  test('after its own table has changed', () => {
    expect(counted(put(0), open, passing, put(0), step)).toMatchObject({ cursorSteps: 1, lateSteps: 1 })
    expect(counted(put(0), open, passing, { do: 'truncate', table: 0 }, step).lateSteps).toBe(1)
  })

  test('and not after another one has', () => {
    expect(counted(put(0), open, passing, put(1), step)).toMatchObject({ cursorSteps: 1, lateSteps: 0 })
  })
})

describe('a commit shares its microsecond', () => {
  const now: Moment = { anchor: 'now', index: 0, micros: 0, ticks: 0, form: 'time' }
  const read: Operation = { do: 'get', table: 0, key: 0, at: now }
  /** Without what the opening of a world counts. */
  const shared = (...operations: readonly Operation[]): number =>
    counted(...operations).sharedMicros - counted().sharedMicros

  test('with another commit', () => {
    expect(shared(passing, put(0), put(1))).toBe(1)
  })

  test('and not with a read', () => {
    expect(shared(passing, put(0), passing, put(0))).toBe(0)
    expect(shared(passing, read, put(0))).toBe(0)
    expect(counted(passing, read, put(0)).pastReads).toBeGreaterThan(0)
  })
})
