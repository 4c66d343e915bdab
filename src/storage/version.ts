/**
 * Versions and their order, the one on which the whole tree rests:
 *
 *     a@9  a@5  a@1  b@7  b@3  c@4          keys rise, times of one key fall
 *
 * So an as-of read is a seek to (key, time) and a look at what stands there.
 */
import { type ByteCopies, compareBytes } from '../base/bytes.ts'
import { type HybridTime } from '../time/hybrid-time.ts'

/** What a key was from a time on. */
export interface Version<Value extends Uint8Array | undefined = Uint8Array | undefined> {
  readonly time: HybridTime
  /** The value, or `undefined` for a tombstone: the key was deleted. */
  readonly value: Value
}

/** A version with a copy of its value. */
export function copyOfVersion({ time, value }: Version, copies: Pick<ByteCopies, 'copyOf'>): Version {
  return { time, value: value && copies.copyOf(value) }
}

/** A version together with its key. */
export interface KeyedVersion<
  Value extends Uint8Array | undefined = Uint8Array | undefined,
> extends Version<Value> {
  readonly key: Uint8Array
}

/** A place in the order of versions. */
export interface Position {
  readonly key: Uint8Array
  readonly time: HybridTime
}

/** Negative, zero or positive as `a` stands before, with or after `b`: key ascending, time descending. */
export function comparePositions(a: Position, b: Position): number {
  const keys = compareBytes(a.key, b.key)
  if (keys !== 0) return keys
  return a.time > b.time ? -1 : a.time < b.time ? 1 : 0
}

/** An order of the versions of one key. */
export type TimeOrder = 'newest first' | 'oldest first'
