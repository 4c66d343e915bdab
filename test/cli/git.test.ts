import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { open } from '../../src/index.ts'
import { generateHistory } from '../../src/lab/git/generator.ts'
import { writeGitLog } from '../../src/lab/git/gitlog.ts'
import { cli, expectRefusal, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const at = { cwd }
const COMMITS = 60
const log = [...writeGitLog(generateHistory({ seed: 7, commits: COMMITS, files: 20 }))].join('')

beforeAll(() => {
  writeFileSync(join(cwd, 'made.gitlog'), log)
})

/** A git repository with three commits. */
function makeRepository(name: string): void {
  const directory = join(cwd, name)
  mkdirSync(directory)
  const git = (...words: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', '-C', directory, ...words], {
      stdio: 'pipe',
    })
  git('init', '--quiet')
  for (const text of ['one', 'two', 'three']) {
    writeFileSync(join(directory, 'file.txt'), `${text}\n`)
    git('add', '.')
    git('commit', '--quiet', '--message', text)
  }
}

const importedWith = (source: string, name: string, ...flags: readonly string[]) =>
  cli(['git', 'import', source, name, '--json', ...flags], at)

async function verified(name: string): Promise<unknown> {
  return JSON.parse((await cli(['git', 'verify', name, '--json'], at)).stdout)
}

describe('git import', () => {
  test('of a log brings in every commit, and every commit is proved', async () => {
    const { exitCode, stdout, stderr } = await importedWith('made.gitlog', 'made', '--geometry', 'tiny')
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ commits: COMMITS, skipped: 0, directory: 'made' })
    const { stdout: line, exitCode: code } = await cli(['git', 'verify', 'made', '--json'], at)
    expect({ line, code }).toEqual({
      line: `{"commits":${COMMITS},"matched":${COMMITS},"mismatched":0,"unreadable":0}\n`,
      code: 0,
    })
    expect((await cli(['git', 'verify', 'made'], at)).stdout).toBe(
      `${COMMITS} commits: ${COMMITS} matched, 0 mismatched, 0 unreadable\n`,
    )
  })

  test.each(['tiered', 'lazy-leveled'] as const)(
    'by the policy %s proves every commit too',
    async (policy) => {
      await importedWith('made.gitlog', policy, '--geometry', 'tiny', '--policy', policy)
      expect(await verified(policy)).toMatchObject({ matched: COMMITS, mismatched: 0 })
      using db = open(join(cwd, policy), { readOnly: true })
      expect(db.policy.name).toBe(policy)
    },
  )

  test('again adds only what is new', async () => {
    const first = log.slice(0, log.lastIndexOf('\ncommit ') + 1)
    writeFileSync(join(cwd, 'growing.gitlog'), first)
    await importedWith('growing.gitlog', 'growing')
    appendFileSync(join(cwd, 'growing.gitlog'), log.slice(first.length))
    const { stdout } = await cli(['git', 'import', 'growing.gitlog', 'growing'], { ...at, stderrIsTty: true })
    expect(stdout).toMatch(new RegExp(`^imported 1 commit .*; ${COMMITS - 1} were there already\n$`))
    expect(JSON.parse((await importedWith('growing.gitlog', 'growing')).stdout)).toMatchObject({
      commits: 0,
      skipped: COMMITS,
    })
    expect(await verified('growing')).toMatchObject({ matched: COMMITS })
  })

  test('with --keep leaves what is older unreadable, before and after a compaction', async () => {
    await importedWith('made.gitlog', 'kept', '--keep', '1d', '--geometry', 'tiny')
    const before = (await verified('kept')) as { matched: number; unreadable: number }
    expect(before).toMatchObject({ commits: COMMITS, mismatched: 0 })
    expect(before.matched).toBeGreaterThan(0)
    expect(before.unreadable).toBeGreaterThan(0)
    expect(before.matched + before.unreadable).toBe(COMMITS)
    await cli(['compact', 'kept'], at)
    expect(await verified('kept')).toEqual(before)
  })

  test('of a repository can bring the contents too', async () => {
    makeRepository('repository')
    await importedWith('repository', 'with', '--contents')
    const { stdout } = await cli(['get', 'with', 'git.files', 'file.txt', '--json'], at)
    expect(JSON.parse(stdout)).toMatchObject({ value: { mode: '100644', text: 'three\n' } })
    expect(await verified('with')).toMatchObject({ commits: 3, matched: 3 })
    await importedWith('repository', 'without')
    const { stdout: plain } = await cli(['get', 'without', 'git.files', 'file.txt'], at)
    expect(Object.keys(JSON.parse(plain) as object)).toEqual(['mode', 'object'])
  })

  test('says that what was there already gets no contents, and that its sizes stay', async () => {
    makeRepository('settled')
    const importOf = (name: string, ...flags: readonly string[]) =>
      cli(['git', 'import', 'settled', name, ...flags], at)
    expect((await importOf('plain', '--geometry', 'tiny')).stderr).toBe('')
    const { exitCode, stderr } = await importOf('plain', '--contents', '--geometry', 'tiny')
    expect(exitCode).toBe(0)
    const [contents, geometry, ...more] = stderr.split('\n')
    expect(contents).toBe(
      'palimpsest: --contents stores those of new commits: what was there already has none',
    )
    expect(geometry).toBe(
      'palimpsest: --geometry is for a new database: plain keeps the sizes that it was made with',
    )
    expect(more).toEqual([''])
    const inJson = await importedWith('settled', 'plain', '--contents', '--geometry', 'tiny')
    expect(inJson.stderr).toBe('')
    expect(JSON.parse(inJson.stdout)).toMatchObject({
      remarks: [contents, geometry].map((line) => line!.replace('palimpsest: ', '')),
    })
    await importOf('full-of-contents', '--contents')
    expect((await importOf('full-of-contents', '--contents')).stderr).toBe('')
    expect(JSON.parse((await importedWith('settled', 'full-of-contents')).stdout)).toMatchObject({
      remarks: [],
    })
  })

  test('names a directory by a name that cannot draw on the terminal', async () => {
    const { stdout } = await cli(['git', 'import', 'made.gitlog', 'clear\u001b[2J'], at)
    expect(stdout).toContain(String.raw`into "clear\u001b[2J", `)
    expect(stdout).not.toContain('\u001b')
  })

  test('shows progress on a terminal only, and clears it away', async () => {
    const argv = ['git', 'import', 'made.gitlog', 'shown']
    const { stdout, stderr } = await cli(argv, { ...at, stderrIsTty: true })
    const clear = '\r\u001b[K'
    expect(stderr.split(clear)).toEqual([
      '',
      expect.stringMatching(/^reading \d+$/),
      ...stderr.split(clear).slice(2, -1),
      'next: palimpsest git verify shown\n',
    ])
    expect(stdout).not.toContain('\r')
    expect((await cli(argv, at)).stderr).toBe('')
    const dumb = await cli(argv, { ...at, stderrIsTty: true, env: { TERM: 'dumb' } })
    expect(dumb.stderr).toBe('next: palimpsest git verify shown\n')
  })
})

describe('git verify', () => {
  test('ends with 1 when a commit is not what git recorded, and names the first', async () => {
    const [, id, tree] = /^commit (\S+) (\S+)/m.exec(log.slice(log.indexOf('\ncommit ') + 1))!
    const wrong = 'f'.repeat(40)
    writeFileSync(join(cwd, 'wrong.gitlog'), log.replace(`commit ${id} ${tree}`, `commit ${id} ${wrong}`))
    await importedWith('wrong.gitlog', 'wrong')
    const inJson = await cli(['git', 'verify', 'wrong', '--json'], at)
    expect(inJson).toMatchObject({ exitCode: 1, stderr: '' })
    expect(JSON.parse(inJson.stdout)).toMatchObject({
      matched: COMMITS - 1,
      mismatched: 1,
      firstMismatch: { commit: id, expected: wrong, found: tree },
    })
    const inText = await cli(['git', 'verify', 'wrong'], at)
    expect(inText.exitCode).toBe(1)
    expect(inText.stdout).toContain(`first mismatch: commit ${id}: tree ${wrong} expected, ${tree} found`)
  })

  test('of a database that holds no git history is refused', async () => {
    open(join(cwd, 'other')).close()
    await expectRefusal(['git', 'verify', 'other'], { code: 'UNKNOWN_TABLE', exitCode: 1 }, at)
  })
})

describe('a bad source leaves nothing behind', () => {
  const lines = log.split('\n')
  /** The log with one line changed, deep inside. */
  const broken = (line: number, text: string) => lines.with(line - 1, text).join('\n')
  const DEEP = lines.length - 10

  const traces: readonly (readonly [what: string, text: string, line: number])[] = [
    ['cut short', log.slice(0, -20), lines.length - 1],
    ['without a commit', '', 1],
    ['that is something else', 'hello\n', 1],
    ['with a malformed line', broken(DEEP, ':100644 nonsense'), DEEP],
    ['with an abbreviated commit', broken(1, 'commit abc def 1'), 1],
  ]

  test.each(traces)('a log %s', async (what, text, line) => {
    const source = `${what.replaceAll(' ', '-')}.gitlog`
    writeFileSync(join(cwd, source), text)
    const refusal = { code: 'INVALID_TRACE', exitCode: 1, says: new RegExp(`line ${line}: `) } as const
    await expectRefusal(['git', 'import', source, 'bad'], refusal, at)
    expect(existsSync(join(cwd, 'bad'))).toBe(false)
  })

  test('none at all, or a directory without a repository', async () => {
    mkdirSync(join(cwd, 'bare'))
    writeFileSync(join(cwd, 'bare', '.git'), 'no')
    const missing = { code: 'IO_FAILED', exitCode: 1, says: /there is no file or directory nowhere/ } as const
    await expectRefusal(['git', 'import', 'nowhere', 'bad'], missing, at)
    await expectRefusal(['git', 'import', 'bare', 'bad'], { code: 'INVALID_ARGUMENT', exitCode: 2 }, at)
    expect(existsSync(join(cwd, 'bad'))).toBe(false)
  })

  test('one without the contents that were asked for', async () => {
    for (const source of ['made.gitlog', '-']) {
      const refusal = {
        code: 'INVALID_ARGUMENT',
        exitCode: 2,
        says: /--contents needs a repository/,
      } as const
      await expectRefusal(['git', 'import', source, 'bad', '--contents'], refusal, at)
    }
    expect(existsSync(join(cwd, 'bad'))).toBe(false)
  })

  test('nor does a target that is no database, or is open elsewhere, or keeps the time of the system', async () => {
    mkdirSync(join(cwd, 'full'))
    writeFileSync(join(cwd, 'full', 'letter.txt'), 'dear')
    const importInto = (name: string) => ['git', 'import', 'made.gitlog', name]
    await expectRefusal(
      importInto('full'),
      {
        code: 'NOT_A_DATABASE',
        exitCode: 1,
        says: /full: the directory holds no database, and is not empty: letter\.txt\n$/,
      },
      at,
    )
    mkdirSync(join(cwd, 'sources'))
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f']) writeFileSync(join(cwd, 'sources', name), '')
    await expectRefusal(
      ['stats', 'sources'],
      { code: 'NOT_A_DATABASE', exitCode: 1, says: /and is not empty: a, b, c, d, e …\n$/ },
      at,
    )
    expect(readdirSync(join(cwd, 'full'))).toEqual(['letter.txt'])
    await expectRefusal(
      importInto('made.gitlog'),
      { code: 'NOT_A_DATABASE', exitCode: 1, says: /: made\.gitlog: / },
      at,
    )
    expect(readFileSync(join(cwd, 'made.gitlog'), 'utf8')).toBe(log)
    using db = open(join(cwd, 'system'))
    await expectRefusal(importInto('system'), { code: 'DATABASE_LOCKED', exitCode: 1 }, at)
    db.close()
    for (const flags of [[], ['--policy', 'tiered']])
      await expectRefusal([...importInto('system'), ...flags], { code: 'INVALID_ARGUMENT', exitCode: 2 }, at)
    using reopened = open(join(cwd, 'system'))
    expect([reopened.tables, reopened.policy.name]).toEqual([[], 'leveled'])
  })
})
