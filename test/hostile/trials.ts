/**
 * Attacked directories, trial by trial from a seed. One line runs a trial again:
 *
 *     replay: PALIMPSEST_SEED=7 PALIMPSEST_CASE=damage/12 npx vitest run test/hostile/directory.test.ts
 */
import { crc32 } from '../../src/base/checksum.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type AttackKind, drawAttacks } from '../../src/testing/hostile/attack.ts'
import { type Scene, buildScene } from '../../src/testing/hostile/scene.ts'
import { tryAttacks } from '../../src/testing/hostile/trial.ts'
import { type Tally } from './cases.ts'

/** Trials that share a scene. */
const SCENE_TRIALS = 40
const OPERATIONS = 24

/** Runs trials `from` through `from + count − 1`. */
export function runTrials(kind: AttackKind, seed: number, from: number, count: number, tally: Tally): void {
  let scene: Scene | undefined
  for (let number = from; number < from + count; number++) {
    if (scene === undefined || number % SCENE_TRIALS === 0)
      scene = buildScene(seed + Math.floor(number / SCENE_TRIALS), OPERATIONS, crc32)
    const random = seededRandom(seed).fork(`${kind} ${number}`)
    const attacks = drawAttacks(kind, scene.directory, random, crc32)
    const readOnly = random.below(3) === 0
    try {
      const { answers, refusedBy, hasFaults } = tryAttacks(scene, attacks, { readOnly, random })
      const isFound = answers === 'other' && hasFaults ? ', found by check' : ''
      const outcome = refusedBy === undefined ? `${answers}${isFound}` : refusedBy
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
    } catch (error) {
      const replay = `PALIMPSEST_SEED=${seed} PALIMPSEST_CASE=${kind}/${number} npx vitest run test/hostile/directory.test.ts`
      throw new Error(`${String(error)}\n  replay: ${replay}`, { cause: error })
    }
  }
}
