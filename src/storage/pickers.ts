/**
 * Pickers: which table of a full level goes down next.
 *
 * Each is a score; the highest wins, and of equal ones the first behind the level's pointer. Without
 * that rotation a picker whose scores tie would always drain the lowest keys: "oldest" does, where every
 * flush rewrites a whole level, and then writes many times what it should.
 */
import { compareBytes } from '../base/bytes.ts'
import { formatExact } from '../time/hybrid-time.ts'
import { type PickScore } from './plan.ts'
import { searchFirst } from './search.ts'
import { type TableMeta } from './table-format.ts'
import { type Position, comparePositions } from './version.ts'

/** The name of a picker. */
export type PickerName = 'round-robin' | 'least-overlap' | 'oldest' | 'most-garbage'

/** A table's weight against the other tables of its level. */
interface Weight {
  readonly score: number
  readonly because: string
}

/** What the tables of a level are weighed by: the tables in turn, and the run below them. */
type Picker = (turn: readonly TableMeta[], below: readonly TableMeta[]) => readonly Weight[]

const PICKERS: Readonly<Record<PickerName, Picker>> = {
  'round-robin': (turn) =>
    turn.map((_, i) => ({
      score: 1 / (i + 1),
      because: i === 0 ? 'next in turn' : `${i} before it in turn`,
    })),
  'least-overlap': (turn, below) =>
    turn.map((table) => {
      const bytes = overlapBytes(table, below)
      return {
        score: table.bytes / (table.bytes + bytes),
        because: `${bytes} bytes below for its ${table.bytes}`,
      }
    }),
  oldest: (turn) => {
    const times = turn.map(({ minTime }) => minTime).toSorted((a, b) => (a < b ? -1 : a > b ? 1 : 0))
    const ranks = new Map([...new Set(times)].map((time, rank) => [time, rank]))
    return turn.map(({ minTime }) => ({
      score: 1 / (1 + ranks.get(minTime)!),
      because: `its oldest version is of ${formatExact(minTime)}`,
    }))
  },
  'most-garbage': (turn) =>
    turn.map(({ superseded, tombstones, versions }) => ({
      score: (superseded + tombstones) / versions,
      because: `${superseded} superseded and ${tombstones} tombstones of ${versions} versions`,
    })),
}

/** The names of the pickers. */
export const PICKER_NAMES: readonly PickerName[] = Object.keys(PICKERS) as PickerName[]

/** What a picker answers: the place of a table in its run, and the scores of all. */
export interface Pick {
  readonly index: number
  readonly picks: readonly PickScore[]
}

/** Picks one table of a sorted run. */
export function pickTable(
  name: PickerName,
  tables: readonly TableMeta[],
  below: readonly TableMeta[],
  pointer: Position | undefined,
): Pick {
  const behind = pointer ? tables.findIndex(({ first }) => comparePositions(first, pointer) > 0) : 0
  const from = Math.max(0, behind)
  const turn = [...tables.slice(from), ...tables.slice(0, from)]
  const weights = PICKERS[name](turn, below)
  let best = 0
  for (const [i, { score }] of weights.entries()) if (score > weights[best]!.score) best = i
  return {
    index: (from + best) % tables.length,
    picks: weights.map((weight, i) => ({ table: turn[i]!.number, ...weight })),
  }
}

function overlapBytes({ first, last }: TableMeta, below: readonly TableMeta[]): number {
  let bytes = 0
  for (
    let t = searchFirst(below, (table) => compareBytes(table.last.key, first.key) >= 0);
    t < below.length;
    t++
  ) {
    if (compareBytes(below[t]!.first.key, last.key) > 0) break
    bytes += below[t]!.bytes
  }
  return bytes
}
