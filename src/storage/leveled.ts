/**
 * The leveled policy: one run a level from level 1 on, each level a number of times larger than the one
 * above it.
 *
 * Trigger = level saturation; layout = leveling, with level 0 tiered; granularity = one table (all of
 * level 0), or the whole level; movement = a picker, by default round-robin, as in LevelDB.
 *
 * A level's score is its size over its target; the highest score of at least 1 wins. A table is moved
 * down together with the tables to its right that hold older versions of its last key, so that for every
 * key the upper level stays the newer one. A level that another policy left with several runs is made
 * one run before anything else.
 */
import { compareBytes } from '../base/bytes.ts'
import { type Geometry, levelTargetBytes } from './geometry.ts'
import { type PickerName, pickTable } from './pickers.ts'
import {
  type CandidateScore,
  type CompactionChoice,
  type CompactionInput,
  type CompactionPlan,
  type LevelPointers,
  type PickScore,
  mostDue,
} from './plan.ts'
import {
  LEVELS_MAX,
  type Run,
  type Shape,
  bytesOfTables,
  newestRunNumber,
  overlapsKeys,
  spanOf,
  tablesOfRuns,
} from './shape.ts'
import { type TableMeta } from './table-format.ts'

/** What can be chosen about leveling. */
export interface LeveledOptions {
  /** Which table goes down. @defaultValue 'round-robin' */
  readonly picker?: PickerName | undefined
  /** How much goes down at once. @defaultValue 'table' */
  readonly granularity?: 'table' | 'level' | undefined
}

interface LevelCandidate extends CandidateScore {
  readonly level: number
}

/** Chooses the next compaction of a tree. */
export function planLeveled(
  shape: Shape,
  pointers: LevelPointers,
  geometry: Geometry,
  options: LeveledOptions = {},
): CompactionPlan {
  const mending = mendChoice(shape)
  if (mending !== undefined) return mending
  const candidates = shape.slice(0, LEVELS_MAX - 1).map((runs, level) => saturation(runs, level, geometry))
  const scores = candidates.map(withoutLevel)
  const winner = mostDue(candidates)
  if (winner === undefined) return { scores, picks: [] }
  const { level, because } = winner
  const { inputs, picks } = pick(shape, level, pointers, options)
  return { choice: pushDown(shape, level, inputs, because), scores, picks }
}

/** A level's size over its target: tables of level 0, bytes of the others. */
function saturation(runs: readonly Run[], level: number, geometry: Geometry): LevelCandidate {
  const candidate = `level ${level}`
  if (level === 0) {
    const because = `level 0 has ${runs.length} of ${geometry.level0Tables} ${runs.every(isOneTable) ? 'tables' : 'runs'}`
    return { level, candidate, score: runs.length / geometry.level0Tables, because }
  }
  const bytes = bytesOfTables(tablesOfRuns(runs))
  const target = levelTargetBytes(geometry, level)
  return {
    level,
    candidate,
    score: bytes / target,
    because: `level ${level} has ${bytes} of ${target} bytes`,
  }
}

function isOneTable({ tables }: Run): boolean {
  return tables.length === 1
}

function withoutLevel({ candidate, score, because }: LevelCandidate): CandidateScore {
  return { candidate, score, because }
}

/** Makes one run of a level that has several, from the lowest such level upwards. */
function mendChoice(shape: Shape): CompactionPlan | undefined {
  const crowded = shape.flatMap((runs, level) => (level > 0 && runs.length > 1 ? [level] : []))
  const level = crowded.at(-1)
  if (level === undefined) return undefined
  const scores = crowded.map((each) => {
    const runs = shape[each]!.length
    return {
      candidate: `level ${each}`,
      score: runs,
      because: `level ${each} has ${runs} runs, leveling has one`,
    }
  })
  const inputs = shape[level]!.map(({ tables }) => ({ level, tables }))
  const outputRun = shape[level]![0]!.number
  const { because } = scores.at(-1)!
  return { choice: { kind: 'merge', inputs, outputLevel: level, outputRun, because }, scores, picks: [] }
}

/** What goes down from a level: all of level 0, or what the picker picks. */
function pick(
  shape: Shape,
  level: number,
  pointers: LevelPointers,
  { picker = 'round-robin', granularity = 'table' }: LeveledOptions,
): { inputs: readonly CompactionInput[]; picks: readonly PickScore[] } {
  const runs = shape[level]!
  if (level === 0 || granularity === 'level')
    return { inputs: runs.map(({ tables }) => ({ level, tables })), picks: [] }
  const [{ tables }] = runs as [Run]
  const { index, picks } = pickTable(picker, tables, tablesOfRuns(shape[level + 1]!), pointers[level])
  return { inputs: [{ level, tables: withLastKey(tables, index) }], picks }
}

/** A table, and those that go on with its last key. */
function withLastKey(tables: readonly TableMeta[], from: number): readonly TableMeta[] {
  let to = from + 1
  while (to < tables.length && compareBytes(tables[to - 1]!.last.key, tables[to]!.first.key) === 0) to++
  return tables.slice(from, to)
}

function pushDown(
  shape: Shape,
  level: number,
  picked: readonly CompactionInput[],
  because: string,
): CompactionChoice {
  const outputLevel = level + 1
  const span = spanOf(picked.flatMap(({ tables }) => tables))
  const target = shape[outputLevel]![0]
  // The output may run over gaps between the picked tables, so what lies in a gap has to be merged too.
  const below = (target?.tables ?? []).filter((table) => overlapsKeys([span], table))
  const isMove = below.length === 0 && level > 0
  return {
    kind: isMove ? 'move' : 'merge',
    inputs: below.length === 0 ? picked : [...picked, { level: outputLevel, tables: below }],
    outputLevel,
    outputRun: target?.number ?? newestRunNumber([]),
    because,
    pointer: level > 0 ? { level, position: picked[0]!.tables.at(-1)!.last } : undefined,
  }
}
