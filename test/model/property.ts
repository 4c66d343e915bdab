/**
 * How the properties of this folder are run: on every seed of `seeds.ts`. A failure prints the shortest
 * case that was found and one line that runs exactly it again:
 *
 *     replay: PALIMPSEST_SEED=7 PALIMPSEST_PATH=12:3:0 npx vitest run test/model/x.test.ts -t '…'
 *
 * Long runs take fresh seeds in a row and print the first.
 */
import { relative } from 'node:path'
import * as fc from 'fast-check'
import { expect } from 'vitest'
import { type Counts, addCounts, noCounts } from '../../src/testing/counts.ts'
import { casePath, propertySeeds } from '../seeds.ts'

/** A failing case is as short then as it could be made; a seed that has not failed has taken too long. */
const SEED_MILLIS_MAX = 70_000

interface Run {
  readonly seed?: number
  readonly path?: string
}

/** Whether one case is run again, so that counts over all cases say nothing. */
export const isReplay: boolean = casePath() !== undefined

/** The one case to run instead of all others, if the environment names it. */
function runToReplay(): Run | undefined {
  const path = casePath()
  return path === undefined ? undefined : { seed: propertySeeds()[0]!, path }
}

/** Checks a property of random values, `numRuns` for each seed. */
export function checkRuns<T>(arbitrary: fc.Arbitrary<T>, numRuns: number, check: (value: T) => void): void {
  const replay = runToReplay()
  const runs: readonly Run[] = replay ? [replay] : propertySeeds().map((seed) => ({ seed }))
  for (const run of runs) checkRun(arbitrary, { ...run, numRuns }, check)
}

/** As {@link checkRuns}, with the sum of what all runs met. */
export function countRuns<T>(
  arbitrary: fc.Arbitrary<T>,
  numRuns: number,
  check: (value: T) => Counts,
): Counts {
  const sum = noCounts()
  checkRuns(arbitrary, numRuns, (value) => addCounts(sum, check(value)))
  return sum
}

/** What many runs met, how many they were, and the first of their seeds. */
export type ManyCounts = Counts & { readonly runs: number; readonly firstSeed: number }

/**
 * Checks a property of `numRuns` random values and says what they met. The seeds are new ones, `chunk` values for
 * each, in a row: the first of them runs all of them again.
 */
export function countManyRuns<T>(
  arbitrary: fc.Arbitrary<T>,
  { numRuns, chunk }: { readonly numRuns: number; readonly chunk: number },
  check: (value: T) => Counts,
): ManyCounts {
  const sum = noCounts()
  const [firstSeed = 0] = propertySeeds([])
  let runs = 0
  const count = (value: T) => {
    runs++
    addCounts(sum, check(value))
  }
  const replay = runToReplay()
  if (replay !== undefined) checkRun(arbitrary, { ...replay, numRuns: chunk }, count)
  else
    for (let done = 0; done < numRuns; done += chunk) {
      const seed = firstSeed + done / chunk
      checkRun(arbitrary, { seed, numRuns: Math.min(chunk, numRuns - done) }, count)
    }
  return { runs, firstSeed, ...sum }
}

function checkRun<T>(arbitrary: fc.Arbitrary<T>, run: fc.Parameters<[T]>, check: (value: T) => void): void {
  const interruptAfterTimeLimit = SEED_MILLIS_MAX
  const result = fc.check(fc.property(arbitrary, check), {
    ...{ ...run, interruptAfterTimeLimit, markInterruptAsFailure: true },
  })
  if (result.failed) throw new Error(describeFailure(result), { cause: result.errorInstance })
}

function describeFailure<T>(result: fc.RunDetails<[T]>): string {
  const { testPath = '', currentTestName = '' } = expect.getState()
  const file = relative('.', testPath)
  const config = file.endsWith('.long.test.ts') ? ' --config vitest.long.config.ts' : ''
  const title = JSON.stringify(patternOf(currentTestName.split(' > ').at(-1)!))
  const seed = `PALIMPSEST_SEED=${result.seed} PALIMPSEST_PATH=${result.counterexamplePath}`
  const error = result.errorInstance
  return [
    `after ${result.numRuns} runs and ${result.numShrinks} steps of shrinking:`,
    error instanceof Error ? error.message : String(error),
    JSON.stringify(result.counterexample?.[0]),
    `replay: ${seed} npx vitest run${config} ${file} -t ${title}`,
  ].join('\n')
}

/** A title as a pattern: that is what `-t` takes, and one that no title matches runs nothing and passes. */
function patternOf(title: string): string {
  return title.replaceAll(/[^\p{Letter}\p{Number} ,:;-]/gu, '.')
}
