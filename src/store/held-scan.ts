/**
 * A scan of a table at one time, which is held in memory from the first step to the end:
 *
 *     scan() ──── step ── step ── step ──┐ false, an error, or close
 *                 ▐██████████████████████▌ held: no compaction takes away what it has yet to see
 *
 * The rule: what it shows was readable when it showed it. A hold that became too old ends before the scan does;
 * from then on each step asks.
 */
import { type ByteSpan } from '../base/bytes.ts'
import { type KeyedVersion, type Version } from '../storage/version.ts'
import { type VersionScan } from '../storage/version-scan.ts'
import { type VersionSpan } from '../storage/version-span.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type OpenHold } from './memory-holds.ts'

/** A key with the value that shows. */
export type LiveVersion = KeyedVersion<Uint8Array>

/** A scan that has begun. */
export interface Reading {
  readonly scan: VersionScan<Uint8Array>
  readonly time: HybridTime
  readonly hold: OpenHold
}

/** The store behind a scan. */
export interface ReadingHost {
  /** Chooses the time, holds it and begins. Throws `CLOSED`, `HISTORY_GONE`. */
  begin(): Reading
  /** Throws `CLOSED`, `HISTORY_GONE`. */
  assertGoesOn(reading: Reading): void
  end(reading: Reading): void
}

/** A scan, which stands at a key after each step that answered `true`. Until it is over it has to be closed. */
export class HeldScan implements Iterable<LiveVersion> {
  readonly #host: ReadingHost
  #reading: Reading | undefined
  #isOver = false

  constructor(host: ReadingHost) {
    this.#host = host
  }

  /** Where the key is in the engine's memory. */
  get span(): ByteSpan {
    return this.#reading!.scan.span
  }

  /** The key: a look at the engine's memory. */
  get key(): Uint8Array {
    return this.#reading!.scan.key
  }

  /** Where the version that shows there is in the engine's memory. */
  get found(): VersionSpan {
    return this.#reading!.scan.found
  }

  /** The version that shows there; its value is a look at the engine's memory too. */
  get version(): Version<Uint8Array> {
    return this.#reading!.scan.version
  }

  /** To the next key with a value; whether there is one. Throws `CLOSED`, `HISTORY_GONE`. */
  step(): boolean {
    if (this.#isOver) return false
    try {
      if (this.#reading === undefined) this.#reading = this.#host.begin()
      else this.#host.assertGoesOn(this.#reading)
      if (this.#reading.scan.step()) return true
    } catch (error) {
      this.close()
      throw error
    }
    this.close()
    return false
  }

  /** Lets its time go. Closing twice does nothing. */
  close(): void {
    if (this.#isOver) return
    this.#isOver = true
    if (this.#reading !== undefined) this.#host.end(this.#reading)
  }

  *[Symbol.iterator](): Generator<LiveVersion> {
    try {
      while (this.step()) {
        const { time, value } = this.version
        yield { key: this.key, time, value }
      }
    } finally {
      this.close()
    }
  }
}
