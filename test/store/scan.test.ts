/**
 * Scans that stay open: they show one time, whatever is written, flushed and merged meanwhile, or say that
 * it is gone.
 */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { MEMORY_HOLD_MICROS_MAX, MemoryHolds } from '../../src/store/memory-holds.ts'
import { type Entry, type Table } from '../../src/table/table.ts'
import { type HybridTime, hybridTime } from '../../src/time/hybrid-time.ts'
import { closedStretch } from '../../src/time/stretches.ts'
import { refusal } from '../storage/samples.ts'
import { HOUR, StandingClock } from './scratch.ts'

const KEYS = Array.from({ length: 40 }, (_, i) => `key ${String(i).padStart(2, '0')}`)

/** A table that keeps one second of history, and its clock. */
function sample(keep = '1s') {
  const clock = new StandingClock()
  const db = openDatabase({ files: new MemoryFiles(), clock, checksum: crc32 }, { geometry: 'miniature' })
  db.createKeyspace('k')
  const table = db.createTable<string, number>('k.t', { keep })
  const writeAll = (value: number) => table.batch(KEYS.map((key) => ({ type: 'put', key, value }))).time
  return { clock, db, table, writeAll }
}

const valuesOf = (entries: Iterable<Entry<string, number>>) => Array.from(entries, ({ value }) => value)
const all = (value: number) => KEYS.map(() => value)

/** Everything that could take away what an open scan has yet to see. */
function sweep(db: Database, table: Table<string, number>): void {
  table.delete(KEYS[20]!)
  db.flush()
  db.compact()
}

describe.each([false, true])('a scan that is open (reverse: %s)', (reverse) => {
  test.each([
    ['of the present', undefined],
    ['as of a time', 'time' as const],
  ])('%s shows one time, however the window moves on', (_, how) => {
    const { clock, db, table, writeAll } = sample()
    const time = writeAll(1)
    const scan = table.scan({ reverse, ...(how && { asOf: time }) })
    const found = [scan.next().value as Entry<string, number>]
    for (let turn = 0; turn < 10; turn++) {
      clock.advance(10_000_000)
      writeAll(2 + turn)
      sweep(db, table)
      found.push(scan.next().value as Entry<string, number>)
    }
    found.push(...scan)
    expect(valuesOf(found)).toEqual(all(1))
    expect(found.map(({ key }) => key)).toEqual(reverse ? KEYS.toReversed() : KEYS)
    expect(refusal(() => table.get(KEYS[0]!, { asOf: time }))?.code).toBe('HISTORY_GONE')
  })

  test('lets go of its time when it ends, is left, or fails', () => {
    for (const end of ['read to its end', 'left', 'thrown into']) {
      const { clock, db, table, writeAll } = sample()
      const time = writeAll(1)
      const scan = table.scan({ reverse })
      scan.next()
      clock.advance(10_000_000)
      expect(table.get(KEYS[1]!, { asOf: time })).toBe(1)
      if (end === 'read to its end') Array.from(scan)
      else if (end === 'left') scan.return?.()
      else expect(() => scan.throw?.(new RangeError('of the test'))).toThrow(RangeError)
      expect(refusal(() => table.get(KEYS[1]!, { asOf: time }))?.code, end).toBe('HISTORY_GONE')
      db.close()
    }
  })

  test('for too long holds its time no longer: it says so once the time is gone, and shows no wrong row', () => {
    const { clock, db, table, writeAll } = sample()
    writeAll(1)
    const scan = table.scan({ reverse })
    const found = [scan.next().value as Entry<string, number>]
    clock.advance(MEMORY_HOLD_MICROS_MAX)
    writeAll(2)
    sweep(db, table)
    found.push(scan.next().value as Entry<string, number>)
    clock.advance(1)
    writeAll(3)
    sweep(db, table)
    expect(valuesOf(found)).toEqual([1, 1])
    expect(refusal(() => scan.next())?.code).toBe('HISTORY_GONE')
    expect(scan.next().done).toBe(true)
  })

  test('for too long goes on while its time can still be read', () => {
    const { clock, db, table, writeAll } = sample('2h')
    writeAll(1)
    const scan = table.scan({ reverse })
    const found = [scan.next().value as Entry<string, number>]
    clock.advance(HOUR)
    writeAll(2)
    sweep(db, table)
    found.push(...scan)
    expect(valuesOf(found)).toEqual(all(1))
  })

  test('that was asked for and not begun shows the time of the asking, or says that it is gone', () => {
    const { clock, db, table, writeAll } = sample()
    const time = writeAll(1)
    const [present, past] = [table.scan({ reverse }), table.scan({ reverse, asOf: time })]
    const [gonePresent, gonePast] = [table.scan({ reverse }), table.scan({ reverse, asOf: time })]
    writeAll(2)
    db.flush()
    expect(valuesOf(present)).toEqual(all(1))
    expect(valuesOf(past)).toEqual(all(1))
    clock.advance(10_000_000)
    writeAll(3)
    sweep(db, table)
    for (const scan of [gonePresent, gonePast]) expect(refusal(() => scan.next())?.code).toBe('HISTORY_GONE')
  })

  test('when the database is closed is refused, whether begun or not', () => {
    const { db, table, writeAll } = sample()
    writeAll(1)
    const [begun, waiting] = [table.scan({ reverse }), table.scan({ reverse })]
    begun.next()
    db.close()
    for (const scan of [begun, waiting]) expect(refusal(() => scan.next())?.code).toBe('CLOSED')
  })
})

describe('a table that keeps nothing but the present', () => {
  test('shows it to every scan, though it is older than the window', () => {
    const { clock, db, table, writeAll } = sample('0s')
    writeAll(1)
    clock.advance(10_000_000)
    db.compact()
    expect(valuesOf(table.scan())).toEqual(all(1))
    const scan = table.scan()
    scan.next()
    clock.advance(1000)
    writeAll(2)
    sweep(db, table)
    expect(valuesOf(scan)).toEqual(all(1).slice(1))
  })
})

describe('holds in memory', () => {
  const time = hybridTime(5)

  test('are there until they are released', () => {
    const holds = new MemoryHolds()
    const [first, second] = [holds.hold(1, time, 100), holds.hold(2, time, 100)]
    expect([...holds]).toEqual([first, second])
    expect(first.times).toEqual(closedStretch(time, time))
    holds.release(first)
    holds.release(first)
    expect([...holds]).toEqual([second])
  })

  test('are released in any order', () => {
    const holds = new MemoryHolds()
    const held = [1, 2, 3, 4].map((table) => holds.hold(table, time, 100))
    for (const released of [1, 3, 0, 2]) {
      holds.release(held[released]!)
      holds.release(held[released]!)
      held[released] = holds.hold(5 + released, time, 100)
      holds.release(held[released])
    }
    expect([...holds]).toEqual([])
    const [first, , third] = [1, 2, 3].map((table) => holds.hold(table, time, 100))
    holds.release(first!)
    holds.release(third!)
    expect(Array.from(holds, ({ table }) => table)).toEqual([2])
    holds.end()
    expect([...holds]).toEqual([])
  })

  test('are over when they are older than the maximum, and say so', () => {
    const holds = new MemoryHolds()
    const [first, second] = [holds.hold(1, time, 100), holds.hold(1, time, 101)]
    holds.expire(100 + MEMORY_HOLD_MICROS_MAX)
    expect([first.isOver, second.isOver]).toEqual([false, false])
    holds.expire(101 + MEMORY_HOLD_MICROS_MAX)
    expect([first.isOver, second.isOver, [...holds]]).toEqual([true, false, [second]])
    holds.release(first)
  })

  test('of the beginning of time hold nothing', () => {
    expect(new MemoryHolds().hold(1, 0n as HybridTime, 0).times).toEqual([])
  })
})
