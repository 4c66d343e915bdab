/**
 * Stores that are right in ways of their own: each is the reference store but for one thing that the contract
 * leaves to the store. A checker that refuses one of them asks for more than the contract says.
 */
import {
  type StoreUnderTest,
  type Write,
  ReferenceStore,
  TICKS_PER_MICROSECOND,
} from '../../../src/testing.ts'
import { EVERYTHING } from './right.ts'

/** Commits have numbers, whatever times they are offered. */
class NumberedStore extends ReferenceStore {
  #next: bigint

  constructor(first: bigint) {
    super()
    this.#next = first
  }

  override commit(writes: readonly Write[]): bigint {
    return super.commit(writes, this.#next++)
  }
}

/** It gives up whole microseconds only. */
class RoundingStore extends ReferenceStore {
  override collect(cutoff: bigint): bigint {
    return super.collect(cutoff - (cutoff % TICKS_PER_MICROSECOND))
  }
}

/** It gives nothing up, and says so. */
class HoardingStore extends ReferenceStore {
  readonly #promised: bigint

  constructor(promised: bigint) {
    super()
    this.#promised = promised
  }

  override collect(): bigint {
    return super.collect(this.#promised)
  }
}

const stores: Readonly<Record<string, () => ReferenceStore>> = {
  'commits are numbered from 1': () => new NumberedStore(1n),
  'commits are numbered from 0': () => new NumberedStore(0n),
  'commits are numbered from below 0': () => new NumberedStore(-3n),
  'cutoffs are rounded down': () => new RoundingStore(),
  'everything is promised, since 0': () => new HoardingStore(0n),
  'everything is promised, since before 0': () => new HoardingStore(-1000n),
}

/** The stores, by what is their own. */
export const OWN_WAYS: Readonly<Record<string, StoreUnderTest>> = Object.fromEntries(
  Object.entries(stores).map(([name, open]) => [name, { open, supports: EVERYTHING }]),
)
