/**
 * Write stalls: when flush and compaction fall behind because they run elsewhere, writers wait for them, as
 * in RocksDB: first a little with every commit, then until something is done.
 *
 *     how far behind      frozen memtables         runs of level 0      compaction debt
 *     slow                2                        5 × the trigger      256 × level 1
 *     stop                2, and the next is full  9 × the trigger      1024 × level 1
 *
 * With the default geometry that is 20 and 36 runs, 16 and 64 GiB. Slowed commits together write 16 MiB
 * a second. The numbers are RocksDB's defaults, those of the debt in proportion to level 1.
 *
 * The debt is what compactions would have to rewrite until no level is over its target: of each level what is
 * over it, times what that meets below (`EstimateCompactionBytesNeeded` of RocksDB). Policies that
 * let runs gather have none: that they gather is what they are for, and level 0 counts them.
 */
import { type Geometry, levelTargetBytes } from '../storage/geometry.ts'
import { type Policy } from '../storage/policy.ts'
import { type Shape, bytesOfTables, tablesOfRuns } from '../storage/shape.ts'

/** How many frozen memtables of one tree may wait. */
export const FROZEN_MAX = 2

/** What slowed commits together write, in bytes a second. */
export const SLOWED_BYTES_PER_SECOND: number = 16 * 1024 * 1024

/** How far maintenance of a tree is behind. */
export interface Pressure {
  readonly frozen: number
  /** Whether the memtable that takes the writes is full. */
  readonly isFull: boolean
  readonly level0Runs: number
  readonly debtBytes: number
}

/** What writers of a tree have to do, and what they wait for. */
export interface Stall {
  readonly how: 'slow' | 'stop'
  readonly because: 'frozen memtables' | 'level 0' | 'compaction debt'
}

/** What was waited so far. */
export interface StallStats {
  /** Commits that waited a little, and those that waited until something was done. */
  readonly slowed: number
  readonly stopped: number
  readonly slowedMicros: number
  readonly stoppedMicros: number
}

/** How far maintenance is behind, and what writers waited for it. */
export interface Backlog {
  /** The bytes that compactions would have to rewrite until none is due. */
  readonly debtBytes: number
  readonly stallStats: StallStats
}

/** Nobody waited. */
export const NO_STALLS: StallStats = { slowed: 0, stopped: 0, slowedMicros: 0, stoppedMicros: 0 }

/** The stall that a pressure calls for, if any. */
export function planStall(pressure: Pressure, geometry: Geometry): Stall | undefined {
  const { frozen, isFull, level0Runs, debtBytes } = pressure
  const stop = (because: Stall['because']): Stall => ({ how: 'stop', because })
  const slow = (because: Stall['because']): Stall => ({ how: 'slow', because })
  if (frozen >= FROZEN_MAX && isFull) return stop('frozen memtables')
  if (level0Runs >= 9 * geometry.level0Tables) return stop('level 0')
  if (debtBytes >= 1024 * geometry.level1Bytes) return stop('compaction debt')
  if (frozen >= FROZEN_MAX) return slow('frozen memtables')
  if (level0Runs >= 5 * geometry.level0Tables) return slow('level 0')
  if (debtBytes >= 256 * geometry.level1Bytes) return slow('compaction debt')
  return undefined
}

/** The bytes that compactions would have to rewrite until nothing is due. */
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
