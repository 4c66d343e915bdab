import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type StartRunner, openStore } from '../../src/store/open.ts'
import { DelayedRunner, type JobFate } from '../../src/testing/delayed-runner.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

const WINDOW = 1000

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof PalimpsestError) return error.code
    throw error
  }
  return 'nothing'
}

/** A database in memory with one table, and a look at its catalog as a reader finds it on the disk. */
function scene() {
  const clock = new ReplayClock({ micros: 5000 })
  const files = new MemoryFiles()
  const world = { files, clock, checksum: crc32 }
  const open = () => openDatabase(world, { geometry: 'miniature' })
  const db = open()
  db.setRetention(WINDOW)
  db.createKeyspace('k')
  db.createTable('k.t', { values: 'text' })
  const catalog = () => {
    const birth = { geometry: 'miniature', clock: 'replay' } as const
    const limits = { cacheBytes: 0, openTables: 1 }
    const store = openStore(world, { readOnly: true, create: false, birth, sizes: {}, policy: {}, limits })
    const { catalog: found } = store
    store.close()
    return found
  }
  return { clock, files, db, open, catalog }
}

/** Writes, puts back to before that, writes again. */
async function putBackOften(db: Database, clock: ReplayClock, times: number): Promise<void> {
  const table = db.table<string, string>('k.t')
  for (let i = 0; i < times; i++) {
    table.put(`key ${i % 7}`, `kept ${i}`)
    const to = db.newest
    clock.advance(10)
    table.put(`key ${i % 7}`, 'undone')
    clock.advance(10)
    await db.restore('k', { to })
    clock.advance(10)
  }
}

const tableFiles = (files: MemoryFiles) => (files.list('') ?? []).filter((name) => name.endsWith('.table'))

describe('after many restores', () => {
  test('generations that nobody can read are forgotten, and the gaps of views close', async () => {
    const { clock, db, catalog, open } = scene()
    await putBackOften(db, clock, 100)
    const { id } = [...catalog().tables.values()][0]!
    const before = catalog().generations.get(id)!
    // A window of 1,000 microseconds reaches over 34 restores of 30 each.
    expect(before.length).toBeLessThan(60)
    expect(db.table('k.t').explainRead('key 1').view.length).toBeGreaterThan(30)
    clock.advance(10 * WINDOW)
    db.compact()
    expect(db.table('k.t').explainRead('key 1').view).toHaveLength(1)
    expect(catalog().generations.get(id)).toHaveLength(1)
    const expected = Object.fromEntries(
      Array.from({ length: 7 }, (_, key) => [
        `key ${key}`,
        `kept ${key === 0 || key === 1 ? 98 + key : 91 + key}`,
      ]),
    )
    const content = (of: Database) =>
      Object.fromEntries(Array.from(of.table<string, string>('k.t').scan(), ({ key, value }) => [key, value]))
    expect(content(db)).toEqual(expected)
    expect(db.check().flatMap(({ faults }) => faults)).toEqual([])
    db.close()
    const again = open()
    expect(content(again)).toEqual(expected)
    expect(again.restores()).toHaveLength(100)
  })

  test('no row of the catalog grows', async () => {
    const { clock, db, files } = scene()
    db.setRetention('forever')
    await putBackOften(db, clock, 200)
    expect(db.table('k.t').explainRead('key 1').view.length).toBeGreaterThan(200)
    db.close()
    const world = { files, clock, checksum: crc32 }
    const limits = { cacheBytes: 0, openTables: 1 }
    const birth = { geometry: 'miniature', clock: 'replay' } as const
    const store = openStore(world, { readOnly: true, create: false, birth, sizes: {}, policy: {}, limits })
    const sizes = Array.from(store.versions([0]), ({ value }) => value?.length ?? 0)
    expect(Math.max(...sizes)).toBeLessThan(64 * 60)
  })

  test('a restore whose undo is gone is still listed, and its undo refused', async () => {
    const { clock, db } = scene()
    await putBackOften(db, clock, 3)
    const [first] = db.restores()
    clock.advance(10 * WINDOW)
    db.compact()
    expect(db.restores()).toHaveLength(3)
    expect(codeOf(() => db.undoSync(first!.id))).toBe('HISTORY_GONE')
  })
})

test('rows of holds go when these have run out, and with them nothing that another one keeps', () => {
  const { clock, db, catalog } = scene()
  const table = db.table<string, string>('k.t')
  const { time } = table.put('a', 'first')
  db.hold({ name: 'stays', table: 'k.t', at: time })
  for (let i = 0; i < 100; i++) {
    clock.advance(1)
    table.put('a', `${i}`)
    db.hold({ name: `h${i}`, table: 'k.t', at: db.newest, expiresIn: 10 })
  }
  expect(catalog().holds.size).toBeGreaterThan(10)
  clock.advance(10)
  db.compact()
  expect(Array.from(catalog().holds.values(), ({ name }) => name)).toEqual(['stays'])
  expect(table.get('a', { asOf: time })).toBe('first')
  expect(codeOf(() => db.release('h99'))).toBe('UNKNOWN_HOLD')
  expect(db.hold({ name: 'h99', table: 'k.t', at: db.newest }).name).toBe('h99')
})

describe('what a merge was judged to keep, and upkeep forgets when it is installed,', () => {
  test.each(['table', 'keyspace', 'database', 'window'] as const)(
    'is refused at once and for ever, though the clock is set back: kept by %s (law 4)',
    (keptBy) => {
      const { files, time } = withLateMerge(keptBy)
      const killed = files.crash('process-kill', seededRandom(1))
      // Once after the kill, and once more after a clean close.
      for (const found of [killed, killed]) {
        const db = openDatabase({
          files: found,
          checksum: crc32,
          clock: new ReplayClock({ micros: 1_000_060 }),
        })
        const table = db.table<string, string>('k.t')
        expect(codeOf(() => table.get('a', { asOf: time }))).toBe('HISTORY_GONE')
        expect(codeOf(() => table.history('a', { from: time }).next())).toBe('HISTORY_GONE')
        expect(codeOf(() => db.planRestore('k', { table: 't', to: time }))).toBe('HISTORY_GONE')
        expect(table.get('a')).toBe('old')
        db.close()
      }
    },
  )

  /** A database whose one merge was planned at 1,000,050 and ended at 1,000,150, which is when all of it was forgotten. */
  function withLateMerge(keptBy: 'table' | 'keyspace' | 'database' | 'window') {
    const files = new FaultFiles()
    const clock = new ReplayClock({ micros: 1_000_000 })
    const merge = { ends: 'done' as const, afterPolls: Infinity }
    const fates: JobFate[] = [merge]
    const jobs = (): StartRunner => (io) =>
      new DelayedRunner(io, ({ kind }) =>
        kind === 'compaction'
          ? (fates.shift() ?? { ends: 'done', afterPolls: Infinity })
          : { ends: 'done', afterPolls: 0 },
      )
    const sizes = { memtableBytes: 4096, level0Tables: 2, tableBytes: 4096 }
    const db = openDatabase({ files, checksum: crc32, clock, jobs }, { sizes })
    db.setRetention(10)
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t', {
      keep: keptBy === 'window' ? 100 : 10,
      values: 'text',
    })
    const { time } = table.put('a', 'old')
    const scope = {
      table: { table: 'k.t' },
      keyspace: { keyspace: 'k' },
      database: {},
      window: { table: 'k.t' },
    }[keptBy]
    db.hold({ name: 'h', ...scope, at: time, expiresIn: 100 })
    db.restoreSync('k', { table: 't', to: db.newest })
    let merges = 0
    db.on(({ kind }) => (merges += Number(kind === 'compaction')))
    clock.advance(50)
    for (let i = 0; i < 60; i++) table.put('b', `${i}`.padEnd(300, '.'))
    expect([merges, fates.length]).toEqual([0, 0])
    clock.advance(100)
    merge.afterPolls = 0
    table.put('b', 'last')
    expect(merges).toBe(1)
    return { files, time }
  }
})

describe('a dropped table', () => {
  test('is there while it can be read, and its files go when it no longer can', () => {
    const { clock, db, files, catalog, open } = scene()
    const table = db.table<string, string>('k.t')
    for (let i = 0; i < 50; i++) table.put(`key ${i}`, 'v'.repeat(20))
    const { time } = table.put('last', 'v')
    db.createTable<string, string>('k.other', { values: 'text' }).put('stays', 'v')
    const { id } = table
    clock.advance(10)
    db.dropTable('k.t')
    clock.advance(WINDOW / 2)
    db.compact()
    expect(table.get('last', { asOf: time })).toBe('v')
    expect(catalog().generations.has(id)).toBe(true)

    const before = tableFiles(files).length
    clock.advance(WINDOW)
    db.compact()
    expect(catalog().generations.has(id)).toBe(false)
    expect(catalog().freed.size).toBe(1)
    expect(codeOf(() => table.get('last', { asOf: time }))).toBe('HISTORY_GONE')
    expect(codeOf(() => db.restoreSync('k', { to: time }))).toBe('HISTORY_GONE')
    // Those of the catalog, and of the other table.
    expect(tableFiles(files).length).toBeLessThan(before / 2)
    expect(db.check().flatMap(({ faults }) => faults)).toEqual([])
    db.close()
    const again = open()
    expect(again.table('k.other').get('stays')).toBe('v')
    expect(again.tables).toEqual(['k.other'])
  })

  test('leaves known that a table did not exist yet, at a time that a hold keeps readable', () => {
    const { clock, db, catalog } = scene()
    const early = db.newest
    clock.advance(10)
    const { id } = db.createTable('k.later', { values: 'text' })
    db.hold({ name: 'h', table: 'k.later', at: early })
    clock.advance(10)
    db.truncate('k.later')
    const ask = () => codeOf(() => db.table('k.later').get('x', { asOf: early }))
    expect(ask()).toBe('UNKNOWN_TABLE')
    clock.advance(10 * WINDOW)
    db.table('k.later').put('x', '1')
    db.compact()
    expect(
      catalog()
        .generations.get(id)!
        .map(({ cause }) => cause),
    ).toEqual(['truncate'])
    expect(ask()).toBe('UNKNOWN_TABLE')
  })

  test('that a hold keeps readable is not forgotten until the hold goes', () => {
    const { clock, db, catalog } = scene()
    const table = db.table<string, string>('k.t')
    const { time } = table.put('x', '1')
    db.hold({ name: 'h', table: 'k.t', at: time })
    clock.advance(10)
    db.dropTable('k.t')
    clock.advance(10 * WINDOW)
    db.compact()
    expect(table.get('x', { asOf: time })).toBe('1')
    db.release('h')
    db.compact()
    expect(catalog().generations.has(table.id)).toBe(false)
    expect(codeOf(() => table.get('x', { asOf: time }))).toBe('HISTORY_GONE')
  })

  test('is not held where something of it is forgotten, by a hold on its keyspace either', () => {
    const { clock, db } = scene()
    db.createTable<string, string>('k.stays', { keep: 'forever', values: 'text' })
    const table = db.table<string, string>('k.t')
    const { time } = table.put('x', '1')
    table.put('x', '2')
    db.restoreSync('k', { table: 't', to: db.newest })
    clock.advance(WINDOW + 20)
    const kept = table.put('x', '3').time
    db.dropTable('k.t')
    clock.advance(20)
    const held = (at: typeof time, on: { keyspace: string } | { table: string }) =>
      codeOf(() => db.hold({ name: `at-${at}`, ...on, at }))
    expect(held(time, { keyspace: 'k' })).toBe('HISTORY_GONE')
    db.compact()
    expect(held(time, { keyspace: 'k' })).toBe('HISTORY_GONE')
    expect(codeOf(() => table.get('x', { asOf: time }))).toBe('HISTORY_GONE')
    expect(codeOf(() => db.planRestore('k', { to: time }))).toBe('HISTORY_GONE')
    expect(held(time, { table: 'k.stays' })).toBe('nothing')
    expect(held(kept, { keyspace: 'k' })).toBe('nothing')
  })

  test('is held where it did not exist yet, whatever was said since of how long it is kept', () => {
    const { clock, db } = scene()
    db.createTable<string, string>('k.stays', { keep: 'forever', values: 'text' })
    const { time: early } = db.table<string, string>('k.stays').put('x', '1')
    clock.advance(2 * WINDOW)
    const { time } = db.table<string, string>('k.t').put('x', '1')
    db.setRetention(2 * WINDOW, { table: 'k.t' })
    db.createTable('k.late')
    clock.advance(2 * WINDOW)
    db.setRetention(2 * WINDOW, { table: 'k.late' })
    db.dropTable('k.late')
    db.dropTable('k.t')
    const held = (at: typeof time) => codeOf(() => db.hold({ name: `at-${at}`, keyspace: 'k', at }))
    expect(held(early)).toBe('HISTORY_GONE')
    expect(held(time)).toBe('nothing')
  })

  test('is not held where something of it is forgotten that lies between what is known', () => {
    const { clock, db, catalog } = scene()
    db.createTable<string, string>('k.stays', { keep: 'forever', values: 'text' })
    const table = db.table<string, string>('k.t')
    const { time: early } = table.put('x', '1')
    db.hold({ name: 'h', table: 'k.t', at: early })
    clock.advance(10)
    db.truncate('k.t')
    const { time: between } = table.put('x', '2')
    clock.advance(10)
    db.truncate('k.t')
    clock.advance(2 * WINDOW)
    const { time: late } = table.put('x', '3')
    db.compact()
    db.dropTable('k.t')
    const causes = catalog()
      .generations.get(table.id)!
      .map(({ cause }) => cause)
    expect(causes).toEqual(['create', 'truncate'])
    const held = (at: typeof early) => codeOf(() => db.hold({ name: `at-${at}`, keyspace: 'k', at }))
    expect([early, between, late].map(held)).toEqual(['nothing', 'HISTORY_GONE', 'nothing'])
  })

  test('of which all is forgotten explains none of its versions, and no tablet comes of it', () => {
    const { clock, db } = scene()
    const brief = db.createTable<string, string>('k.brief', { keep: 10, values: 'text' })
    const { time } = brief.put('x', '1')
    db.dropTable('k.brief')
    clock.advance(WINDOW / 2)
    const then = db.asOf(time).table<string, string>('k.brief')
    const tablets = () => db.check().map(({ tablet }) => tablet)
    expect(then.explainVersion('x', time).verdict).toBe('droppable')
    db.compact()
    const before = tablets()
    expect(codeOf(() => then.explainVersion('x', time))).toBe('HISTORY_GONE')
    expect(tablets()).toEqual(before)
  })
})

test('versions that are read while their table is forgotten come to an end', () => {
  const { clock, db } = scene()
  const table = db.createTable<string, string>('k.gone', { values: 'text', keep: 0 })
  for (let i = 0; i < 50; i++) {
    clock.advance(1)
    table.put(`key ${i}`, 'v'.repeat(40))
  }
  db.flush()
  const versions = db.versions('k.gone')
  expect(versions.next().done).toBe(false)
  clock.advance(1)
  db.dropTable('k.gone')
  clock.advance(1)
  db.setRetention(0)
  clock.advance(1)
  db.compact()
  expect(Array.from(versions)).toEqual([])
})
