/**
 * The catalog: what exists, as of a time. An immutable value, read from the rows of the system tablet.
 */
import { textOfBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Directive } from '../history/garbage.ts'
import { type Generation, endOf, firstGeneration, generationAt, viewAsOf } from '../history/lineage.ts'
import { type Keep, cutoffOf, readableTimes } from '../history/readable.ts'
import { SYSTEM_TABLET } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, formatExact, hybridTime, laterOf } from '../time/hybrid-time.ts'
import {
  NO_TIMES,
  type Stretches,
  closedStretch,
  intersection,
  stretch,
  stretchFrom,
  union,
} from '../time/stretches.ts'
import { type Write } from '../tablet/commit-record.ts'
import {
  type CatalogRow,
  type HoldRow,
  type KeyspaceRow,
  type RestoreRow,
  type TableRef,
  type TableRow,
  readRow,
} from './rows.ts'

/** History is kept for this long unless somebody says otherwise: 24 hours, in microseconds. */
export const DEFAULT_KEEP: Keep = 24 * 3_600_000_000

/** A table's full name: `keyspace.table`. */
export type TableName = string

/** What exists. */
export interface Catalog {
  readonly next: number
  readonly keyspaces: ReadonlyMap<number, KeyspaceRow>
  readonly tables: ReadonlyMap<number, TableRow>
  /** Of every table with history, dropped ones included, in the order of their starts. */
  readonly generations: ReadonlyMap<number, readonly Generation[]>
  /** The tablets that those tables have or had. */
  readonly tablets: ReadonlyMap<number, readonly number[]>
  /** The keyspaces of those tables. */
  readonly homes: ReadonlyMap<number, number>
  readonly restores: ReadonlyMap<number, RestoreRow>
  readonly retention: ReadonlyMap<number | 'database', Keep>
  readonly ratchets: ReadonlyMap<number, HybridTime>
  readonly holds: ReadonlyMap<number, HoldRow>
  /** Tablets that no generation names any more. */
  readonly freed: ReadonlySet<number>
}

/**
 * The rows of the catalog as they are now. A commit changes a few of them, so the others are not read
 * again, however many there are.
 */
export class CatalogRows {
  readonly #rows = new Map<string, CatalogRow>()
  /** What a row of a generation says, with its base. */
  readonly #resolved = new WeakMap<Generation, Generation>()

  /** Takes the writes of a commit, or all there are. Throws `CATALOG_CORRUPT`. */
  apply(writes: Iterable<Write>): void {
    for (const { key, value } of writes) {
      if (value === undefined) this.#rows.delete(textOfBytes(key))
      else {
        const row = readRow(key, value)
        this.#rows.set(textOfBytes(key), row)
      }
    }
  }

  /** The catalog that they say. Throws `CATALOG_CORRUPT`. */
  catalog(): Catalog {
    return catalogOf(this.#rows.values(), this.#resolved)
  }
}

function catalogOf(rows: Iterable<CatalogRow>, resolved: WeakMap<Generation, Generation>): Catalog {
  let next = 1
  const keyspaces = new Map<number, KeyspaceRow>()
  const tables = new Map<number, TableRow>()
  const generations = new Map<number, Generation[]>()
  const homes = new Map<number, number>()
  const restores = new Map<number, RestoreRow>()
  const retention = new Map<number | 'database', Keep>()
  const ratchets = new Map<number, HybridTime>()
  const holds = new Map<number, HoldRow>()
  const freed = new Set<number>()
  for (const row of rows) {
    if (row.kind === 'counter') next = row.next
    else if (row.kind === 'keyspace') keyspaces.set(row.row.id, row.row)
    else if (row.kind === 'table') tables.set(row.row.id, row.row)
    else if (row.kind === 'generation') {
      // Rows of a table come in the order of their starts: that of their keys, and of their commits.
      const earlier = generations.get(row.table.id) ?? []
      const generation = resolved.get(row.row) ?? withBase(row.row, earlier)
      resolved.set(row.row, generation)
      earlier.push(generation)
      generations.set(row.table.id, earlier)
      homes.set(row.table.id, row.table.keyspace)
    } else if (row.kind === 'restore') restores.set(row.row.id, row.row)
    else if (row.kind === 'retention') retention.set(row.of, row.keep)
    else if (row.kind === 'ratchet') ratchets.set(row.table, row.time)
    else if (row.kind === 'hold') holds.set(row.row.id, row.row)
    else freed.add(row.tablet)
  }
  for (const [id, all] of generations) checkGenerations(id, all)
  const tablets = new Map([[CATALOG.id, [SYSTEM_TABLET]]])
  for (const [id, all] of generations) tablets.set(id, [...new Set(all.flatMap((one) => one.tablets))])
  return { next, keyspaces, tables, generations, tablets, homes, restores, retention, ratchets, holds, freed }
}

/** The definitions that some rows say. */
export function definitionsOf(rows: Iterable<CatalogRow>): Pick<Catalog, 'keyspaces' | 'tables'> {
  const keyspaces = new Map<number, KeyspaceRow>()
  const tables = new Map<number, TableRow>()
  for (const row of rows) {
    if (row.kind === 'keyspace') keyspaces.set(row.row.id, row.row)
    else if (row.kind === 'table') tables.set(row.row.id, row.row)
  }
  return { keyspaces, tables }
}

/** One generation of a table is in force at a time. */
function checkGenerations(table: number, generations: readonly Generation[]): void {
  for (const [i, { start }] of generations.entries()) {
    const before = generations[i - 1]
    if (before === undefined || endOf(before) < start) continue
    const details = { table, start: formatExact(start) }
    throw new PalimpsestError('CATALOG_CORRUPT', 'two generations of a table are in force at once', details)
  }
}

/** A base that is named by a time is the view as of it. */
function withBase(generation: Generation, earlier: readonly Generation[]): Generation {
  const { baseAsOf } = generation
  if (baseAsOf === undefined) return generation
  const then = generationAt(earlier, baseAsOf)
  if (then === undefined)
    throw new PalimpsestError('CATALOG_CORRUPT', 'a generation has a base that is not there')
  return { ...generation, base: viewAsOf(then, baseAsOf) }
}

/** Every table with history, dropped ones included. */
export function tableRefs(catalog: Catalog): readonly TableRef[] {
  return Array.from(catalog.homes, ([id, keyspace]) => ({ id, keyspace }))
}

/** The keyspace of a name. Throws `UNKNOWN_KEYSPACE`. */
export function keyspaceNamed(catalog: Catalog, name: string): KeyspaceRow {
  const found = [...catalog.keyspaces.values()].find((keyspace) => keyspace.name === name)
  if (found === undefined) {
    const known = [...catalog.keyspaces.values()].map((keyspace) => keyspace.name).toSorted()
    throw new PalimpsestError('UNKNOWN_KEYSPACE', `no keyspace ${name}; ${listed(known)}`, { name, known })
  }
  return found
}

/** The table of a full name. Throws `UNKNOWN_TABLE`. */
export function tableNamed(catalog: Catalog, name: TableName): TableRow {
  const found = [...catalog.tables.values()].find((table) => fullNameOf(catalog, table) === name)
  if (found === undefined) {
    const known = [...catalog.tables.values()].map((table) => fullNameOf(catalog, table)).toSorted()
    throw new PalimpsestError('UNKNOWN_TABLE', `no table ${name}; ${listed(known)}`, { name, known })
  }
  return found
}

/** `keyspace.table`. */
export function fullNameOf(catalog: Catalog, table: TableRow): TableName {
  return `${catalog.keyspaces.get(table.keyspace)?.name ?? '?'}.${table.name}`
}

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
  const tablets = catalog.tablets.get(table.id)
  if (tablets === undefined) return MAX_TIME
  const ratchet = laterOf(catalog.ratchets.get(table.id) ?? MIN_TIME, moment.ratchetOf(tablets))
  return cutoffOf(ratchet, keepOf(catalog, table), moment.nowMicros)
}

/** The times as of which a table can be read. */
export function tableReadable(catalog: Catalog, table: TableRef, moment: Moment): Stretches {
  if (!catalog.tablets.has(table.id)) return NO_TIMES
  const held = [...catalog.holds.values()]
    .filter((hold) => holdsTable(hold, table) && !isExpired(hold, moment.nowMicros))
    .map(({ after, through }) => stretch(after, through))
  for (const hold of moment.memoryHolds) if (hold.table === table.id) held.push(hold.times)
  return readableTimes(tableCutoff(catalog, table, moment), held)
}

/** The catalog itself, where it is asked how long history is kept: as long as the database says. */
export const CATALOG: TableRef = { id: 0, keyspace: 0 }

/**
 * The times as of which the catalog can be read: those that the database promises, and those of any
 * table. Of one that was dropped only those at which it existed count, so that forgetting it when none is
 * left changes nothing.
 */
export function catalogReadable(catalog: Catalog, moment: Moment): Stretches {
  const ofTables = tableRefs(catalog).map((table) => {
    const readable = tableReadable(catalog, table, moment)
    return catalog.tables.has(table.id) ? readable : existsDuring(catalog, table, readable)
  })
  return union(tableReadable(catalog, CATALOG, moment), ...ofTables)
}

/** The part of some times during which a table exists. */
export function existsDuring(catalog: Catalog, table: TableRef, times: Stretches): Stretches {
  const lives = (catalog.generations.get(table.id) ?? []).flatMap((g) => closedStretch(g.start, endOf(g)))
  return intersection(times, union(lives))
}

/** What a compaction of a tablet may forget. */
export function directiveFor(catalog: Catalog, tablet: number, moment: Moment): Directive {
  if (tablet === SYSTEM_TABLET) {
    // The catalog's own lineage is fixed: one generation, always in force.
    const generation = firstGeneration([SYSTEM_TABLET], hybridTime(0, 1))
    const cutoff = tableCutoff(catalog, CATALOG, moment)
    return { generations: [generation], readable: catalogReadable(catalog, moment), cutoff }
  }
  const table = tableRefs(catalog).find(({ id }) =>
    (catalog.generations.get(id) ?? []).some(({ tablets }) => tablets.includes(tablet)),
  )
  // A tablet that no table of the catalog has is not known well enough to forget anything in it.
  if (table === undefined) {
    return {
      generations: [firstGeneration([tablet], hybridTime(0, 1))],
      readable: stretchFrom(hybridTime(0, 1)),
      cutoff: MIN_TIME,
    }
  }
  const generations = catalog.generations.get(table.id)!.filter(({ tablets }) => tablets.includes(tablet))
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

/** Whether a hold holds a table's history. */
export function holdsTable({ scope }: Pick<HoldRow, 'scope'>, table: TableRef): boolean {
  if ('table' in scope) return scope.table === table.id
  return 'keyspace' in scope ? scope.keyspace === table.keyspace : true
}

function listed(known: readonly string[]): string {
  return known.length === 0 ? 'there is none yet' : `there are: ${known.join(', ')}`
}
