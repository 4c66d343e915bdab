/**
 * How soon planted faults are found.
 */
import { StoreFinding, checkStore, conformance } from '../../src/testing.ts'
import { FAULTS } from './stores/faults.ts'
import { EVERYTHING } from './stores/right.ts'
import { RulesStore } from './stores/rules-store.ts'

/** A fault has to be found within so many runs. */
export const RUNS_MAX = 200

/** What it took to find a fault. */
export interface FaultMeasure {
  readonly name: string
  /** The conformance cases that fail. */
  readonly cases: number
  readonly seedsFound: number
  /** Over the seeds that found it. */
  readonly runs: { readonly median: number; readonly max: number }
  /** Operations of the counterexamples, made short. */
  readonly operations: { readonly median: number; readonly max: number }
}

/** Looks for a fault with each of some seeds. */
export async function measureFault(name: string, seeds: readonly number[]): Promise<FaultMeasure> {
  const subject = { open: () => new RulesStore(FAULTS[name]), supports: EVERYTHING }
  const { failed: cases } = await conformance(subject)
  const findings: StoreFinding[] = []
  for (const seed of seeds) {
    const finding = await checkStore({ ...subject, seed, runs: RUNS_MAX }).catch((error: unknown) => error)
    if (finding instanceof StoreFinding) findings.push(finding)
    else if (finding instanceof Error) throw finding
  }
  return {
    name,
    cases,
    seedsFound: findings.length,
    runs: spreadOf(findings.map(({ replay }) => replay?.runs ?? Infinity)),
    operations: spreadOf(findings.map(({ counterexample }) => counterexample.operations.length)),
  }
}

function spreadOf(numbers: readonly number[]): { readonly median: number; readonly max: number } {
  const inOrder = numbers.toSorted((a, b) => a - b)
  return { median: inOrder[Math.floor(inOrder.length / 2)] ?? Infinity, max: inOrder.at(-1) ?? Infinity }
}
