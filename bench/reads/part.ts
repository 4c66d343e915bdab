/**
 * A part of the benchmark `reads`, and how what it finds is held against its goal.
 */
import { type Findings } from '../benchmark.ts'

/** Measures in a directory of its own, and says how far it is. */
export type Part = (directory: string, progress: (line: string) => void) => Promise<Findings>

/** A number and the most that it should be. */
export interface Measure {
  readonly what: string
  readonly value: number
  readonly goal: number
  readonly isReached: boolean
}

/** A number, to three digits, beside its goal. */
export function measureOf(what: string, value: number, goal: number): Measure {
  return { what, value: rounded(value), goal, isReached: rounded(value) <= goal }
}

/** The measure as a line. */
export function lineOf({ what, value, goal, isReached }: Measure): string {
  return `${what}: ${value}, goal at most ${goal}: ${isReached ? 'reached' : 'NOT REACHED'}`
}

/** Three digits. */
export function rounded(value: number): number {
  return Number(value.toPrecision(3))
}
