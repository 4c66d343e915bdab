/**
 * The reference store: the obvious model of a versioned store, which every other is compared with. It is a
 * list of commits, and every answer is found by looking at all of them.
 *
 *     at 8192   a=v1  b=v2      a as of 8193: of the commits at or before 8193, the last that writes a;
 *     at 8193   a=v3  a=✝       of its writes to a, the last: ✝, so nothing
 *     at 8194   b=v4
 *
 * It never forgets: a cutoff makes it refuse. It is a {@link VersionedStore} itself, so that the checkers
 * can be tried on it, and it is not the model of the engine in `../model.ts`: that one knows tables, holds,
 * windows that move with a clock, and crashes, which is what the engine promises and no stranger has to.
 */
import {
  type Entry,
  type ScanRange,
  type StoreSnapshot,
  type VersionedStore,
  type Write,
} from './contract.ts'

/** One commit, or a restore, which is one too. */
export interface Commit {
  readonly time: bigint
  readonly writes: readonly Write[]
}

/** A versioned store, by definition. */
export class ReferenceStore implements VersionedStore {
  readonly #commits: Commit[] = []
  #cutoff: bigint | undefined

  /** Everything that was committed, oldest first. */
  get commits(): readonly Commit[] {
    return this.#commits
  }

  /** The first time that may be read; `undefined` while every time may be. */
  get cutoff(): bigint | undefined {
    return this.#cutoff
  }

  commit(writes: readonly Write[], at: bigint): bigint {
    this.#commits.push({ time: at, writes: writes.map((write) => ({ ...write })) })
    return at
  }

  get(key: string, asOf: bigint): string | undefined {
    this.#refuseBelowCutoff(asOf)
    return this.#find(key, asOf)
  }

  scan(range: ScanRange, asOf: bigint): readonly Entry[] {
    this.#refuseBelowCutoff(asOf)
    return this.#list(range, asOf)
  }

  collect(cutoff: bigint): bigint {
    if (this.#cutoff === undefined || cutoff > this.#cutoff) this.#cutoff = cutoff
    return this.#cutoff
  }

  reopen(): void {
    // There is nothing that it could lose.
  }

  snapshot(): StoreSnapshot {
    const asOf = this.#commits.at(-1)?.time
    if (asOf === undefined) return { get: () => undefined, scan: () => [] }
    return { get: (key) => this.#find(key, asOf), scan: (range) => this.#list(range, asOf) }
  }

  restore(to: bigint, at: bigint): bigint {
    this.#refuseBelowCutoff(to)
    const keys = new Set(this.#commits.flatMap(({ writes }) => writes.map(({ key }) => key)))
    return this.commit(
      Array.from(keys, (key) => ({ key, value: this.#find(key, to) })),
      at,
    )
  }

  #find(key: string, asOf: bigint): string | undefined {
    const writes = this.#commits.filter(({ time }) => time <= asOf).flatMap((commit) => commit.writes)
    return writes.findLast((write) => write.key === key)?.value
  }

  #list({ gte = '', lt, reverse = false }: ScanRange, asOf: bigint): readonly Entry[] {
    const keys = new Set(this.#commits.flatMap(({ writes }) => writes.map(({ key }) => key)))
    // JavaScript compares text by its character codes.
    const inOrder = [...keys].filter((key) => key >= gte && (lt === undefined || key < lt)).toSorted()
    const entries = inOrder.flatMap((key): readonly Entry[] => {
      const value = this.#find(key, asOf)
      return value === undefined ? [] : [[key, value]]
    })
    return reverse ? entries.toReversed() : entries
  }

  #refuseBelowCutoff(asOf: bigint): void {
    if (this.#cutoff !== undefined && asOf < this.#cutoff)
      throw new RangeError(`${asOf} is below the cutoff ${this.#cutoff}`)
  }
}
