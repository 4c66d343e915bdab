/** Scenarios from other systems about retention: what stays, what goes, and what can then still be read. */
import { describe, expect, test } from 'vitest'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { hybridTime, tickBefore } from '../../src/time/hybrid-time.ts'
import { Scene, TABLE, codeOf, timeOf } from './scene.ts'

/** Puts the window's first time at a microsecond; it is `keep` long. */
function cutAt(scene: Scene, cutoff: number, keep: number): void {
  scene.clock.set(cutoff + keep)
}

test('17: what shows at the cutoff is kept, however old it is', () => {
  const scene = new Scene(10)
  scene.at(1, { k1: '1', k2: '1', k3: '1' })
  scene.at(2, { k3: undefined })
  scene.at(4, { k1: '4' })
  scene.at(5, { k1: undefined, k2: undefined })
  cutAt(scene, 3, 10)
  scene.db.compact()
  expect(scene.show(3)).toEqual({ k1: '1', k2: '1' })
  expect(scene.show(4)).toEqual({ k1: '4', k2: '1' })
  expect(scene.show(5)).toEqual({})
  const deletedAt = (key: string, asOf: number) =>
    scene.table.explainRead(key, { asOf: timeOf(asOf) }).versionTime
  expect([deletedAt('k1', 5), deletedAt('k2', 5)]).toEqual([hybridTime(5), hybridTime(5)])
  // k3@1 is seen by nobody, and then k3@2✝ hides nothing: beyond what the other system drops.
  expect(scene.kept()).toEqual(['k1@5✝', 'k1@4', 'k1@1', 'k2@5✝', 'k2@1'])
})

test('18: an old version that was superseded within the window is kept: its age is not that of its write', () => {
  const MINUTE = 60_000_000
  const scene = new Scene('1h')
  scene.at(0, { a: 'v1' })
  scene.at(90 * MINUTE, { a: 'v2' })
  scene.clock.set(120 * MINUTE)
  scene.db.compact()
  expect(scene.table.get('a', { asOf: '-45m' })).toBe('v1')
  const [old, young] = ['a@0', `a@${90 * MINUTE}`]
  scene.clock.set(150 * MINUTE - 1)
  scene.db.compact()
  expect(scene.kept()).toEqual([young, old])
  scene.clock.set(150 * MINUTE)
  scene.db.compact()
  expect(scene.kept(), 'superseded for an hour, it goes').toEqual([young])
})

test('19: what a hold sees outlives a delete, and what it does not see goes', () => {
  const scene = new Scene(10)
  scene.at(1, { a: 'v0' })
  scene.at(2, { a: 'v1' })
  scene.at(3, { b: 'v2' })
  scene.db.hold({ name: 'pinned', at: timeOf(3) })
  scene.at(4, { a: undefined })
  scene.clock.set(100)
  scene.db.compact()
  expect(scene.show(timeOf(3))).toEqual({ a: 'v1', b: 'v2' })
  expect(scene.show()).toEqual({ b: 'v2' })
  expect(scene.kept()).toEqual(['a@4✝', 'a@2', 'b@3'])
})

test('20: at the cutoff a state is whole, never a mix', () => {
  const scene = new Scene(10)
  scene.at(1, { k1: '1', k2: '1', k3: '1' })
  scene.at(2, { k3: undefined })
  scene.at(4, { k1: '4' })
  scene.db.flush()
  cutAt(scene, 3, 10)
  for (const step of [() => undefined, () => scene.db.compact(), () => scene.reopen()]) {
    step()
    expect(scene.show(3)).toEqual({ k1: '1', k2: '1' })
    expect(scene.table.getMany(['k1', 'k2', 'k3'], { asOf: timeOf(3) })).toEqual(['1', '1', undefined])
  }
})

describe('21: the edges of what can be read are the same for every way to read:', () => {
  const CUTOFF = 20
  const NOW = 40
  const edges = [
    ['the tick before the window', tickBefore(hybridTime(CUTOFF)), 'HISTORY_GONE'],
    ['its first tick', hybridTime(CUTOFF), 'nothing'],
    ['the present', timeOf(NOW), 'nothing'],
    ['the tick after it', hybridTime(NOW + 1), 'FUTURE_TIME'],
  ] as const
  const ways = {
    get: ({ table }, asOf) => table.get('a', { asOf }),
    scan: ({ table }, asOf) => [...table.scan({ asOf })],
    'diff from': ({ table }, from) => [...table.diff({ from })],
    'diff to': ({ table }, to) => [...table.diff({ from: timeOf(CUTOFF), to })],
    'history from': ({ table }, from) => [...table.history('a', { from, to: timeOf(NOW) })],
    'history to': ({ table }, to) => [...table.history('a', { to })],
    explain: ({ table }, asOf) => table.explainRead('a', { asOf }),
    view: ({ db }, time) => [...db.asOf(time).table(TABLE).scan()],
    hold: ({ db }, at) => db.hold({ name: 'h', at }),
    restore: ({ db }, to) => db.restoreSync('k', { to }),
  } satisfies Record<string, (scene: Scene, time: bigint) => unknown>

  for (const [edge, time, expected] of edges) {
    test.each(Object.entries(ways))(`${edge}, by %s`, (_, way) => {
      const scene = new Scene(NOW - CUTOFF)
      for (const micros of [1, 10, 20, 30]) scene.at(micros, { a: `${micros}` })
      scene.clock.set(NOW)
      scene.db.compact()
      expect(codeOf(() => way(scene, time))).toBe(expected)
    })
  }
})

test('22: of generations that deletes part, those go that nobody sees any more, with their tombstones', () => {
  const keptAt = (cutoff: number) => {
    const scene = new Scene(10)
    for (const [micros, a] of [
      [1, '1'],
      [2, '2'],
      [3, undefined],
      [4, '4'],
      [5, undefined],
    ] as const)
      scene.at(micros, { a })
    cutAt(scene, cutoff, 10)
    scene.db.compact()
    for (let as = cutoff; as <= 6; as++)
      expect(scene.show(as)).toEqual(as === 2 ? { a: '2' } : as === 4 ? { a: '4' } : {})
    return scene.kept()
  }
  expect(keptAt(2)).toEqual(['a@5✝', 'a@4', 'a@3✝', 'a@2'])
  // etcd keeps a tombstone at the cutoff for one more compaction. Here one that hides nothing goes at once.
  expect(keptAt(3)).toEqual(['a@5✝', 'a@4'])
  expect(keptAt(4)).toEqual(['a@5✝', 'a@4'])
  expect(keptAt(5)).toEqual([])
  expect(keptAt(6)).toEqual([])
})

test('23: the cutoff is a ratchet: a longer retention, a reopening or a clock set back bring nothing back', () => {
  const scene = new Scene(100)
  scene.at(950, { a: '950' })
  scene.at(970, { a: '970' })
  cutAt(scene, 1000, 100)
  scene.db.compact()
  const refused = () => expect(codeOf(() => scene.show(960))).toBe('HISTORY_GONE')
  refused()
  scene.db.setRetention(1000, { table: TABLE })
  refused()
  scene.db.setRetention('forever', { table: TABLE })
  refused()
  scene.reopen()
  refused()
  scene.clock.set(1000)
  refused()
  scene.reopen()
  refused()
  expect(scene.show(1000), 'what was not lost stays').toEqual({ a: '970' })
  scene.clock.set(5000)
  expect(scene.show(1000), 'and is now kept for ever').toEqual({ a: '970' })
})

test('24: while the cutoff moves under a reader, it gets the same answer or an error, never another answer', () => {
  const scene = new Scene(10)
  scene.at(1, { a: '1', b: '1', c: '1' })
  scene.at(5, { a: '5', b: undefined })
  scene.clock.set(11)
  const shown = scene.show(4)
  const cursor = scene.table.scan({ asOf: timeOf(4) })
  const first = cursor.next().value!
  scene.clock.set(30)
  scene.db.compact()
  const read = [first, ...cursor].map(({ key, value }) => [key, value])
  expect(Object.fromEntries(read), 'an open scan holds its time').toEqual(shown)
  expect(shown).toEqual({ a: '1', b: '1', c: '1' })
  expect(
    codeOf(() => scene.show(4)),
    'nobody holds it any more',
  ).toBe('HISTORY_GONE')
})

test('24: what is held answers the same, however far the cutoff moves', () => {
  const scene = new Scene(10)
  scene.at(1, { a: '1', b: '1' })
  scene.at(5, { a: '5', b: undefined })
  scene.db.hold({ name: 'h', at: timeOf(4) })
  for (const now of [11, 30, 1000, 1_000_000]) {
    scene.clock.set(now)
    expect(scene.show(4)).toEqual({ a: '1', b: '1' })
    scene.db.compact()
    expect(scene.show(4)).toEqual({ a: '1', b: '1' })
  }
})

test('26: where history is kept forever a delete erases nothing, nor does any compaction', () => {
  const scene = new Scene('forever')
  for (const [micros, a] of [
    [1, '1'],
    [2, '2'],
    [3, undefined],
    [4, '4'],
  ] as const)
    scene.at(micros, { a })
  scene.clock.set(1_000_000_000)
  scene.db.compact()
  scene.db.compact()
  expect(scene.kept()).toEqual(['a@4', 'a@3✝', 'a@2', 'a@1'])
  expect([1, 2, 3, 4].map((asOf) => scene.show(asOf))).toEqual([{ a: '1' }, { a: '2' }, {}, { a: '4' }])
})

test('27: letting go of all history, again and again, or by a clock far ahead, leaves what is there now', () => {
  const YEAR = 365 * 86_400_000_000
  const scene = new Scene('1d')
  scene.at(1, { a: '1', b: '1' })
  scene.at(2, { a: '2', b: undefined })
  scene.db.setRetention(0, { table: TABLE })
  for (let turn = 0; turn < 2; turn++) {
    scene.clock.advance(1000)
    scene.db.compact()
    expect(scene.show()).toEqual({ a: '2' })
    expect(scene.kept()).toEqual(['a@2'])
  }
  scene.at(5000, { a: '3' })
  scene.clock.jump(YEAR)
  for (const then of [() => undefined, () => scene.db.confirmClock(), () => scene.reopen()]) {
    then()
    scene.db.compact()
    expect(scene.show()).toEqual({ a: '3' })
  }
})

test('28: without retention the past is refused at once, by every way, though its files are still there', () => {
  const scene = new Scene('1d')
  scene.at(1, { a: '1' })
  scene.at(2, { a: '2' })
  scene.clock.set(10)
  scene.db.setRetention(0, { table: TABLE })
  const past = timeOf(1)
  const ways = {
    get: () => scene.table.get('a', { asOf: past }),
    diff: () => scene.table.diff({ from: past }),
    history: () => scene.table.history('a', { from: past }),
    restore: () => scene.db.restoreSync('k', { to: past }),
    hold: () => scene.db.hold({ name: 'h', at: past }),
  }
  const codes = () => new Set(Object.values(ways).map(codeOf))
  expect(codes()).toEqual(new Set(['HISTORY_GONE']))
  expect(scene.show()).toEqual({ a: '2' })
  expect(scene.kept()).toEqual(['a@2', 'a@1'])
  scene.db.setRetention('1d', { table: TABLE })
  expect(codes(), 'raising it brings nothing back').toEqual(new Set(['HISTORY_GONE']))
  scene.clock.set(20)
  expect(scene.show(10), 'from then on history grows again').toEqual({ a: '2' })
})

test('29: recovery after a crash keeps what the window sees, and no compaction comes again and again', () => {
  const files = new FaultFiles()
  const scene = new Scene(100, files)
  for (let i = 1; i <= 60; i++) scene.at(i * 10, { [`k${i % 3}`]: `${i}` })
  scene.db.sync()
  const shown = [500, 550, 600].map((asOf) => scene.show(asOf))
  let image = files.crash('process-kill', seededRandom(1))
  for (let death = 0; death < 3; death++) {
    const { db, events } = scene.afterDeath(image)
    db.flush()
    const table = db.table<string, string>(TABLE)
    const state = (asOf: number) =>
      Object.fromEntries(Array.from(table.scan({ asOf: timeOf(asOf) }), ({ key, value }) => [key, value]))
    expect([500, 550, 600].map(state)).toEqual(shown)
    expect(codeOf(() => state(499))).toBe('HISTORY_GONE')
    const merges = () => events.filter(({ kind }) => kind === 'compaction').length
    const settled = merges()
    for (let i = 0; i < 5; i++) db.flush()
    expect(merges()).toBe(settled)
    expect(death === 0 || settled === 0, 'a later opening has nothing to do').toBe(true)
    image = image.crash('process-kill', seededRandom(death))
  }
})

describe('30: a hold', () => {
  test.each([
    ['is released', (scene: Scene) => scene.db.release('h')],
    ['expires', (scene: Scene) => scene.clock.set(1000)],
  ])('keeps all that is seen at its time until it %s; the next compaction takes it', (_, end) => {
    const scene = new Scene(10)
    scene.at(1, { a: '1', b: '1' })
    scene.at(2, { a: '2' })
    scene.at(3, { b: undefined, c: '3' })
    scene.db.hold({ name: 'h', at: timeOf(2), expiresIn: 990 })
    scene.clock.set(100)
    scene.db.compact()
    scene.reopen()
    expect(scene.show(2)).toEqual({ a: '2', b: '1' })
    expect(scene.kept()).toEqual(['a@2', 'b@3✝', 'b@1', 'c@3'])
    expect(scene.db.holdUsage()).toMatchObject({ holds: [{ hold: { name: 'h' }, alone: { versions: 2 } }] })
    end(scene)
    expect(codeOf(() => scene.show(2))).toBe('HISTORY_GONE')
    expect(scene.kept(), 'only a compaction drops').toHaveLength(4)
    scene.db.compact()
    expect(scene.kept()).toEqual(['a@2', 'c@3'])
  })

  test('without an expiry outlives any time', () => {
    const scene = new Scene(10)
    scene.at(1, { a: '1' })
    scene.db.hold({ name: 'h', at: timeOf(1) })
    scene.at(2, { a: '2' })
    scene.clock.set(1_000_000_000_000)
    scene.db.compact()
    expect(scene.show(1)).toEqual({ a: '1' })
  })
})
