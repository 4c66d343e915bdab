/**
 * The shape of a tree: which tables stand in which run of which level. Immutable; an edit makes another
 * shape.
 *
 *     level 0    run 3 [t9]   run 2 [t8]   run 1 [t7]     flushed memtables, newest first
 *     level 1    run 1 [a……d][e……k][l……z]                  one run, unless a policy lets several gather
 *     level 2    run 1 [a…b][b…e][f……m][n…z]
 *
 * A run is sorted: its tables stand in order of (key, time) without overlap. Runs of one level are told
 * apart by numbers that mean nothing elsewhere; a higher number is newer. How many runs a level may have
 * is the policy's: leveling has one from level 1 on, tiering keeps all of its runs in level 0.
 *
 * Two structural laws, checked by `palimpsest check`: every run is sorted; and for one key, every
 * version in an earlier run is newer than every version in a later one, level by level and newest run
 * first. Reads rest on the second: the first answer from above is the answer. So a merge takes all that
 * lies between its inputs, and leaves its result where the oldest of them was.
 */
import { assert } from '../base/assert.ts'
import { compareBytes } from '../base/bytes.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, earlierOf, laterOf } from '../time/hybrid-time.ts'
import { type TableMeta } from './table-format.ts'
import { comparePositions } from './version.ts'

/** A sorted run: tables in order. */
export interface Run {
  /** Its number within its level: higher is newer. */
  readonly number: number
  readonly tables: readonly TableMeta[]
}

/** The runs of each level, newest first. */
export type Shape = readonly (readonly Run[])[]

/** Where a table stands. */
export interface Placement {
  readonly level: number
  readonly run: number
  readonly table: TableMeta
}

/** How many levels a tree can have. */
export const LEVELS_MAX = 7

/** A tree without tables. */
export const EMPTY_SHAPE: Shape = Array.from({ length: LEVELS_MAX }, () => [])

/** A change of a shape, as the manifest records it. */
export interface ShapeEdit {
  readonly remove: readonly number[]
  readonly add: readonly Placement[]
}

/** The shape after an edit. */
export function applyShapeEdit(shape: Shape, edit: ShapeEdit): Shape {
  const removed = new Set(edit.remove)
  return shape.map((runs, level) => {
    const added = edit.add.filter((addition) => addition.level === level)
    if (added.length === 0 && !runs.some(({ tables }) => tables.some(({ number }) => removed.has(number))))
      return runs
    const numbers = new Set(
      [...runs, ...added.map(({ run }) => ({ number: run }))].map(({ number }) => number),
    )
    const kept = new Map(runs.map(({ number, tables }) => [number, tables]))
    return [...numbers]
      .toSorted((a, b) => b - a)
      .map((number) => {
        const stays = (kept.get(number) ?? []).filter((table) => !removed.has(table.number))
        const comes = added.filter(({ run }) => run === number).map(({ table }) => table)
        return { number, tables: [...stays, ...comes].toSorted(inOrder) }
      })
      .filter(({ tables }) => tables.length > 0)
  })
}

/** Everything that stands in a shape, level by level, newest run first. */
export function placementsOf(shape: Shape): readonly Placement[] {
  return shape.flatMap((runs, level) =>
    runs.flatMap(({ number, tables }) => tables.map((table) => ({ level, run: number, table }))),
  )
}

/** The tables of the shape, level by level. */
export function tablesOf(shape: Shape): readonly TableMeta[] {
  return shape.flatMap(tablesOfRuns)
}

/** The tables of some runs. */
export function tablesOfRuns(runs: readonly Run[]): readonly TableMeta[] {
  return runs.flatMap(({ tables }) => tables)
}

/** A number for a run that is newer than all others of its level. */
export function newestRunNumber(runs: readonly Run[]): number {
  return 1 + (runs[0]?.number ?? 0)
}

/** The bytes of some tables. */
export function bytesOfTables(tables: readonly TableMeta[]): number {
  return tables.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The number of the lowest level that has tables; −1 for an empty tree. */
export function lowestLevel(shape: Shape): number {
  return shape.findLastIndex((runs) => runs.length > 0)
}

/** From where to where something reaches. */
export type Span = Pick<TableMeta, 'first' | 'last'>

/** The span of some tables together, gaps between them included. */
export function spanOf(tables: readonly TableMeta[]): Span {
  const [some] = tables
  assert(some !== undefined, 'no tables have no span')
  return tables.reduce<Span>(
    ({ first, last }, table) => ({
      first: comparePositions(table.first, first) < 0 ? table.first : first,
      last: comparePositions(table.last, last) > 0 ? table.last : last,
    }),
    some,
  )
}

/** The oldest and the newest time of some tables. */
export function timesOf(tables: readonly TableMeta[]): readonly [minTime: HybridTime, maxTime: HybridTime] {
  return tables.reduce<readonly [HybridTime, HybridTime]>(
    ([oldest, newest], { minTime, maxTime }) => [earlierOf(oldest, minTime), laterOf(newest, maxTime)],
    [MAX_TIME, MIN_TIME],
  )
}

/** Whether the keys of a table touch those of any of the spans. */
export function overlapsKeys(tables: readonly Span[], table: Span): boolean {
  return tables.some(
    ({ first, last }) =>
      compareBytes(first.key, table.last.key) <= 0 && compareBytes(table.first.key, last.key) <= 0,
  )
}

/** Every break of the structural laws that the metadata shows, as sentences. */
export function shapeFaults(shape: Shape): readonly string[] {
  return shape.flatMap((runs, level) => [
    ...tablesOfRuns(runs)
      .filter(isBackwards)
      .map(({ number }) => `level ${level}: table ${number} ends before it begins`),
    ...runs.flatMap(({ tables }) =>
      pairsOf(tables)
        .filter(([before, after]) => comparePositions(before.last, after.first) >= 0)
        .map(
          ([before, after]) => `level ${level}: tables ${before.number} and ${after.number} are out of order`,
        ),
    ),
    ...pairsOf(runs)
      .filter(([before, after]) => before.number <= after.number || (level === 0 && !isNewer(before, after)))
      .map(([before, after]) => `level ${level}: runs ${before.number} and ${after.number} are out of order`),
  ])
}

/** No version is at the beginning of time itself. */
function isBackwards({ first, last, minTime, maxTime }: TableMeta): boolean {
  return comparePositions(first, last) > 0 || minTime > maxTime || minTime === MIN_TIME
}

/** Of level 0, where all comes from flushes, whole runs are newer than others, whatever their keys. */
function isNewer(before: Run, after: Run): boolean {
  const [oldest] = timesOf(before.tables)
  const [, newest] = timesOf(after.tables)
  return newest < oldest
}

function pairsOf<T>(list: readonly T[]): readonly (readonly [T, T])[] {
  return list.slice(1).map((after, i) => [list[i]!, after])
}

function inOrder(a: TableMeta, b: TableMeta): number {
  return comparePositions(a.first, b.first)
}
