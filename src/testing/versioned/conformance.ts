/**
 * The conformance suite: a named case for every rule of a versioned store. Each is a short story with its
 * expectations written out, so that it names the rule that is broken, where random operations only show that
 * one is.
 */
import * as fc from 'fast-check'
import { checkWhole } from '../../base/arguments.ts'
import { checkSubject } from './arguments.ts'
import { type Capability, type StoreUnderTest } from './contract.ts'
import { type Story } from './cases/case.ts'
import { COLLECTION } from './cases/collection.ts'
import { COMMITS } from './cases/commits.ts'
import { REOPENING, RESTORES, SNAPSHOTS } from './cases/processes.ts'
import { SCANS } from './cases/scans.ts'
import { VISIBILITY } from './cases/visibility.ts'
import { StoreFinding } from './finding.ts'
import { Trial } from './trial.ts'

/** One case, to be run by any test runner. */
export interface ConformanceCase {
  readonly name: string
  /** What has to hold, in a sentence or two. */
  readonly rule: string
  /** What a store has to support for it. */
  readonly needs: readonly Capability[]
  /** Opens a new store and runs the case. Throws `StoreFinding`. */
  readonly run: () => Promise<void>
}

/** How to run the suite. */
export interface ConformanceOptions extends StoreUnderTest {
  /** Milliseconds for each case. One that is not done by then has failed. @defaultValue 5,000 */
  readonly timeLimitMillis?: number | undefined
}

/** What became of a case. */
export interface ConformanceResult {
  readonly name: string
  readonly rule: string
  readonly outcome: 'passed' | 'failed' | 'not supported'
  /** What was thrown by a case that failed: a `StoreFinding`, unless the store could not be opened. */
  readonly error?: unknown
}

/** What became of all cases. */
export interface ConformanceReport {
  readonly passed: number
  readonly failed: number
  readonly notSupported: number
  readonly results: readonly ConformanceResult[]
}

const STORIES: readonly Story[] = [
  ...[...VISIBILITY, ...COMMITS, ...SCANS],
  ...[...COLLECTION, ...REOPENING, ...SNAPSHOTS, ...RESTORES],
]

/**
 * The cases for what a store supports. How long one may take is the test runner's business. Throws `INVALID_ARGUMENT`.
 *
 * @example
 * for (const { name, run } of conformanceCases({ open })) test(name, run)
 */
export function conformanceCases(subject: StoreUnderTest): readonly ConformanceCase[] {
  checkSubject(subject)
  return STORIES.filter((story) => isSupported(story, subject)).map(({ name, rule, needs = [], tell }) => ({
    name,
    rule,
    needs,
    run: () => Trial.of(subject, tell),
  }))
}

/** Runs all cases and says what became of each. Throws `INVALID_ARGUMENT`, and nothing for what a store does. */
export async function conformance(options: ConformanceOptions): Promise<ConformanceReport> {
  checkSubject(options)
  const { timeLimitMillis = 5000 } = options
  checkWhole('timeLimitMillis', timeLimitMillis, 1)
  const results: ConformanceResult[] = []
  for (const story of STORIES) results.push(await resultOf(story, options, timeLimitMillis))
  const count = (outcome: ConformanceResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length
  return {
    passed: count('passed'),
    failed: count('failed'),
    notSupported: count('not supported'),
    results,
  }
}

function isSupported({ needs = [] }: Story, { supports = [] }: StoreUnderTest): boolean {
  return needs.every((capability) => supports.includes(capability))
}

async function resultOf(story: Story, subject: StoreUnderTest, millis: number): Promise<ConformanceResult> {
  const { name, rule } = story
  if (!isSupported(story, subject)) return { name, rule, outcome: 'not supported' }
  try {
    await tellWithin(millis, story, subject)
    return { name, rule, outcome: 'passed' }
  } catch (error) {
    return { name, rule, outcome: 'failed', error }
  }
}

/** Tells a story to a new store. Throws what went wrong; of a store that keeps one waiting, how far it came. */
async function tellWithin(millis: number, { tell }: Story, subject: StoreUnderTest): Promise<void> {
  let done: readonly string[] = []
  let isOver = false
  let wrong: { readonly error: unknown } | undefined
  const told = async (trial: Trial): Promise<void> => {
    done = trial.done
    try {
      await tell(trial)
    } catch (error) {
      // Known before the store is closed, which it may not let itself be.
      wrong = { error }
      throw error
    }
  }
  const run = async (): Promise<void> => {
    await Trial.of(subject, told).catch((error: unknown) => {
      wrong = { error }
    })
    isOver = true
  }
  await endOrLimit(run, millis)
  if (wrong !== undefined) throw wrong.error
  if (!isOver)
    throw new StoreFinding({
      operations: [...done],
      expected: `the case within ${millis} ms`,
      actual: 'so far',
    })
}

/** Waits until something is over, or for so long. There are no timers here but those of fast-check. */
async function endOrLimit(run: () => Promise<void>, millis: number): Promise<void> {
  await fc.check(fc.asyncProperty(fc.constant(undefined), run), {
    numRuns: 1,
    interruptAfterTimeLimit: millis,
  })
}
