/**
 * A look behind the answers: which versions and files a table has, and when it can be read. To teach and
 * to check: nothing here is limited to what a view shows or to what is readable, and nothing is changed.
 */
import { tableReadable } from '../catalog/promises.ts'
import { type TableRow } from '../catalog/rows.ts'
import { placementsOf } from '../storage/shape.ts'
import { type Store } from '../store/store.ts'
import { type Key, decodeKey, decodeValue } from '../table/codec.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Stretch } from '../time/stretches.ts'

/** A version that lies in a memtable or a file. */
export interface StoredVersion<K extends Key = Key, V = unknown> {
  readonly key: K
  readonly time: HybridTime
  /** What was written, or `undefined` for a tombstone: the key was deleted. */
  readonly value: V | undefined
}

/** A table file. */
export interface StoredFile<K extends Key = Key> {
  readonly level: number
  /** The sorted run of its level that it belongs to: a higher one is newer. */
  readonly run: number
  /** Its number, which no other file that the manifest ever named has. */
  readonly number: number
  readonly bytes: number
  readonly keys: number
  readonly versions: number
  /** Values that no newer version in the file hides. */
  readonly live: number
  /** Values with a newer version of their key in the file. */
  readonly superseded: number
  readonly tombstones: number
  readonly firstKey: K
  readonly lastKey: K
  readonly minTime: HybridTime
  readonly maxTime: HybridTime
}

/** The times `t` with `after < t ≤ through`. */
export type ReadableStretch = Stretch

/** The versions of some tablets of a table, decoded: keys rise, times of one key fall. */
export function* storedVersions<K extends Key, V>(
  store: Store,
  { keys, values }: TableRow,
  tablets: readonly number[],
): Generator<StoredVersion<K, V>> {
  for (const { key, time, value } of store.versions(tablets)) {
    const decoded = value === undefined ? undefined : (decodeValue(value, values) as V)
    yield { key: decodeKey(key, keys) as K, time, value: decoded }
  }
}

/** The files of some tablets of a table: from the top level down, each level in its order. */
export function storedFiles<K extends Key>(
  store: Store,
  row: TableRow,
  tablets: readonly number[],
): readonly StoredFile<K>[] {
  const decode = (key: Uint8Array) => decodeKey(key, row.keys) as K
  const files = tablets.flatMap((id) => placementsOf(store.tablets.get(id).state.shape))
  return files
    .toSorted((a, b) => a.level - b.level)
    .map(({ level, run, table }) => ({
      level,
      run,
      number: table.number,
      bytes: table.bytes,
      keys: table.keys,
      versions: table.versions,
      live: table.live,
      superseded: table.superseded,
      tombstones: table.tombstones,
      firstKey: decode(table.first.key),
      lastKey: decode(table.last.key),
      minTime: table.minTime,
      maxTime: table.maxTime,
    }))
}

/** The times as of which a table can be read now, in order. */
export function readableStretches(store: Store, table: TableRow): readonly ReadableStretch[] {
  return tableReadable(store.catalog, table, store.moment())
}
