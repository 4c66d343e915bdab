/**
 * The conformance suite: a named case for every rule of a versioned store. Each is a short story with its
 * expectations written out, so that it names the rule that is broken, where random operations only show that
 * one is.
 */
import { checkSubject } from './arguments.ts'
import { type Capability, type StoreUnderTest } from './contract.ts'
import { type Story } from './cases/case.ts'
import { COLLECTION } from './cases/collection.ts'
import { COMMITS } from './cases/commits.ts'
import { REOPENING, RESTORES, SNAPSHOTS } from './cases/processes.ts'
import { SCANS } from './cases/scans.ts'
import { VISIBILITY } from './cases/visibility.ts'
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
 * The cases for what a store supports. Throws `INVALID_ARGUMENT`.
 *
 * @example
 * for (const { name, run } of conformanceCases({ open })) test(name, run)
 */
export function conformanceCases(subject: StoreUnderTest): readonly ConformanceCase[] {
  return allCases(subject).filter((one) => isSupported(one, subject))
}

/** Runs all cases and says what became of each. Throws `INVALID_ARGUMENT`, and nothing for what a store does. */
export async function conformance(subject: StoreUnderTest): Promise<ConformanceReport> {
  const results: ConformanceResult[] = []
  for (const one of allCases(subject)) results.push(await resultOf(one, subject))
  const count = (outcome: ConformanceResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length
  return {
    passed: count('passed'),
    failed: count('failed'),
    notSupported: count('not supported'),
    results,
  }
}

function allCases(subject: StoreUnderTest): readonly ConformanceCase[] {
  checkSubject(subject)
  return STORIES.map(({ name, rule, needs = [], tell }) => ({
    name,
    rule,
    needs,
    run: () => Trial.of(subject, tell),
  }))
}

function isSupported({ needs }: ConformanceCase, { supports = [] }: StoreUnderTest): boolean {
  return needs.every((capability) => supports.includes(capability))
}

async function resultOf(one: ConformanceCase, subject: StoreUnderTest): Promise<ConformanceResult> {
  const { name, rule } = one
  if (!isSupported(one, subject)) return { name, rule, outcome: 'not supported' }
  try {
    await one.run()
    return { name, rule, outcome: 'passed' }
  } catch (error) {
    return { name, rule, outcome: 'failed', error }
  }
}
