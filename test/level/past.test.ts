/** What a level has beside Level's own methods: history, diff, restore and undo. */
import { expect, test } from 'vitest'
import { type Restore } from '../../src/index.ts'
import { PalimpsestLevel } from '../../src/level.ts'
import { formatIso } from '../../src/time/hybrid-time.ts'
import { codesOf, sample } from './levels.ts'

async function listOf<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

test('the history of a key is by the encodings of the level, or by others', async () => {
  const { database } = await sample()
  const level = new PalimpsestLevel<string, unknown>(database, 'level.documents', { valueEncoding: 'json' })
  await level.put('a', { n: 1 })
  const first = database.newest
  await level.put('a', { n: 2 })
  await level.del('a')
  const history = await listOf(level.history('a'))
  expect(history.map(({ key, value, cause }) => [key, value, cause])).toEqual([
    ['a', { n: 1 }, 'commit'],
    ['a', { n: 2 }, 'commit'],
    ['a', undefined, 'commit'],
  ])
  expect(history[0]!.time).toBe(first)
  expect(history.map(({ at }) => at)).toEqual(history.map(({ time }) => formatIso(time)))
  const options = { keyEncoding: 'hex', valueEncoding: 'utf8', reverse: true, limit: 2 }
  const texts = await listOf(level.history<string, string>('61', options))
  expect(texts.map(({ key, value }) => [key, value])).toEqual([
    ['61', undefined],
    ['61', '{"n":2}'],
  ])
})

test('a difference has both values, in a range and an order', async () => {
  const { database, level } = await sample()
  for (const key of ['a', 'b', 'c', 'd']) await level.put(key, '1')
  const from = database.newest
  await level.batch([
    { type: 'put', key: 'b', value: '2' },
    { type: 'del', key: 'c' },
    { type: 'put', key: 'e', value: '2' },
  ])
  const of = async (options: object) =>
    (await listOf(level.diff(from, 'now', options))).map(({ key, before, after }) => [key, before, after])
  expect(await of({})).toEqual([
    ['b', '1', '2'],
    ['c', '1', undefined],
    ['e', undefined, '2'],
  ])
  expect(await of({ gt: 'b', reverse: true, limit: 1 })).toEqual([['e', undefined, '2']])
  expect(await listOf(level.diff(from, from))).toEqual([])
  expect(await codesOf(() => listOf(level.diff(from, from, null as never)))).toEqual(['INVALID_ARGUMENT'])
  expect(await codesOf(() => listOf(level.history('a', null as never)))).toEqual(['INVALID_ARGUMENT'])
  for (const strange of [{ prefix: 'a' }, { asOf: from }]) {
    expect(await codesOf(() => listOf(level.diff(from, from, strange as never)))).toEqual([
      'INVALID_ARGUMENT',
    ])
    expect(await codesOf(() => listOf(level.history('a', strange as never)))).toEqual(['INVALID_ARGUMENT'])
  }
  expect((await listOf(level.diff('now', from))).map(({ key }) => key)).toEqual(['b', 'c', 'e'])
})

test('a restore puts the table back, an undo takes that back, and both are told', async () => {
  const { database, level } = await sample()
  const told: Restore[] = []
  level.on('restore', (restore) => told.push(restore))
  await level.put('a', 'before')
  const time = database.newest
  await level.put('a', 'after')
  await level.put('b', 'after')
  const restore = await level.restore(time)
  expect(await level.iterator().all()).toEqual([['a', 'before']])
  const undo = await level.undo(restore)
  expect(await level.iterator().all()).toEqual([
    ['a', 'after'],
    ['b', 'after'],
  ])
  expect(await codesOf(() => level.undo(restore))).toEqual(['ALREADY_UNDONE'])
  for (const none of [undefined, null, {}, 5])
    expect(await codesOf(() => level.undo(none as never))).toEqual(['INVALID_ARGUMENT'])
  await level.undo(undo.id)
  expect(await level.get('b')).toBeUndefined()
  expect(told.map(({ cause }) => cause)).toEqual(['restore', 'undo', 'undo'])
})

test('a level undoes its own restores, and no others', async () => {
  const { database, level } = await sample()
  const other = new PalimpsestLevel(database, 'level.other')
  await other.put('a', '1')
  await level.put('a', '1')
  const time = database.newest
  await level.put('a', '2')
  const [mine, all] = [await level.restore(time), await database.restore('level', { to: time })]
  expect(await codesOf(() => other.undo(mine))).toEqual(['UNKNOWN_RESTORE'])
  expect(await codesOf(() => level.undo(all))).toEqual(['UNKNOWN_RESTORE'])
  expect(await codesOf(() => level.undo('restore-99'))).toEqual(['UNKNOWN_RESTORE'])
  expect(database.restores()).toHaveLength(2)
})

test('a restore is one of the table of the level, whatever had its name then', async () => {
  const { clock, database, level } = await sample()
  const other = new PalimpsestLevel(database, 'level.other')
  for (const each of [level, other]) await each.put('a', 'then')
  const then = database.newest
  clock.advance(1)
  await level.put('a', 'now')
  await other.put('a', 'now')
  database.dropTable('level.data')
  database.renameTable('level.other', 'data')
  expect(await other.restore(then)).toMatchObject({ tables: [{ name: 'level.other', action: 'rewound' }] })
  expect([await other.get('a'), database.tables]).toEqual(['then', ['level.other']])
})

test('what is open goes on showing its own time over a restore', async () => {
  const { database, level } = await sample()
  await level.put('a', '1')
  const time = database.newest
  await level.batch([
    { type: 'put', key: 'a', value: '2' },
    { type: 'put', key: 'b', value: '2' },
  ])
  const [iterator, snapshot] = [level.keys(), level.snapshot()]
  await iterator.next()
  await level.restore(time)
  expect(await iterator.next()).toBe('b')
  expect(await level.get('a', { snapshot })).toBe('2')
  expect(await level.get('a')).toBe('1')
})

test('they wait for an opening, and refuse when there is none', async () => {
  const { database, level } = await sample()
  await level.put('a', '1')
  const again = new PalimpsestLevel(database, 'level.data')
  expect(await listOf(again.history('a'))).toHaveLength(1)
  const begun = again.history('a')[Symbol.asyncIterator]()
  await begun.next()
  await again.close()
  const actions = [
    () => begun.next(),
    () => listOf(again.history('a')),
    () => listOf(again.diff('now', 'now')),
    () => again.restore('now'),
    () => again.undo('restore-1'),
  ]
  for (const action of actions) expect(await codesOf(action)).toEqual(['LEVEL_DATABASE_NOT_OPEN'])
})

test('the history of what cannot be a key is refused, as a get of it is', async () => {
  const { level } = await sample()
  for (const key of [null, undefined] as unknown as string[]) {
    expect(await codesOf(() => level.get(key))).toEqual(['LEVEL_INVALID_KEY'])
    expect(await codesOf(() => listOf(level.history(key)))).toEqual(['INVALID_KEY'])
  }
})

test('times that are none are refused, and nothing happens', async () => {
  const { database, level } = await sample()
  await level.put('a', '1')
  for (const to of [12, 'yesterday', {}] as string[]) {
    expect(await codesOf(() => level.restore(to))).toEqual(['INVALID_TIME'])
    expect(await codesOf(() => listOf(level.diff(to)))).toEqual(['INVALID_TIME'])
    expect(await codesOf(() => listOf(level.history('a', { from: to })))).toEqual(['INVALID_TIME'])
  }
  expect(await codesOf(() => level.restore('2099-01-01'))).toEqual(['FUTURE_TIME'])
  expect(database.restores()).toEqual([])
})
