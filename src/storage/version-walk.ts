/**
 * A walk over the versions of one key, some at a time: those of a block, or a few hundred of a memtable.
 *
 *     places          memtable    frozen    level 0    level 1   …      each older than all before it
 *     batches         [9 8][7]             [6 5]      [4 3][2 1]
 *     newest first    ├──────────────────────────────────────▶
 *     oldest first    ◀──────────────────────────────────────┤
 *
 * The rule: writes, flushes and compactions may happen between two batches, as long as they drop nothing that lies
 * in the view. A walk then looks at the tree anew and goes on behind its last version. No batch is put together
 * before it is asked for, so that memory does not grow with the number of versions.
 */
import { type HybridTime, MAX_TIME, MIN_TIME, tickBefore } from '../time/hybrid-time.ts'
import { type Stretch, type Stretches, intersection, stretch } from '../time/stretches.ts'
import { type SoughtKey } from './sought-key.ts'
import { type BatchPlan, type VersionBatch, NO_VERSIONS } from './version-batch.ts'

/** The versions of one key in one place and one stretch of time, in batches, which are in the order of the walk. */
export interface VersionBatches {
  readonly count: number
  /** A batch, in the order of the walk too; it may be empty. */
  at(index: number): VersionBatch
}

/** No versions. */
export const NO_BATCHES: VersionBatches = { count: 0, at: () => NO_VERSIONS }

/** Where versions stand: a memtable, a table file. */
export interface VersionPlace {
  /** The versions of the key at some times; `hash` is the key's. Good until the next write to the place. */
  versionBatches(key: SoughtKey, times: Stretch, plan: BatchPlan): VersionBatches
}

/** What is walked over: something whose places are good for one epoch each. */
export interface WalkSource {
  /** Changes whenever places found before must not be used any more. */
  readonly epoch: number
  /** What can have versions of the key in the view. Every version in a place is newer than all in later ones. */
  placesOf(key: SoughtKey, view: Stretches): readonly VersionPlace[]
}

/** What a walk is over. */
export interface WalkPlan extends BatchPlan {
  readonly key: SoughtKey
  readonly view: Stretches
}

/** A walk, whose steps are batches that have something. */
export class VersionWalk implements IterableIterator<VersionBatch> {
  readonly #source: WalkSource
  readonly #plan: WalkPlan
  readonly #key: SoughtKey
  #epoch: number | undefined
  /** What is yet to be walked over. */
  #rest: Stretches
  /** The places and the stretches of the rest, in the order of the walk, and where in them it stands. */
  #places: readonly VersionPlace[] = []
  #stretches: Stretches = []
  #place = 0
  #stretch = 0
  /** What is there, and how many batches of it are done. */
  #batches = NO_BATCHES
  #done = 0
  #last: HybridTime | undefined

  constructor(source: WalkSource, plan: WalkPlan) {
    this.#source = source
    this.#plan = plan
    this.#key = plan.key
    this.#rest = plan.view
  }

  /** The next batch. */
  next(): IteratorResult<VersionBatch, undefined> {
    if (this.#epoch !== this.#source.epoch) this.#lookAnew()
    do {
      while (this.#done < this.#batches.count) {
        const versions = this.#batches.at(this.#done++)
        if (versions.count === 0) continue
        this.#last = versions.timeAt(versions.count - 1)
        return { done: false, value: versions }
      }
    } while (this.#nextPart())
    return { done: true, value: undefined }
  }

  [Symbol.iterator](): this {
    return this
  }

  get #isNewestFirst(): boolean {
    return this.#plan.order === 'newest first'
  }

  #lookAnew(): void {
    this.#epoch = this.#source.epoch
    if (this.#last !== undefined) this.#rest = intersection(this.#rest, this.#behind(this.#last))
    const places = this.#source.placesOf(this.#key, this.#rest)
    this.#places = this.#isNewestFirst ? places : places.toReversed()
    this.#stretches = this.#isNewestFirst ? this.#rest.toReversed() : this.#rest
    this.#place = 0
    this.#stretch = -1
    this.#batches = NO_BATCHES
    this.#done = 0
  }

  /** To the next stretch of a place, or the first one of the next place; whether there is one. */
  #nextPart(): boolean {
    if (++this.#stretch >= this.#stretches.length) {
      this.#stretch = 0
      this.#place++
    }
    const place = this.#places[this.#place]
    const times = this.#stretches[this.#stretch]
    if (place === undefined || times === undefined) return false
    this.#batches = place.versionBatches(this.#key, times, this.#plan)
    this.#done = 0
    return true
  }

  /** The times that come after one in the order of the walk. */
  #behind(time: HybridTime): Stretches {
    return this.#isNewestFirst ? stretch(MIN_TIME, tickBefore(time)) : stretch(time, MAX_TIME)
  }
}
