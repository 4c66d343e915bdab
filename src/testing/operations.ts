/**
 * Operations on a database as plain data, and the small worlds in which they happen.
 *
 * Everything that an operation refers to is relative: a table, a key, a hold is a number that is taken
 * modulo what there is, a time is a place next to something that happened, time that passes is a
 * difference. So an operation never becomes meaningless when one before it is left out, which is what
 * makes a failing list short (`arbitraries.ts` draws the lists, `runner.ts` runs them).
 */
import { type CrashModel } from '../simulator/crash-models.ts'
import { type PolicyName } from '../storage/policy.ts'
import { type Durability } from '../tablet/commit-log.ts'

/** Microseconds that pass: so many, and so many times the world's window. */
export interface Delta {
  readonly micros: number
  readonly windows: number
}

/** Something that happened, next to which answers may change. */
export type Anchor =
  'version' | 'change' | 'newest' | 'window' | 'hold' | 'created' | 'now' | 'zero' | 'end of time'

/** A time as of which something is asked: so far from the `index`th anchor. */
export interface Moment {
  readonly anchor: Anchor
  readonly index: number
  readonly micros: number
  readonly ticks: number
  /** How it is said: as a hybrid time, in exact text, as a bare microsecond, by the name of a hold. */
  readonly form: 'time' | 'exact' | 'micros' | 'name'
}

/** How long history is kept: a multiple of the world's window and some microseconds, or one of two words. */
export type KeepChoice = Delta | 'forever' | 'default'

/** What a table is. */
export interface TablePlan {
  readonly keys: 'text' | 'bytes'
  readonly values: 'text' | 'bytes' | 'document'
  readonly keyspace: number
  readonly keep: KeepChoice
}

/** One write; `size` is the least length of the value, 0 the empty one, and `undefined` deletes. */
export interface WritePlan {
  readonly table: number
  readonly key: number
  readonly size: number | undefined
}

/** What retention or a hold is about. */
export type ScopePlan = { readonly table: number } | { readonly keyspace: number } | 'database'

/** Which part of a table a scan visits; keys by number. */
export interface RangePlan {
  readonly gt?: number | undefined
  readonly gte?: number | undefined
  readonly lt?: number | undefined
  readonly lte?: number | undefined
  readonly prefix?: number | undefined
  readonly reverse: boolean
  readonly limit?: number | undefined
}

/** A crash, and what the wall shows when the next process begins. */
export interface CrashPlan {
  readonly do: 'crash'
  readonly model: CrashModel
  readonly seed: number
  readonly wall: Delta
  /** What is being done when the process ends… */
  readonly during?: Operation | undefined
  /** …before it makes so many state-changing calls of the file system. */
  readonly calls: number
}

/** One thing that is done to a database. */
export type Operation =
  | { readonly do: 'put'; readonly write: WritePlan; readonly durability?: Durability | undefined }
  | { readonly do: 'delete'; readonly table: number; readonly key: number }
  | {
      readonly do: 'batch'
      readonly writes: readonly WritePlan[]
      readonly durability?: Durability | undefined
    }
  | { readonly do: 'createTable'; readonly plan: TablePlan }
  | { readonly do: 'drop'; readonly table: number }
  | { readonly do: 'rename'; readonly table: number; readonly to: number }
  | { readonly do: 'truncate'; readonly table: number }
  | {
      readonly do: 'restore'
      readonly keyspace: number
      /** If one table is to be put back, this one. */
      readonly table?: number | undefined
      readonly to: Moment
    }
  | { readonly do: 'undo'; readonly index: number }
  | { readonly do: 'flush'; readonly table?: number | undefined }
  | { readonly do: 'compact'; readonly table?: number | undefined }
  | { readonly do: 'sync' }
  | { readonly do: 'advance'; readonly by: Delta }
  | { readonly do: 'stepBack'; readonly by: Delta }
  | { readonly do: 'jump'; readonly seconds: number }
  | { readonly do: 'confirm' }
  | {
      readonly do: 'hold'
      readonly name: number
      readonly scope: ScopePlan
      readonly at: Moment
      readonly through?: Moment | undefined
      readonly expiresIn?: Delta | undefined
    }
  | { readonly do: 'release'; readonly name: number }
  | { readonly do: 'retain'; readonly scope: ScopePlan; readonly keep: KeepChoice }
  | { readonly do: 'get'; readonly table: number; readonly key: number; readonly at?: Moment | undefined }
  | {
      readonly do: 'scan'
      readonly table: number
      readonly range: RangePlan
      readonly at?: Moment | undefined
    }
  | { readonly do: 'history'; readonly table: number; readonly key: number }
  | {
      readonly do: 'diff'
      readonly table: number
      readonly from: Moment
      readonly to?: Moment | undefined
    }
  | { readonly do: 'view'; readonly at: Moment }
  | {
      readonly do: 'openCursor'
      readonly table: number
      readonly range: RangePlan
      readonly at?: Moment | undefined
    }
  | { readonly do: 'stepCursor'; readonly cursor: number; readonly steps: number }
  | { readonly do: 'closeCursor'; readonly cursor: number }
  | { readonly do: 'check' }
  | { readonly do: 'reopen'; readonly wall: Delta }
  | { readonly do: 'openReader' }
  | { readonly do: 'misuse'; readonly how: number; readonly table: number }
  | CrashPlan

/** The kind of an operation. */
export type OperationKind = Operation['do']

/** What a run happens in. */
export interface WorldPlan {
  /** The microsecond at which it begins. */
  readonly startMicros: number
  /** The length of a short window, in microseconds. */
  readonly windowMicros: number
  /** The tables that are there from the start. */
  readonly tables: readonly TablePlan[]
  /** Which of {@link TEXT_KEYS} and {@link BYTES_KEYS} its keys are, by number. */
  readonly keys: readonly number[]
  /** Operations of these kinds are left out. */
  readonly without: readonly OperationKind[]
  /** Microseconds that pass before each operation. */
  readonly pace?: number | undefined
  /** How its tables are merged. */
  readonly policy: PolicyName
  /** How many tables of level 0 there are before they are merged. */
  readonly level0Tables: number
  /** Whether the wall can be found further back by a new process. */
  readonly canReopenEarlier: boolean
  /**
   * When everything is read: also whenever data were moved about, when a process has begun, or at the end
   * only. Where somebody always looks, what happens unseen is not tried.
   */
  readonly watch: 'always' | 'new processes' | 'the end'
}

/** A world and what happens in it. */
export interface RunPlan {
  readonly world: WorldPlan
  readonly operations: readonly Operation[]
}

/**
 * Keys that have broken stores before: empty, prefixes of each other, ends of the alphabet, order that
 * differs between UTF-16 and code points, names that objects know.
 */
export const TEXT_KEYS: readonly string[] = [
  'a',
  'b',
  '',
  'aa',
  'a\u0000',
  '\u0000',
  '\uffff',
  '\u{1f600}',
  '\u00e9',
  '__proto__',
  'constructor',
  'k'.repeat(120),
  'k'.repeat(121),
]

/** The same for bytes, in hexadecimal. */
export const BYTES_KEYS: readonly string[] = [
  '61',
  '62',
  '',
  '6161',
  '6100',
  '00',
  'ff',
  'ffff',
  'ff00',
  '0000',
  'feff',
  '6b'.repeat(120),
  '6b'.repeat(121),
]
