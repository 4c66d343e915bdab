/**
 * Rules that random operations found broken once, each as small as it can be told. `laws.test.ts` would
 * find them again, sooner or later; this finds them at once.
 */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { type OpenOptions } from '../../src/database/options.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { type FaultPlan, SimulatedCrash } from '../../src/simulator/fault-plan.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type FileSystem } from '../../src/storage/files.ts'
import { segmentPath } from '../../src/storage/log.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type HybridTime, microsOf } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

const START = 1_763_633_730_000_000

interface Opened {
  readonly db: Database
  readonly clock: ReplayClock
}

function openAt(micros: number, files: FileSystem = new MemoryFiles(), options: OpenOptions = {}): Opened {
  const clock = new ReplayClock({ micros, leadMicros: 2 })
  return { db: openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature', ...options }), clock }
}

function createTable(db: Database, keep: number | 'forever' = 'forever') {
  db.createKeyspace('k')
  return db.createTable<string, string>('k.t', { values: 'text', keep })
}

const refused = (code: string) => expect.objectContaining({ code })

describe('a merge of tables with a gap between them', () => {
  test('takes along what lies in the gap, or it would be covered', () => {
    const { db } = openAt(START)
    const table = createTable(db)
    table.put('b', 'in the gap')
    db.compact()
    table.put('a', 'below it')
    db.flush()
    table.put('c', 'above it')
    db.flush()
    expect(db.check().flatMap(({ faults }) => faults)).toEqual([])
    expect(table.getMany(['a', 'b', 'c'])).toEqual(['below it', 'in the gap', 'above it'])
    expect(Array.from(table.scan(), ({ key }) => key)).toEqual(['a', 'b', 'c'])
  })
})

describe('a hold that has run out', () => {
  test('holds nothing after the clock was set back, when what it held is gone', () => {
    const files = new MemoryFiles()
    const { db, clock } = openAt(START, files)
    const table = createTable(db, 10)
    const { time } = table.put('a', 'old')
    table.put('a', 'new')
    db.hold({ name: 'h', table: 'k.t', at: time, expiresIn: 50 })
    clock.advance(100)
    db.compact()
    db.close()
    const later = openAt(START + 20, files).db
    expect(later.holds()).toEqual([])
    expect(() => later.table('k.t').get('a', { asOf: time })).toThrow(refused('HISTORY_GONE'))
    expect(later.table('k.t').get('a')).toBe('new')
  })

  test('holds nothing for a reader either', () => {
    const files = new MemoryFiles()
    const { db, clock } = openAt(START, files)
    const table = createTable(db, 10)
    const { time } = table.put('a', 'old')
    table.put('a', 'new')
    db.hold({ name: 'h', table: 'k.t', at: time, expiresIn: 50 })
    clock.advance(100)
    db.compact()
    const reader = openAt(START, files, { readOnly: true }).db
    expect(() => reader.table('k.t').get('a', { asOf: time })).toThrow(refused('HISTORY_GONE'))
  })

  test('does not come back beside the one that has its name now', () => {
    const files = new MemoryFiles()
    const { db, clock } = openAt(START, files)
    createTable(db)
    db.hold({ name: 'h', table: 'k.t', at: db.newest, expiresIn: 50, reason: 'first' })
    clock.advance(100)
    db.hold({ name: 'h', table: 'k.t', at: db.newest, reason: 'second' })
    db.close()
    const later = openAt(START + 20, files).db
    expect(later.holds()).toMatchObject([{ kind: 'hold', reason: 'second' }])
  })

  test('is no name for a time while a jump of the clock waits to be confirmed, unless it holds', () => {
    const { db, clock } = openAt(START)
    createTable(db)
    const { through } = db.hold({ name: 'h', table: 'k.t', at: db.newest, expiresIn: 50 })
    clock.jump(3_600_000_000)
    expect(db.holds()).toHaveLength(1)
    expect(db.resolveTime('h')).toBe(through)
    db.confirmClock()
    expect(db.holds()).toEqual([])
    expect(() => db.resolveTime('h')).toThrow(refused('INVALID_TIME'))
  })

  test('has to run out before the end of time, or the catalog could not be read again', () => {
    const files = new MemoryFiles()
    const { db } = openAt(START, files)
    createTable(db)
    const hold = () => db.hold({ name: 'h', at: db.newest, expiresIn: Number.MAX_SAFE_INTEGER })
    expect(hold).toThrow(refused('INVALID_TIME'))
    db.close()
    expect(openAt(START, files).db.tables).toEqual(['k.t'])
  })
})

describe('a scan of what is there now that is begun late', () => {
  test('shows what was there when it was asked for', () => {
    const { db } = openAt(START)
    const table = createTable(db)
    table.put('a', 'old')
    const entries = table.scan()
    table.put('a', 'new')
    expect(Array.from(entries, ({ value }) => value)).toEqual(['old'])
  })

  test('is refused if that is gone: never a silent wrong answer', () => {
    const { db, clock } = openAt(START)
    const table = createTable(db, 10)
    table.put('a', 'old')
    const entries = table.scan()
    table.put('a', 'new')
    clock.advance(100)
    db.compact()
    expect(() => entries.next()).toThrow(refused('HISTORY_GONE'))
  })

  test('is not refused if it is what is there now still, however little history is kept', () => {
    const { db, clock } = openAt(START)
    const table = createTable(db, 0)
    table.put('a', 'only')
    const entries = table.scan()
    clock.advance(100)
    db.compact()
    expect(Array.from(entries, ({ value }) => value)).toEqual(['only'])
  })

  test('is refused by a database that was closed', () => {
    const { db } = openAt(START)
    const table = createTable(db)
    table.put('a', 'x')
    const entries = table.scan()
    db.close()
    expect(() => entries.next()).toThrow(refused('CLOSED'))
  })
})

describe('the beginning of time', () => {
  test('is a time like others for a clock that stands there', () => {
    const { db } = openAt(0)
    const table = createTable(db)
    const { time } = table.put('a', 'x')
    expect(microsOf(time)).toBe(0)
    db.compact()
    expect(table.get('a', { asOf: time })).toBe('x')
  })

  test('can be the first time of a hold', () => {
    const { db } = openAt(START)
    const table = createTable(db)
    const { time } = table.put('a', 'x')
    db.hold({ name: 'h', table: 'k.t', from: 0n, through: time })
    expect(db.holds()).toHaveLength(1)
  })
})

describe('a crash while a log segment begins', () => {
  const SECOND = segmentPath(2)

  /** Writes until the second segment of the log is there; or the process ends. */
  function fill(files: FileSystem): HybridTime {
    const { db } = openAt(START, files)
    const table = createTable(db)
    const used = { time: db.newest }
    try {
      while (files.size(SECOND) === undefined) used.time = table.put('a', 'x'.repeat(50)).time
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error
    }
    return used.time
  }

  function callThatCreates(path: string): number {
    let at = 0
    const files: FaultFiles = new FaultFiles({
      onOperation: ({ operation, path: created, index }) => {
        if (operation === 'create' && created === path) at = index!
      },
    })
    fill(files)
    return at
  }

  test('does not lose the times that were reserved (law 1)', () => {
    const plan: FaultPlan = [{ kind: 'crash', at: callThatCreates(SECOND) + 1 }]
    const files = new FaultFiles({ plan })
    const random = seededRandom(1)
    const used = fill(files)
    const first = files.crash('process-kill', random)
    expect(first.size(SECOND), 'there, and empty').toBe(0)
    const { newest } = openAt(START, first).db
    expect(newest).toBeGreaterThan(used)
    const second = first.crash('process-kill', random)
    const { db } = openAt(START, second)
    expect(db.newest).toBeGreaterThanOrEqual(newest)
    // What is flushed needs no older segment, and those before the second one go.
    db.flush()
    const third = second.crash('process-kill', random)
    expect(openAt(START, third).db.newest).toBeGreaterThanOrEqual(newest)
  })
})
