/**
 * A run, to be searched by key: which of its tables can have versions of one.
 *
 *     tables       [a……d]   [e……e]   [e……k]   [m……z]
 *     search e                ▲ the first that ends at or behind it, and those that go on with it
 *     search l                                  ▲ begins behind it: it has none
 */
import { type HybridTime, MAX_TIME, MIN_TIME, earlierOf, laterOf } from '../time/hybrid-time.ts'
import { type Stretches, meetsClosed } from '../time/stretches.ts'
import { type PackedKeys, packKeys } from './packed-keys.ts'
import { type Run, type Shape } from './shape.ts'
import { type TableMeta } from './table-format.ts'
import { type SoughtKey } from './sought-key.ts'
import { isAfterTime, wordsOfTimes } from './time-words.ts'

/** The tables of one run and their keys, side by side. */
export class RunIndex {
  readonly tables: readonly TableMeta[]
  readonly #firstKeys: PackedKeys
  readonly #lastKeys: PackedKeys
  /** As words: the oldest time in any of its tables, the latest beginning of one, and the earliest end. */
  readonly #times: Uint32Array

  constructor({ tables }: Run) {
    this.tables = tables
    this.#firstKeys = packKeys(tables.map(({ first }) => first.key))
    this.#lastKeys = packKeys(tables.map(({ last }) => last.key))
    const minTimes = tables.map(({ minTime }) => minTime)
    const oldest = minTimes.reduce(earlierOf, MAX_TIME)
    const allBegan = minTimes.reduce(laterOf, MIN_TIME)
    const firstEnd = tables.map(({ maxTime }) => maxTime).reduce(earlierOf, MAX_TIME)
    this.#times = wordsOfTimes([oldest, allBegan, firstEnd])
  }

  /** Whether all that it has is newer than a time. */
  isAfter(time: HybridTime): boolean {
    return isAfterTime(this.#times, 0, time)
  }

  /** Its tables that can have a version in a view. */
  tablesIn(view: Stretches): readonly TableMeta[] {
    return this.#areAllIn(view) ? this.tables : this.tables.filter((table) => isInView(table, view))
  }

  /** Whether all tables meet the only stretch of a view. A view of several is not judged by it. */
  #areAllIn(view: Stretches): boolean {
    if (view.length !== 1) return false
    const { after, through } = view[0]!
    return !isAfterTime(this.#times, 2, through) && isAfterTime(this.#times, 4, after)
  }

  /** The first table that can have versions of a key; whether it can says {@link hasKey}. */
  firstTableTo(key: SoughtKey): number {
    return this.#lastKeys.findKey(key)
  }

  /** Whether a table, and all before it from {@link firstTableTo} on, can have versions of the key. */
  hasKey(table: number, key: SoughtKey): boolean {
    return table < this.tables.length && this.#firstKeys.compareKeyAt(table, key) <= 0
  }
}

/** Whether a table can have a version in a view. */
export function isInView({ minTime, maxTime }: TableMeta, view: Stretches): boolean {
  return meetsClosed(view, minTime, maxTime)
}

/** The runs of a shape, the newest first. Of those that were `known` before, none is made again. */
export function indexRuns(shape: Shape, known: readonly RunIndex[]): readonly RunIndex[] {
  const byTables = new Map(known.map((index) => [index.tables, index]))
  return shape.flat().map((run) => byTables.get(run.tables) ?? new RunIndex(run))
}
