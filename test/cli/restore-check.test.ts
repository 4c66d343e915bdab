import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { open } from '../../src/index.ts'
import { generateHistory } from '../../src/lab/git/generator.ts'
import { writeGitLog } from '../../src/lab/git/gitlog.ts'
import { cli, expectRefusal, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const log = [...writeGitLog(generateHistory({ seed: 7, commits: 20, files: 10 }))].join('')

beforeAll(async () => {
  writeFileSync(join(cwd, 'made.gitlog'), log)
  writeFileSync(join(cwd, 'wrong.gitlog'), log.replaceAll(/^(commit \S+) \S+/gm, `$1 ${'f'.repeat(40)}`))
  for (const name of ['made', 'wrong']) await cli(['git', 'import', `${name}.gitlog`, name], { cwd })
})

describe('git restore-check', () => {
  test('restores as often as asked for, to commits chosen by the seed, and undoes each', async () => {
    const argv = ['git', 'restore-check', 'made', '--restores', '6', '--seed', '3']
    const { stdout, ...rest } = await cli(argv, { cwd })
    expect(rest).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toBe(
      '6 restores to commits chosen by seed 3 of 20 that can be read, each undone: 6 proved, 0 failed\n',
    )
    expect(JSON.parse((await cli([...argv, '--json'], { cwd })).stdout)).toEqual({
      ...{ seed: 3, readable: 20, restores: 6, proved: 6, failed: 0 },
    })
    using database = open(join(cwd, 'made'), { readOnly: true })
    const restores = database.restores().filter(({ cause }) => cause === 'restore')
    expect(restores).toHaveLength(12)
    expect(restores.every(({ undoneBy }) => undoneBy !== undefined)).toBe(true)
    const times = restores.map(({ to }) => to)
    expect(times.slice(6)).toEqual(times.slice(0, 6))
    expect((await cli(['git', 'verify', 'made'], { cwd })).exitCode).toBe(0)
  })

  test('shows how far it is where there is a terminal', async () => {
    const { stderr } = await cli(['git', 'restore-check', 'made', '--restores', '2'], {
      cwd,
      stderrIsTty: true,
    })
    expect(stderr).toContain('restoring commits 0/2')
  })

  test('ends with 1 at a mismatch, and says what it found and how to do it again', async () => {
    const argv = ['git', 'restore-check', 'wrong', '--restores', '4', '--seed', '9']
    const { exitCode, stdout } = await cli(argv, { cwd })
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/: 0 proved, 4 failed\nfirst failure: restore-\d+, to commit [0-9a-f]{40}\n/)
    expect(stdout).toMatch(/^ {2}restored: tree [0-9a-f]{40}, expected f{40}$/m)
    expect(stdout).toMatch(/^replay: palimpsest git restore-check wrong --restores 4 --seed 9$/m)
    const inJson = await cli([...argv, '--json'], { cwd })
    expect(inJson.exitCode).toBe(1)
    expect(JSON.parse(inJson.stdout)).toMatchObject({ failed: 4, firstFailure: { isProved: false } })
  })

  test('refuses what is no git history, and numbers that are none', async () => {
    open(join(cwd, 'other')).close()
    await expectRefusal(['git', 'restore-check', 'other'], { code: 'UNKNOWN_TABLE', exitCode: 1 }, { cwd })
    for (const flags of [
      ['--seed', 'x'],
      ['--restores', '-1'],
      ['--restores', '0'],
    ]) {
      const argv = ['git', 'restore-check', 'made', ...flags]
      await expectRefusal(argv, { code: 'INVALID_ARGUMENT', exitCode: 2 }, { cwd })
    }
  })
})
