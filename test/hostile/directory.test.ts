/** Law 11: attacked directories, opened and lived in. Each call is refused with a code, or its answer is right. */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { attackedDirectory } from '../../src/testing/hostile/attack.ts'
import { buildScene } from '../../src/testing/hostile/scene.ts'
import { tryAttacks } from '../../src/testing/hostile/trial.ts'
import { FRESH_SEED, REPLAY, type Tally, chosenOf } from './cases.ts'
import { runTrials } from './trials.ts'

const TRIALS = 120

test.skipIf(REPLAY !== undefined)('a directory that nobody attacked answers everything', () => {
  for (const seed of [1, 2, FRESH_SEED]) {
    const scene = buildScene(seed, 40, crc32)
    const outcome = tryAttacks(scene, [], { readOnly: seed === 1, random: seededRandom(seed) })
    expect(outcome).toEqual({ answers: 'right', refusedBy: undefined, hasFaults: false })
  }
})

test.skipIf(REPLAY !== undefined)('a log cut at any byte of its end is refused, or shows a prefix', () => {
  const outcomes = new Set<string>()
  for (const seed of [1, 2, 3, 4, 5]) {
    const scene = buildScene(seed, 24, crc32)
    const file = [...scene.directory.keys()].findLast((name) => name.endsWith('.log'))!
    const { length } = scene.directory.get(file)!
    for (let at = 0; at < length; at += 9) {
      const options = { readOnly: at % 2 === 0, random: seededRandom(at) }
      const attack = { kind: 'damage', file, damage: { kind: 'cut', at } } as const
      const { answers, refusedBy } = tryAttacks(scene, [attack], options)
      outcomes.add(refusedBy ?? answers)
    }
  }
  expect([...outcomes].toSorted((a, b) => a.localeCompare(b))).toEqual(['LOG_CORRUPT', 'prefix', 'right'])
})

test.skipIf(REPLAY !== undefined)(
  'a damage that changes nothing is no excuse for commits that are gone',
  () => {
    const scene = buildScene(1, 24, crc32)
    const file = [...scene.directory.keys()].findLast((name) => name.endsWith('.log'))!
    const options = { readOnly: true, random: seededRandom(1) }
    const { length } = scene.directory.get(file)!
    const cuts = Array.from(
      { length },
      (_, i) => ({ kind: 'damage', file, damage: { kind: 'cut', at: length - i } }) as const,
    )
    const cut = cuts.find((attack) => tryAttacks(scene, [attack], options).answers === 'prefix')!
    // What stands for a database that loses commits by itself: the files of this one were cut before.
    const directory = attackedDirectory(scene.directory, cut, crc32)
    const nothing = { kind: 'damage', file, damage: { kind: 'remove', at: 0, length: 0 } } as const
    expect(() => tryAttacks({ ...scene, directory }, [nothing], options)).toThrow(
      /commits are gone, and the log is whole/,
    )
  },
)

const KINDS = [
  ['damage', ['LOG_CORRUPT', 'MANIFEST_CORRUPT', 'TABLE_CORRUPT']],
  ['forgery', ['LOG_CORRUPT', 'MANIFEST_CORRUPT', 'TABLE_CORRUPT', 'right']],
] as const
const chosen = chosenOf(KINDS, ([kind]) => kind)

test.each(chosen)('a directory after %s is refused with a code, or answers', (kind, expected) => {
  if (REPLAY !== undefined) return runTrials(kind, REPLAY.seed, REPLAY.number, 1, new Map())
  const tally: Tally = new Map()
  for (const seed of [1, 2, FRESH_SEED]) runTrials(kind, seed, 0, TRIALS, tally)
  for (const outcome of expected) expect(tally.get(outcome), outcome).toBeGreaterThan(0)
})
