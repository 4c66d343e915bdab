import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ReplayClock, formatExact, open } from '../../src/index.ts'
import { cli, expectRefusal, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const at = { cwd }
const usage = { code: 'INVALID_ARGUMENT', exitCode: 2 } as const
const MINUTE = 60_000_000
/** 2026-01-01T00:00:00Z */
const START = 1_767_225_600_000_000
/** When each write happened, as exact text. */
const times: string[] = []

beforeAll(async () => {
  const clock = new ReplayClock({ micros: START })
  using db = open(join(cwd, 'shop'), { clock })
  db.createKeyspace('shop')
  const orders = db.createTable<string, string>('shop.orders', { values: 'text', keep: '1h' })
  const write = (act: () => { time: bigint }) => {
    clock.advance(10 * MINUTE)
    times.push(formatExact(act().time as never))
  }
  write(() => orders.put('o-1', 'open'))
  write(() => orders.put('o-1', 'paid'))
  write(() => orders.put('o-2', 'open'))
  write(() => orders.delete('o-1'))
  clock.advance(MINUTE)
  await db.restore('shop', { to: times[2]! })
  db.flush()
})

const lines = async (argv: readonly string[]) => {
  const { stdout, exitCode } = await cli([...argv], at)
  return { exitCode, lines: stdout.trimEnd().split('\n') }
}
const rows = async (argv: readonly string[]) => {
  const { stdout } = await cli([...argv, '--json'], at)
  return stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe('history', () => {
  test('prints a line for each change: when, by what, the value', async () => {
    const found = await lines(['history', 'shop', 'shop.orders', 'o-1'])
    expect(found.exitCode).toBe(0)
    expect(found.lines.map((line) => line.replace(/^\S+ \(\S+\)\t/, ''))).toEqual([
      'commit\t= open',
      'commit\t= paid',
      'commit\tabsent',
      'restore\t= paid',
    ])
    expect(found.lines[0]).toContain(`2026-01-01T00:10:00.000000Z (${times[0]!})`)
  })

  test('in JSON has the time of the change and that of its version', async () => {
    const [last, deletion] = await rows([
      'history',
      'shop',
      'shop.orders',
      'o-1',
      '--reverse',
      '--limit',
      '2',
    ])
    expect(last).toMatchObject({
      key: 'o-1',
      cause: 'restore',
      found: true,
      value: 'paid',
      version: { time: times[1] },
    })
    expect(deletion).toMatchObject({ cause: 'commit', found: false, time: times[3] })
  })

  test('of a key that never was is nothing, with exit code 1', async () => {
    expect(await cli(['history', 'shop', 'shop.orders', 'none'], at)).toEqual({
      exitCode: 1,
      stdout: '',
      stderr: '',
    })
  })
})

describe('what a terminal is told', () => {
  const noteOf = async (...argv: readonly string[]) =>
    (await cli([...argv, '--to', times[2]!], { ...at, stderrIsTty: true })).stderr

  test('of a history is how many changes, and which ones where a limit may have left some out', async () => {
    const history = ['history', 'shop', 'shop.orders', 'o-1']
    expect(await noteOf(...history)).toMatch(/^2 changes up to 2026-/)
    expect(await noteOf(...history, '--limit', '3')).toMatch(/^2 changes up to 2026-/)
    expect(await noteOf(...history, '--limit', '1')).toMatch(/^the first 1 change up to 2026-/)
    expect(await noteOf(...history, '--limit', '1', '--reverse')).toMatch(/^the last 1 change up to 2026-/)
  })

  test('of a difference is how many keys changed, and which ones where a limit may have left some out', async () => {
    const diff = ['diff', 'shop', 'shop.orders', '--from', times[0]!]
    expect(await noteOf(...diff)).toMatch(/^2 keys changed from 2026-.* to 2026-/)
    expect(await noteOf(...diff, '--limit', '3')).toMatch(/^2 keys changed from /)
    expect(await noteOf(...diff, '--limit', '1')).toMatch(
      /^the first 1 key that changed from 2026-.* to 2026-/,
    )
    expect(await noteOf(...diff, '--limit', '2', '--reverse')).toMatch(/^the last 2 keys that changed from /)
  })
})

describe('diff', () => {
  test('prints what was added, removed and changed', async () => {
    const diff = (from: number, to: number) =>
      lines(['diff', 'shop', 'shop.orders', '--from', times[from]!, '--to', times[to]!])
    expect((await diff(0, 2)).lines).toEqual(['~ o-1\topen\tpaid', '+ o-2\topen'])
    expect((await diff(2, 3)).lines).toEqual(['- o-1\tpaid'])
    expect((await diff(3, 2)).lines).toEqual(['+ o-1\tpaid'])
  })

  test('up to now in JSON has both sides with the times at which they were written', async () => {
    const found = await rows(['diff', 'shop', 'shop.orders', '--from', times[3]!])
    expect(found).toMatchObject([{ key: 'o-1', before: null, after: { value: 'paid', time: times[1] } }])
  })

  test('needs the time before', async () => {
    await expectRefusal(['diff', 'shop', 'shop.orders'], { ...usage, says: /--from/ }, at)
  })
})

describe('explain', () => {
  test('tells of a read what it looked at, line by line', async () => {
    const found = await lines(['explain', 'shop', 'shop.orders', 'o-1', '--as-of', times[1]!])
    expect(found.lines[0]).toContain('read o-1 as of')
    expect(found.lines).toContain('memory: no version that is seen')
    expect(found.lines.at(-2)).toMatch(/^level 0: file \d+ searched, block 0 of 1: found$/)
    expect(found.lines.at(-1)).toMatch(/^answer: paid, written at 2026-/)
    const moment = String.raw`2026-\S+Z \(\d+\.\d{4}\)`
    expect(found.lines[2]).toMatch(new RegExp(`^a reader sees versions from ${moment} through ${moment}`))
  })

  test('of a read in JSON has the view, the steps and the answer', async () => {
    const [found] = await rows(['explain', 'shop', 'shop.orders', 'o-1'])
    expect(found).toMatchObject({
      found: true,
      value: 'paid',
      version: { time: times[1] },
      generation: { cause: 'restore' },
      steps: [{ place: 'memory' }, { place: 'file', level: 0, outcome: 'found', blocks: [{ block: 0 }] }],
    })
    expect(found!['view']).toHaveLength(2)
  })

  test('of a read that finds nothing has no version', async () => {
    const [found] = await rows(['explain', 'shop', 'shop.orders', 'never'])
    expect(found).toMatchObject({ found: false, version: null })
    const inText = await cli(['explain', 'shop', 'shop.orders', 'never'], at)
    expect(inText.stdout).toMatch(/\nanswer: absent/)
  })

  test('tells of a version why it is kept, in text and in JSON', async () => {
    const asked = ['explain', 'shop', 'shop.orders', 'o-1', '--version', times[0]!]
    const found = await lines(asked)
    expect(found.lines[0]).toMatch(/^o-1 at 2026-.*: open$/)
    expect(found.lines[1]).toMatch(/^lies in file \d+ of level 0, block 0$/)
    expect(found.lines.at(-1)).toMatch(/^can go from 2026-01-01T01:20:00.000000Z .*if nothing changes$/)
    const [row] = await rows(asked)
    expect(row).toMatchObject({
      verdict: 'kept',
      time: { time: times[0] },
      stored: { place: 'file', level: 0 },
      keepers: [{ until: 'time', promise: { kind: 'window' } }],
      canGoFrom: { at: '2026-01-01T01:20:00.000000Z' },
    })
  })

  test('of a version that a hold keeps has its reason on the line, harmless to a terminal', async () => {
    using db = open(join(cwd, 'held'), { clock: new ReplayClock({ micros: START }) })
    db.createKeyspace('k')
    const { time } = db.createTable<string, string>('k.t', { values: 'text' }).put('a', '1')
    db.hold({ name: 'plain', at: time, reason: 'kept until the audit' })
    db.hold({ name: 'odd', at: time, reason: 'two\nlines \u001b[31min red' })
    const found = await lines(['explain', 'held', 'k.t', 'a', '--version', formatExact(time)])
    const holds = found.lines.filter((line) => line.includes('the hold'))
    expect(holds.map((line) => /the hold (.*): at /.exec(line)?.[1])).toEqual([
      'plain (kept until the audit)',
      String.raw`odd ("two\nlines \u001b[31min red")`,
    ])
  })

  test('of a version in a window longer than times go ends no line in the middle', async () => {
    using db = open(join(cwd, 'long'), { clock: new ReplayClock({ micros: START }) })
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t', { values: 'text', keep: '40000d' })
    const { time } = table.put('a', '1')
    table.put('a', '2')
    const found = await lines(['explain', 'long', 'k.t', 'a', '--version', formatExact(time)])
    const line = found.lines.find((each) => each.startsWith('kept by the window'))
    expect(line).toMatch(/^kept by the window of 40000d, which begins at .*; for longer than times go$/)
  })

  test('of a version that is not there has exit code 1', async () => {
    const { exitCode, stdout } = await cli(
      ['explain', 'shop', 'shop.orders', 'o-2', '--version', times[0]!],
      at,
    )
    expect(exitCode).toBe(1)
    expect(stdout).toMatch(/^no version of o-2 at .* is there\n/)
  })

  test('is of a read or of a version, not of both', async () => {
    const both = ['--as-of', 'now', '--version', 'now']
    await expectRefusal(['explain', 'shop', 'shop.orders', 'o-1', ...both], usage, at)
  })
})
