/**
 * What users tell a database: the shapes of options, and the reading of those that callers without types
 * can get wrong.
 */
import { PalimpsestError } from '../base/errors.ts'
import { type KeyType, type ValueType } from '../catalog/rows.ts'
import { type Keep } from '../history/readable.ts'
import { type GeometryName } from '../storage/geometry.ts'
import { type PickerName } from '../storage/pickers.ts'
import { type PolicyName } from '../storage/policy.ts'
import { type StoreEvent } from '../store/events.ts'
import { type Key } from '../table/codec.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { parseDuration } from '../time/duration.ts'
import { type TimeInput } from '../time/expression.ts'
import { type HybridTime, MICROS_MAX } from '../time/hybrid-time.ts'

/** How to open a database. Every option has a default that nobody has to change. */
export interface OpenOptions {
  /** Opens without a lock and changes nothing. @defaultValue false */
  readonly readOnly?: boolean | undefined
  /** Makes a new database in a directory that is empty or not there. @defaultValue true, unless `readOnly` */
  readonly create?: boolean | undefined
  /** For a new database: the sizes that shape its trees; `tiny` takes small data through every level. @defaultValue 'default' */
  readonly geometry?: GeometryName | undefined
  /** How files are merged from now on, with what it changes in cost; answers stay. @defaultValue what it was, at first 'leveled' */
  readonly policy?: PolicyName | undefined
  /** Which table of a full level leveling merges next. @defaultValue what it was, at first 'round-robin' */
  readonly picker?: PickerName | undefined
  /** What commits survive unless they say otherwise. @defaultValue 'os' */
  readonly durability?: Durability | undefined
  /** Memory for decoded blocks, in bytes. @defaultValue 64 MiB */
  readonly cacheBytes?: number | undefined
  /** Table files that are kept open. @defaultValue 500 */
  readonly openTables?: number | undefined
  /** Told of every event, those of the opening included. */
  readonly onEvent?: ((event: StoreEvent) => void) | undefined
}

/** How long history is kept: `'forever'`, a duration such as `'24h'` or `'30d'`, or microseconds. */
export type KeepInput = string | number

/** What a new table is. */
export interface TableOptions {
  /** What its keys are. @defaultValue 'text' */
  readonly keys?: KeyType | undefined
  /** What its values are: a document is anything that MessagePack can hold. @defaultValue 'document' */
  readonly values?: ValueType | undefined
  /** How long its history is kept. @defaultValue the keyspace's, the database's, or 24 hours */
  readonly keep?: KeepInput | undefined
}

/** What to put back, and to when. */
export interface RestoreOptions {
  readonly to: TimeInput
  /** One table of the keyspace. @defaultValue all of them */
  readonly table?: string | undefined
}

/** A hold to be placed: a point (`at`) or a stretch (`from` through `through`), on one table, a keyspace or everything. */
export interface HoldOptions {
  readonly name: string
  readonly table?: string | undefined
  readonly keyspace?: string | undefined
  readonly at?: TimeInput | undefined
  readonly from?: TimeInput | undefined
  readonly through?: TimeInput | undefined
  readonly owner?: string | undefined
  readonly reason?: string | undefined
  /** For how long it holds, from now on. @defaultValue until it is released */
  readonly expiresIn?: string | number | undefined
}

/** A hold that is in force. */
export interface Hold {
  readonly name: string
  /** What it holds: `keyspace.table`, `keyspace`, or `*` for everything. */
  readonly on: string
  /** The times `(after, through]`. */
  readonly after: HybridTime
  readonly through: HybridTime
  readonly owner: string
  readonly reason: string
  readonly expiresMicros?: number | undefined
}

/** One write of a database's batch. */
export type DatabaseWrite =
  | { readonly type: 'put'; readonly table: string; readonly key: Key; readonly value: unknown }
  | { readonly type: 'delete'; readonly table: string; readonly key: Key }

/** How long history is kept, as users say it. Throws `INVALID_TIME`. */
export function keepFrom(keep: KeepInput): Keep {
  return keep === 'forever' ? 'forever' : durationFrom(keep)
}

/** A duration as users say it, in microseconds. Throws `INVALID_TIME`. */
export function durationFrom(duration: string | number): number {
  if (typeof duration === 'string') return parseDuration(duration)
  if (Number.isInteger(duration) && duration >= 0 && duration <= MICROS_MAX) return duration
  throw new PalimpsestError(
    'INVALID_TIME',
    `a duration is a whole number of microseconds below 2^52, not ${String(duration)}`,
  )
}

/** Refuses a table together with a keyspace. */
export function checkOneScope({
  table,
  keyspace,
}: {
  table?: string | undefined
  keyspace?: string | undefined
}): void {
  if (table === undefined || keyspace === undefined) return
  throw new PalimpsestError('INVALID_ARGUMENT', 'a table or a keyspace, not both')
}

/** Refuses a value that is none of those there are. */
export function checkChoice(name: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return
  throw new PalimpsestError('INVALID_ARGUMENT', `${name} is one of ${allowed.join(', ')}, not ${value}`)
}
