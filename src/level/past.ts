/**
 * The past of a level, as its users see it: what `Table.history` and `Table.diff` tell, with keys and
 * values by the encodings of Level.
 */
import { kindOf } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Change, type Difference, type HistoryOptions } from '../table/state-history.ts'
import { type ByteTable } from './byte-table.ts'
import { type LevelDiffOptions } from './options.ts'
import { type TimeInput } from '../time/expression.ts'

/** A change of what a key shows. */
export interface LevelChange<K = string, V = string> extends Omit<Change, 'key' | 'value'> {
  readonly key: K
  /** The value from then on, or `undefined`: absent. */
  readonly value: V | undefined
}

/** A key whose answer differs between two times; a side that is `undefined` is absent. */
export interface LevelDifference<K = string, V = string> extends Omit<
  Difference,
  'key' | 'before' | 'after'
> {
  readonly key: K
  readonly before: V | undefined
  readonly after: V | undefined
}

/** From what users have to bytes, and back. */
export interface PastCodec<K, V> {
  readonly encodeKey: (key: K) => Uint8Array
  readonly decodeKey: (bytes: Uint8Array) => K
  readonly decodeValue: (bytes: Uint8Array) => V
}

/** The changes of a key. Throws `INVALID_KEY`. */
export function* changesOf<K, V>(
  { table }: ByteTable,
  key: K,
  { encodeKey, decodeValue }: PastCodec<K, V>,
  { from, to, reverse, limit }: HistoryOptions,
): Generator<LevelChange<K, V>> {
  if (key === null || key === undefined)
    throw new PalimpsestError('INVALID_KEY', `a level has no key that is ${kindOf(key)}`)
  for (const change of table.history(encodeKey(key), { from, to, reverse, limit })) {
    // A spread leaves out what is made when it is asked for.
    yield { ...change, at: change.at, key, value: optional(change.value, decodeValue) }
  }
}

/** The keys of a range that differ between two times. */
export function* differencesOf<K, V>(
  { table }: ByteTable,
  times: { readonly from: TimeInput; readonly to?: TimeInput | undefined },
  { encodeKey, decodeKey, decodeValue }: PastCodec<K, V>,
  { gt, gte, lt, lte, reverse, limit }: LevelDiffOptions<K, V>,
): Generator<LevelDifference<K, V>> {
  const range = {
    gt: optional(gt, encodeKey),
    gte: optional(gte, encodeKey),
    lt: optional(lt, encodeKey),
    lte: optional(lte, encodeKey),
  }
  for (const difference of table.diff({ ...times, ...range, reverse, limit })) {
    const { key, before, after, ...whens } = difference
    yield {
      ...whens,
      key: decodeKey(key),
      before: optional(before, decodeValue),
      after: optional(after, decodeValue),
    }
  }
}

function optional<A, B>(value: A | undefined, convert: (value: A) => B): B | undefined {
  return value === undefined ? undefined : convert(value)
}
