/**
 * Metamorphic runs: one list of operations under many option sets has one history. The answers to reads, scans,
 * histories and differences, the times of commits and the codes of refusals are the same, line by line.
 *
 *                    ┌─ plain ───────────▶ transcript ─┐
 *     operations ────┼─ tiered, block 1 ─▶ transcript ─┼─ the same, or Disagreement with the two sets
 *                    └─ … 64 of them ────▶ transcript ─┘
 *
 * Every run is held against the model as well, so a bug that all option sets share is found too, and one
 * that the model shares shows where two option sets differ.
 */
import * as fc from 'fast-check'
import { anyOperations, world } from '../arbitraries.ts'
import { Disagreement } from '../comparison.ts'
import { type Counts, addCounts, noCounts } from '../counts.ts'
import { type OperationKind, type RunPlan, type WorldPlan } from '../operations.ts'
import { type RunReport, runPlan } from '../runner.ts'
import { OPTION_SETS, type OptionSet } from './option-sets.ts'

/**
 * What depends on when a process begins or ends, which the options decide: cursors end with their process, a
 * new one takes the wall at its word, and a crash leaves what had been flushed.
 */
const WITHOUT: readonly OperationKind[] = ['crash', 'openCursor', 'stepBack', 'jump']

/** A world in which nothing depends on when a process begins. */
const steadyWorld: fc.Arbitrary<WorldPlan> = world.map((drawn) => ({
  ...drawn,
  without: [...new Set([...drawn.without, ...WITHOUT])],
  watch: 'the end',
  canReopenEarlier: false,
  // Upkeep makes commits of its own, and when depends on the options: what follows must find microseconds
  // that it has not touched.
  pace: 2,
}))

/** Runs of three mixtures one after the other, of at most so many operations each, in a steady world. */
export function metamorphicRun(maxLength: number): fc.Arbitrary<RunPlan> {
  const part = anyOperations(maxLength)
  return fc.record({
    world: steadyWorld,
    operations: fc.tuple(part, part, part).map((parts) => parts.flat()),
  })
}

/**
 * Checks that lists of operations have one history. After a failure only the two sets that differed are
 * tried: what follows is the same list made shorter.
 */
export class MetamorphicCheck {
  #sets: readonly OptionSet[] = OPTION_SETS.slice(1)
  /** How many lists were run, each under all sets. */
  lists = 0
  /** How many databases that were. */
  databases = 0
  /** The most different costs that one list had: options that change nothing would not be tried. */
  costs = 0

  /** Runs one list. Answers what all runs met. Throws {@link Disagreement}. */
  check(plan: RunPlan): Counts {
    const plain = OPTION_SETS[0]!
    const met = noCounts()
    const first = runUnder(plan, plain)
    addCounts(met, first.counts)
    const costs = new Set([costOf(first)])
    for (const set of this.#sets) {
      try {
        const other = runUnder(plan, set)
        expectOneHistory([plain, set], [first.transcript, other.transcript])
        addCounts(met, other.counts)
        costs.add(costOf(other))
      } catch (error) {
        this.#sets = [set]
        throw error
      }
    }
    this.lists++
    this.costs = Math.max(this.costs, costs.size)
    this.databases += 1 + this.#sets.length
    return met
  }
}

function costOf({ stats: { bytes, compactions, logBytes, cache, reads } }: RunReport): string {
  return JSON.stringify({ bytes, compactions, logBytes, cache, reads })
}

function runUnder(plan: RunPlan, { name, options }: OptionSet): RunReport {
  try {
    return runPlan(plan, options)
  } catch (error) {
    const { message } = error as Error
    throw new Disagreement(`under the option set\n  ${name}\n${message}`, { cause: error })
  }
}

function expectOneHistory(
  [plain, set]: readonly [OptionSet, OptionSet],
  [first, other]: readonly [readonly string[], readonly string[]],
): void {
  const at = Array.from({ length: Math.max(first.length, other.length) }, (_, i) => i).find(
    (i) => first[i] !== other[i],
  )
  if (at === undefined) return
  throw new Disagreement(
    [
      'two option sets have two histories:',
      `  ${plain.name}`,
      `  ${set.name}`,
      `differ in answer ${at}:`,
      `  ${first[at] ?? 'none'}`,
      `  ${other[at] ?? 'none'}`,
    ].join('\n'),
  )
}
