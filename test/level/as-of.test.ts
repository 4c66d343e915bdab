/**
 * Every read of a level takes `asOf`, or a token, and means the same by it; so do those of a sublevel.
 */
import { describe, expect, test } from 'vitest'
import { open } from '../../src/index.ts'
import { PalimpsestLevel } from '../../src/level.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { TABLE, codesOf, sample } from './levels.ts'

/** A sublevel has these methods too; that its other ones differ does not matter here. */
type Subject = PalimpsestLevel

/** Each read of Level, of data in which `a` was 1 and is 2, and `b` was there and `c` is. */
const READS: readonly {
  readonly name: string
  readonly read: (db: Subject, options: object) => unknown
  readonly before: unknown
  readonly now: unknown
}[] = [
  { name: 'get', read: (db, o) => db.get('a', o), before: '1', now: '2' },
  { name: 'getSync', read: (db, o) => db.getSync('a', o), before: '1', now: '2' },
  {
    name: 'getMany',
    read: (db, o) => db.getMany(['c', 'b', 'a'], o),
    before: [undefined, '1', '1'],
    now: ['2', undefined, '2'],
  },
  { name: 'has', read: (db, o) => db.has('b', o), before: true, now: false },
  { name: 'hasMany', read: (db, o) => db.hasMany(['b', 'c'], o), before: [true, false], now: [false, true] },
  {
    name: 'iterator',
    read: (db, o) => db.iterator(o).all(),
    before: [
      ['a', '1'],
      ['b', '1'],
    ],
    now: [
      ['a', '2'],
      ['c', '2'],
    ],
  },
  {
    name: 'iterator backwards',
    read: (db, o) => db.iterator({ ...o, reverse: true, limit: 1 }).all(),
    before: [['b', '1']],
    now: [['c', '2']],
  },
  { name: 'keys', read: (db, o) => db.keys(o).all(), before: ['a', 'b'], now: ['a', 'c'] },
  { name: 'values', read: (db, o) => db.values({ ...o, gt: 'a' }).all(), before: ['1'], now: ['2'] },
  {
    name: 'a loop',
    read: async (db, o) => {
      const keys: string[] = []
      for await (const key of db.keys(o)) keys.push(key)
      return keys
    },
    before: ['a', 'b'],
    now: ['a', 'c'],
  },
]

/** Writes the data of {@link READS}; the time between. */
async function twoStates(db: Subject, newest: () => HybridTime): Promise<HybridTime> {
  await db.batch([
    { type: 'put', key: 'a', value: '1' },
    { type: 'put', key: 'b', value: '1' },
  ])
  const between = newest()
  await db.batch([
    { type: 'put', key: 'a', value: '2' },
    { type: 'del', key: 'b' },
    { type: 'put', key: 'c', value: '2' },
  ])
  return between
}

describe.each([
  ['a level', (level: PalimpsestLevel): Subject => level],
  [
    'a sublevel',
    (level: PalimpsestLevel): Subject => level.sublevel('one').sublevel('two') as unknown as Subject,
  ],
])('%s', (_, subjectOf) => {
  test.each(READS)('$name', async ({ read, before, now }) => {
    const { database, level, clock } = await sample()
    const db = subjectOf(level)
    const time = await twoStates(db, () => database.newest)
    clock.advance(1_000_000)
    database.hold({ name: 'held', at: time })
    expect(await read(db, {})).toEqual(now)
    expect(await read(db, { asOf: undefined })).toEqual(now)
    for (const asOf of [time, 'held']) expect(await read(db, { asOf })).toEqual(before)
    expect(await read(db, { snapshot: db.snapshot({ asOf: time }) })).toEqual(before)
    expect(await read(db, { snapshot: db.snapshot() })).toEqual(now)
  })

  test.each(READS)('$name, of a time that is none', async ({ read }) => {
    const { database, level, clock } = await sample({ keep: '1s' })
    const db = subjectOf(level)
    const time = await twoStates(db, () => database.newest)
    clock.advance(2_000_000)
    const codeOf = (options: object) => codesOf(() => read(db, options))
    for (const asOf of [1_763_633_730, 'yesterday', '', {}, null, true]) {
      expect(await codeOf({ asOf }), JSON.stringify(asOf)).toEqual(['INVALID_TIME'])
    }
    expect(await codeOf({ asOf: time })).toEqual(['HISTORY_GONE'])
    expect(await codeOf({ asOf: '2099-01-01' })).toEqual(['FUTURE_TIME'])
  })

  test.each(READS)('$name, of a token that is none', async ({ read }) => {
    const [{ level, database }, other] = [await sample(), await sample()]
    const db = subjectOf(level)
    await twoStates(db, () => database.newest)
    const codeOf = (options: object) => codesOf(() => read(db, options))
    const [snapshot, closed] = [db.snapshot(), db.snapshot()]
    await closed.close()
    expect(await codeOf({ snapshot, asOf: 'now' })).toEqual(['INVALID_ARGUMENT'])
    expect(await codeOf({ snapshot: closed })).toEqual(['LEVEL_SNAPSHOT_NOT_OPEN'])
    expect(await codeOf({ snapshot: other.level.snapshot() })).toEqual(['INVALID_ARGUMENT'])
    await other.level.close()
    const alien = new PalimpsestLevel({ memory: true })
    await alien.open()
    const foreign = alien.snapshot()
    await alien.close()
    expect(await codeOf({ snapshot: foreign })).toEqual(['LEVEL_SNAPSHOT_NOT_OPEN'])
  })
})

test('a level over a view of the past reads as of it, and cannot be written to', async () => {
  const { database, level } = await sample()
  const time = await twoStates(level, () => database.newest)
  const past = new PalimpsestLevel(database.asOf(time).table<Uint8Array, Uint8Array>(TABLE))
  expect(await past.iterator().all()).toEqual([
    ['a', '1'],
    ['b', '1'],
  ])
  expect(await past.get('a', { asOf: time })).toBe('1')
  expect(await codesOf(() => past.get('a', { asOf: 'now' }))).toEqual(['INVALID_ARGUMENT'])
  expect(await codesOf(() => past.put('a', '3'))).toEqual(['READ_ONLY'])
  expect(await codesOf(() => past.restore(time))).toEqual(['READ_ONLY'])
})

test('an iterator that was made before the database is open says at its first step what is wrong', async () => {
  const level = new PalimpsestLevel(open({ memory: true }), TABLE)
  const iterators = [level.iterator({ asOf: 'yesterday' }), level.keys({ asOf: 'yesterday' })]
  await level.open()
  for (const iterator of iterators) {
    expect(await codesOf(() => iterator.next())).toEqual(['INVALID_TIME'])
    expect(await codesOf(() => iterator.next())).toEqual(['INVALID_TIME'])
    iterator.seek('a')
    await iterator.close()
  }
  await level.close()
})
