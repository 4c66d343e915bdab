/** Scenarios from other systems about restore and undo. */
import { expect, test } from 'vitest'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type HybridTime, hybridTime, tickBefore } from '../../src/time/hybrid-time.ts'
import { Scene, TABLE, codeOf, timeOf } from './scene.ts'

function restore(scene: Scene, to: number | HybridTime) {
  scene.clock.advance(1)
  return scene.db.restoreSync('k', { to: timeOf(to) })
}

test('32: going back step by step shows each state there was, to now changes nothing, beyond now is refused', () => {
  const scene = new Scene()
  const states = [{}, { a: '2' }, { a: '2', b: '3' }, { b: '3', c: '4' }, { b: '5', c: '4' }, {}, { a: '7' }]
  const writes = [
    {},
    { a: '2' },
    { b: '3' },
    { a: undefined, c: '4' },
    { b: '5' },
    { b: undefined, c: undefined },
    { a: '7' },
  ]
  for (const [i, each] of writes.entries()) scene.at(i + 1, each)
  expect(codeOf(() => restore(scene, 100))).toBe('FUTURE_TIME')
  restore(scene, scene.db.newest)
  expect(scene.show()).toEqual(states[6])
  const before = scene.kept()
  for (let to = 7; to >= 1; to--) {
    restore(scene, to)
    expect(scene.show(), `back to ${to}`).toEqual(states[to - 1])
  }
  expect(scene.kept(), 'nothing is erased').toEqual(before)
})

test('32: what was deleted comes back when the delete is undone by going back further', () => {
  const scene = new Scene()
  for (const [micros, k1] of [
    [2, 'v1'],
    [4, 'v2'],
    [5, undefined],
    [6, 'v3'],
  ] as const)
    scene.at(micros, { k1 })
  scene.clock.set(10)
  restore(scene, 5)
  expect(scene.table.get('k1')).toBeUndefined()
  restore(scene, 4)
  expect(scene.table.get('k1')).toBe('v2')
  scene.at(20, { k1: undefined })
  restore(scene, 19)
  expect(scene.table.get('k1')).toBe('v2')
})

test('33: a restore writes no version: neither deletes for what was absent nor anew what is unchanged', () => {
  const scene = new Scene()
  scene.at(1, { same: '1', changed: '1', gone: '1' })
  const before = scene.at(5, { changed: '5', added: '5', gone: undefined, never: undefined })
  const kept = scene.kept()
  scene.clock.set(10)
  const first = restore(scene, 1)
  expect(scene.show()).toEqual({ same: '1', changed: '1', gone: '1' })
  const repeated = restore(scene, 1)
  expect(scene.show()).toEqual({ same: '1', changed: '1', gone: '1' })
  expect(scene.kept()).toEqual(kept)
  const diff = (to: HybridTime) => [...scene.table.diff({ from: tickBefore(to), to })].map(({ key }) => key)
  expect(diff(first.time!), 'what it changed').toEqual(['added', 'changed', 'gone'])
  expect(diff(repeated.time!), 'repeated it changes nothing').toEqual([])
  // An undo is the state just before.
  scene.db.undoSync(repeated.id)
  scene.db.undoSync(first.id)
  expect(scene.show()).toEqual(scene.show(before))
  expect(scene.kept()).toEqual(kept)
})

test('34: whenever the power goes in a restore, the state is that before or that after, and a retry finishes it', () => {
  let isWatched = false
  const images: FaultFiles[] = []
  const seen = new Set<string>()
  const random = seededRandom(34)
  const lookAt = () => {
    if (!isWatched) return
    for (const choice of files.crashChoices({ random, drawn: 2, singlesMax: 16 })) {
      const image = files.crashImage(choice)
      if (!seen.has(image.imageKey())) images.push(image)
      seen.add(image.imageKey())
    }
  }
  const files = new FaultFiles({ onOperation: lookAt })
  const scene = new Scene('forever', files)
  scene.createTable('k.u')
  scene.at(1, { a: '1', b: '1' })
  scene.commit({ a: '1' }, 'k.u')
  scene.at(5, { a: '5', b: undefined, c: '5' })
  scene.commit({ a: '5' }, 'k.u')
  scene.clock.set(10)
  scene.db.sync()
  const bothTables = (db = scene.db) =>
    [TABLE, 'k.u'].map((name) =>
      Array.from(db.table<string, string>(name).scan(), ({ key, value }) => key + value),
    )
  const before = bothTables()
  isWatched = true
  scene.db.restoreSync('k', { to: timeOf(1) })
  lookAt()
  isWatched = false
  const after = bothTables()
  const found = { before: 0, after: 0 }
  for (const image of images) {
    const { db } = scene.afterDeath(image)
    const state = bothTables(db)
    const isAfter = db.restores().length > 0
    expect(state).toEqual(isAfter ? after : before)
    found[isAfter ? 'after' : 'before']++
    for (let retry = 0; retry < 2; retry++) {
      db.restoreSync('k', { to: timeOf(1) })
      expect(bothTables(db)).toEqual(after)
    }
    db.close()
  }
  expect(Math.min(found.before, found.after), JSON.stringify(found)).toBeGreaterThan(0)
  expect(
    codeOf(() => scene.db.undoSync('restore-999')),
    'what was never begun',
  ).toBe('UNKNOWN_RESTORE')
  expect(bothTables()).toEqual(after)
})

test('35: a restore stands between two commits: readers of before go on, writers of after go on, nothing waits', () => {
  const scene = new Scene()
  scene.at(1, { a: '1', b: '1' })
  scene.at(5, { a: '5', b: '5' })
  scene.clock.set(10)
  const { table } = scene
  const scan = table.scan()
  const view = scene.db.asOf('now')
  expect(scan.next().value).toMatchObject({ key: 'a', value: '5' })
  const { time } = scene.db.restoreSync('k', { to: timeOf(1) })
  const last = scene.commit({ c: 'after' })
  expect(last > time!).toBe(true)
  expect(
    [...scan].map(({ value }) => value),
    'a scan that was open',
  ).toEqual(['5'])
  expect(view.table(TABLE).get('a'), 'a view from before').toBe('5')
  expect(table.get('a'), 'a handle from before').toBe('1')
  // A batch is before or after as a whole.
  const whole = { a: 'x', b: 'x' }
  const made = scene.commit(whole)
  restore(scene, tickBefore(made))
  expect(scene.show()).toEqual({ a: '1', b: '1', c: 'after' })
  restore(scene, made)
  expect(scene.show()).toEqual({ ...whole, c: 'after' })
  scene.db.flush()
  scene.db.compact()
  expect(scene.show(made)).toEqual({ ...whole, c: 'after' })
  expect(scene.show(tickBefore(made))).toEqual({ a: '1', b: '1', c: 'after' })
})

test('36: a restore can itself be gone back to, or behind, and shows up as its net changes', () => {
  const scene = new Scene()
  const v0 = scene.at(1, { a: '0' })
  const v1 = scene.at(2, { a: '1', b: '1' })
  const v2 = scene.at(3, { b: undefined, c: '2', d: '2' })
  scene.clock.set(10)
  const net = ({ time }: { time?: HybridTime | undefined }) =>
    Array.from(
      scene.table.diff({ from: tickBefore(time!), to: time! }),
      ({ key, before, after }) => `${key}: ${before ?? 'absent'} to ${after ?? 'absent'}`,
    )
  const first = restore(scene, v1)
  expect(net(first)).toEqual(['b: absent to 1', 'c: 2 to absent', 'd: 2 to absent'])
  const second = restore(scene, v2)
  expect(net(second)).toEqual(['b: 1 to absent', 'c: absent to 2', 'd: absent to 2'])
  expect(scene.show()).toEqual(scene.show(v2))
  const third = restore(scene, first.time!)
  expect(scene.show(), 'a time that was itself a restore').toEqual(scene.show(v1))
  restore(scene, v0)
  expect(scene.show()).toEqual({ a: '0' })
  scene.db.compact()
  scene.reopen()
  restore(scene, third.time!)
  expect(scene.show()).toEqual({ a: '1', b: '1' })
  restore(scene, second.time!)
  expect(scene.show()).toEqual({ a: '1', c: '2', d: '2' })
})

test('37: a restore to a time shows what a read as of it did, at the very edges too', () => {
  const scene = new Scene()
  const created = scene.db.newest
  const first = scene.at(1, { a: '1' })
  const second = scene.at(1, { b: '1' })
  const last = scene.at(5, { a: '5' })
  scene.clock.set(10)
  for (const to of [
    created,
    tickBefore(first),
    first,
    tickBefore(second),
    second,
    timeOf(1),
    tickBefore(last),
    last,
  ]) {
    const read = scene.show(to)
    restore(scene, to)
    expect(scene.show()).toEqual(read)
  }
  const early = hybridTime(0, 1)
  expect(
    codeOf(() => scene.show(early)),
    'before there was a table',
  ).toBe('UNKNOWN_TABLE')
  expect(codeOf(() => scene.db.restoreSync('k', { to: early, table: 't' }))).toBe('UNKNOWN_TABLE')
  expect(
    codeOf(() => restore(scene, 1_000)),
    'a time that is never reached',
  ).toBe('FUTURE_TIME')
  const noTime = {} as { to: bigint }
  expect(
    codeOf(() => scene.db.restoreSync('k', noTime)),
    'no time',
  ).toBe('INVALID_TIME')
})
