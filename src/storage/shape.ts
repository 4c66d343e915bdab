/**
 * The shape of a tree: which tables stand in which level. Immutable; an edit makes another shape.
 *
 *     level 0    [t9] [t8] [t7]          flushed memtables, newest first, may overlap
 *     level 1    [a……d][e……k][l……z]      one sorted run: no two tables overlap
 *     level 2    [a…b][b…e][f……m][n…z]   one sorted run, older than level 1
 *
 * Two structural laws, checked by `palimpsest check`: tables of one level from 1 on stand in order of
 * (key, time) without overlap; and for one key, every version in an upper place is newer than every
 * version in a lower one. Reads rest on the second: the first answer from above is the answer.
 */
import { assert } from '../base/assert.ts'
import { compareBytes } from '../base/bytes.ts'
import { type TableMeta } from './table-format.ts'
import { comparePositions } from './version.ts'

/** The tables of each level, level 0 newest first, the others in order. */
export type Shape = readonly (readonly TableMeta[])[]

/** How many levels a tree can have. */
export const LEVELS_MAX = 7

/** A tree without tables. */
export const EMPTY_SHAPE: Shape = Array.from({ length: LEVELS_MAX }, () => [])

/** A change of a shape, as the manifest records it. */
export interface ShapeEdit {
  readonly remove: readonly number[]
  readonly add: readonly { readonly level: number; readonly table: TableMeta }[]
}

/** The shape after an edit. */
export function applyShapeEdit(shape: Shape, edit: ShapeEdit): Shape {
  const removed = new Set(edit.remove)
  return shape.map((tables, level) => {
    const added = edit.add.filter((addition) => addition.level === level).map(({ table }) => table)
    const kept = tables.filter(({ number }) => !removed.has(number))
    if (added.length === 0 && kept.length === tables.length) return tables
    return [...kept, ...added].toSorted(level === 0 ? newestFirst : inOrder)
  })
}

/** The tables of the shape, level by level. */
export function tablesOf(shape: Shape): readonly TableMeta[] {
  return shape.flat()
}

/** The bytes of some tables. */
export function bytesOfTables(tables: readonly TableMeta[]): number {
  return tables.reduce((sum, { bytes }) => sum + bytes, 0)
}

/** The number of the lowest level that has tables; −1 for an empty tree. */
export function lowestLevel(shape: Shape): number {
  return shape.findLastIndex((tables) => tables.length > 0)
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

/** Whether the keys of a table touch those of any of the spans. */
export function overlapsKeys(tables: readonly Span[], table: Span): boolean {
  return tables.some(
    ({ first, last }) =>
      compareBytes(first.key, table.last.key) <= 0 && compareBytes(table.first.key, last.key) <= 0,
  )
}

/** Every break of the structural laws that the metadata shows, as sentences. */
export function shapeFaults(shape: Shape): readonly string[] {
  const faults: string[] = []
  for (const [level, tables] of shape.entries()) {
    for (let i = 1; i < tables.length; i++) {
      const [before, after] = [tables[i - 1]!, tables[i]!]
      if (level === 0 ? before.minTime <= after.maxTime : comparePositions(before.last, after.first) >= 0) {
        faults.push(`level ${level}: tables ${before.number} and ${after.number} are out of order`)
      }
    }
  }
  return faults
}

function newestFirst(a: TableMeta, b: TableMeta): number {
  return a.maxTime > b.maxTime ? -1 : a.maxTime < b.maxTime ? 1 : 0
}

function inOrder(a: TableMeta, b: TableMeta): number {
  return comparePositions(a.first, b.first)
}
