/**
 * What of the past can be read, by whose promise: the window of a table, holds, open cursors. What nobody
 * promises any more, a compaction may forget.
 *
 *     h1          ▐████▌                         a hold: placed, and released or run out
 *     cursor 3                 ▐▌                 an open cursor: in memory, for as long as it is read
 *     window                        cutoff ▐████▶ moves on with the clock
 *     readable    ▐████▌       ▐▌          ▐████▶ their union
 */
import { type Directive } from '../history/garbage.ts'
import { type ReadablePromise } from '../history/explain-version.ts'
import { endOf, firstGeneration } from '../history/lineage.ts'
import { type Keep, cutoffOf, readableTimes } from '../history/readable.ts'
import { SYSTEM_TABLET } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, hybridTime, laterOf, tickBefore } from '../time/hybrid-time.ts'
import {
  NO_TIMES,
  type Stretches,
  closedStretch,
  intersection,
  stretch,
  stretchFrom,
  union,
} from '../time/stretches.ts'
import { CATALOG, type Catalog, generationsOf, tableRefs, tabletsOf } from './catalog.ts'
import { type HoldRow, type TableRef } from './rows.ts'

/** History is kept for this long unless somebody says otherwise: 24 hours, in microseconds. */
export const DEFAULT_KEEP: Keep = 24 * 3_600_000_000

/** How long a table keeps its history: by its own word, its keyspace's, the database's, the default. */
export function keepOf(catalog: Catalog, table: TableRef): Keep {
  const { retention } = catalog
  return retention.get(table.id) ?? retention.get(table.keyspace) ?? retention.get('database') ?? DEFAULT_KEEP
}

/** Times that an open cursor holds, in memory. */
export interface MemoryHold {
  /** Its number, which no other one of this open store has. */
  readonly id: number
  readonly table: number
  /** The microsecond at which it began, and the one from which on it holds nothing, open or not. */
  readonly sinceMicros: number
  readonly untilMicros: number
  readonly times: Stretches
}

/** What the readable times of tables depend on beside the catalog. */
export interface Moment {
  /** The clock's current microsecond, as far as it drives retention. */
  readonly nowMicros: number
  /** The highest ratchet that the manifest has for the tablets of a table. */
  readonly ratchetOf: (tablets: readonly number[]) => HybridTime
  readonly memoryHolds: Iterable<MemoryHold>
}

/** The first time of a table's window: none, `MAX_TIME`, for a table of which everything is forgotten. */
export function tableCutoff(catalog: Catalog, table: TableRef, moment: Moment): HybridTime {
  const ratchet = tableRatchet(catalog, table, moment.ratchetOf)
  return ratchet === MAX_TIME ? ratchet : cutoffOf(ratchet, keepOf(catalog, table), moment.nowMicros)
}

/** The part of a table's cutoff that no clock moves: all of it, where history is kept for ever. */
export function tableRatchet(catalog: Catalog, table: TableRef, ratchetOf: Moment['ratchetOf']): HybridTime {
  const tablets = catalog.tablets.get(table.id)
  if (tablets === undefined) return MAX_TIME
  return laterOf(catalog.ratchets.get(table.id) ?? MIN_TIME, ratchetOf(tablets))
}

/** What makes times of a table readable now: the window first. */
export function promisesFor(catalog: Catalog, table: TableRef, moment: Moment): readonly ReadablePromise[] {
  const cutoff = tableCutoff(catalog, table, moment)
  const window: ReadablePromise = {
    kind: 'window',
    times: readableTimes(cutoff, []),
    cutoff,
    keep: keepOf(catalog, table),
  }
  const holds = holdsOn(catalog, table, moment.nowMicros).map(
    ({ after, through, name, owner, reason, expiresMicros }): ReadablePromise => {
      return { kind: 'hold', times: stretch(after, through), name, owner, reason, expiresMicros }
    },
  )
  const cursors = [...moment.memoryHolds]
    .filter((hold) => hold.table === table.id)
    .toSorted((a, b) => a.id - b.id)
    .map(({ times, id, untilMicros }): ReadablePromise => ({ kind: 'cursor', times, id, untilMicros }))
  return [window, ...holds, ...cursors]
}

/** The holds that hold history of a table at a microsecond. */
function holdsOn(catalog: Catalog, table: TableRef, nowMicros: number): readonly HoldRow[] {
  // Mostly there are none, and every history asks.
  if (catalog.holds.size === 0) return []
  return [...catalog.holds.values()].filter((hold) => holdsTable(hold, table) && !isExpired(hold, nowMicros))
}

/** The times as of which a table can be read. */
export function tableReadable(catalog: Catalog, table: TableRef, moment: Moment): Stretches {
  if (!catalog.tablets.has(table.id)) return NO_TIMES
  const held = holdsOn(catalog, table, moment.nowMicros).map(({ after, through }) => stretch(after, through))
  for (const hold of moment.memoryHolds) if (hold.table === table.id) held.push(hold.times)
  return readableTimes(tableCutoff(catalog, table, moment), held)
}

/**
 * The times as of which the catalog can be read: those that the database promises, and those of any table at which it
 * existed. A table that is made, or made again, so changes nothing about the times before: what was forgotten there must
 * not be asked for again (law 4).
 */
export function catalogReadable(catalog: Catalog, moment: Moment): Stretches {
  const ofTables = tableRefs(catalog).map((table) =>
    existsDuring(catalog, table, tableReadable(catalog, table, moment)),
  )
  return union(tableReadable(catalog, CATALOG, moment), ...ofTables)
}

/** The part of some times during which a table exists. */
export function existsDuring(catalog: Catalog, table: TableRef, times: Stretches): Stretches {
  const lives = generationsOf(catalog, table.id).flatMap((g) => closedStretch(g.start, endOf(g)))
  return intersection(times, union(lives))
}

/**
 * The part of some times during which a table existed, for all that is known. Up to its ratchet some of its generations
 * may be forgotten, and it may have been there at any time; but not before it was made, where that is known.
 */
export function mayExistDuring(catalog: Catalog, table: TableRef, times: Stretches): Stretches {
  const [first] = generationsOf(catalog, table.id)
  const made = first?.cause === 'create' ? tickBefore(first.start) : MIN_TIME
  const unknown = stretch(made, catalog.ratchets.get(table.id) ?? MIN_TIME)
  return union(existsDuring(catalog, table, times), intersection(times, unknown))
}

/** What a compaction of a tablet may forget. */
export function directiveFor(catalog: Catalog, tablet: number, moment: Moment): Directive {
  if (tablet === SYSTEM_TABLET) {
    // The catalog's own lineage is fixed: one generation, always in force.
    const generation = firstGeneration([SYSTEM_TABLET], hybridTime(0, 1))
    const cutoff = tableCutoff(catalog, CATALOG, moment)
    return { generations: [generation], readable: catalogReadable(catalog, moment), cutoff }
  }
  const table = tableRefs(catalog).find(({ id }) => tabletsOf(catalog, id).includes(tablet))
  // A tablet that no table of the catalog has is not known well enough to forget anything in it.
  if (table === undefined) {
    return {
      generations: [firstGeneration([tablet], hybridTime(0, 1))],
      readable: stretchFrom(hybridTime(0, 1)),
      cutoff: MIN_TIME,
    }
  }
  const generations = generationsOf(catalog, table.id).filter(({ tablets }) => tablets.includes(tablet))
  return {
    generations,
    readable: tableReadable(catalog, table, moment),
    cutoff: tableCutoff(catalog, table, moment),
  }
}

/** Whether a hold has run out. */
export function isExpired(hold: HoldRow, nowMicros: number): boolean {
  return hold.expiresMicros !== undefined && hold.expiresMicros <= nowMicros
}

/** Whether a hold holds a table's history. The catalog's is held where that of a table is. */
export function holdsTable({ scope }: Pick<HoldRow, 'scope'>, table: TableRef): boolean {
  if (table.id === CATALOG.id) return false
  if ('table' in scope) return scope.table === table.id
  return 'keyspace' in scope ? scope.keyspace === table.keyspace : true
}
