/** As of which times the catalog can be read: what was refused once stays refused, whatever is made, restored or held later. */
import { expect, test } from 'vitest'
import { type Database, ReplayClock, open } from '../../src/index.ts'
import { refusal } from '../storage/samples.ts'

/** A database that keeps its names for a millisecond, and a clock. */
function shortLived(): { db: Database; wait: (micros: number) => void } {
  const clock = new ReplayClock({ micros: 1_000_000 })
  const db = open({ memory: true }, { clock, geometry: 'miniature' })
  db.setRetention(1000)
  db.createKeyspace('k')
  return {
    db,
    wait: (micros) => {
      clock.advance(micros)
    },
  }
}

test('a table that is made does not make the names of before readable', () => {
  const { db, wait } = shortLived()
  const { time } = db.createTable<string, string>('k.a', { values: 'text' }).put('x', '1')
  wait(10)
  db.renameTable('k.a', 'b')
  expect(db.asOf(time).tables).toEqual(['k.a'])
  wait(5000)
  db.compact()
  db.createKeyspace('other')
  db.createTable('other.c', { keep: 'forever' })
  expect(refusal(() => db.asOf(time).tables)?.code).toBe('HISTORY_GONE')
  expect(refusal(() => db.restoreSync('k', { to: time }))?.code).toBe('HISTORY_GONE')
  expect(db.tables).toEqual(['k.b', 'other.c'])
})

test('a table that comes back does not make the names readable of when it was gone', async () => {
  const { db, wait } = shortLived()
  db.createKeyspace('m')
  db.createTable('m.a')
  db.createTable('k.x', { keep: 'forever' })
  const existed = db.newest
  wait(10)
  db.dropTable('k.x')
  wait(10)
  db.renameTable('m.a', 'a2')
  const time = db.newest
  wait(10)
  db.renameTable('m.a2', 'a3')
  wait(5000)
  db.compact()
  expect(refusal(() => db.asOf(time).tables)?.code).toBe('HISTORY_GONE')
  await db.restore('k', { to: existed })
  expect(refusal(() => db.asOf(time).tables)?.code).toBe('HISTORY_GONE')
  expect(db.asOf(existed).tables).toContain('k.x')
})

test('a hold does not make names readable that are gone', () => {
  const { db, wait } = shortLived()
  const time = db.newest
  wait(10)
  db.dropKeyspace('k')
  wait(5000)
  db.compact()
  expect(refusal(() => db.asOf(time).tables)?.code).toBe('HISTORY_GONE')
  db.hold({ name: 'h', at: time })
  expect(refusal(() => db.asOf(time).tables)?.code).toBe('HISTORY_GONE')
})
