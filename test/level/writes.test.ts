/** Writes of a level are commits of its table, and survive what they say. */
import { describe, expect, test } from 'vitest'
import { PalimpsestLevel } from '../../src/level.ts'
import { CLEAR_KEYS_MAX } from '../../src/level/table-level.ts'
import { codesOf, sample } from './levels.ts'

describe('durability', () => {
  const a = { type: 'put', key: 'a', value: '1' } as const

  test.each<[string, (level: PalimpsestLevel, options: object) => Promise<unknown>]>([
    ['put', (level, options) => level.put('a', '1', options)],
    ['del', (level, options) => level.del('a', options)],
    ['batch', (level, options) => level.batch([a], options)],
    ['chained batch', (level, options) => level.batch().put('a', '1').write(options)],
    ['clear', (level, options) => level.clear(options)],
    ['put of a sublevel', (level, options) => level.sublevel('s').put('a', '1', options)],
    ['clear of a sublevel', (level, options) => level.sublevel('s').clear(options)],
  ])('%s', async (_, write) => {
    const { database, level } = await sample()
    await level.batch([a, { ...a, key: '!s!a' }])
    await write(level, {})
    expect(database.durableThrough < database.newest).toBe(true)
    await write(level, { sync: false, durability: 'os' })
    expect(database.durableThrough < database.newest).toBe(true)
    await level.batch([a, { ...a, key: '!s!a' }])
    await write(level, { sync: true })
    expect(database.durableThrough).toBe(database.newest)
    await level.batch([a, { ...a, key: '!s!a' }])
    await write(level, { durability: 'disk' })
    expect(database.durableThrough).toBe(database.newest)
    await level.batch([a, { ...a, key: '!s!a' }])
    for (const sync of [false, true])
      expect(await codesOf(() => write(level, { sync, durability: 'maybe' }))).toEqual(['INVALID_ARGUMENT'])
  })
})

describe('a batch', () => {
  test('is one commit, over sublevels too; the last write of a key wins', async () => {
    const { level } = await sample()
    const sublevel = level.sublevel('s')
    await level.batch([
      { type: 'put', key: 'a', value: '1' },
      { type: 'put', key: 'b', value: '1', sublevel },
      { type: 'del', key: 'a' },
      { type: 'put', key: 'a', value: '2' },
    ])
    const times: unknown[] = []
    for (const key of ['a', '!s!b']) for await (const { time } of level.history(key)) times.push(time)
    expect(times).toEqual([times[0], times[0]])
    expect(await level.iterator().all()).toEqual([
      ['!s!b', '1'],
      ['a', '2'],
    ])
  })

  test('of nothing is no commit', async () => {
    const { database, level } = await sample()
    const { newest } = database
    await level.batch([])
    await level.batch().write()
    expect(database.newest).toBe(newest)
  })

  test('in which one write is refused does nothing', async () => {
    const { database, level } = await sample()
    const { newest } = database
    const key = 'k'.repeat(65_536)
    const batch = [{ type: 'put', key: 'a', value: '1' } as const, { type: 'put', key, value: '1' } as const]
    expect(await codesOf(() => level.batch(batch))).toEqual(['TOO_LARGE'])
    expect(await codesOf(() => level.put('a', null as unknown as string))).toEqual(['LEVEL_INVALID_VALUE'])
    expect(await codesOf(() => level.get(undefined as unknown as string))).toEqual(['LEVEL_INVALID_KEY'])
    expect(database.newest).toBe(newest)
  })
})

describe('clear', () => {
  test('of more keys than one commit takes', async () => {
    const { level } = await sample()
    const keys = Array.from({ length: CLEAR_KEYS_MAX + 1 }, (_, i) => String(i).padStart(6, '0'))
    await level.batch(keys.map((key) => ({ type: 'put', key, value: '' })))
    await level.clear({ limit: CLEAR_KEYS_MAX })
    expect(await level.keys().all()).toEqual(keys.slice(-1))
    await level.batch(keys.map((key) => ({ type: 'put', key, value: '' })))
    await level.clear()
    expect(await level.keys().all()).toEqual([])
  })

  test('as of a time, or of a token, spares what was not there', async () => {
    const { database, level } = await sample()
    await level.put('a', '1')
    const time = database.newest
    const snapshot = level.snapshot()
    await level.put('b', '1')
    await level.clear({ asOf: time })
    expect(await level.keys().all()).toEqual(['b'])
    await level.put('a', '2')
    await level.clear({ snapshot })
    expect(await level.keys().all()).toEqual(['b'])
    expect(await codesOf(() => level.clear({ asOf: 'yesterday' }))).toEqual(['INVALID_TIME'])
  })
})

test('what is given and what comes out is in memory of its own', async () => {
  const { database } = await sample()
  const options = { keyEncoding: 'view', valueEncoding: 'view' }
  const level = new PalimpsestLevel<Uint8Array, Uint8Array>(database, 'level.bytes', options)
  const [key, value] = [new Uint8Array([1]), new Uint8Array([2])]
  await level.put(key, value)
  key[0] = value[0] = 9
  const spoil = async (): Promise<readonly number[]> => {
    const found = [
      await level.get(new Uint8Array([1])),
      ...(await level.getMany([new Uint8Array([1])])),
      ...(await level.iterator().all()).flat(),
      ...(await level.keys().all()),
      ...(await level.values().all()),
    ]
    return found.map((bytes) => bytes![0]!++)
  }
  expect(await spoil()).toEqual([2, 2, 1, 2, 1, 2])
  database.flush()
  expect(await spoil()).toEqual([2, 2, 1, 2, 1, 2])
  expect(await spoil()).toEqual([2, 2, 1, 2, 1, 2])
})
