/**
 * The contract of a versioned store: what somebody writes to have a store of their own checked.
 *
 *     time        1    2    3    4    5    6          any store whose commits have integer times
 *     commits     a=x       a=y  b=z       ✝a
 *     a as of 2   x                                   as of t is inclusive: a commit at or before t shows
 *     a as of 3             y
 *     a as of 6                            nothing
 *
 * Three methods are needed (`commit`, `get`, `scan`); the others belong to a {@link Capability} that the
 * store is said to have. Every method may answer at once or with a promise. The rule of the contract:
 * nothing is asked that a store would have to know the checker for. So it is the store that says when a
 * commit was, and a store with a clock of its own is as good as one that takes the times it is offered.
 *
 * - **Times** are integers, as bigints; one more is the next *tick*. The tick before the first commit is asked for. A store whose times are finer or
 *   coarser in one respect, such as hybrid times, keeps their order. There are 4096 ticks to a
 *   microsecond where a store has microseconds ({@link TICKS_PER_MICROSECOND}); others need not know.
 * - **Keys** are text of the characters U+0000 to U+00FF, in the order of those. That is also the order of
 *   the bytes that they are, one to a character ({@link bytesOfKey}), and of their UTF-8: a store of text
 *   and one of bytes are asked for the same.
 * - **Values** are text of any characters.
 */
import { PalimpsestError } from '../../base/errors.ts'

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>

/** One write of a commit; of several to one key the last one counts. */
export interface Write {
  readonly key: string
  /** `undefined` deletes the key. */
  readonly value: string | undefined
}

/** The keys `k` with `gte ≤ k < lt`; a bound that is left out does not bind. */
export interface ScanRange {
  readonly gte?: string | undefined
  readonly lt?: string | undefined
  /** From the greatest key to the least. Asked only of stores that support `reverse`. */
  readonly reverse?: boolean | undefined
}

/** A key with its value. */
export type Entry = readonly [key: string, value: string]

/** What a scan answers. */
export type Entries = Iterable<Entry> | AsyncIterable<Entry>

/** A store at the time at which it was taken, for as long as it is open, whatever happens to the store. */
export interface StoreSnapshot {
  get(key: string): Awaitable<string | undefined>
  scan(range: ScanRange): Awaitable<Entries>
  close?(): Awaitable<void>
}

/** A store of versions, as the checkers see it. */
export interface VersionedStore {
  /**
   * Makes all writes in one commit, and answers its time: any time above those of all commits and restores
   * before. `at` is one, offered to stores that are told their times. Nothing answered means `at`.
   */
  commit(writes: readonly Write[], at: bigint): Awaitable<bigint | void>

  /** The value of a key as of a time, never later than the newest commit; `undefined` where it has none. */
  get(key: string, asOf: bigint): Awaitable<string | undefined>

  /** The keys of a range that had a value as of a time, in order, with their values. */
  scan(range: ScanRange, asOf: bigint): Awaitable<Entries>

  /**
   * `collect`: gives up history below a time. Reads as of it, and later, go on as before. A store that
   * can only give up less answers the first time that it still promises. It never takes anything back.
   */
  collect?(cutoff: bigint): Awaitable<bigint | void>

  /** `reopen`: ends the process that the store is, in good order, and begins another. Snapshots end. */
  reopen?(): Awaitable<void>

  /** `snapshot`: what there is now, to read later. It also holds what it shows against `collect`. */
  snapshot?(): Awaitable<StoreSnapshot>

  /**
   * `restore`: makes what there is now what there was at `to`, as one commit, and answers its time, as
   * `commit` does. What was read between the two times is still read.
   */
  restore?(to: bigint, at: bigint): Awaitable<bigint | void>

  /** Lets everything go. Called once, at the end. */
  close?(): Awaitable<void>
}

/**
 * What a store can do beyond `commit`, `get` and `scan`. Four are methods of {@link VersionedStore}. Two say
 * more about others: `reverse` that scans can go from the greatest key to the least, and `refusal` that reads
 * below the cutoff throw, whatever they throw; none is asked for before the first commit.
 */
export type Capability = 'collect' | 'refusal' | 'reopen' | 'snapshot' | 'restore' | 'reverse'

/** How to get at a store. */
export interface StoreUnderTest {
  /** Makes a new and empty store. Called once for each run. */
  readonly open: () => Awaitable<VersionedStore>
  /** What it is checked for beyond the three methods. @defaultValue nothing */
  readonly supports?: readonly Capability[] | undefined
}

/** The ticks of one microsecond of a hybrid time. */
export const TICKS_PER_MICROSECOND = 4096n

/** The bytes of a key: one to a character. Throws `INVALID_ARGUMENT`. */
export function bytesOfKey(key: string): Uint8Array {
  const codes = typeof key === 'string' ? Array.from(key, (character) => character.charCodeAt(0)) : [NaN]
  if (!codes.every((code) => code <= 0xff))
    throw new PalimpsestError('INVALID_ARGUMENT', 'a key is text of the characters U+0000 to U+00FF')
  return Uint8Array.from(codes)
}

/** The key whose bytes these are. */
export function keyOfBytes(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
}
