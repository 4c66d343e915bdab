import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { type FaultPlan, SimulatedCrash } from '../../src/simulator/fault-plan.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type HybridTime, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { holds } from '../time/property.ts'

test('a time that was refused once stays refused, though the clock is set back and the database reopened', () => {
  const files = new MemoryFiles()
  const openAt = (micros: number, readOnly = false) =>
    openDatabase({ files, checksum: crc32, clock: new ReplayClock({ micros }) }, { readOnly })
  const first = openAt(1_000_000)
  first.createKeyspace('k')
  const table = first.createTable('k.t', { keep: 1_000 })
  const { time } = table.put('a', 1)
  first.close()

  const later = openAt(1_500_000)
  expect(() => later.table('k.t').get('a', { asOf: time })).toThrow(/history of k\.t .* is gone/)
  later.close()

  for (const readOnly of [true, false]) {
    const setBack = openAt(1_000_500, readOnly)
    expect(() => setBack.table('k.t').get('a', { asOf: time })).toThrow(/is gone/)
    expect(setBack.table('k.t').get('a')).toBe(1)
    setBack.close()
  }
})

/** What asks for something of the past, of a database with a table, another that was dropped, and one restore. */
const ASKS: readonly (readonly [string, (db: Database, time: HybridTime) => unknown])[] = [
  ['names as of a time', (db, time) => db.asOf(time).tables],
  ['a dropped table', (db, time) => db.asOf(time).table('k.dropped').get('a')],
  ['a plan of a restore', (db, time) => db.planRestore('k', { to: time })],
  ['a restore of a table', (db, time) => db.restoreSync('k', { table: 't', to: time })],
  ['an undo', (db) => db.undoSync('restore-6')],
  ['a plan of an undo', (db) => db.planUndo('restore-6')],
  ['what an undo would hide', (db) => db.hiddenByUndo('restore-6')],
  ['a hold', (db, time) => db.hold({ name: 'h', table: 'k.t', at: time })],
]

/** A database as {@link ASKS} want it, whose history is gone half a second later. */
function withLittleHistory() {
  const files = new MemoryFiles()
  const openAt = (micros: number) =>
    openDatabase({ files, checksum: crc32, clock: new ReplayClock({ micros }) })
  const at = (micros: number, what: (db: Database) => unknown) => {
    const db = openAt(micros)
    const found = valueOrRefusal(() => what(db))
    db.close()
    return found
  }
  let time = MIN_TIME
  at(1_000_000, (db) => {
    db.setRetention(1_000)
    db.createKeyspace('k')
    db.createTable('k.dropped')
    time = db.createTable('k.t').put('a', 1).time
    expect(db.restoreSync('k', { to: time }).id).toBe('restore-6')
    db.dropTable('k.dropped')
  })
  return { files, openAt, at, time }
}

test.for(ASKS)('what was refused of the past stays refused, whoever asked: %s (law 4)', ([, ask]) => {
  const { at, time } = withLittleHistory()
  expect(at(1_500_000, (db) => ask(db, time))).toBe('HISTORY_GONE')
  expect(at(1_000_500, (db) => ask(db, time))).toBe('HISTORY_GONE')
})

const contentsOf = (files: MemoryFiles) =>
  (files.list('') ?? []).map((name) => [name, files.open(name).read(0, files.size(name)!)])

test.for(ASKS)('who asks a closed database is told so, and nothing is written: %s', ([, ask]) => {
  const { files, openAt, time } = withLittleHistory()
  const closed = openAt(1_500_000)
  closed.close()
  const other = openAt(1_500_000)
  other.table('k.t').put('b', 2)
  other.flush()
  other.close()
  const before = contentsOf(files)
  expect(() => ask(closed, time)).toThrow(expect.objectContaining({ code: 'CLOSED' }) as Error)
  expect(contentsOf(files)).toEqual(before)
})

type Step =
  | { readonly do: 'put'; readonly key: string }
  | { readonly do: 'advance' | 'reopen earlier' | 'hold'; readonly micros: number }
  | { readonly do: 'compact' }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), key: fc.constantFrom('a', 'b') }) },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('advance' as const, 'reopen earlier', 'hold'),
      micros: fc.constantFrom(0, 1, 10, 11, 30, 100),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
)

/** Something is held, written over, let go and collected; then the clock stands somewhere before that. */
const loss: fc.Arbitrary<readonly Step[]> = fc
  .tuple(...[1, 2, 3].map(() => fc.constantFrom(0, 1, 10, 11, 30, 100)))
  .map(([held = 0, passed = 0, back = 0]) => [
    { do: 'put', key: 'a' },
    { do: 'hold', micros: held },
    { do: 'put', key: 'a' },
    { do: 'advance', micros: passed },
    { do: 'compact' },
    { do: 'reopen earlier', micros: back },
  ])

const steps: fc.Arbitrary<readonly Step[]> = fc
  .array(fc.oneof({ weight: 12, arbitrary: anyStep.map((one) => [one]) }, { weight: 1, arbitrary: loss }), {
    maxLength: 24,
    size: 'max',
  })
  .map((parts) => parts.flat())

/**
 * Carries steps out on one table with a window of ten microseconds, and only then reads every time there
 * was: a refusal is written down, so that one on the way would hide what was not.
 */
function readAtTheEnd(list: readonly Step[]): { readonly right: number; readonly refused: number } {
  const files = new MemoryFiles()
  const openAt = (micros: number) => {
    const clock = new ReplayClock({ micros })
    return { clock, db: openDatabase({ files, checksum: crc32, clock }) }
  }
  let { clock, db } = openAt(1_000_000)
  db.createKeyspace('k')
  db.createTable('k.t', { keep: 10, values: 'text' })
  const states: { readonly time: HybridTime; readonly state: ReadonlyMap<string, string> }[] = []
  for (const [i, step] of list.entries()) {
    if (step.do === 'put') {
      const { time } = db.table<string, string>('k.t').put(step.key, `${i}`)
      states.push({ time, state: new Map(states.at(-1)?.state).set(step.key, `${i}`) })
    } else if (step.do === 'advance') clock.advance(step.micros)
    else if (step.do === 'hold') holdNewest(db, `h${i}`, step.micros + 1)
    else if (step.do === 'compact') db.compact()
    else {
      db.close()
      ;({ clock, db } = openAt(clock.now() - step.micros))
    }
  }
  const counts = { right: 0, refused: 0 }
  for (const { time, state } of states) {
    for (const key of ['a', 'b']) {
      const found = valueOrRefusal(() => db.table<string, string>('k.t').get(key, { asOf: time }))
      if (found === 'HISTORY_GONE') counts.refused++
      else {
        expect(found, `${key} as of ${time}`).toBe(state.get(key))
        counts.right++
      }
    }
  }
  db.close()
  return counts
}

/** Holds the newest time; where that has left the window, there is nothing to hold. */
function holdNewest(db: Database, name: string, expiresIn: number): void {
  valueOrRefusal(() => db.hold({ name, table: 'k.t', at: db.newest, expiresIn }))
}

function using(db: Database, use: (db: Database) => void): void {
  use(db)
  db.close()
}

/** Whether it was not ended by a crash. */
function isCarriedOut(run: () => void): boolean {
  try {
    run()
    return true
  } catch (error) {
    if (error instanceof SimulatedCrash) return false
    throw error
  }
}

function valueOrRefusal<Value>(read: () => Value): Value | 'HISTORY_GONE' {
  try {
    return read()
  } catch (error) {
    if (error instanceof PalimpsestError && error.code === 'HISTORY_GONE') return error.code
    throw error
  }
}

test('what was lost while nobody looked is refused, and never a wrong answer, wherever the clock is set to later (law 4)', () => {
  let [right, refused] = [0, 0]
  holds(
    fc.property(steps, (list) => {
      const counts = readAtTheEnd(list)
      right += counts.right
      refused += counts.refused
    }),
    100,
  )
  expect(right).toBeGreaterThan(200)
  expect(refused).toBeGreaterThan(200)
})

test('what a merge drops once a hold has run out is refused after a crash at any write (law 4)', () => {
  const openAt = (files: FaultFiles, micros: number) =>
    openDatabase({ files, checksum: crc32, clock: new ReplayClock({ micros }) })
  const killed = (files: FaultFiles, plan: FaultPlan = []) =>
    files.crash('process-kill', seededRandom(1), { plan })
  const [first, before] = [new FaultFiles(), { time: MIN_TIME }]
  using(openAt(first, 1_000_000), (db) => {
    db.createKeyspace('k')
    const table = db.createTable('k.t', { keep: 10, values: 'text' })
    before.time = table.put('a', 'old').time
    db.hold({ name: 'h', table: 'k.t', at: before.time, expiresIn: 100 })
    table.put('a', 'new')
  })
  const found: unknown[] = []
  for (let [at, isWhole] = [1, false]; !isWhole; at++) {
    const files = killed(first, [{ kind: 'crash', at }])
    isWhole = isCarriedOut(() => {
      using(openAt(files, 1_000_200), (db) => {
        db.compact()
      })
    })
    using(openAt(killed(files), 1_000_050), (db) => {
      found.push(valueOrRefusal(() => db.table('k.t').get('a', { asOf: before.time })))
    })
  }
  expect([...new Set(found)]).toEqual(['old', 'HISTORY_GONE'])
})
