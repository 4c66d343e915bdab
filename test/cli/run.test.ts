import { readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { cli, expectRefusal, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const COMMANDS = [
  ['start'],
  ['git'],
  ['git', 'import'],
  ['git', 'verify'],
  ['git', 'restore-check'],
  ['get'],
  ['scan'],
  ['history'],
  ['diff'],
  ['explain'],
  ['stats'],
  ['check'],
  ['compact'],
  ['hold'],
  ['hold', 'add'],
  ['hold', 'list'],
  ['hold', 'release'],
  ['restore'],
  ['undo'],
  ['restores'],
  ['script'],
  ['help'],
]

describe('help', () => {
  test.each([[[]], ...COMMANDS.map((words) => [words])])(
    'of "palimpsest %j" has examples, goes to stdout and ends with 0',
    async (words) => {
      const { exitCode, stdout, stderr } = await cli([...words, '--help'])
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
      expect(stdout).toMatch(new RegExp(`^Usage: ${['palimpsest', ...words].join(' ')}`))
      expect(stdout).toMatch(/\nExamples:\n {2}palimpsest /)
      expect(stdout).toContain('--json')
    },
  )

  test('is what no command at all gets, as a mistake', async () => {
    for (const argv of [[], ['git']]) {
      const { exitCode, stdout, stderr } = await cli(argv)
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' })
      expect(stderr).toMatch(/^Usage: palimpsest/)
      expect(stderr).toContain('Examples:')
    }
  })

  test('is as wide as the terminal, and as wide as most where that does not say', async () => {
    const widest = async (columns: number | 'unknown') => {
      const { stdout } = await cli(['git', 'import', '--help'], { columns })
      const options = stdout.split('\n').filter((line) => line.startsWith('  -'))
      return Math.max(...options.map((line) => line.length))
    }
    expect(await widest('unknown')).toBe(await widest(80))
    expect(await widest('unknown')).toBeLessThanOrEqual(80)
    expect(await widest(200)).toBeGreaterThan(80)
    expect((await cli([], { columns: 'unknown' })).exitCode).toBe(2)
  })

  test.each([[[]], ...COMMANDS.map((words) => [words])])(
    'of "palimpsest %j" fits most terminals',
    async (words) => {
      const { stdout } = await cli([...words, '--help'], { columns: 80 })
      const [text = ''] = stdout.split('\nExamples:\n')
      expect(text.split('\n').filter((line) => line.length > 80)).toEqual([])
    },
  )

  test('is what the command help prints too, of the command that all of its words name', async () => {
    expect(await cli(['help'])).toEqual(await cli(['--help']))
    expect(await cli(['help', 'git'])).toEqual(await cli(['git', '--help']))
    const { exitCode, stdout, stderr } = await cli(['help', 'git', 'import'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(stdout).toMatch(/^Usage: palimpsest git import /)
    expect(stdout).toBe((await cli(['git', 'import', '--help'])).stdout)
    expect((await cli(['git', 'help', 'import'])).stdout).toBe(stdout)
  })

  test('of a command that is not there is refused by its name', async () => {
    const usage = { code: 'INVALID_ARGUMENT', exitCode: 2 } as const
    await expectRefusal(['help', 'nope'], { ...usage, says: /unknown command 'nope'/ })
    await expectRefusal(['help', 'git', 'improt'], { ...usage, says: /'improt' \(Did you mean import\?\)/ })
    await expectRefusal(['git', 'help', 'nope'], { ...usage, says: /unknown command 'nope'/ })
    await expectRefusal(['help', 'get', 'nope'], { ...usage, says: /palimpsest get has no commands/ })
  })

  test('is not mixed into JSON', async () => {
    const { exitCode, stderr } = await cli(['--json'])
    expect(exitCode).toBe(2)
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'INVALID_ARGUMENT' } })
  })

  test('says the version', async () => {
    expect(await cli(['--version'])).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
    })
  })
})

describe('wrong usage ends with 2, in one line', () => {
  const usage = { code: 'INVALID_ARGUMENT', exitCode: 2 } as const

  test('for a command that is misspelt, with what it may have been', async () => {
    await expectRefusal(['stat', 'x'], {
      ...usage,
      says: /unknown command 'stat' \(Did you mean (one of )?.*stats/,
    })
    await expectRefusal(['git', 'improt'], { ...usage, says: /Did you mean import\?/ })
  })

  test('for an unknown option', async () => {
    await expectRefusal(['stats', 'x', '--colour'], { ...usage, says: /unknown option '--colour'\n$/ })
    await expectRefusal(['get', 'x', 't', 'k', '--asof', 'now'], {
      ...usage,
      says: /Did you mean --as-of\?\)\n$/,
    })
  })

  test('for too few arguments and too many', async () => {
    await expectRefusal(['get', 'x', 't'], { ...usage, says: /missing required argument 'key'/ })
    await expectRefusal(['stats', 'x', 'y'], { ...usage, says: /too many arguments/ })
    await expectRefusal(['get', 'x', 't', 'k', '--as-of'], { ...usage, says: /argument missing/ })
  })

  test('for a value that an option cannot have', async () => {
    for (const limit of ['-1', 'ten', '1.5', '1e3', '99999999999999999999', '']) {
      await expectRefusal(['scan', 'x', 't', '--limit', limit], { ...usage, says: /not a whole number/ })
    }
    await expectRefusal(['git', 'import', 'x', 'y', '--geometry', 'huge'], {
      ...usage,
      says: /default, tiny/,
    })
    await expectRefusal(['git', 'import', 'x', 'y', '--keep', '365'], { ...usage, says: /365 has no unit/ })
    await expectRefusal(['git', 'import', 'x', 'y', '--keep', '-5d'], {
      ...usage,
      says: /neither forever nor/,
    })
  })

  test.each([
    ['stats', ''],
    ['compact', ''],
    ['restore', '', 'git', '--to', 'now'],
    ['git', 'import', '', 'made-of-nothing'],
    ['git', 'import', '.', ''],
    ['script', ''],
    ['start', '--keep-in', ''],
  ])('for a path that is empty, as that of a variable that is not set: %s %s', async (...argv) => {
    await expectRefusal(argv, { ...usage, says: /a path is empty/ }, { cwd })
    expect(readdirSync(cwd)).toEqual([])
  })

  test('with control characters of the command line escaped', async () => {
    await expectRefusal(['sta\u001b[2Jts'], { ...usage, says: /sta\\u001b\[2Jts/ })
  })
})

describe('a failure ends with 1', () => {
  test('that the operating system reports outside of the engine, in one line', async () => {
    const outputFailure = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      ...{ syscall: 'write', code: 'ENOSPC' },
    })
    const { exitCode, stderr } = await cli(['--version'], { outputFailure })
    expect(exitCode).toBe(1)
    expect(stderr).toBe('palimpsest: IO_FAILED: ENOSPC: no space left on device, write\n')
    const inJson = await cli(['--json', '--version'], { outputFailure })
    expect(JSON.parse(inJson.stderr)).toMatchObject({
      error: { code: 'IO_FAILED', details: { operation: 'write', errno: 'ENOSPC' } },
    })
  })

  test('with a stack trace only if it is a bug of this project', async () => {
    const { exitCode, stderr } = await cli(['--version'], { outputFailure: new TypeError('broken') })
    expect(exitCode).toBe(1)
    expect(stderr).toMatch(/^palimpsest: INTERNAL: broken\nTypeError: broken\n {4}at /)
    const odd = await cli(['--version'], { outputFailure: 'broken' })
    expect(odd.stderr).toMatch(/^palimpsest: INTERNAL: broken\nError: broken\n {4}at /)
  })
})

describe('a key that begins with -', () => {
  test('is taken for an option, and the refusal says what to do', async () => {
    await expectRefusal(['get', 'x', 't', '-k'], {
      code: 'INVALID_ARGUMENT',
      exitCode: 2,
      says: /a key that begins with - is written behind --/,
    })
  })
})
