/**
 * The built program, as a process: what only a process has. Everything else is tested inside.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { generateHistory } from '../../src/lab/git/generator.ts'
import { writeGitLog } from '../../src/lab/git/gitlog.ts'
import { scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const program = join(import.meta.dirname, '../../bin/palimpsest.js')
const log = [...writeGitLog(generateHistory({ seed: 3, commits: 30, files: 900 }))].join('')

function palimpsest(argv: readonly string[], input = ''): ReturnType<typeof spawnSync> {
  return spawnSync(process.execPath, [program, ...argv], { cwd, input, encoding: 'utf8' })
}

test('a log on standard input is imported when it is whole, and leaves nothing when it is not', () => {
  const cut = palimpsest(['git', 'import', '-', 'piped', '--json'], log.slice(0, -30))
  expect(cut).toMatchObject({ status: 1, stdout: '' })
  expect(JSON.parse(String(cut.stderr))).toMatchObject({ error: { code: 'INVALID_TRACE' } })
  expect(existsSync(join(cwd, 'piped'))).toBe(false)
  const whole = palimpsest(['git', 'import', '-', 'piped', '--json'], log)
  expect(whole).toMatchObject({ status: 0, stderr: '' })
  expect(JSON.parse(String(whole.stdout))).toMatchObject({ commits: 30 })
})

test.skipIf(process.platform === 'win32')(
  'an import of standard input that is killed leaves nothing in the directory for temporary files',
  async () => {
    const tmp = join(cwd, 'tmp')
    mkdirSync(tmp)
    const long = [...writeGitLog(generateHistory({ seed: 3, commits: 2, files: 9000 }))].join('')
    const child = spawn(process.execPath, [program, 'git', 'import', '-', 'killed'], {
      cwd,
      env: { ...process.env, TMPDIR: tmp },
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    const ended = once(child, 'exit')
    // Far more than a pipe holds: once all is handed over, most of it was read.
    expect(long.length).toBeGreaterThan(400_000)
    await new Promise((resolve) => child.stdin.write(long, resolve))
    child.kill('SIGKILL')
    expect(await ended).toEqual([null, 'SIGKILL'])
    expect(readdirSync(tmp)).toEqual([])
  },
)

test('a reader that goes away, as head does, is no failure', () => {
  writeFileSync(join(cwd, 'head.gitlog'), log)
  expect(palimpsest(['git', 'import', 'head.gitlog', 'head']).status).toBe(0)
  const piped = (line: string) =>
    spawnSync('bash', ['-c', `"$0" "$1" ${line}; echo "\${PIPESTATUS[0]}"`, process.execPath, program], {
      cwd,
      encoding: 'utf8',
    })
  const scan = piped('scan head git.files --json | head -n 1')
  expect(scan.stderr).toBe('')
  const lines = scan.stdout.trim().split('\n')
  expect(lines.length).toBe(2)
  expect(JSON.parse(lines[0]!)).toHaveProperty('key')
  expect(lines[1]).toBe('0')
  // Gone before anything is written.
  expect(piped('stats head --json | true')).toMatchObject({ stdout: '0\n', stderr: '' })
})

test('a result that cannot be written is a failure', () => {
  if (!existsSync('/dev/full')) return
  const line = '"$0" "$1" --version > /dev/full'
  const { status, stderr } = spawnSync('bash', ['-c', line, process.execPath, program], {
    cwd,
    encoding: 'utf8',
  })
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: 'palimpsest: IO_FAILED: ENOSPC: no space left on device, write\n',
  })
})

test('the exit code of a refusal is that of the process, and there is no stack trace', () => {
  expect(palimpsest(['stats', 'none'])).toMatchObject({
    status: 1,
    stdout: '',
    stderr: 'palimpsest: NOT_A_DATABASE: none: there is no such directory\n',
  })
  expect(palimpsest(['stats'])).toMatchObject({ status: 2, stdout: '' })
})

test('the program is executable, and says what to do where it is not built', () => {
  expect(statSync(program).mode & 0o111).toBe(0o111)
  mkdirSync(join(cwd, 'clone/bin'), { recursive: true })
  writeFileSync(join(cwd, 'clone/package.json'), '{"type":"module"}')
  copyFileSync(program, join(cwd, 'clone/bin/palimpsest.js'))
  const { status, stderr } = spawnSync(process.execPath, [join(cwd, 'clone/bin/palimpsest.js')], {
    encoding: 'utf8',
  })
  expect(status).toBe(1)
  expect(stderr).toMatch(/^palimpsest: it is not built yet: run "npm ci" or "npm run build"/)
})
