/**
 * Covering arrays: few combinations of choices in which every two choices of two factors meet.
 *
 *     policy   leveled  tiered          6 combinations of 3 factors with 2, 2 and 3 choices
 *     cache    none     all             show each of the 16 pairs; all combinations are 12
 *     block    1        96      8192
 *
 * A bug of options mostly needs one of them, or two that meet (Kuhn, Wallace and Gallo, "Software Fault
 * Interactions and Implications for Software Testing", IEEE TSE 2004). The combinations are made one by one: of
 * some that are drawn, the one is taken whose pairs have met least so far. Chance has a fixed seed, so that
 * the list is the same on every machine.
 */
import { pick, seededRandom } from '../../simulator/random.ts'

/** A choice for each factor, by number. */
export type Combination = readonly number[]

/** Drawn for each combination that is taken. */
const CANDIDATES = 60
const SEED = 1

/**
 * `count` different combinations of factors with so many choices each. The first has choice 0 everywhere.
 * There have to be many more combinations than `count`.
 */
export function coveringCombinations(choices: readonly number[], count: number): readonly Combination[] {
  const random = seededRandom(SEED).fork('combinations')
  const met = new Map<string, number>()
  const taken = new Map<string, Combination>()
  const take = (combination: Combination) => {
    taken.set(combination.join(), combination)
    for (const pair of pairsOf(combination)) met.set(pair, (met.get(pair) ?? 0) + 1)
  }
  // A pair that never met counts four times as much as one that met once.
  const worthOf = (combination: Combination) =>
    pairsOf(combination).reduce((sum, pair) => sum + 4 ** -(met.get(pair) ?? 0), 0)
  const draw = (): Combination => choices.map((size) => random.below(size))
  take(choices.map(() => 0))
  while (taken.size < count) {
    const drawn = Array.from({ length: CANDIDATES }, draw).filter((one) => !taken.has(one.join()))
    const worths = drawn.map(worthOf)
    const best = Math.max(...worths)
    take(
      pick(
        random,
        drawn.filter((_, i) => worths[i] === best),
      ),
    )
  }
  return [...taken.values()]
}

/** Every two choices of a combination, as text: factor and choice of the one, factor and choice of the other. */
export function pairsOf(combination: Combination): readonly string[] {
  return combination.flatMap((a, i) => combination.slice(i + 1).map((b, j) => `${i}:${a} ${i + 1 + j}:${b}`))
}
