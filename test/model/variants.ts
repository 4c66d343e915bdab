/** Options and upkeep that may change cost, never answers (law 10). */
import { type Operation, type RunPlan } from '../../src/testing/operations.ts'
import { type RunOptions } from '../../src/testing/runner.ts'

const every = (count: number, operation: Operation) => (index: number) =>
  index % count === 0 ? operation : undefined

export const VARIANTS: Readonly<Record<string, RunOptions>> = {
  'large sizes': { geometry: 'default' },
  'no cache, one open file': { cacheBytes: 0, openTables: 1 },
  'a cache of two blocks': { cacheBytes: 200, openTables: 2 },
  'every commit synced': { durability: 'disk' },
  'no commit handed over': { durability: 'none', geometry: 'tiny' },
  'many flushes': { before: every(2, { do: 'flush' }) },
  'many compactions': { before: every(3, { do: 'compact' }), cacheBytes: 300 },
  'many processes': { before: every(3, { do: 'reopen', wall: { micros: 0, windows: 0 } }) },
}

/**
 * A world in which nothing depends on when a process begins: cursors end with their process, and a new
 * one takes the wall at its word. Two microseconds pass before each operation: upkeep makes commits of its
 * own, and when depends on the options, so what follows must find microseconds that it has not touched.
 */
export function withoutProcesses({ world, operations }: RunPlan): RunPlan {
  const without = [...world.without, 'crash', 'openCursor', 'stepBack', 'jump'] as const
  return { world: { ...world, without, watch: 'the end', canReopenEarlier: false, pace: 2 }, operations }
}
