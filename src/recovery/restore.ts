/**
 * Restore by rewind, and undo: putting a keyspace or a table back to any readable time by one commit of
 * the catalog. No data is touched, nothing is erased, and the undo is a restore itself.
 *
 *     time          T                      R                U
 *     table x   ────●──────undone──────────┤ as of T, and on ┤ as it was before R
 *     table y          created ────────────┤ hidden          ┤ back
 *     table z   ────────── dropped         ┤ back            ┤ dropped
 *
 * *Definitions* (keyspaces, tables, names) go back to what they were at T; *promises* (retention, holds,
 * restores, id counters) do not. Reads as of a moment inside the undone stretch still show what was true
 * then, because every generation remembers when it was in force.
 *
 * A plan is plain data, to be shown; its change is the writes of one commit, so a crash leaves the state
 * before or the state after (law 8).
 */
import { PalimpsestError } from '../base/errors.ts'
import {
  type Catalog,
  fullNameOf,
  generationInForce,
  keyspaceNamed,
  nameOfKeyspace,
  nameOfTable,
  tableNamed,
} from '../catalog/catalog.ts'
import { type Moment, catalogReadable, tableReadable } from '../catalog/promises.ts'
import {
  type CatalogChange,
  counter,
  dropWrites,
  endGeneration,
  isTableNameTaken,
  taken,
} from '../catalog/changes.ts'
import { type KeyspaceRow, type RestoreRow, type TableRow, deleteRow, putRow } from '../catalog/rows.ts'
import { rewoundGeneration } from '../history/lineage.ts'
import { assertReadable } from '../history/readable.ts'
import { type Write } from '../storage/commit-record.ts'
import { type HybridTime, formatIso, tickBefore } from '../time/hybrid-time.ts'

/** What is to be put back: a keyspace, or one of its tables. */
export interface RestoreScope {
  readonly keyspace: string
  /** By the name that it had then, else by the one that it has now; or by its id, whatever it is and was called. */
  readonly table?: string | number | undefined
}

/** What a restore does to a table. */
export interface PlannedTable {
  readonly id: number
  /** Its name afterwards; of one that is hidden, before. */
  readonly name: string
  /** `rewound`: it exists now and shows what it showed then. `returns`: it was dropped since. `hidden`: it was created since. */
  readonly action: 'rewound' | 'returns' | 'hidden'
}

/** A restore that can be shown, and applied. */
export interface RestorePlan {
  readonly id: number
  readonly cause: 'restore' | 'undo'
  readonly scope: { readonly keyspace: number; readonly table?: number | undefined }
  readonly keyspace: string
  readonly to: HybridTime
  /** No data is touched: the tables' lineages change. */
  readonly method: 'rewind'
  readonly tables: readonly PlannedTable[]
  readonly undoes?: number | undefined
  /** The writes of its commit. */
  readonly change: CatalogChange
}

/** What a plan is made from. */
export interface RestoreContext {
  /** What exists now. */
  readonly catalog: Catalog
  /** What existed at a time that the catalog can be read as of. */
  readonly catalogAsOf: (time: HybridTime) => Catalog
  readonly moment: Moment
}

/**
 * Plans to put a keyspace, or a table, back to what it was as of `to`, which must lie in the past.
 * Throws `HISTORY_GONE`, naming the nearest readable times; `UNKNOWN_KEYSPACE` or `UNKNOWN_TABLE` where
 * it did not exist then; `NAME_TAKEN` where another has its name now.
 */
export function planRestore(context: RestoreContext, scope: RestoreScope, to: HybridTime): RestorePlan {
  const then = readableCatalog(context, scope.keyspace, to)
  const keyspace = keyspaceThen(context.catalog, then, scope.keyspace, to)
  if (scope.table === undefined) return planOf(context, then, { keyspace: keyspace.id }, to, 'restore')
  const table = tableThen(context.catalog, then, keyspace, scope.table, to)
  return planOf(context, then, { keyspace: keyspace.id, table: table.id }, to, 'restore')
}

/**
 * Plans to undo a restore, or an undo: what it put back goes to what it was the tick before.
 * Throws `UNKNOWN_RESTORE`, `ALREADY_UNDONE`, and what {@link planRestore} throws.
 */
export function planUndo(context: RestoreContext, id: number): RestorePlan {
  const { catalog } = context
  const restore = catalog.restores.get(id)
  if (restore === undefined) {
    throw unknownRestore(catalog, restoreName(id))
  }
  const undoneBy = undosInForce(catalog).get(id)
  if (undoneBy !== undefined) {
    const names = { id: restoreName(id), undoneBy: restoreName(undoneBy.id) }
    const message = `${names.id} was undone already, by ${names.undoneBy}; undo that one to redo it`
    throw new PalimpsestError('ALREADY_UNDONE', message, names)
  }
  const to = tickBefore(restore.at)
  const { keyspace, table } = restore
  const then = readableCatalog(context, restoreName(id), to)
  if (table !== undefined) checkKeyspaceExists(catalog, keyspace, then)
  return { ...planOf(context, then, { keyspace, table }, to, 'undo', id), undoes: id }
}

/** What a restore is called, by its number: what undo takes, and a name that can be used as a time. */
export function restoreName(id: number): string {
  return `restore-${id}`
}

/** That there is no restore of a name, and which there are. */
export function unknownRestore({ restores }: Pick<Catalog, 'restores'>, name: string): PalimpsestError {
  const known = [...restores.keys()].map(restoreName)
  return new PalimpsestError('UNKNOWN_RESTORE', `no restore ${JSON.stringify(name)}`, { id: name, known })
}

/**
 * The undos in force, by what they undo. An undo is in force until it is undone itself, which only a later one does: so the
 * newest are looked at first.
 */
export function undosInForce({ restores }: Pick<Catalog, 'restores'>): ReadonlyMap<number, RestoreRow> {
  const undos = new Map<number, RestoreRow>()
  for (const row of [...restores.values()].toSorted((a, b) => b.id - a.id))
    if (row.undoes !== undefined && !undos.has(row.id)) undos.set(row.undoes, row)
  return undos
}

/** The definitions as of a time, which must be readable for them too. */
function readableCatalog(
  { catalog, catalogAsOf, moment }: RestoreContext,
  what: string,
  to: HybridTime,
): Catalog {
  assertReadable(catalogReadable(catalog, moment), to, what)
  return catalogAsOf(to)
}

/** The keyspace that had the name then. Keyspaces keep their names, so one that has it now did not exist. */
function keyspaceThen(now: Catalog, then: Catalog, name: string, to: HybridTime): KeyspaceRow {
  const named = [...then.keyspaces.values()].find((keyspace) => keyspace.name === name)
  if (named !== undefined) return named
  keyspaceNamed(now, name)
  const message = `the keyspace ${name} did not exist as of ${formatIso(to)}`
  throw new PalimpsestError('UNKNOWN_KEYSPACE', message, { name, at: formatIso(to) })
}

function tableThen(
  now: Catalog,
  then: Catalog,
  keyspace: KeyspaceRow,
  asked: string | number,
  to: HybridTime,
): TableRow {
  checkKeyspaceExists(now, keyspace.id, then)
  const named = [...then.tables.values()].find(
    (table) => table.keyspace === keyspace.id && table.name === asked,
  )
  if (named !== undefined) return named
  const id = typeof asked === 'number' ? asked : tableNamed(now, `${keyspace.name}.${asked}`).id
  const existed = then.tables.get(id)
  if (existed !== undefined) return existed
  const name = nameOfTable(now, id)
  const message = `the table ${name} did not exist as of ${formatIso(to)}`
  throw new PalimpsestError('UNKNOWN_TABLE', message, { name, at: formatIso(to) })
}

/** One table is put back into a keyspace that is there. */
function checkKeyspaceExists(now: Catalog, id: number, then: Catalog): void {
  if (now.keyspaces.has(id)) return
  const name = nameOfKeyspace(then, id)
  const message = `the keyspace ${name} does not exist now; restore it as a whole`
  throw new PalimpsestError('UNKNOWN_KEYSPACE', message, { name })
}

function planOf(
  { catalog, moment }: RestoreContext,
  then: Catalog,
  scope: RestorePlan['scope'],
  to: HybridTime,
  cause: 'restore' | 'undo',
  undoes?: number,
): RestorePlan {
  const inScope = ({ id, keyspace }: TableRow) =>
    keyspace === scope.keyspace && (scope.table === undefined || id === scope.table)
  const back = [...then.tables.values()].filter(inScope)
  const hidden = [...catalog.tables.values()].filter((table) => inScope(table) && !then.tables.has(table.id))
  const keyspace = then.keyspaces.get(scope.keyspace)
  checkNames(catalog, scope, keyspace, back)
  for (const table of back) assertReadable(tableReadable(catalog, table, moment), to, fullNameOf(then, table))
  const id = catalog.next
  const change = (at: HybridTime): readonly Write[] => [
    counter(id + 1),
    ...(scope.table === undefined ? keyspaceWrites(catalog, scope.keyspace, keyspace) : []),
    ...back.flatMap((table) => rewindWrites(catalog, table, to, at, cause)),
    ...hidden.flatMap((table) => dropWrites(catalog, table, at)),
    putRow({ kind: 'restore', row: { id, cause, ...scope, to, at, undoes } }),
  ]
  const planned =
    (action: (table: TableRow) => PlannedTable['action'], names: Catalog) => (table: TableRow) => ({
      id: table.id,
      name: fullNameOf(names, table),
      action: action(table),
    })
  return {
    ...{ id, cause, scope, to, change, undoes, method: 'rewind' },
    keyspace: keyspace?.name ?? nameOfKeyspace(catalog, scope.keyspace),
    tables: [
      ...back.map(planned(({ id: table }) => (catalog.tables.has(table) ? 'rewound' : 'returns'), then)),
      ...hidden.map(planned(() => 'hidden', catalog)),
    ],
  }
}

/** A name that comes back must be free: of a keyspace among keyspaces, of a table in its keyspace. */
function checkNames(
  catalog: Catalog,
  scope: RestorePlan['scope'],
  keyspace: KeyspaceRow | undefined,
  back: readonly TableRow[],
): void {
  if (scope.table !== undefined) {
    const clash = back.find((table) => isTableNameTaken(catalog, table))
    if (clash !== undefined) throw taken('table', fullNameOf(catalog, clash))
    return
  }
  const others = [...catalog.keyspaces.values()].filter(({ id }) => id !== scope.keyspace)
  if (keyspace !== undefined && others.some(({ name }) => name === keyspace.name))
    throw taken('keyspace', keyspace.name)
}

/** The keyspace goes back to its name then, or away where it did not exist. */
function keyspaceWrites(catalog: Catalog, id: number, then: KeyspaceRow | undefined): readonly Write[] {
  if (then !== undefined) return [putRow({ kind: 'keyspace', row: then })]
  const now = catalog.keyspaces.get(id)
  return now === undefined ? [] : [deleteRow({ kind: 'keyspace', row: now })]
}

function rewindWrites(
  catalog: Catalog,
  table: TableRow,
  to: HybridTime,
  at: HybridTime,
  cause: 'restore' | 'undo',
): readonly Write[] {
  const then = generationInForce(catalog, table.id, to)
  const ended = catalog.tables.has(table.id) ? [endGeneration(catalog, table, at)[1]] : []
  const row = rewoundGeneration(then, to, at, cause)
  return [...ended, putRow({ kind: 'table', row: table }), putRow({ kind: 'generation', table, row })]
}
