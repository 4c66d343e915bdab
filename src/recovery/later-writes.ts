/**
 * What an undo hides beside the restore: the writes that came after it.
 *
 *     restore at R          undo at U
 *     ─────●───b@7───c@9──────●──────▶      b@7 and c@9 show until U, and as of times before U for ever
 */
import { ALL_KEYS } from '../base/key-range.ts'
import { fullNameOf } from '../catalog/catalog.ts'
import { type TableRow } from '../catalog/rows.ts'
import { type Store } from '../store/store.ts'
import { type Key, decodeKey } from '../table/codec.ts'
import { type Tablet, tabletFor } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, formatIso, tickBefore } from '../time/hybrid-time.ts'
import { type Stretches, closedStretch, intersection, stretch } from '../time/stretches.ts'

/** The newest write of a key after a restore. */
export interface LaterWrite {
  /** The full name of the table, as it is now. */
  readonly table: string
  readonly key: Key
  readonly time: HybridTime
  readonly at: string
  readonly isDelete: boolean
}

/** The keys of some tables that were written after a time, each with its newest write, table by table. */
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
  const now = store.presentOf(row)
  const { tablets, view } = store.readPoint(row.id, now)
  const later = intersection(view, stretch(after, MAX_TIME))
  const tree = store.tablets.get(tabletFor(tablets, ALL_KEYS.lower))
  const read = store.holding(row, closedStretch(now, now), () => {
    return tree.newestVersions(ALL_KEYS, later, 'forward')
  })
  try {
    while (read.step()) {
      const { key, version } = read.found
      const { time, value } = version
      const isDelete = value === undefined
      if (isDelete && !wasThere(tree, key, view, { after, before: time })) continue
      yield { table, key: decodeKey(key, row.keys), time, at: formatIso(time), isDelete }
    }
  } finally {
    read.close()
  }
}

/**
 * Whether a key had a value at some time from `after` on, before it was deleted at `before`. A deletion of what is absent
 * is no change, and whether it is still there nobody promises.
 */
function wasThere(
  tree: Tablet,
  key: Uint8Array,
  view: Stretches,
  { after, before }: { readonly after: HybridTime; readonly before: HybridTime },
): boolean {
  for (let time = before; time > after;) {
    const version = tree.find(key, intersection(view, stretch(MIN_TIME, tickBefore(time))))
    if (version?.value !== undefined) return true
    if (version === undefined) return false
    time = version.time
  }
  return false
}
