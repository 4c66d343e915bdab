/**
 * State history: how what a key shows changed over some times that can be read.
 *
 * The times are cut into pieces during which one generation is in force, or none. Within a piece each
 * version is a change; between two pieces there is one if what shows differs:
 *
 *     written     a@1       a@3       a@5            put back to 2 at 6, undone at 8
 *     times       1    2    3    4    5    6    7    8    9
 *     readable         ▐██████████████████████████████████▶
 *     pieces           ├──── create ───┼─ restore ┼─ undo ▶
 *     changes          a@1  a@3       a@5  a@1       a@5
 *                      opening        commit         undo
 *                           commit         restore
 *
 * Where a stretch of readable times begins, nobody knows what was there before: what shows is reported
 * as its *opening*. So it is at the first time that is asked for: what was before that is not looked at.
 * Deleting what is absent is no change. So nothing depends on what was collected: all that is asked is
 * what showed at readable times, and which versions showed when they were written.
 *
 * Both orders stream, a batch of versions at a time: what is remembered does not grow with the versions of the key.
 */
import { type TimeOrder, type Version } from '../storage/version.ts'
import { NO_VERSIONS, type VersionBatch } from '../storage/version-batch.ts'
import { type HybridTime, MIN_TIME, earlierOf, tickAfter, tickBefore } from '../time/hybrid-time.ts'
import { type Stretches, intersection, stretch } from '../time/stretches.ts'
import { type Generation, type GenerationCause, endOf, viewAsOf } from './lineage.ts'

/**
 * What made a change: a commit, what began another generation of the table, its drop; or `opening`, where
 * it is what shows at the beginning of readable times, or at the first time that is asked for.
 */
export type ChangeCause = 'commit' | GenerationCause | 'drop' | 'opening'

/** A change of what a key shows. */
export interface StateChange {
  /** The first time as of which a reader sees it. */
  readonly time: HybridTime
  /** The value, or `undefined`: absent. */
  readonly value: Uint8Array | undefined
  /** When the value was written. Of what is absent, when it was deleted, where that is this very change. */
  readonly versionTime: HybridTime | undefined
  readonly cause: ChangeCause
}

/** Where the versions of the key are found. */
export interface KeyVersions {
  /** The newest version in the view; it may be a tombstone. */
  find(tablets: readonly number[], view: Stretches): Version | undefined
  /** The versions in the view, some at a time. */
  batches(tablets: readonly number[], view: Stretches, order: TimeOrder): IterableIterator<VersionBatch>
}

const NO_BATCHES: IterableIterator<VersionBatch> = [].values()

/**
 * The changes of a key, one after the other: after each step that answered `true` it is the change at which it stands.
 */
export class StateHistory implements StateChange {
  readonly #key: KeyVersions
  readonly #order: TimeOrder
  readonly #pieces: readonly Piece[]
  /** How many pieces were begun. */
  #begun = 0
  /** The change at the first time of the piece, until it was the one to stand at. */
  #first: StateChange | undefined
  /** The versions of the piece that were written after its first time, and how many of the batch are done. */
  #batches = NO_BATCHES
  #batch = NO_VERSIONS
  #done = 0
  /** Rising: whether there is a value before the next version. Falling: whether there is one before all of the piece. */
  #isPresent = false
  /** Falling: a deletion, which is a change if there is a value before it. */
  #deletion: HybridTime | undefined
  time: HybridTime = MIN_TIME
  value: Uint8Array | undefined
  versionTime: HybridTime | undefined
  cause: ChangeCause = 'commit'

  /** At some times, all of them readable and none in the future. */
  constructor(key: KeyVersions, generations: readonly Generation[], times: Stretches, order: TimeOrder) {
    this.#key = key
    this.#order = order
    this.#pieces = piecesOf(generations, times)
  }

  /** To the next change; whether there is one. After an error there is no next: it is not to be asked again. */
  step(): boolean {
    // The change at the first time of a piece comes before its commits, or newest first, after them.
    do {
      if (this.#first !== undefined && this.#isRising) return this.#standAtFirst(this.#first)
      if (this.#isRising ? this.#stepRising() : this.#stepFalling()) return true
      if (this.#first !== undefined) return this.#standAtFirst(this.#first)
    } while (this.#beginPiece())
    return false
  }

  get #isRising(): boolean {
    return this.#order === 'oldest first'
  }

  /** To the next piece in the order of the walk; whether there is one. */
  #beginPiece(): boolean {
    if (this.#begun === this.#pieces.length) return false
    this.#begun++
    const at = this.#isRising ? this.#begun - 1 : this.#pieces.length - this.#begun
    const piece = this.#pieces[at]!
    const shown = shownAt(this.#key, piece, piece.first)
    this.#first = changeBetween(this.#key, this.#pieces[at - 1], piece, shown)
    this.#isPresent = shown !== undefined
    this.#batches = batchesWithin(this.#key, piece, this.#order)
    return true
  }

  /** To the next commit of this piece: all but the deletions of what is absent. */
  #stepRising(): boolean {
    while (this.#hasVersion()) {
      const at = this.#done++
      const wasPresent = this.#isPresent
      this.#isPresent = !this.#batch.isDeletionAt(at)
      if (wasPresent || this.#isPresent)
        return this.#standAtCommit(this.#batch.timeAt(at), this.#batch.valueAt(at))
    }
    return false
  }

  /** The same newest first: whether a deletion changes anything is known one version later. */
  #stepFalling(): boolean {
    while (this.#hasVersion()) {
      const time = this.#batch.timeAt(this.#done)
      if (this.#batch.isDeletionAt(this.#done)) this.#deletion = time
      else if (this.#deletion !== undefined) return this.#standAtDeletion(this.#deletion)
      else return this.#standAtCommit(time, this.#batch.valueAt(this.#done++))
      this.#done++
    }
    if (this.#deletion !== undefined && this.#isPresent) return this.#standAtDeletion(this.#deletion)
    this.#deletion = undefined
    return false
  }

  /** Whether the piece has a version that is not done. */
  #hasVersion(): boolean {
    while (this.#done === this.#batch.count) {
      const next = this.#batches.next()
      this.#done = 0
      this.#batch = next.done === true ? NO_VERSIONS : next.value
      if (next.done === true) return false
    }
    return true
  }

  #standAtDeletion(time: HybridTime): true {
    this.#deletion = undefined
    return this.#standAtCommit(time, undefined)
  }

  #standAtCommit(time: HybridTime, value: Uint8Array | undefined): true {
    this.time = this.versionTime = time
    this.value = value
    this.cause = 'commit'
    return true
  }

  #standAtFirst({ time, value, versionTime, cause }: StateChange): true {
    this.#first = undefined
    this.time = time
    this.value = value
    this.versionTime = versionTime
    this.cause = cause
    return true
  }
}

/** Times during which one generation is in force, or none. */
interface Piece {
  readonly first: HybridTime
  readonly last: HybridTime
  readonly generation: Generation | undefined
}

/** The pieces, in order. Generations come in the order of their starts, and one is in force at a time. */
function piecesOf(generations: readonly Generation[], times: Stretches): readonly Piece[] {
  const pieces: Piece[] = []
  for (const { after, through } of times) {
    let done = after
    const take = (last: HybridTime, generation: Generation | undefined) => {
      if (last <= done) return
      pieces.push({ first: tickAfter(done), last, generation })
      done = last
    }
    for (const generation of generations) {
      take(earlierOf(tickBefore(generation.start), through), undefined)
      take(earlierOf(endOf(generation), through), generation)
      if (done === through) break
    }
    take(through, undefined)
  }
  return pieces
}

/** The change at the first time of a piece, after the piece before it, if there is one. */
function changeBetween(
  key: KeyVersions,
  before: Piece | undefined,
  { first, generation }: Piece,
  shown: Version | undefined,
): StateChange | undefined {
  const old = before && shownAt(key, before, before.last)
  if (old === undefined && shown === undefined) return undefined
  const isKnown = before !== undefined && tickAfter(before.last) === first
  if (isKnown && old?.time === shown?.time) return undefined
  // Which tombstone makes it absent cannot be said: it may be gone.
  const state = { time: first, value: shown?.value, versionTime: shown?.time }
  return { ...state, cause: isKnown ? (generation?.cause ?? 'drop') : 'opening' }
}

/** The versions of a piece that were written after its first time, some at a time. */
function batchesWithin(
  key: KeyVersions,
  { first, last, generation }: Piece,
  order: TimeOrder,
): IterableIterator<VersionBatch> {
  if (generation === undefined) return NO_BATCHES
  const view = intersection(stretch(first, last), viewAsOf(generation, last))
  return view.length === 0 ? NO_BATCHES : key.batches(generation.tablets, view, order)
}

/** The version with a value that shows at a time of a piece. */
function shownAt(key: KeyVersions, { generation }: Piece, time: HybridTime): Version | undefined {
  if (generation === undefined || time === MIN_TIME) return undefined
  // What begins a generation is a commit of the catalog: at its time nothing is written to a table.
  const view = time === generation.start ? generation.base : viewAsOf(generation, time)
  if (view.length === 0) return undefined
  const version = key.find(generation.tablets, view)
  return version?.value === undefined ? undefined : version
}
