/**
 * Policies: which compaction to run next, as pure functions of a tree's metadata.
 *
 *     (shape, pointers, geometry, what may be forgotten) ──▶ a choice or nothing, and every score
 *
 * A policy changes cost, never answers (law 10), so a database can change it while it lives: the tree is
 * taken over as it stands. In the compaction design space (Sarkar et al., "Constructing and Analyzing
 * the LSM Compaction Design Space", VLDB 2021) a policy is a trigger, a data layout, a granularity and
 * a data movement:
 *
 *     leveled         level saturation   one run a level                 a table or a level    a picker
 *     tiered          number of runs     runs of rising size             runs                  newest first
 *     lazy-leveled    level saturation   runs, the last level one run    a level               all
 *
 * All of them have one more trigger: files whose garbage has become droppable (`idle-garbage.ts`).
 */
import { PalimpsestError } from '../base/errors.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Geometry, levelTargetBytes } from './geometry.ts'
import { planIdleGarbage } from './idle-garbage.ts'
import { planLazyLeveled } from './lazy-leveled.ts'
import { planLeveled } from './leveled.ts'
import { PICKER_NAMES, type PickerName } from './pickers.ts'
import { type CompactionPlan, type LevelPointers } from './plan.ts'
import { LEVELS_MAX, type Shape, bytesOfTables, lowestLevel, newestRunNumber, tablesOf } from './shape.ts'
import { planTiered } from './tiered.ts'

/** The name of a compaction policy. */
export type PolicyName = 'leveled' | 'tiered' | 'lazy-leveled'

/** A compaction policy, as a database remembers it. */
export interface Policy {
  readonly name: PolicyName
  /** How leveling picks the table that goes down. */
  readonly picker: PickerName
}

/** The names of the policies. */
export const POLICY_NAMES: readonly PolicyName[] = ['leveled', 'tiered', 'lazy-leveled']

/** The policy of a database that nobody gave another. */
export const DEFAULT_POLICY: Policy = { name: 'leveled', picker: 'round-robin' }

/** What a policy decides by. */
export interface PolicyInput {
  readonly policy: Policy
  readonly shape: Shape
  readonly pointers: LevelPointers
  readonly geometry: Geometry
  /** The first time of the window: nothing before it is readable, but for holds. */
  readonly cutoff: HybridTime
}

/** Another policy, or another picker; what is left out stays as it was. */
export interface PolicyChange {
  readonly name?: string | undefined
  readonly picker?: string | undefined
}

/** The policy after a change. Throws `INVALID_ARGUMENT`. */
export function choosePolicy(before: Policy, { name, picker }: PolicyChange): Policy {
  return {
    name: oneOf('policy', name ?? before.name, POLICY_NAMES),
    picker: oneOf('picker', picker ?? before.picker, PICKER_NAMES),
  }
}

/** Chooses the next compaction of a tree. */
export function planCompaction({ policy, shape, pointers, geometry, cutoff }: PolicyInput): CompactionPlan {
  const plan = planByName()
  if (plan.choice !== undefined) return plan
  const idle = planIdleGarbage(shape, cutoff)
  return { choice: idle.choice, scores: [...plan.scores, ...idle.scores], picks: idle.picks }

  function planByName(): CompactionPlan {
    if (policy.name === 'tiered') return planTiered(shape, geometry)
    if (policy.name === 'lazy-leveled') return planLazyLeveled(shape, geometry)
    return planLeveled(shape, pointers, geometry, { picker: policy.picker })
  }
}

/** Merges everything into one run where the policy keeps its oldest, or nothing where there is nothing. */
export function planFullCompaction(input: PolicyInput): CompactionPlan {
  const { policy, shape, geometry } = input
  const { scores } = planCompaction(input)
  const inputs = shape.flatMap((runs, level) => runs.map(({ tables }) => ({ level, tables })))
  if (inputs.length === 0) return { scores, picks: [] }
  let outputLevel = lowestLevel(shape)
  if (policy.name !== 'tiered') {
    const bytes = bytesOfTables(tablesOf(shape))
    outputLevel = Math.max(1, outputLevel)
    while (outputLevel < LEVELS_MAX - 1 && bytes >= levelTargetBytes(geometry, outputLevel)) outputLevel++
  }
  const outputRun = newestRunNumber(shape[outputLevel]!)
  const because = 'asked for: everything into one run'
  return { choice: { kind: 'merge', inputs, outputLevel, outputRun, because }, scores, picks: [] }
}

function oneOf<Name extends string>(what: string, name: string, names: readonly Name[]): Name {
  const found = names.find((each) => each === name)
  if (found !== undefined) return found
  throw new PalimpsestError('INVALID_ARGUMENT', `${what} is one of ${names.join(', ')}, not ${name}`)
}
