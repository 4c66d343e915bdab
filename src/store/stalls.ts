/**
 * Write stalls: when flush and compaction fall behind because they run elsewhere, writers wait for them, as
 * in RocksDB: first a little with every commit, more the further behind, and in the end until something is done.
 *
 *     how far behind      memtables       runs of level 0      compaction debt
 *     slow                2               5 × the trigger      256 × level 1
 *     stop                4               9 × the trigger      1024 × level 1
 *
 * Memtables are those that are frozen and, as far as it is full, the one that takes the writes. With the default
 * geometry the rest is 20 and 36 runs, 32 and 128 GiB: RocksDB's defaults, those of the debt in proportion to level 1.
 *
 *     bytes a second   16 MiB ┤╲                     between slow and stop the rate falls, so that it meets
 *                             │  ╲                   whatever maintenance can do before anybody has to stop
 *                       1 MiB ┤    ╲_
 *                             └─────┴── 0
 *                           slow    stop
 *
 * The debt is what compactions would have to rewrite until no level is over its target: of each level what is
 * over it, times what that meets below (`EstimateCompactionBytesNeeded` of RocksDB). Policies that
 * let runs gather have none: that they gather is what they are for, and level 0 counts them.
 */
import { type Geometry, levelTargetBytes } from '../storage/geometry.ts'
import { type Policy } from '../storage/policy.ts'
import { type Shape, bytesOfTables, tablesOfRuns } from '../storage/shape.ts'

/** How many frozen memtables of one tree may wait. */
export const FROZEN_MAX = 3

const MIB = 1024 * 1024
/** What commits that are slowed together write, in bytes a second: at first, and at least. */
const [SLOWED_AT_FIRST, SLOWED_AT_LEAST] = [16 * MIB, 1 * MIB]

/** How far maintenance of a tree is behind. */
export interface Pressure {
  /** Frozen memtables, and the full part of the one that takes the writes, at most 1. */
  readonly memtables: number
  readonly level0Runs: number
  readonly debtBytes: number
}

/** What writers of a tree have to do, and what there is too much of. */
export type Stall = {
  readonly because: 'memtables' | 'level 0' | 'compaction debt'
} & ({ readonly how: 'slow'; readonly bytesPerSecond: number } | { readonly how: 'stop' })

/** What was waited so far. */
export interface StallStats {
  /** Commits that waited a little, and those that waited until something was done. */
  readonly slowed: number
  readonly stopped: number
  readonly slowedMicros: number
  readonly stoppedMicros: number
}

/** Nobody waited. */
export const NO_STALLS: StallStats = { slowed: 0, stopped: 0, slowedMicros: 0, stoppedMicros: 0 }

/** The stall that a pressure calls for, if any: by whatever is nearest to its end. */
export function planStall(pressure: Pressure, geometry: Geometry): Stall | undefined {
  const { memtables, level0Runs, debtBytes } = pressure
  const { level0Tables, level1Bytes } = geometry
  const shares = [
    { because: 'memtables', used: usedOf(memtables, 2, FROZEN_MAX + 1) },
    { because: 'level 0', used: usedOf(level0Runs, 5 * level0Tables, 9 * level0Tables) },
    { because: 'compaction debt', used: usedOf(debtBytes, 256 * level1Bytes, 1024 * level1Bytes) },
  ] as const
  const { because, used } = shares.reduce((worst, share) => (share.used > worst.used ? share : worst))
  if (used < 0) return undefined
  if (used >= 1) return { because, how: 'stop' }
  return { because, how: 'slow', bytesPerSecond: Math.max(SLOWED_AT_LEAST, (1 - used) * SLOWED_AT_FIRST) }
}

/** How much of the room between slow and stop is used up. */
function usedOf(amount: number, slow: number, stop: number): number {
  return (amount - slow) / (stop - slow)
}

/** The bytes that compactions would have to rewrite until nothing is due; 0 for policies that let runs gather. */
export function compactionDebt(shape: Shape, policy: Policy, geometry: Geometry): number {
  if (policy.name !== 'leveled') return 0
  const sizes = shape.map((runs) => bytesOfTables(tablesOfRuns(runs)))
  let debt = 0
  /** What comes down into the next level. */
  let descending = shape[0]!.length >= geometry.level0Tables ? sizes[0]! : 0
  if (descending > 0) debt += descending + sizes[1]!
  for (let level = 1; level < sizes.length - 1; level++) {
    const size = sizes[level]! + descending
    descending = Math.max(0, size - levelTargetBytes(geometry, level))
    if (descending > 0) debt += descending * (1 + sizes[level + 1]! / size)
  }
  return Math.round(debt)
}
