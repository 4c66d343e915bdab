/**
 * What is open keeps its time readable: iterators from their making on, tokens until they are closed, but
 * nothing for ever.
 */
import { expect, test } from 'vitest'
import { MEMORY_HOLD_MICROS_MAX } from '../../src/store/memory-holds.ts'
import { type Sample, TABLE, codesOf, sample } from './levels.ts'

/** A level that keeps nothing but the present, with one state written. */
async function forgetful(): Promise<Sample> {
  const found = await sample({ keep: '0s' })
  await found.level.batch([
    { type: 'put', key: 'a', value: 'old' },
    { type: 'put', key: 'b', value: 'old' },
  ])
  return found
}

/** Writes another state and drops what nobody may read any more. */
async function moveOn({ clock, database, level }: Sample): Promise<void> {
  clock.advance(1_000_000)
  await level.batch([
    { type: 'put', key: 'a', value: 'new' },
    { type: 'del', key: 'b' },
  ])
  clock.advance(1_000_000)
  database.compact()
}

function versionsIn({ database }: Sample): number {
  return [...database.versions(TABLE)].length
}

test('an iterator shows the moment of its making, and lets it go when it is closed', async () => {
  const found = await forgetful()
  const iterator = found.level.iterator()
  await moveOn(found)
  expect(versionsIn(found)).toBe(4)
  expect(await iterator.next()).toEqual(['a', 'old'])
  iterator.seek('b')
  expect(await iterator.next()).toEqual(['b', 'old'])
  await iterator.close()
  found.database.compact()
  expect(versionsIn(found)).toBe(1)
})

test('a loop that is left early lets its time go', async () => {
  const found = await forgetful()
  for await (const key of found.level.keys()) {
    expect(key).toBe('a')
    break
  }
  await moveOn(found)
  expect(versionsIn(found)).toBe(1)
})

test('a token shows its time until it is closed', async () => {
  const found = await forgetful()
  const snapshot = found.level.snapshot()
  await moveOn(found)
  expect(await found.level.getMany(['a', 'b'], { snapshot })).toEqual(['old', 'old'])
  await snapshot.close()
  found.database.compact()
  expect(versionsIn(found)).toBe(1)
})

test('a token can be made of what another token holds', async () => {
  const found = await forgetful()
  const first = found.level.snapshot()
  await moveOn(found)
  const second = found.level.snapshot({ asOf: first.time })
  await first.close()
  found.database.compact()
  expect(await found.level.get('a', { snapshot: second })).toBe('old')
  expect(second.at).toMatch(/^2025-11-20T10:15:3/)
})

test('what holds a version is named, and listed with the other holds', async () => {
  const found = await forgetful()
  const snapshot = found.level.snapshot()
  expect(found.database.holds()).toMatchObject([
    { kind: 'cursor', on: TABLE, times: [{ through: snapshot.time }] },
  ])
  await moveOn(found)
  const explained = found.level.table!.explainVersion(new Uint8Array([97]), snapshot.time)
  expect(explained.keepers.map(({ promise }) => promise.kind)).toContain('cursor')
  await snapshot.close()
  expect(found.database.holds()).toEqual([])
})

test('a token that is too old holds no longer, and reads as long as its time is readable', async () => {
  const found = await forgetful()
  const snapshot = found.level.snapshot()
  const iterator = found.level.iterator({ snapshot })
  found.clock.advance(MEMORY_HOLD_MICROS_MAX)
  expect(await found.level.get('a', { snapshot })).toBe('old')
  found.database.hold({ name: 'kept', at: snapshot.time })
  found.clock.advance(1_000_000)
  expect(await found.level.get('a', { snapshot })).toBe('old')
  found.database.release('kept')
  expect(await codesOf(() => found.level.get('a', { snapshot }))).toEqual(['HISTORY_GONE'])
  expect(await codesOf(() => iterator.next())).toEqual(['HISTORY_GONE'])
  expect(await codesOf(() => iterator.next())).toEqual(['HISTORY_GONE'])
})

test('closing the level closes its tokens and iterators, and leaves the database that it was given', async () => {
  const found = await forgetful()
  const { level, database } = found
  level.snapshot()
  level.iterator()
  await level.close()
  await moveOnWithout(found)
  expect(versionsIn(found)).toBe(1)
  expect(database.tables).toEqual([TABLE])
})

async function moveOnWithout(found: Sample): Promise<void> {
  await found.level.open()
  await moveOn(found)
}

test('what an iterator has read ahead comes before it says that it held its time for too long', async () => {
  const found = await forgetful()
  await found.level.batch(
    Array.from({ length: 40 }, (_, i) => ({ type: 'put', key: `c${10 + i}`, value: 'old' })),
  )
  const iterator = found.level.keys()
  await iterator.next()
  // It now reads some more than one.
  await iterator.next()
  await moveOn(found)
  found.clock.advance(MEMORY_HOLD_MICROS_MAX + 1)
  found.database.compact()
  const ahead = await iterator.nextv(40)
  expect(ahead.slice(0, 3)).toEqual(['c10', 'c11', 'c12'])
  expect(ahead.length).toBeLessThan(40)
  expect(await codesOf(() => iterator.nextv(1))).toEqual(['HISTORY_GONE'])
})

test('the bytes that bound an iterator are those that it was made with', async () => {
  const { level } = await sample()
  for (const key of ['a', 'b', 'c', 'd', 'e']) await level.put(key, key)
  const [from, to, target] = ['b', 'd', 'c'].map((text) => new TextEncoder().encode(text)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  const options = { keyEncoding: 'view', valueEncoding: 'utf8' } as const
  const values = level.values<Uint8Array, string>({ gte: from, lt: to, ...options })
  const sought = level.values<Uint8Array, string>({ gt: from, lte: to, ...options })
  sought.seek(target, { keyEncoding: 'view' })
  for (const bytes of [from, to, target]) bytes[0] = 0x65
  expect(await values.all()).toEqual(['b', 'c'])
  expect(await sought.all()).toEqual(['c', 'd'])
})
