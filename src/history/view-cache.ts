/**
 * Views that are asked for again and again: of the present, and of the time that was read last. A view of
 * many stretches takes as long to build as a read does.
 */
import { type HybridTime, MAX_TIME } from '../time/hybrid-time.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Generation, viewAsOf } from './lineage.ts'

interface Remembered {
  present?: Stretches
  time: HybridTime
  view: Stretches
}

/** Remembers two views of each generation. */
export class ViewCache {
  readonly #remembered = new WeakMap<Generation, Remembered>()

  /** The times that a reader as of `time` sees; `MAX_TIME` is the present. */
  viewAsOf(generation: Generation, time: HybridTime): Stretches {
    const known = this.#remembered.get(generation)
    if (known === undefined) {
      const view = viewAsOf(generation, time)
      this.#remembered.set(generation, time === MAX_TIME ? { present: view, time, view } : { time, view })
      return view
    }
    if (time === MAX_TIME) return (known.present ??= viewAsOf(generation, time))
    if (time !== known.time) {
      known.view = viewAsOf(generation, time)
      known.time = time
    }
    return known.view
  }
}
