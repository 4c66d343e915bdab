/**
 * Recovery, as users ask for it: restores and undos applied to a store, and the list of them.
 */
import { nameOfKeyspace } from '../catalog/catalog.ts'
import { type Moment } from '../catalog/promises.ts'
import { type Store } from '../store/store.ts'
import { type RestoreRow } from '../catalog/rows.ts'
import { type LaterWrite, writesAfter } from './later-writes.ts'
import { type HybridTime, formatIso } from '../time/hybrid-time.ts'
import {
  type PlannedTable,
  type RestoreContext,
  type RestorePlan,
  type RestoreScope,
  planRestore,
  planUndo,
  restoreName,
  undosInForce,
  unknownRestore,
} from './restore.ts'

/** A restore or an undo that has happened, or is planned. */
export interface Restore {
  /** `restore-12`: what undo takes, and a name that can be used as a time. */
  readonly id: string
  readonly cause: 'restore' | 'undo'
  readonly keyspace: string
  /** The time whose state came back, exact; and the same to read. */
  readonly to: HybridTime
  readonly toAt: string
  /** When it happened; `undefined` in a plan. */
  readonly time?: HybridTime | undefined
  readonly at?: string | undefined
  readonly method: 'rewind'
  readonly tables: readonly PlannedTable[]
  /** The restore that it undoes. */
  readonly undoes?: string | undefined
}

/** A restore in the list of all. */
export interface ListedRestore extends Omit<Restore, 'tables'> {
  /** The one table that was put back, where it was one. */
  readonly table?: string | undefined
  /** The undo that is in force against it. */
  readonly undoneBy?: string | undefined
}

/** Plans a restore without doing anything. */
export function previewRestore(store: Store, scope: RestoreScope, to: HybridTime): Restore {
  return describe(planFor(store, scope, to))
}

/** Plans an undo without doing anything. */
export function previewUndo(store: Store, id: string): Restore {
  return describe(undoFor(store, id))
}

/** The writes that an undo would hide beside what it undoes. Throws as {@link previewUndo} does, at once. */
export function hiddenByUndo(store: Store, id: string): Generator<LaterWrite> {
  const { tables } = undoFor(store, id)
  const { at } = store.catalog.restores.get(idOf(store, id))!
  return writesAfter(
    store,
    tables.map((table) => table.id),
    at,
  )
}

/** Puts a keyspace or a table back. One commit, durable when it returns, whatever the size of the data. */
export function applyRestore(store: Store, scope: RestoreScope, to: HybridTime): Restore {
  return apply(store, planFor(store, scope, to))
}

/** Undoes a restore or an undo. */
export function applyUndo(store: Store, id: string): Restore {
  return apply(store, undoFor(store, id))
}

/** All restores and undos, oldest first. */
export function listRestores(store: Store): readonly ListedRestore[] {
  const { catalog } = store
  const undos = undosInForce(catalog)
  const rows = [...catalog.restores.values()].toSorted((a, b) => a.id - b.id)
  return rows.map((row) => {
    const { cause, keyspace, table, undoes } = row
    const undoneBy = undos.get(row.id)
    return {
      ...timesOf(row),
      id: restoreName(row.id),
      cause,
      keyspace: nameOfKeyspace(catalog, keyspace),
      table: table === undefined ? undefined : (catalog.tables.get(table)?.name ?? `dropped table ${table}`),
      method: 'rewind' as const,
      undoes: undoes === undefined ? undefined : restoreName(undoes),
      undoneBy: undoneBy && restoreName(undoneBy.id),
    }
  })
}

/** The time at which the restore of a name happened, for time expressions. */
export function restoreTimeNamed(store: Store, name: string): HybridTime | undefined {
  const match = RESTORE_NAME.exec(name)
  return match ? store.catalog.restores.get(Number(match[1]))?.at : undefined
}

const RESTORE_NAME = /^restore-([1-9]\d{0,14})$/

function planFor(store: Store, scope: RestoreScope, to: HybridTime): RestorePlan {
  // The target is closed before anything is planned, so that it lies below the restore's own time.
  store.use(to)
  return store.plan((moment) => planRestore(contextOf(store, moment), scope, to))
}

function undoFor(store: Store, id: string): RestorePlan {
  return store.plan((moment) => planUndo(contextOf(store, moment), idOf(store, id)))
}

function contextOf(store: Store, moment: Moment): RestoreContext {
  return { catalog: store.catalog, catalogAsOf: (time) => store.catalogAsOf(time), moment }
}

function apply(store: Store, plan: RestorePlan): Restore {
  const time = store.commitCatalog(plan.change)
  return { ...describe(plan), time, at: formatIso(time) }
}

function describe({ id, cause, keyspace, to, method, tables, undoes }: RestorePlan): Restore {
  return {
    ...{ id: restoreName(id), cause, keyspace, to, toAt: formatIso(to), method, tables },
    undoes: undoes === undefined ? undefined : restoreName(undoes),
  }
}

function timesOf({ to, at }: RestoreRow) {
  return { to, toAt: formatIso(to), time: at, at: formatIso(at) }
}

function idOf({ catalog }: Store, name: string): number {
  const match = RESTORE_NAME.exec(name)
  if (match === null) throw unknownRestore(catalog, name)
  return Number(match[1])
}
