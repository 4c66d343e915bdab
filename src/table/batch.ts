/**
 * Batches: writes to any tables of a database, planned as one commit. Everything is checked and encoded
 * before anything is written; of several writes to one key the last one wins.
 */
import { defined } from '../base/assert.ts'
import { hexOfBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Catalog } from '../catalog/catalog.ts'
import { type TableRow } from '../catalog/rows.ts'
import { generationAt } from '../history/lineage.ts'
import { type TabletWrites, type Write } from '../tablet/commit-record.ts'
import { tabletFor } from '../tablet/tablet.ts'
import { MAX_TIME } from '../time/hybrid-time.ts'
import { BATCH_BYTES_MAX, type Key, encodeKey, encodeValue } from './codec.ts'

/** One write of a batch, its table found. */
export type TableWrite =
  | { readonly type: 'put'; readonly table: TableRow; readonly key: Key; readonly value: unknown }
  | { readonly type: 'delete'; readonly table: TableRow; readonly key: Key }

/** The writes of a commit, by tablet. Throws `INVALID_KEY`, `INVALID_VALUE`, `TOO_LARGE`. */
export function planBatch(catalog: Catalog, batch: readonly TableWrite[]): readonly TabletWrites[] {
  const tablets = new Map<number, Map<string, Write>>()
  let bytes = 0
  for (const write of batch) {
    const { table } = write
    checkType(write)
    const key = encodeKey(write.key, table.keys)
    const value = write.type === 'put' ? encodeValue(write.value, table.values) : undefined
    bytes += key.length + (value?.length ?? 0)
    if (bytes > BATCH_BYTES_MAX) {
      throw new PalimpsestError('TOO_LARGE', `a batch of more than ${BATCH_BYTES_MAX} bytes`, {
        max: BATCH_BYTES_MAX,
      })
    }
    const generation = defined(
      generationAt(catalog.generations.get(table.id) ?? [], MAX_TIME),
      'a generation in force',
    )
    const tablet = tabletFor(generation.tablets, key)
    const writes = tablets.get(tablet) ?? new Map<string, Write>()
    tablets.set(tablet, writes.set(hexOfBytes(key), { key, value }))
  }
  return [...tablets].map(([tablet, writes]) => ({ tablet, writes: [...writes.values()] }))
}

/** Callers without types can say anything; what is not understood must not delete. */
function checkType({ type }: { readonly type: string }): void {
  if (type === 'put' || type === 'delete') return
  throw new PalimpsestError('INVALID_ARGUMENT', `a write is a put or a delete, not ${JSON.stringify(type)}`)
}
