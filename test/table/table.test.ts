/** A table as users hold it: single reads, many, scans with every kind of bounds, batches, and bad input. */
import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { type DatabaseWrite } from '../../src/database/options.ts'
import { open } from '../../src/index.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { BATCH_BYTES_MAX, VALUE_BYTES_MAX } from '../../src/table/codec.ts'
import { type BatchWrite, type ScanOptions, type Table } from '../../src/table/table.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'
import { KEYS, PROBES, compareKeys, refusal } from '../storage/samples.ts'
import { StandingClock } from '../store/scratch.ts'

let clock: StandingClock
let db: Database

beforeEach(() => {
  clock = new StandingClock()
  db = openDatabase({ files: new MemoryFiles(), clock, checksum: crc32 }, { geometry: 'miniature' })
  db.createKeyspace('k')
})

test('what a batch is given is copied, and is no Buffer when it comes out', () => {
  const table = db.createTable<Uint8Array, Uint8Array>('k.t', { keys: 'bytes', values: 'bytes' })
  const [key, value] = [Buffer.from([1]), Buffer.from([2])]
  table.put(key, value)
  key[0] = value[0] = 9
  const found = table.get(Uint8Array.of(1))
  expect(found).toEqual(Uint8Array.of(2))
  expect([...table.scan()].flatMap((entry) => [entry.key, entry.value])).toEqual([Uint8Array.of(1), found])
  expect(Object.getPrototypeOf(found)).toBe(Uint8Array.prototype)
})

describe('a scan', () => {
  const bound = fc.option(fc.constantFrom(...PROBES), { nil: undefined, freq: 2 })
  const options = fc.record({
    ...{ gt: bound, gte: bound, lt: bound, lte: bound, prefix: bound },
    reverse: fc.option(fc.boolean(), { nil: undefined }),
    limit: fc.option(fc.constantFrom(0, 1, 3, 100, -1, Infinity), { nil: undefined }),
  })

  test('has the keys that meet all its bounds, in order, up to its limit', () => {
    const table = db.createTable<Uint8Array, number>('k.t', { keys: 'bytes' })
    for (const [i, key] of KEYS.entries()) {
      table.put(key, i)
      if (i % 4 === 1) db.flush()
      if (i % 5 === 3) table.delete(key)
    }
    holds(
      fc.property(options, (asked: ScanOptions<Uint8Array>) => {
        const { gt, gte, lt, lte, prefix, reverse, limit = -1 } = asked
        const meets = (key: Uint8Array) =>
          (gt === undefined || compareKeys(key, gt) > 0) &&
          (gte === undefined || compareKeys(key, gte) >= 0) &&
          (lt === undefined || compareKeys(key, lt) < 0) &&
          (lte === undefined || compareKeys(key, lte) <= 0) &&
          (prefix === undefined || prefix.every((byte, i) => key[i] === byte))
        const keys = KEYS.flatMap((key, i) => (i % 5 === 3 || !meets(key) ? [] : [{ key, value: i }]))
        if (reverse === true) keys.reverse()
        const expected = limit === -1 ? keys : keys.slice(0, limit)
        expect(Array.from(table.scan(asked), ({ key, value }) => ({ key, value }))).toEqual(expected)
        expect([...table.keys(asked)]).toEqual(expected.map(({ key }) => key))
        expect([...table.values(asked)]).toEqual(expected.map(({ value }) => value))
      }),
    )
  })

  test('of text finds a prefix by code points, and refuses half of one', () => {
    const table = db.createTable<string, number>('k.t')
    for (const key of ['ä', 'äa', '\u{1f600}', '\u{1f601}x', '\ufffd', 'b']) table.put(key, 1)
    const found = (prefix: string) => Array.from(table.scan({ prefix }), ({ key }) => key)
    expect(found('ä')).toEqual(['ä', 'äa'])
    expect(found('\u{1f600}')).toEqual(['\u{1f600}'])
    expect(found('')).toEqual(['b', 'ä', 'äa', '\ufffd', '\u{1f600}', '\u{1f601}x'])
    expect(refusal(() => table.scan({ prefix: '\ud83d' }))?.code).toBe('INVALID_KEY')
  })

  test.each([-2, 0.5, NaN, -Infinity, '3', 2 ** 53])('with the limit %j is refused', (limit) => {
    const table = db.createTable('k.t')
    expect(refusal(() => table.scan({ limit: limit as number }))?.code).toBe('INVALID_ARGUMENT')
  })

  test('with a bound or a prefix of the wrong type is refused at once, not at its first step', () => {
    const text = db.createTable('k.text')
    const bytes = db.createTable<Uint8Array>('k.bytes', { keys: 'bytes' })
    for (const name of ['gt', 'gte', 'lt', 'lte', 'prefix']) {
      expect(refusal(() => text.scan({ [name]: Uint8Array.of(1) }))?.code).toBe('INVALID_KEY')
      expect(refusal(() => text.scan({ [name]: '\ud800' }))?.code).toBe('INVALID_KEY')
      expect(refusal(() => bytes.scan({ [name]: 'text' }))?.code).toBe('INVALID_KEY')
    }
  })

  test('says of each value when it was written', () => {
    const table = db.createTable('k.t')
    const times = ['a', 'b'].map((key) => table.put(key, 1).time)
    expect(Array.from(table.scan(), ({ time }) => time)).toEqual(times)
  })
})

describe('a read', () => {
  test('of one key and of many is as of one time, the present or another', () => {
    const table = db.createTable<string, number>('k.t')
    const before = db.newest
    const first = table.batch([
      { type: 'put', key: 'a', value: 1 },
      { type: 'put', key: 'b', value: 1 },
    ]).time
    table.put('a', 2)
    table.delete('b')
    expect(table.getMany(['a', 'b', 'c', 'a'])).toEqual([2, undefined, undefined, 2])
    expect(table.getMany(['a', 'b', 'c'], { asOf: first })).toEqual([1, 1, undefined])
    expect(table.getMany(['a', 'b'], { asOf: before })).toEqual([undefined, undefined])
    expect([table.get('a'), table.get('b'), table.get('b', { asOf: first })]).toEqual([2, undefined, 1])
    expect(table.getMany([])).toEqual([])
  })

  test.each([
    ['a key of the wrong type', () => table().get(5 as never), 'INVALID_KEY'],
    ['a time that is none', () => table().get('a', { asOf: 'yesterday-ish' }), 'INVALID_TIME'],
    ['a plain number for a time', () => table().get('a', { asOf: 5 as never }), 'INVALID_TIME'],
    ['the future', () => table().get('a', { asOf: '2100-01-01T00:00:00Z' }), 'FUTURE_TIME'],
    ['a time before the table', () => table('forever').get('a', { asOf: 1n as HybridTime }), 'UNKNOWN_TABLE'],
  ])('with %s is refused', (_, read, code) => {
    expect(refusal(read)?.code).toBe(code)
  })

  const table = (keep = '24h') => db.createTable('k.bad', { keep })
})

describe('a batch', () => {
  const anyKey = fc.constantFrom('a', 'b', 'c', 'ab')
  const write: fc.Arbitrary<BatchWrite<string, number>> = fc.oneof(
    fc.record({ type: fc.constant('put' as const), key: anyKey, value: fc.nat() }),
    fc.record({ type: fc.constant('delete' as const), key: anyKey }),
  )

  test('is one commit: of several writes to one key the last one wins', () => {
    const table = db.createTable<string, number>('k.t')
    let model = new Map<string, number>()
    holds(
      fc.property(fc.array(write, { minLength: 1 }), (writes) => {
        const before = db.newest
        const { time } = table.batch(writes)
        const after = new Map(model)
        for (const each of writes) {
          if (each.type === 'put') after.set(each.key, each.value)
          else after.delete(each.key)
        }
        const shown = (asOf?: HybridTime) =>
          new Map(Array.from(table.scan({ asOf }), (entry) => [entry.key, entry.value]))
        expect(shown()).toEqual(after)
        expect(shown(time)).toEqual(after)
        expect(shown((time - 1n) as HybridTime)).toEqual(model)
        expect(time).toBeGreaterThan(before)
        const touched = new Set(writes.map((each) => each.key))
        for (const entry of table.scan()) expect(entry.time === time).toBe(touched.has(entry.key))
        model = after
      }),
      50,
    )
  })

  test('over several tables is seen in all of them from one time on', () => {
    const tables = ['k.a', 'k.b', 'k.c'].map((name) => db.createTable<string, number>(name))
    const before = db.newest
    const { time } = db.batch(
      ['k.a', 'k.b', 'k.c'].map((table) => ({ type: 'put', table, key: 'x', value: 1 })),
    )
    expect(tables.map((table) => table.get('x', { asOf: time }))).toEqual([1, 1, 1])
    expect(tables.map((table) => table.get('x', { asOf: before }))).toEqual([undefined, undefined, undefined])
    expect(tables.map((table) => Array.from(table.scan(), (entry) => entry.time))).toEqual([
      [time],
      [time],
      [time],
    ])
  })

  test('of nothing commits nothing', () => {
    const table = db.createTable('k.t')
    const before = db.newest
    expect(table.batch([]).time).toBe(before)
    expect(db.batch([]).time).toBe(before)
    expect(db.newest).toBe(before)
  })

  test('of which one write is bad is refused whole: nothing of it is there, no time was spent', () => {
    const table = db.createTable('k.t')
    db.createTable('k.text', { values: 'text' })
    table.put('a', 'before')
    const good: DatabaseWrite = { type: 'put', table: 'k.t', key: 'a', value: 'after' }
    const bad: [Partial<Record<keyof DatabaseWrite | 'value', unknown>>, string][] = [
      [{ key: 5 }, 'INVALID_KEY'],
      [{ key: '\ud800' }, 'INVALID_KEY'],
      [{ key: 'x'.repeat(65_536) }, 'TOO_LARGE'],
      [{ value: undefined }, 'INVALID_VALUE'],
      [{ value: new Map() }, 'INVALID_VALUE'],
      [{ table: 'k.text', value: 5 }, 'INVALID_VALUE'],
      [{ table: 'k.none' }, 'UNKNOWN_TABLE'],
      [{ type: 'del' }, 'INVALID_ARGUMENT'],
      [{ type: undefined }, 'INVALID_ARGUMENT'],
    ]
    const [before, versions] = [db.newest, Array.from(db.versions('k.t')).length]
    for (const [change, code] of bad) {
      const wrong = { ...good, key: 'b', ...change } as DatabaseWrite
      for (const batch of [
        [good, wrong],
        [wrong, good],
      ])
        expect(refusal(() => db.batch(batch))?.code).toBe(code)
    }
    expect(table.get('a')).toBe('before')
    expect([db.newest, Array.from(db.versions('k.t')).length]).toEqual([before, versions])
  })

  test('is of the durability that is asked for, of which there are three', () => {
    const table = db.createTable('k.t')
    const { time } = table.put('a', 1, { durability: 'none' })
    expect(db.durableThrough).toBeLessThan(time)
    expect(table.put('a', 2, { durability: 'disk' }).time).toBe(db.durableThrough)
    for (const wrong of ['fsync', '', null, 1]) {
      const options = { durability: wrong as never }
      expect(refusal(() => table.put('a', 3, options))?.code).toBe('INVALID_ARGUMENT')
    }
    expect(table.get('a')).toBe(2)
  })

  test('is of limited size: one byte more is refused', () => {
    const table = db.createTable<string, Uint8Array>('k.t', { values: 'bytes' })
    const value = new Uint8Array(VALUE_BYTES_MAX)
    const writes = Array.from({ length: BATCH_BYTES_MAX / VALUE_BYTES_MAX }, () => ({
      ...{ type: 'put' as const, key: '', value },
    }))
    const error = refusal(() => table.batch([...writes, { type: 'delete', key: 'a' }]))
    expect(error).toMatchObject({ code: 'TOO_LARGE', details: { max: BATCH_BYTES_MAX } })
    expect(Array.from(table.scan())).toEqual([])
  })

  test('belongs to the engine once it is committed: bytes that the caller changes then change nothing', () => {
    const table: Table<Uint8Array, Uint8Array> = db.createTable('k.t', { keys: 'bytes', values: 'bytes' })
    const [key, value] = [Uint8Array.of(1), Uint8Array.of(2)]
    table.put(key, value)
    key[0] = value[0] = 9
    const [entry] = table.scan()
    expect([...entry!.key, ...entry!.value]).toEqual([1, 2])
    entry!.key[0] = entry!.value[0] = 9
    expect([...table.get(Uint8Array.of(1))!]).toEqual([2])
  })
})

describe('a handle', () => {
  test('of a view reads as of its time, and cannot be written to', () => {
    const table = db.createTable<string, number>('k.t')
    const { time } = table.put('a', 1)
    table.put('a', 2)
    const view = db.asOf(time)
    const past = view.table<string, number>('k.t')
    expect([past.get('a'), Array.from(past.scan(), ({ value }) => value)]).toEqual([1, [1]])
    expect(past.get('a', { asOf: time })).toBe(1)
    expect(refusal(() => past.get('a', { asOf: db.newest }))?.code).toBe('INVALID_ARGUMENT')
    for (const write of [() => past.put('a', 3), () => past.delete('a'), () => past.batch([])])
      expect(refusal(write)?.code).toBe('READ_ONLY')
    expect(view.tables).toEqual(['k.t'])
    expect(db.asOf((time - 1n) as HybridTime).tables).toEqual(['k.t'])
    expect(table.get('a')).toBe(2)
  })

  test('knows its name and its id', () => {
    const table = db.createTable('k.t')
    expect([table.name, db.table('k.t').id]).toEqual(['k.t', table.id])
  })

  test('of a view has the name of then, whatever the table is called now, and whether it is there', () => {
    const { time } = db.createTable('k.t').put('a', 1)
    const past = db.asOf(time).table('k.t')
    db.renameTable('k.t', 'renamed')
    expect([past.name, db.table('k.renamed').name]).toEqual(['k.t', 'k.renamed'])
    db.dropTable('k.renamed')
    expect(past.name).toBe('k.t')
    db.dropKeyspace('k')
    expect([past.name, past.get('a')]).toEqual(['k.t', 1])
    expect(db.asOf(time).table('k.t').name).toBe('k.t')
  })
})

test('a document with bytes of a class of their own is refused: nobody could read it again', () => {
  class OwnBytes extends Uint8Array {}
  const own = open({ memory: true })
  own.createKeyspace('k')
  const table = own.createTable('k.t')
  for (const wrong of [OwnBytes.of(1, 2), { deep: [OwnBytes.of(1, 2)] }])
    expect(refusal(() => table.put('a', wrong))?.code).toBe('INVALID_VALUE')
  for (const right of [Uint8Array.of(1, 2), Buffer.from([1, 2])]) {
    table.put('a', { deep: [right] })
    expect(table.get('a')).toEqual({ deep: [Uint8Array.of(1, 2)] })
  }
})

test('a write of a batch that is refused is told by its place', () => {
  const own = open({ memory: true })
  own.createKeyspace('k')
  own.createTable('k.t')
  const good = { type: 'put', table: 'k.t', key: 'a', value: 1 } as const
  const bad: readonly (readonly [object, string])[] = [
    [{ ...good, value: { on: [() => 0] } }, 'INVALID_VALUE'],
    [{ ...good, key: '\ud800' }, 'INVALID_KEY'],
    [{ ...good, key: 'x'.repeat(65_536) }, 'TOO_LARGE'],
    [{ ...good, type: 'set' }, 'INVALID_ARGUMENT'],
  ]
  for (const [write, code] of bad) {
    const error = refusal(() => own.batch([good, good, write as never, good]))
    expect(error).toMatchObject({ code, details: { write: 2 } })
    expect(error?.message).toMatch(/: in write 2 of the batch$/)
    const alone = refusal(() => own.batch([write as never]))
    expect(alone).toMatchObject({ code })
    expect(error?.message).toBe(`${alone?.message}: in write 2 of the batch`)
  }
  const [[document]] = bad as [[never, string]]
  expect(refusal(() => own.batch([good, document]))?.details).toEqual({ path: ['on', 0], write: 1 })
})

test('what is no list of writes is refused, and nothing is written', () => {
  const own = open({ memory: true })
  own.createKeyspace('k')
  const table = own.createTable('k.t')
  const before = own.newest
  const put = { type: 'put', table: 'k.t', key: 'a', value: 1 }
  const lists = [undefined, null, 'put', [null], [put, 7], Array(1), Object.assign(Array(2), [put])]
  for (const wrong of lists) {
    expect(refusal(() => table.batch(wrong as never))?.code).toBe('INVALID_ARGUMENT')
    expect(refusal(() => own.batch(wrong as never))?.code).toBe('INVALID_ARGUMENT')
  }
  for (const type of [1n, undefined, 'del'])
    expect(refusal(() => table.batch([{ type, key: 'a' } as never]))?.code).toBe('INVALID_ARGUMENT')
  expect([table.get('a'), own.newest]).toEqual([undefined, before])
  // A batch of the database would be written to this table as a whole.
  for (const named of ['k.t', 'k.other', 5]) {
    const write = { type: 'put', table: named, key: 'a', value: 1 }
    const error = refusal(() => table.batch([{ type: 'put', key: 'b', value: 1 }, write as never]))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT' })
    expect(error?.message).toContain(named === 5 ? 'a number' : `"${named}"`)
  }
  expect(table.get('b')).toBeUndefined()
})
