/**
 * What a level understands beside what every abstract-level database does: `asOf` in every read, what a
 * write survives, and the options of its own methods.
 */
import {
  type AbstractBatchOperation,
  type AbstractBatchOptions,
  type AbstractChainedBatch,
  type AbstractClearOptions,
  type AbstractDatabaseOptions,
  type AbstractDelOptions,
  type AbstractGetManyOptions,
  type AbstractGetOptions,
  type AbstractHasManyOptions,
  type AbstractHasOptions,
  type AbstractIterator,
  type AbstractIteratorOptions,
  type AbstractKeyIterator,
  type AbstractKeyIteratorOptions,
  type AbstractLevel,
  type AbstractPutOptions,
  type AbstractSublevel,
  type AbstractSublevelOptions,
  type AbstractValueIterator,
  type AbstractValueIteratorOptions,
  type Transcoder,
} from 'abstract-level'
import { type OptionNames } from '../base/arguments.ts'
import { type Restore } from '../recovery/recovery.ts'
import { type HistoryOptions, HISTORY_OPTIONS } from '../table/state-history.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { type TimeInput } from '../time/expression.ts'
import { type LevelData } from './format.ts'
import { type LevelSnapshot } from './snapshot.ts'
import { type LevelOpenOptions } from './source.ts'

/** When a read looks. */
export interface AsOf {
  /**
   * The time as of which it reads, inclusive: a hybrid time, a `Date`, or a time expression. Not together
   * with a snapshot.
   * @defaultValue what is there now
   */
  readonly asOf?: TimeInput | undefined
}

/** What a write survives. */
export interface Durably {
  /** As in Level: `true` is the durability `disk`. @defaultValue false */
  readonly sync?: boolean | undefined
  /** What the commit survives. @defaultValue the database's, which is `os` */
  readonly durability?: Durability | undefined
}

/** Options of a level, beside those of the database that it opens. */
export interface LevelOptions<K = string, V = string>
  extends LevelOpenOptions, Omit<AbstractDatabaseOptions<K, V>, 'createIfMissing' | 'errorIfExists'> {}

/** How keys and values come out of a history. */
export interface LevelHistoryOptions<K, V> extends HistoryOptions {
  readonly keyEncoding?: string | Transcoder.PartialEncoder<K> | undefined
  readonly valueEncoding?: string | Transcoder.PartialDecoder<V> | undefined
}

/** The names of {@link LevelHistoryOptions}. */
export const LEVEL_HISTORY_OPTIONS: OptionNames<LevelHistoryOptions<unknown, unknown>> = {
  ...HISTORY_OPTIONS,
  keyEncoding: true,
  valueEncoding: true,
}

/** Which keys a diff has, and how they come out. */
export interface LevelDiffOptions<K, V> {
  readonly gt?: K | undefined
  readonly gte?: K | undefined
  readonly lt?: K | undefined
  readonly lte?: K | undefined
  /** Whether to go from the greatest key to the least. @defaultValue false */
  readonly reverse?: boolean | undefined
  /** At most so many. @defaultValue no limit */
  readonly limit?: number | undefined
  readonly keyEncoding?: string | Transcoder.PartialEncoding<K> | undefined
  readonly valueEncoding?: string | Transcoder.PartialDecoder<V> | undefined
}

/** The names of {@link LevelDiffOptions}. */
export const LEVEL_DIFF_OPTIONS: OptionNames<LevelDiffOptions<unknown, unknown>> = {
  gt: true,
  gte: true,
  lt: true,
  lte: true,
  reverse: true,
  limit: true,
  keyEncoding: true,
  valueEncoding: true,
}

/** The methods of Level, as they are here: those that take more than Level's own options. */
export interface TimedMethods<KDefault, VDefault> {
  get<K = KDefault, V = VDefault>(key: K, options: AbstractGetOptions<K, V> & AsOf): Promise<V | undefined>
  getSync<K = KDefault, V = VDefault>(key: K, options: AbstractGetOptions<K, V> & AsOf): V | undefined
  getMany<K = KDefault, V = VDefault>(
    keys: K[],
    options: AbstractGetManyOptions<K, V> & AsOf,
  ): Promise<(V | undefined)[]>
  has<K = KDefault>(key: K, options: AbstractHasOptions<K> & AsOf): Promise<boolean>
  hasMany<K = KDefault>(keys: K[], options: AbstractHasManyOptions<K> & AsOf): Promise<boolean[]>
  iterator<K = KDefault, V = VDefault>(
    options: AbstractIteratorOptions<K, V> & AsOf,
  ): AbstractIterator<this, K, V>
  keys<K = KDefault>(options: AbstractKeyIteratorOptions<K> & AsOf): AbstractKeyIterator<this, K>
  values<K = KDefault, V = VDefault>(
    options: AbstractValueIteratorOptions<K, V> & AsOf,
  ): AbstractValueIterator<this, K, V>
  /** Deletes the keys of a range; with a time or a snapshot, only those that are there then. */
  clear<K = KDefault>(options: AbstractClearOptions<K> & AsOf & Durably): Promise<void>
  put<K = KDefault, V = VDefault>(
    key: K,
    value: V,
    options: AbstractPutOptions<K, V> & Durably,
  ): Promise<void>
  del<K = KDefault>(key: K, options: AbstractDelOptions<K> & Durably): Promise<void>
  batch<K = KDefault, V = VDefault>(
    operations: AbstractBatchOperation<this, K, V>[],
    options: AbstractBatchOptions<K, V> & Durably,
  ): Promise<void>
  batch(): Omit<AbstractChainedBatch<this, KDefault, VDefault>, 'write'> & {
    write(options?: Durably): Promise<void>
  }
  /**
   * A token for the present, or for another time, that stays readable while the token is open, for ten minutes at most;
   * after that, for as long as it is readable without the token.
   */
  snapshot(options?: AsOf): LevelSnapshot
  sublevel<K = string, V = string>(
    name: string | string[],
    options?: AbstractSublevelOptions<K, V>,
  ): TimedSublevel<this, K, V>
}

/** A sublevel, which reads as of times as its parent does. */
export type TimedSublevel<TParent, K, V> = TimedMethods<K, V> & AbstractSublevel<TParent, LevelData, K, V>

/** A database of Level that reads as of times. */
export type TimedLevel<K, V> = RestoreEvents & TimedMethods<K, V> & AbstractLevel<LevelData, K, V>

/** The event `restore`: the table was put back, or that was undone. */
export interface RestoreEvents {
  on(event: 'restore', listener: (restore: Restore) => void): this
  once(event: 'restore', listener: (restore: Restore) => void): this
  emit(event: 'restore', restore: Restore): boolean
}
