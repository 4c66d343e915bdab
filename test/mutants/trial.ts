/** Trials: does some test fail on a list of seeds, and what does it say about how the mutant was noticed? */

/** Where in random runs a mutant fell. */
export interface Place {
  /** The how many-th seed of its list, from 1. */
  readonly seed: number
  /** The how many-th case of that seed, from 1; of the crash checks, the call that crashed. */
  readonly run: number
}

/** How a mutant died. */
export interface Death {
  /** The test file, from the root of the project. */
  readonly file: string
  readonly test: string
  /** `undefined` for an example. */
  readonly place?: Place | undefined
}

/** What a process is to do: run the files, in this order, on each list, until a test fails. */
export interface Order {
  readonly files: readonly string[]
  /** The first seed of each list. */
  readonly seeds: readonly number[]
}

/** What came of one list of seeds. Nobody noticed where there is neither a death nor a fault. */
export interface Trial {
  readonly firstSeed: number
  readonly seconds: number
  readonly death?: Death | undefined
  /** Why the trial says nothing: sources that do not load prove nothing, the mutant is itself at fault. */
  readonly fault?: string | undefined
}

/** The death that a failed test's message tells of; `firstSeed` is the first of its list of seeds. */
export function deathOf(file: string, title: string, message: string, firstSeed: number): Death {
  // The title of a test that is there once for each seed must not be another one for every list.
  const test = title.replace(/seed \d+/, 'seed …')
  return { file, test, place: placeIn(message, firstSeed) }
}

/** Whether a place comes after another one. */
export function isLater(a: Place, b: Place): boolean {
  return a.seed > b.seed || (a.seed === b.seed && a.run > b.run)
}

/** What a failure says of its place: fast-check, by itself and through `test/model`, and the crash checks. */
function placeIn(message: string, firstSeed: number): Place | undefined {
  const run = /after (\d+) (?:tests|runs)| point=(\d+)/.exec(message)
  const seed = /(?:seed: |PALIMPSEST_SEED=)(-?\d+)/.exec(message)?.[1]
  if (run === null || seed === undefined) return undefined
  return { seed: Number(seed) - firstSeed + 1, run: Number(run[1] ?? run[2]) }
}
