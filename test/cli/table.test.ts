import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { ReplayClock, formatExact, open } from '../../src/index.ts'
import { cli, expectRefusal, scratchDirectory } from './harness.ts'

const cwd = scratchDirectory()
const MINUTE = 60_000_000
/** 2026-01-01T00:00:00Z */
const START = 1_767_225_600_000_000
/** When each round of writes happened, as exact text. */
const times: string[] = []

beforeAll(() => {
  const clock = new ReplayClock({ micros: START })
  using db = open(join(cwd, 'shop'), { clock })
  db.createKeyspace('shop')
  const orders = db.createTable('shop.orders')
  const names = db.createTable<string, string>('shop.names', { values: 'text' })
  const blobs = db.createTable<Uint8Array, Uint8Array>('shop.blobs', { keys: 'bytes', values: 'bytes' })
  const short = db.createTable('shop.short', { keep: '10m' })
  for (let round = 0; round < 4; round++) {
    clock.advance(10 * MINUTE)
    const { time } = orders.put('o-1', { round, raw: new Uint8Array([round]), big: 2n ** 60n })
    times.push(formatExact(time))
  }
  clock.advance(10 * MINUTE)
  orders.put('-x', { dash: true })
  orders.put('--json', { dash: 2 })
  for (const key of ['a', 'b', 'c', 'pre/1', 'pre/2']) orders.put(key, { key })
  names.put('ada', 'Ada\nLovelace\u001b[31m')
  names.put('tab\tkey', 'plain')
  blobs.put(new Uint8Array([255, 0]), new Uint8Array([1, 2]))
  short.put('k', 1)
})

const at = { cwd }
const json = async (argv: readonly string[]) => {
  const { stdout } = await cli([...argv, '--json'], at)
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('get', () => {
  test('prints the value, as JSON with everything that JSON does not have as text', async () => {
    const { exitCode, stdout, stderr } = await cli(['get', 'shop', 'shop.orders', 'o-1'], at)
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({ round: 3, raw: { base64: 'Aw==' }, big: '1152921504606846976' })
  })

  test.each([0, 1, 2, 3])('as of the time of round %i answers that round', async (round) => {
    const answer = await json(['get', 'shop', 'shop.orders', 'o-1', '--as-of', times[round]!])
    expect(answer).toMatchObject({
      key: 'o-1',
      found: true,
      value: { round },
      time: times[round],
      asOf: { time: times[round] },
    })
  })

  test('takes a time that begins with -, joined by = or apart', async () => {
    for (const flags of [['--as-of', '-15m'], ['--as-of=-15m'], ['--as-of', 'minus 15m']]) {
      expect(await json(['get', 'shop', 'shop.orders', 'o-1', ...flags])).toMatchObject({
        value: { round: 2 },
        asOf: { at: '2026-01-01T00:35:00.000000Z' },
      })
    }
  })

  test('says the time as of which it read in both forms, and a paste of the exact one gives the same', async () => {
    const first = await json(['get', 'shop', 'shop.orders', 'o-1', '--as-of', '2026-01-01T00:25'])
    expect(first['asOf']).toEqual({
      time: '1767227100000000.4095',
      at: '2026-01-01T00:25:00.000000Z',
    })
    expect(await json(['get', 'shop', 'shop.orders', 'o-1', '--as-of', '1767227100000000.4095'])).toEqual(
      first,
    )
  })

  test('says the time on stderr only where that is a terminal', async () => {
    const { stdout, stderr } = await cli(['get', 'shop', 'shop.orders', 'o-1'], { ...at, stderrIsTty: true })
    expect(stderr).toMatch(/^as of 2026-01-01T00:50:00.000000Z \(\S+\), written 2026-01-01T00:40:00.000000Z/)
    expect(JSON.parse(stdout)).toMatchObject({ round: 3 })
  })

  test('of an absent key ends with 1 and says so', async () => {
    const { exitCode, stdout, stderr } = await cli(['get', 'shop', 'shop.orders', 'none'], at)
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' })
    expect(stderr).toMatch(
      /^palimpsest: shop.orders has no "none" as of 2026-01-01T00:50:00.000000Z \(.*\)\n$/,
    )
    const inJson = await cli(['get', 'shop', 'shop.orders', 'none', '--json'], at)
    expect(inJson).toMatchObject({ exitCode: 1, stderr: '' })
    expect(JSON.parse(inJson.stdout)).toMatchObject({ key: 'none', found: false })
  })

  test('takes keys that begin with - behind --', async () => {
    expect((await cli(['get', 'shop', 'shop.orders', '--', '-x'], at)).stdout).toBe('{"dash":true}\n')
    expect((await cli(['get', 'shop', 'shop.orders', '--as-of', '-5m', '--', '-x'], at)).exitCode).toBe(1)
    expect((await cli(['get', 'shop', 'shop.orders', '--', '--json'], at)).stdout).toBe('{"dash":2}\n')
  })

  test('takes --json before and behind the command', async () => {
    const behind = await cli(['get', 'shop', 'shop.orders', 'a', '--json'], at)
    expect(await cli(['--json', 'get', 'shop', 'shop.orders', 'a'], at)).toEqual(behind)
    expect(JSON.parse(behind.stdout)).toMatchObject({ value: { key: 'a' } })
  })

  test('prints text as it is into a pipe, and harmless on a terminal', async () => {
    const argv = ['get', 'shop', 'shop.names', 'ada']
    expect((await cli(argv, at)).stdout).toBe('Ada\nLovelace\u001b[31m\n')
    expect((await cli(argv, { ...at, stdoutIsTty: true })).stdout).toBe('Ada\nLovelace\\u001b[31m\n')
  })

  test('takes and prints bytes in base64', async () => {
    const argv = ['get', 'shop', 'shop.blobs', '/wA=', '--base64']
    expect((await cli(argv, at)).stdout).toBe('{"base64":"AQI="}\n')
    expect(await json(argv)).toMatchObject({ key: { base64: '/wA=' }, value: { base64: 'AQI=' } })
  })
})

describe('scan', () => {
  const keys = async (...flags: readonly string[]) => {
    const { stdout } = await cli(['scan', 'shop', 'shop.orders', ...flags], at)
    return stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t')[0])
  }

  test('prints keys in order, each with its value', async () => {
    expect(await keys()).toEqual(['--json', '-x', 'a', 'b', 'c', 'o-1', 'pre/1', 'pre/2'])
    const { stdout } = await cli(['scan', 'shop', 'shop.orders', '--gte', 'a', '--lt', 'b'], at)
    expect(stdout).toBe('a\t{"key":"a"}\n')
  })

  test('takes every bound, also one that begins with -', async () => {
    expect(await keys('--gt', 'a', '--lte', 'c')).toEqual(['b', 'c'])
    expect(await keys('--gte', 'a', '--lt', 'c')).toEqual(['a', 'b'])
    expect(await keys('--prefix', 'pre/')).toEqual(['pre/1', 'pre/2'])
    expect(await keys('--prefix', '-')).toEqual(['--json', '-x'])
    expect(await keys('--gt', '--json', '--lte=-x')).toEqual(['-x'])
    expect(await keys('--reverse', '--limit', '2')).toEqual(['pre/2', 'pre/1'])
    expect(await keys('--limit', '0')).toEqual([])
    expect(await keys('--as-of', times[1]!)).toEqual(['o-1'])
  })

  test('tells a terminal how many keys, and which ones where a limit may have left some out', async () => {
    const scan = ['scan', 'shop', 'shop.orders', '--prefix', 'pre/']
    const noteOf = async (...flags: readonly string[]) =>
      (await cli([...scan, ...flags], { ...at, stderrIsTty: true })).stderr
    expect(await noteOf()).toMatch(/^2 keys as of 2026-/)
    expect(await noteOf('--limit', '3')).toMatch(/^2 keys as of /)
    expect(await noteOf('--limit', '1')).toMatch(/^the first 1 key as of /)
    expect(await noteOf('--limit', '2', '--reverse')).toMatch(/^the last 2 keys as of /)
  })

  test('as JSON is a line for each key, with its times', async () => {
    const { stdout } = await cli(['scan', 'shop', 'shop.orders', '--prefix', 'o', '--json'], at)
    expect(stdout.split('\n').length).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject({
      key: 'o-1',
      value: { round: 3 },
      time: times[3],
      at: '2026-01-01T00:40:00.000000Z',
      asOf: { at: '2026-01-01T00:50:00.000000Z' },
    })
  })

  test('keeps every row on its line', async () => {
    expect((await cli(['scan', 'shop', 'shop.names'], at)).stdout).toBe(
      String.raw`ada	"Ada\nLovelace\u001b[31m"` + '\n' + String.raw`"tab\tkey"	plain` + '\n',
    )
  })

  test('ends without a word when nobody reads any longer', async () => {
    using db = open(join(cwd, 'many'), { clock: new ReplayClock({ micros: START }) })
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t', { values: 'text' })
    table.batch(
      Array.from({ length: 400 }, (_, i) => ({ type: 'put', key: `${i}`, value: 'x'.repeat(1000) })),
    )
    db.flush()
    const whole = await cli(['scan', 'many', 'k.t'], at)
    const cut = await cli(['scan', 'many', 'k.t'], { ...at, readsWrites: 1 })
    expect(cut).toMatchObject({ exitCode: 0, stderr: '' })
    expect(cut.stdout.length).toBeLessThan(whole.stdout.length / 2)
    expect(whole.stdout.split('\n').length).toBe(401)
  })
})

describe('refusals', () => {
  const get = (...words: readonly string[]) => ['get', 'shop', ...words]

  test('of an unknown table name the tables there are', async () => {
    await expectRefusal(
      get('shop.nope', 'k'),
      { code: 'UNKNOWN_TABLE', exitCode: 1, says: /shop.orders/ },
      at,
    )
    await expectRefusal(
      get('shop.orders', 'k', '--as-of', '2025-12-31T12:00'),
      { code: 'UNKNOWN_TABLE', exitCode: 1, says: /as of 2025-12-31T12:00:00/ },
      at,
    )
  })

  test('of a time', async () => {
    const refused = (time: string, code: string, exitCode: 1 | 2) =>
      expectRefusal(get('shop.orders', 'o-1', '--as-of', time), { code, exitCode }, at)
    for (const time of ['yesterday', '2026-02-30', '12', '', '-5x', '2026-01-01T00:00:00.1234567Z']) {
      await refused(time, 'INVALID_TIME', 2)
    }
    await refused('2100-01-01', 'FUTURE_TIME', 1)
    await refused('2026-01-01T00:50:00.000001Z', 'FUTURE_TIME', 1)
    const gone = { code: 'HISTORY_GONE', exitCode: 1, says: /2026-01-01T00:40:00/ } as const
    await expectRefusal(get('shop.short', 'k', '--as-of', '2026-01-01T00:39'), gone, at)
    await expectRefusal(['scan', 'shop', 'shop.short', '--as-of', '2026-01-01T00:39'], gone, at)
  })

  test('of a key', async () => {
    const code = 'INVALID_KEY'
    const isBytes = { code, exitCode: 2, says: /are bytes .*; give it in base64, with --base64$/m } as const
    await expectRefusal(get('shop.blobs', 'text'), isBytes, at)
    const isText = { code, exitCode: 2, says: /are a string; .*; leave out --base64$/m } as const
    await expectRefusal(get('shop.orders', 'AAAA', '--base64'), isText, at)
    await expectRefusal(get('shop.blobs', 'AA=A', '--base64'), { code: 'INVALID_KEY', exitCode: 2 }, at)
    await expectRefusal(
      ['scan', 'shop', 'shop.blobs', '--gte', 'x'],
      { code: 'INVALID_KEY', exitCode: 2 },
      at,
    )
    await expectRefusal(get('shop.orders', 'x'.repeat(65_536)), { code: 'TOO_LARGE', exitCode: 1 }, at)
  })

  test('of a directory that is no database, or is not there, which stay as they are', async () => {
    const before = readdirSync(cwd)
    for (const command of [
      ['get', 'none', 't', 'k'],
      ['scan', 'none', 't'],
      ['stats', 'none'],
      ['check', 'none'],
    ]) {
      await expectRefusal(
        command,
        { code: 'NOT_A_DATABASE', exitCode: 1, says: /: none: there is no such/ },
        at,
      )
    }
    await expectRefusal(
      ['get', '.', 't', 'k'],
      { code: 'NOT_A_DATABASE', exitCode: 1, says: /: \.: the directory/ },
      at,
    )
    await expectRefusal(['compact', 'none'], { code: 'NOT_A_DATABASE', exitCode: 1 }, at)
    expect(readdirSync(cwd)).toEqual(before)
  })

  test('do not happen while another has the database open for writing, since readers take no lock', async () => {
    using writer = open(join(cwd, 'shop'))
    expect(writer.isReadOnly).toBe(false)
    expect((await cli(get('shop.orders', 'a'), at)).stdout).toBe('{"key":"a"}\n')
  })
})
