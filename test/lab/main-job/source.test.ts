import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readRepository } from '../../../src/lab/git/repository.ts'
import { chooseHistory } from '../../../src/lab/main-job/source.ts'
import { makeRepository } from './repository.ts'

const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-test-'))
const repository = join(scratch, 'repository')
const plenty = { commitsMin: 20, rowsMax: 1_000_000, changesMax: 1_000_000 }
beforeAll(() => makeRepository(repository, 30))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

describe('the history of the main job', () => {
  test('is that of the repository', () => {
    const { source, commits } = chooseHistory(repository)
    expect(commits).toEqual([...readRepository(repository)])
    expect(source).toEqual({
      ...{ kind: 'repository', commits: 30, changes: 30 },
      because: 'the repository here has 30 commits, counted along first parents',
    })
  })

  test.each([
    ['rows', { ...plenty, rowsMax: 70 }],
    ['changes', { ...plenty, changesMax: 25 }],
  ])('is the beginning of it, where there are more %s than a job of a minute takes', (_what, limits) => {
    const { source, commits } = chooseHistory(repository, limits)
    expect(commits.length).toBeGreaterThanOrEqual(20)
    expect(commits.length).toBeLessThan(30)
    expect(commits).toEqual([...readRepository(repository)].slice(0, commits.length))
    expect(source.because).toBe(
      `the first ${commits.length} commits of the repository here, along first parents`,
    )
  })

  test.each([
    ['there is no repository', scratch, plenty, /^no history can be read here/],
    [
      'it has too few commits',
      repository,
      { ...plenty, commitsMin: 31 },
      /^the repository here has 30 commits/,
    ],
    [
      'even its beginning is too large',
      repository,
      { ...plenty, rowsMax: 10 },
      /^the trees here are too large/,
    ],
  ])('is generated where %s', (_what, directory, limits, because) => {
    const { source, commits } = chooseHistory(directory, limits)
    expect(source).toMatchObject({ kind: 'generated', commits: 600, because: expect.stringMatching(because) })
    expect(source.because).toMatch(/; a generated history \(seed 1\) is used instead$/)
    expect(commits).toHaveLength(600)
  })
})
