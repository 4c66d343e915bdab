/**
 * Reads that go on after the call that asked for them: a scan, a history, a diff. Their first step may come long after
 * the call, so what they read is judged again when it is made, and held from then on.
 *
 *     scan() ········ first step ──── step ──── end
 *     judged          judged again
 *                     ▐████████████████████████▌ held
 */
import { type KeyRange } from '../base/key-range.ts'
import { type Moment } from '../catalog/promises.ts'
import { type TableRow } from '../catalog/rows.ts'
import { type Direction } from '../storage/cursor.ts'
import { type VersionScan } from '../storage/version-scan.ts'
import { type Tablets, tabletFor } from '../tablet/tablet.ts'
import { type HybridClock } from '../time/clock.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Held, HeldRead, type Steps } from './held-read.ts'
import { type Readability } from './readability.ts'
import { type ReadPoints } from './read-points.ts'

/** What a scan of a table asks for. */
export interface ScanRequest {
  readonly table: number
  readonly range: KeyRange
  readonly direction: Direction
  /** The time as of which it reads; left out, the newest one there is, at which it then stays. */
  readonly asOf?: HybridTime | undefined
  /** No more rows will be asked for. */
  readonly limit?: number | undefined
}

/** A time of a table that stays readable until it is released, or is too old. */
export interface HeldTime {
  readonly time: HybridTime
  readonly release: () => void
}

/** A read whose times were chosen. */
export interface ChosenRead<Found extends Steps> {
  readonly table: TableRow
  /** The times that it reads, all of them readable at the moment by which they were chosen. */
  readonly times: Stretches
  readonly moment: Moment
  /** Begins to read. */
  readonly read: () => Found
}

/** What such reads are of. */
export interface OpenReadsContext {
  readonly clock: HybridClock
  readonly tablets: Tablets
  readonly readability: Readability
  readonly points: ReadPoints
  /** Throws `CLOSED` once the store is. */
  readonly assertOpen: () => void
}

/** Begins reads of a store that go on. */
export class OpenReads {
  readonly #context: OpenReadsContext

  constructor(context: OpenReadsContext) {
    this.#context = context
  }

  /** The keys of a range with a value at one time, in order. The time is readable now, and need not be at the first step. */
  scan(table: TableRow, request: ScanRequest): HeldRead<VersionScan<Uint8Array>> {
    const from = request.asOf ?? this.#context.readability.presentOf(table)
    return new HeldRead(() => this.#beginScan(table, request, from))
  }

  /** A read whose times are chosen when the first step is made. */
  reading<Found extends Steps>(choose: () => ChosenRead<Found>): HeldRead<Found> {
    return new HeldRead(() => this.#beginRead(choose()))
  }

  /** Holds a time that is readable, or the present. */
  holdTime(table: TableRow, asOf: HybridTime | undefined): HeldTime {
    const { readability } = this.#context
    const time = asOf ?? readability.presentOf(table)
    const hold = readability.hold(table, time)
    return { time, release: () => readability.release(hold) }
  }

  #beginRead<Found extends Steps>({ table, times, moment, read }: ChosenRead<Found>): Held<Found> {
    const { readability, assertOpen } = this.#context
    assertOpen()
    const hold = readability.holdTimes(table, times, moment)
    const end = () => readability.release(hold)
    const assertGoesOn = () => {
      assertOpen()
      readability.checkAll(table, times)
    }
    try {
      return { found: read(), hold, assertGoesOn, end }
    } catch (error) {
      end()
      throw error
    }
  }

  #beginScan(
    table: TableRow,
    { range, direction, asOf, limit }: ScanRequest,
    from: HybridTime,
  ): Held<VersionScan<Uint8Array>> {
    const { readability, points, tablets: trees, clock, assertOpen } = this.#context
    assertOpen()
    // The first step may come long after the call. What was the present then may still be it, or be gone.
    const isPresent = asOf === undefined && from === clock.last
    const time = isPresent ? readability.presentOf(table) : from
    // The clock goes on: asked again, the present may have left a very short window already.
    if (!isPresent) readability.check(table, time)
    const { tablets, view } = points.at(table, time)
    const hold = readability.hold(table, time)
    const end = () => {
      readability.release(hold)
      found.end()
    }
    const assertGoesOn = () => {
      assertOpen()
      readability.check(table, time)
    }
    const found = trees.get(tabletFor(tablets, range.lower)).scan(range, view, direction, limit)
    return { found, hold, assertGoesOn, end }
  }
}
