/**
 * A trial: one store, driven call by call. It writes down in prose what is done, and throws a
 * {@link StoreFinding} at the first answer that is not the expected one. Where expectations come from is
 * not its business: `run.ts` has them from the reference store, `cases/` has them written out.
 */
import { defined } from '../../base/assert.ts'
import { checkStoreMethods, checkSubject } from './arguments.ts'
import {
  type Awaitable,
  type Entries,
  type Entry,
  type ScanRange,
  type StoreSnapshot,
  type StoreUnderTest,
  type VersionedStore,
  type Write,
} from './contract.ts'
import { StoreFinding } from './finding.ts'
import { entriesText, rangeText, thrownText, valueText, writesText } from './prose.ts'

/** That a read throws: it says so instead of a wrong answer. */
export const REFUSAL: unique symbol = Symbol('a refusal')

/** What the first time is offered after: the last tick of a microsecond, so that the first commit begins one. */
const OFFERED_AFTER = 8191n

/** So many entries are read of a scan beyond those that it should have. */
const MORE_SHOWN_MAX = 10

/** A snapshot that was taken in a trial. */
export interface TakenSnapshot {
  /** Its number, from 1. */
  readonly number: number
  /** The newest time when it was taken. */
  readonly time: bigint
  readonly answers: StoreSnapshot
}

/** One store and what was done to it. */
export class Trial {
  readonly #store: VersionedStore
  readonly #done: string[] = []
  #snapshots: TakenSnapshot[] = []
  #snapshotCount = 0
  /** What the store has answered, on a clock that may be its own: nothing is known before the first commit. */
  #newest: bigint | undefined
  #cutoff: bigint | undefined
  #isQuiet = false

  private constructor(store: VersionedStore) {
    this.#store = store
  }

  /**
   * Tries a new store and lets it go. Throws what `use` throws, and `INVALID_ARGUMENT` if there is no store,
   * or one without the methods of what it supports.
   */
  static async of(subject: StoreUnderTest, use: (trial: Trial) => Promise<void>): Promise<void> {
    checkSubject(subject)
    const trial = new Trial(await subject.open())
    try {
      checkStoreMethods(trial.#store, subject.supports ?? [])
      await use(trial)
    } catch (error) {
      // What was found counts, not what closing a broken store says.
      await trial.#close().catch(() => undefined)
      throw error
    }
    await trial.#close()
  }

  /** What was done so far, in prose; it goes on with the trial. */
  get done(): readonly string[] {
    return this.#done
  }

  /** The time of the newest commit or restore; there has to be one. */
  get newest(): bigint {
    return defined(this.#newest, 'the newest commit')
  }

  /** The snapshots that are open. */
  get snapshots(): readonly TakenSnapshot[] {
    return this.#snapshots
  }

  /** Commits, `gap` ticks after what is newest, if the store takes the time that it is offered. */
  async commit(writes: readonly Write[], gap = 1n): Promise<bigint> {
    const at = this.#offered(gap)
    // What a store does to its list is its own business.
    const own = writes.map((write) => ({ ...write }))
    return this.#timed(writesText(writes), at, () => this.#store.commit(own, at))
  }

  /** Sets one key. */
  async put(key: string, value: string, gap = 1n): Promise<bigint> {
    return this.commit([{ key, value }], gap)
  }

  /** Deletes one key. */
  async delete(key: string, gap = 1n): Promise<bigint> {
    return this.commit([{ key, value: undefined }], gap)
  }

  /** Reads a key, and complains about another answer than the expected one. */
  async expectGet(key: string, asOf: bigint, expected: string | undefined | typeof REFUSAL): Promise<void> {
    const line = `get ${valueText(key)} as of ${asOf}`
    const text = expected === REFUSAL ? REFUSAL : valueText(expected)
    await this.#read(line, text, async () => valueText(await this.#store.get(key, asOf)))
  }

  /** Scans a range, and complains about another answer than the expected one. */
  async expectScan(
    range: ScanRange,
    asOf: bigint,
    expected: readonly Entry[] | typeof REFUSAL,
  ): Promise<void> {
    const line = `${rangeText(range)} as of ${asOf}`
    const text = expected === REFUSAL ? REFUSAL : entriesText(expected)
    const count = expected === REFUSAL ? 0 : expected.length
    await this.#read(line, text, async () => textOfScan(this.#store.scan(range, asOf), count))
  }

  /** Gives up history, and answers the first time that is still promised: never one that nobody asked for. */
  async collect(cutoff: bigint): Promise<bigint> {
    const taken = await this.#do(`collect below ${cutoff}`, () => this.#store.collect!(cutoff))
    const before = this.#cutoff
    const highest = before !== undefined && before > cutoff ? before : cutoff
    const promised = taken ?? highest
    if (typeof promised !== 'bigint' || promised > highest)
      this.#complain(`nothing, or a time at or before ${highest}`, valueText(promised))
    this.#cutoff = before !== undefined && before > promised ? before : promised
    return this.#cutoff
  }

  /** Begins another process. */
  async reopen(): Promise<void> {
    await this.#do('reopen', () => this.#store.reopen!())
    this.#snapshots = []
  }

  /** Takes a snapshot. */
  async snapshot(): Promise<TakenSnapshot> {
    const number = ++this.#snapshotCount
    const answers = await this.#do(`take snapshot ${number}`, () => this.#store.snapshot!())
    const taken = { number, time: this.newest, answers }
    this.#snapshots.push(taken)
    return taken
  }

  /** Closes a snapshot. */
  async closeSnapshot(taken: TakenSnapshot): Promise<void> {
    await this.#do(`close snapshot ${taken.number}`, () => taken.answers.close?.())
    this.#snapshots = this.#snapshots.filter((snapshot) => snapshot !== taken)
  }

  /** Reads a key of a snapshot. */
  async expectGetOf(
    { number, answers }: TakenSnapshot,
    key: string,
    expected: string | undefined,
  ): Promise<void> {
    const line = `get ${valueText(key)} from snapshot ${number}`
    await this.#read(line, valueText(expected), async () => valueText(await answers.get(key)))
  }

  /** Scans a range of a snapshot. */
  async expectScanOf(
    { number, answers }: TakenSnapshot,
    range: ScanRange,
    expected: readonly Entry[],
  ): Promise<void> {
    const line = `${rangeText(range)} from snapshot ${number}`
    await this.#read(line, entriesText(expected), async () =>
      textOfScan(answers.scan(range), expected.length),
    )
  }

  /** Restores, `gap` ticks after what is newest, if the store takes the time that it is offered. */
  async restore(to: bigint, gap = 1n): Promise<bigint> {
    const at = this.#offered(gap)
    return this.#timed(`restore to ${to}`, at, () => this.#store.restore!(to, at))
  }

  /** Reads that leave no line behind if they go well. */
  async quietly(reads: () => Promise<void>): Promise<void> {
    this.#isQuiet = true
    await reads()
    this.#isQuiet = false
  }

  async #close(): Promise<void> {
    await this.#do('close', () => this.#store.close?.())
  }

  /** The time that the next commit is offered. */
  #offered(gap: bigint): bigint {
    return (this.#newest ?? OFFERED_AFTER) + gap
  }

  /** Something that gets a time of its own, above all before it; the first one may be any. */
  async #timed(what: string, at: bigint, call: () => Awaitable<bigint | void>): Promise<bigint> {
    const line = this.#done.push(`at ${at}: ${what}`) - 1
    const time = (await this.#answered(call)) ?? at
    const before = this.#newest
    if (typeof time !== 'bigint' || (before !== undefined && time <= before))
      this.#complain(before === undefined ? 'a time' : `a time after ${before}`, valueText(time))
    this.#done[line] = `at ${time}: ${what}`
    this.#newest = time
    return time
  }

  async #do<T>(line: string, call: () => Awaitable<T>): Promise<T> {
    this.#done.push(line)
    return this.#answered(call)
  }

  async #answered<T>(call: () => Awaitable<T>): Promise<T> {
    try {
      return await call()
    } catch (error) {
      return this.#complain('that it is done', thrownText(error), error)
    }
  }

  async #read(line: string, expected: string | typeof REFUSAL, read: () => Promise<string>): Promise<void> {
    this.#done.push(line)
    let actual: string
    try {
      actual = await read()
    } catch (error) {
      if (expected !== REFUSAL) this.#complain(expected, thrownText(error), error)
      actual = ''
    }
    if (expected === REFUSAL && actual !== '') this.#complain('a refusal', actual)
    if (expected !== REFUSAL && actual !== expected) this.#complain(expected, actual)
    if (this.#isQuiet) this.#done.pop()
  }

  #complain(expected: string, actual: string, cause?: unknown): never {
    throw new StoreFinding({ operations: [...this.#done], expected, actual }, { cause })
  }
}

/** What a scan answers. One that should end after `count` entries may never do, and no timer would get its turn. */
async function textOfScan(scan: Awaitable<Entries>, count: number): Promise<string> {
  const entries: Entry[] = []
  for await (const entry of await scan) {
    if (entries.length >= count + MORE_SHOWN_MAX) return `${entriesText(entries)}, and more`
    entries.push(entry)
  }
  return entriesText(entries)
}
