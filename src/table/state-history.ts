/**
 * Changes, differences and explanations of a table, as users see them: keys and values decoded.
 */
import { type OptionNames } from '../base/arguments.ts'
import { type TableRow } from '../catalog/rows.ts'
import { type ByteCopies } from '../base/bytes.ts'
import { type KeyDifferences } from '../history/diff.ts'
import { type ChangeCause, type StateChange } from '../history/state-history.ts'
import { type ExplainedRead, type ExplainedVersion } from '../store/explain.ts'
import { type TimeInput } from '../time/expression.ts'
import { type HybridTime, formatIso } from '../time/hybrid-time.ts'
import { type Copier, type Key, decodeKeySpan, decodeValue, decodeValueSpan } from './codec.ts'

/** Which changes a history has. */
export interface HistoryOptions {
  /** The time from which on: what shows then comes first. @defaultValue the first one that is readable */
  readonly from?: TimeInput | undefined
  /** The last time, inclusive. @defaultValue now */
  readonly to?: TimeInput | undefined
  /** Whether the newest change comes first. @defaultValue false */
  readonly reverse?: boolean | undefined
  /** At most so many. @defaultValue no limit */
  readonly limit?: number | undefined
}

/** The names of {@link HistoryOptions}. */
export const HISTORY_OPTIONS: OptionNames<HistoryOptions> = {
  from: true,
  to: true,
  reverse: true,
  limit: true,
}

/** A change of what a key shows. */
export interface Change<K extends Key = Key, V = unknown> {
  readonly key: K
  /** The first time as of which a read sees it. */
  readonly time: HybridTime
  /** The same in ISO form, to read. It is made when it is asked for, and left out where a change is spread. */
  readonly at: string
  /** The value from then on, or `undefined`: absent. */
  readonly value: V | undefined
  /** When the value was written, which a restore makes differ from `time`; of a deletion, when it was made. */
  readonly versionTime: HybridTime | undefined
  /**
   * What changed it: a `commit`, a `restore`, its `undo`, a `truncate` or `drop` of the table. `opening`
   * is no change: it is what shows where readable times begin, or at `from`.
   */
  readonly cause: ChangeCause
}

/** A key whose answer differs between two times; a side that is `undefined` is absent. */
export interface Difference<K extends Key = Key, V = unknown> {
  readonly key: K
  readonly before: V | undefined
  readonly after: V | undefined
  /** When `before` was written. */
  readonly beforeTime: HybridTime | undefined
  /** When `after` was written. */
  readonly afterTime: HybridTime | undefined
}

/** What a read of a key did, step by step. */
export interface ReadExplanation<K extends Key = Key, V = unknown> extends Omit<
  ExplainedRead,
  'table' | 'version'
> {
  readonly key: K
  /** The answer: what `get` returns. */
  readonly value: V | undefined
  /** When the version that answered was written; it is a tombstone if there is no value. */
  readonly versionTime: HybridTime | undefined
}

/** Why a version is kept, or may go. */
export interface VersionExplanation<K extends Key = Key, V = unknown> extends Omit<
  ExplainedVersion,
  'table' | 'version'
> {
  readonly key: K
  readonly value: V | undefined
  readonly isTombstone: boolean
}

/** The values of a history are copies already. */
const COPIED: Copier = { copyOf: (bytes) => bytes }

/** To have the ISO form ready would take a tenth of a history. */
class KeyChange<K extends Key, V> implements Change<K, V> {
  readonly key: K
  readonly time: HybridTime
  readonly value: V | undefined
  readonly versionTime: HybridTime | undefined
  readonly cause: ChangeCause

  constructor(key: K, row: TableRow, { time, value, versionTime, cause }: StateChange) {
    this.key = key
    this.time = time
    this.value = valueOf(value, row, COPIED) as V | undefined
    this.versionTime = versionTime
    this.cause = cause
  }

  get at(): string {
    return formatIso(this.time)
  }
}

/** A change, decoded. */
export function changeOf<K extends Key, V>(key: K, row: TableRow, change: StateChange): Change<K, V> {
  return new KeyChange(key, row, change)
}

/** The difference that was found, decoded. */
export function differenceOf<K extends Key, V>(
  row: TableRow,
  { key, before, after }: KeyDifferences,
  copies: ByteCopies,
): Difference<K, V> {
  return {
    key: decodeKeySpan(key, row.keys, copies) as K,
    before: before && (decodeValueSpan(before, row.values, copies) as V),
    after: after && (decodeValueSpan(after, row.values, copies) as V),
    beforeTime: before?.time,
    afterTime: after?.time,
  }
}

/** The explanation of a read, decoded. */
export function readExplanationOf<K extends Key, V>(
  key: K,
  { table, version, ...rest }: ExplainedRead,
): ReadExplanation<K, V> {
  return { key, ...rest, value: valueOf(version?.value, table) as V | undefined, versionTime: version?.time }
}

/** The explanation of a version, decoded. */
export function versionExplanationOf<K extends Key, V>(
  key: K,
  { table, version, ...rest }: ExplainedVersion,
): VersionExplanation<K, V> {
  const isTombstone = version !== undefined && version.value === undefined
  return { key, ...rest, value: valueOf(version?.value, table) as V | undefined, isTombstone }
}

function valueOf(bytes: Uint8Array | undefined, row: TableRow, copies?: Copier): unknown {
  return bytes === undefined ? undefined : decodeValue(bytes, row.values, copies)
}
