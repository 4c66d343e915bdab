/**
 * Batches: writes to any tables of a database, planned as one commit. Everything is checked and encoded
 * before anything is written; of several writes to one key the last one wins.
 */
import { PalimpsestError } from '../base/errors.ts'
import { type Catalog, generationInForce } from '../catalog/catalog.ts'
import { type TableRow } from '../catalog/rows.ts'
import { hashOfKey } from '../storage/bloom-filter.ts'
import { KeyIndex } from '../storage/key-index.ts'
import { type TabletWrites } from '../storage/commit-record.ts'
import { tabletFor } from '../tablet/tablet.ts'
import { BATCH_BYTES_MAX, type Key, viewKey, viewValue } from './codec.ts'

/** One write of a batch, its table found. */
export type TableWrite =
  | { readonly type: 'put'; readonly table: TableRow; readonly key: Key; readonly value: unknown }
  | { readonly type: 'delete'; readonly table: TableRow; readonly key: Key }

/** A write whose value can still be that of a later write of the batch. */
interface OpenWrite {
  readonly key: Uint8Array
  value: Uint8Array | undefined
}

/** The writes to one tablet, with an index that finds the one of a key. */
interface OpenTablet {
  readonly writes: OpenWrite[]
  readonly index: KeyIndex<OpenWrite>
}

/**
 * The writes of a commit, by tablet. Their bytes may be the caller's: whoever keeps them copies them. Throws `INVALID_KEY`,
 * `INVALID_VALUE`, `TOO_LARGE`, `INVALID_ARGUMENT`, which say which of the writes it is.
 */
export function planBatch(catalog: Catalog, batch: readonly TableWrite[]): readonly TabletWrites[] {
  const plan = new BatchPlan(catalog, batch.length)
  for (let i = 0; i < batch.length; i++) {
    try {
      plan.add(batch[i]!)
    } catch (error) {
      throw batch.length > 1 ? ofWrite(error, i) : error
    }
  }
  return plan.writes
}

/** The refusal of a write of many, which says which one it is. */
function ofWrite(error: unknown, index: number): unknown {
  if (!(error instanceof PalimpsestError)) return error
  const { code, message, details, cause } = error
  return new PalimpsestError(
    code,
    `${message}: in write ${index} of the batch`,
    { ...details, write: index },
    cause,
  )
}

/** Writes that become one commit. */
class BatchPlan {
  readonly #catalog: Catalog
  /** How many writes there will be. */
  readonly #count: number
  readonly #tablets = new Map<number, OpenTablet>()
  readonly #tabletOf = new Map<TableRow, (key: Uint8Array) => number>()
  #bytes = 0

  constructor(catalog: Catalog, count: number) {
    this.#catalog = catalog
    this.#count = count
  }

  get writes(): readonly TabletWrites[] {
    return [...this.#tablets].map(([tablet, { writes }]) => ({ tablet, writes }))
  }

  add(write: TableWrite): void {
    const { table } = write
    checkType(write)
    const key = viewKey(write.key, table.keys)
    const value = write.type === 'put' ? viewValue(write.value, table.values) : undefined
    this.#bytes += key.length + (value?.length ?? 0)
    if (this.#bytes > BATCH_BYTES_MAX) {
      throw new PalimpsestError('TOO_LARGE', `a batch of more than ${BATCH_BYTES_MAX} bytes`, {
        max: BATCH_BYTES_MAX,
      })
    }
    const find = this.#tabletOf.get(table) ?? tabletTaking(this.#catalog, table)
    this.#tabletOf.set(table, find)
    addWrite(openTablet(this.#tablets, find(key), this.#count), { key, value })
  }
}

/** Which tablet of a table takes a key now. */
function tabletTaking(catalog: Catalog, table: TableRow): (key: Uint8Array) => number {
  const { tablets } = generationInForce(catalog, table.id)
  return (key) => tabletFor(tablets, key)
}

/** The writes to a tablet, of a batch of so many. Mostly there is one tablet. */
function openTablet(tablets: Map<number, OpenTablet>, id: number, writes: number): OpenTablet {
  let tablet = tablets.get(id)
  if (tablet === undefined) {
    tablet = { writes: [], index: new KeyIndex(tablets.size === 0 ? writes : 0) }
    tablets.set(id, tablet)
  }
  return tablet
}

function addWrite({ writes, index }: OpenTablet, write: OpenWrite): void {
  const hash = hashOfKey(write.key)
  const earlier = index.find(write.key, hash)
  if (earlier !== undefined) earlier.value = write.value
  else {
    writes.push(write)
    index.add(write, hash)
  }
}

/** Callers without types can say anything; what is not understood must not delete. */
function checkType({ type }: { readonly type: unknown }): void {
  if (type === 'put' || type === 'delete') return
  const what = typeof type === 'string' ? JSON.stringify(type) : typeof type
  throw new PalimpsestError('INVALID_ARGUMENT', `a write is a put or a delete, not ${what}`)
}

function isWrite(write: unknown): boolean {
  return typeof write === 'object' && write !== null
}

/** Refuses what is no list of writes. Throws `INVALID_ARGUMENT`. */
export function checkWrites(writes: unknown): void {
  // `every` passes over holes, `includes` takes them for `undefined`.
  if (Array.isArray(writes) && !writes.includes(undefined) && writes.every(isWrite)) return
  throw new PalimpsestError('INVALID_ARGUMENT', 'a batch is an array of writes')
}
