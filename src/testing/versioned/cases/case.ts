/**
 * What a conformance case is: a rule, and a short story that only a store that keeps it can tell.
 *
 * Stories have their expectations written out, so that they can be read and doubted without any model. Every
 * time in them is that of a commit, or one found from it: stores may have times of their own.
 */
import { type Capability } from '../contract.ts'
import { type Trial, REFUSAL } from '../trial.ts'

/** A story on a new store. */
export interface Story {
  /** A few words. No two stories have the same. */
  readonly name: string
  /** What holds, in a sentence or two. */
  readonly rule: string
  /** What a store has to support for it. */
  readonly needs?: readonly Capability[] | undefined
  readonly tell: (trial: Trial) => Promise<void>
}

/** A time at which what was committed at `before` shows, and what was committed at `after` not yet. */
export function between(before: bigint, after: bigint): bigint {
  return (before + after - 1n) / 2n
}

/**
 * Refusals of the two times below a cutoff, as far as something is given up there: a store that keeps more
 * than it is asked to may still promise everything since `first`, the first commit.
 */
export async function expectRefusals(trial: Trial, first: bigint, cutoff: bigint): Promise<void> {
  for (const asOf of [cutoff - 1n, cutoff - 2n].filter((time) => time >= first)) {
    await trial.expectGet('a', asOf, REFUSAL)
    await trial.expectGet('never there', asOf, REFUSAL)
    await trial.expectScan({}, asOf, REFUSAL)
  }
}
