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
