import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ReplayClock, formatExact, formatIso, open } from '../../src/index.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { cli, expectRefusal, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const times: HybridTime[] = []

beforeAll(() => {
  const clock = new ReplayClock({ micros: 1_767_225_600_000_000 })
  using db = open(join(cwd, 'db'), { clock, geometry: 'tiny' })
  db.createKeyspace('k')
  const table = db.createTable('k.t', { keep: '1h', values: 'text' })
  for (let i = 0; i < 20; i++) {
    clock.advance(600_000_000)
    times.push(table.put('key', `value ${i}`).time)
  }
})

const moment = (time: HybridTime) => ({ time: formatExact(time), at: formatIso(time) })
const readable = () => formatExact(times[15]!)

/** A copy of the database, for one test. */
function copyOf(name: string): string {
  cpSync(join(cwd, 'db'), join(cwd, name), { recursive: true })
  return name
}

async function json(...argv: string[]): Promise<unknown[]> {
  const { exitCode, stdout, stderr } = await cli([...argv, '--json'], { cwd })
  expect([exitCode, stderr]).toEqual([0, ''])
  return stdout
    .trimEnd()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown)
}

describe('hold', () => {
  test('in text names what it holds, its times, who wants it, and when it ends', async () => {
    const db = copyOf('text')
    const text = async (...argv: string[]) => (await cli(['hold', ...argv], { cwd })).stdout
    const [first, last] = [times[15]!, times[17]!].map((time) => `${formatIso(time)} (${formatExact(time)})`)
    const all = await text('add', db, 'all', '--at', readable(), '--owner', 'ada')
    const [heading, at, until] = all.split('\n')
    expect([heading, at]).toEqual(['holds all: everything, by ada', `  at ${first}`])
    expect(until).toMatch(/^ {2}since .*, until it is released$/)
    const week = ['--from', readable(), '--through', formatExact(times[17]!), '--table', 'k.t']
    await text('add', db, 'week', ...week, '--reason', 'tax', '--expires', '30d')
    const [, listed] = (await text('list', db)).split(/\n(?=week)/)
    expect(listed?.split('\n').slice(0, 3)).toEqual([
      'week: k.t, by user: tax',
      `  from ${first}`,
      `  through ${last}`,
    ])
    expect(listed).toMatch(/\n {2}since .*, until 2026-01-31T/)
  })

  test('add, list and release answer with the same hold, its times in both forms', async () => {
    const db = copyOf('round')
    const [from, through] = [times[15]!, times[17]!]
    const stretch = ['--from', formatExact(from), '--through', formatExact(through), '--table', 'k.t']
    const about = ['--owner', 'ada', '--reason', 'tax', '--expires', '30d']
    const [added] = await json('hold', 'add', db, 'audit', ...stretch, ...about)
    expect(added).toEqual({
      ...{ kind: 'hold', name: 'audit', owner: 'ada', reason: 'tax', on: 'k.t' },
      times: [{ from: moment(from), through: moment(through) }],
      since: { time: expect.any(String) as string, at: expect.any(String) as string },
      until: { time: expect.any(String) as string, at: expect.stringMatching(/^2026-01-3/) as string },
    })
    expect(await json('hold', 'list', db)).toEqual([added])
    const { stdout } = await cli(['get', db, 'k.t', 'key', '--as-of', 'audit'], { cwd })
    expect(stdout, 'its name is a time').toBe('value 17\n')
    expect(await json('hold', 'release', db, 'audit')).toEqual([{ released: true, ...(added as object) }])
    expect(await json('hold', 'list', db)).toEqual([])
  })

  test('is on everything, or the tables of a keyspace; a time or a duration ends it', async () => {
    const db = copyOf('scopes')
    await json('hold', 'add', db, 'all', '--at', readable())
    await json('hold', 'add', db, 'some', '--at', readable(), '--keyspace', 'k', '--expires', '2100-01-01')
    expect(await json('hold', 'list', db)).toMatchObject([
      { name: 'all', on: '*', owner: 'user', reason: '', until: null },
      { name: 'some', on: 'k', until: { at: '2100-01-01T00:00:00.000000Z' } },
    ])
  })

  test('list --usage says what each alone keeps, and all together', async () => {
    const db = copyOf('usage')
    using database = open(join(cwd, db), { clock: new ReplayClock({ micros: Number(times[19]! >> 12n) }) })
    for (const [name, i] of Object.entries({ one: 14, two: 15, same: 15 }))
      database.hold({ name, at: times[i]! })
    database.setRetention('1us', { table: 'k.t' })
    database.close()
    const kept = { versions: 1, bytes: 'keyvalue 14'.length }
    const nothing = { versions: 0, bytes: 0 }
    expect(await json('hold', 'list', db, '--usage')).toMatchObject([
      { name: 'one', alone: kept },
      { name: 'two', alone: nothing },
      { name: 'same', alone: nothing },
      { kind: 'together', versions: 2, bytes: 2 * kept.bytes },
    ])
    const { stdout } = await cli(['hold', 'list', db, '--usage'], { cwd })
    expect(stdout).toMatch(/^one: everything, by user\n {2}at 2026-.*\n.*\n {2}alone keeps 1 version, 11 B\n/)
    expect(stdout).toMatch(/together 2 versions, 22 B beyond the windows of tables\n$/)
  })

  test('as text says what is held, by whom and why, and until when', async () => {
    const db = copyOf('text')
    const { stdout } = await cli(['hold', 'add', db, 'h', '--at', readable(), '--reason', 'a\nb'], { cwd })
    const at = `${formatIso(times[15]!)} (${readable()})`
    expect(stdout.split('\n').slice(0, 2)).toEqual([
      `holds h: everything, by user: ${JSON.stringify('a\nb')}`,
      `  at ${at}`,
    ])
    expect(stdout).toMatch(/\n {2}since 2026-.* \(\d+\.\d{4}\), until it is released\n$/)
  })
})

describe('is refused, and nothing is changed:', () => {
  const now = () => formatExact(times[19]!)
  type Refused = readonly [what: string, flags: () => readonly string[], code: string, exitCode: 1 | 2]
  const cases: readonly Refused[] = [
    ['a time that is gone', () => ['--at', formatExact(times[2]!)], 'HISTORY_GONE', 1],
    ['a time to come', () => ['--at', '2100-01-01'], 'FUTURE_TIME', 1],
    [
      'a stretch of which a part is gone',
      () => ['--from', '2026-01-01', '--through', now()],
      'HISTORY_GONE',
      1,
    ],
    ['a reversed stretch', () => ['--from', now(), '--through', readable()], 'INVALID_ARGUMENT', 2],
    ['a stretch without a first time', () => ['--through', now()], 'INVALID_ARGUMENT', 2],
    ['no time', () => [], 'INVALID_ARGUMENT', 2],
    [
      'a time and a stretch',
      () => ['--at', now(), '--from', now(), '--through', now()],
      'INVALID_ARGUMENT',
      2,
    ],
    ['an expiry that has passed', () => ['--at', now(), '--expires', '2026-01-01'], 'INVALID_ARGUMENT', 2],
    ['an expiry that is none', () => ['--at', now(), '--expires', 'soon'], 'INVALID_TIME', 2],
    [
      'a table and a keyspace',
      () => ['--at', now(), '--table', 'k.t', '--keyspace', 'k'],
      'INVALID_ARGUMENT',
      2,
    ],
    ['an unknown table', () => ['--at', now(), '--table', 'k.nope'], 'UNKNOWN_TABLE', 1],
    ['an unknown keyspace', () => ['--at', now(), '--keyspace', 'nope'], 'UNKNOWN_KEYSPACE', 1],
  ]
  test.each(cases)('%s', async (_what, flags, code, exitCode) => {
    const db = copyOf('refusals')
    const before = await cli(['hold', 'list', db], { cwd })
    const says = code === 'HISTORY_GONE' ? { says: /nearest readable: .*after=\d+\.\d{4}/ } : {}
    await expectRefusal(['hold', 'add', db, 'h', ...flags()], { code, exitCode, ...says }, { cwd })
    expect(await cli(['hold', 'list', db], { cwd })).toEqual(before)
  })

  test('a duration that is too long, and says so', async () => {
    const refusal = { code: 'INVALID_TIME', exitCode: 2, says: /longer than all time there is/ } as const
    await expectRefusal(
      ['hold', 'add', copyOf('too-long'), 'h', '--at', now(), '--expires', '99999999d'],
      refusal,
      { cwd },
    )
  })

  test('a name that is taken, or is none', async () => {
    const db = copyOf('names')
    await json('hold', 'add', db, 'h', '--at', readable())
    const listed = await json('hold', 'list', db)
    const refused = (name: string, code: string, exitCode: 1 | 2) =>
      expectRefusal(['hold', 'add', db, name, '--at', now()], { code, exitCode }, { cwd })
    await refused('h', 'NAME_TAKEN', 1)
    await refused('restore-1', 'NAME_TAKEN', 1)
    await refused('now', 'INVALID_ARGUMENT', 2)
    await refused('no name', 'INVALID_ARGUMENT', 2)
    expect(await json('hold', 'list', db)).toEqual(listed)
  })

  test('the release of a hold that is unknown, was released or has expired', async () => {
    const db = copyOf('unknown')
    {
      const clock = new ReplayClock({ micros: Number(times[19]! >> 12n) })
      using database = open(join(cwd, db), { clock })
      database.hold({ name: 'short', at: times[19]!, expiresIn: 5 })
      database.hold({ name: 'gone', at: times[19]! })
      database.release('gone')
      clock.advance(5)
      database.table('k.t').put('key', 'later')
    }
    for (const name of ['nope', 'gone', 'short']) {
      await expectRefusal(['hold', 'release', db, name], { code: 'UNKNOWN_HOLD', exitCode: 1 }, { cwd })
      await expectRefusal(
        ['get', db, 'k.t', 'key', '--as-of', name],
        { code: 'INVALID_TIME', exitCode: 2 },
        { cwd },
      )
    }
    expect(await json('hold', 'list', db)).toEqual([])
  })

  test('a directory without a database', () =>
    expectRefusal(['hold', 'list', 'nowhere'], { code: 'NOT_A_DATABASE', exitCode: 1 }, { cwd }))
})
