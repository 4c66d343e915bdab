/**
 * Reading how a table changed: the history of a key, and the difference between two times. The times
 * that are read are held in memory while they are.
 */
import { copyOf } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type KeyRange } from '../base/key-range.ts'
import { generationsOf } from '../catalog/catalog.ts'
import { tableReadable } from '../catalog/promises.ts'
import { type TableRow } from '../catalog/rows.ts'
import { type DiffSide, type KeyDifferences, differences } from '../history/diff.ts'
import { type KeyVersions, StateHistory } from '../history/state-history.ts'
import { type Direction } from '../storage/cursor.ts'
import { type TimeOrder, copyOfVersion } from '../storage/version.ts'
import { tabletFor } from '../tablet/tablet.ts'
import { type HybridTime, MIN_TIME, formatExact, laterOf, tickAfter } from '../time/hybrid-time.ts'
import { NO_TIMES, type Stretches, closedStretch, intersection, stretch, union } from '../time/stretches.ts'
import { type HeldRead } from './held-read.ts'
import { type ReadPoint } from './read-points.ts'
import { type ChosenRead } from './open-reads.ts'
import { type Store } from './store.ts'

/** What is asked of the history of a key. */
export interface HistoryRequest {
  readonly table: number
  readonly key: Uint8Array
  /** The first time; left out, the first one that is readable. */
  readonly from?: HybridTime | undefined
  /** The last time; left out, the newest one there is. */
  readonly to?: HybridTime | undefined
  readonly order: TimeOrder
}

/**
 * The changes of a key over the readable times. Throws `UNKNOWN_TABLE`, `FUTURE_TIME`, and `HISTORY_GONE`
 * if one of the ends is given and not readable.
 */
export function historyOf(store: Store, request: HistoryRequest): HeldRead<StateHistory> {
  const { table: id } = request
  const [from, to] = [somewhat(request.from), somewhat(request.to)]
  if (to !== undefined) store.use(to)
  if (from !== undefined) store.use(from)
  if (from !== undefined && to !== undefined && from > to) {
    const details = { from: formatExact(from), to: formatExact(to) }
    throw new PalimpsestError('INVALID_ARGUMENT', 'a history ends before it begins', details)
  }
  const ends = from === undefined && to === undefined ? NO_TIMES : union(pointOf(from), pointOf(to))
  store.assertReadable(store.tableOf(id, to), ends)
  return store.reading(() => {
    const table = store.tableOf(id, to)
    // The first step may come long after the call: an end that was given must still be readable.
    store.assertReadable(table, ends)
    return changesOf(store, table, { ...request, from, to })
  })
}

function changesOf(
  store: Store,
  table: TableRow,
  { key, from, to, order }: HistoryRequest,
): ChosenRead<StateHistory> {
  // One moment for all that follows: on a clock that goes on, the window of a later one begins later.
  const moment = store.moment()
  const last = to ?? store.presentOf(table, moment)
  const asked = from === undefined ? stretch(MIN_TIME, last) : closedStretch(from, last)
  const times = intersection(asked, tableReadable(store.catalog, table, moment))
  const generations = generationsOf(store.catalog, table.id)
  const read = () => new StateHistory(versionsOfKey(store, key), generations, times, order)
  return { table, times, moment, read }
}

function versionsOfKey(store: Store, key: Uint8Array): KeyVersions {
  const treeOf = (tablets: readonly number[]) => store.tablets.get(tabletFor(tablets, key))
  return {
    find: (tablets, view) => {
      const version = treeOf(tablets).find(key, view)
      return version && copyOfVersion(version, { copyOf })
    },
    batches: (tablets, view, order) => treeOf(tablets).versionBatches(key, view, order),
  }
}

/** What is asked of the difference between two times. */
export interface DiffRequest {
  readonly table: number
  readonly range: KeyRange
  readonly direction: Direction
  readonly from: HybridTime
  /** Left out, the newest time there is. */
  readonly to?: HybridTime | undefined
}

/** The keys of a range whose answers differ. Throws `UNKNOWN_TABLE`, `FUTURE_TIME`, `HISTORY_GONE`. */
export function diffOf(store: Store, request: DiffRequest): HeldRead<KeyDifferences> {
  store.readPoint(request.table, request.from)
  store.readPoint(request.table, request.to)
  return store.reading(() => differencesOf(store, request))
}

function differencesOf(
  store: Store,
  { table: id, range, direction, from, to }: DiffRequest,
): ChosenRead<KeyDifferences> {
  const { table } = store.readPoint(id, to ?? from)
  // One moment for all that follows, as in a history; what is held is readable when it is read.
  const moment = store.moment()
  const then = to ?? store.presentOf(table, moment)
  const times = union(pointOf(from), pointOf(then))
  // The first step may come long after the call. What is held was readable before it was held.
  store.assertReadable(table, times, moment)
  const sideAt = (time: HybridTime) => sideOf(store, store.readPoint(id, time), range)
  const read = () => differences(sideAt(from), sideAt(then), range, direction)
  return { table, times, moment, read }
}

function sideOf(store: Store, { tablets, view }: ReadPoint, range: KeyRange): DiffSide {
  return { versions: store.tablets.get(tabletFor(tablets, range.lower)), view }
}

/** Nothing is at the beginning of time itself: what is asked for there is asked for at the first time that can be. */
function somewhat(time: HybridTime | undefined): HybridTime | undefined {
  return time === undefined ? undefined : laterOf(time, tickAfter(MIN_TIME))
}

function pointOf(time: HybridTime | undefined): Stretches {
  return time === undefined ? NO_TIMES : closedStretch(time, time)
}
