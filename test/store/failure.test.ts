/** When the disk refuses: what was acknowledged stays, what failed is not seen, and opening again finds out. */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { CRASH_MODELS } from '../../src/simulator/crash-models.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { type Fault } from '../../src/simulator/fault-plan.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { readWholeFile } from '../../src/storage/files.ts'
import { namedTables } from '../../src/storage/manifest-state.ts'
import { MANIFEST_PATH, stateIn } from '../../src/storage/manifest.ts'
import { tablePath } from '../../src/storage/table-format.ts'
import { type Directive } from '../../src/history/garbage.ts'
import { type JobIo } from '../../src/storage/job.ts'
import { DelayedRunner } from '../../src/testing/delayed-runner.ts'
import { type StoreEvent } from '../../src/store/events.ts'
import { putFile, refusal } from '../storage/samples.ts'
import { StandingClock } from './scratch.ts'

function open(files: FaultFiles, onEvent?: (event: StoreEvent) => void): Database {
  return openDatabase(
    { files, clock: new StandingClock(), checksum: crc32 },
    { geometry: 'miniature', onEvent },
  )
}

/** Writes until the plan strikes. The values that were acknowledged, and the first refusal. */
function writeUntilFailure(plan: readonly Fault[]) {
  const files = new FaultFiles({ plan })
  const events: StoreEvent[] = []
  const db = open(files, (event) => events.push(event))
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t')
  let acknowledged = 0
  let error: ReturnType<typeof refusal>
  while (error === undefined && acknowledged < 200) {
    error = refusal(() => table.put(`key ${acknowledged}`, 'x'.repeat(50)))
    if (error === undefined) acknowledged++
  }
  return { files, db, table, events, acknowledged, error }
}

/** A clock of a machine that can be out of order. */
class BrokenClock extends StandingClock {
  isBroken = false

  override now(): number {
    return this.isBroken ? -1 : super.now()
  }
}

/** The names of the tables that are there, and of those that the manifest names. */
const tablesIn = (files: FaultFiles) =>
  files
    .list('')!
    .filter((name) => name.endsWith('.table'))
    .toSorted()
const namedIn = (files: FaultFiles) =>
  namedTables(stateIn(readWholeFile(files, MANIFEST_PATH), crc32))
    .map(tablePath)
    .toSorted()

const isDisk = (event: StoreEvent) => event.kind === 'failure'

// The first table is the catalog's.
describe('a failure', () => {
  test.each<[string, Fault]>([
    ['no space for a table', { kind: 'error', operation: 'append', nth: 2, errno: 'ENOSPC', path: '.table' }],
    [
      'a table that cannot be made durable',
      { kind: 'error', operation: 'sync', nth: 2, errno: 'EIO', path: '.table' },
    ],
    [
      'a name that cannot be made durable',
      { kind: 'error', operation: 'syncDirectory', nth: 6, errno: 'EIO' },
    ],
    [
      'no space for an edit of the manifest',
      { kind: 'error', operation: 'append', nth: 7, errno: 'ENOSPC', path: 'MANIFEST' },
    ],
    [
      'a segment that cannot be removed',
      { kind: 'error', operation: 'remove', nth: 1, errno: 'EACCES', path: '.log' },
    ],
    [
      'a table that cannot be removed',
      { kind: 'error', operation: 'remove', nth: 1, errno: 'EACCES', path: '.table' },
    ],
    [
      'an edit of the manifest that cannot be made durable',
      { kind: 'error', operation: 'sync', nth: 8, errno: 'EIO', path: 'MANIFEST' },
    ],
    ['a log that cannot be synced', { kind: 'error', operation: 'sync', nth: 8, errno: 'EIO', path: '.log' }],
    ['no space for a commit', { kind: 'error', operation: 'append', nth: 9, errno: 'ENOSPC', path: '.log' }],
  ])('(%s) ends the writing; every acknowledged commit is there, now and after opening again', (_, fault) => {
    const { files, db, table, events, acknowledged, error } = writeUntilFailure([fault])
    expect(acknowledged).toBeGreaterThan(0)
    expect(acknowledged).toBeLessThan(200)
    // Background work that fails does so after the commit that tripped it has succeeded.
    expect(error?.code).toBe(events.some(isDisk) ? 'STORE_FAILED' : 'IO_FAILED')
    const there = () => Array.from(table.scan()).length
    expect(there()).toBe(acknowledged)
    for (const write of [
      () => table.put('more', 'x'),
      () => db.createKeyspace('more'),
      () => db.compact(),
      () => db.sync(),
    ])
      expect(refusal(write)).toMatchObject({ code: 'STORE_FAILED', cause: { code: 'IO_FAILED' } })
    expect(there()).toBe(acknowledged)
    expect(refusal(() => table.get('key 0', { asOf: db.newest }))).toBeUndefined()
    db.close()

    const again = open(files.crash('process-kill', seededRandom(1)))
    const found = Array.from(again.table('k.t').scan(), ({ key }) => key)
    expect(found.length).toBeGreaterThanOrEqual(acknowledged)
    expect(found.length).toBeLessThanOrEqual(acknowledged + 1)
    expect(again.check().flatMap(({ faults }) => faults)).toEqual([])
    again.table('k.t').put('more', 'x')
    again.flush()
    again.compact()
    again.close()
  })

  test('in background work is told once, with its reason', () => {
    const { events } = writeUntilFailure([
      { kind: 'error', operation: 'append', nth: 1, errno: 'ENOSPC', path: '.table', sticky: true },
    ])
    expect(events.filter(isDisk)).toMatchObject([
      { kind: 'failure', error: { code: 'IO_FAILED', details: { errno: 'ENOSPC' } } },
    ])
  })

  test.each([2, 3, 5, 8, 12])(
    'for want of space leaves no table that nobody names: it may be what takes the space (table %i)',
    (nth) => {
      const { files, events, db } = writeUntilFailure([
        { kind: 'error', operation: 'append', nth, errno: 'ENOSPC', path: '.table', sticky: true },
      ])
      expect(events.filter(isDisk)).toHaveLength(1)
      expect(tablesIn(files)).toEqual(namedIn(files))
      db.close()
    },
  )

  test('of an opening for want of space leaves no table that nobody names', () => {
    const { files } = writeUntilFailure([])
    putFile(files, '000900.table', new Uint8Array(50))
    const again = files.crash('process-kill', seededRandom(1), {
      plan: [{ kind: 'error', operation: 'create', nth: 1, errno: 'ENOSPC', path: '.log' }],
    })
    expect(tablesIn(again)).not.toEqual(namedIn(again))
    expect(refusal(() => open(again))).toMatchObject({ details: { errno: 'ENOSPC' } })
    expect(tablesIn(again)).toEqual(namedIn(again))
    open(again).close()
  })

  test('of the clock is no end: it is refused, and may be set right', () => {
    const clock = new BrokenClock()
    const files = new FaultFiles()
    const db = openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature' })
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t')
    clock.isBroken = true
    const { operations } = files
    for (let turn = 0; turn < 2; turn++)
      expect(refusal(() => table.put('key', 'lost'))?.code).toBe('CLOCK_SKEW')
    expect(files.operations).toBe(operations)
    clock.isBroken = false
    table.put('key', 'kept')
    expect([...table.history('key')].map(({ value }) => value)).toEqual(['kept'])
    db.close()
  })

  test('of a read is no end: the next one may succeed', () => {
    const files = new FaultFiles({
      plan: [{ kind: 'error', operation: 'read', nth: 12, errno: 'EIO', path: '.table' }],
    })
    const limits = { cacheBytes: 0, openTables: 1 }
    const db = openDatabase(
      { files, clock: new StandingClock(), checksum: crc32 },
      { geometry: 'miniature', ...limits },
    )
    db.createKeyspace('k')
    const table = db.createTable<string, string>('k.t')
    for (let i = 0; i < 3; i++) table.put(`key ${i}`, 'x'.repeat(50))
    db.flush('k.t')
    const codes = Array.from({ length: 30 }, (_, i) => refusal(() => table.get(`key ${i % 3}`))?.code)
    expect(codes.filter((code) => code !== undefined)).toEqual(['IO_FAILED'])
    table.put('more', 'x')
    expect(table.get('key 0')).toBe('x'.repeat(50))
    db.close()
  })

  test('a bit that is read wrong is refused, and not kept in the cache', () => {
    const files = new FaultFiles()
    const first = open(files)
    first.createKeyspace('k')
    const table = first.createTable<string, string>('k.t')
    table.put('a', 'x'.repeat(90))
    first.flush()
    first.close()
    const image = files.crash('process-kill', seededRandom(1), {
      // Opening a table reads footer, filter, index and facts; then comes the block.
      plan: [{ kind: 'flip', nth: 10, bit: 300, path: '.table' }],
    })
    const db = open(image)
    const codes = [1, 2, 3].map(() => refusal(() => db.table('k.t').get('a'))?.code)
    expect(codes).toEqual(['TABLE_CORRUPT', undefined, undefined])
    expect(db.table('k.t').get('a')).toBe('x'.repeat(90))
    db.close()
  })
})

/** Writes durably, flushes, merges, closes and opens again, until the disk refuses. What was acknowledged. */
function workUntilFailure(files: FaultFiles): readonly string[] {
  const acknowledged: string[] = []
  const work = () => {
    for (let turn = 0; turn < 2; turn++) {
      const db = open(files)
      if (!db.keyspaces.includes('k')) db.createKeyspace('k')
      if (!db.tables.includes('k.t')) db.createTable('k.t')
      for (let i = 0; i < 8; i++) {
        const key = `key ${turn} ${i}`
        db.table('k.t').put(key, 'x'.repeat(50), { durability: 'disk' })
        acknowledged.push(key)
      }
      db.compact()
      db.close()
    }
  }
  refusal(work)
  return acknowledged
}

test.each(['makeDirectory', 'create', 'rename', 'remove'] as const)(
  'a %s that took effect and failed nevertheless loses nothing, whatever is left of the disk',
  (operation) => {
    for (let nth = 1; ; nth++) {
      const files = new FaultFiles({
        plan: [{ kind: 'error', operation, nth, errno: 'EIO', took: true }],
      })
      const acknowledged = workUntilFailure(files)
      if (files.count(operation) < nth) break
      for (const model of CRASH_MODELS) {
        const what = `${operation} ${nth} (of ${acknowledged.length}), ${model}`
        const again = open(files.crash(model, seededRandom(nth)))
        const found = again.tables.includes('k.t')
          ? Array.from(again.table('k.t').scan(), ({ key }) => key)
          : []
        expect(found, what).toEqual(expect.arrayContaining([...acknowledged]))
        expect(
          again.check().flatMap(({ faults }) => faults),
          what,
        ).toEqual([])
        again.createKeyspace('more')
        again.close()
      }
    }
  },
)

describe('the log', () => {
  // Where flushes take their time, a busy table always has memtables that wait.
  const slowly = (io: JobIo<Directive>) => new DelayedRunner(io, () => ({ ends: 'done', afterPolls: 30 }))

  test.each([
    ['here', undefined],
    ['elsewhere, slowly', () => slowly],
  ])(
    'does not grow without end while a table that is seldom written to needs its oldest segment (flushed %s)',
    (_, jobs) => {
      const files = new FaultFiles()
      const events: StoreEvent[] = []
      const world = { files, clock: new StandingClock(), checksum: crc32, jobs }
      const db = openDatabase(world, { geometry: 'miniature', onEvent: (event) => events.push(event) })
      db.createKeyspace('k')
      const [hot, cold] = [db.createTable('k.hot', { values: 'bytes' }), db.createTable('k.cold')]
      cold.put('a', 1)
      let largest = 0
      for (let i = 0; i < 300; i++) {
        hot.put(`${i % 10}`, new Uint8Array(60))
        largest = Math.max(largest, db.stats().logBytes)
      }
      // miniature: a log of 4 KiB, in segments of 512 bytes, and memtables of 512 bytes, of which some wait.
      expect(largest).toBeLessThan(4096 + (jobs === undefined ? 1024 : 6 * 1024))
      expect(cold.get('a')).toBe(1)
      expect(events.filter((event) => event.kind === 'flush').map(({ tablet }) => tablet)).toContain(
        cold.id + 1,
      )
      db.close()
    },
  )
})
