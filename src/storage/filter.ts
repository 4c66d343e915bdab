/**
 * What compaction asks from above: keep this version or drop it? Storage never learns why.
 *
 * The directive is plain data, taken when a compaction is planned and recorded with its result; a
 * function given to the tree turns it into a filter, here or in a worker.
 */
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Stretches } from '../time/stretches.ts'

/** Judges the versions of one key after another, each key's newest first. */
export interface VersionFilter {
  /** A new key begins. */
  beginKey(): void
  /** Whether the version must be kept. */
  keeps(time: HybridTime): boolean
  /** Times of which every table that is written should say whether it holds a version at any of them. */
  readonly watched?: Stretches | undefined
}

/** Makes the filter of a directive. */
export type FilterFor<Directive> = (directive: Directive) => VersionFilter
