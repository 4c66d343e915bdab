/**
 * What can be read at this moment, and what is refused.
 *
 *     promised by the catalog    ▐███▌ h1               window ▐████████▶
 *     held in memory                       ▐▌ a cursor
 *     asked as of                  ✓        ✓     ✗ HISTORY_GONE
 *
 * The rule: a refusal is a promise too. Whoever was refused once is refused for ever, whatever the clock does
 * later (law 4), so a refusal that follows from the clock is written down before it is told.
 */
import { PalimpsestError } from '../base/errors.ts'
import { type Catalog, fullNameOf } from '../catalog/catalog.ts'
import {
  type Moment,
  catalogReadable,
  keepOf,
  tableCutoff,
  tableRatchet,
  tableReadable,
} from '../catalog/promises.ts'
import { type TableRef, type TableRow } from '../catalog/rows.ts'
import { assertReadable } from '../history/readable.ts'
import { type Tablets } from '../tablet/tablet.ts'
import { type HybridClock } from '../time/clock.ts'
import { type HybridTime, MIN_TIME, laterOf, tickAfter } from '../time/hybrid-time.ts'
import { type Stretches, contains, difference } from '../time/stretches.ts'
import { MemoryHolds, type OpenHold } from './memory-holds.ts'

/** What readability follows from. */
export interface ReadabilitySources {
  readonly clock: HybridClock
  readonly tablets: Tablets
  /** What exists now. */
  readonly catalog: () => Catalog
  /** Where refusals are written down; none in a store that is read only. */
  readonly judgements: () => Judgements | undefined
}

/** The refusals that are durable. */
export interface Judgements {
  /** Every refusal that follows from this microsecond is written down already. */
  readonly judgedMicros: number
  /** Writes down that somebody was refused history as of this microsecond. */
  noteJudged(micros: number): void
}

/** Judges reads of the past by all promises, those in memory included. */
export class Readability {
  readonly #sources: ReadabilitySources
  readonly #memoryHolds = new MemoryHolds()
  readonly #ratchetOf: Moment['ratchetOf']

  constructor(sources: ReadabilitySources) {
    this.#sources = sources
    this.#ratchetOf = (ids) => {
      let ratchet = MIN_TIME
      for (const id of ids) ratchet = laterOf(ratchet, sources.tablets.get(id).state.ratchet)
      return ratchet
    }
  }

  /** What readable times depend on, now. */
  moment(): Moment {
    const { clock } = this.#sources
    const nowMicros = clock.retentionMicros()
    this.#memoryHolds.expire(nowMicros)
    return { nowMicros, memoryHolds: this.#memoryHolds, ratchetOf: this.#ratchetOf }
  }

  /** Refuses a time of a table that cannot be read. Throws `HISTORY_GONE`. */
  check(table: TableRow, time: HybridTime): void {
    const catalog = this.#sources.catalog()
    const settled = this.settledFrom(table)
    if (settled !== undefined && time >= settled) return
    const moment = this.moment()
    if (time >= tableCutoff(catalog, table, moment)) return
    this.#judge((at) => tableReadable(catalog, table, at), time, fullNameOf(catalog, table), moment)
  }

  /** Refuses a time as of which the names of things cannot be read. Throws `HISTORY_GONE`. */
  checkCatalog(time: HybridTime): void {
    const catalog = this.#sources.catalog()
    this.#judge((at) => catalogReadable(catalog, at), time, 'the catalog', this.moment())
  }

  /** Plans something that depends on what can be read at a moment. Throws what `plan` throws. */
  plan<Plan>(plan: (moment: Moment) => Plan): Plan {
    const moment = this.moment()
    try {
      return plan(moment)
    } catch (error) {
      // Which time was refused, the plan alone knows: nobody asks whether that follows from what is written already.
      if (error instanceof PalimpsestError && error.code === 'HISTORY_GONE') this.#note(moment)
      throw error
    }
  }

  /**
   * The first time of a table's window, where it stays that until the catalog changes: history is kept for ever, and no
   * clock has to be read. (A compaction raises the ratchet of a tablet to a cutoff of before; what changes retention
   * has written one that is no earlier.)
   */
  settledFrom(table: TableRef): HybridTime | undefined {
    const catalog = this.#sources.catalog()
    return keepOf(catalog, table) === 'forever' ? tableRatchet(catalog, table, this.#ratchetOf) : undefined
  }

  /** Refuses times of a table that cannot all be read at a moment, or now. Throws `HISTORY_GONE`, naming the first. */
  checkAll(table: TableRow, times: Stretches, moment?: Moment): void {
    if (times.length === 0) return
    const [gone] = difference(times, tableReadable(this.#sources.catalog(), table, moment ?? this.moment()))
    if (gone !== undefined) this.check(table, tickAfter(gone.after))
  }

  /** The newest time there is; where the window of a table begins after it, that time, closed. */
  presentOf(table: TableRef, moment: Moment = this.moment()): HybridTime {
    const { clock, catalog } = this.#sources
    const cutoff = tableCutoff(catalog(), table, moment)
    if (cutoff > clock.last) clock.use(cutoff)
    return clock.last
  }

  /** Holds one time of a table in memory, until it is released or too old. */
  hold(table: TableRef, time: HybridTime): OpenHold {
    return this.#memoryHolds.hold(table.id, time, this.moment().nowMicros)
  }

  /** Holds times of a table in memory from a moment on, until they are released or too old. */
  holdTimes(table: TableRef, times: Stretches, { nowMicros }: Moment): OpenHold {
    return this.#memoryHolds.holdTimes(table.id, times, nowMicros)
  }

  release(hold: OpenHold): void {
    this.#memoryHolds.release(hold)
  }

  /** Gives up all that is held in memory, because the store is closed. */
  endHolds(): void {
    this.#memoryHolds.end()
  }

  /** Refuses a time that is not readable at a moment, and writes it down unless it follows from what is written already. */
  #judge(readableAt: (moment: Moment) => Stretches, time: HybridTime, what: string, moment: Moment): void {
    try {
      assertReadable(readableAt(moment), time, what)
    } catch (error) {
      const written = this.#sources.judgements()?.judgedMicros ?? 0
      if (contains(readableAt({ ...moment, nowMicros: written }), time)) this.#note(moment)
      throw error
    }
  }

  #note({ nowMicros }: Moment): void {
    const judgements = this.#sources.judgements()
    if (judgements !== undefined && judgements.judgedMicros < nowMicros) judgements.noteJudged(nowMicros)
  }
}
