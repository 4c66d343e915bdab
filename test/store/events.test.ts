/**
 * Events: told when the call is over whose part they were. A listener may do whatever a caller may, and what goes
 * wrong in it is not the caller's.
 */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type StoreEvent } from '../../src/store/events.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { refusal } from '../storage/samples.ts'

/** A database whose memtables are full after a few rows. */
function scene(onEvent?: (event: StoreEvent) => void) {
  const clock = new ReplayClock({ micros: 1_000_000 })
  const sizes = { memtableBytes: 4096, tableBytes: 4096, blockBytes: 1024 }
  const db = openDatabase({ files: new MemoryFiles(), clock, checksum: crc32 }, { sizes, onEvent })
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t', { values: 'text' })
  const log = db.createTable<string, string>('k.log', { values: 'text' })
  const fill = (count = 100) => {
    for (let i = 0; i < count; i++) {
      clock.advance(1)
      table.put(`key ${i}`, 'v'.repeat(100))
    }
  }
  return { clock, db, table, log, fill }
}

test('a listener may write: what it writes is a commit like any other, and its events come after for everybody', () => {
  const { db, log, fill } = scene()
  const [told, others, newest]: [StoreEvent[], StoreEvent[], boolean[]] = [[], [], []]
  db.on((event) => {
    told.push(event)
    const { time } = log.put(`${event.kind} ${told.length}`, 'v'.repeat(3000))
    newest.push(db.newest === time)
  })
  db.on((event) => others.push(event))
  fill()
  expect([...log.scan()]).toHaveLength(told.length)
  expect(new Set(newest)).toEqual(new Set([true]))
  expect(others).toEqual(told)
  const [ofLog, ofTable] = ['k.log', 'k.t'].map((name) =>
    told.filter((event) => event.kind === 'flush' && db.tableOfTablet(event.tablet) === name),
  )
  expect(ofLog!.length).toBeGreaterThan(0)
  expect(ofTable!.length).toBeGreaterThan(3)
  expect(db.check().flatMap(({ faults }) => faults)).toEqual([])
})

test.each<[string, (db: Database) => unknown]>([
  ['drops the table', (db) => db.dropTable('k.t')],
  ['empties it', (db) => db.truncate('k.t')],
  ['compacts', (db) => db.compact()],
  ['writes down what is in memory', (db) => db.flush()],
  ['restores', (db) => db.restoreSync('k', { to: db.newest })],
  ['reads', (db) => [...db.table('k.t').scan()]],
  ['closes the database', (db) => db.close()],
])('a listener does in the middle of a put what any caller may: it %s', (_, act) => {
  const { db, table, log, clock } = scene()
  let written = 0
  const end = db.on(({ kind }) => {
    if (kind !== 'flush' || written === 0) return
    end()
    act(db)
  })
  const error = refusal(() => {
    for (; written < 60; written++) {
      clock.advance(1)
      table.put(`key ${written}`, 'v'.repeat(100))
    }
  })
  expect(['UNKNOWN_TABLE', 'CLOSED', undefined]).toContain(error?.code)
  if (error?.code === 'CLOSED') return
  expect(db.check().flatMap(({ faults }) => faults)).toEqual([])
  expect(log.put('a', 'after').time).toBe(db.newest)
  expect(log.get('a')).toBe('after')
})

test('what a listener throws does not come out of the call: it is an error that nobody handled', async () => {
  const handled = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection')
  const [errors, told]: [unknown[], StoreEvent[]] = [[], []]
  process.on('unhandledRejection', (error) => errors.push(error))
  const { db, table, fill } = scene()
  db.on(({ kind }) => {
    throw new Error(kind)
  })
  db.on((event) => told.push(event))
  fill()
  expect([...table.scan()]).toHaveLength(100)
  db.close()
  await new Promise((resolve) => setImmediate(resolve))
  process.removeAllListeners('unhandledRejection')
  for (const listener of handled) process.on('unhandledRejection', listener)
  expect(told.length).toBeGreaterThan(3)
  expect(errors.map((error) => (error as Error).message)).toEqual(told.map(({ kind }) => kind))
})

test('a listener that ends itself, or another one, is heard as it says', () => {
  const told: string[] = []
  const { db, fill } = scene()
  const endFirst = db.on(({ kind }) => {
    told.push(`first ${kind}`)
    endFirst()
    endSecond()
  })
  const endSecond = db.on(({ kind }) => told.push(`second ${kind}`))
  fill()
  expect(told).toEqual(['first flush'])
})

test('a jump of the clock that a read sees is told at the end of the turn, and confirming it there is enough', async () => {
  const told: StoreEvent[] = []
  const { clock, db, table } = scene((event) => {
    if (event.kind !== 'clock-jump') return
    told.push(event)
    db.confirmClock()
  })
  const { time } = table.put('a', '1')
  clock.jump(48 * 3_600_000_000)
  expect(table.get('a', { asOf: time })).toBe('1')
  expect(told).toEqual([])
  await Promise.resolve()
  expect(told).toHaveLength(1)
  expect(refusal(() => table.get('a', { asOf: time }))?.code).toBe('HISTORY_GONE')
})

test('a jump of the clock that a read sees is told with the next change', () => {
  const told: string[] = []
  const { clock, db, table, fill } = scene()
  db.on(({ kind }) => told.push(kind))
  const { time } = table.put('a', '1')
  clock.jump(48 * 3_600_000_000)
  expect(table.get('a', { asOf: time })).toBe('1')
  fill(1)
  expect(told).toEqual(['clock-jump'])
})

test('a read is judged by what was there when it began, whatever a listener makes of what it saw', async () => {
  const { clock, db, table } = scene()
  const { time } = table.put('a', '1')
  db.setRetention(10)
  db.hold({ name: 'h', table: 'k.t', at: time })
  clock.advance(100)
  table.put('a', '2')
  db.on(({ kind }) => {
    if (kind !== 'clock-jump') return
    db.release('h')
    db.compact()
  })
  clock.jump(48 * 3_600_000_000)
  expect(table.get('a', { asOf: time })).toBe('1')
  await Promise.resolve()
  expect(refusal(() => table.get('a', { asOf: time }))?.code).toBe('HISTORY_GONE')
})

test('a listener that listens anew is told of what comes after', () => {
  const told: string[] = []
  const { db, fill } = scene()
  const again = ({ kind }: StoreEvent) => {
    told.push(kind)
    end()
    end = db.on(again)
  }
  let end = db.on(again)
  const all: string[] = []
  db.on(({ kind }) => all.push(kind))
  fill()
  expect(told).toEqual(all)
})

test.each([undefined, null, true, {}])('nobody listens by %s', (listener) => {
  const { db } = scene()
  expect(refusal(() => scene(listener as never))?.code).toBe(
    listener === undefined ? undefined : 'INVALID_ARGUMENT',
  )
  expect(refusal(() => db.on(listener as never))?.code).toBe('INVALID_ARGUMENT')
})
