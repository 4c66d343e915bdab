/** Law 11: attacked directories, opened and lived in. Each call is refused with a code, or its answer is right. */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { buildScene } from '../../src/testing/hostile/scene.ts'
import { tryAttacks } from '../../src/testing/hostile/trial.ts'
import { FRESH_SEED, REPLAY, type Tally } from './cases.ts'
import { runTrials } from './trials.ts'

const TRIALS = 120

test.skipIf(REPLAY !== undefined)('a directory that nobody attacked answers everything', () => {
  for (const seed of [1, 2, FRESH_SEED]) {
    const scene = buildScene(seed, 40, crc32)
    const outcome = tryAttacks(scene, [], { readOnly: seed === 1, random: seededRandom(seed) })
    expect(outcome).toEqual({ answers: 'right', refusedBy: undefined, hasFaults: false })
  }
})

test.each([
  // A prefix is left too rarely to be asked for here; the long run asks.
  ['damage', ['LOG_CORRUPT', 'MANIFEST_CORRUPT', 'TABLE_CORRUPT', 'right']],
  ['forgery', ['LOG_CORRUPT', 'MANIFEST_CORRUPT', 'TABLE_CORRUPT', 'right']],
] as const)('a directory after %s is refused with a code, or answers', (kind, expected) => {
  if (REPLAY?.name === kind) runTrials(kind, REPLAY.seed, REPLAY.number, 1, new Map())
  if (REPLAY !== undefined) return
  const tally: Tally = new Map()
  for (const seed of [1, 2, FRESH_SEED]) runTrials(kind, seed, 0, TRIALS, tally)
  for (const outcome of expected) expect(tally.get(outcome) ?? 0, outcome).toBeGreaterThan(0)
})
