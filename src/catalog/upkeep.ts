/**
 * Upkeep of the catalog: forgetting what nobody can read any more, so that its rows stay few and short
 * however often tables are put back or dropped.
 *
 *     generations that meet no readable time     their rows go
 *     a gap of a view without versions           closes, and the base is written out
 *     a dropped table that nobody can read       its last rows go, and its tablets are freed
 *     a hold that has run out                    its row goes
 *
 * One commit writes it down; only then are the files of freed tablets removed. What is forgotten cannot
 * become readable again, though the clock is set back: the same commit raises the ratchet, and takes away each hold that
 * had run out and could keep such times readable (law 4). A table that goes altogether needs no ratchet: it has no
 * tablets any more, and no time of it is readable.
 */
import { hasPast, planForgetting } from '../history/forgetting.ts'
import { type Generation } from '../history/lineage.ts'
import { type Write } from '../storage/commit-record.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Catalog, generationsOf, tableRefs } from './catalog.ts'
import { type Moment, isExpired, tableCutoff, tableReadable } from './promises.ts'
import { type TableRef, deleteRow, putRow } from './rows.ts'

/** Plans the upkeep of the catalog: the writes of one commit, none if there is nothing to do. */
export function planUpkeep(
  catalog: Catalog,
  moment: Moment,
  /** Times outside of which some tablets hold no version. */
  occupiedIn: (tablets: readonly number[]) => Stretches,
): readonly Write[] {
  const ofTables = tableRefs(catalog).flatMap((table) => {
    const generations = generationsOf(catalog, table.id)
    return hasPast(generations) ? tableWrites(catalog, table, generations, moment, occupiedIn) : []
  })
  const expired = [...catalog.holds.values()].filter((hold) => isExpired(hold, moment.nowMicros))
  return [...ofTables, ...expired.map((row) => deleteRow({ kind: 'hold', row }))]
}

function tableWrites(
  catalog: Catalog,
  table: TableRef,
  generations: readonly Generation[],
  moment: Moment,
  occupiedIn: (tablets: readonly number[]) => Stretches,
): readonly Write[] {
  const readable = tableReadable(catalog, table, moment)
  const occupied = occupiedIn(generations.at(-1)!.tablets)
  const { forgotten, rewritten } = planForgetting(generations, readable, occupied)
  if (forgotten.length === generations.length) return goneWrites(catalog, table, generations)
  return [
    ...forgotten.map((row) => deleteRow({ kind: 'generation', table, row })),
    ...rewritten.map((row) => putRow({ kind: 'generation', table, row })),
    ...(forgotten.length === 0
      ? []
      : [putRow({ kind: 'ratchet', table: table.id, time: tableCutoff(catalog, table, moment) })]),
  ]
}

/** Of a dropped table that nobody can read, nothing stays but which tablets it had. */
function goneWrites(catalog: Catalog, table: TableRef, generations: readonly Generation[]): readonly Write[] {
  const { id } = table
  const keep = catalog.retention.get(id)
  const ratchet = catalog.ratchets.get(id)
  const tablets = new Set(generations.flatMap((generation) => generation.tablets))
  return [
    ...generations.map((row) => deleteRow({ kind: 'generation', table, row })),
    ...(keep === undefined ? [] : [deleteRow({ kind: 'retention', of: id, keep })]),
    ...(ratchet === undefined ? [] : [deleteRow({ kind: 'ratchet', table: id, time: ratchet })]),
    ...Array.from(tablets, (tablet) => putRow({ kind: 'freed', tablet })),
  ]
}
