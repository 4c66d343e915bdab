/**
 * Explicit snapshots of a level: a token for one time of its table, which is held in memory until the
 * token is closed. A token that is kept for longer than ten minutes no longer holds; it then reads for as
 * long as its time is readable without it.
 */
import { AbstractSnapshot } from 'abstract-level'
import { type HeldTime } from '../store/open-reads.ts'
import { type HybridTime, formatIso } from '../time/hybrid-time.ts'

// Its types leave the argument out.
type SnapshotConstructor = new (options: object) => AbstractSnapshot
const OwnedSnapshot: SnapshotConstructor = AbstractSnapshot

/** A token that stands for one time of a level. */
export class LevelSnapshot extends OwnedSnapshot {
  /** The time as of which it reads. */
  readonly time: HybridTime
  /** The same in ISO form, to read. */
  readonly at: string
  readonly #source: object
  readonly #held: HeldTime

  /** @internal */
  constructor(source: object, held: HeldTime, options: object) {
    super(options)
    this.time = held.time
    this.at = formatIso(held.time)
    this.#source = source
    this.#held = held
  }

  /** Whether it was made of this table. @internal */
  isOf(source: object): boolean {
    return this.#source === source
  }

  /** @internal */
  async _close(): Promise<void> {
    this.#held.release()
  }
}
