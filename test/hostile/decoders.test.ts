/** Law 11: hostile bytes for every reader of outside input are refused with a code, or understood. */
import { describe, expect, test } from 'vitest'
import { damagedBytes, everyCut, everyFlip } from '../../src/testing/hostile/damage.ts'
import { FRESH_SEED, REPLAY, type Tally, attackTarget, chosenOf, replayNameOf, tryInput } from './cases.ts'
import { TARGETS } from './decoders.ts'

const CASES = 1000

describe.each(chosenOf(TARGETS, replayNameOf))('$name', (target) => {
  test.skipIf(REPLAY !== undefined)('good input is understood', () => {
    for (const bytes of target.good) expect(tryInput(target, bytes, () => 'good')).toBe('accepted')
  })

  test('drawn input is refused, or understood', () => {
    const tally: Tally = new Map()
    const cases = Math.ceil(CASES * (target.weight ?? 1))
    if (REPLAY !== undefined) attackTarget(target, REPLAY.seed, REPLAY.number, 1, tally)
    else for (const seed of [1, FRESH_SEED]) attackTarget(target, seed, 0, cases, tally)
    expect(tally.size).toBeGreaterThan(0)
  })

  test.skipIf(REPLAY !== undefined)('every prefix, and every byte with a bit turned over', () => {
    const [bytes] = target.good.toSorted((a, b) => a.length - b.length)
    const step = target.weight === undefined ? 1 : Math.round(1 / target.weight)
    let i = 0
    for (const damages of [everyCut(bytes!.length), everyFlip(bytes!.length, 'bits')])
      for (const damage of damages)
        if (i++ % step === 0) tryInput(target, damagedBytes(bytes!, damage), () => JSON.stringify(damage))
  })
})
