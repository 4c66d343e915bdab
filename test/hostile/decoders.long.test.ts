/**
 * The same as `decoders.test.ts`, two million times: drawn input for every reader, and every byte of small
 * files with every other value. It prints what became of the cases.
 *
 * `PALIMPSEST_CASES` says how many are drawn for each reader; what is slow gets fewer.
 */
import { expect, test } from 'vitest'
import { damagedBytes, everyCut, everyFlip } from '../../src/testing/hostile/damage.ts'
import { FRESH_SEED, type Tally, attackTarget, tryInput } from './cases.ts'
import { TARGETS } from './decoders.ts'

const CASES = Number(process.env['PALIMPSEST_CASES'] ?? 120_000)
/** Files up to this length get every value of every byte. */
const SMALL_BYTES = 800

let all = 0
const told: string[] = []

test.each(TARGETS)('$name: hostile input, long', (target) => {
  const tally: Tally = new Map()
  const count = (outcome: string) => tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
  attackTarget(target, FRESH_SEED, 0, Math.ceil(CASES * (target.weight ?? 1)), tally)
  const bytes = target.good.toSorted((a, b) => a.length - b.length)[0]!
  // What has a weight takes its time.
  const flips = bytes.length <= SMALL_BYTES && target.weight === undefined ? 'values' : 'bits'
  if ((target.weight ?? 1) >= 0.5)
    for (const damages of [everyCut(bytes.length), everyFlip(bytes.length, flips)])
      for (const damage of damages)
        count(tryInput(target, damagedBytes(bytes, damage), () => JSON.stringify(damage)))
  const cases = [...tally.values()].reduce((sum, one) => sum + one, 0)
  all += cases
  told.push(`${target.name}: ${cases} cases; ${[...tally].map((one) => one.join(' ')).join(', ')}`)
})

test('hostile input, long: all together', () => {
  console.log(
    [...told, `decoder cases ${all}`, `replay: PALIMPSEST_SEED=${FRESH_SEED} npm run test:hostile`].join(
      '\n',
    ),
  )
  if (process.env['PALIMPSEST_CASES'] === undefined) expect(all).toBeGreaterThan(2_000_000)
})
