/**
 * Chance, from a seed: the only source of randomness in simulations and crash models.
 *
 * Streams are split by name. A fork depends on the seed and the names on the way to it, and not on how
 * many numbers were drawn, so that one part of a simulation can draw more without moving any other.
 */
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64'
import { uniformInt } from 'pure-rand/distribution/uniformInt'
import { xoroshiro128plusFromState } from 'pure-rand/generator/xoroshiro128plus'
import { kindOf } from '../base/arguments.ts'
import { assert } from '../base/assert.ts'
import { PalimpsestError } from '../base/errors.ts'

/** A source of random numbers. */
export interface Random {
  /** A number from 0 on, below 1. */
  next(): number
  /** A whole number from 0 on, below `limit`; `limit` is at least 1 and at most 2^32. Throws `INVALID_ARGUMENT`. */
  below(limit: number): number
}

/** A stream of random numbers that others can be split from. */
export interface RandomStream extends Random {
  /**
   * The stream of this name: the same for the same seed and names, whatever was drawn. Names are joined by `/`, so
   * that of `a` and then `b` is that of `a/b`.
   */
  fork(name: string): RandomStream
}

/** The stream of a seed, a whole number. Throws `INVALID_ARGUMENT`. */
export function seededRandom(seed: number): RandomStream {
  checkSeed(seed)
  return streamOf(String(seed))
}

/** Refuses what is no seed. Throws `INVALID_ARGUMENT`. */
export function checkSeed(seed: unknown): void {
  if (Number.isSafeInteger(seed)) return
  throw new PalimpsestError('INVALID_ARGUMENT', `a seed is a whole number, not ${String(seed)}`)
}

/** Refuses what is no source of random numbers. Throws `INVALID_ARGUMENT`. */
export function checkRandom(random: unknown): void {
  const { next, below } = (random ?? {}) as Partial<Record<keyof Random, unknown>>
  if (typeof next === 'function' && typeof below === 'function') return
  const message = `random is what seededRandom(seed) gives, or the like of it, not ${kindOf(random)}`
  throw new PalimpsestError('INVALID_ARGUMENT', message)
}

function streamOf(key: string): RandomStream {
  // The generator starts from all 128 bits: near seeds would give it near first numbers.
  const generator = xoroshiro128plusFromState([1, 2, 3, 4].map((lane) => hashText(key, lane)))
  return {
    next: () => uniformFloat64(generator),
    below(limit) {
      const isLimit = Number.isInteger(limit) && limit >= 1 && limit <= 2 ** 32
      if (!isLimit) throw new PalimpsestError('INVALID_ARGUMENT', 'a limit is a whole number from 1 to 2^32')
      return uniformInt(generator, 0, limit - 1)
    },
    fork: (name) => streamOf(`${key}/${name}`),
  }
}

/** One of the items. */
export function pick<T>(random: Random, items: readonly T[]): T {
  assert(items.length > 0, 'there is something to pick from')
  return items[random.below(items.length)]!
}

/** Some of the items, each at most once, in their order: all of them if there are no more than `count`. */
export function sample<T>(random: Random, items: readonly T[], count: number): readonly T[] {
  const chosen: T[] = []
  // Each item is taken with the probability with which it has to be among those that are still to come.
  for (let i = 0; i < items.length && chosen.length < count; i++) {
    if (random.below(items.length - i) < count - chosen.length) chosen.push(items[i]!)
  }
  return chosen
}

/** Whether what has this probability happens. */
export function happens(random: Random, probability: number): boolean {
  return random.next() < probability
}

/** 32 well-mixed bits of a text: FNV-1a, then the finalizer of MurmurHash3. */
export function hashText(text: string, lane = 0): number {
  let hash = 0x811c9dc5 ^ Math.imul(lane, 0x9e3779b9)
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) | 0
}
