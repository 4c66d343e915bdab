/**
 * Closing: what of the log the next opening has to read, and that nothing is lost on the way, wherever a crash or a
 * failure comes (laws 1, 4 and 6).
 */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { CRASH_MODELS } from '../../src/simulator/crash-models.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { SimulatedCrash } from '../../src/simulator/fault-plan.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type FileOperation, namesIn } from '../../src/storage/file-rules.ts'
import { type FileSystem } from '../../src/storage/files.ts'
import { planClosing } from '../../src/store/closing.ts'
import { type StoreEvent } from '../../src/store/events.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { refusal } from '../storage/samples.ts'
import { HOUR, START, StandingClock } from './scratch.ts'

const KIB = 1024

function open(
  files: FileSystem,
  clock = new StandingClock(),
  onEvent?: (event: StoreEvent) => void,
): Database {
  const world = { files, clock, checksum: crc32 }
  // A log of more than 2 KiB is not short.
  return openDatabase(world, { geometry: 'tiny', sizes: { segmentBytes: 64 * KIB }, onEvent })
}

/** A database whose log has 10 KiB, all of it in tables; and a little that is in memory only, if that is wanted. */
function sample(
  files: FileSystem,
  inMemory: 'nothing' | 'a little' | 'much',
  clock?: StandingClock,
): Database {
  const db = open(files, clock)
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t', { values: 'text', keep: 'forever' })
  for (let i = 0; i < 10; i++) table.put(`${i}`, 'x'.repeat(KIB))
  if (inMemory !== 'nothing') db.flush('k.t')
  if (inMemory === 'a little') table.put('last', 'little')
  if (inMemory === 'much') table.put('last', 'much'.repeat(KIB))
  if (inMemory === 'nothing') db.flush()
  return db
}

const logsIn = (files: FileSystem) => namesIn(files, '').filter((name) => name.endsWith('.log'))
const rowsOf = (db: Database) =>
  Array.from(db.table<string, string>('k.t').scan(), ({ key, value }) => [key, value])

describe('the plan of a closing', () => {
  const plan = (logBytes: number, ...memtableBytes: number[]) =>
    planClosing({ logBytes, memtableBytes, segmentBytes: 32 * KIB })

  test('a log of which nothing is needed is begun anew, unless it is short', () => {
    expect([plan(KIB), plan(KIB + 1), plan(100 * KIB)]).toEqual(['leave', 'begin anew', 'begin anew'])
  })

  test('what is in memory is written down where that is less work than reading the log again', () => {
    expect([plan(5 * KIB, KIB), plan(5 * KIB + 1, KIB)]).toEqual(['leave', 'begin anew'])
    // Each file that would have to be made counts as much as a short log.
    expect([plan(10 * KIB, KIB, KIB), plan(10 * KIB + 1, KIB, KIB)]).toEqual(['leave', 'begin anew'])
    expect(plan(100 * KIB, 30 * KIB)).toBe('leave')
  })
})

describe('after a close', () => {
  test('nothing is read again of a log that tables have', () => {
    const files = new FaultFiles()
    const db = sample(files, 'nothing')
    const [rows, { newest }] = [rowsOf(db), db]
    db.close()
    expect(logsIn(files)).toEqual(['000002.log'])
    const again = open(files)
    expect(again.recovery).toEqual({
      ...{ commits: 0, newestCommit: newest, tornBytes: 0, wasClosedCleanly: true, orphans: [] },
    })
    expect(rowsOf(again)).toEqual(rows)
    // All of them are durable, though the log has none of them any more.
    expect(again.durableThrough).toBe(newest)
    const { logBytes } = again.stats()
    expect(logBytes).toBeLessThan(100)
    again.close()
    // A short log stays.
    expect(logsIn(files)).toEqual(['000002.log'])
  })

  test('what little is in memory only is in tables, the catalog too', () => {
    const files = new FaultFiles()
    const db = sample(files, 'a little')
    const rows = rowsOf(db)
    db.close()
    const again = open(files)
    expect(again.recovery.commits).toBe(0)
    expect([again.tables, rowsOf(again)]).toEqual([['k.t'], rows])
    expect(again.check().flatMap(({ faults }) => faults)).toEqual([])
    again.close()
  })

  test('much that is in memory only is read from the log', () => {
    const files = new FaultFiles()
    const db = sample(files, 'much')
    const rows = rowsOf(db)
    db.close()
    expect(logsIn(files)).toEqual(['000001.log'])
    const again = open(files)
    // Two commits of the catalog and eleven puts are there; ten of these are in a table, and are passed over.
    expect(again.recovery.commits).toBe(13)
    expect(again.stats().tables[0]?.memtable.versions).toBe(1)
    expect(rowsOf(again)).toEqual(rows)
    again.close()
  })

  test('times that were used stay closed, and refusals stay (laws 1 and 4)', () => {
    const files = new FaultFiles()
    const clock = new StandingClock()
    const db = sample(files, 'nothing', clock)
    const short = db.createTable<string, string>('k.short', { values: 'text', keep: '1h' })
    const first = short.put('a', 'old')
    clock.advance(2 * HOUR)
    db.flush()
    expect(refusal(() => short.get('a', { asOf: first.time }))?.code).toBe('HISTORY_GONE')
    const used = db.resolveTime('now')
    short.get('a', { asOf: used })
    db.close()
    expect(logsIn(files)).toHaveLength(1)
    // The clock of the machine was set back meanwhile.
    const again = open(files, new StandingClock(START))
    expect(again.recovery.commits).toBe(0)
    const table = again.table<string, string>('k.short')
    expect(refusal(() => table.get('a', { asOf: first.time }))?.code).toBe('HISTORY_GONE')
    expect(table.put('b', 'new').time).toBeGreaterThan(used)
    again.close()
  })

  test('a history that is replayed goes on right behind its last time', () => {
    const files = new FaultFiles()
    const world = { files, clock: new ReplayClock({ micros: START, leadMicros: 1000 }), checksum: crc32 }
    const db = openDatabase(world, { geometry: 'miniature' })
    db.createKeyspace('k')
    const { time } = db.createTable<string, string>('k.t').put('a', 'b')
    db.flush()
    db.close()
    expect(logsIn(files)).toEqual(['000002.log'])
    const again = openDatabase(world, { readOnly: true })
    expect(again.newest).toBe(time)
    again.close()
    const third = openDatabase(world)
    expect(third.table('k.t').put('a', 'c').time).toBe(time + 1n)
    third.close()
  })
})

describe('a closing that does not come to its end', () => {
  /** The calls that a closing makes on the disk: the number of each, and of which kind it is the how manieth. */
  function callsOfClosing() {
    const calls: { at: number; operation: FileOperation; nth: number }[] = []
    const counts = new Map<FileOperation, number>()
    let isClosing = false
    const files = new FaultFiles({
      onOperation: ({ index, operation }) => {
        const nth = (counts.get(operation) ?? 0) + 1
        counts.set(operation, nth)
        if (isClosing && index !== undefined) calls.push({ at: index, operation, nth })
      },
    })
    const db = sample(files, 'a little')
    isClosing = true
    db.close()
    return calls
  }

  const expected = () => rowsOf(sample(new FaultFiles(), 'a little'))

  test('because of a crash leaves all that was handed over, whatever is left of the disk', () => {
    const calls = callsOfClosing()
    expect(calls.length).toBeGreaterThan(20)
    for (const { at } of calls) {
      const files = new FaultFiles({ plan: [{ kind: 'crash', at }] })
      const db = sample(files, 'a little')
      expect(() => db.close()).toThrow(SimulatedCrash)
      for (const model of CRASH_MODELS) {
        const again = open(files.crash(model, seededRandom(at)))
        // Before the first sync of the closing, the last commit is durable as it was.
        const rows = rowsOf(again)
        if (model === 'process-kill' || at > calls[0]!.at) expect(rows, `${at}, ${model}`).toEqual(expected())
        else expect(expected()).toEqual(expect.arrayContaining(rows))
        expect(again.check().flatMap(({ faults }) => faults)).toEqual([])
        again.close()
      }
    }
  })

  test('is taken for an end by a reader only where all before it is durable', () => {
    for (const { operation, nth } of callsOfClosing().slice(0, 3)) {
      const files = new FaultFiles({ plan: [{ kind: 'error', operation, nth, errno: 'EIO' }] })
      const db = sample(files, 'a little')
      expect(refusal(() => db.close())?.code).toBe('IO_FAILED')
      const clock = new StandingClock()
      const { durableThrough } = openDatabase({ files, clock, checksum: crc32 }, { readOnly: true })
      const again = open(files.crash('synced-only', seededRandom(nth)))
      expect(again.recovery.newestCommit >= durableThrough, operation).toBe(true)
      again.close()
    }
  })

  test('because of a failure says so, and was closed: nothing is lost', () => {
    // The first three end the log: it is synced, appended to and synced.
    const [, , , ...calls] = callsOfClosing()
    for (const { operation, nth } of calls) {
      const what = `${operation} ${nth}`
      const files = new FaultFiles({ plan: [{ kind: 'error', operation, nth, errno: 'EIO' }] })
      const db = sample(files, 'a little')
      expect(
        refusal(() => db.close()),
        what,
      ).toMatchObject({ code: 'IO_FAILED', details: { errno: 'EIO' } })
      const again = open(files.crash('synced-only', seededRandom(nth)))
      expect(again.recovery.wasClosedCleanly).toBe(true)
      expect(rowsOf(again), what).toEqual(expected())
      again.close()
    }
  })
})
