/**
 * Where reads of a table look: in which tablets, and at which times.
 *
 *     as of t     the generation in force at t     its base and (from, t]
 *     now         the newest generation            its base and all times after `from`
 *
 * What does not change between two reads is made once: the place of the present until the catalog changes, and the one
 * object that the gets of the past share, so that a get allocates nothing but its result. Where history is kept for ever
 * nothing but the catalog decides what can be read, and gets of times that are past need not ask it again, from the
 * second one on:
 *
 *     start of the generation, ratchet               its end, or the newest time there was
 *     ───────────────────▐███████████████████████████████▌────────▶ settled
 */
import { type Catalog, fullNameOf, generationsOf } from '../catalog/catalog.ts'
import { type TableRow } from '../catalog/rows.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Generation, endOf, generationAt } from '../history/lineage.ts'
import { ViewCache } from '../history/view-cache.ts'
import { type HybridTime, MAX_TIME, earlierOf, formatExact, formatIso, laterOf } from '../time/hybrid-time.ts'
import { type Stretches } from '../time/stretches.ts'

/** Where a read of a table looks. */
export interface ReadPoint {
  readonly table: TableRow
  readonly tablets: readonly number[]
  readonly view: Stretches
}

/** Times of one generation of a table that are past, and readable until the catalog changes. */
interface SettledPast {
  readonly table: TableRow
  readonly generation: Generation
  readonly first: HybridTime
  readonly last: HybridTime
}

/** The read points of a store. */
export class ReadPoints {
  readonly #catalog: () => Catalog
  readonly #views = new ViewCache()
  /** By table. */
  readonly #present = new Map<number, ReadPoint>()
  /** By table. */
  readonly #settled = new Map<number, SettledPast>()
  readonly #momentary = {} as { -readonly [Part in keyof ReadPoint]: ReadPoint[Part] }

  /** `catalog` is what exists now. */
  constructor(catalog: () => Catalog) {
    this.#catalog = catalog
  }

  /** Where reads of the present look; `undefined` where the table was not asked for since the catalog changed. */
  knownPresent(tableId: number): ReadPoint | undefined {
    return this.#present.get(tableId)
  }

  /** Where reads of the present look, from here on until the catalog changes. */
  present(table: TableRow): ReadPoint {
    const point = this.at(table, MAX_TIME)
    this.#present.set(table.id, point)
    return point
  }

  /** To be called when the catalog changes. */
  forget(): void {
    this.#present.clear()
    this.#settled.clear()
  }

  /** Where a read as of a time looks that is readable. Throws `UNKNOWN_TABLE` where the table did not exist. */
  at(table: TableRow, time: HybridTime): ReadPoint {
    const generation = this.#generationAt(table, time)
    return { table, tablets: generation.tablets, view: this.#views.viewAsOf(generation, time) }
  }

  /** As {@link at}; good until this or {@link settledAt} is asked again: it is the same object each time. */
  momentaryAt(table: TableRow, time: HybridTime): ReadPoint {
    return this.#lookFrom(table, this.#generationAt(table, time), time)
  }

  /** As {@link momentaryAt}, of a time that is known to be settled; otherwise `undefined`. */
  settledAt(tableId: number, time: HybridTime): ReadPoint | undefined {
    const settled = this.#settled.get(tableId)
    if (settled === undefined || time < settled.first || time > settled.last) return undefined
    return this.#lookFrom(settled.table, settled.generation, time)
  }

  /** Takes note: from `first` through `last` times of a table are settled, as far as its generation at `time` was in force. */
  settle(table: TableRow, time: HybridTime, first: HybridTime, last: HybridTime): void {
    const generation = this.#generationAt(table, time)
    this.#settled.set(table.id, {
      ...{ table, generation },
      first: laterOf(first, generation.start),
      last: earlierOf(last, endOf(generation)),
    })
  }

  #lookFrom(table: TableRow, generation: Generation, time: HybridTime): ReadPoint {
    const point = this.#momentary
    point.table = table
    point.tablets = generation.tablets
    point.view = this.#views.momentaryViewAsOf(generation, time)
    return point
  }

  #generationAt(table: TableRow, time: HybridTime): Generation {
    const generation = generationAt(generationsOf(this.#catalog(), table.id), time)
    if (generation !== undefined) return generation
    // The time is readable, and what a readable time meets is not forgotten: there was nothing.
    const name = fullNameOf(this.#catalog(), table)
    const message = `the table ${name} did not exist as of ${formatIso(time)}`
    throw new PalimpsestError('UNKNOWN_TABLE', message, { table: name, time: formatExact(time) })
  }
}
