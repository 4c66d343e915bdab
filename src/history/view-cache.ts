/**
 * The view that was asked for last is often asked for again: a view of many stretches takes as long to build as a
 * read does.
 */
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Generation, viewAsOf } from './lineage.ts'

/** Remembers one view of each generation. */
export class ViewCache {
  readonly #remembered = new WeakMap<Generation, { time: HybridTime; view: Stretches }>()

  /** The times that a reader as of `time` sees. */
  viewAsOf(generation: Generation, time: HybridTime): Stretches {
    const known = this.#remembered.get(generation)
    if (known?.time === time) return known.view
    const view = viewAsOf(generation, time)
    if (known === undefined) this.#remembered.set(generation, { time, view })
    else {
      known.time = time
      known.view = view
    }
    return view
  }
}
