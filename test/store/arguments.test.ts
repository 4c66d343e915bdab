/** What callers without types can get wrong is refused in words, before anything happens. */
import { describe, expect, test } from 'vitest'
import { type Database, type Table, ReplayClock, open } from '../../src/index.ts'
import { refusal } from '../storage/samples.ts'

/** A value of a wrong type, as callers without types pass it. */
function wrong(value?: unknown): never {
  return value as never
}

function sample(): { readonly db: Database; readonly table: Table<string> } {
  const db = open({ memory: true }, { clock: new ReplayClock({ micros: 1_000_000 }) })
  db.createKeyspace('shop')
  const table = db.createTable('shop.orders')
  table.put('a', 1)
  return { db, table }
}

const NO_OPTIONS: readonly unknown[] = [null, 'a', 5, ['a']]

/** Calls that may be made without options, and calls that may not. */
const CALLS: Readonly<
  Record<'may' | 'must', readonly ((at: ReturnType<typeof sample>, it: never) => unknown)[]>
> = {
  may: [
    (_, it) => open({ memory: true }, it).close(),
    ({ table }, it) => table.get('a', it),
    ({ table }, it) => table.getMany(['a'], it),
    ({ table }, it) => [...table.scan(it), ...table.keys(it), ...table.values(it)],
    ({ table }, it) => [...table.history('a', it)],
    ({ table }, it) => table.explainRead('a', it),
    ({ table }, it) => table.put('a', 1, it),
    ({ table }, it) => table.delete('b', it),
    ({ table }, it) => table.batch([], it),
    ({ db }, it) => db.batch([], it),
    ({ db }, it) => db.createTable('shop.other', it),
    ({ db }, it) => db.setRetention('1h', it),
  ],
  must: [
    ({ table }, it) => table.diff(it),
    ({ db }, it) => db.diff('shop.orders', it),
    ({ db }, it) => db.hold(it),
    ({ db }, it) => db.planRestore('shop', it),
    ({ db }, it) => db.restoreSync('shop', it),
    (_, it) => new ReplayClock(it),
  ],
}

describe('options', () => {
  test.each(CALLS.may.map((call) => [String(call), call] as const))('may be left out: %s', (_, call) => {
    expect(() => call(sample(), wrong())).not.toThrow()
  })

  test.each(CALLS.must.map((call) => [String(call), call] as const))('are needed: %s', (_, call) => {
    expect(refusal(() => call(sample(), wrong()))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: 'options are an object, not undefined',
    })
  })

  test.each([...CALLS.may, ...CALLS.must].map((call) => [String(call), call] as const))(
    'are an object: %s',
    (_, call) => {
      const at = sample()
      const before = at.db.newest
      for (const options of NO_OPTIONS)
        expect(refusal(() => call(at, wrong(options)))?.code).toBe('INVALID_ARGUMENT')
      expect(at.db.newest).toBe(before)
      expect(at.db.tables).toEqual(['shop.orders'])
    },
  )

  test('of a restore that can be waited for are refused when it is waited for', async () => {
    await expect(sample().db.restore('shop', wrong())).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

test('a clock that lacks a method is refused by its name', () => {
  expect(refusal(() => open({ memory: true }, { clock: wrong({}) }))?.code).toBe('INVALID_ARGUMENT')
  const half = { now: () => 1, monotonic: () => 1, reserveThrough: () => 1 }
  expect(refusal(() => open({ memory: true }, { clock: wrong(half) }))?.message).toMatch(/lacks readings$/)
})

test('many keys are an array', () => {
  const { table } = sample()
  for (const keys of [undefined, null, 'abc', { length: 1 }])
    expect(refusal(() => table.getMany(wrong(keys)))).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^the keys to get are an array, not /) as unknown,
    })
  for (const keys of [Array(1), Object.assign(Array(2), ['a'])])
    expect(refusal(() => table.getMany(wrong(keys)))?.code).toBe('INVALID_KEY')
})

test.each<[string, (at: ReturnType<typeof sample>) => unknown, RegExp]>([
  [
    'a keyspace without a name',
    ({ db }) => db.createKeyspace(wrong()),
    /^not a name for a keyspace: undefined \(/,
  ],
  [
    'a keyspace of a number',
    ({ db }) => db.createKeyspace(wrong(5n)),
    /^not a name for a keyspace: a bigint \(/,
  ],
  ['a table without a name', ({ db }) => db.createTable(wrong()), /keyspace\.table, not undefined$/],
  ['a table of a number', ({ db }) => db.createTable(wrong(5n)), /keyspace\.table, not a bigint$/],
  [
    'a new name that is none',
    ({ db }) => {
      db.renameTable('shop.orders', wrong())
    },
    /^not a name for a table: undefined \(/,
  ],
  [
    'a hold without a name',
    ({ db }) => db.hold(wrong({ at: 'now' })),
    /^not a name for a hold: undefined \(/,
  ],
  [
    'a hold for a reason that is no text',
    ({ db }) => db.hold({ name: 'h', at: 'now', reason: wrong(5) }),
    /^the reason of a hold is a text, not a number$/,
  ],
  [
    'a hold of nobody',
    ({ db }) => db.hold({ name: 'h', at: 'now', owner: wrong(null) }),
    /^the owner of a hold is a text, not null$/,
  ],
])('%s is refused by what it lacks', (_, call, message) => {
  const at = sample()
  expect(refusal(() => call(at))).toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringMatching(message) as unknown,
  })
  expect([at.db.keyspaces, at.db.tables, at.db.holds()]).toEqual([['shop'], ['shop.orders'], []])
})

test('a table to put back may be named with its keyspace or without', () => {
  const { db, table } = sample()
  const to = db.newest
  for (const name of ['orders', 'shop.orders']) {
    table.put('a', 2)
    expect(db.restoreSync('shop', { to, table: name }).tables.map((it) => it.name)).toEqual(['shop.orders'])
    expect(table.get('a')).toBe(1)
  }
  expect(refusal(() => db.restoreSync('shop', { to, table: 'other.orders' }))?.code).toBe('UNKNOWN_TABLE')
  expect(refusal(() => db.restoreSync('shop', { to, table: wrong(5) }))?.code).toBe('INVALID_ARGUMENT')
})
