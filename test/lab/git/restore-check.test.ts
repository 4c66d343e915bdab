/**
 * Restores of git histories, proved by tree ids and undone (law 8); a history that lies is found out.
 */
import { describe, expect, test } from 'vitest'
import { type Database, type ReplayClock, open } from '../../../src/index.ts'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { readGitLogFile } from '../../../src/lab/git/gitlog.ts'
import { type GitCommit } from '../../../src/lab/git/history.ts'
import { importHistory } from '../../../src/lab/git/import.ts'
import { COMMITS_TABLE, FILES_TABLE, GIT_KEYSPACE } from '../../../src/lab/git/tables.ts'
import { checkRestores, proveRestore } from '../../../src/lab/git/restore-check.ts'
import { treeIdAsOf, treeIdNow, verifyHistory } from '../../../src/lab/git/verify.ts'
import { SEEDS, trace } from './replay.ts'
import { expectRestores } from './restored.ts'

const inMemory = (clock: ReplayClock): Database => open({ memory: true }, { clock, geometry: 'tiny' })
const made = (commits: Iterable<GitCommit>, keep?: string): Database =>
  importHistory(inMemory, commits, { keep }).database

describe('restores of a history', () => {
  test.each(SEEDS)('are proved, undone, and change no moment of it (seed %i)', async (seed) => {
    const commits = [...generateHistory({ seed, commits: 60, files: 25 })]
    using database = made(commits)
    const found = await checkRestores(database, { restores: 12, seed })
    expect(found).toEqual({
      seed,
      readable: 60,
      restores: 12,
      proved: 12,
      failed: 0,
      firstFailure: undefined,
    })
    expect(treeIdNow(database)).toBe(commits.at(-1)!.tree)
    expect(verifyHistory(database)).toMatchObject({ commits: 60, matched: 60 })
    expect(database.restores()).toHaveLength(24)
  })

  test('are to commits that can be read, where history is not kept for ever', async () => {
    const commits = [...generateHistory({ seed: 9, commits: 120, files: 30 })]
    using database = made(commits, '3d')
    const before = verifyHistory(database)
    const found = await checkRestores(database, { restores: 15, seed: 1 })
    expect(found).toMatchObject({ readable: before.matched, proved: 15, failed: 0 })
    expect(found.readable).toBeLessThan(120)
    expect(verifyHistory(database)).toEqual(before)
  })

  test('are the same for the same seed', async () => {
    const restored = async (seed: number) => {
      using database = made(generateHistory({ seed: 2, commits: 40, files: 10 }))
      await checkRestores(database, { restores: 6, seed })
      return database.restores().map(({ to }) => to)
    }
    expect(await restored(3)).toEqual(await restored(3))
    expect(await restored(3)).not.toEqual(await restored(4))
  })

  test('tell what was found on the way', async () => {
    const commits = [...generateHistory({ seed: 2, commits: 40, files: 10 })]
    using database = made(commits)
    const { id, tree } = commits[10]!
    const proof = await proveRestore(database, id)
    expect(proof).toMatchObject({
      ...{ commit: id, expected: tree, restored: tree, remembered: tree },
      ...{ before: commits.at(-1)!.tree, undone: commits.at(-1)!.tree, endsWithCommit: true, isProved: true },
    })
    const restore = database.restores().find((each) => each.id === proof.restore)!
    expect(treeIdAsOf(database, restore.time!)).toBe(tree)
  })

  test('are proved too where only now is kept', async () => {
    const commits = [...generateHistory({ seed: 2, commits: 40, files: 10 })]
    using database = made(commits, '0s')
    const proof = await proveRestore(database, commits.at(-1)!.id)
    expect(proof.isProved).toBe(true)
  })
})

describe('a restore is not proved', () => {
  const commits = [...generateHistory({ seed: 2, commits: 4, files: 10 })]

  test('to a commit whose tree is not what git recorded', async () => {
    const wrong = 'f'.repeat(40)
    using database = made(commits.with(1, { ...commits[1]!, tree: wrong }))
    const found = await checkRestores(database, { restores: 30, seed: 1 })
    expect(found.failed).toBeGreaterThan(0)
    expect(found.proved).toBe(30 - found.failed)
    const failure = { commit: commits[1]!.id, expected: wrong, restored: commits[1]!.tree, isProved: false }
    expect(found.firstFailure).toMatchObject(failure)
  })

  test('after which other commits are listed than those through this one', async () => {
    using database = made(commits)
    // The list now begins with the second commit; put back, it begins with the first again.
    database.table(COMMITS_TABLE).delete(commits[0]!.id)
    const { restored, expected, ...proof } = await proveRestore(database, commits[2]!.id)
    expect(restored).toBe(expected)
    expect(proof).toMatchObject({ endsWithCommit: false, isProved: false })
  })

  test('and a history without a commit is refused', async () => {
    using database = open({ memory: true })
    database.createKeyspace(GIT_KEYSPACE)
    database.createTable(FILES_TABLE)
    database.createTable(COMMITS_TABLE)
    await expect(checkRestores(database, { restores: 1, seed: 1 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
    expect(database.restores()).toEqual([])
  })
})

const { path, present } = trace('toydb')
test.skipIf(!present)('restores of the trace toydb, kept 365d, are proved and undone', async () => {
  await expectRestores('lazy-leveled', readGitLogFile(path), { keep: '365d', restores: 10, seed: 1 })
})
