/**
 * Changes of the catalog, planned as the writes of one commit. Each is a pure function of the catalog,
 * refuses what does not fit before anything is written, and is given the time of its commit, because
 * rows name it.
 */
import { kindOf } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Generation, firstGeneration, truncatedGeneration } from '../history/lineage.ts'
import { type Keep, assertReadable } from '../history/readable.ts'
import { type Write } from '../storage/commit-record.ts'
import { isTimeWord } from '../time/expression.ts'
import { type HybridTime, tickAfter, tickBefore } from '../time/hybrid-time.ts'
import { difference, stretch } from '../time/stretches.ts'
import {
  CATALOG,
  type Catalog,
  fullNameOf,
  generationInForce,
  keyspaceNamed,
  nameOfTable,
  tableNamed,
  tableRefs,
} from './catalog.ts'
import { type Moment, holdsTable, isExpired, mayExistDuring, tableCutoff, tableReadable } from './promises.ts'
import {
  type CatalogRow,
  type HoldRow,
  type HoldScope,
  type KeyType,
  type TableRef,
  type TableRow,
  type ValueType,
  deleteRow,
  putRow,
} from './rows.ts'

/** The writes of a change, once its commit time is known. */
export type CatalogChange = (time: HybridTime) => readonly Write[]

/** A change that makes something, with the id of what it makes. */
export interface Creation {
  readonly id: number
  readonly change: CatalogChange
}

const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/

/** Creates a keyspace. Throws `INVALID_ARGUMENT`, `NAME_TAKEN`. */
export function planCreateKeyspace(catalog: Catalog, name: string): Creation {
  checkName(name, 'keyspace')
  if ([...catalog.keyspaces.values()].some((keyspace) => keyspace.name === name))
    throw taken('keyspace', name)
  const id = catalog.next
  const writes = [counter(id + 1), putRow({ kind: 'keyspace', row: { id, name } })]
  return { id, change: () => writes }
}

/** What a new table is. */
export interface TableShape {
  readonly keys: KeyType
  readonly values: ValueType
  readonly keep?: Keep | undefined
}

/** Refuses a full name that no table can have. Throws `INVALID_ARGUMENT`. */
export function checkTableName(fullName: string): void {
  const [keyspace] = tableNameParts(fullName)
  checkName(keyspace, 'keyspace')
}

/** The keyspace that a table's full name says, and its name there. Throws `INVALID_ARGUMENT`. */
function tableNameParts(fullName: string): readonly [keyspace: string, name: string] {
  // Callers without types may pass anything.
  const given: unknown = fullName
  const [keyspace = '', name = '', ...rest] = typeof given === 'string' ? given.split('.') : []
  if (rest.length > 0 || name === '') {
    throw new PalimpsestError('INVALID_ARGUMENT', `a table's name is keyspace.table, not ${shown(given)}`)
  }
  checkName(name, 'table')
  return [keyspace, name]
}

/** Creates a table with one tablet. Throws `INVALID_ARGUMENT`, `UNKNOWN_KEYSPACE`, `NAME_TAKEN`. */
export function planCreateTable(catalog: Catalog, fullName: string, shape: TableShape): Creation {
  const [keyspaceName, name] = tableNameParts(fullName)
  const keyspace = keyspaceNamed(catalog, keyspaceName)
  if ([...catalog.tables.values()].some((table) => fullNameOf(catalog, table) === fullName))
    throw taken('table', fullName)
  const id = catalog.next
  const tablet = id + 1
  const { keys, values, keep } = shape
  const change = (time: HybridTime) => [
    counter(id + 2),
    putRow({ kind: 'table', row: { id, keyspace: keyspace.id, name, keys, values } }),
    putRow({
      kind: 'generation',
      table: { id, keyspace: keyspace.id },
      row: firstGeneration([tablet], time),
    }),
    ...(keep === undefined ? [] : [putRow({ kind: 'retention', of: id, keep })]),
  ]
  return { id, change }
}

/** Drops a table: it is no longer there, and can be read as of the past and come back. Throws `UNKNOWN_TABLE`. */
export function planDropTable(catalog: Catalog, name: string): CatalogChange {
  const table = tableNamed(catalog, name)
  return (time) => dropWrites(catalog, table, time)
}

/** Drops a keyspace with all its tables. Throws `UNKNOWN_KEYSPACE`. */
export function planDropKeyspace(catalog: Catalog, name: string): CatalogChange {
  const row = keyspaceNamed(catalog, name)
  const tables = [...catalog.tables.values()].filter(({ keyspace }) => keyspace === row.id)
  return (time) => [
    deleteRow({ kind: 'keyspace', row }),
    ...tables.flatMap((table) => dropWrites(catalog, table, time)),
  ]
}

/** Gives a table another name in its keyspace. Throws `UNKNOWN_TABLE`, `NAME_TAKEN`, `INVALID_ARGUMENT`. */
export function planRenameTable(catalog: Catalog, from: string, to: string): CatalogChange {
  const table = tableNamed(catalog, from)
  checkName(to, 'table')
  const row: TableRow = { ...table, name: to }
  if (isTableNameTaken(catalog, row)) throw taken('table', fullNameOf(catalog, row))
  return () => [putRow({ kind: 'table', row })]
}

/** Empties a table, at the same cost whatever it holds; its past stays. Throws `UNKNOWN_TABLE`. */
export function planTruncate(catalog: Catalog, name: string): CatalogChange {
  const table = tableNamed(catalog, name)
  return (time) => {
    const [current, ended] = endGeneration(catalog, table, time)
    return [ended, putRow({ kind: 'generation', table, row: truncatedGeneration(current, time) })]
  }
}

/** The generation of a table that is in force, and the write that ends it before `time`. */
export function endGeneration(
  catalog: Catalog,
  table: TableRef,
  time: HybridTime,
): readonly [Generation, Write] {
  const current = generationInForce(catalog, table.id)
  const row = { ...current, end: tickBefore(time) }
  return [current, putRow({ kind: 'generation', table, row })]
}

/** Whether another table of its keyspace has the name of this one. */
export function isTableNameTaken(catalog: Catalog, { id, keyspace, name }: TableRow): boolean {
  return [...catalog.tables.values()].some(
    (table) => table.id !== id && table.keyspace === keyspace && table.name === name,
  )
}

/** The writes that drop a table at `time`. */
export function dropWrites(catalog: Catalog, row: TableRow, time: HybridTime): readonly Write[] {
  const [, ended] = endGeneration(catalog, row, time)
  return [deleteRow({ kind: 'table', row }), ended]
}

/** Changes how long history is kept. What was lost before stays lost: every ratchet it touches is raised. */
export function planRetention(
  catalog: Catalog,
  of: number | 'database',
  keep: Keep,
  moment: Moment,
): CatalogChange {
  const tables = [CATALOG, ...tableRefs(catalog)].filter(
    ({ id, keyspace }) => of === 'database' || id === of || keyspace === of,
  )
  const ratchets = tables.map((table): CatalogRow => ({
    kind: 'ratchet',
    table: table.id,
    time: tableCutoff(catalog, table, moment),
  }))
  return () => [putRow({ kind: 'retention', of, keep }), ...ratchets.map(putRow)]
}

/** A hold to be placed. */
export interface HoldRequest extends Omit<HoldRow, 'id' | 'scope'> {
  readonly scope: HoldScope
}

/** A hold that can be placed. */
export interface PlannedHold {
  readonly row: HoldRow
  readonly change: CatalogChange
}

/** Places a hold. Throws `NAME_TAKEN`, and `HISTORY_GONE` unless all of it is readable in every table it holds. */
export function planHold(catalog: Catalog, request: HoldRequest, moment: Moment): PlannedHold {
  checkName(request.name, 'hold')
  // Restores have such names, which can be used as times too; those to come have them as well.
  if (/^restore-\d+$/.test(request.name)) throw reserved(request.name)
  if (holdNamed(catalog, request.name, moment.nowMicros) !== undefined) throw taken('hold', request.name)
  const id = catalog.next
  const row: HoldRow = { ...request, id }
  const held = stretch(row.after, row.through)
  for (const table of tableRefs(catalog)) {
    if (!holdsTable(row, table)) continue
    const readable = tableReadable(catalog, table, moment)
    // What was dropped cannot be held where it did not exist, and need not be.
    const times = catalog.tables.has(table.id) ? held : mayExistDuring(catalog, table, held)
    const [gone] = difference(times, readable)
    if (gone !== undefined) assertReadable(readable, tickAfter(gone.after), nameOfTable(catalog, table.id))
  }
  // One that has run out must not come back under the same name, should the clock be set back.
  const namesakes = [...catalog.holds.values()].filter(({ name }) => name === request.name)
  const writes = [
    counter(id + 1),
    ...namesakes.map((namesake) => deleteRow({ kind: 'hold', row: namesake })),
    putRow({ kind: 'hold', row }),
  ]
  return { row, change: () => writes }
}

/** Releases a hold. Throws `UNKNOWN_HOLD`. */
export function planRelease(catalog: Catalog, name: string, nowMicros: number): CatalogChange {
  const row = holdNamed(catalog, name, nowMicros)
  if (row === undefined) {
    const known = [...catalog.holds.values()]
      .filter((hold) => !isExpired(hold, nowMicros))
      .map((hold) => hold.name)
    throw new PalimpsestError('UNKNOWN_HOLD', `no hold ${name}`, { name, known })
  }
  return () => [deleteRow({ kind: 'hold', row })]
}

/** The hold of a name that has not run out. */
export function holdNamed(catalog: Catalog, name: string, nowMicros: number): HoldRow | undefined {
  return [...catalog.holds.values()].find((hold) => hold.name === name && !isExpired(hold, nowMicros))
}

/** The write that keeps ids from being used twice. */
export function counter(next: number): Write {
  return putRow({ kind: 'counter', next })
}

function checkName(name: string, what: string): void {
  // Names can be used as times.
  if (typeof name === 'string' && NAME.test(name) && !isTimeWord(name)) return
  const rule = 'letters, digits, _ and -, at most 64, not beginning with a digit or -, and not now or minus'
  throw new PalimpsestError('INVALID_ARGUMENT', `not a name for a ${what}: ${shown(name)} (${rule})`, {
    name,
  })
}

/** What was given for a name. Callers without types may pass anything. */
function shown(name: unknown): string {
  return typeof name === 'string' ? JSON.stringify(name) : kindOf(name)
}

/** The refusal of a name that only a restore can have. */
function reserved(name: string): PalimpsestError {
  const message = `a hold is not called ${name}: such names are those of restores`
  return new PalimpsestError('NAME_TAKEN', message, { name })
}

/** The refusal of a name that something has already. */
export function taken(what: string, name: string): PalimpsestError {
  return new PalimpsestError('NAME_TAKEN', `there is a ${what} ${name} already`, { name })
}
