/**
 * What runs met. A run that meets nothing has shown nothing, so the tests say how much there has to be of
 * each.
 */

/** How often a run met what it is there to meet: a run that meets nothing has shown nothing. */
export interface Counts {
  commits: number
  /** Reads as of a time. */
  pastReads: number
  /** Of these, keys that had another value later. */
  olderAnswers: number
  /** Reads that were refused because their time was gone. */
  refusals: number
  /** Refused reads that could not have been answered from what was still there. */
  refusalsNeeded: number
  /** Reads of times that were there only because something held them. */
  heldReads: number
  /** Versions that compactions dropped, tombstones included. */
  droppedVersions: number
  droppedTombstones: number
  /** Times at which a table's tree had two levels or more. */
  deepTrees: number
  /** Full compactions after which exactly the right versions were left, and at least one was not. */
  effectiveCompactions: number
  reopenings: number
  crashes: number
  /** Crashes that fell into an operation. */
  crashesWithin: number
  /** Crashes that lost some commit. */
  losses: number
  cursorSteps: number
  /** Cursor steps after the table had changed. */
  lateSteps: number
  misuses: number
  /** Restores, and those that an undo took back. */
  restores: number
  undos: number
  truncations: number
  drops: number
  renames: number
  /** Restores and undos that were refused. */
  refusedRestores: number
  /** Reads of tables that do not exist any more. */
  droppedReads: number
  /** Changes that histories of keys told. */
  keyChanges: number
  /** Keys that differed between two times. */
  differences: number
  /** Commits that the database made of its own. */
  upkeeps: number
  /** Versions whose fate was explained. */
  explanations: number
  /** Answers and refusals at the last tick before a window, at its first, and at the one after. */
  readsBeforeWindow: number
  readsAtWindow: number
  readsAfterWindow: number
  /** Answers at the last tick before a table was restored, undone or truncated, and at that tick. */
  readsBeforeChange: number
  readsAtChange: number
  /** Commits whose tick did not fit into the microsecond before it. */
  carries: number
  /** Commits in the microsecond of another one. */
  sharedMicros: number
  /** Commits at the last tick of their microsecond. */
  lastTicks: number
  /** Places where one block ends and the next begins within the versions of one key, read on both sides. */
  blockEdges: number
  /** The same where one file of a level ends. */
  fileEdges: number
  /** Reads of one key that had to search two files of level 0, or more. */
  overlaps: number
  /** Restores to the very time of a version, and to the tick before one. */
  restoresAtVersion: number
  restoresBeforeVersion: number
  /** Answers as of the last time of what a restore put back, and at the tick after it. */
  readsAtBase: number
  readsAfterBase: number
  /** Gaps in the view of a table that closed. */
  closedGaps: number
  /** Dropped tables whose files were freed. */
  freedTables: number
}

/** Nothing met yet. */
export function noCounts(): Counts {
  return {
    commits: 0,
    pastReads: 0,
    olderAnswers: 0,
    refusals: 0,
    refusalsNeeded: 0,
    heldReads: 0,
    droppedVersions: 0,
    droppedTombstones: 0,
    deepTrees: 0,
    effectiveCompactions: 0,
    reopenings: 0,
    crashes: 0,
    crashesWithin: 0,
    losses: 0,
    cursorSteps: 0,
    lateSteps: 0,
    misuses: 0,
    restores: 0,
    undos: 0,
    truncations: 0,
    drops: 0,
    renames: 0,
    refusedRestores: 0,
    droppedReads: 0,
    keyChanges: 0,
    differences: 0,
    upkeeps: 0,
    explanations: 0,
    readsBeforeWindow: 0,
    readsAtWindow: 0,
    readsAfterWindow: 0,
    readsBeforeChange: 0,
    readsAtChange: 0,
    carries: 0,
    sharedMicros: 0,
    lastTicks: 0,
    blockEdges: 0,
    fileEdges: 0,
    overlaps: 0,
    restoresAtVersion: 0,
    restoresBeforeVersion: 0,
    readsAtBase: 0,
    readsAfterBase: 0,
    closedGaps: 0,
    freedTables: 0,
  }
}

/** Adds what another run met. */
export function addCounts(sum: Counts, counts: Counts): void {
  for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name]
}
