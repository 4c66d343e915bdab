import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { FILES_TABLE } from '../../../src/lab/git/tables.ts'
import { importedCommits } from '../../../src/lab/git/verify.ts'
import { makeDatabase, reopen } from '../../../src/lab/main-job/databases.ts'
import { chooseGets, measureReads } from '../../../src/lab/main-job/read-cost.ts'
import { seededRandom } from '../../../src/simulator/random.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-test-'))
const directory = join(scratch, 'h.palimpsest')
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
beforeAll(() => {
  const history = generateHistory({ seed: 6, commits: 400, files: 60 })
  const database = makeDatabase({ directory, syncs: false, keep: 'forever' }, history)
  database.flush()
  database.close()
})

describe('the cost of reads', () => {
  test('is that of the blocks that the reads looked at, as the engine explains them', () => {
    using database = reopen(directory, { readOnly: true, cacheBytes: 0 })
    const { time } = importedCommits(database)[150]!
    const random = seededRandom(1)
    const gets = [
      ...chooseGets(database, random, { count: 60 }),
      ...chooseGets(database, random, { asOf: time, count: 60 }),
    ]
    const files = database.table(FILES_TABLE)
    const blocks = gets.flatMap(({ key, asOf }) =>
      files.explainRead(key, { asOf }).steps.flatMap((step) => (step.place === 'file' ? step.blocks : [])),
    )
    expect(blocks.some(({ isCached }) => isCached)).toBe(false)
    const cost = measureReads(database, gets)
    expect(cost.gets).toBe(120)
    expect(cost.blocks).toBe(blocks.length / 120)
    expect(cost.blocks).toBeGreaterThanOrEqual(1)
    // Blocks of at most 1 KiB, unless one version is larger.
    expect(cost.bytes).toBeGreaterThan(0)
    expect(cost.bytes / cost.blocks).toBeLessThanOrEqual(1024)
  })

  test('is the same each time, because nothing is cached', () => {
    using database = reopen(directory, { readOnly: true, cacheBytes: 0 })
    const gets = chooseGets(database, seededRandom(2), { count: 50 })
    expect(measureReads(database, gets)).toEqual(measureReads(database, gets))
    using cached = reopen(directory, { readOnly: true })
    measureReads(cached, gets)
    expect(measureReads(cached, gets)).toMatchObject({ blocks: 0, bytes: 0 })
  })

  test('comes with the answers, which differ where the time does', () => {
    using database = reopen(directory, { readOnly: true, cacheBytes: 0 })
    const gets = chooseGets(database, seededRandom(2), { count: 50 })
    const { time } = importedCommits(database)[3]!
    const past = gets.map(({ key }) => ({ key, asOf: time }))
    expect(measureReads(database, past).answers).not.toBe(measureReads(database, gets).answers)
  })

  test('of no gets is none', () => {
    using database = reopen(directory, { readOnly: true, cacheBytes: 0 })
    expect(measureReads(database, [])).toMatchObject({ gets: 0, blocks: 0, bytes: 0 })
  })
})

test('gets are of files that are there, and the same for the same seed', () => {
  using database = reopen(directory, { readOnly: true })
  const { time } = importedCommits(database)[20]!
  const gets = chooseGets(database, seededRandom(3), { asOf: time, count: 40 })
  expect(gets).toEqual(chooseGets(database, seededRandom(3), { asOf: time, count: 40 }))
  expect(gets).toHaveLength(40)
  const files = database.table(FILES_TABLE)
  for (const { key } of gets) expect(files.get(key, { asOf: time })).toBeDefined()
})
