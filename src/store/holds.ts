/**
 * Everything that keeps times readable beyond a table's window: holds with a name, which the catalog
 * remembers, and those of open cursors, which only this open store does. And what that costs.
 *
 * Nothing is changed here; holds are placed and released by changes of the catalog.
 */
import { defined } from '../base/assert.ts'
import { bytesOfText } from '../base/bytes.ts'
import { prefixRange } from '../base/key-range.ts'
import {
  type Catalog,
  generationsOf,
  nameOfKeyspace,
  nameOfTable,
  tableRefs,
  tabletsOf,
} from '../catalog/catalog.ts'
import { type MemoryHold, type Moment, isExpired, promisesFor } from '../catalog/promises.ts'
import { type HoldRow, type HoldScope, type TableRef, readRow } from '../catalog/rows.ts'
import { type ReadablePromise } from '../history/explain-version.ts'
import { AloneTally, type KeptVersions, tallyVersions } from '../history/hold-usage.ts'
import { type Generation } from '../history/lineage.ts'
import { SYSTEM_TABLET } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, MICROS_MAX, MIN_TIME, hybridTime } from '../time/hybrid-time.ts'
import { type Stretches, stretch, union } from '../time/stretches.ts'
import { type Store } from './store.ts'

/** What every hold has. */
interface HoldBase {
  /** What it holds: `keyspace.table`, `keyspace`, or `*` for everything. */
  readonly on: string
  /** The times that it keeps readable, in order: of each stretch those after `after`, through `through`. */
  readonly times: Stretches
  /** When it was placed. */
  readonly since: HybridTime
  /** The time from which on it holds nothing, released or not; `undefined` if only a release ends it. */
  readonly until?: HybridTime | undefined
}

/** A hold with a name, on one stretch of time or one point, until it is released or runs out. */
export interface NamedHold extends HoldBase {
  readonly kind: 'hold'
  readonly name: string
  /** The last of its times: what its name means as a time. */
  readonly through: HybridTime
  readonly owner: string
  readonly reason: string
}

/**
 * The hold of an open scan, history or diff on what it reads, until it is read to its end, left or too old;
 * so are those of iterators and snapshots of a level, until they are closed or too old.
 */
export interface CursorHold extends HoldBase {
  readonly kind: 'cursor'
  /** Its number, which no other cursor of this open database has. */
  readonly id: number
  readonly until: HybridTime
}

/** Something that keeps times readable beyond the window. */
export type Hold = NamedHold | CursorHold

/** A hold with what it alone keeps: what could be dropped if it were released and all else stood. */
export interface UsedHold {
  readonly hold: Hold
  readonly alone: KeptVersions
}

/** What holds cost. */
export interface HoldUsage {
  readonly holds: readonly UsedHold[]
  /** What all of them keep together, beyond what the windows of tables keep. */
  readonly together: KeptVersions
}

/** The holds that are in force: those with a name in the order in which they were placed, then cursors. Throws `CLOSED`. */
export function listHolds(store: Store, moment: Moment = store.moment()): readonly Hold[] {
  store.assertOpen()
  const { catalog } = store
  const named = namedRows(store)
    .filter(({ row }) => !isExpired(row, moment.nowMicros))
    .map(({ row, since }) => namedHold(catalog, row, since))
  return [...named, ...Array.from(moment.memoryHolds, (hold) => cursorHold(catalog, hold))]
}

/**
 * What each hold alone keeps, and all of them together: versions of tables, those dropped included, with
 * the bytes of their keys and values. Reads every version once.
 */
export function holdUsage(store: Store): HoldUsage {
  const moment = store.moment()
  const used = listHolds(store, moment).map((hold) => ({ hold, alone: { versions: 0, bytes: 0 } }))
  const sums = new Map(used.map(({ hold, alone }) => [idOf(hold), alone]))
  const together = { versions: 0, bytes: 0 }
  for (const table of tableRefs(store.catalog)) {
    const [window, ...held] = promisesFor(store.catalog, table, moment)
    const times = held.map((promise) => promise.times)
    for (const [tablet, generations] of held.length === 0 ? [] : generationsByTablet(store.catalog, table)) {
      const each = new AloneTally(generations, [...times, window!.times])
      const all = new AloneTally(generations, [union(...times), window!.times])
      tallyVersions(store.versions([tablet]), [each, all])
      for (const [h, promise] of held.entries())
        addTo(defined(sums.get(idOf(promise)), 'a hold that makes a promise'), each.alone[h]!)
      addTo(together, all.alone[0]!)
    }
  }
  return { holds: used, together }
}

/** The tablets of a table, each with the generations that have it. */
function generationsByTablet(catalog: Catalog, { id }: TableRef): ReadonlyMap<number, readonly Generation[]> {
  const generations = generationsOf(catalog, id)
  return new Map(
    tabletsOf(catalog, id).map((tablet) => [tablet, generations.filter((g) => g.tablets.includes(tablet))]),
  )
}

/** The rows of holds in the order in which they were placed, each with the time of its commit. */
function namedRows(store: Store): readonly { readonly row: HoldRow; readonly since: HybridTime }[] {
  const range = prefixRange(bytesOfText('hold/'))
  const rows = store.tablets.get(SYSTEM_TABLET).scan(range, stretch(MIN_TIME, MAX_TIME), 'forward')
  return Array.from(rows, ({ key, value, time }) => ({ row: readRow(key, value), since: time }))
    .flatMap(({ row, since }) => (row.kind === 'hold' ? [{ row: row.row, since }] : []))
    .toSorted((a, b) => a.row.id - b.row.id)
}

/** The hold of a row of the catalog, which was committed at a time. */
export function namedHold(catalog: Catalog, row: HoldRow, since: HybridTime): NamedHold {
  const { name, scope, after, through, owner, reason, expiresMicros } = row
  const until = expiresMicros === undefined ? undefined : fromMicros(expiresMicros)
  const times = stretch(after, through)
  return { kind: 'hold', name, through, on: scopeText(catalog, scope), times, since, until, owner, reason }
}

function cursorHold(catalog: Catalog, hold: MemoryHold): CursorHold {
  const { id, table, times, sinceMicros, untilMicros } = hold
  const [since, until] = [hybridTime(sinceMicros), fromMicros(untilMicros)]
  return { kind: 'cursor', id, on: scopeText(catalog, { table }), times, since, until }
}

function scopeText(catalog: Catalog, scope: HoldScope): string {
  if ('database' in scope) return '*'
  return 'table' in scope ? nameOfTable(catalog, scope.table) : nameOfKeyspace(catalog, scope.keyspace)
}

/** The beginning of a microsecond; one that no time has means the end of all times. */
function fromMicros(micros: number): HybridTime {
  return micros > MICROS_MAX ? MAX_TIME : hybridTime(micros)
}

/** What a listed hold and its promise have in common. */
function idOf(hold: Hold | ReadablePromise): string {
  if (hold.kind === 'window') return 'window'
  return hold.kind === 'hold' ? `hold ${hold.name}` : `cursor ${hold.id}`
}

function addTo(sum: { versions: number; bytes: number }, { versions, bytes }: KeptVersions): void {
  sum.versions += versions
  sum.bytes += bytes
}
