/** Scenarios from other systems about reads: boundaries, deletes, clocks, more than one time. */
import { expect, test } from 'vitest'
import { formatExact, hybridTime, tickAfter, tickBefore } from '../../src/time/hybrid-time.ts'
import { Scene, codeOf, timeOf } from './scene.ts'

/** The data of scenarios 1 and 2: ranges are deleted as the keys that are in them, absent ones included. */
const GRID = [
  { a: undefined, c: undefined, j: undefined },
  { a: '2', f: '2', g: '2' },
  { b: undefined, c: undefined, e: '3', f: undefined, g: undefined, h: '3' },
  { a: undefined, b: undefined, d: '4', f: '4', g: '4', h: undefined },
  { c: undefined, d: undefined, e: undefined, f: undefined, k: '5' },
  { f: '6' },
] as const

function grid(between: (scene: Scene) => void): Scene {
  const scene = new Scene()
  for (const [i, writes] of GRID.entries()) {
    scene.at(i + 1, writes)
    between(scene)
  }
  scene.clock.set(7)
  return scene
}

const WHERE = [
  ['in memory', () => undefined],
  ['in a file for each commit', (scene: Scene) => scene.db.flush()],
  ['merged after each commit', (scene: Scene) => scene.db.compact()],
] as const

test.each(WHERE)(
  '1: as of each time of a grid of puts and deletes, exactly what was there shows: %s',
  (_, between) => {
    const scene = grid(between)
    const states = [
      {},
      { a: '2', f: '2', g: '2' },
      { a: '2', e: '3', h: '3' },
      { d: '4', e: '3', f: '4', g: '4' },
      { g: '4', k: '5' },
      { f: '6', g: '4', k: '5' },
      { f: '6', g: '4', k: '5' },
    ]
    for (const [i, state] of states.entries()) {
      const asOf = timeOf(i + 1)
      expect(scene.show(i + 1), `as of ${i + 1}`).toEqual(state)
      const reversed = Array.from(scene.table.scan({ asOf, reverse: true }), ({ key }) => key)
      expect(reversed).toEqual(Object.keys(state).toReversed())
      const keys = 'a b c d e f g h i j k'.split(' ')
      expect(scene.table.getMany(keys, { asOf })).toEqual(
        keys.map((key) => (state as Record<string, string>)[key]),
      )
    }
  },
)

test.each(WHERE)('2: a seek to a deleted key goes on to the next one that shows: %s', (_, between) => {
  const { table } = grid(between)
  const first = (asOf: number, reverse = false) => {
    const bound = reverse ? { lte: 'f' } : { gte: 'd' }
    return table.scan({ ...bound, asOf: timeOf(asOf), limit: 1, reverse }).next().value?.key
  }
  expect([first(5), first(4), first(3)]).toEqual(['g', 'd', 'e'])
  expect([first(5, true), first(4, true), first(3, true)]).toEqual([undefined, 'f', 'e'])
})

test('3: one key put back to every era in turn, and then into the middle of those restores', () => {
  const scene = new Scene()
  const before = scene.db.newest
  scene.clock.set(1)
  scene.at(2, { k: 'v1' })
  // Commits that fail leave nothing: a batch is refused as a whole.
  scene.clock.set(4)
  expect(
    codeOf(() =>
      scene.db.batch([
        { type: 'put', table: 'k.t', key: 'k', value: 'never' },
        { type: 'put', table: 'k.t', key: 'k', value: 7 },
      ]),
    ),
  ).toBe('INVALID_VALUE')
  scene.clock.set(6)
  expect(
    codeOf(() =>
      scene.db.batch([
        { type: 'delete', table: 'k.t', key: 'k' },
        { type: 'delete', table: 'k.nope', key: 'k' },
      ]),
    ),
  ).toBe('UNKNOWN_TABLE')
  scene.at(9, { k: undefined })
  scene.at(12, { k: 'v2' })
  const eras = [
    [1, undefined],
    [2, 'v1'],
    [5, 'v1'],
    [7, 'v1'],
    [10, undefined],
    [13, 'v2'],
  ] as const
  scene.clock.set(20)
  for (const [to, value] of eras) {
    scene.clock.advance(2)
    const { time } = scene.db.restoreSync('k', { to: timeOf(to) })
    expect(scene.table.get('k'), `back to ${to}`).toBe(value)
    expect(time! > before).toBe(true)
  }
  // 30 is the restore to 10, 28 the one to 7: what those showed comes back.
  scene.clock.set(40)
  scene.db.restoreSync('k', { to: timeOf(30) })
  expect(scene.table.get('k')).toBeUndefined()
  scene.clock.set(41)
  scene.db.restoreSync('k', { to: timeOf(29) })
  expect(scene.table.get('k')).toBe('v1')
  for (const [to, value] of eras) expect(scene.table.get('k', { asOf: timeOf(to) })).toBe(value)
})

test('4: as of a commit sees it, one tick before does not; before the first is empty, after now is refused', () => {
  const MINUTE = 60_000_000
  const scene = new Scene()
  const created = scene.db.newest
  const times = [1, 20, 40].map((minute) => scene.at(minute * MINUTE, { a: `${minute}` }))
  const get = (asOf: bigint) => scene.table.get('a', { asOf })
  expect(times.map((time) => [get(tickBefore(time)), get(time), get(tickAfter(time))])).toEqual([
    [undefined, '1', '1'],
    ['1', '20', '20'],
    ['20', '40', '40'],
  ])
  // A bare microsecond means its end.
  for (const micros of [-1, 0, 1])
    expect(scene.show(20 * MINUTE + micros)).toEqual({ a: micros < 0 ? '1' : '20' })
  expect(scene.show(10 * MINUTE)).toEqual({ a: '1' })
  expect(scene.show(created), 'before the first').toEqual({})
  expect(
    codeOf(() => get(hybridTime(0, 0))),
    'before there was a table',
  ).toBe('UNKNOWN_TABLE')
  expect(() => scene.show(40 * MINUTE + 1)).toThrow(
    expect.objectContaining({
      code: 'FUTURE_TIME',
      details: expect.objectContaining({ now: formatExact(timeOf(40 * MINUTE)) }) as unknown,
    }),
  )
})

test('5: at the instant at which one row dies and another is born, only the new one is there', () => {
  const scene = new Scene()
  const start = scene.at(1, { old: '1' })
  const birth = scene.at(5, { old: undefined, new: '1' })
  expect(scene.show(birth)).toEqual({ new: '1' })
  expect(scene.show(tickBefore(birth))).toEqual({ old: '1' })
  const keys = (from: bigint, to: bigint) => Array.from(scene.table.diff({ from, to }), ({ key }) => key)
  expect(keys(start, tickBefore(birth)), 'through the tick before').toEqual([])
  expect(keys(start, birth), 'the upper end belongs to it').toEqual(['new', 'old'])
  expect(keys(birth, 5n * 4096n + 4095n), 'the lower end is where it starts from').toEqual([])
})

test('7: what ends before it begins matches nothing, or is refused; a diff then goes backwards', () => {
  const scene = new Scene()
  const first = scene.at(1, { a: '1' })
  const last = scene.at(5, { a: '2', b: '1' })
  expect([...scene.table.scan({ gte: 'b', lt: 'a' })]).toEqual([])
  expect(codeOf(() => scene.table.history('a', { from: last, to: first }))).toBe('INVALID_ARGUMENT')
  expect(codeOf(() => scene.db.hold({ name: 'h', from: last, through: first }))).toBe('INVALID_ARGUMENT')
  const sides = (from: bigint, to: bigint) =>
    Array.from(scene.table.diff({ from, to }), ({ key, before, after }) => [key, before, after])
  expect(sides(last, first)).toEqual(sides(first, last).map(([key, before, after]) => [key, after, before]))
})

test('8: of several writes to a key in one commit one version is left, and one change in its history', () => {
  const scene = new Scene()
  scene.clock.set(3)
  const { time } = scene.db.batch([
    { type: 'put', table: 'k.t', key: 'a', value: 'first' },
    { type: 'delete', table: 'k.t', key: 'a' },
    { type: 'put', table: 'k.t', key: 'a', value: 'last' },
    { type: 'put', table: 'k.t', key: 'b', value: 'never seen' },
    { type: 'delete', table: 'k.t', key: 'b' },
  ])
  expect(scene.kept()).toEqual(['a@3', 'b@3✝'])
  const changes = Array.from(scene.table.history('a'), (change) => [change.time, change.value, change.cause])
  expect(changes.filter(([, , cause]) => cause === 'commit')).toEqual([[time, 'last', 'commit']])
  expect(Array.from(scene.table.history('b')).filter(({ cause }) => cause === 'commit')).toEqual([])
  expect(scene.show(tickBefore(time))).toEqual({})
  expect(scene.show(time)).toEqual({ a: 'last' })
})

test('9: while the clock goes backwards commit times still rise, and as-of reads go by them', () => {
  const SECOND = 1_000_000
  const scene = new Scene()
  const start = 100 * SECOND
  const proposed = [0, -5 * SECOND, 1000, 2000, -2 * SECOND, 10 * SECOND]
  const times = proposed.map((offset, i) => scene.at(start + offset, { a: `${i}` }))
  expect(times).toEqual(times.toSorted((a, b) => (a < b ? -1 : 1)))
  expect(new Set(times).size).toBe(times.length)
  for (const [i, asOf] of times.entries()) {
    expect(scene.table.get('a', { asOf })).toBe(`${i}`)
    expect(scene.table.get('a', { asOf: tickBefore(asOf) })).toBe(i === 0 ? undefined : `${i - 1}`)
  }
})

test('10: of two commits in one microsecond a bare microsecond sees both, the exact time of the first only that', () => {
  const scene = new Scene()
  const first = scene.at(5, { a: '1' })
  const second = scene.at(5, { b: '2' })
  expect([first, second]).toEqual([hybridTime(5), hybridTime(5, 1)])
  expect(scene.show(5)).toEqual({ a: '1', b: '2' })
  expect(scene.show(first)).toEqual({ a: '1' })
  expect(scene.show(tickBefore(hybridTime(5))), 'before the microsecond').toEqual({})
  const read = (asOf: string) => Array.from(scene.table.scan({ asOf }), ({ key }) => key)
  expect(read('1970-01-01T00:00:00.000005Z')).toEqual(['a', 'b'])
  expect(read('5.0000')).toEqual(['a'])
  expect(read('1970-01-01T00:00:00.000004Z')).toEqual([])
})

test('11: every way to use a time refuses one to come, and changes nothing', () => {
  const scene = new Scene()
  scene.at(5, { a: '1' })
  const { db, table } = scene
  const to = timeOf(6)
  const ways: Record<string, () => unknown> = {
    get: () => table.get('a', { asOf: to }),
    scan: () => table.scan({ asOf: to }),
    history: () => table.history('a', { to }),
    'diff to': () => table.diff({ from: timeOf(5), to }),
    'diff from': () => table.diff({ from: to }),
    explain: () => table.explainRead('a', { asOf: to }),
    view: () => db.asOf(to),
    hold: () => db.hold({ name: 'h', at: to }),
    restore: () => db.restoreSync('k', { to }),
    plan: () => db.planRestore('k', { to }),
  }
  const codes = Object.entries(ways).map(([way, use]) => [way, codeOf(use)])
  expect(codes).toEqual(Object.keys(ways).map((way) => [way, 'FUTURE_TIME']))
  expect([db.newest <= timeOf(5), db.holds(), db.restores()]).toEqual([true, [], []])
  expect(
    codeOf(() => table.get('a', { asOf: 'minus -5s' })),
    'a negative staleness',
  ).toBe('INVALID_TIME')
  scene.clock.set(6)
  expect(table.get('a', { asOf: to }), 'once it is there, it answers').toBe('1')
})

test('12: a request has one time: a view reads all tables at it, a scan stays at it, two are refused', () => {
  const scene = new Scene()
  scene.createTable('k.u')
  scene.at(1, { a: '1', b: '1' })
  scene.commit({ a: '1' }, 'k.u')
  const view = scene.db.asOf(timeOf(1))
  const scan = scene.table.scan()
  scan.next()
  scene.at(2, { a: '2', b: '2' })
  scene.commit({ a: '2' }, 'k.u')
  expect(
    Array.from(scan, ({ value }) => value),
    'the rest of a scan',
  ).toEqual(['1'])
  expect([view.table('k.t').get('a'), view.table('k.u').get('a')]).toEqual(['1', '1'])
  expect(
    codeOf(() => view.table('k.t').get('a', { asOf: timeOf(2) })),
    'a view asked as of another time',
  ).toBe('INVALID_ARGUMENT')
  expect(view.table('k.t').get('a', { asOf: timeOf(1) }), 'and as of its own').toBe('1')
  const times = { at: timeOf(1), from: timeOf(1), through: timeOf(2) }
  expect(codeOf(() => scene.db.hold({ name: 'h', ...times }))).toBe('INVALID_ARGUMENT')
  expect(codeOf(() => scene.table.get('a', { asOf: '1..2' }))).toBe('INVALID_TIME')
})

test('13: reads of the past leave nothing behind that a read of the present would find', () => {
  const scene = new Scene()
  scene.at(1, { a: 'old' })
  scene.db.flush()
  scene.at(3, { a: 'new' })
  scene.db.compact()
  scene.clock.set(5)
  scene.db.renameTable('k.t', 'renamed')
  const handle = scene.db.table<string, string>('k.renamed')
  for (let i = 0; i < 3; i++) {
    const past = scene.db.asOf(timeOf(1))
    expect([past.tables, past.table('k.t').get('a')]).toEqual([['k.t'], 'old'])
    expect([scene.db.tables, handle.get('a'), handle.name]).toEqual([['k.renamed'], 'new', 'k.renamed'])
    expect(codeOf(() => scene.db.table('k.t'))).toBe('UNKNOWN_TABLE')
    expect(codeOf(() => past.table('k.renamed'))).toBe('UNKNOWN_TABLE')
    expect(handle.get('a', { asOf: timeOf(1) })).toBe('old')
  }
})
