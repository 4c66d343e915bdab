/**
 * What an undo hides beside the restore: the writes that came after it.
 *
 *     restore at R          undo at U
 *     ─────●───b@7───c@9──────●──────▶      b@7 and c@9 show until U, and as of times before U for ever
 */
import { defined } from '../base/assert.ts'
import { ALL_KEYS } from '../base/key-range.ts'
import { fullNameOf } from '../catalog/catalog.ts'
import { directiveFor } from '../catalog/promises.ts'
import { type TableRow } from '../catalog/rows.ts'
import { tookSomethingAway } from '../history/deletions.ts'
import { type ReadPoint } from '../store/read-points.ts'
import { type Store } from '../store/store.ts'
import { type Key, decodeKey } from '../table/codec.ts'
import { tabletFor } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, formatIso } from '../time/hybrid-time.ts'
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
 * what was absent are left out.
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
  let present: ReadPoint | undefined
  const read = store.reading(() => {
    // One moment for both, as in a history: the present need not be readable at a later one.
    const moment = store.moment()
    const now = store.presentOf(row, moment)
    const scan = () => {
      present = store.readPoint(row.id, now)
      const { tablets, view } = present
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
      if (isDelete && !tookAway(store, defined(present, 'a read that has begun'), key, after)) continue
      yield { table, key: decodeKey(key, row.keys), time, at: formatIso(time), isDelete }
    }
  } finally {
    read.close()
  }
}

/** Whether what deletes a key took anything away since a time. What did not may be gone at any time, and is no change. */
function tookAway(store: Store, { tablets, view }: ReadPoint, key: Uint8Array, since: HybridTime): boolean {
  const tablet = store.tablets.get(tabletFor(tablets, key))
  const batches = tablet.versionBatches(key, stretch(MIN_TIME, MAX_TIME), 'newest first')
  return tookSomethingAway(directiveFor(store.catalog, tablet.id, store.moment()), batches, view, since)
}
