/**
 * The leveled policy: which compaction to run next, as a pure function of the tree's metadata.
 *
 * In the compaction design space (Sarkar et al., "Constructing and Analyzing the LSM Compaction Design
 * Space", VLDB 2021): trigger = level saturation; layout = leveling, with level 0 tiered; granularity =
 * one table (all of level 0); movement = round-robin, by a pointer for each level, as in LevelDB.
 *
 * A level's score is its size over its target; the highest score of at least 1 wins, and the answer
 * has the scores of all levels. A table is moved down together with the tables to its right that hold
 * older versions of its last key, so that for every key the upper level stays the newer one.
 */
import { compareBytes } from '../base/bytes.ts'
import { type Geometry } from './geometry.ts'
import { LEVELS_MAX, type Shape, bytesOfTables, overlapsKeys, spanOf } from './shape.ts'
import { type TableMeta } from './table-format.ts'
import { type Position, comparePositions } from './version.ts'

/** One level, weighed. */
export interface LevelScore {
  readonly level: number
  readonly score: number
  /** The score in words: what was compared with what. */
  readonly because: string
}

/** Which tables to merge, and where the result goes. */
export interface CompactionChoice {
  readonly kind: 'merge' | 'move'
  readonly inputs: readonly { readonly level: number; readonly tables: readonly TableMeta[] }[]
  readonly outputLevel: number
  readonly because: string
}

/** What a policy answers: a choice or nothing, and every candidate's score. */
export interface CompactionPlan {
  readonly choice?: CompactionChoice | undefined
  readonly scores: readonly LevelScore[]
}

/** The last position that was compacted out of each level; the next pick begins behind it. */
export type LevelPointers = readonly (Position | undefined)[]

/** The size at which level `level` ≥ 1 is full, in bytes. */
export function levelTargetBytes(geometry: Geometry, level: number): number {
  return geometry.level1Bytes * geometry.sizeRatio ** (level - 1)
}

/** Chooses the next compaction of a tree. */
export function planLeveled(shape: Shape, pointers: LevelPointers, geometry: Geometry): CompactionPlan {
  const scores = shape.slice(0, LEVELS_MAX - 1).map((tables, level) => scoreOf(tables, level, geometry))
  const winner = scores.reduce((best, next) => (next.score > best.score ? next : best))
  if (winner.score < 1) return { scores }
  const { level } = winner
  const picked = level === 0 ? shape[0]! : pickRoundRobin(shape[level]!, pointers[level])
  return { choice: chooseInputs(shape, level, picked, winner.because), scores }
}

/** Merges everything into the lowest level in use, or nothing where there is nothing to merge. */
export function planFullCompaction(shape: Shape): CompactionPlan {
  const inputs = shape.flatMap((tables, level) => (tables.length === 0 ? [] : [{ level, tables }]))
  if (inputs.length === 0) return { scores: [] }
  const outputLevel = Math.max(1, inputs.at(-1)!.level)
  return {
    choice: { kind: 'merge', inputs, outputLevel, because: 'asked for: everything into one run' },
    scores: [],
  }
}

function scoreOf(tables: readonly TableMeta[], level: number, geometry: Geometry): LevelScore {
  if (level === 0) {
    const score = tables.length / geometry.level0Tables
    return { level, score, because: `level 0 has ${tables.length} of ${geometry.level0Tables} tables` }
  }
  const bytes = bytesOfTables(tables)
  const target = levelTargetBytes(geometry, level)
  return { level, score: bytes / target, because: `level ${level} has ${bytes} of ${target} bytes` }
}

/** The first table behind the pointer, and those that go on with its last key. */
function pickRoundRobin(tables: readonly TableMeta[], pointer: Position | undefined): readonly TableMeta[] {
  const behind = pointer ? tables.findIndex(({ first }) => comparePositions(first, pointer) > 0) : 0
  const from = Math.max(0, behind)
  let to = from + 1
  while (to < tables.length && compareBytes(tables[to - 1]!.last.key, tables[to]!.first.key) === 0) to++
  return tables.slice(from, to)
}

function chooseInputs(
  shape: Shape,
  level: number,
  picked: readonly TableMeta[],
  because: string,
): CompactionChoice {
  const outputLevel = level + 1
  // The output may run over gaps between the picked tables, so what lies in a gap has to be merged too.
  const below = shape[outputLevel]!.filter((table) => overlapsKeys([spanOf(picked)], table))
  const inputs = [{ level, tables: picked }]
  const isMove = below.length === 0 && level > 0
  if (below.length > 0) inputs.push({ level: outputLevel, tables: below })
  return { kind: isMove ? 'move' : 'merge', inputs, outputLevel, because }
}
