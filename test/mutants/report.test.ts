/** What a failure says of its place, and what is said of all mutants in the end. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyRun } from '../../src/testing/arbitraries.ts'
import { checkRuns } from '../model/property.ts'
import { propertySeeds } from '../seeds.ts'
import { type Mutant } from './mutant.ts'
import { type Verdict, countKills, formatTable } from './report.ts'
import { deathOf } from './trial.ts'

/** A check that fails when it is called for the third time. */
function failsInThird(): () => void {
  let calls = 0
  return () => {
    if (++calls >= 3) throw new Error('seed 5')
  }
}

function messageOf(call: () => void): string {
  try {
    call()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('nothing was thrown')
}

describe('a death has the place of the case that failed', () => {
  test('when fast-check says it', () => {
    const property = fc.property(fc.nat(), failsInThird())
    const message = messageOf(() => {
      fc.assert(property, { seed: 107 })
    })
    expect(deathOf('a.test.ts', 'a', message, 105).place).toEqual({ seed: 3, run: 3 })
  })

  test('when a run against the model says it', () => {
    const message = messageOf(() => {
      checkRuns(anyRun(1), 5, failsInThird())
    })
    expect(deathOf('a.test.ts', 'a', message, propertySeeds()[0]!).place).toEqual({ seed: 1, run: 3 })
  })

  test('when a crash check says it', () => {
    const call = 'checkCrashes({ seed: 107, operations: 40, drawn: 1, singlesMax: 1 })'
    const message = `lost\n  replay: ${call} point=12 image="none"`
    expect(deathOf('a.test.ts', 'a', message, 105).place).toEqual({ seed: 3, run: 12 })
  })

  test('unless an example failed', () => {
    expect(deathOf('a.test.ts', 'a', 'expected 1 to be 2', 105).place).toBeUndefined()
  })
})

test('a test that is there once for each seed is one test', () => {
  expect(deathOf('a.test.ts', 'holds (seed 107)', '', 105).test).toBe('holds (seed …)')
})

describe('the table', () => {
  const mutant: Mutant = { id: 'X1', title: 'One is two.', seen: '', killer: 'a.test.ts', hunks: [] }
  const death = (file: string, seed: number, run: number) => ({ file, test: 'a', place: { seed, run } })
  const verdict: Verdict = {
    mutant,
    trials: [
      { firstSeed: 1, seconds: 1, death: death('a.test.ts', 1, 30) },
      { firstSeed: 5, seconds: 2, death: death('a.test.ts', 2, 4) },
      { firstSeed: 9, seconds: 3, death: death('b.test.ts', 1, 1) },
      { firstSeed: 13, seconds: 4 },
      { firstSeed: 17, seconds: 5, fault: 'does not load' },
    ],
  }

  test('says which tests noticed, how often and how late, and where nobody did', () => {
    expect(formatTable([verdict]).split('\n')).toEqual([
      'X1   3 of 5     15.0 s  One is two.',
      '      2  a (a.test.ts), at the latest in case 4 of seed 2',
      '      1  a (b.test.ts, not a.test.ts), in case 1 of seed 1',
      '      ?  does not load',
      '      -  LIVES; replay: MUTANT=X1 PALIMPSEST_SEED=13 npx vitest run --root . --config test/mutants/vitest.config.ts a.test.ts',
      '1 mutants, noticed on 3 of 5 lists of seeds',
      '',
    ])
  })

  test('does not count a run that proves nothing', () => {
    expect(countKills(verdict)).toBe(3)
  })
})
