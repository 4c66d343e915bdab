/** The examples of the help texts that name times: they work in a history that was just imported. */
import { execFileSync } from 'node:child_process'
import { beforeAll, describe, expect, test } from 'vitest'
import { cli, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const COMMANDS = ['', 'get', 'scan', 'history', 'diff', 'explain', 'hold', 'hold add', 'restore']

beforeAll(async () => {
  const commits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((day) => {
    const change = `M 644 inline README.md\ndata 1\n${day}\n`
    return `commit refs/heads/main\ncommitter a <a@b.c> ${1_700_000_000 + 86_400 * day} +0000\ndata 0\n${change}\n`
  })
  execFileSync('git', ['init', '--quiet', '--initial-branch=main', cwd])
  execFileSync('git', ['-C', cwd, 'fast-import', '--quiet'], { input: commits.join('') })
  const imported = await cli(['git', 'import', '.', 'history.palimpsest'], { cwd })
  expect(imported.exitCode).toBe(0)
})

describe.each(COMMANDS)('of palimpsest %s', (command) => {
  test('those with times that are relative work', async () => {
    const { stdout } = await cli([...command.split(' ').filter((word) => word !== ''), '--help'])
    const [, text = ''] = stdout.split('\nExamples:\n')
    const lines = text.split('\n').filter((line) => / --(?:as-of|from|to|at) /.test(line))
    for (const line of lines) {
      // A hold of the name is there by another example.
      await cli(['hold', 'release', 'history.palimpsest', 'audit'], { cwd })
      const words = line
        .trim()
        .match(/"[^"]*"|\S+/g)!
        .map((word) => word.replaceAll('"', ''))
      const { exitCode, stderr } = await cli(words.slice(1), { cwd })
      const isAbsent = exitCode === 1 && stderr.includes('has no "-key-with-a-dash"')
      expect(isAbsent || exitCode === 0, `${line}\n${stderr}`).toBe(true)
      expect(line).not.toMatch(/ \d{4}-\d\d-\d\d/)
    }
    if (!['history', 'hold'].includes(command)) expect(lines.length).toBeGreaterThan(0)
  })
})
