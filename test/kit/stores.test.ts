/**
 * The kit for versioned stores, tried on stores that are right and on stores with a planted fault. One of
 * those that are right is this engine: the contract has a part of laws 2, 4, 5 and 8 in it.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { checkStore, conformance, conformanceCases } from '../../src/testing.ts'
import { ROOT } from '../house/source.ts'
import { FAULTS } from './stores/faults.ts'
import { OWN_WAYS } from './stores/own-ways.ts'
import { EVERYTHING, RIGHT_STORES } from './stores/right.ts'
import { RulesStore } from './stores/rules-store.ts'
import { measureFault } from './measure.ts'

describe.each(Object.entries(RIGHT_STORES))('%s', (_, subject) => {
  test.each(conformanceCases(subject))('$name', ({ run }) => run())

  test('is found right by random operations', async () => {
    const { met } = await checkStore({ ...subject, runs: 20, seed: 1 })
    for (const [kind, count] of Object.entries(met)) expect(count, kind).toBeGreaterThan(0)
    await checkStore({ ...subject, runs: 10 })
  })
})

describe.each(Object.entries(OWN_WAYS))('a right store where %s', (_, subject) => {
  test('passes the conformance suite', async () => {
    const { results } = await conformance(subject)
    expect(results.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
  })

  test('is found right by random operations', async () => {
    const { met } = await checkStore({ ...subject, runs: 50, seed: 1 })
    expect(met.collect).toBeGreaterThan(0)
    expect(met.restore).toBeGreaterThan(0)
    await checkStore({ ...subject, runs: 20 })
  })
})

test('docs/testing.md has every planted fault', () => {
  const [, behind] = readFileSync(join(ROOT, 'docs/testing.md'), 'utf8').split('| fault ')
  const rows = behind!.split('\n\n')[0]!.split('\n').slice(1)
  const names = rows.map((row) => row.split('|')[1]!.trim())
  expect(names.filter((name) => !name.startsWith('---'))).toEqual(Object.keys(FAULTS))
})

describe.each(Object.entries(FAULTS))('planted: %s', (name, broken) => {
  const subject = { open: () => new RulesStore(broken), supports: EVERYTHING }

  test('is found by the conformance suite', async () => {
    const { failed } = await conformance(subject)
    expect(failed).toBeGreaterThan(0)
  })

  test('is found by random operations', async () => {
    expect((await measureFault(name, [1])).seedsFound).toBe(1)
  })
})
