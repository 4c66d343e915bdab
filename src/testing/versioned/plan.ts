/**
 * Plans: operations on a store as data, that mean something wherever they stand.
 *
 * A key is a number into the keys of the plan, a time is next to something that happened, a value is
 * made when it is written. So every operation can be left out of a list, and the rest still makes sense:
 * that is what lets a failing list shrink to little.
 */
import { type Capability } from './contract.ts'

/** A time by what it is next to: the newest commit, the cutoff, or a commit counted back from the newest. */
export interface Moment {
  readonly anchor: 'newest' | 'commit' | 'cutoff'
  /** How many commits back, modulo what there are. */
  readonly back: number
  /** Ticks from there. */
  readonly step: -1 | 0 | 1
}

/** A write: of a value that no other write has, of one that stores are careless with, or a deletion. */
export interface PlannedWrite {
  readonly key: number
  readonly value: 'fresh' | 'empty' | 'long' | 'unusual' | 'again' | 'delete'
}

/** A range between two keys; `undefined` is no bound. */
export interface PlannedRange {
  readonly from: number | undefined
  readonly to: number | undefined
  readonly reverse: boolean
}

/** Something to do to a store. */
export type Operation =
  | { readonly kind: 'commit'; readonly writes: readonly PlannedWrite[]; readonly gap: number }
  | { readonly kind: 'get'; readonly key: number; readonly asOf: Moment }
  | { readonly kind: 'scan'; readonly range: PlannedRange; readonly asOf: Moment }
  | { readonly kind: 'collect'; readonly cutoff: Moment }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'snapshot' }
  | { readonly kind: 'closeSnapshot'; readonly which: number }
  | { readonly kind: 'restore'; readonly to: Moment; readonly gap: number }

/** The kinds of operations. */
export type OperationKind = Operation['kind']

/** The kinds of operations, with what each needs of a store. */
export const NEEDS: Readonly<Record<OperationKind, Capability | undefined>> = {
  commit: undefined,
  get: undefined,
  scan: undefined,
  collect: 'collect',
  reopen: 'reopen',
  snapshot: 'snapshot',
  closeSnapshot: 'snapshot',
  restore: 'restore',
}

/** One run: its keys, and what is done. */
export interface Plan {
  readonly keys: readonly string[]
  readonly operations: readonly Operation[]
}
