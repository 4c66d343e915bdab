import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ReplayClock, open } from '../../src/index.ts'
import { generateHistory } from '../../src/lab/git/generator.ts'
import { importHistory } from '../../src/lab/git/import.ts'
import { type ImportedCommit, importedCommits, treeIdAsOf } from '../../src/lab/git/verify.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { formatExact } from '../../src/time/hybrid-time.ts'
import { cli, scratchDirectory } from './harness.ts'

const directory = join(scratchDirectory(), 'h.palimpsest')
let commits: readonly ImportedCommit[] = []

beforeAll(() => {
  const history = generateHistory({ seed: 11, commits: 60, files: 25 })
  const { database } = importHistory(
    (clock: ReplayClock) => open(directory, { clock, geometry: 'tiny' }),
    history,
  )
  commits = importedCommits(database)
  database.close()
})

const json = async (...argv: string[]) => {
  const { exitCode, stdout, stderr } = await cli([...argv, '--json'])
  return {
    exitCode,
    answer: stdout === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>),
    stderr,
  }
}

/** The tree of the files as they are now. */
function treeNow(): string {
  const database = open(directory, { readOnly: true })
  try {
    return treeIdAsOf(database, database.newest)
  } finally {
    database.close()
  }
}

describe('restore and undo', () => {
  test('put the files back to commits chosen by a seed, proved by their tree ids, and undo each', async () => {
    const random = seededRandom(5)
    const last = commits.at(-1)!
    for (let i = 0; i < 6; i++) {
      const commit = commits[random.below(commits.length)]!
      const to = formatExact(commit.time)
      const { exitCode, answer } = await json('restore', directory, 'git', '--table', 'files', '--to', to)
      expect(exitCode).toBe(0)
      expect(answer).toMatchObject({
        keyspace: 'git',
        to,
        method: 'rewind',
        tables: [{ name: 'git.files', action: 'rewound' }],
      })
      expect(treeNow()).toBe(commit.tree)
      const undone = await json('undo', directory, String(answer!['id']))
      expect(undone.answer).toMatchObject({ cause: 'undo', undoes: answer!['id'] })
      expect(treeNow()).toBe(last.tree)
    }
    const verified = await json('git', 'verify', directory)
    expect(verified.answer).toMatchObject({ commits: 60, matched: 60, mismatched: 0, unreadable: 0 })
    const listed = await cli(['restores', directory])
    expect(listed.stdout.trim().split('\n')).toHaveLength(12)
    const moment = String.raw`\S+Z \(\d+\.\d{4}\)`
    expect(listed.stdout).toMatch(
      new RegExp(
        `^restore-\\d+ {2}${moment} {2}put git\\.files back to ${moment}; undone by restore-\\d+$`,
        'm',
      ),
    )
  })

  test('of a keyspace says in text what it would do, did, and what its undo hides', async () => {
    const place = join(directory, '../shop')
    const clock = new ReplayClock({ micros: 1_767_225_600_000_000 })
    const reopened = () => open(place, { clock })
    const db = reopened()
    db.createKeyspace('shop')
    const to = formatExact(db.createTable<string, string>('shop.t', { values: 'text' }).put('a', '1').time)
    db.close()
    const text = async (...argv: string[]) => (await cli(argv)).stdout
    expect(await text('restores', place)).toBe('nothing was restored\n')
    expect((await json('restores', place)).answer).toBeUndefined()
    expect(await text('restore', place, 'shop', '--to', to, '-n')).toMatch(
      /^would put back shop to .*: 1 table\n {2}shop\.t shows what it showed then\n$/,
    )
    expect(await text('restore', place, 'shop', '--to', to)).toMatch(/^put back shop to /)
    const { id } = JSON.parse(await text('restores', place, '--json')) as { id: string }
    expect(await text('restores', place)).toMatch(/ {2}put shop back to /)
    expect(await text('undo', place, id, '-n')).toMatch(/\n {2}nothing was written since\n$/)
    using later = reopened()
    for (let i = 0; i < 30; i++) later.table<string, string>('shop.t').put(`key ${i}`, 'x')
    later.close()
    expect(await text('undo', place, id, '-n')).toMatch(
      /\n {2}hides what was written since: 30 keys\n {4}shop\.t .*\n {4}and \d+ keys more\n$/s,
    )
  })

  test('a dry run says what would happen and does nothing', async () => {
    const before = treeNow()
    const { exitCode, stdout } = await cli([
      'restore',
      directory,
      'git',
      '--to',
      formatExact(commits[3]!.time),
      '--dry-run',
    ])
    expect(exitCode).toBe(0)
    expect(stdout).toMatch(/would put back git to .*2 tables\n {2}git\.files shows what it showed then/)
    expect(treeNow()).toBe(before)
  })

  test.each([
    ['a time in the future', ['restore', directory, 'git', '--to', '2100-01-01'], 'FUTURE_TIME', 1],
    ['a malformed time', ['restore', directory, 'git', '--to', 'whenever'], 'INVALID_TIME', 2],
    ['a keyspace that is not there', ['restore', directory, 'nope', '--to', 'now'], 'UNKNOWN_KEYSPACE', 1],
    ['a restore that is not there', ['undo', directory, 'restore-999'], 'UNKNOWN_RESTORE', 1],
    ['a restore that was undone', ['undo', directory, 'the first'], 'ALREADY_UNDONE', 1],
  ])('%s is refused with its code', async (_what, argv, code, exit) => {
    const database = open(directory, { readOnly: true })
    const first = database.restores()[0]!.id
    database.close()
    const { exitCode, stdout, stderr } = await cli(argv.map((word) => (word === 'the first' ? first : word)))
    expect([exitCode, stdout]).toEqual([exit, ''])
    expect(stderr).toMatch(new RegExp(`^palimpsest: ${code}: .*\n$`))
  })
})

describe('an undo that would hide later writes', () => {
  const place = join(scratchDirectory(), 'later.palimpsest')
  let id = ''

  beforeAll(async () => {
    const database = open(place)
    database.createKeyspace('k')
    const table = database.createTable<string, string>('k.t', { values: 'text' })
    const { time } = table.put('a', '1')
    table.put('a', '2')
    id = (await database.restore('k', { to: time })).id
    for (let i = 0; i < 25; i++) table.put(`key ${String(i).padStart(2, '0')}`, 'v')
    table.delete('a')
    database.close()
  })

  test('names them before it is done: the first ones, and how many', async () => {
    const { exitCode, stdout } = await cli(['undo', place, id, '--dry-run'])
    expect(exitCode).toBe(0)
    expect(stdout).toContain('hides what was written since: 26 keys')
    expect(stdout).toMatch(/k\.t a +deleted 20/)
    expect(stdout).toContain('and 6 keys more')
    const { answer } = await json('undo', place, id, '--dry-run')
    expect(answer).toMatchObject({ hides: { count: 26 } })
    const { first } = answer!['hides'] as { first: readonly Record<string, unknown>[] }
    expect(first[0]).toMatchObject({ table: 'k.t', key: 'a', isDelete: true })
    expect(first[0]!['time']).toMatch(/^\d+\.\d{4}$/)
  })

  test('hides exactly those', async () => {
    const database = open(place)
    const hidden = Array.from(database.hiddenByUndo(id), ({ key }) => key)
    const before = database.newest
    await database.undo(id)
    const changed = Array.from(database.table('k.t').diff({ from: before }), ({ key }) => key)
    expect(hidden).toEqual(changed)
    expect([...database.table('k.t').scan()].map(({ key, value }) => [key, value])).toEqual([['a', '2']])
    expect(() => database.hiddenByUndo(id)).toThrow(/undone already/)
    database.close()
  })
})
