/**
 * What is said between a benchmark and the process of a store: an order, and what came of it, as JSON.
 */
import { type Durability } from './store.ts'
import { type Sample, type TaskName } from './tasks.ts'

/** The stores that are compared. */
export type StoreName = 'ours' | 'lmdb' | 'sqlite' | 'level'

/** What a process is to be: its only argument, as JSON. */
export interface ProcessOptions {
  readonly name: StoreName
  readonly directory: string
  readonly durability: Durability
}

/** What it is to do next. */
export type Order =
  | { readonly kind: 'load'; readonly commits: number }
  | { readonly kind: 'warm' }
  | { readonly kind: 'sample'; readonly task: TaskName }
  | { readonly kind: 'reopen' }
  | { readonly kind: 'close' }

/** What came of an order. */
export type Outcome = Sample | { readonly error: string }
