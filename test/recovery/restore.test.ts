import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type RestoreRow } from '../../src/catalog/rows.ts'
import { undosInForce } from '../../src/recovery/restore.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type HybridTime, MIN_TIME, formatExact, microsOf, tickBefore } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { propertySeeds } from '../seeds.ts'

/** A database in memory whose clock is cranked by hand. */
function opened(keep: string | number = 'forever') {
  const clock = new ReplayClock({ micros: 1_000 })
  const files = new MemoryFiles()
  const reopen = () => openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature' })
  const db = reopen()
  db.createKeyspace('k')
  db.createTable('k.t', { keep, values: 'text' })
  return { clock, db, reopen, table: db.table<string, string>('k.t') }
}

function codeOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    if (error instanceof PalimpsestError) return error.code
    throw error
  }
  return 'nothing'
}

const rows = (db: Database, name: string, asOf?: HybridTime) =>
  Object.fromEntries(
    Array.from(db.table<string, string>(name).scan({ asOf }), ({ key, value }) => [key, value]),
  )

describe('a restore', () => {
  test('is the worked example of the design', async () => {
    const { clock, db, table } = opened()
    const at = (micros: number) => clock.set(2_000 + micros)
    const asOf = (micros: number) => rows(db, 'k.t', ((BigInt(2_000 + micros) << 12n) | 4095n) as HybridTime)
    for (const micros of [1, 3, 5]) {
      at(micros)
      table.put('a', `a@${micros}`)
    }
    at(6)
    const restore = await db.restore('k', { to: '0000000000002002' })
    at(7)
    table.put('b', 'b@7')
    expect([asOf(5), asOf(6), asOf(7)]).toEqual([{ a: 'a@5' }, { a: 'a@1' }, { a: 'a@1', b: 'b@7' }])
    at(8)
    await db.undo(restore.id)
    expect([asOf(8), asOf(7), asOf(6), asOf(5)]).toEqual([
      { a: 'a@5' },
      { a: 'a@1', b: 'b@7' },
      { a: 'a@1' },
      { a: 'a@5' },
    ])
  })

  test('brings back what was dropped, hides what was created, and gives names back; the undo takes it all back', async () => {
    const { clock, db, table } = opened()
    table.put('x', '1')
    db.createTable('k.dropped', { values: 'text' }).put('y', '2')
    clock.advance(10)
    const before = db.newest
    clock.advance(10)
    db.renameTable('k.t', 'renamed')
    db.dropTable('k.dropped')
    db.createTable('k.dropped', { values: 'text' }).put('z', '3')
    db.createTable('k.created', { values: 'text' }).put('w', '4')
    const after = [...db.tables]
    clock.advance(10)

    const plan = db.planRestore('k', { to: before })
    expect(plan.tables.map(({ name, action }) => `${name} ${action}`)).toEqual([
      'k.t rewound',
      'k.dropped returns',
      'k.dropped hidden',
      'k.created hidden',
    ])
    const restore = await db.restore('k', { to: before })
    expect(db.tables).toEqual(['k.dropped', 'k.t'])
    expect(rows(db, 'k.dropped')).toEqual({ y: '2' })
    expect(table.name).toBe('k.t')

    await db.undo(restore.id)
    expect(db.tables).toEqual(after)
    expect(rows(db, 'k.dropped')).toEqual({ z: '3' })
    expect(rows(db, 'k.created')).toEqual({ w: '4' })
  })

  test('of a dropped keyspace brings it back', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    db.dropKeyspace('k')
    expect(db.keyspaces).toEqual([])
    expect(codeOf(() => db.table('k.t'))).toBe('UNKNOWN_TABLE')
    expect(db.asOf(time).table('k.t').get('x')).toBe('1')
    expect(table.get('x', { asOf: time })).toBe('1')
    clock.advance(5)
    await db.restore('k', { to: time })
    expect(rows(db, 'k.t')).toEqual({ x: '1' })
  })

  test('of one table leaves the others alone', async () => {
    const { clock, db, table } = opened()
    const other = db.createTable<string, string>('k.other', { values: 'text' })
    const { time } = table.put('x', '1')
    clock.advance(5)
    table.put('x', '2')
    other.put('o', '2')
    await db.restore('k', { to: time, table: 't' })
    expect([rows(db, 'k.t'), rows(db, 'k.other')]).toEqual([{ x: '1' }, { o: '2' }])
  })

  test('of one table finds it by the name that it has now, too, and gives it back the one it had', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    db.renameTable('k.t', 'renamed')
    await db.restore('k', { to: time, table: 'renamed' })
    expect([db.tables, table.name]).toEqual([['k.t'], 'k.t'])
  })

  test('that brought a keyspace back takes it away when it is undone', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    db.dropKeyspace('k')
    const restore = await db.restore('k', { to: time })
    const undo = await db.undo(restore.id)
    expect(undo).toMatchObject({ keyspace: 'k', tables: [{ name: 'k.t', action: 'hidden' }] })
    expect([db.keyspaces, db.tables]).toEqual([[], []])
  })

  test('of what was dropped again can be undone, and then does nothing', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    db.dropKeyspace('k')
    const restore = await db.restore('k', { to: time })
    const ofTable = await db.restore('k', { to: time, table: 't' })
    db.dropKeyspace('k')
    // One table is put back only into a keyspace that is there, by an undo either.
    expect(codeOf(() => db.hiddenByUndo(ofTable.id))).toBe('UNKNOWN_KEYSPACE')
    expect(codeOf(() => db.undoSync(ofTable.id))).toBe('UNKNOWN_KEYSPACE')
    expect([...db.hiddenByUndo(restore.id)]).toEqual([])
    const undo = await db.undo(restore.id)
    expect(undo.tables).toEqual([])
    expect(undo.keyspace).toMatch(/^dropped keyspace \d+$/)
    expect([db.keyspaces, db.tables]).toEqual([[], []])
    expect(db.restores()).toMatchObject([
      { id: restore.id, keyspace: undo.keyspace, undoneBy: undo.id },
      { id: ofTable.id, table: expect.stringMatching(/^dropped table \d+$/) },
      { id: undo.id },
    ])
  })

  test('of a table that was dropped since is undone where its keyspace is there', () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    table.put('x', '2')
    const restore = db.restoreSync('k', { to: time, table: 't' })
    db.dropTable('k.t')
    expect([...db.hiddenByUndo(restore.id)]).toEqual([])
    db.undoSync(restore.id)
    expect(rows(db, 'k.t')).toEqual({ x: '2' })
  })

  test('hides, once undone, the deletions that took something away, whatever was compacted', () => {
    const { clock, db, table } = opened()
    table.put('there', '1')
    const { time } = table.put('behind', '1')
    clock.advance(5)
    table.put('after', '1')
    const { id } = db.restoreSync('k', { to: time, table: 't' })
    for (const key of ['there', 'ghost', 'after', 'brief']) table.delete(key)
    table.put('brief', '1')
    for (const key of ['ghost', 'brief', 'there', 'brief']) table.delete(key)
    const hidden = () => Array.from(db.hiddenByUndo(id), ({ key, isDelete }) => [key, isDelete])
    const before = hidden()
    expect(before).toEqual([
      ['brief', true],
      ['there', true],
    ])
    db.compact()
    expect(hidden()).toEqual(before)
  })

  test('hides no deletion of what was deleted already when it was put back', () => {
    const { clock, db, table } = opened()
    table.put('a', '1')
    table.delete('a')
    clock.advance(5)
    table.put('b', '1')
    const { id } = db.restoreSync('k', { to: db.newest })
    const hidden = () => Array.from(db.hiddenByUndo(id), ({ key, isDelete }) => [key, isDelete])
    table.delete('a')
    expect(hidden()).toEqual([])
    db.compact()
    expect(hidden()).toEqual([])
    table.delete('b')
    table.delete('b')
    expect(hidden()).toEqual([['b', true]])
    db.compact()
    expect(hidden()).toEqual([['b', true]])
  })

  test('hides the same of what nobody can read any more, whether it was compacted or not', () => {
    const { clock, db, table } = opened(100)
    const { time } = table.put('there', '1')
    db.hold({ name: 'before', table: 'k.t', at: time })
    const { id } = db.restoreSync('k', { to: time, table: 't' })
    db.hold({ name: 'undone', table: 'k.t', at: formatExact(tickBefore(db.resolveTime(id))) })
    table.put('brief', '1')
    for (const key of ['brief', 'there']) table.delete(key)
    clock.advance(1000)
    const hidden = () => Array.from(db.hiddenByUndo(id), ({ key }) => key)
    expect(hidden()).toEqual(['there'])
    db.compact()
    expect(hidden()).toEqual(['there'])
  })

  test('never takes a promise back', async () => {
    const { clock, db, table } = opened('1h')
    const { time } = table.put('x', '1')
    clock.advance(10)
    db.setRetention('2h', { table: 'k.t' })
    db.hold({ name: 'h', table: 'k.t', at: time })
    await db.restore('k', { to: time })
    expect(db.holds()).toMatchObject([{ kind: 'hold', name: 'h' }])
    expect(db.stats().tables[0]!.keep).toBe(7_200_000_000)
  })

  test('is listed, and a name that can be used as a time', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    table.put('x', '2')
    const restore = await db.restore('k', { to: time })
    clock.advance(5)
    table.put('x', '3')
    expect(table.get('x', { asOf: restore.id })).toBe('1')
    const undo = await db.undo(restore.id)
    expect(db.restores()).toMatchObject([
      { id: restore.id, cause: 'restore', keyspace: 'k', to: time, undoneBy: undo.id },
      { id: undo.id, cause: 'undo', undoes: restore.id },
    ])
    expect(codeOf(() => db.hold({ name: restore.id, at: time }))).toBe('NAME_TAKEN')
  })

  test('can be undone, redone and undone again', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    table.put('x', '2')
    const restore = await db.restore('k', { to: time })
    const undo = await db.undo(restore.id)
    expect(table.get('x')).toBe('2')
    const redo = await db.undo(undo.id)
    expect(table.get('x')).toBe('1')
    await expect(db.undo(undo.id)).rejects.toMatchObject({
      code: 'ALREADY_UNDONE',
      message: expect.stringContaining(`undone already, by ${redo.id}`) as string,
      details: { id: undo.id, undoneBy: redo.id },
    })
    const known = [restore.id, undo.id, redo.id]
    for (const id of ['restore-99', '7', 'nonsense', restore.id.replace('-', '-0')])
      await expect(db.undo(id)).rejects.toMatchObject({ code: 'UNKNOWN_RESTORE', details: { id, known } })
    await db.undo(redo.id)
    expect(table.get('x')).toBe('2')
  })

  test('and its undos, as many as may be, are each undone by the next, and each still done by every second one', () => {
    const { clock, db, table, reopen } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    table.put('x', '2')
    const ids = [db.restoreSync('k', { to: time }).id]
    for (let undo = 1; undo <= 200; undo++) ids.push(db.undoSync(ids.at(-1)!).id)
    // The last one is in force, so the one before is not, and so on.
    const expected = ids.map((id, i) => ({ id, undoneBy: i % 2 === 1 ? ids[i + 1] : undefined }))
    expect(db.restores()).toMatchObject(expected)
    expect(table.get('x')).toBe('1')
    db.close()
    expect(reopen().restores()).toMatchObject(expected)
  })

  test('is undone by the newest undo, in whatever order rows are read: keys of seven digits stand before those of six', () => {
    const row = (id: number, undoes?: number): [number, RestoreRow] => [
      id,
      {
        id,
        cause: undoes === undefined ? 'restore' : 'undo',
        keyspace: 1,
        to: MIN_TIME,
        at: MIN_TIME,
        undoes,
      },
    ]
    const restores = new Map([row(1_000_000, 999_999), row(999_998), row(999_999, 999_998)])
    const undos = Array.from(undosInForce({ restores }), ([id, undo]) => [id, undo.id])
    expect(undos).toEqual([[999_999, 1_000_000]])
  })

  test('applied twice is harmless', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    table.put('x', '2')
    await db.restore('k', { to: time })
    await db.restore('k', { to: time })
    expect(rows(db, 'k.t')).toEqual({ x: '1' })
  })
})

describe('a restore that cannot be', () => {
  test('is refused with a code, and nothing is changed', async () => {
    const { clock, db, table } = opened(100)
    const { time } = table.put('x', '1')
    clock.advance(1_000)
    table.put('x', '2')
    const before = formatExact(db.newest)
    await expect(db.restore('k', { to: '2099-01-01' })).rejects.toMatchObject({ code: 'FUTURE_TIME' })
    await expect(db.restore('k', { to: time })).rejects.toMatchObject({ code: 'HISTORY_GONE' })
    await expect(db.restore('nope', { to: db.newest })).rejects.toMatchObject({ code: 'UNKNOWN_KEYSPACE' })
    await expect(db.restore('k', { to: db.newest, table: 'nope' })).rejects.toMatchObject({
      code: 'UNKNOWN_TABLE',
    })
    await expect(db.undo('restore-99')).rejects.toMatchObject({ code: 'UNKNOWN_RESTORE' })
    await expect(db.undo('nonsense')).rejects.toMatchObject({ code: 'UNKNOWN_RESTORE' })
    expect(db.restores()).toEqual([])
    expect(formatExact(db.newest)).toBe(before)
  })

  test('to a moment before the keyspace or the table existed names that', async () => {
    const { clock, db } = opened()
    const early = db.newest
    clock.advance(10)
    db.createKeyspace('later')
    db.createTable('k.later')
    await expect(db.restore('later', { to: early })).rejects.toMatchObject({ code: 'UNKNOWN_KEYSPACE' })
    await expect(db.restore('k', { to: early, table: 'later' })).rejects.toMatchObject({
      code: 'UNKNOWN_TABLE',
    })
  })

  test('of one table needs its keyspace, which only a restore as a whole brings back', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(5)
    db.dropKeyspace('k')
    await expect(db.restore('k', { to: time, table: 't' })).rejects.toMatchObject({
      code: 'UNKNOWN_KEYSPACE',
      message: expect.stringContaining('restore it as a whole'),
    })
  })

  test('finds its name taken', async () => {
    const { clock, db, table } = opened()
    const { time } = table.put('x', '1')
    clock.advance(10)
    db.dropTable('k.t')
    db.createTable('k.t')
    await expect(db.restore('k', { to: time, table: 't' })).rejects.toMatchObject({ code: 'NAME_TAKEN' })
    db.dropKeyspace('k')
    db.createKeyspace('k')
    await expect(db.restore('k', { to: time })).rejects.toMatchObject({ code: 'NAME_TAKEN' })
  })
})

/** What a keyspace was at a time: the obvious model, a list of whole states. */
/** What there was from some time on; `from` may be earlier, when nothing was written yet. */
interface State {
  readonly time: HybridTime
  readonly from: HybridTime
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, string>>
  /** Whether the keyspace was there. */
  readonly hasKeyspace: boolean
}

type Step =
  | { kind: 'put'; table: number; key: number }
  | { kind: 'delete'; table: number; key: number }
  | { kind: 'create' | 'drop' | 'truncate'; table: number }
  | { kind: 'dropKeyspace' }
  | { kind: 'restore'; back: number; between: boolean }
  | { kind: 'undo'; which: number }
  | { kind: 'flush' }
  | { kind: 'compact' }
  | { kind: 'reopen' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { withCrossShrink: true },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('put' as const), table: fc.nat(1), key: fc.nat(2) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), table: fc.nat(1), key: fc.nat(2) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('create' as const, 'drop', 'truncate'), table: fc.nat(1) }),
  },
  { weight: 1, arbitrary: fc.constant<Step>({ kind: 'dropKeyspace' }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('restore' as const), back: fc.nat(20), between: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('undo' as const), which: fc.nat(5) }) },
  { weight: 4, arbitrary: fc.constantFrom<Step>({ kind: 'flush' }, { kind: 'compact' }, { kind: 'reopen' }) },
)

/** Runs the steps on a database and on the list of states, and compares every state there ever was. */
async function compare(
  steps: readonly Step[],
  advances: readonly number[],
  keep: number,
  /** How long the database itself promises to know what existed; its tables promise to be known as long as they are kept. */
  databaseKeep: number,
): Promise<void> {
  const { clock, db: first, reopen } = opened()
  let db = first
  first.dropTable('k.t')
  first.setRetention(Math.min(keep, databaseKeep))
  first.createTable('k.t0', { values: 'text', keep })
  first.createTable('k.t1', { values: 'text', keep })
  const empty: ReadonlyMap<string, string> = new Map()
  const states: State[] = [
    {
      ...{ time: db.newest, from: db.newest, hasKeyspace: true },
      tables: new Map([0, 1].map((table) => [`k.t${table}`, empty])),
    },
  ]
  const undoable: { id: string; before: number }[] = []
  const nameOf = (table: number) => `k.t${table}`
  // The database may make a commit of its own after a change: its upkeep.
  const note = (time: HybridTime, state: Pick<State, 'tables' | 'hasKeyspace'>, from = time) =>
    states.push({ time, from, tables: state.tables, hasKeyspace: state.hasKeyspace })
  const isReadable = (time: HybridTime, { size }: State['tables']) =>
    microsOf(time) >= clock.now() - (size > 0 ? keep : Math.min(keep, databaseKeep))
  for (const [i, each] of steps.entries()) {
    clock.advance(advances[i % advances.length]!)
    const { hasKeyspace, ...present } = states.at(-1)!
    const tables = new Map(present.tables)
    const last = db.newest
    if (each.kind === 'flush') db.flush()
    else if (each.kind === 'compact') db.compact()
    else if (each.kind === 'reopen') {
      db.close()
      db = reopen()
    } else if (each.kind === 'restore') {
      const index = states.length - 1 - (each.back % states.length)
      const next = states[index + 1]
      // A state lasts through the tick before the next one.
      const to = each.between && next !== undefined ? ((next.from - 1n) as HybridTime) : states[index]!.time
      const before = states.length - 1
      if (!states[index]!.hasKeyspace) {
        expect(['UNKNOWN_KEYSPACE', 'HISTORY_GONE']).toContain(codeOf(() => db.restoreSync('k', { to })))
        continue
      }
      const restore = await unlessGone(db.restore('k', { to }), isReadable(to, states[index]!.tables))
      if (restore === undefined) continue
      note(restore.time!, states[index]!)
      undoable.push({ id: restore.id, before })
    } else if (each.kind === 'undo') {
      const chosen = undoable.splice(each.which % Math.max(1, undoable.length), 1)[0]
      if (chosen === undefined) continue
      const before = states.length - 1
      const undoesAt = states[chosen.before + 1]!.time
      const to = (undoesAt - 1n) as HybridTime
      const undo = await unlessGone(db.undo(chosen.id), isReadable(to, states[chosen.before]!.tables))
      if (undo === undefined) continue
      note(undo.time!, states[chosen.before]!)
      undoable.push({ id: undo.id, before })
    } else if (each.kind === 'dropKeyspace') {
      if (!hasKeyspace) continue
      db.dropKeyspace('k')
      note(db.newest, { tables: new Map(), hasKeyspace: false }, (last + 1n) as HybridTime)
    } else {
      const name = nameOf(each.table)
      const content = tables.get(name)
      let exact: HybridTime | undefined
      if (each.kind === 'create') {
        if (content !== undefined || !hasKeyspace) continue
        db.createTable(name, { values: 'text', keep })
        tables.set(name, new Map())
      } else if (content === undefined) continue
      else if (each.kind === 'drop') {
        db.dropTable(name)
        tables.delete(name)
      } else if (each.kind === 'truncate') {
        db.truncate(name)
        tables.set(name, new Map())
      } else if (each.kind === 'put' || each.kind === 'delete') {
        const changed = new Map(content)
        const key = `key ${each.key}`
        const table = db.table(name)
        const { time } = each.kind === 'put' ? table.put(key, `${i}`) : table.delete(key)
        if (each.kind === 'put') changed.set(key, `${i}`)
        else changed.delete(key)
        tables.set(name, changed)
        exact = time
      }
      note(exact ?? db.newest, { tables, hasKeyspace }, exact ?? ((last + 1n) as HybridTime))
    }
    if (each.kind === 'compact' || each.kind === 'reopen' || i === steps.length - 1)
      checkAll(db, states, isReadable)
  }
  expect(db.keyspaces).toEqual(states.at(-1)!.hasKeyspace ? ['k'] : [])
  expect(db.check().flatMap(({ faults }) => faults)).toEqual([])
}

/** The result, or nothing where the history was gone, as it may only be where it need not be readable. */
async function unlessGone<T>(attempt: Promise<T>, isReadable: boolean): Promise<T | undefined> {
  try {
    return await attempt
  } catch (error) {
    if (!(error instanceof PalimpsestError) || error.code !== 'HISTORY_GONE' || isReadable) throw error
    return undefined
  }
}

function checkAll(
  db: Database,
  states: readonly State[],
  isReadable: (time: HybridTime, tables: State['tables']) => boolean,
): void {
  for (const [i, { time, tables }] of states.entries()) {
    const until = states[i + 1]?.from
    // The state lasts through the tick before the next one.
    for (const asOf of [time, until === undefined ? db.resolveTime('now') : ((until - 1n) as HybridTime)]) {
      if (!isReadable(asOf, tables)) continue
      const view = db.asOf(asOf)
      expect(view.tables).toEqual([...tables.keys()].toSorted())
      for (const [name, content] of tables) {
        const found = Array.from(view.table<string, string>(name).scan(), ({ key, value }) => [key, value])
        expect(found).toEqual([...content].toSorted(([a], [b]) => (a < b ? -1 : 1)))
        const reversed = Array.from(
          view.table<string, string>(name).scan({ reverse: true }),
          ({ key, value }) => [key, value],
        )
        expect(reversed).toEqual(found.toReversed())
        for (const [key, value] of content) expect(view.table(name).get(key)).toBe(value)
      }
    }
  }
}

describe('restores, undos and definitions against a list of states (law 8)', () => {
  test.each(propertySeeds())('seed %i', async (seed) => {
    const run = fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40 }),
      fc.array(fc.constantFrom(0, 1, 1, 3, 50), { minLength: 1, maxLength: 5 }),
      fc.constantFrom(1_000_000, 40, 8),
      fc.constantFrom(1_000_000, 0),
      compare,
    )
    await fc.assert(run, { seed, numRuns: 100 })
  })
})
