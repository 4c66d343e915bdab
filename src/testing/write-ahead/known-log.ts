/**
 * What is known of the commit log by the calls that were made on its segments: which commits there are, and
 * which of them a power cut leaves.
 */
import { textOfBytes } from '../../base/bytes.ts'
import { decodeRecord } from '../../tablet/commit-record.ts'
import { SYSTEM_TABLET } from '../../tablet/tablet.ts'
import { type HybridTime, MIN_TIME, laterOf } from '../../time/hybrid-time.ts'
import { KnownRecords } from './known-file.ts'

/** What a record of the log says, as far as order goes. */
export interface LogFact {
  readonly kind: 'commit' | 'ceiling' | 'close'
  readonly time: HybridTime
  /** Of a commit: the tablets that it writes to. */
  readonly tablets: readonly number[]
  /** Of a commit: the tablets that the catalog has as freed from it on. */
  readonly freed: readonly number[]
}

/** The segments that there are, and what they have said. */
export class KnownLog {
  readonly #segments: Map<number, KnownRecords<LogFact>> = new Map()
  readonly #freed: Set<number> = new Set()
  /** Every commit through here survives a power cut: in the log, or in tables that an edit names. */
  durableThrough: HybridTime = MIN_TIME
  /** No commit may have a time above this one. */
  durableCeiling: HybridTime = MIN_TIME

  /** The number of the newest segment; 0 if there is none. */
  get newest(): number {
    return Math.max(0, ...this.#segments.keys())
  }

  segment(number: number): KnownRecords<LogFact> | undefined {
    return this.#segments.get(number)
  }

  create(number: number): KnownRecords<LogFact> {
    const segment = new KnownRecords(logFact)
    this.#segments.set(number, segment)
    return segment
  }

  remove(number: number): void {
    this.#segments.delete(number)
    this.settle()
  }

  syncNames(): void {
    for (const segment of this.#segments.values()) segment.isNamed = true
    this.settle()
  }

  /** Whether the catalog has a tablet as freed, durably. */
  isFreed(tablet: number): boolean {
    return this.#freed.has(tablet)
  }

  /** The commits of the catalog that a power cut may take. */
  get pendingOfCatalog(): readonly LogFact[] {
    const pending = [...this.#segments.values()].flatMap((segment) => segment.pending)
    return pending.filter(({ tablets }) => tablets.includes(SYSTEM_TABLET))
  }

  /** Takes in what has become durable. */
  settle(): void {
    this.durableCeiling = MIN_TIME
    const numbers = [...this.#segments.keys()].toSorted((a, b) => a - b)
    for (const number of numbers) {
      for (const fact of this.#segments.get(number)!.durable) this.#take(fact)
    }
  }

  #take({ kind, time, freed }: LogFact): void {
    if (kind === 'commit') {
      this.durableThrough = laterOf(this.durableThrough, time)
      for (const tablet of freed) this.#freed.add(tablet)
      // A clean close takes an earlier ceiling back.
    } else this.durableCeiling = kind === 'close' ? time : laterOf(this.durableCeiling, time)
  }
}

function logFact(payload: Uint8Array): LogFact {
  const record = decodeRecord(payload)
  const { kind, time } = record
  if (record.kind !== 'commit') return { kind, time, tablets: [], freed: [] }
  const ofCatalog = record.tablets.find(({ tablet }) => tablet === SYSTEM_TABLET)?.writes ?? []
  const freed = ofCatalog.flatMap(({ key }) => /^freed\/(\d+)$/.exec(textOfBytes(key))?.[1] ?? [])
  return { kind, time, tablets: record.tablets.map(({ tablet }) => tablet), freed: freed.map(Number) }
}
