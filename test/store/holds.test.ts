import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { openDatabase } from '../../src/database/database.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { MEMORY_HOLD_MICROS_MAX } from '../../src/store/memory-holds.ts'
import { formatExact, hybridTime, tickBefore } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

const START = 1_000_000

function opened(keep: string | number = 100) {
  const clock = new ReplayClock({ micros: START })
  const db = openDatabase({ files: new MemoryFiles(), clock, checksum: crc32 }, { geometry: 'miniature' })
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t', { keep, values: 'text' })
  return { db, clock, table }
}

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof PalimpsestError) return error.code
    throw error
  }
  return 'nothing'
}

describe('holds are listed', () => {
  test('with what they hold, since when, and until when at most', () => {
    const { db, clock, table } = opened()
    const { time } = table.put('a', '1')
    clock.set(START + 10)
    const placed = db.hold({
      name: 'h',
      table: 'k.t',
      at: time,
      owner: 'ada',
      reason: 'why not',
      expiresIn: 50,
    })
    const times = [{ after: tickBefore(time), through: time }]
    const about = {
      kind: 'hold',
      name: 'h',
      on: 'k.t',
      times,
      through: time,
      owner: 'ada',
      reason: 'why not',
    }
    expect(placed).toEqual({ ...about, since: hybridTime(START + 10), until: hybridTime(START + 60) })
    expect(db.holds()).toEqual([placed])
    clock.set(START + 59)
    expect(db.holds()).toEqual([placed])
    clock.set(START + 60)
    expect(db.holds()).toEqual([])
  })

  test('together with those of open cursors, for as long as these are open', () => {
    const { db, clock, table } = opened()
    const first = table.put('a', '1').time
    table.put('b', '1')
    clock.set(START + 20)
    db.hold({ name: 'h', at: first })
    const scan = table.scan({ asOf: first })
    expect(db.holds(), 'nothing is held before the first step').toHaveLength(1)
    scan.next()
    expect(db.holds()).toMatchObject([
      { kind: 'hold', name: 'h' },
      {
        ...{ kind: 'cursor', id: 1, on: 'k.t', times: [{ after: tickBefore(first), through: first }] },
        ...{ since: hybridTime(START + 20), until: hybridTime(START + 20 + MEMORY_HOLD_MICROS_MAX + 1) },
      },
    ])
    const diff = table.diff({ from: first })
    diff.next()
    expect(db.holds().map((hold) => (hold.kind === 'cursor' ? hold.id : hold.name))).toEqual(['h', 1, 2])
    expect(db.holds()[2]!.times, 'both sides of a diff').toHaveLength(2)
    scan.return!()
    diff.return!()
    const history = table.history('a')
    history.next()
    expect(db.holds()).toMatchObject([{ name: 'h' }, { kind: 'cursor', id: 3 }])
    expect([...history]).toEqual([])
    expect(db.holds()).toHaveLength(1)
  })

  test('a cursor that is open for too long is listed no longer, from the time on that was said', () => {
    const { db, clock, table } = opened()
    table.put('a', '1')
    table.put('b', '1')
    const scan = table.scan()
    scan.next()
    const { until } = db.holds()[0]!
    clock.set(Number(until! >> 12n) - 1)
    expect(db.holds()).toHaveLength(1)
    clock.advance(1)
    expect(db.holds()).toEqual([])
  })

  test('a version that an open cursor alone keeps can go from when that is too old', () => {
    const { db, clock, table } = opened()
    const { time } = table.put('a', '1')
    table.put('b', '1')
    const scan = table.scan({ asOf: time })
    clock.advance(1)
    table.put('a', '2')
    scan.next()
    clock.advance(1000)
    const { verdict, canGoFrom } = table.explainVersion('a', time)
    expect([verdict, canGoFrom]).toEqual(['kept', db.holds()[0]!.until])
    clock.set(Number(canGoFrom! >> 12n) - 1)
    expect(table.explainVersion('a', time).verdict).toBe('kept')
    clock.advance(1)
    expect(table.explainVersion('a', time).verdict).toBe('droppable')
  })

  test('a hold on what was dropped says so, not that it holds everything', () => {
    const { db, table } = opened()
    const { time } = table.put('a', '1')
    db.hold({ name: 'h', table: 'k.t', at: time })
    db.hold({ name: 'i', keyspace: 'k', at: time })
    db.dropTable('k.t')
    expect(db.holds().map(({ on }) => on)).toEqual([expect.stringMatching(/^dropped table \d+$/), 'k'])
    db.dropKeyspace('k')
    expect(db.holds()[1]!.on).toMatch(/^dropped keyspace \d+$/)
  })
})

test.each(['now', 'NOW', 'Now', 'minus', 'MINUS'])(
  'no hold is called %s, which means a time by itself',
  (name) => {
    const { db } = opened()
    expect(codeOf(() => db.hold({ name, at: 'now' }))).toBe('INVALID_ARGUMENT')
    expect(db.holds()).toEqual([])
  },
)

test('no hold has a name of restores, whether there is one of that name or not', () => {
  const { db } = opened()
  const message = expect.not.stringContaining('already') as string
  const refused = { code: 'NAME_TAKEN', message, details: { name: 'restore-9' } }
  expect(() => db.hold({ name: 'restore-9', at: 'now' })).toThrow(expect.objectContaining(refused))
  expect(db.holds()).toEqual([])
})

test('a hold through a time has a first one: it is refused without, and holds nothing', () => {
  const { db, table } = opened()
  const { time } = table.put('a', '1')
  const refused = { code: 'INVALID_ARGUMENT', message: expect.stringContaining('from is missing') as string }
  expect(() => db.hold({ name: 'h', through: time })).toThrow(expect.objectContaining(refused))
  expect(codeOf(() => db.hold({ name: 'h', from: time }))).toBe('INVALID_ARGUMENT')
  expect(codeOf(() => db.hold({ name: 'h', at: time, through: time }))).toBe('INVALID_ARGUMENT')
  expect(db.holds()).toEqual([])
})

describe('a hold can expire at a time', () => {
  test('which is the first microsecond at which it holds nothing', () => {
    const { db, clock } = opened()
    const until = hybridTime(START + 50)
    expect(db.hold({ name: 'h', at: 'now', expiresAt: formatExact(until) }).until).toBe(until)
    clock.set(START + 49)
    expect(db.holds()).toHaveLength(1)
    clock.advance(1)
    expect(db.holds()).toEqual([])
  })

  test.each([
    ['a time that has passed', { expiresAt: '-1us' }, 'INVALID_ARGUMENT'],
    ['the present', { expiresAt: 'now' }, 'INVALID_ARGUMENT'],
    ['a time and a duration', { expiresAt: '2100-01-01', expiresIn: '1h' }, 'INVALID_ARGUMENT'],
    ['no time at all', { expiresAt: 'whenever' }, 'INVALID_TIME'],
  ])('%s is refused, and nothing is held', (_what, expiry, code) => {
    const { db } = opened()
    expect(codeOf(() => db.hold({ name: 'h', at: 'now', ...expiry }))).toBe(code)
    expect(db.holds()).toEqual([])
  })
})

test('a hold that has run out before its commit is done is told as it was placed, and holds nothing', () => {
  const { db, clock } = opened()
  for (let i = 0; i < 100; i++) {
    const placed = db.hold({ name: `h${i}`, at: db.newest, expiresIn: 0 })
    expect(placed).toMatchObject({ name: `h${i}`, until: hybridTime(clock.now()) })
  }
  expect(db.holds()).toEqual([])
})

describe('what a hold alone keeps', () => {
  test('is nothing where another one keeps the same: both together keep it', () => {
    const { db, clock, table } = opened(10)
    const times = ['1', '22', '333'].map((value) => {
      clock.advance(5)
      return table.put('key', value).time
    })
    db.hold({ name: 'one', at: times[1]! })
    db.hold({ name: 'other', table: 'k.t', at: times[1]! })
    clock.advance(100)
    const usage = () => {
      const { holds, together } = db.holdUsage()
      return [...holds.map(({ alone }) => alone), together].map((kept) => ({ ...kept }))
    }
    const nothing = { versions: 0, bytes: 0 }
    const second = { versions: 1, bytes: 'key22'.length }
    expect(usage()).toEqual([nothing, nothing, second])
    db.release('one')
    expect(usage()).toEqual([second, second])
    db.compact()
    expect(usage()).toEqual([second, second])
    expect([...db.versions('k.t')]).toHaveLength(2)
  })

  test('counts tables that were dropped', () => {
    const { db, clock, table } = opened(10)
    const { time } = table.put('a', '1')
    db.hold({ name: 'h', at: time })
    clock.advance(5)
    db.dropTable('k.t')
    clock.advance(100)
    expect(db.holdUsage().together).toMatchObject({ versions: 1, bytes: 2 })
  })

  test('is nothing inside of the window', () => {
    const { db, table } = opened()
    db.hold({ name: 'h', at: table.put('a', '1').time })
    expect(db.holdUsage()).toMatchObject({ holds: [{ alone: { versions: 0 } }], together: { versions: 0 } })
  })
})
