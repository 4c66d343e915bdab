/**
 * The command `script`: what it prints, what it ends with, what it writes.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, describe, expect, test } from 'vitest'
import { type Sink } from '../../src/cli/io.ts'
import { registerScript } from '../../src/cli/script.ts'
import { Session } from '../../src/cli/session.ts'
import { SCRIPT_CHAPTERS } from '../../src/testing/script/commands.ts'

const directory = mkdtempSync(join(tmpdir(), 'palimpsest-script-test-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

class CaughtSink implements Sink {
  text = ''
  readonly isTty = false
  readonly columns = 80

  write(text: string): void {
    this.text += text
  }

  drained(): Promise<void> {
    return Promise.resolve()
  }
}

/** Runs `script` with arguments; `code` is that of a refusal. */
async function script(args: readonly string[], isJson = false) {
  const [stdout, stderr] = [new CaughtSink(), new CaughtSink()]
  const session = new Session({ stdout, stderr, cwd: directory, env: {} }, isJson)
  const program = new Command('palimpsest').exitOverride()
  registerScript(program, session)
  let refused: unknown
  await program.parseAsync(['script', ...args], { from: 'user' }).catch((error: unknown) => (refused = error))
  return { stdout: stdout.text, stderr: stderr.text, exitCode: session.exitCode, refused }
}

const RIGHT = 'table t\nat 3: put a=1\n---\nok\n\nget a\n---\na=1\n'
/** The same, to read. */
const READABLE = '  > table t\n  > at 3: put a=1\n\n  > get a   a=1\n'
const WRONG = RIGHT.replace('---\na=1', '---\na=2')

function file(name: string, text: string): string {
  writeFileSync(join(directory, name), text)
  return name
}

describe('script', () => {
  test('prints a script as a text to read: prose, and commands with their answers', async () => {
    const text =
      '# A title.\n\n# Some prose\n# goes on.\n#\n#   a──b\ntable t\nput a=1 b="2 3"\nget a\nscan\n'
    const drawing = ['Some prose goes on.', '', '  a──b']
    const commands = [
      '  > table t',
      '  > put a=1 b="2 3"',
      '  > get a   a=1',
      '  > scan    a@0.0003=1 b@0.0003="2 3"',
    ]
    const stdout = ['A title.', '', ...drawing, '', ...commands, ''].join('\n')
    expect(await script([file('prose.txt', text)])).toEqual({ stdout, stderr: '', exitCode: 0 })
  })

  test('fills the lines of prose, and puts answers below their commands where there are several', async () => {
    const prose = `# ${'word '.repeat(40)}\n\ntable t\nput a=1 a2=2\nget a a2\n`
    const { stdout } = await script([file('wide.txt', prose)])
    const lines = stdout.split('\n')
    expect(lines.slice(0, 3).map((line) => line.length)).toEqual([79, 79, 39])
    expect(stdout).toContain('\n  > get a a2\n      a=1\n      a2=2\n')
  })

  test('with --source prints a script as it is when all answers are as expected', async () => {
    const name = file('right.txt', RIGHT)
    expect(await script([name, '--source'])).toEqual({ stdout: RIGHT, stderr: '', exitCode: 0 })
  })

  test('with --source fills in what is not there yet', async () => {
    const name = file('new.txt', 'table t\nget a\n')
    const stdout = 'table t\nget a\n---\nno a\n'
    expect(await script([name, '--source'])).toEqual({ stdout, stderr: '', exitCode: 0 })
  })

  test('says where an answer differs, and exits 1', async () => {
    const name = file('wrong.txt', WRONG)
    expect(await script([name])).toMatchObject({ stdout: READABLE, exitCode: 1 })
    expect(await script([name, '--source'])).toEqual({
      stdout: RIGHT,
      stderr: 'wrong.txt, line 8: "get a" (line 6) answers "a=1", but "a=2" is expected\n',
      exitCode: 1,
    })
  })

  test('prints several scripts under their names', async () => {
    const names = [file('right.txt', RIGHT), file('wrong.txt', WRONG)]
    expect(await script(names)).toMatchObject({
      stdout: `# right.txt\n\n${READABLE}\n# wrong.txt\n\n${READABLE}`,
      exitCode: 1,
    })
  })

  test('with --json prints an object for each script', async () => {
    const names = [file('right.txt', RIGHT), file('wrong.txt', WRONG)]
    const { stdout, stderr, exitCode } = await script(names, true)
    const [right, wrong] = stdout
      .trim()
      .split('\n')
      .map((line): unknown => JSON.parse(line))
    const steps = [
      { line: 1, command: 'table t', answers: [] },
      { line: 2, command: 'at 3: put a=1', answers: [] },
      { line: 6, command: 'get a', answers: ['a=1'] },
    ]
    expect(right).toEqual({ file: 'right.txt', blocks: 2, mismatches: [], steps })
    expect(wrong).toMatchObject({ file: 'wrong.txt', blocks: 2, mismatches: [{ line: 8, expected: 'a=2' }] })
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 1 })
  })

  test('with --update writes what differs and leaves the rest', async () => {
    const names = [file('right.txt', RIGHT), file('wrong.txt', WRONG)]
    expect(await script([...names, '--update'])).toEqual({
      stdout: 'right.txt: 2 blocks, unchanged\nwrong.txt: 2 blocks, updated\n',
      stderr: '',
      exitCode: 0,
    })
    expect(readFileSync(join(directory, 'wrong.txt'), 'utf8')).toBe(RIGHT)
  })

  test('refuses a malformed script by file and line, and then updates none', async () => {
    const names = [file('wrong.txt', WRONG), file('broken.txt', '\nput\n')]
    const { refused, stdout } = await script([...names, '--update'])
    expect(refused).toMatchObject({ code: 'INVALID_TRACE', details: { file: 'broken.txt', line: 2 } })
    expect(String(refused)).toMatch(/broken\.txt, line 2: a key with a value is missing/)
    expect(stdout).toBe('')
    expect(readFileSync(join(directory, 'wrong.txt'), 'utf8')).toBe(WRONG)
  })

  test('refuses what is no text, no file, or no argument', async () => {
    writeFileSync(join(directory, 'binary.txt'), new Uint8Array([0xff, 0xfe]))
    expect((await script(['binary.txt'])).refused).toMatchObject({ code: 'INVALID_TRACE' })
    expect((await script(['missing.txt'])).refused).toMatchObject({ code: 'IO_FAILED' })
    expect((await script([])).refused).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect((await script(['-', '--update'])).refused).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('with --commands lists the commands, by chapters', async () => {
    const { stdout, exitCode } = await script(['--commands'])
    expect(stdout).toMatch(/^Tables\n {2}table NAME .*\n {6}creates a table/)
    expect(stdout).toMatch(/\n\nStorage\n/)
    expect(stdout).toMatch(/^ {2}check\n {6}\w/m)
    expect(exitCode).toBe(0)
    const inJson = (await script(['--commands'], true)).stdout.trim().split('\n')
    expect(inJson.map((line) => JSON.parse(line) as object)).toEqual(
      SCRIPT_CHAPTERS.flatMap(({ title, commands }) =>
        commands.map(({ usage, about }) => ({ chapter: title, usage, about })),
      ),
    )
  })
})
