/**
 * Tablets: the parts of tables, each one tree. All writes of all tablets go through the one commit log.
 *
 * A table has one range tablet today. Which tablet of a lineage holds a key is asked in one place only,
 * {@link tabletFor}.
 */
import { defined } from '../base/assert.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Directive } from '../history/garbage.ts'
import { EMPTY_TREE, type ManifestState } from '../storage/manifest-state.ts'
import { Tree, type TreeContext } from '../storage/tree.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import { type TabletWrites } from '../storage/commit-record.ts'

/** The tablet of the catalog. It exists from the first commit on. */
export const SYSTEM_TABLET = 0

/** The tree of a tablet, with what may be forgotten in it. */
export type Tablet = Tree<Directive>

/** The tablet of a lineage that holds a key. */
export function tabletFor(tablets: readonly number[], _key: Uint8Array): number {
  return defined(tablets[0], 'the tablet of a lineage')
}

/** The tablets of an open store, made when they are first asked for. */
export class Tablets {
  readonly #context: TreeContext
  readonly #states: () => ManifestState
  readonly #tablets = new Map<number, Tablet>()

  constructor(context: TreeContext, states: () => ManifestState) {
    this.#context = context
    this.#states = states
  }

  /** The tablet of an id; an empty one where nothing was ever written to it. */
  get(id: number): Tablet {
    let tablet = this.#tablets.get(id)
    if (tablet === undefined) {
      tablet = new Tree(id, this.#states().trees.get(id) ?? EMPTY_TREE, this.#context)
      this.#tablets.set(id, tablet)
    }
    return tablet
  }

  /** The tablets that the manifest knows, or that were written to since. */
  all(): readonly Tablet[] {
    const ids = new Set([...this.#states().trees.keys(), ...this.#tablets.keys()])
    return [...ids].toSorted((a, b) => a - b).map((id) => this.get(id))
  }

  /** Lets go of tablets that are no more, with what the log brought back of them. */
  forget(ids: readonly number[]): void {
    for (const id of ids) {
      this.#tablets.get(id)?.clear()
      this.#tablets.delete(id)
    }
  }

  /** Applies a commit. */
  apply(time: HybridTime, tablets: readonly TabletWrites[]): void {
    for (const { tablet, writes } of tablets) this.get(tablet).apply(time, writes)
  }

  /** Whether the files of a tablet do not have the commit of a time, which the log has then to bring back. */
  lacks(tablet: number, time: HybridTime): boolean {
    return time > this.get(tablet).state.flushedThrough
  }

  /**
   * Applies what the log brings back of a commit, to tablets that {@link lacks | lack} it. Files that have later
   * ones, and do not say so, are `LOG_CORRUPT`.
   */
  replay(time: HybridTime, tablets: readonly TabletWrites[]): void {
    const behind = tablets.find(({ tablet }) => time <= this.get(tablet).newestTime)
    if (behind !== undefined) {
      const details = { tablet: behind.tablet, time: formatExact(time) }
      throw new PalimpsestError('LOG_CORRUPT', 'the log has a commit behind those in the tables', details)
    }
    this.apply(time, tablets)
  }
}
