/** A script on a terminal: as wide as that is, or as is good to read. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type Surroundings, cli, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const words = 'alpha beta gamma delta epsilon zeta eta theta iota kappa'
const prose = `# A title.\n\n# ${words} ${words} ${words}\n\ntable t\nput a="${words}"\nget a\n`
writeFileSync(join(cwd, 'wide.txt'), prose)

const linesAt = async (around: Surroundings) =>
  (await cli(['script', 'wide.txt'], { cwd, ...around })).stdout.trimEnd().split('\n')

test('a script is as wide as the terminal, as lines can be read, and as commands have room', async () => {
  const widest = (lines: readonly string[]) =>
    Math.max(...lines.filter((line) => !line.startsWith('  > ')).map((line) => line.length))
  const wide = await linesAt({ columns: 1000 })
  expect(widest(wide)).toBeLessThanOrEqual(92)
  expect(await linesAt({ columns: 'unknown' })).toEqual(wide)
  const narrow = await linesAt({ columns: 50 })
  expect(widest(narrow)).toBeLessThanOrEqual(50)
  expect(await linesAt({ columns: 5 })).toEqual(await linesAt({ columns: 40 }))
  const text = (lines: readonly string[]) => lines.join(' ').split(/\s+/)
  expect(text(narrow)).toEqual(text(wide))
})

test('an answer that is too wide stands below its command, its later lines set in', async () => {
  const lines = await linesAt({ columns: 50 })
  const get = lines.indexOf('  > get a')
  expect(lines[get + 1]).toMatch(/^ {6}a="alpha/)
  expect(lines[get + 2]).toMatch(/^ {8}\w/)
})

test('a title of several lines is bold in each of them', async () => {
  writeFileSync(join(cwd, 'title.txt'), `# ${words} ${words}\n#\n#   drawn\n`)
  const { stdout } = await cli(['script', 'title.txt'], { cwd, stdoutIsTty: true, columns: 50 })
  const lines = stdout.trimEnd().split('\n')
  expect(lines).toContain('')
  expect(lines.filter((line) => line !== '').every((line) => line.startsWith('\u001b[1m'))).toBe(true)
})

test('a file that was updated is named by a name that cannot draw on the terminal', async () => {
  writeFileSync(join(cwd, 'clear\u001b[2J.txt'), 'table t\n')
  const { stdout } = await cli(['script', '--update', 'clear\u001b[2J.txt'], { cwd })
  expect(stdout).toBe(String.raw`"clear\u001b[2J.txt": 1 block, updated` + '\n')
})

test('options that say different things are refused together', async () => {
  for (const options of [
    ['--commands', 'wide.txt'],
    ['--commands', '--source'],
    ['--source', '--update', 'wide.txt'],
  ]) {
    const { exitCode, stdout, stderr } = await cli(['script', ...options], { cwd })
    expect([exitCode, stdout]).toEqual([2, ''])
    expect(stderr).toContain('INVALID_ARGUMENT')
  }
  expect(readFileSync(join(cwd, 'wide.txt'), 'utf8')).toBe(prose)
})

test('as data, a script has its source, where it is asked for', async () => {
  const shown = async (...options: readonly string[]) => {
    const { stdout } = await cli(['script', 'wide.txt', '--json', ...options], { cwd })
    return JSON.parse(stdout) as { source?: string }
  }
  expect((await shown()).source).toBeUndefined()
  expect((await shown('--source')).source).toBe(`${prose}---\na="${words}"\n`)
})
