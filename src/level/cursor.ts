/**
 * A cursor over the table under a level, at one time, which it holds from its first moment to its close.
 * It stands still until it is asked; one step reads one item, and only those who go on get more at a time.
 */
import { type KeyRange, isEmptyRange } from '../base/key-range.ts'
import { type Direction } from '../storage/cursor.ts'
import { type VersionScan } from '../storage/version-scan.ts'
import { type HeldRead } from '../store/held-read.ts'
import { type HeldTime } from '../store/open-reads.ts'
import { type ByteTable, type ReadTime } from './byte-table.ts'
import { type LevelData } from './format.ts'
import { type LevelRange, ownBytesOf, rangeFrom, rangeOf } from './range.ts'

/** Items that are read ahead at most. */
const AHEAD_MAX = 512

/** Makes an item of where a scan stands. */
type ItemOf<T> = (at: Pick<LevelScan, 'key' | 'version'>) => T
type LevelScan = VersionScan<Uint8Array>

/** Moves over the keys of a range at one time, and makes an item of each. */
export class LevelCursor<T> {
  readonly #table: ByteTable
  readonly #itemOf: ItemOf<T>
  readonly #range: KeyRange
  readonly #direction: Direction
  #held: HeldTime | undefined
  /** None where the range is empty. */
  #scan: HeldRead<LevelScan> | undefined
  /** Items that were read before they were asked for, which a fixed time allows; first one, then more. */
  #ahead: T[] = []
  #aheadAt = 0
  #aheadSize = 1
  readonly #aheadSizeMax: number
  /** What went wrong: it does so again at every step to come. */
  #failure: unknown

  /**
   * What `itemOf` is given are looks into the engine's memory. A time that cannot be read is refused at
   * the first step, because an iterator of Level can be made before its database is open.
   */
  constructor(table: ByteTable, options: LevelRange & ReadTime, itemOf: ItemOf<T>) {
    this.#table = table
    this.#itemOf = itemOf
    this.#range = rangeOf(options)
    this.#direction = options.reverse === true ? 'reverse' : 'forward'
    const { limit = -1 } = options
    this.#aheadSizeMax = limit < 1 ? AHEAD_MAX : Math.min(limit, AHEAD_MAX)
    try {
      this.#held = table.hold(options)
      this.#scan = this.#scanOf(this.#range, this.#held)
    } catch (error) {
      this.#failure = error
    }
  }

  /** The next item; `undefined` at the end. */
  next(): T | undefined {
    if (this.#aheadAt === this.#ahead.length) {
      this.#ahead = this.#read(this.#aheadSize)
      this.#aheadAt = 0
      this.#aheadSize = Math.min(8 * this.#aheadSize, this.#aheadSizeMax)
    }
    return this.#aheadAt < this.#ahead.length ? this.#ahead[this.#aheadAt++] : undefined
  }

  /** At most so many of the next items; fewer only at the end. */
  nextMany(size: number): T[] {
    return this.#read(size, this.#ahead.splice(this.#aheadAt, size))
  }

  /** To a key of the range, or the next one in its direction; the end where it is none of the range. */
  seek(target: LevelData): void {
    if (this.#held === undefined) return
    this.#ahead = []
    this.#aheadAt = 0
    this.#aheadSize = 1
    this.#scan?.close()
    this.#scan = this.#scanOf(rangeFrom(this.#range, this.#direction, ownBytesOf(target)), this.#held)
  }

  /** Lets its time go. */
  close(): void {
    this.#scan?.close()
    this.#held?.release()
  }

  /** Reads until there are so many items, or to the end. What goes wrong behind the first one does so at the next step. */
  #read(size: number, items: T[] = []): T[] {
    try {
      if (this.#failure !== undefined) throw this.#failure
      while (items.length < size) {
        if (this.#scan?.step() !== true) break
        items.push(this.#itemOf(this.#scan.found))
      }
    } catch (error) {
      this.#failure = error
      if (items.length === 0) throw error
    }
    return items
  }

  #scanOf(range: KeyRange, { time }: HeldTime): HeldRead<LevelScan> | undefined {
    return isEmptyRange(range) ? undefined : this.#table.scan(range, this.#direction, time)
  }
}
