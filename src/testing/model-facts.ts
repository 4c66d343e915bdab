/**
 * What the model of a database is told and what it answers, as data: tables, versions, what happened to
 * tables as a whole, restores, holds, verdicts.
 */
import { type ErrorCode } from '../base/errors.ts'
import { type HybridTime } from '../time/hybrid-time.ts'

/** How long history is kept, in microseconds. */
export type ModelKeep = number | 'forever'

/** What retention or a hold is about: a table, the tables of a keyspace, or everything. */
export type ModelScope = { readonly table: number } | { readonly keyspace: string } | 'database'

/** A table. Its number is its place in `Model.tables`. */
export interface ModelTable {
  readonly number: number
  readonly keyspace: string
  readonly keys: 'text' | 'bytes'
  readonly created: HybridTime
}

/** What can happen to a table as a whole. */
export type ModelCause = 'create' | 'rename' | 'drop' | 'truncate' | 'restore' | 'undo'

/** Something that happened to a table as a whole. */
export interface ModelChange {
  readonly table: number
  readonly time: HybridTime
  readonly cause: ModelCause
  /** Its full name from then on; `undefined` while it is dropped. */
  readonly name: string | undefined
  /** Which rows it has from then on: those that it has, none, or those as of a time. */
  readonly rows: 'same' | 'none' | { readonly asOf: HybridTime }
}

/** What a restore puts back: a keyspace, or one table of it. */
export interface ModelRestoreScope {
  readonly keyspace: string
  readonly table?: number | undefined
}

/** A restore or an undo that has happened. */
export interface ModelRestore {
  readonly scope: ModelRestoreScope
  readonly time: HybridTime
  /** The time of the restore that it undoes. */
  readonly undoes?: HybridTime | undefined
}

/** A change of what a key shows. */
export interface ModelKeyChange {
  readonly time: HybridTime
  readonly value: string | undefined
  readonly cause: ModelCause | 'commit' | 'opening'
}

/** A version. A bytes key is written in hexadecimal. */
export interface ModelVersion {
  readonly table: number
  readonly key: string
  readonly time: HybridTime
  /** `undefined` for a tombstone. */
  readonly value: string | undefined
}

/** One write of a commit. */
export type ModelWrite = Omit<ModelVersion, 'time'>

/** A hold on the times from `first` through `last`. */
export interface ModelHold {
  readonly name: string
  readonly scope: ModelScope
  readonly first: HybridTime
  readonly last: HybridTime
  readonly expires: number | undefined
}

/** An open cursor. It holds its time from its first step on. */
export interface ModelCursor {
  readonly table: number
  time: HybridTime
  /** The microsecond of the first step. */
  since: number | undefined
}

/** Whether a read is answered, and with which error if it is not. */
export type Verdict = 'ok' | Extract<ErrorCode, 'FUTURE_TIME' | 'HISTORY_GONE' | 'UNKNOWN_TABLE'>

/** How a restore ends. */
export type RestoreVerdict =
  | 'ok'
  | Extract<ErrorCode, 'FUTURE_TIME' | 'HISTORY_GONE' | 'UNKNOWN_KEYSPACE' | 'UNKNOWN_TABLE' | 'NAME_TAKEN'>

/** Whether a scope has a table in it. */
export function concerns(scope: ModelScope, table: ModelTable): boolean {
  if (scope === 'database') return true
  return 'table' in scope ? scope.table === table.number : scope.keyspace === table.keyspace
}

/** The name under which the model remembers how long a scope keeps its history. */
export function keepName(scope: ModelScope): string {
  if (scope === 'database') return scope
  return 'table' in scope ? `table ${scope.table}` : `keyspace ${scope.keyspace}`
}
