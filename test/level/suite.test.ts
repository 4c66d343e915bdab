/**
 * The level passes abstract-level's own suite, in memory and on real files. `npm run test:level` runs this
 * alone and prints the counts.
 */
import { afterAll, expect, test } from 'vitest'
import { PalimpsestLevel } from '../../src/level.ts'
import { newPlaces } from './places.ts'
import { type LevelFactory, runSuite } from './suite.ts'

// The suite opens some two thousand databases, each with a dozen syncs, and is not about syncs.
const places = newPlaces({ syncsMatter: false })
afterAll(() => places.remove())

const FACTORIES: readonly (readonly [string, LevelFactory])[] = [
  ['memory', (options) => new PalimpsestLevel({ memory: true }, options)],
  ['files', (options) => new PalimpsestLevel(places.next(), options)],
]

test.each(FACTORIES)('abstract-level on %s', async (where, factory) => {
  const { failures, ...counts } = await runSuite(factory)
  const { tests, passed, failed, skipped } = counts
  console.log(
    `abstract-level on ${where}: ${tests} tests, ${passed} passed, ${failed} failed, ${skipped} skipped`,
  )
  expect(failures).toEqual([])
  expect(counts).toMatchObject({ failed: 0, skipped: 0 })
})
