/**
 * The view that was asked for last is often asked for again: a view of many stretches takes as long to build as a
 * read does.
 */
import { type HybridTime, MIN_TIME } from '../time/hybrid-time.ts'
import { type SettableStretch, type Stretches } from '../time/stretches.ts'
import { type Generation, viewAsOf } from './lineage.ts'

/** Remembers one view of each generation. */
export class ViewCache {
  /** The one view of {@link momentaryViewAsOf}. */
  readonly #momentary: [SettableStretch] = [{ after: MIN_TIME, through: MIN_TIME }]
  readonly #remembered = new WeakMap<Generation, { time: HybridTime; view: Stretches }>()

  /** As {@link viewAsOf}, good until this is asked again: a view of one stretch is the same object each time. */
  momentaryViewAsOf(generation: Generation, time: HybridTime): Stretches {
    if (generation.base.length > 0 || time <= generation.from) return this.viewAsOf(generation, time)
    const [only] = this.#momentary
    only.after = generation.from
    only.through = time
    return this.#momentary
  }

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
