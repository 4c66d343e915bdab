/**
 * The catalog: what exists, as of a time. An immutable value, read from the rows of the system tablet.
 */
import { defined } from '../base/assert.ts'
import { textOfBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Generation, endOf, generationAt, viewAsOf } from '../history/lineage.ts'
import { type Keep } from '../history/readable.ts'
import { SYSTEM_TABLET } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, formatExact } from '../time/hybrid-time.ts'
import { type Write } from '../storage/commit-record.ts'
import {
  type CatalogRow,
  type HoldRow,
  type KeyspaceRow,
  type RestoreRow,
  type TableRef,
  type TableRow,
  readRow,
} from './rows.ts'

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
      checkAlone(row.table.id, earlier.at(-1), row.row)
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
  for (const table of tables.keys()) checkInForce(table, generations.get(table)?.at(-1))
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

/** One generation of a table is in force at a time. To be known before anybody looks for the one at some time. */
function checkAlone(table: number, before: Generation | undefined, { start }: Generation): void {
  if (before === undefined || endOf(before) < start) return
  const details = { table, start: formatExact(start) }
  throw new PalimpsestError('CATALOG_CORRUPT', 'two generations of a table are in force at once', details)
}

/** A generation of each table that exists is in force now. */
function checkInForce(table: number, newest: Generation | undefined): void {
  if (newest !== undefined && newest.end === undefined) return
  throw new PalimpsestError('CATALOG_CORRUPT', 'no generation of a table is in force', { table })
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

/** The catalog itself, where it is asked how long history is kept: as long as the database says. */
export const CATALOG: TableRef = { id: 0, keyspace: 0 }

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
  return `${nameOfKeyspace(catalog, table.keyspace)}.${table.name}`
}

/** The name of a keyspace. What has been dropped has no name any more. */
export function nameOfKeyspace(catalog: Catalog, id: number): string {
  return catalog.keyspaces.get(id)?.name ?? `dropped keyspace ${id}`
}

/** The full name of a table. What has been dropped has no name any more. */
export function nameOfTable(catalog: Catalog, id: number): TableName {
  const table = catalog.tables.get(id)
  return table === undefined ? `dropped table ${id}` : fullNameOf(catalog, table)
}

/** The generations of a table in the order of their starts; none of one of which everything is forgotten. */
export function generationsOf(catalog: Catalog, table: number): readonly Generation[] {
  return catalog.generations.get(table) ?? []
}

/** The generation of a table that is in force at a time, or now. The table exists then. */
export function generationInForce(catalog: Catalog, table: number, time: HybridTime = MAX_TIME): Generation {
  return defined(generationAt(generationsOf(catalog, table), time), 'the generation in force')
}

/** The tablets that a table has or had. */
export function tabletsOf(catalog: Catalog, table: number): readonly number[] {
  return catalog.tablets.get(table) ?? []
}

function listed(known: readonly string[]): string {
  return known.length === 0 ? 'there is none yet' : `there are: ${known.join(', ')}`
}
