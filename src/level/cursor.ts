/**
 * A cursor over the table under a level, at one time, which it holds from its first moment to its close.
 * It stands still until it is asked, so that a seek costs nothing that was not read.
 */
import { type KeyRange, isEmptyRange } from '../base/key-range.ts'
import { type Direction } from '../storage/cursor.ts'
import { type HeldTime, type LiveVersion } from '../store/store.ts'
import { type ByteTable, type ReadTime } from './byte-table.ts'
import { type LevelData, bytesOf } from './format.ts'
import { type LevelRange, rangeFrom, rangeOf } from './range.ts'

/** Moves over the keys of a range at one time, and makes an item of each. */
export class LevelCursor<T> {
  readonly #table: ByteTable
  readonly #itemOf: (version: LiveVersion) => T
  readonly #range: KeyRange
  readonly #direction: Direction
  #held: HeldTime | undefined
  #scan: Iterator<LiveVersion> = [].values()
  /** What went wrong: it does so again at every step to come. */
  #failure: unknown

  /**
   * What `itemOf` is given are looks into the engine's memory. A time that cannot be read is refused at
   * the first step, because an iterator of Level can be made before its database is open.
   */
  constructor(table: ByteTable, options: LevelRange & ReadTime, itemOf: (version: LiveVersion) => T) {
    this.#table = table
    this.#itemOf = itemOf
    this.#range = rangeOf(options)
    this.#direction = options.reverse === true ? 'reverse' : 'forward'
    try {
      this.#held = table.hold(options)
      this.#scan = this.#scanOf(this.#range, this.#held)
    } catch (error) {
      this.#failure = error
    }
  }

  /** The next item; `undefined` at the end. */
  next(): T | undefined {
    const version = this.#step()
    return version === undefined ? undefined : this.#itemOf(version)
  }

  /** At most so many of the next items; fewer only at the end. */
  nextMany(size: number): T[] {
    const items: T[] = []
    while (items.length < size) {
      const version = this.#step()
      if (version === undefined) break
      items.push(this.#itemOf(version))
    }
    return items
  }

  /** To a key of the range, or the next one in its direction; the end where it is none of the range. */
  seek(target: LevelData): void {
    if (this.#held === undefined) return
    this.#scan.return?.()
    this.#scan = this.#scanOf(rangeFrom(this.#range, this.#direction, bytesOf(target)), this.#held)
  }

  /** Lets its time go. */
  close(): void {
    this.#scan.return?.()
    this.#held?.release()
  }

  #step(): LiveVersion | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      const result = this.#scan.next()
      return result.done === true ? undefined : result.value
    } catch (error) {
      this.#failure = error
      throw error
    }
  }

  #scanOf(range: KeyRange, { time }: HeldTime): Iterator<LiveVersion> {
    return isEmptyRange(range) ? [].values() : this.#table.scan(range, this.#direction, time)
  }
}
