/**
 * The same as `directory.test.ts`, for minutes, with fresh seeds; and every byte of every file of a small
 * directory damaged by itself. It prints what became of the directories.
 *
 * `PALIMPSEST_SECONDS` says for how long each kind of attack is drawn.
 */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type Damage, everyCut } from '../../src/testing/hostile/damage.ts'
import { buildScene } from '../../src/testing/hostile/scene.ts'
import { tryAttacks } from '../../src/testing/hostile/trial.ts'
import { FRESH_SEED, type Tally } from './cases.ts'
import { runTrials } from './trials.ts'

const SECONDS = Number(process.env['PALIMPSEST_SECONDS'] ?? 90)
/** Trials of one seed: whole scenes, so that a case is the same alone. */
const CHUNK = 40

const textOf = (tally: Tally) => JSON.stringify(Object.fromEntries(tally))

test.each(['damage', 'forgery'] as const)('directories after %s, long', (kind) => {
  const tally: Tally = new Map()
  const end = performance.now() + 1000 * SECONDS
  let trials = 0
  for (; performance.now() < end; trials += CHUNK) runTrials(kind, FRESH_SEED, trials, CHUNK, tally)
  console.log(`${kind}: ${trials} directories ${textOf(tally)}`)
  expect(tally.size).toBeGreaterThan(4)
})

test('every byte of a small directory turned over, and every prefix of its files, long', () => {
  const scene = buildScene(FRESH_SEED, 6, crc32)
  const random = seededRandom(FRESH_SEED).fork('every byte')
  const tally: Tally = new Map()
  let trials = 0
  for (const [file, bytes] of scene.directory) {
    const flips = Array.from(bytes, (_, at): Damage => ({ kind: 'flip', at, bits: 1 + random.below(255) }))
    for (const damage of [...everyCut(bytes.length), ...flips]) {
      const options = { readOnly: damage.at % 2 === 0, random }
      const { answers, refusedBy } = tryAttacks(scene, [{ kind: 'damage', file, damage }], options)
      const outcome = `${file.replace(/\d+\./, '')} ${damage.kind}: ${refusedBy ?? answers}`
      tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
      trials++
    }
  }
  console.log(`every byte: seed ${FRESH_SEED}, ${trials} directories ${textOf(tally)}`)
  expect(trials).toBeGreaterThan(5000)
})
