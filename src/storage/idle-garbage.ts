/**
 * The trigger for idle files: a table whose garbage has become droppable, though no level is full.
 *
 * A superseded version can go once the version that hides it is at or below the cutoff. So a table whose
 * newest version the cutoff has passed keeps no more than the newest version of each key, unless somebody
 * holds an older time. Nothing in a tree's sizes says that, so without this trigger such a table would
 * wait for new writes to push it down.
 *
 * A table that was flushed and never merged is not idle: it waits for its first merge anyway. And the
 * trigger cannot loop: a table remembers the cutoff that it was written by (`writtenAtCutoff`), and one that
 * was written by a cutoff that had passed its newest version already is never chosen, whatever it kept.
 */
import { type HybridTime } from '../time/hybrid-time.ts'
import { type CandidateScore, type CompactionPlan, mostDue } from './plan.ts'
import { type Placement, type Shape, placementsOf } from './shape.ts'
import { type TableMeta } from './table-format.ts'

/** The share of its versions that must be garbage for a table to be worth a rewrite. */
const GARBAGE_SHARE = 0.25

interface Candidate extends CandidateScore {
  readonly placement: Placement
}

/** Chooses a table to rewrite where it stands. */
export function planIdleGarbage(shape: Shape, cutoff: HybridTime): CompactionPlan {
  const candidates = placementsOf(shape)
    .filter(({ table }) => isLeftBehind(table, cutoff) && table.superseded + table.tombstones > 0)
    .map(candidateOf)
  const scores = candidates.map(({ candidate, score, because }) => ({ candidate, score, because }))
  const winner = mostDue(candidates)
  if (winner === undefined) return { scores, picks: [] }
  const { level, run, table } = winner.placement
  return {
    choice: {
      kind: 'merge',
      inputs: [{ level, tables: [table] }],
      outputLevel: level,
      outputRun: run,
      because: winner.because,
    },
    scores,
    picks: [],
  }
}

/** Whether the cutoff has passed all versions of a merged table since that merge. */
function isLeftBehind({ maxTime, writtenAtCutoff }: TableMeta, cutoff: HybridTime): boolean {
  return writtenAtCutoff !== undefined && writtenAtCutoff < maxTime && maxTime <= cutoff
}

function candidateOf(placement: Placement): Candidate {
  const { number, superseded, tombstones, versions } = placement.table
  const garbage = superseded + tombstones
  return {
    candidate: `table ${number}`,
    score: garbage / versions / GARBAGE_SHARE,
    because: `history has left table ${number} behind: ${garbage} of its ${versions} versions are superseded or tombstones`,
    placement,
  }
}
