/**
 * The lazy-leveled policy: runs gather in every level but the last, which is one run (Dayan and Idreos,
 * "Dostoevsky", SIGMOD 2018). Most versions are in the last level, so most reads and most of the space
 * are as with leveling, while a version is written once in each level above it, as with tiering.
 *
 * A level that is full of runs is merged whole into the next one: as one more run, or, into the last
 * level, together with the run there. When the last level is full, its run moves one level down, for
 * nothing, and makes room for another tiered level above it.
 */
import { type Geometry, levelTargetBytes } from './geometry.ts'
import { type CandidateScore, type CompactionChoice, type CompactionPlan, mostDue } from './plan.ts'
import {
  LEVELS_MAX,
  type Run,
  type Shape,
  bytesOfTables,
  lowestLevel,
  newestRunNumber,
  tablesOfRuns,
} from './shape.ts'

interface Candidate extends CandidateScore {
  readonly choose: (because: string) => CompactionChoice
}

/** Chooses the next compaction of a tree. */
export function planLazyLeveled(shape: Shape, geometry: Geometry): CompactionPlan {
  // Level 0 is where memtables are flushed to, so it is never the last one.
  const last = Math.max(1, lowestLevel(shape))
  const candidates = [
    ...shape.slice(0, last).map((runs, level) => upperLevel(shape, runs, level, last, geometry)),
    lastLevel(shape, last, geometry),
  ]
  const scores = candidates.map(({ candidate, score, because }) => ({ candidate, score, because }))
  const winner = mostDue(candidates)
  return { choice: winner?.choose(winner.because), scores, picks: [] }
}

function upperLevel(
  shape: Shape,
  runs: readonly Run[],
  level: number,
  last: number,
  geometry: Geometry,
): Candidate {
  const most = level === 0 ? geometry.level0Tables : geometry.sizeRatio
  return {
    candidate: `level ${level}`,
    score: runs.length / most,
    because: `level ${level} has ${runs.length} of ${most} runs`,
    choose: (because) => {
      const outputLevel = level + 1
      const below = outputLevel === last ? shape[last]! : []
      return {
        kind: 'merge',
        inputs: [...inputsOf(runs, level), ...inputsOf(below, outputLevel)],
        outputLevel,
        outputRun: newestRunNumber(shape[outputLevel]!),
        because,
      }
    },
  }
}

function lastLevel(shape: Shape, last: number, geometry: Geometry): Candidate {
  const runs = shape[last]!
  const candidate = `level ${last}`
  if (runs.length > 1) {
    const because = `level ${last} is the last and has ${runs.length} runs, not one`
    const [outputLevel, outputRun] = [last, newestRunNumber(runs)]
    const inputs = inputsOf(runs, last)
    const choose = () => ({ kind: 'merge' as const, inputs, outputLevel, outputRun, because })
    return { candidate, score: runs.length, because, choose }
  }
  const bytes = bytesOfTables(tablesOfRuns(runs))
  const target = levelTargetBytes(geometry, last)
  const hasRoomBelow = last + 1 < LEVELS_MAX
  const lowest = hasRoomBelow ? '' : ', and there is none below it'
  return {
    candidate,
    score: hasRoomBelow ? bytes / target : 0,
    because: `level ${last} is the last and has ${bytes} of ${target} bytes${lowest}`,
    choose: (because) => ({
      kind: 'move',
      inputs: inputsOf(runs, last),
      outputLevel: last + 1,
      outputRun: newestRunNumber(shape[last + 1]!),
      because,
    }),
  }
}

function inputsOf(runs: readonly Run[], level: number): CompactionChoice['inputs'] {
  return runs.map(({ tables }) => ({ level, tables }))
}
