/**
 * Carries out a plan on a store and on the reference store, and compares.
 *
 * What the plan reads is compared as it comes. At the end everything is: every key and everything at once,
 * at every commit, at the cutoff, and a tick before and after each; every range between two keys; every
 * snapshot that is open, whole and in parts. So one run asks some hundred questions about a handful of commits.
 */
import { UNUSUAL } from './arbitraries.ts'
import { checkPlan, checkSubject } from './arguments.ts'
import {
  type Entry,
  type ScanRange,
  type StoreSnapshot,
  type StoreUnderTest,
  type Write,
} from './contract.ts'
import { StoreFinding } from './finding.ts'
import { type Moment, type Operation, type OperationKind, type Plan, type PlannedWrite } from './plan.ts'
import { ReferenceStore } from './reference-store.ts'
import { REFUSAL, type TakenSnapshot, Trial } from './trial.ts'

/** What runs have met: if something is 0, nothing was shown about it. */
export type Met = Record<Exclude<OperationKind, 'get' | 'scan'> | 'read' | 'refusal', number>

/** What is known of runs from outside, while they go on too. */
export interface RunRecord {
  readonly met: Met
  /** What the newest run has done so far, in prose. */
  operations: readonly string[]
  /** What the newest run has found: its store may yet have to be closed. */
  found: StoreFinding | undefined
}

/** A record of no runs. */
export function newRunRecord(): RunRecord {
  const met = { commit: 0, collect: 0, reopen: 0, snapshot: 0, closeSnapshot: 0, restore: 0 }
  return { met: { ...met, read: 0, refusal: 0 }, operations: [], found: undefined }
}

/** The most snapshots that are open at once. */
const SNAPSHOTS_MAX = 3

/** Runs a plan on a new store. Throws `StoreFinding`; and `INVALID_ARGUMENT`. */
export async function runPlan(
  subject: StoreUnderTest,
  plan: Plan,
  record: RunRecord = newRunRecord(),
): Promise<void> {
  checkSubject(subject)
  checkPlan(plan, subject.supports ?? [])
  record.operations = ['open']
  record.found = undefined
  await Trial.of(subject, async (trial) => {
    record.operations = trial.done
    try {
      const run = new Run(trial, plan, subject, record.met)
      for (const operation of plan.operations) await run.carryOut(operation)
      await trial.quietly(() => run.compareEverything())
    } catch (error) {
      if (error instanceof StoreFinding) record.found = error
      throw error
    }
  })
}

class Run {
  readonly #trial: Trial
  readonly #model = new ReferenceStore()
  readonly #snapshots = new Map<TakenSnapshot, StoreSnapshot>()
  readonly #keys: readonly string[]
  readonly #refuses: boolean
  readonly #canReverse: boolean
  readonly #met: Met
  #writeCount = 0

  constructor(trial: Trial, { keys }: Plan, { supports = [] }: StoreUnderTest, met: Met) {
    this.#trial = trial
    this.#keys = keys
    this.#refuses = supports.includes('refusal')
    this.#canReverse = supports.includes('reverse')
    this.#met = met
  }

  async carryOut(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case 'commit':
        return this.#commit(operation.writes, operation.gap)
      case 'get':
        return this.#compareGet(this.#key(operation.key), this.#time(operation.asOf))
      case 'scan': {
        const { from, to, reverse } = operation.range
        const range = { gte: this.#bound(from), lt: this.#bound(to), reverse }
        return this.#compareScan(range, this.#time(operation.asOf))
      }
      case 'collect':
        return this.#collect(this.#time(operation.cutoff))
      case 'reopen':
        this.#met.reopen++
        this.#snapshots.clear()
        return this.#trial.reopen()
      case 'snapshot':
        return this.#snapshot()
      case 'closeSnapshot':
        return this.#closeSnapshot(operation.which)
      case 'restore':
        return this.#restore(this.#time(operation.to), operation.gap)
    }
  }

  async compareEverything(): Promise<void> {
    for (const asOf of this.#boundaries()) {
      for (const key of this.#keys) await this.#compareGet(key, asOf)
      await this.#compareScan({}, asOf)
    }
    await this.#compareRanges()
    for (const taken of this.#trial.snapshots) await this.#compareSnapshot(taken)
  }

  async #commit(planned: readonly PlannedWrite[], gap: number): Promise<void> {
    this.#met.commit++
    const writes = planned.map((write): Write => ({ key: this.#key(write.key), value: this.#value(write) }))
    this.#model.commit(writes, await this.#trial.commit(writes, BigInt(gap)))
  }

  async #collect(cutoff: bigint | undefined): Promise<void> {
    if (cutoff === undefined) return
    this.#met.collect++
    this.#model.collect(await this.#trial.collect(cutoff))
  }

  async #snapshot(): Promise<void> {
    if (this.#trial.snapshots.length === SNAPSHOTS_MAX || this.#model.commits.length === 0) return
    this.#met.snapshot++
    this.#snapshots.set(await this.#trial.snapshot(), this.#model.snapshot())
  }

  async #closeSnapshot(which: number): Promise<void> {
    const { snapshots } = this.#trial
    const taken = snapshots[which % snapshots.length]
    if (taken === undefined) return
    this.#met.closeSnapshot++
    await this.#trial.quietly(() => this.#compareSnapshot(taken))
    await this.#trial.closeSnapshot(taken)
  }

  async #restore(to: bigint | undefined, gap: number): Promise<void> {
    if (to === undefined || this.#isGone(to)) return
    this.#met.restore++
    this.#model.restore(to, await this.#trial.restore(to, BigInt(gap)))
  }

  async #compareGet(key: string, asOf: bigint | undefined): Promise<void> {
    if (asOf === undefined || !this.#mayAsk(asOf)) return
    await this.#trial.expectGet(
      key,
      asOf,
      this.#expected(asOf, () => this.#model.get(key, asOf)),
    )
  }

  async #compareScan(range: ScanRange, asOf: bigint | undefined): Promise<void> {
    if (asOf === undefined || !this.#mayAsk(asOf)) return
    await this.#trial.expectScan(
      range,
      asOf,
      this.#expected(asOf, () => this.#model.scan(range, asOf)),
    )
  }

  /** Every range between two keys, as of the newest commit. */
  async #compareRanges(): Promise<void> {
    if (this.#model.commits.length === 0) return
    for (const gte of this.#keys) {
      for (const lt of this.#keys) {
        await this.#compareScan({ gte, lt }, this.#trial.newest)
        if (this.#canReverse) await this.#compareScan({ gte, lt, reverse: true }, this.#trial.newest)
      }
    }
    if (this.#canReverse) await this.#compareScan({ reverse: true }, this.#trial.newest)
  }

  async #compareSnapshot(taken: TakenSnapshot): Promise<void> {
    const model = this.#snapshots.get(taken)!
    this.#met.read++
    for (const key of this.#keys)
      await this.#trial.expectGetOf(taken, key, (await model.get(key)) ?? undefined)
    for (const range of this.#snapshotRanges())
      await this.#trial.expectScanOf(taken, range, (await model.scan(range)) as readonly Entry[])
  }

  /** Everything, what lies at each side of each key, and what lies between two; both ways. */
  #snapshotRanges(): readonly ScanRange[] {
    const keys = this.#keys
    const sides = keys.flatMap((key): readonly ScanRange[] => [{ gte: key }, { lt: key }])
    const ranges: readonly ScanRange[] = [{}, ...sides, { gte: keys[0], lt: keys.at(-1) }]
    if (!this.#canReverse) return ranges
    return [...ranges, ...ranges.map((range) => ({ ...range, reverse: true }))]
  }

  #expected<T>(asOf: bigint, answer: () => T): T | typeof REFUSAL {
    const isGone = this.#isGone(asOf)
    this.#met[isGone ? 'refusal' : 'read']++
    return isGone ? REFUSAL : answer()
  }

  #isGone(asOf: bigint): boolean {
    const { cutoff } = this.#model
    return cutoff !== undefined && asOf < cutoff
  }

  /**
   * Below the cutoff only stores that refuse are asked: not for what an open snapshot may hold, and not for
   * what was before the first commit, where there was nothing to give up.
   */
  #mayAsk(asOf: bigint): boolean {
    if (!this.#isGone(asOf)) return true
    const hasBegun = asOf >= this.#model.commits[0]!.time
    return this.#refuses && hasBegun && !this.#trial.snapshots.some((taken) => this.#mayHold(taken, asOf))
  }

  /** A store may take the time of a snapshot to be any before the next commit. */
  #mayHold(taken: TakenSnapshot, asOf: bigint): boolean {
    const next = this.#model.commits.find(({ time }) => time > taken.time)
    return asOf >= taken.time && (next === undefined || asOf < next.time)
  }

  /** The times at which an answer may change, and their neighbours. */
  #boundaries(): readonly bigint[] {
    const { commits, cutoff } = this.#model
    const first = commits[0]?.time
    if (first === undefined) return []
    const changes = commits.map(({ time }) => time)
    const times = [...changes, cutoff ?? first].flatMap((time) => [time - 1n, time, time + 1n])
    return [...new Set(times)].filter((time) => first - 1n <= time && time <= this.#trial.newest)
  }

  /** The time of a moment, between a tick before the first commit and the newest; none if there is none yet. */
  #time({ anchor, back, step }: Moment): bigint | undefined {
    const { commits, cutoff } = this.#model
    const first = commits[0]?.time
    if (first === undefined) return undefined
    const { newest } = this.#trial
    const commit = commits[commits.length - 1 - (back % commits.length)]!.time
    const time = { newest, commit, cutoff: cutoff ?? first }[anchor] + BigInt(step)
    if (time < first) return first - 1n
    return time > newest ? newest : time
  }

  #key(number: number): string {
    return this.#keys[number % this.#keys.length]!
  }

  #bound(number: number | undefined): string | undefined {
    return number === undefined ? undefined : this.#key(number)
  }

  #value({ key, value }: PlannedWrite): string | undefined {
    const number = ++this.#writeCount
    switch (value) {
      case 'fresh':
        return `v${number}`
      case 'empty':
        return ''
      case 'long':
        return `v${number} `.repeat(100)
      case 'unusual':
        return `v${number} ${UNUSUAL}`
      case 'again':
        // What it has already, if anything.
        return this.#model.commits.length === 0 ? 'v0' : (this.#latest(key) ?? 'v0')
      case 'delete':
        return undefined
    }
  }

  #latest(key: number): string | undefined {
    const { newest } = this.#trial
    return this.#isGone(newest) ? undefined : this.#model.get(this.#key(key), newest)
  }
}
