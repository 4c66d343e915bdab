/**
 * Maintenance that is elsewhere: commits wait more the further it is behind, and are told so; files that nothing needs
 * go one with each commit, and all with a compaction that was asked for; each table has its turn; what a flush is
 * sent does not grow with what was put back; a log that could not be synced elsewhere is the end.
 */
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { type Directive } from '../../src/history/garbage.ts'
import { namesIn } from '../../src/storage/file-rules.ts'
import { type AppendFile, readWholeFile } from '../../src/storage/files.ts'
import {
  type Job,
  type JobIo,
  type JobKind,
  type JobOutcome,
  type JobRunner,
  runJobElsewhere,
} from '../../src/storage/job.ts'
import { type Sizes } from '../../src/storage/geometry.ts'
import { listSegments } from '../../src/storage/log.ts'
import { namedTables } from '../../src/storage/manifest-state.ts'
import { MANIFEST_PATH, stateIn } from '../../src/storage/manifest.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { tablePath } from '../../src/storage/table-format.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type StoreEvent } from '../../src/store/events.ts'
import { DelayedRunner } from '../../src/testing/delayed-runner.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { PalimpsestError } from '../../src/base/errors.ts'

/** Runs each job when it is allowed to, or waited for to the end; notes the waits. */
class HeldRunner implements JobRunner<Directive> {
  static isHeld = true
  readonly waits: number[]
  readonly #io: JobIo<Directive>
  readonly #jobs = new Map<JobKind, Job<Directive>>()

  constructor(io: JobIo<Directive>, waits: number[]) {
    this.#io = io
    this.waits = waits
  }

  start(job: Job<Directive>): void {
    this.#jobs.set(job.kind, job)
  }

  poll(kind: JobKind, waitMicros: number): JobOutcome | undefined {
    if (waitMicros > 0) this.waits.push(waitMicros)
    const job = this.#jobs.get(kind)
    if (job === undefined || (HeldRunner.isHeld && waitMicros !== Infinity)) return undefined
    this.#jobs.delete(kind)
    return runJobElsewhere(job, this.#io)
  }

  abandon(kind: JobKind): void {
    this.#jobs.delete(kind)
  }

  close(): void {
    this.#jobs.clear()
  }
}

interface Opened {
  readonly db: Database
  readonly files: MemoryFiles
  readonly events: StoreEvent[]
  readonly waits: number[]
}

function openHeld(start?: (io: JobIo<Directive>) => JobRunner<Directive>, sizes: Sizes = {}): Opened {
  HeldRunner.isHeld = true
  const files = new MemoryFiles()
  const events: StoreEvent[] = []
  const waits: number[] = []
  const jobs = () => start ?? ((io: JobIo<Directive>) => new HeldRunner(io, waits))
  const clock = new ReplayClock({ micros: 1_763_633_730_000_000 })
  const world = { files, clock, checksum: crc32, jobs }
  const db = openDatabase(world, { geometry: 'miniature', sizes, onEvent: (event) => events.push(event) })
  db.createKeyspace('ks')
  db.createTable('ks.t', { values: 'text' })
  return { db, files, events, waits }
}

function put(db: Database, count: number, size = 40): void {
  const table = db.table<string, string>('ks.t')
  for (let i = 0; i < count; i++) table.put(`key ${i % 20}`, 'v'.repeat(size))
}

const stalls = (events: readonly StoreEvent[]) =>
  events.flatMap((event) => (event.kind === 'stall' ? [`${event.how}: ${event.because}`] : []))
const tablesIn = (files: MemoryFiles) => namesIn(files, '').filter((name) => name.endsWith('.table'))

test('commits wait more the fuller memtables are, in the end for a flush, and no more when it has caught up', () => {
  const { db, events, waits } = openHeld()
  const table = db.table<string, string>('ks.t')
  // Each fills a memtable.
  for (let i = 0; i < 10 && !stalls(events).includes('stop: memtables'); i++)
    table.put('key', 'v'.repeat(1e5))
  expect(stalls(events)).toEqual(['slow: memtables', 'stop: memtables', 'slow: memtables'])
  const finite = waits.filter(Number.isFinite)
  expect(finite.length).toBeGreaterThanOrEqual(2)
  expect(finite[0]).toBeCloseTo((1e5 / (16 * 2 ** 20)) * 1e6, -3)
  expect(finite[1]! / finite[0]!).toBeCloseTo(2)
  expect(waits).toContain(Infinity)
  // The memtable of the catalog is in the way of theirs.
  expect(db.stats().stalls).toMatchObject({ slowed: finite.length, stopped: 2 })
  HeldRunner.isHeld = false
  put(db, 20)
  expect(stalls(events).at(-1)).toMatch(/^none: /)
  const before = waits.length
  put(db, 10)
  expect(waits.length).toBe(before)
  db.close()
})

test('what a compaction has replaced goes one file with each small commit, and all of it with a close', () => {
  const { db, files } = openHeld(undefined, { tableBytes: 4096 })
  HeldRunner.isHeld = false
  const left: number[] = []
  for (let i = 0; i < 200; i++) {
    put(db, 1)
    const named = db
      .stats()
      .tables.reduce((sum, { levels }) => sum + levels.reduce((n, l) => n + l.tables, 0), 0)
    left.push(tablesIn(files).length - named)
  }
  expect(Math.max(...left)).toBeGreaterThan(1)
  for (const [i, count] of left.entries()) if (i > 0) expect(count).toBeGreaterThanOrEqual(left[i - 1]! - 1)
  db.close()
  const again = openDatabase({ files, clock: new ReplayClock({ micros: 1 }), checksum: crc32 })
  expect(again.recovery.orphans).toEqual([])
  again.close()
})

/** Files that know how many bytes of tables there were at the most when one was begun. */
class MeasuredFiles extends MemoryFiles {
  most = 0

  override create(path: string): AppendFile {
    this.most = Math.max(this.most, this.tableBytes)
    return super.create(path)
  }

  get tableBytes(): number {
    return tablesIn(this).reduce((sum, name) => sum + (this.size(name) ?? 0), 0)
  }
}

/** The names of the tables that the manifest names. */
function namedIn(files: MemoryFiles): readonly string[] {
  return namedTables(stateIn(readWholeFile(files, MANIFEST_PATH), crc32)).map(tablePath)
}

const TABLES = ['ks.a', 'ks.b', 'ks.c', 'ks.d']

/** Tables of as much each, with a runner that does what it gets, or does it only for those who wait. */
function openMany(isHeld: boolean): { readonly db: Database; readonly files: MeasuredFiles } {
  HeldRunner.isHeld = isHeld
  const files = new MeasuredFiles()
  const jobs = () => (io: JobIo<Directive>) => new HeldRunner(io, [])
  const clock = new ReplayClock({ micros: 1_763_633_730_000_000 })
  const sizes = { tableBytes: 8192, level1Bytes: 32_768 }
  const db = openDatabase({ files, clock, checksum: crc32, jobs }, { geometry: 'miniature', sizes })
  db.createKeyspace('ks')
  for (const name of TABLES) db.createTable(name, { values: 'text', keep: 0 })
  for (let i = 0; i < 400; i++)
    for (const name of TABLES) db.table(name).put(`key ${(i * 7919) % 200}`, 'v'.repeat(200))
  return { db, files }
}

test.each([true, false])(
  'a compaction that was asked for leaves no file that nothing needs, nor does a flush (the runner is held: %s)',
  (isHeld) => {
    const { db, files } = openMany(isHeld)
    for (const call of ['flush', 'compact'] as const) {
      for (const name of TABLES) for (let i = 0; i < 50; i++) db.table(name).put(`key ${i}`, call)
      db[call]()
      expect(tablesIn(files).toSorted()).toEqual(namedIn(files).toSorted())
      const { firstSegment } = stateIn(readWholeFile(files, MANIFEST_PATH), crc32)
      expect(listSegments(files)[0]).toBe(firstSegment)
    }
    db.dropTable('ks.a')
    db.compact()
    expect(tablesIn(files).toSorted()).toEqual(namedIn(files).toSorted())
    db.close()
  },
)

test('a compaction of many tables needs the space of one of them besides', () => {
  const { db, files } = openMany(false)
  db.flush()
  const before = files.tableBytes
  files.most = 0
  db.compact()
  expect(files.most).toBeLessThan(1.5 * before)
  expect(files.tableBytes).toBeLessThanOrEqual(before)
  db.close()
})

test('a cursor that is open while a compaction was asked for goes on through what it saw', () => {
  const { db, files } = openMany(true)
  db.flush('ks.a')
  const expected = Array.from(db.table<string, string>('ks.a').scan(), ({ key, value }) => [key, value])
  const cursor = db.table<string, string>('ks.a').scan()
  const found = [cursor.next(), cursor.next()].map(({ value }) => value as { key: string; value: string })
  const files0 = tablesIn(files)
  for (let i = 0; i < 200; i++) db.table('ks.a').put(`key ${i}`, 'later')
  db.compact()
  expect(tablesIn(files).filter((name) => files0.includes(name))).toEqual([])
  found.push(...cursor)
  expect(found.map(({ key, value }) => [key, value])).toEqual(expected)
  db.close()
})

test('what large commits have replaced does not gather, nor does the log', () => {
  HeldRunner.isHeld = false
  const files = new MemoryFiles()
  const jobs = () => (io: JobIo<Directive>) => new HeldRunner(io, [])
  const sizes = {
    memtableBytes: 4096,
    tableBytes: 2048,
    level1Bytes: 16_384,
    blockBytes: 512,
    segmentBytes: 8192,
    logBytes: 32_768,
  }
  const world = { files, clock: new ReplayClock({ micros: 1_763_633_730_000_000 }), checksum: crc32, jobs }
  const db = openDatabase(world, { sizes })
  db.createKeyspace('ks')
  const table = db.createTable<string, string>('ks.t', { values: 'text', keep: 'forever' })
  let most = 0
  for (let i = 0; i < 400; i++) {
    const keys = Array.from({ length: 16 }, (_, j) => `key ${((16 * i + j) * 7919) % 100_003}`)
    table.batch(keys.map((key) => ({ type: 'put', key, value: 'v'.repeat(256) })))
    const named = db
      .stats()
      .tables.reduce((sum, { levels }) => sum + levels.reduce((n, l) => n + l.tables, 0), 0)
    most = Math.max(most, tablesIn(files).length - named)
  }
  // As one merge of this size leaves behind.
  expect(most).toBeLessThan(100)
  expect(namesIn(files, '').filter((name) => name.endsWith('.log')).length).toBeLessThan(12)
  db.close()
})

test('of all the views that restores have left, a flush is sent the newest one alone', () => {
  const sent: number[] = []
  const { db } = openHeld(
    (io) =>
      new DelayedRunner(io, (job) => {
        if (job.kind === 'flush') sent.push(job.directive.generations.length)
        return { ends: 'done', afterPolls: 0 }
      }),
  )
  const table = db.table<string, string>('ks.t')
  for (let i = 0; i < 30; i++) {
    const { time } = table.put('key', `good ${'v'.repeat(300)}`)
    table.put('key', `bad ${'v'.repeat(300)}`)
    db.restoreSync('ks', { to: time })
  }
  expect(sent.length).toBeGreaterThan(30)
  expect(Math.max(...sent)).toBe(1)
  db.close()
})

test('a table that is always due to be merged does not keep another one waiting until its writers have to', () => {
  const jobs = () => (io: JobIo<Directive>) =>
    new DelayedRunner(io, ({ kind }) => ({ ends: 'done', afterPolls: kind === 'flush' ? 0 : 12 }))
  const world = { files: new MemoryFiles(), clock: new ReplayClock({ micros: 1 }), checksum: crc32, jobs }
  const db = openDatabase(world, { geometry: 'miniature' })
  db.createKeyspace('ks')
  const [busy, other] = [
    db.createTable('ks.busy', { values: 'bytes' }),
    db.createTable('ks.other', { values: 'bytes' }),
  ]
  let most = 0
  for (let i = 0; i < 300; i++) {
    busy.put(`${i % 100}`, new Uint8Array(60))
    if (i % 4 === 0) other.put(`${i}`, new Uint8Array(60))
    const { levels } = db.stats().tables.find(({ name }) => name === other.name)!
    most = Math.max(most, levels.find(({ level }) => level === 0)?.runs ?? 0)
  }
  // miniature: two runs are merged; writers wait from ten on.
  expect(most).toBeLessThan(6)
  db.close()
})

test('runs that end sooner than a flush does, with or without a close, do not let the log grow for ever', () => {
  HeldRunner.isHeld = true
  for (const [isClosed, runs] of [
    [true, 300],
    [false, 100],
  ] as const) {
    let files = new FaultFiles()
    const [logs, level0]: [number[], number[]] = [[], []]
    for (let run = 0; run < runs; run++) {
      const clock = new ReplayClock({ micros: 1_763_633_730_000_000 + 1e6 * run })
      const jobs = () => (io: JobIo<Directive>) => new HeldRunner(io, [])
      const db = openDatabase({ files, clock, checksum: crc32, jobs }, { geometry: 'miniature' })
      if (run === 0) db.createKeyspace('ks')
      if (run === 0) db.createTable('ks.t', { values: 'text' })
      put(db, 2, 100)
      logs.push(db.stats().logBytes)
      level0.push(db.stats().tables[0]!.levels.find(({ level }) => level === 0)?.runs ?? 0)
      if (isClosed) db.close()
      else files = files.crash('process-kill', seededRandom(run))
    }
    // miniature: 4 KiB, and what one run adds.
    expect(Math.max(...logs)).toBeLessThan(5 * 1024)
    // Nor is it for ever that merges are given up: in the end writers wait for one.
    expect(Math.max(...level0)).toBeLessThanOrEqual(18)
  }
})

test('merges that a close gave up are taken up by a run that lasts, with a commit to their table that flushes nothing', () => {
  let endsOf: (kind: JobKind) => 'done' | 'never' = (kind) => (kind === 'flush' ? 'done' : 'never')
  const jobs = () => (io: JobIo<Directive>) =>
    new DelayedRunner(io, ({ kind }) => ({ ends: endsOf(kind), afterPolls: 0 }))
  const clock = new ReplayClock({ micros: 1 })
  const files = new MemoryFiles()
  const level0 = (db: Database) => db.stats().tables[0]!.levels.find(({ level }) => level === 0)?.runs ?? 0
  const first = openDatabase({ files, clock, checksum: crc32, jobs }, { geometry: 'miniature' })
  first.createKeyspace('ks')
  first.createTable('ks.t', { values: 'text' })
  // miniature: two runs are merged.
  while (level0(first) < 3) put(first, 1, 100)
  first.close()
  endsOf = () => 'done'
  const kinds: string[] = []
  const options = { geometry: 'miniature', onEvent: ({ kind }: StoreEvent) => kinds.push(kind) } as const
  const inline = openDatabase({ files, clock, checksum: crc32 }, options)
  put(inline, 1, 1)
  clock.advance(1_000_000)
  put(inline, 2, 1)
  expect(level0(inline)).toBe(3)
  inline.close()
  const next = openDatabase({ files, clock, checksum: crc32, jobs }, options)
  put(next, 1, 1)
  clock.advance(999_999)
  put(next, 2, 1)
  expect(level0(next)).toBe(3)
  clock.advance(1)
  put(next, 2, 1)
  expect(level0(next)).toBe(0)
  expect(kinds).not.toContain('flush')
  next.close()
})

/** A table that nobody writes to any more, with two hundred versions of ten keys, and another one that is written to. */
function openIdle(where: string, keep: string) {
  const clock = new ReplayClock({ micros: 1_763_633_730_000_000 })
  const runner = (io: JobIo<Directive>) => new DelayedRunner(io, () => ({ ends: 'done', afterPolls: 1 }))
  const jobs = where === 'here' ? {} : { jobs: () => runner }
  const world = { files: new MemoryFiles(), clock, checksum: crc32, ...jobs }
  const sizes = { memtableBytes: 4096, tableBytes: 4096, level1Bytes: 65_536 }
  const open = () => openDatabase(world, { geometry: 'miniature', sizes })
  const db = open()
  db.createKeyspace('ks')
  const idle = db.createTable<string, string>('ks.idle', { values: 'text', keep })
  db.createTable('ks.other', { values: 'text' })
  for (let i = 0; i < 200; i++) idle.put(`key ${i % 10}`, 'v'.repeat(100))
  db.compact()
  return { clock, db, open }
}

/** Versions and merges of the table that nobody writes to. */
function stateOfIdle(db: Database): readonly [versions: number, compactions: number] {
  const { versions, totals } = db.stats().tables.find(({ name }) => name === 'ks.idle')!
  return [versions, totals.compactions]
}

function putOther(db: Database, count: number): void {
  for (let i = 0; i < count; i++) db.table<string, string>('ks.other').put('key', 'v')
}

test.each(['here', 'elsewhere'])(
  'a table that nobody writes to loses what its retention lets go, once, while another is written: jobs run %s',
  (where) => {
    const { clock, db } = openIdle(where, '1h')
    const before = stateOfIdle(db)
    expect(before[0]).toBe(200)
    for (let minute = 0; minute < 59; minute++) {
      clock.advance(60_000_000)
      putOther(db, 10)
    }
    expect(stateOfIdle(db), 'within the window').toEqual(before)
    clock.advance(61_000_000)
    // One commit for each table to look at, and some for what merges elsewhere are asked.
    putOther(db, 40)
    const [versions, compactions] = stateOfIdle(db)
    // Each file keeps the newest version of its keys.
    expect(versions).toBeLessThan(30)
    expect(compactions).toBeGreaterThan(before[1])
    for (let minute = 0; minute < 60; minute++) {
      clock.advance(60_000_000)
      putOther(db, 10)
    }
    expect(stateOfIdle(db), 'again and again').toEqual([versions, compactions])
    expect([...db.table('ks.idle').keys()]).toHaveLength(10)
    db.close()
  },
)

test('a run looks for garbage that nobody writes to only when it has lasted for ten seconds', () => {
  const { clock, db: first, open } = openIdle('here', '1s')
  first.close()
  clock.advance(60_000_000)
  const db = open()
  putOther(db, 10)
  clock.advance(9_999_999)
  putOther(db, 10)
  expect(stateOfIdle(db)[0]).toBe(200)
  clock.advance(1)
  putOther(db, 10)
  expect(stateOfIdle(db)[0]).toBeLessThan(30)
  db.close()
})

test('a log that could not be synced elsewhere ends the store, even if it could be synced here', () => {
  const error = new PalimpsestError('IO_FAILED', 'no sync')
  const { db, events } = openHeld(() => ({
    start: () => undefined,
    poll: () => ({ kind: 'log failed', error }),
    abandon: () => undefined,
    close: () => undefined,
  }))
  expect(() => put(db, 200)).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }) as Error)
  expect(events.find((event) => event.kind === 'failure')).toMatchObject({ error })
  expect(events.some((event) => event.kind === 'job-failed')).toBe(false)
  db.close()
})
