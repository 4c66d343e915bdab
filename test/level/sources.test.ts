/** Where a level finds its table, and what it makes, opens and closes. */
import { existsSync } from 'node:fs'
import { afterAll, describe, expect, test } from 'vitest'
import { type Database, type OpenOptions, open } from '../../src/index.ts'
import { type LevelOptions, PalimpsestLevel } from '../../src/level.ts'
import { codesOf } from './levels.ts'
import { newPlaces } from './places.ts'

const places = newPlaces()
afterAll(() => {
  places.remove()
})

function memory(): Database {
  return open({ memory: true })
}

describe('a directory', () => {
  test('is opened with the level, and closed with it', async () => {
    const place = places.next()
    const level = new PalimpsestLevel(place, { keep: '7d' })
    await level.put('a', '1')
    expect(level.table?.name).toBe('level.data')
    expect(await codesOf(() => open(place))).toEqual(['DATABASE_LOCKED'])
    await level.close()
    expect(level.table).toBeUndefined()
    const database = open(place)
    expect(database.table<Uint8Array, Uint8Array>('level.data').get(new Uint8Array([97]))).toEqual(
      new Uint8Array([49]),
    )
    expect(database.stats().tables[0]).toMatchObject({ name: 'level.data' })
    database.close()
    await level.open()
    expect(await level.get('a')).toBe('1')
    await level.close()
  })

  test('may have several levels, one at a time', async () => {
    const place = places.next()
    for (const table of ['one.a', 'one.b', 'two.a']) {
      await using level = new PalimpsestLevel(place, { table })
      await level.put('here', table)
    }
    for (const table of ['one.a', 'one.b', 'two.a']) {
      await using level = new PalimpsestLevel(place, { table })
      expect(await level.get('here')).toBe(table)
    }
  })

  test('that is open elsewhere is refused', async () => {
    const place = places.next()
    const database = open(place)
    const level = new PalimpsestLevel(place)
    expect(await codesOf(() => level.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'DATABASE_LOCKED'])
    database.close()
    await level.open()
    await level.close()
  })

  test('is only read, if asked', async () => {
    const place = places.next()
    const missing = new PalimpsestLevel(place, { readOnly: true })
    expect(await codesOf(() => missing.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'NOT_A_DATABASE'])
    const writer = new PalimpsestLevel(place)
    await writer.put('a', '1')
    await writer.close()
    const reader = new PalimpsestLevel(place, { readOnly: true })
    expect(await reader.get('a')).toBe('1')
    expect(await codesOf(() => reader.put('a', '2'))).toEqual(['READ_ONLY'])
    await reader.close()
    const other = new PalimpsestLevel(place, { readOnly: true, table: 'level.other' })
    expect(await codesOf(() => other.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'UNKNOWN_TABLE'])
  })

  test('is not made, if the database is not to be, and nothing of it', async () => {
    const place = places.next()
    const missing = new PalimpsestLevel(place, { create: false })
    expect(await codesOf(() => missing.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'NOT_A_DATABASE'])
    expect(existsSync(place)).toBe(false)
    open(place).close()
    await using level = new PalimpsestLevel(place, { create: false })
    await level.put('a', '1')
    expect(level.table?.name).toBe('level.data')
  })

  test.each([
    [{ table: 'bad' }, 'INVALID_ARGUMENT'],
    [{ table: 'level.9x' }, 'INVALID_ARGUMENT'],
    [{ table: '9x.data' }, 'INVALID_ARGUMENT'],
    [{ keep: 'nonsense' }, 'INVALID_TIME'],
  ])('is not made for a table that cannot be: %j', async (options, code) => {
    const place = places.next()
    const level = new PalimpsestLevel(place, options)
    expect(await codesOf(() => level.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', code])
    expect(existsSync(place)).toBe(false)
  })

  test('is opened with options of Level beside its own', async () => {
    const options = {
      ...{ keyEncoding: 'view', valueEncoding: 'json', compression: true },
      background: 'inline',
    } as const
    for (const place of [places.next(), { memory: true } as const]) {
      await using level = new PalimpsestLevel<Uint8Array, unknown>(place, { ...options, errorIfExists: true })
      await level.put(new Uint8Array([97]), { n: 1 })
      expect(await level.get(new Uint8Array([97]))).toEqual({ n: 1 })
    }
  })

  test('runs nothing in a worker without a directory, as a database does not', async () => {
    const code = 'INVALID_ARGUMENT'
    for (const background of ['worker', 'elsewhere' as 'worker'] as const) {
      const place = { memory: true } as const
      expect(await codesOf(() => open(place, { background }))).toEqual([code])
      const level = new PalimpsestLevel(place, { background })
      expect(await codesOf(() => level.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', code])
    }
  })

  test('takes the options of a database', async () => {
    const events: string[] = []
    const options: OpenOptions = { geometry: 'tiny', onEvent: ({ kind }) => events.push(kind) }
    await using level = new PalimpsestLevel(places.next(), options)
    await level.batch(
      Array.from({ length: 100 }, (_, i) => ({ type: 'put', key: `key ${i}`, value: 'v'.repeat(400) })),
    )
    expect(events).toContain('flush')
  })
})

test.each([
  undefined,
  null,
  {},
  { memory: false },
  7,
  new URL('file:///nowhere'),
  open({ memory: true }).asOf('now'),
])('nothing stands on %s', async (where) => {
  expect(await codesOf(() => new PalimpsestLevel(where as never))).toEqual(['INVALID_ARGUMENT'])
  expect(await codesOf(() => open(where as never))).toEqual(['INVALID_ARGUMENT'])
})

describe('an open database', () => {
  test('stays open when the level is closed', async () => {
    const database = memory()
    const level = new PalimpsestLevel(database, 'shop.cache')
    await level.put('a', '1')
    await level.close()
    expect(database.tables).toEqual(['shop.cache'])
  })

  test('has the level’s table made in it, or not, as asked', async () => {
    const database = memory()
    database.createKeyspace('shop')
    const level = new PalimpsestLevel(database, 'shop.cache', { createIfMissing: false })
    expect(await codesOf(() => level.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'UNKNOWN_TABLE'])
    await level.open({ createIfMissing: true })
    const again = new PalimpsestLevel(database, 'shop.cache', { errorIfExists: true })
    expect(await codesOf(() => again.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'NAME_TAKEN'])
  })

  test.each(['', 'cache', 'a.b.c', 'shop.', '.cache', 'a b.c d'])(
    'has no table called %j made in it, and no keyspace for one',
    async (name) => {
      const database = memory()
      const level = new PalimpsestLevel(database, name)
      expect((await codesOf(() => level.open()))[0]).toBe('LEVEL_DATABASE_NOT_OPEN')
      expect(database.keyspaces).toEqual([])
    },
  )

  test('keeps what its table keeps, and refuses what makes no sense', async () => {
    const database = memory()
    await new PalimpsestLevel(database, 'shop.cache', { keep: '7d' }).open()
    await new PalimpsestLevel(database, 'shop.cache', { keep: '1h' }).open()
    expect(database.stats().tables[0]!.keep).toBe(7 * 86_400_000_000)
    const again = new PalimpsestLevel(database, 'shop.cache', { keep: 'banana' })
    expect(await codesOf(() => again.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'INVALID_TIME'])
  })

  test('that is closed says so', async () => {
    const database = memory()
    const level = new PalimpsestLevel(database, 'a.b')
    await level.put('a', '1')
    const [iterator, snapshot] = [level.iterator(), level.snapshot()]
    database.close()
    const actions = [
      () => level.get('a'),
      () => level.put('a', '1'),
      () => iterator.next(),
      () => level.get('a', { snapshot }),
      () => level.snapshot(),
    ]
    for (const action of actions) expect(await codesOf(action)).toEqual(['CLOSED'])
    await level.close()
  })

  test('that is closed opens no level', async () => {
    const database = memory()
    database.createKeyspace('a')
    const table = database.createTable<Uint8Array, Uint8Array>('a.b', { keys: 'bytes', values: 'bytes' })
    database.close()
    const levels = [
      new PalimpsestLevel(table),
      new PalimpsestLevel(database, 'a.b'),
      new PalimpsestLevel(database, 'a.c'),
    ]
    for (const level of levels)
      expect(await codesOf(() => level.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'CLOSED'])
  })

  test('in which the table is dropped says so', async () => {
    const database = memory()
    const level = new PalimpsestLevel(database, 'a.b')
    await level.put('a', '1')
    const time = database.newest
    database.dropTable('a.b')
    expect(await codesOf(() => level.get('a'))).toEqual(['UNKNOWN_TABLE'])
    expect(await codesOf(() => level.put('a', '1'))).toEqual(['UNKNOWN_TABLE'])
    expect(await level.get('a', { asOf: time })).toBe('1')
  })
})

describe('a table', () => {
  test('of bytes is read and written beside its handle', async () => {
    const database = memory()
    database.createKeyspace('a')
    const table = database.createTable<Uint8Array, Uint8Array>('a.b', { keys: 'bytes', values: 'bytes' })
    table.put(new Uint8Array([97]), new Uint8Array([49]))
    const level = new PalimpsestLevel(table)
    expect(await level.get('a')).toBe('1')
    expect(level.supports).toMatchObject({ createIfMissing: false, errorIfExists: false })
    expect(level.table).toBe(table)
    await level.close()
  })

  test('of anything else is refused', async () => {
    const database = memory()
    database.createKeyspace('a')
    for (const keys of ['text', 'bytes'] as const) {
      const table = database.createTable(`a.${keys}`, { keys, values: 'document' })
      for (const level of [new PalimpsestLevel(table), new PalimpsestLevel(database, `a.${keys}`)])
        expect(await codesOf(() => level.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'INVALID_ARGUMENT'])
    }
  })
})

describe('what is open already', () => {
  test.each([
    ...[{ readOnly: true }, { create: false }, { geometry: 'tiny' }, { sizes: { blockBytes: 4096 } }],
    ...[{ policy: 'tiered' }, { picker: 'oldest' }, { durability: 'disk' }, { cacheBytes: 0 }],
    ...[{ openTables: 9 }, { onEvent: () => undefined }],
  ] as LevelOptions[])('is not opened by a level, so takes no option of an opening: %j', async (option) => {
    const database = memory()
    database.createKeyspace('a')
    const table = database.createTable('a.b', { keys: 'bytes', values: 'bytes' })
    const levels = [new PalimpsestLevel(table, option), new PalimpsestLevel(database, 'a.c', option)]
    for (const level of levels)
      expect(await codesOf(() => level.open())).toEqual(['LEVEL_DATABASE_NOT_OPEN', 'INVALID_ARGUMENT'])
    expect(database.tables).toEqual(['a.b'])
  })

  test('takes such an option without a value', async () => {
    const option: LevelOptions = { durability: undefined }
    await using level = new PalimpsestLevel(memory(), 'a.b', option)
    await level.put('a', '1')
  })
})

test.each([[''], [undefined], [5], [{ memory: false }]])(
  'a level on %j is refused at once, as by open',
  (place) => {
    expect(() => new PalimpsestLevel(place as string)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  },
)

test('what is in memory outlives a close, but not the level', async () => {
  const level = new PalimpsestLevel({ memory: true })
  await level.put('a', '1')
  await level.close()
  await level.open()
  expect(await level.get('a')).toBe('1')
  expect(level.supports.permanence).toBe(false)
  await level.close()
})

test('the manifest claims what there is', async () => {
  const level = new PalimpsestLevel(places.next())
  const { supports } = level
  expect(supports).toMatchObject({
    ...{ implicitSnapshots: true, explicitSnapshots: true, has: true, getSync: true, seek: true },
    ...{ permanence: true, createIfMissing: true, errorIfExists: true, deferredOpen: true },
    additionalMethods: { history: true, diff: true, restore: true, undo: true },
    events: { restore: true, write: true, clear: true },
  })
  for (const encoding of ['utf8', 'view', 'buffer', 'json', 'hex', 'base64']) {
    expect(supports.encodings[encoding], encoding).toBe(true)
  }
  for (const method of Object.keys(supports.additionalMethods)) expect(level).toHaveProperty(method)
  await level.close()
})
