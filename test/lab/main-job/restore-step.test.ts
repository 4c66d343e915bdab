import { describe, expect, test } from 'vitest'
import { generateHistory } from '../../../src/lab/git/generator.ts'
import { chooseCommit } from '../../../src/lab/main-job/restore-step.ts'

describe('the commit to restore', () => {
  const made = [...generateHistory({ seed: 1, commits: 30, files: 5 })]
  const commits = made.map((commit, i) => ({
    ...commit,
    id: `${i < 2 ? 'abcdef' : 'fedcba'}${commit.id}`.slice(0, 40),
  }))

  test('is the one whose id begins as asked for', () => {
    const { id } = commits[7]!
    for (const length of [12, 20, 40]) {
      expect(chooseCommit(commits, { named: id.slice(0, length), seed: 1 })).toBe(commits[7])
      expect(chooseCommit(commits, { named: id.slice(0, length).toUpperCase(), seed: 1 })).toBe(commits[7])
    }
  })

  test('is chosen by the seed where none is asked for, any of them by some seed', () => {
    expect(chooseCommit(commits, { seed: 5 })).toBe(chooseCommit(commits, { seed: 5 }))
    const chosen = new Set(Array.from({ length: 300 }, (_, seed) => chooseCommit(commits, { seed }).id))
    expect(chosen.size).toBe(30)
  })

  test.each([
    ['of no commit', '0123456789', /names no commit/],
    ['of several commits', 'abcdef', /names several/],
    ['that is too short', 'abc', /4 to 40 digits/],
    ['that is no id', 'HEAD', /4 to 40 digits/],
    ['that is empty', '', /4 to 40 digits/],
  ])('by a name %s is refused', (_what, named, message) => {
    expect(() => chooseCommit(commits, { named, seed: 1 })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', message: expect.stringMatching(message) }),
    )
  })
})
