/**
 * The table under a level: what Level reads and writes, in bytes, now or as of a time.
 *
 * Which time a read means is decided here. A token is a snapshot that holds its time in memory:
 *
 *     neither     what is there now
 *     asOf        that time
 *     snapshot    the token's time
 *     both        refused
 */
import { PalimpsestError } from '../base/errors.ts'
import { type KeyRange } from '../base/key-range.ts'
import { type Restore, applyRestore, applyUndo, listRestores } from '../recovery/recovery.ts'
import { type Direction } from '../storage/cursor.ts'
import { type HeldRead } from '../store/held-read.ts'
import { type VersionScan } from '../storage/version-scan.ts'
import { type ReadPoint } from '../store/read-points.ts'
import { type HeldTime } from '../store/open-reads.ts'
import { type Store } from '../store/store.ts'
import { type Table, type TableHandle } from '../table/table.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type TimeInput } from '../time/expression.ts'
import { LevelSnapshot } from './snapshot.ts'

/** Which time a read means. */
export interface ReadTime {
  readonly asOf?: TimeInput | undefined
  readonly snapshot?: unknown
}

/** A write, in bytes. */
export type ByteWrite =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'delete'; readonly key: Uint8Array }

/** A table whose keys and values are bytes. */
export class ByteTable {
  readonly table: Table<Uint8Array, Uint8Array>
  readonly #handle: TableHandle
  readonly #store: Store

  /** Throws `CLOSED`, `INVALID_ARGUMENT` if the table holds anything but bytes, `UNKNOWN_TABLE` if it is gone. */
  constructor(table: Table<Uint8Array, Uint8Array>) {
    this.table = table
    this.#handle = table.handle
    this.#store = this.#handle.context.store
    this.#store.assertOpen()
    const { keys, values } = this.#store.tableOf(table.id, this.#handle.boundTo)
    if (keys === 'bytes' && values === 'bytes') return
    throw new PalimpsestError(
      'INVALID_ARGUMENT',
      `a level needs a table of bytes: ${table.name} has ${keys} keys and ${values} values; create it with ` +
        `{ keys: 'bytes', values: 'bytes' }`,
      { table: table.name, keys, values },
    )
  }

  /** Where a read looks. Throws `INVALID_TIME`, `FUTURE_TIME`, `HISTORY_GONE`, `INVALID_ARGUMENT`. */
  readPoint(at: ReadTime): ReadPoint {
    return this.#store.readPoint(this.#handle.id, this.#timeOf(at))
  }

  /** The value of a key, as a look into the engine's memory. */
  find(point: ReadPoint, key: Uint8Array): Uint8Array | undefined {
    return this.#store.find(point, key)?.value
  }

  /** Holds the time that a read means, or the present. */
  hold(at: ReadTime): HeldTime {
    return this.#store.holdTime(this.#handle.id, this.#timeOf(at))
  }

  /** The keys of a range with what they show at a time; both are looks into the engine's memory. */
  scan(range: KeyRange, direction: Direction, asOf: HybridTime): HeldRead<VersionScan<Uint8Array>> {
    return this.#store.scan({ table: this.#handle.id, range, direction, asOf })
  }

  /** Makes all writes in one commit, or none. */
  commit(writes: readonly ByteWrite[], durability: Durability | undefined): void {
    this.table.batch(writes, { durability })
  }

  /** Puts the table back to what it was at a time. */
  restore(to: TimeInput): Restore {
    const { context, id } = this.#handle
    const { keyspace } = this.#restoreScope()
    // By its id, because another one may have had its name then.
    return applyRestore(this.#store, { keyspace, table: id }, context.resolve(to))
  }

  /** Undoes a restore that was one of this table. Throws `UNKNOWN_RESTORE`, `ALREADY_UNDONE`. */
  undo(id: string): Restore {
    const { keyspace, table } = this.#restoreScope()
    const ours = listRestores(this.#store).filter((it) => it.keyspace === keyspace && it.table === table)
    const known = ours.map((restore) => restore.id)
    if (known.includes(id)) return applyUndo(this.#store, id)
    const message = `no restore ${JSON.stringify(id)} of ${this.table.name}`
    throw new PalimpsestError('UNKNOWN_RESTORE', message, { id, known })
  }

  #restoreScope(): { readonly keyspace: string; readonly table: string } {
    if (this.#handle.boundTo !== undefined)
      throw new PalimpsestError('READ_ONLY', 'a view of the past cannot be restored')
    const [keyspace = '', table = ''] = this.table.name.split('.')
    return { keyspace, table }
  }

  #timeOf({ asOf, snapshot }: ReadTime): HybridTime | undefined {
    if (snapshot === undefined || snapshot === null) {
      return this.#handle.timeOf(asOf)
    }
    if (asOf !== undefined) {
      throw new PalimpsestError('INVALID_ARGUMENT', 'a read is as of a time or of a snapshot, not both')
    }
    if (snapshot instanceof LevelSnapshot && snapshot.isOf(this)) return snapshot.time
    throw new PalimpsestError('INVALID_ARGUMENT', 'the snapshot is one of another database')
  }
}
