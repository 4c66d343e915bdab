/**
 * What an undo hides beside the restore: the writes that came after it.
 *
 *     restore at R          undo at U
 *     ─────●───b@7───c@9──────●──────▶      b@7 and c@9 show until U, and as of times before U for ever
 */
import { ALL_KEYS } from '../base/key-range.ts'
import { fullNameOf } from '../catalog/catalog.ts'
import { type TableRow } from '../catalog/rows.ts'
import { explainVersion } from '../store/explain.ts'
import { type Store } from '../store/store.ts'
import { type Key, decodeKey } from '../table/codec.ts'
import { tabletFor } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, formatIso } from '../time/hybrid-time.ts'
import { closedStretch, intersection, stretch } from '../time/stretches.ts'

/** The newest write of a key after a restore. */
export interface LaterWrite {
  /** The full name of the table, as it is now. */
  readonly table: string
  readonly key: Key
  readonly time: HybridTime
  readonly at: string
  readonly isDelete: boolean
}

/**
 * The keys of some tables that were written after a time, each with its newest write, table by table; deletions of
 * nothing are left out.
 */
export function* writesAfter(
  store: Store,
  tables: readonly number[],
  time: HybridTime,
): Generator<LaterWrite> {
  for (const id of tables) {
    const row = store.catalog.tables.get(id)
    if (row !== undefined) yield* writesTo(store, row, time)
  }
}

function* writesTo(store: Store, row: TableRow, after: HybridTime): Generator<LaterWrite> {
  const table = fullNameOf(store.catalog, row)
  const read = store.reading(() => {
    // One moment for both, as in a history: the present need not be readable at a later one.
    const moment = store.moment()
    const now = store.presentOf(row, moment)
    const scan = () => {
      const { tablets, view } = store.readPoint(row.id, now)
      const later = intersection(view, stretch(after, MAX_TIME))
      return store.tablets.get(tabletFor(tablets, ALL_KEYS.lower)).newestVersions(ALL_KEYS, later, 'forward')
    }
    return { table: row, times: closedStretch(now, now), moment, read: scan }
  })
  try {
    while (read.step()) {
      const { key, version } = read.found
      const { time, value } = version
      const isDelete = value === undefined
      if (isDelete && !isKept(store, row, key, time)) continue
      yield { table, key: decodeKey(key, row.keys), time, at: formatIso(time), isDelete }
    }
  } finally {
    read.close()
  }
}

/** Whether a deletion hides anything. One that does not may be gone at any time, and is no change. */
function isKept(store: Store, { id }: TableRow, key: Uint8Array, time: HybridTime): boolean {
  return explainVersion(store, id, key, time, undefined).verdict === 'kept'
}
