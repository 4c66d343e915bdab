/**
 * What users tell a database: the shapes of options, and the reading of those that callers without types
 * can get wrong.
 */
import { type OptionNames, checkChoice, checkOptions, checkText } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type HoldRow, type KeyType, type ValueType } from '../catalog/rows.ts'
import { type Keep } from '../history/readable.ts'
import { type RestoreScope } from '../recovery/restore.ts'
import { type GeometryName, type Sizes } from '../storage/geometry.ts'
import { type PickerName } from '../storage/pickers.ts'
import { type PolicyName } from '../storage/policy.ts'
import { type StoreEvent } from '../store/events.ts'
import { type Key } from '../table/codec.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { parseDuration } from '../time/duration.ts'
import { type TimeInput } from '../time/expression.ts'
import {
  type HybridTime,
  MICROS_MAX,
  MIN_TIME,
  formatExact,
  formatIso,
  laterOf,
  microsOf,
  tickAfter,
} from '../time/hybrid-time.ts'

/** How to open a database. Every option has a default that nobody has to change. */
export interface OpenOptions {
  /** Opens without a lock and changes nothing. @defaultValue false */
  readonly readOnly?: boolean | undefined
  /** Makes a new database in a directory that is empty or not there. @defaultValue true, unless `readOnly` */
  readonly create?: boolean | undefined
  /** For a new database: the sizes that shape its trees; `tiny` takes small data through every level. @defaultValue 'default' */
  readonly geometry?: GeometryName | undefined
  /** Sizes for this process that are other than those of its geometry, by name; answers stay. @defaultValue none */
  readonly sizes?: Sizes | undefined
  /** How files are merged from now on, with what it changes in cost; answers stay. @defaultValue what it was, at first 'leveled' */
  readonly policy?: PolicyName | undefined
  /** Which table of a full level leveling merges next. @defaultValue what it was, at first 'round-robin' */
  readonly picker?: PickerName | undefined
  /** What commits survive unless they say otherwise. @defaultValue 'os' */
  readonly durability?: Durability | undefined
  /** Memory for decoded blocks, and for places of keys in them and copies of rows, in bytes. @defaultValue 64 MiB */
  readonly cacheBytes?: number | undefined
  /** Table files whose indexes are kept in memory, and that are kept open; for reading only, all are, if the system lets them. @defaultValue 500 */
  readonly openTables?: number | undefined
  /** Told of every event as a listener of `Database.on` is, those of the opening included. */
  readonly onEvent?: ((event: StoreEvent) => void) | undefined
}

/** The names of {@link OpenOptions}. */
export const OPEN_OPTIONS: OptionNames<OpenOptions> = {
  readOnly: true,
  create: true,
  geometry: true,
  sizes: true,
  policy: true,
  picker: true,
  durability: true,
  cacheBytes: true,
  openTables: true,
  onEvent: true,
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

/** The names of {@link TableOptions}. */
export const TABLE_OPTIONS: OptionNames<TableOptions> = { keys: true, values: true, keep: true }

/** Of what something is said: of a table, of a keyspace, or of everything. */
export interface ScopeOptions {
  readonly table?: string | undefined
  readonly keyspace?: string | undefined
}

/** The names of {@link ScopeOptions}. */
export const SCOPE_OPTIONS: OptionNames<ScopeOptions> = { table: true, keyspace: true }

/** What to put back, and to when. */
export interface RestoreOptions {
  readonly to: TimeInput
  /** One table of the keyspace, by its name with the keyspace or without. @defaultValue all of them */
  readonly table?: string | undefined
}

const RESTORE_OPTIONS: OptionNames<RestoreOptions> = { to: true, table: true }

/** A hold to be placed: a point (`at`) or a stretch (`from` through `through`), on one table, a keyspace or everything. */
export interface HoldOptions extends ScopeOptions {
  readonly name: string
  readonly at?: TimeInput | undefined
  readonly from?: TimeInput | undefined
  readonly through?: TimeInput | undefined
  readonly owner?: string | undefined
  readonly reason?: string | undefined
  /** For how long it holds, from now on. @defaultValue until it is released */
  readonly expiresIn?: string | number | undefined
  /** Until when it holds: a time to come. Not together with `expiresIn`. */
  readonly expiresAt?: TimeInput | undefined
}

const HOLD_OPTIONS: OptionNames<HoldOptions> = {
  name: true,
  ...SCOPE_OPTIONS,
  at: true,
  from: true,
  through: true,
  owner: true,
  reason: true,
  expiresIn: true,
  expiresAt: true,
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

/** Whether a place is in memory: callers without types may pass anything. */
export function isInMemory(place: unknown): boolean {
  return typeof place === 'object' && place !== null && 'memory' in place && place.memory === true
}

/** Where flushes and compactions run. */
export type Background = 'worker' | 'inline'

/** Where jobs of a database in memory may run: a worker reaches files by their path. Throws `INVALID_ARGUMENT`. */
export function checkBackgroundInMemory(background: string | undefined): void {
  checkBackground(background)
  if (background === 'worker')
    throw new PalimpsestError('INVALID_ARGUMENT', 'a worker needs a directory, not memory')
}

/** Callers without types may name any place to run jobs. Throws `INVALID_ARGUMENT`. */
export function checkBackground(background: string | undefined): void {
  checkChoice('background', background ?? 'inline', ['worker', 'inline'])
}

/** What is to be put back. A table of the keyspace may be given by its full name. Throws `INVALID_ARGUMENT`. */
export function restoreScope(keyspace: string, options: RestoreOptions): RestoreScope {
  checkOptions(options, RESTORE_OPTIONS)
  const { table } = options
  if (table === undefined) return { keyspace }
  checkText('the table of a restore', table)
  const home = `${keyspace}.`
  return { keyspace, table: table.startsWith(home) ? table.substring(home.length) : table }
}

/** What a hold is called, who placed it, and why. Throws `INVALID_ARGUMENT`. */
export function holdWords(options: HoldOptions): Pick<HoldRow, 'name' | 'owner' | 'reason'> {
  checkOptions(options, HOLD_OPTIONS)
  const { name, owner = 'user', reason = '' } = options
  checkText('the owner of a hold', owner)
  checkText('the reason of a hold', reason)
  return { name, owner, reason }
}

/** The first and the last time that a hold is asked to keep. Throws `INVALID_ARGUMENT`, `INVALID_TIME`. */
export function heldTimes(
  { at, from, through }: Pick<HoldOptions, 'at' | 'from' | 'through'>,
  resolve: (time: TimeInput) => HybridTime,
): readonly [first: HybridTime, last: HybridTime] {
  const end = at ?? through
  if (end === undefined || (at !== undefined && (from ?? through) !== undefined))
    throw new PalimpsestError('INVALID_ARGUMENT', 'a hold is at a time, or from a time through another')
  if (at === undefined && from === undefined)
    throw new PalimpsestError('INVALID_ARGUMENT', 'a hold through a time has a first time: from is missing')
  // Nothing is at the beginning of time itself.
  const timeOf = (time: TimeInput) => laterOf(resolve(time), tickAfter(MIN_TIME))
  // In the order in which they lie, so that from now through now is a stretch while the clock goes on.
  const first = timeOf(from ?? end)
  const last = from === undefined ? first : timeOf(end)
  if (first > last) {
    const details = { from: formatExact(first), through: formatExact(last) }
    throw new PalimpsestError('INVALID_ARGUMENT', 'a hold ends before it begins', details)
  }
  return [first, last]
}

/**
 * The microsecond from which on a hold that is placed now holds nothing, if there is one. Throws
 * `INVALID_ARGUMENT`, `INVALID_TIME`.
 */
export function expiryOf(
  { expiresIn, expiresAt }: Pick<HoldOptions, 'expiresIn' | 'expiresAt'>,
  resolve: (time: TimeInput) => HybridTime,
  nowMicros: number,
): number | undefined {
  if (expiresIn !== undefined && expiresAt !== undefined)
    throw new PalimpsestError('INVALID_ARGUMENT', 'a hold expires in a while or at a time, not both')
  if (expiresIn !== undefined) return nowMicros + durationFrom(expiresIn)
  if (expiresAt === undefined) return undefined
  const expiry = resolve(expiresAt)
  if (microsOf(expiry) > nowMicros) return microsOf(expiry)
  const message = `a hold expires at a time to come, not at ${formatIso(expiry)}`
  throw new PalimpsestError('INVALID_ARGUMENT', message, { expiresAt: formatExact(expiry) })
}

/** Refuses a table together with a keyspace. */
export function checkOneScope({ table, keyspace }: ScopeOptions): void {
  if (table === undefined || keyspace === undefined) return
  throw new PalimpsestError('INVALID_ARGUMENT', 'a table or a keyspace, not both')
}
