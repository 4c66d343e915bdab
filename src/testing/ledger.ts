/**
 * The ledger: which commits there are, and which of them somebody was promised to find again.
 */
import { type CrashModel } from '../simulator/crash-models.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { type HybridTime } from '../time/hybrid-time.ts'

/** The commits of a run. */
export class Ledger {
  #times: HybridTime[] = []
  /** The newest commit that the death of the process has to leave. */
  #handedOver = 0n as HybridTime
  /** The newest commit that a power cut has to leave. */
  #durable = 0n as HybridTime
  /** What a commit does in the model, while nobody has seen how it ended. */
  #inFlight: { readonly time: HybridTime; readonly inModel: (time: HybridTime) => void } | undefined
  /** Times among which the database made commits of its own: its upkeep. */
  readonly #own: { readonly after: HybridTime; readonly through: HybridTime }[] = []

  /** The newest commit; `undefined` while there is none. */
  get newest(): HybridTime | undefined {
    return this.#times.at(-1)
  }

  /** The newest commit that was handed to the operating system. */
  get handedOver(): HybridTime {
    return this.#handedOver
  }

  /** Whether there is a commit of this time. */
  has(time: HybridTime): boolean {
    return (
      this.#times.includes(time) || this.#own.some(({ after, through }) => after < time && time <= through)
    )
  }

  /** A commit begins that will get this time. `inModel` is what it does, if it is there in the end. */
  begin(time: HybridTime, inModel: (time: HybridTime) => void): void {
    this.#inFlight = { time, inModel }
  }

  /** The commit that began has happened. */
  end(time: HybridTime, durability: Durability): void {
    this.#times.push(time)
    this.#inFlight?.inModel(time)
    this.#inFlight = undefined
    this.promise(durability)
  }

  /** The database may have made commits of its own at these times. */
  noteOwn(after: HybridTime, through: HybridTime): void {
    if (after < through) this.#own.push({ after, through })
  }

  /** All commits so far are this durable. */
  promise(durability: Durability): void {
    const newest = this.#times.at(-1) ?? this.#durable
    if (durability !== 'none') this.#handedOver = newest
    if (durability === 'disk') this.#durable = newest
  }

  /** The newest commit that a crash has to leave, if the database itself claims `claimed`. */
  promisedAfter(model: CrashModel, claimed: HybridTime): HybridTime {
    if (model === 'process-kill') return this.#handedOver
    return this.#durable > claimed ? this.#durable : claimed
  }

  /**
   * After a crash, `newest` is the last commit there is: perhaps the one of which nobody saw the end.
   * Whether anything was lost.
   */
  settle(newest: HybridTime): boolean {
    if (this.#inFlight !== undefined && newest >= this.#inFlight.time) {
      this.#times.push(this.#inFlight.time)
      this.#inFlight.inModel(this.#inFlight.time)
    }
    this.#inFlight = undefined
    const before = this.#times.length
    this.#times = this.#times.filter((time) => time <= newest)
    this.promise('disk')
    return this.#times.length < before
  }
}
