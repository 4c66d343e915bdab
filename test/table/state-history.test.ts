/** History, diff and explanations of real tables: small trees, restores and undos, before and after compaction. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ClockReadings,
  type Database,
  type Difference,
  type HybridTime,
  PalimpsestError,
  ReplayClock,
  type Table,
  type TimeInput,
  hybridTime,
  open,
} from '../../src/index.ts'
import { MEMORY_HOLD_MICROS_MAX } from '../../src/store/memory-holds.ts'
import { MAX_TIME, MICROS_MAX, MIN_TIME, formatExact, tickBefore } from '../../src/time/hybrid-time.ts'
import { propertySeeds } from '../seeds.ts'
import { refusal } from '../storage/samples.ts'

const KEYS = ['a', 'b', 'c', 'd', 'e', 'f']

type Step =
  | { readonly do: 'put' | 'delete'; readonly key: string }
  | { readonly do: 'flush' | 'compact' | 'wait' | 'truncate' | 'undo' }
  | { readonly do: 'restore' | 'hold'; readonly ago: number }

const anyKey = fc.constantFrom(...KEYS)
const anyAgo = fc.nat({ max: 30 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constantFrom('put' as const, 'delete' as const), key: anyKey }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), key: fc.constant('a') }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'wait' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('compact' as const, 'truncate' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('undo' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('restore' as const, 'hold' as const), ago: anyAgo }),
  },
)
const anySteps = fc.array(step, { minLength: 5, maxLength: 80 })

interface World {
  readonly db: Database
  readonly table: Table<string, string>
  readonly clock: ReplayClock
}

/** A database in which the steps were taken, as far as they are possible; each takes a microsecond. */
async function worldOf(steps: readonly Step[], keep: string | number = 40): Promise<World> {
  const clock = new ReplayClock({ micros: 100 })
  const db = open({ memory: true }, { clock, geometry: 'miniature' })
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t', { values: 'text', keep })
  for (const [i, each] of steps.entries()) {
    clock.advance(1)
    try {
      await take(each, i, { db, table, clock })
    } catch (error) {
      if (!(error instanceof PalimpsestError)) throw error
    }
  }
  clock.advance(1)
  return { db, table, clock }
}

async function take(each: Step, i: number, { db, table, clock }: World): Promise<void> {
  const past = (ago: number) => hybridTime(Math.max(101, clock.now() - 1 - ago))
  if (each.do === 'put') table.put(each.key, `${i}`.repeat(1 + (i % 5)))
  else if (each.do === 'delete') table.delete(each.key)
  else if (each.do === 'flush') db.flush()
  else if (each.do === 'compact') db.compact()
  else if (each.do === 'wait') clock.advance(5)
  else if (each.do === 'truncate') db.truncate('k.t')
  else if (each.do === 'undo') await db.undo(db.restores().at(-1)?.id ?? 'none')
  else if (each.do === 'restore') await db.restore('k', { to: past(each.ago), table: 't' })
  else if ('ago' in each) db.hold({ name: `h${i}`, table: 'k.t', at: past(each.ago) })
}

/** The readable ones among all microseconds, as tests can ask for them. */
function readableTimes({ db, clock }: World): readonly HybridTime[] {
  const stretches = db.readable('k.t')
  const times: HybridTime[] = []
  for (let micros = 101; micros <= clock.now(); micros++) {
    const time = hybridTime(micros)
    if (stretches.some(({ after, through }) => after < time && time <= through)) times.push(time)
  }
  return times
}

function histories({ table }: World, reverse = false): readonly string[] {
  return KEYS.flatMap((key) => {
    const lines = Array.from(table.history(key, { reverse }), ({ time, value, versionTime, cause }) => {
      return `${key} ${time} ${value ?? 'absent'} ${versionTime ?? '-'} ${cause}`
    })
    return reverse ? lines.toReversed() : lines
  })
}

describe('over random lives of a table', () => {
  test('history is the same before and after a compaction, and in both orders', async () => {
    await runs(async (taken) => {
      const world = await worldOf(taken)
      const before = histories(world)
      expect(histories(world, true)).toEqual(before)
      world.db.compact()
      expect(histories(world)).toEqual(before)
      expect(histories(world, true)).toEqual(before)
    })
  })

  test('history tells what a read as of each readable time answers', async () => {
    await runs(async (taken) => {
      const world = await worldOf(taken)
      const changes = new Map(KEYS.map((key) => [key, Array.from(world.table.history(key))]))
      for (const time of readableTimes(world)) {
        for (const key of KEYS) {
          const last = changes.get(key)!.findLast((change) => change.time <= time)
          expect(last?.value, `${key} as of ${formatExact(time)}`).toBe(getAsOf(world.table, key, time))
        }
      }
    })
  })

  test('a diff has the keys whose answers differ, with both answers', async () => {
    await runs(async (taken) => {
      const world = await worldOf(taken)
      const times = readableTimes(world)
      for (const [from, to] of [
        [times[0]!, times.at(-1)!],
        [times.at(-1)!, times[0]!],
        [times[times.length >> 1]!, times.at(-1)!],
        [times[0]!, times[times.length >> 1]!],
      ] as const) {
        const found = Array.from(world.table.diff({ from, to }), differenceText)
        expect(found).toEqual(plainDiff(world.table, from, to))
      }
    })
  })

  test('an explained read answers what the read answers, and found it in the last place it looked', async () => {
    await runs(async (taken) => {
      const { table, ...world } = await worldOf(taken)
      for (const asOf of [undefined, ...readableTimes({ table, ...world }).filter((_, i) => i % 4 === 0)]) {
        for (const key of [...KEYS, 'nowhere']) {
          const read = table.explainRead(key, { asOf })
          expect(read.value).toBe(table.get(key, { asOf }))
          const looked = read.steps.filter((each) => each.place !== 'files')
          expect(looked.at(-1)!.outcome === 'found').toBe(read.versionTime !== undefined)
          expect(looked.filter(({ outcome }) => outcome === 'found').length).toBeLessThanOrEqual(1)
        }
      }
    })
  })

  test('a version is explained as kept exactly if a compaction of everything keeps it', async () => {
    await runs(async (taken) => {
      const { db, table } = await worldOf(taken)
      const name = ({ key, time }: { key: string; time: HybridTime }) => `${key}@${formatExact(time)}`
      const all = Array.from(db.versions<string, string>('k.t'))
      const explained = all.map((version) => table.explainVersion(version.key, version.time))
      expect(explained.map(({ time }) => time)).toEqual(all.map(({ time }) => time))
      const kept = explained.filter(({ verdict }) => verdict === 'kept').map(name)
      db.compact()
      const left = Array.from(db.versions<string, string>('k.t'), name)
      expect(left).toEqual(kept)
    })
  })

  test('what can go from a time on is kept until then and goes then, if nothing changes', async () => {
    await runs(async (taken) => {
      const { db, table, clock } = await worldOf(taken)
      db.flush()
      const all = Array.from(db.versions<string, string>('k.t'))
      const explained = all.map(({ key, time }) => table.explainVersion(key, time))
      const ends = explained.filter((each) => each.canGoFrom)
      for (const { key, time, canGoFrom } of ends.toSorted((a, b) => Number(a.canGoFrom! - b.canGoFrom!))) {
        const micros = Number(canGoFrom! >> 12n)
        const isKept = () => table.explainVersion(key, time).verdict === 'kept'
        if (clock.now() < micros) {
          clock.set(micros - 1)
          expect(isKept()).toBe(true)
          clock.set(micros)
        }
        expect(isKept()).toBe(false)
      }
    })
  })
})

test('a restore shows up as one change set, and its undo as the inverse', async () => {
  const { db, table, clock } = await worldOf([])
  table.put('a', 'one')
  const { time } = table.put('b', 'one')
  clock.advance(1)
  table.put('a', 'two')
  table.put('c', 'two')
  const before = db.newest
  const restore = await db.restore('k', { to: time, table: 't' })
  const changed = Array.from(db.diff<string, string>('k.t', { from: before }), differenceText)
  expect(changed).toEqual(['a: two → one', 'c: two → absent'])
  const restored = db.newest
  await db.undo(restore.id)
  const undone = Array.from(db.diff<string, string>('k.t', { from: restored }), differenceText)
  expect(undone).toEqual(['a: one → two', 'c: absent → two'])
  expect(Array.from(table.history('a'), ({ value, cause }) => `${value} ${cause}`)).toEqual([
    'one commit',
    'two commit',
    'one restore',
    'two undo',
  ])
})

test('a history is read on while the table is written to, flushed and compacted', () => {
  const clock = new ReplayClock({ micros: 100 })
  using db = open({ memory: true }, { clock, geometry: 'miniature' })
  db.createKeyspace('k')
  const table = db.createTable<string, number>('k.t', { keep: 'forever' })
  for (let i = 0; i < 300; i++) {
    clock.advance(1)
    table.put('a', i)
  }
  for (const reverse of [false, true]) {
    const seen: (number | undefined)[] = []
    for (const { value } of table.history('a', { reverse, to: hybridTime(400) })) {
      seen.push(value)
      if (seen.length % 7 === 0) table.put('a', -1)
      if (seen.length % 50 === 0) db.compact()
      if (seen.length % 31 === 0) db.flush()
    }
    const expected = Array.from({ length: 300 }, (_, i) => i)
    expect(seen).toEqual(reverse ? expected.toReversed() : expected)
  }
})

test('a history that stays open holds what it has yet to read', () => {
  const clock = new ReplayClock({ micros: 1000 })
  using db = open({ memory: true }, { clock, geometry: 'miniature' })
  db.createKeyspace('k')
  const table = db.createTable<string, number>('k.t', { keep: 10 })
  for (let i = 0; i < 10; i++) {
    clock.advance(1)
    table.put('a', i)
  }
  const changes = table.history('a')
  expect(changes.next().value).toMatchObject({ value: 0 })
  clock.advance(100)
  db.compact()
  expect(Array.from(changes, ({ value }) => value)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('a history that stays open for too long goes on with what can be read, and no further', () => {
  const clock = new ReplayClock({ micros: 1000 })
  using db = open({ memory: true }, { clock, geometry: 'miniature' })
  db.createKeyspace('k')
  const begun = (name: string, keep: number | 'forever') => {
    const table = db.createTable<string, number>(name, { keep })
    for (let i = 0; i < 3; i++) table.put('a', i)
    const changes = table.history('a')
    expect(changes.next().value).toMatchObject({ value: 0 })
    return changes
  }
  const forgetful = begun('k.forgetful', 10)
  const lasting = begun('k.lasting', 'forever')
  expect(db.holds().length).toBe(2)
  clock.advance(MEMORY_HOLD_MICROS_MAX + 1)
  expect(db.holds()).toEqual([])
  expect(Array.from(lasting, ({ value }) => value)).toEqual([1, 2])
  expect(() => forgetful.next()).toThrow(expect.objectContaining({ code: 'HISTORY_GONE' }))
  expect(forgetful.next()).toEqual({ done: true, value: undefined })
})

test('a history holds from its first step until it is over or left, and ends with the database', () => {
  const db = open({ memory: true }, { clock: new ReplayClock({ micros: 1000 }) })
  db.createKeyspace('k')
  const table = db.createTable<string, number>('k.t')
  for (let i = 0; i < 3; i++) table.put('a', i)
  const changes = table.history('a')
  expect(db.holds().length).toBe(0)
  changes.next()
  expect(db.holds().length).toBe(1)
  expect(Array.from(changes).length).toBe(2)
  expect(db.holds().length).toBe(0)
  for (const { value } of table.history('a')) if (value === 1) break
  expect(Array.from(table.history('a', { limit: 2 })).length).toBe(2)
  expect(db.holds().length).toBe(0)
  const left = table.history('a')
  left.next()
  db.close()
  expect(() => left.next()).toThrow(expect.objectContaining({ code: 'CLOSED' }))
})

test("what a history hands out is the caller's: in memory, in tables, where a restore shows it again", async () => {
  using db = open({ memory: true }, { clock: new ReplayClock({ micros: 1000 }), geometry: 'miniature' })
  db.createKeyspace('k')
  const table = db.createTable<Uint8Array, Uint8Array>('k.t', {
    keys: 'bytes',
    values: 'bytes',
    keep: 'forever',
  })
  const key = Uint8Array.of(1)
  const first = table.put(key, Uint8Array.of(1, 1))
  table.put(key, Uint8Array.of(2, 2, 2))
  await db.restore('k', { to: first.time, table: 't' })
  const values = () => Array.from(table.history(key), ({ value }) => [...value!])
  const expected = [Uint8Array.of(1, 1), Uint8Array.of(2, 2, 2), Uint8Array.of(1, 1)].map((each) => [...each])
  for (const settle of [() => undefined, () => db.flush(), () => db.compact()]) {
    settle()
    const history = table.history(key)
    key.fill(7)
    for (const { value } of history) value!.fill(0)
    key.fill(1)
    expect(values()).toEqual(expected)
  }
})

test('the bytes of a key that a history hands out are the caller’s, and not those that it was asked for by', () => {
  const db = open({ memory: true })
  db.createKeyspace('k')
  const table = db.createTable<Uint8Array, string>('k.t', { keys: 'bytes', values: 'text' })
  table.put(Uint8Array.of(1), 'one')
  const key = Buffer.from([1])
  const history = table.history(key)
  key[0] = 2
  const change = history.next().value as { key: Uint8Array; value: string }
  expect([change.key, change.value]).toEqual([Uint8Array.of(1), 'one'])
  change.key[0] = 3
  expect(key[0]).toBe(2)
})

describe('refused', () => {
  const at = (micros: number): TimeInput => hybridTime(micros)

  test('times that are gone or in the future, at the call', async () => {
    const { table, clock } = await worldOf([])
    clock.advance(500)
    expect(refusal(() => table.history('a', { from: at(150) }))?.code).toBe('HISTORY_GONE')
    for (const end of ['from', 'to'])
      expect(refusal(() => table.history('a', { [end]: MIN_TIME }))?.code).toBe('HISTORY_GONE')
    expect(refusal(() => table.history('a', { to: at(9_999) }))?.code).toBe('FUTURE_TIME')
    expect(refusal(() => table.history('a', { from: at(600), to: at(599) }))?.code).toBe('INVALID_ARGUMENT')
    expect(refusal(() => table.history(1 as never))?.code).toBe('INVALID_KEY')
    expect(refusal(() => table.history('a', { limit: -2 }))?.code).toBe('INVALID_ARGUMENT')
    expect(refusal(() => table.diff({ from: at(150) }))?.code).toBe('HISTORY_GONE')
    expect(refusal(() => table.diff({ from: at(600), to: at(9_999) }))?.code).toBe('FUTURE_TIME')
    expect(refusal(() => table.explainRead('a', { asOf: at(150) }))?.code).toBe('HISTORY_GONE')
    expect(refusal(() => table.explainVersion('a', 'no time'))?.code).toBe('INVALID_TIME')
  })
})

test('the history of what is kept for ever can be asked for from the beginning of time on', () => {
  const db = open({ memory: true })
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t', { keep: 'forever', values: 'text' })
  const { time } = table.put('a', '1')
  for (const from of [MIN_TIME, 0n, '0.0', undefined])
    expect(Array.from(table.history('a', { from }), (change) => change.time)).toEqual([time])
  expect([...table.history('a', { to: MIN_TIME })]).toEqual([])
})

test.each([
  ['first', 0, '0.4095'],
  ['last', MICROS_MAX, MAX_TIME],
] as const)('the end of the %s microsecond means the last version of it, to explain', (_, micros, end) => {
  const clock = new ReplayClock({ micros: Math.max(0, micros - 1) })
  const db = open({ memory: true }, { clock })
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t', { values: 'text' })
  clock.set(micros)
  const { time } = table.put('a', '1')
  expect(table.explainVersion('a', end)).toMatchObject({ time, verdict: 'kept', value: '1' })
})

function getAsOf(table: Table<string, string>, key: string, asOf: HybridTime): string | undefined {
  try {
    return table.get(key, { asOf })
  } catch (error) {
    if ((error as PalimpsestError).code === 'UNKNOWN_TABLE') return undefined
    throw error
  }
}

function plainDiff(table: Table<string, string>, from: HybridTime, to: HybridTime): readonly string[] {
  return KEYS.flatMap((key) => {
    const [before, after] = [table.get(key, { asOf: from }), table.get(key, { asOf: to })]
    return before === after ? [] : [`${key}: ${before ?? 'absent'} → ${after ?? 'absent'}`]
  })
}

function differenceText({ key, before, after }: Difference<string, string>): string {
  return `${key}: ${before ?? 'absent'} → ${after ?? 'absent'}`
}

async function runs(check: (taken: readonly Step[]) => Promise<void>): Promise<void> {
  const property = fc.asyncProperty(anySteps, check)
  for (const seed of propertySeeds([1, 2])) await fc.assert(property, { seed, numRuns: 40 })
}

describe('on a clock that never stands still', () => {
  /** Every look at it takes a microsecond, as on a machine. */
  class RunningClock extends ReplayClock {
    override now(): number {
      this.advance(1)
      return super.now()
    }

    override readings(): ClockReadings {
      this.advance(1)
      return super.readings()
    }
  }

  test.each(['24h', '1us', 0])(
    'a history and a scan begin with what can be read, with a window of %s',
    (keep) => {
      using db = open({ memory: true }, { clock: new RunningClock({ micros: 1e12 }) })
      db.createKeyspace('k')
      const table = db.createTable<string, string>('k.t', { values: 'text', keep })
      table.put('a', '1')
      table.put('a', '2')
      expect(Array.from(table.history('a'), ({ value }) => value).at(-1)).toBe('2')
      expect(Array.from(table.history('a', { reverse: true }), ({ value }) => value)[0]).toBe('2')
      expect(Array.from(table.scan(), ({ value }) => value)).toEqual(['2'])
    },
  )

  test('a difference goes up to now, with an empty window and the time before held', () => {
    using db = open({ memory: true }, { clock: new RunningClock({ micros: 1e12 }) })
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t', { values: 'text' })
    table.put('a', '1')
    const from = db.newest
    db.hold({ name: 'held', at: from })
    db.setRetention(0, { table: 'k.t' })
    table.put('b', '1')
    expect(Array.from(table.diff({ from }), ({ key }) => key)).toEqual(['b'])
  })

  test('what an undo would hide goes up to now, with an empty window and the time before the restore held', () => {
    using db = open({ memory: true }, { clock: new RunningClock({ micros: 1e12 }) })
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t', { values: 'text' })
    const restore = db.restoreSync('k', { to: table.put('a', '1').time })
    db.hold({ name: 'undone', table: 'k.t', at: tickBefore(restore.time!) })
    db.setRetention(0, { table: 'k.t' })
    table.put('b', '1')
    expect(Array.from(db.hiddenByUndo(restore.id), ({ key }) => key)).toEqual(['b'])
  })
})

describe('a diff whose first step comes late', () => {
  const ages = () => {
    const clock = new ReplayClock({ micros: 1_000_000 })
    const db = open({ memory: true }, { clock, geometry: 'miniature' })
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t', { keep: 1000, values: 'text' })
    const put = (key: string, value: string, after: number) => {
      clock.advance(after)
      return table.put(key, value).time
    }
    const from = put('a', '1', 0)
    put('a', '2', 10)
    return { db, table, from, put, clock }
  }

  test('is refused if one of its times is gone by then, and makes it readable for nobody', () => {
    const { db, table, from, put } = ages()
    const to = put('c', '3', 900)
    const differences = table.diff({ from, to })
    put('z', 'z', 600)
    db.compact()
    expect(refusal(() => table.get('a', { asOf: from }))?.code).toBe('HISTORY_GONE')
    expect(refusal(() => differences.next())?.code).toBe('HISTORY_GONE')
    expect(refusal(() => table.get('a', { asOf: from }))?.code).toBe('HISTORY_GONE')
    db.close()
  })

  test('holds nothing if it cannot begin', () => {
    const { db, table, from } = ages()
    const differences = table.diff({ from })
    db.dropTable('k.t')
    expect(refusal(() => differences.next())?.code).toBe('UNKNOWN_TABLE')
    expect(db.holds()).toEqual([])
    db.close()
  })
})
