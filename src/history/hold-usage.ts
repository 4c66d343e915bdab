/**
 * What each promise alone keeps: the versions that a full compaction could drop as well if only this
 * promise were taken back, and all others stood.
 *
 *     times            1    2    3    4    5    6    7    8    9
 *     versions        k@1       k@3            k@6
 *     seen             1────2    3─────────────5    6────────────▶
 *     promises         ▐h1▌           ▐h2▌                 ▐window▶
 *                                      ▐h3▌
 *     alone            h1 keeps k@1    nobody: h2 and h3 keep k@3    the window keeps k@6
 *
 * During which times a version is seen does not depend on promises, so one judgement by the garbage rule
 * serves all of them: a version is kept by one promise alone if that one meets those times and no other
 * does. What two promises keep is kept by neither alone; what all of them keep together is found by
 * taking them for one promise.
 *
 * A tombstone goes, too, when nothing older of its key remains. So a promise that keeps the oldest values
 * of a key keeps the tombstones above them as well, whoever sees those.
 *
 * The rule: versions stream by, newest first within a key; memory grows with promises, never with versions.
 */
import { assert } from '../base/assert.ts'
import { equalBytes } from '../base/bytes.ts'
import { searchFirst } from '../storage/search.ts'
import { type KeyedVersion } from '../storage/version.ts'
import { type HybridTime, MIN_TIME, tickBefore } from '../time/hybrid-time.ts'
import { type Stretch, type Stretches, union } from '../time/stretches.ts'
import { type JudgeNote, judgeVersion } from './garbage.ts'
import { type Generation, endOf } from './lineage.ts'

/** A number of versions, and the bytes of their keys and values. */
export interface KeptVersions {
  readonly versions: number
  readonly bytes: number
}

/**
 * Tallies the versions of one tablet by who alone keeps them. A merge that meets more than 256 tombstones
 * of a key in a row keeps them whatever follows; that is not accounted for.
 */
export class AloneTally {
  readonly #generations: readonly Generation[]
  readonly #readable: Stretches
  readonly #pieces: readonly OwnedPiece[]
  /** For each generation, the last time at which the next version of the key can be seen. */
  readonly #seenThrough: HybridTime[] = []
  readonly #alone: readonly Sum[]
  readonly #key: KeyTally

  /** `promises` has the times that each of them makes readable. */
  constructor(generations: readonly Generation[], promises: readonly Stretches[]) {
    this.#generations = generations
    this.#readable = union(...promises)
    this.#pieces = ownedPieces(promises)
    this.#alone = promises.map(() => new Sum())
    this.#key = new KeyTally(this.#alone)
  }

  /** What each promise alone keeps of the versions so far, in the order in which the promises came. */
  get alone(): readonly KeptVersions[] {
    return this.#alone
  }

  /** A new key begins, or the last one has ended. */
  beginKey(): void {
    this.#key.end()
    for (const [g, generation] of this.#generations.entries()) this.#seenThrough[g] = endOf(generation)
  }

  /** Takes the next version of the key, newest first. */
  take(version: KeyedVersion): void {
    let owner: Owner = 'nobody'
    const note: JudgeNote = (_, from, through) => {
      if (from !== undefined && from <= through) owner = this.#ownerWithin(owner, tickBefore(from), through)
    }
    const isKept = judgeVersion(this.#generations, this.#readable, this.#seenThrough, version.time, note)
    assert(isKept === ((owner as Owner) !== 'nobody'), 'what is kept is kept by somebody')
    this.#key.take(version, owner)
  }

  /** Who owns the times after `after`, through `through`, beside who owns others at which it is seen. */
  #ownerWithin(owner: Owner, after: HybridTime, through: HybridTime): Owner {
    let all = owner
    const first = searchFirst(this.#pieces, (piece) => piece.through > after)
    for (let p = first; p < this.#pieces.length && all !== 'several'; p++) {
      const piece = this.#pieces[p]!
      if (piece.after >= through) break
      all = bothOwners(all, piece.owner)
    }
    return all
  }
}

/** Streams the versions of one tablet, in their order, by some tallies. */
export function tallyVersions(versions: Iterable<KeyedVersion>, tallies: readonly AloneTally[]): void {
  let key: Uint8Array | undefined
  for (const version of versions) {
    const isNew = key === undefined || !equalBytes(key, version.key)
    key = version.key
    for (const tally of tallies) {
      if (isNew) tally.beginKey()
      tally.take(version)
    }
  }
  for (const tally of tallies) tally.beginKey()
}

/** Whose promise it is: one by its index, more than one, or none. */
type Owner = PieceOwner | 'nobody'
type PieceOwner = number | 'several'

function bothOwners(a: Owner, b: PieceOwner): PieceOwner {
  return a === 'nobody' || a === b ? b : 'several'
}

/** A stretch of readable times, all with the same owner. */
interface OwnedPiece extends Stretch {
  readonly owner: PieceOwner
}

/** The times of all promises in order, cut where one of them begins or ends. */
function ownedPieces(promises: readonly Stretches[]): readonly OwnedPiece[] {
  const edges = promises.flatMap((times, owner) =>
    times.flatMap(({ after, through }) => [
      { time: after, owner, begins: true },
      { time: through, owner, begins: false },
    ]),
  )
  const pieces: OwnedPiece[] = []
  const owners = new Set<number>()
  let after: HybridTime = MIN_TIME
  for (const { time, owner, begins } of edges.toSorted((a, b) =>
    a.time < b.time ? -1 : a.time > b.time ? 1 : 0,
  )) {
    const [first] = owners
    if (first !== undefined && after < time)
      pieces.push({ after, through: time, owner: owners.size === 1 ? first : 'several' })
    if (begins) owners.add(owner)
    else owners.delete(owner)
    after = time
  }
  return pieces
}

/** A sum of versions. */
class Sum implements KeptVersions {
  versions = 0
  bytes = 0

  add({ versions, bytes }: KeptVersions): void {
    this.versions += versions
    this.bytes += bytes
  }
}

/**
 * The versions of one key that are kept, newest first, by owner:
 *
 *     k@9  k@8✝  k@6  k@5✝  k@4  k@3✝  k@2  k@1✝          ✝ tombstone
 *     w    w     w    w     h    w     h    w
 *
 * Here h alone keeps @5✝, @4, @3✝ and @2: without it nothing older would remain behind those tombstones.
 * @1✝ hides nothing even now.
 */
class KeyTally {
  readonly #alone: readonly Sum[]
  /** The tombstones since the last value, by owner: they stay only if a value follows. */
  readonly #waiting = new Map<Owner, Sum>()
  /** The one who alone keeps all values since the last one of somebody else, */
  #tail: number | undefined
  /** and the tombstones of others between those values, or above the first of them. */
  #hiders = new Sum()

  constructor(alone: readonly Sum[]) {
    this.#alone = alone
  }

  take({ key, value }: KeyedVersion, owner: Owner): void {
    if (owner === 'nobody') return
    const one = { versions: 1, bytes: key.length + (value?.length ?? 0) }
    if (value === undefined) this.#wait(owner, one)
    else this.#keep(owner, one)
  }

  /** No older version of the key follows. */
  end(): void {
    if (this.#tail !== undefined) this.#alone[this.#tail]!.add(this.#hiders)
    this.#waiting.clear()
    this.#moveTail(undefined)
  }

  #wait(owner: Owner, one: KeptVersions): void {
    const sum = this.#waiting.get(owner) ?? new Sum()
    sum.add(one)
    this.#waiting.set(owner, sum)
  }

  #keep(owner: Owner, one: KeptVersions): void {
    const tail = typeof owner === 'number' ? owner : undefined
    if (tail === undefined || tail !== this.#tail) this.#moveTail(tail)
    for (const [other, tombstones] of this.#waiting) {
      if (typeof other === 'number') this.#alone[other]!.add(tombstones)
      if (other !== owner) this.#hiders.add(tombstones)
    }
    this.#waiting.clear()
    if (tail !== undefined) this.#alone[tail]!.add(one)
  }

  #moveTail(tail: number | undefined): void {
    this.#tail = tail
    this.#hiders = new Sum()
  }
}
