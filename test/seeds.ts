/**
 * The seeds of random tests: some that are always the same, so that every run covers the same ground, and a
 * fresh one. The environment may name others:
 *
 *     nothing                                 1  2  3  and a fresh one
 *     PALIMPSEST_SEED=7                       7  8  9  10: as many, none of them fixed
 *     PALIMPSEST_SEED=7 PALIMPSEST_PATH=3:1   7 only, and of that one case: a replay
 */
import { env } from 'node:process'

const FIXED_SEEDS: readonly number[] = [1, 2, 3]
const SEED_MASK = 2 ** 31 - 1

function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! & SEED_MASK
}

/** The seeds of a property. They have 31 bits, and every failure prints its own. */
export function propertySeeds(fixed: readonly number[] = FIXED_SEEDS): readonly number[] {
  const first = env['PALIMPSEST_SEED']
  if (first === undefined) return [...fixed, freshSeed()]
  const count = casePath() === undefined ? fixed.length + 1 : 1
  return Array.from({ length: count }, (_, i) => (Number(first) + i) & SEED_MASK)
}

/** The one case to run again, as fast-check names it; it belongs to the first seed. */
export function casePath(): string | undefined {
  return env['PALIMPSEST_PATH']
}
