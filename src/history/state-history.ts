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
 * as its *opening*. Deleting what is absent is no change. So nothing depends on what was collected: all
 * that is asked is what showed at readable times, and which versions showed when they were written.
 *
 * Both orders stream, a batch of changes at a time: what is remembered does not grow with the versions of the key.
 */
import { type TimeOrder, type Version } from '../storage/version.ts'
import { type HybridTime, MIN_TIME, earlierOf, tickAfter, tickBefore } from '../time/hybrid-time.ts'
import { type Stretches, intersection, stretch } from '../time/stretches.ts'
import { type Generation, type GenerationCause, endOf, viewAsOf } from './lineage.ts'

/**
 * What made a change: a commit, what began another generation of the table, its drop; or `opening`, where
 * it is what shows at the beginning of readable times.
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
  batches(tablets: readonly number[], view: Stretches, order: TimeOrder): Iterable<readonly Version[]>
}

/**
 * The changes of a key, one after the other: after each step that answered `true` it is the change at which it stands.
 */
export class StateHistory implements StateChange {
  readonly #found: Iterator<Found>
  /** Versions that are a change each, and how many of them are done. */
  #commits: readonly Version[] = []
  #done = 0
  time: HybridTime = MIN_TIME
  value: Uint8Array | undefined
  versionTime: HybridTime | undefined
  cause: ChangeCause = 'commit'

  /** At some times, all of them readable and none in the future. */
  constructor(key: KeyVersions, generations: readonly Generation[], times: Stretches, order: TimeOrder) {
    this.#found = stateChanges(key, generations, times, order)
  }

  /** To the next change; whether there is one. */
  step(): boolean {
    while (this.#done === this.#commits.length) {
      const { value: found, done } = this.#found.next()
      if (done === true) return false
      if ('cause' in found) return this.#standAt(found)
      this.#commits = found
      this.#done = 0
    }
    const { time, value } = this.#commits[this.#done++]!
    this.time = this.versionTime = time
    this.value = value
    this.cause = 'commit'
    return true
  }

  #standAt({ time, value, versionTime, cause }: StateChange): true {
    this.time = time
    this.value = value
    this.versionTime = versionTime
    this.cause = cause
    return true
  }
}

/** Versions that are a change each, by the commit that wrote them; or a change that something else made. */
type Found = readonly Version[] | StateChange

/** The changes, some or none at a time. */
function* stateChanges(
  key: KeyVersions,
  generations: readonly Generation[],
  times: Stretches,
  order: TimeOrder,
): Generator<Found> {
  const pieces = piecesOf(generations, times)
  const isRising = order === 'oldest first'
  for (let i = 0; i < pieces.length; i++) {
    const at = isRising ? i : pieces.length - 1 - i
    const piece = pieces[at]!
    const shown = shownAt(key, piece, piece.first)
    const first = changeBetween(key, pieces[at - 1], piece, shown)
    const commits = isRising ? risingChanges(shown) : fallingChanges(shown)
    if (isRising && first !== undefined) yield first
    for (const versions of versionsWithin(key, piece, order)) yield commits.of(versions)
    const open = commits.open()
    if (open !== undefined) yield [open]
    if (!isRising && first !== undefined) yield first
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
function versionsWithin(
  key: KeyVersions,
  { first, last, generation }: Piece,
  order: TimeOrder,
): Iterable<readonly Version[]> {
  if (generation === undefined) return []
  const view = intersection(stretch(first, last), viewAsOf(generation, last))
  return view.length === 0 ? [] : key.batches(generation.tablets, view, order)
}

/** Tells which versions of a piece are changes: all but the deletions of what is absent. */
interface CommitChanges {
  /** Those of the next versions that are changes. */
  of(versions: readonly Version[]): readonly Version[]
  /** The one of which that was open until the last version was seen, if it is a change. */
  open(): Version | undefined
}

/** Of versions that come oldest first, after what shows before them. */
function risingChanges(shown: Version | undefined): CommitChanges {
  let isPresent = shown !== undefined
  return {
    of: (versions) => {
      const changes: Version[] = []
      for (const version of versions) {
        const wasPresent = isPresent
        isPresent = version.value !== undefined
        if (wasPresent || isPresent) changes.push(version)
      }
      return changes
    },
    open: () => undefined,
  }
}

/** Of versions that come newest first: whether a deletion changes anything is known one version later. */
function fallingChanges(shown: Version | undefined): CommitChanges {
  let deletion: Version | undefined
  return {
    of: (versions) => {
      const changes: Version[] = []
      for (const version of versions) {
        if (deletion !== undefined && version.value !== undefined) changes.push(deletion)
        deletion = version.value === undefined ? version : undefined
        if (deletion === undefined) changes.push(version)
      }
      return changes
    },
    open: () => (shown === undefined ? undefined : deletion),
  }
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
