/**
 * What is known of the commit log by the calls that were made on its segments: which commits there are, and
 * which of them a power cut leaves.
 */
import { textOfBytes } from '../../base/bytes.ts'
import { decodeRecord } from '../../storage/commit-record.ts'
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
  #next: KnownRecords<LogFact> | undefined
  #durableThrough: HybridTime = MIN_TIME
  #durableCeiling: HybridTime = MIN_TIME

  /** Every commit through here that the log was seen to have survives a power cut. */
  get durableThrough(): HybridTime {
    return this.#durableThrough
  }

  /** No commit may have a time above this one. */
  get durableCeiling(): HybridTime {
    return this.#durableCeiling
  }

  segment(number: number): KnownRecords<LogFact> | undefined {
    return this.#segments.get(number)
  }

  create(number: number): KnownRecords<LogFact> {
    const segment = new KnownRecords(logFact)
    this.#segments.set(number, segment)
    return segment
  }

  /** What is to take the name of a segment, with its records. */
  get next(): KnownRecords<LogFact> | undefined {
    return this.#next
  }

  createNext(): void {
    this.#next = new KnownRecords(logFact)
  }

  removeNext(): void {
    this.#next = undefined
  }

  /** The new one takes the name of a segment. */
  rename(number: number): void {
    if (this.#next !== undefined) this.#segments.set(number, this.#next)
    this.#next = undefined
  }

  /** Forgets a segment, and the ceilings in it. */
  remove(number: number): void {
    this.#segments.delete(number)
    this.#durableCeiling = MIN_TIME
    for (const segment of this.#segments.values()) {
      for (const fact of segment.contents(0, segment.durableCount)) this.#takeCeiling(fact)
    }
  }

  syncNames(): void {
    for (const segment of this.#segments.values()) segment.isNamed = true
    this.settle()
  }

  /** Whether the catalog has a tablet as freed, durably. */
  isFreed(tablet: number): boolean {
    return this.#freed.has(tablet)
  }

  /** The first commit of the catalog that a power cut may take. */
  get pendingOfCatalog(): LogFact | undefined {
    const pending = [...this.#segments.values()].flatMap((segment) => segment.contents(segment.durableCount))
    return pending.find(({ tablets }) => tablets.includes(SYSTEM_TABLET))
  }

  /** Takes in what has become durable. */
  settle(): void {
    for (const segment of this.#segments.values()) {
      for (const fact of segment.takeDurable()) {
        this.#takeCeiling(fact)
        if (fact.kind === 'commit') this.#durableThrough = laterOf(this.#durableThrough, fact.time)
        for (const tablet of fact.freed) this.#freed.add(tablet)
      }
    }
  }

  /** Ceilings rise; only a clean close takes the one before it back. */
  #takeCeiling({ kind, time }: LogFact): void {
    if (kind === 'ceiling') this.#durableCeiling = laterOf(this.#durableCeiling, time)
    else if (kind === 'close') this.#durableCeiling = time
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
