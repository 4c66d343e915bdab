/**
 * What a compaction policy answers: a choice or nothing, and the scores that led to it, as plain data.
 */
import { type TableMeta } from './table-format.ts'
import { type Position } from './version.ts'

/** One thing that could be compacted, weighed. From 1 on it is due. */
export interface CandidateScore {
  /** What was weighed: a level, or a rule of the policy. */
  readonly candidate: string
  readonly score: number
  /** The score in words: what was compared with what. */
  readonly because: string
}

/** One table that could have been picked, weighed. The highest score is picked. */
export interface PickScore {
  readonly table: number
  readonly score: number
  readonly because: string
}

/** Tables of one run that take part in a merge. */
export interface CompactionInput {
  readonly level: number
  readonly tables: readonly TableMeta[]
}

/** Which tables to merge, and where the result goes. */
export interface CompactionChoice {
  readonly kind: 'merge' | 'move'
  /** One for each run, newest first. */
  readonly inputs: readonly CompactionInput[]
  readonly outputLevel: number
  /** The run of the output level that the result becomes or joins. */
  readonly outputRun: number
  readonly because: string
  /** Where the next pick of a level begins behind. */
  readonly pointer?: { readonly level: number; readonly position: Position } | undefined
}

/** What a policy answers. */
export interface CompactionPlan {
  readonly choice?: CompactionChoice | undefined
  /** Every candidate's score. */
  readonly scores: readonly CandidateScore[]
  /** Where one table of a level was picked: every table's score. */
  readonly picks: readonly PickScore[]
}

/** The last position that was compacted out of each level; the next pick begins behind it. */
export type LevelPointers = readonly (Position | undefined)[]

/** The highest score, of equal ones the first; `undefined` where none is due. */
export function mostDue<Candidate extends CandidateScore>(
  candidates: readonly Candidate[],
): Candidate | undefined {
  const [first, ...others] = candidates
  if (first === undefined) return undefined
  const best = others.reduce((most, next) => (next.score > most.score ? next : most), first)
  return best.score >= 1 ? best : undefined
}
