/** Opening a directory: what is there, what may be made of it, and what is refused. */
import {
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { platform } from 'node:process'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Database } from '../../src/database/database.ts'
import { type StoreEvent } from '../../src/store/events.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { openDatabase } from '../../src/database/database.ts'
import { open } from '../../src/index.ts'
import { type FileSystem } from '../../src/storage/files.ts'
import { Manifest } from '../../src/storage/manifest.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { tablesOf } from '../../src/storage/shape.ts'
import { tablePath } from '../../src/storage/table-format.ts'
import { type HybridTime, microsOf } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { putFile, refusal } from '../storage/samples.ts'
import {
  HOUR,
  START,
  StandingClock,
  contentOf,
  copyOfPlace,
  copyPlace,
  newPlace,
  newPlaceOfFile,
  openAt,
} from './scratch.ts'

/** A small database with a history over a log and several tables, made once; `compacted`, its tables are one run. */
const made = { plain: newPlaceOfFile(), compacted: newPlaceOfFile() }
const times: HybridTime[] = []

beforeAll(() => {
  const clock = new StandingClock()
  const db = openAt(made.plain, { geometry: 'miniature' }, clock)
  db.createKeyspace('k')
  const table = db.createTable('k.t')
  for (let i = 0; i < 60; i++) {
    clock.advance(1000)
    const write =
      i % 7 === 6 ? table.delete(`key ${i % 5}`) : table.put(`key ${i % 5}`, { i, text: 'x'.repeat(i) })
    times.push(write.time)
  }
  copyPlace(made.plain, made.compacted)
  db.close()
  const other = openAt(made.compacted, {}, clock)
  other.compact()
  other.close()
})

/** A copy of it, open. The clock stands where the history ends. */
function sample(): { place: string; db: Database } {
  const place = copyOfPlace(made.plain)
  return { place, db: openAt(place, {}, new StandingClock(START + 60_000)) }
}

/** What every key was as of every time. */
function historyOf(db: Database): unknown[] {
  const table = db.table('k.t')
  return times.map((asOf) => Array.from(table.scan({ asOf })))
}

const filesOf = (place: string, ending: string) =>
  readdirSync(place)
    .filter((name) => name.endsWith(ending))
    .toSorted()

describe('a directory', () => {
  test('that is not there is made, with those above it', () => {
    const place = join(newPlace(), 'a', 'b')
    openAt(place).close()
    expect(readdirSync(place).toSorted()).toEqual(['000001.log', 'MANIFEST'])
  })

  test('keeps everything over a close and an open: data, history, names, holds, windows', () => {
    const { place, db } = sample()
    db.createTable('k.other', { keys: 'bytes', values: 'text', keep: 'forever' }).put(
      Uint8Array.of(1) as never,
      'v',
    )
    db.hold({ name: 'keep', table: 'k.t', at: times[3]!, reason: 'a test' })
    const before = { history: historyOf(db), holds: db.holds(), tables: db.tables, newest: db.newest }
    const window = db.readable('k.t')
    db.close()
    const again = openAt(place, {}, new StandingClock(START + 60_000))
    expect({
      history: historyOf(again),
      holds: again.holds(),
      tables: again.tables,
      newest: again.newest,
    }).toEqual(before)
    expect(again.readable('k.t')).toEqual(window)
    expect(again.table('k.other').get(Uint8Array.of(1) as never)).toBe('v')
    expect(again.check().flatMap(({ faults }) => faults)).toEqual([])
    const later = again.table('k.t').put('key 0', 'new')
    expect(later.time).toBeGreaterThan(before.newest)
    again.close()
  })

  test('shows after a crash what it showed before', () => {
    const { place, db } = sample()
    const copy = openAt(copyOfPlace(place))
    expect(historyOf(copy)).toEqual(historyOf(db))
    copy.close()
    db.close()
  })

  test('tells what its log gave back', () => {
    const recovered = (place: string) => {
      const events: StoreEvent[] = []
      openAt(place, { onEvent: (event) => events.push(event) }).close()
      return events.find(({ kind }) => kind === 'recovery')
    }
    const place = newPlace()
    expect(recovered(place)).toMatchObject({ commits: 0, tornBytes: 0, wasClosedCleanly: false })
    const db = openAt(place)
    db.createKeyspace('k')
    const { time } = db.createTable('k.t').put('a', 1)
    const crashed = copyOfPlace(place)
    db.close()
    expect(recovered(place)).toMatchObject({
      commits: 3,
      tornBytes: 0,
      newestCommit: time,
      wasClosedCleanly: true,
    })
    expect(recovered(crashed)).toMatchObject({ commits: 3, wasClosedCleanly: false })
    truncateSync(join(place, '000001.log'), statSync(join(place, '000001.log')).size - 3)
    expect(recovered(place)).toMatchObject({ commits: 3, tornBytes: 26 })
  })

  test('reports what it found, as its event does', () => {
    const { place, db } = sample()
    const { time: newestCommit } = db.table('k.t').put('key 1', 'last')
    const crashed = copyOfPlace(place)
    db.close()
    const named = filesOf(crashed, '.table').at(-1)!
    copyFileSync(join(crashed, named), join(crashed, '000099.table'))
    const events: StoreEvent[] = []
    const reader = openAt(crashed, { readOnly: true })
    expect(reader.recovery).toMatchObject({ wasClosedCleanly: false, orphans: [] })
    reader.close()
    const again = openAt(crashed, { onEvent: (event) => events.push(event) })
    expect(again.recovery).toMatchObject({
      newestCommit,
      tornBytes: 0,
      orphans: ['000099.table'],
    })
    expect(events).toContainEqual({ kind: 'recovery', ...again.recovery })
    again.close()
    const last = openAt(crashed)
    expect(last.recovery).toMatchObject({ wasClosedCleanly: true, orphans: [], newestCommit })
    last.close()
  })

  test('stays of the geometry and of the clock with which it was made', () => {
    const place = newPlace()
    openAt(place, { geometry: 'tiny' }).close()
    const flushes: StoreEvent[] = []
    const db = openAt(place, { geometry: 'default', onEvent: (event) => flushes.push(event) })
    db.createKeyspace('k')
    const table = db.createTable('k.t')
    for (let i = 0; i < 40; i++) table.put(`${i}`, 'x'.repeat(1000))
    expect(flushes.some(({ kind }) => kind === 'flush')).toBe(true)
    db.close()
  })

  test('gives the same answers with the least of caches and of open files', () => {
    const { place, db } = sample()
    const expected = historyOf(db)
    db.close()
    for (const limits of [
      { cacheBytes: 0, openTables: 0 },
      { cacheBytes: 1, openTables: 1 },
      { cacheBytes: 500, openTables: 2 },
    ]) {
      const small = openAt(place, { ...limits, readOnly: true })
      expect(historyOf(small)).toEqual(expected)
      expect(small.stats().cache.bytes).toBeLessThanOrEqual(limits.cacheBytes)
      small.close()
    }
  })
})

describe('what is no database', () => {
  test('a directory with something else in it is refused and left alone', () => {
    const place = newPlace()
    mkdirSync(place)
    writeFileSync(join(place, 'notes.txt'), 'mine')
    for (const options of [{}, { readOnly: true }, { create: false }]) {
      const error = refusal(() => openAt(place, options))
      expect(error).toMatchObject({ code: 'NOT_A_DATABASE', details: { found: ['notes.txt'] } })
    }
    expect(contentOf(place)).toEqual({ 'notes.txt': Buffer.from('mine').toString('base64') })
  })

  test('nothing is made where nothing is to be made', () => {
    const place = newPlace()
    for (const options of [{ create: false }, { readOnly: true }]) {
      expect(refusal(() => openAt(place, options))?.code).toBe('NOT_A_DATABASE')
      expect(contentOf(place)).toEqual({})
    }
    mkdirSync(place)
    for (const options of [{ create: false }, { readOnly: true }, { readOnly: true, create: true }])
      expect(refusal(() => openAt(place, options))?.code).toBe('NOT_A_DATABASE')
    expect(readdirSync(place)).toEqual([])
    openAt(place, { create: true }).close()
    openAt(place, { create: false }).close()
  })

  test('where there is none is said with the full path', () => {
    const place = newPlace()
    expect(refusal(() => open(place, { create: false }))).toMatchObject({
      code: 'NOT_A_DATABASE',
      message: `${place}: there is no such directory`,
      details: { found: [], path: place },
    })
    mkdirSync(place)
    writeFileSync(join(place, 'notes.txt'), 'mine')
    expect(refusal(() => open(place))).toMatchObject({
      message: `${place}: the directory holds no database`,
      details: { found: ['notes.txt'], path: place },
    })
  })

  test('a file where the directory should be', () => {
    const place = newPlace()
    writeFileSync(place, 'a file')
    const message = 'the path, or a part of it, is no directory'
    for (const options of [{}, { readOnly: true }])
      expect(refusal(() => openAt(place, options))).toMatchObject({ code: 'NOT_A_DATABASE', message })
    for (const path of [place, join(place, 'deeper')])
      expect(refusal(() => open(path))?.message).toBe(`${path}: ${message}`)
    expect(readFileSync(place, 'utf8')).toBe('a file')
  })

  test('a database that has lost its manifest is not made anew over what is left of it', () => {
    const place = newPlace()
    const db = openAt(place)
    db.createKeyspace('k')
    db.createTable('k.t').put('a', 'precious')
    db.close()
    rmSync(join(place, 'MANIFEST'))
    const left = contentOf(place)
    expect(refusal(() => openAt(place))).toMatchObject({
      code: 'NOT_A_DATABASE',
      details: { found: ['000001.log'] },
    })
    expect(contentOf(place)).toEqual(left)
  })
})

describe('a database that somebody else makes meanwhile', () => {
  /** Opens while another opening, and a commit, come before some call; what they told. Nothing if there was no such call. */
  function openBeside(at: number, staysOpen: boolean, left: readonly string[]) {
    const files = new MemoryFiles()
    for (const name of left) putFile(files, name, new Uint8Array(8))
    const world = (its: FileSystem) => ({ files: its, clock: new StandingClock(), checksum: crc32 })
    let calls = 0
    let other: string | undefined
    const make = () => {
      const db = openDatabase(world(files))
      db.createKeyspace('precious')
      if (!staysOpen) db.close()
    }
    const beside: unknown = new Proxy(files, {
      get: (_, name) => {
        const member: unknown = files[name as keyof FileSystem]
        if (typeof member !== 'function') return member
        if (calls++ === at) other = refusal(make)?.code ?? 'made'
        return member.bind(files) as unknown
      },
    })
    let keyspaces: readonly string[] | undefined
    const code = refusal(() => ({ keyspaces } = openDatabase(world(beside as FileSystem))))?.code
    return other === undefined ? undefined : { other, code, keyspaces }
  }

  test.each([[[]], [['000001.log', 'MANIFEST.new']]])(
    'before any call is opened like any other, or is open elsewhere (where there was %j)',
    (left) => {
      for (const staysOpen of [false, true]) {
        const met = new Set<string>()
        for (let at = 0; ; at++) {
          const told = openBeside(at, staysOpen, left)
          if (told === undefined) break
          met.add(told.other)
          const isMade = told.other === 'made'
          const code = isMade && staysOpen ? 'DATABASE_LOCKED' : undefined
          const keyspaces = code === undefined ? (isMade ? ['precious'] : []) : undefined
          expect([at, told]).toEqual([at, { other: told.other, code, keyspaces }])
        }
        expect([...met]).toEqual(['made', 'DATABASE_LOCKED'])
      }
    },
  )
})

describe('a crash while a database is made', () => {
  const half = Buffer.from('PALIMLOG')
  test.each<[string, Record<string, Uint8Array>]>([
    ['only the lock', { LOCK: Buffer.from('{}') }],
    [
      'the lock and what is beside it',
      { 'LOCK.0123456789abcdef.new': Buffer.from('{'), 'LOCK.0123456789abcdef': Buffer.alloc(0) },
    ],
    ['an empty log', { '000001.log': Buffer.alloc(0) }],
    ['half the header of a log', { '000001.log': half }],
    ['a log of zeros', { '000001.log': Buffer.alloc(16) }],
    ['a log and half a new manifest', { '000001.log': half, 'MANIFEST.new': half }],
  ])('leaves %s: it is made now', (_, files) => {
    const place = newPlace()
    mkdirSync(place)
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(place, name), bytes)
    expect(refusal(() => openAt(place, { create: false }))?.code).toBe('NOT_A_DATABASE')
    // A lock without content may be one that is being written at this moment.
    if ('LOCK' in files) rmSync(join(place, 'LOCK'))
    const db = openAt(place)
    db.createKeyspace('k')
    db.close()
    expect(openAt(place).keyspaces).toEqual(['k'])
  })

  test('at any call, whatever is left of it: it is made now, once', () => {
    const world = (files: FaultFiles) => ({ files, clock: new StandingClock(), checksum: crc32 })
    const whole = new FaultFiles()
    openDatabase(world(whole)).close()
    expect(whole.operations).toBeGreaterThan(8)
    for (let at = 1; at <= whole.operations; at++) {
      const files = new FaultFiles({ plan: [{ kind: 'crash', at }] })
      expect(() => openDatabase(world(files)).close()).toThrow('simulated process ended')
      for (const choice of files.crashChoices({ random: seededRandom(at), drawn: 10 })) {
        const image = files.crashImage(choice)
        const db = openDatabase(world(image))
        db.createKeyspace('k')
        db.close()
        const names = (image.list('') ?? []).filter((name) => !name.startsWith('LOCK')).toSorted()
        // Where it was open already, the log goes on in another segment.
        expect(names.join(' ')).toMatch(/^000001\.log (000002\.log )?MANIFEST$/)
        expect(openDatabase(world(image)).keyspaces).toEqual(['k'])
      }
    }
  })
})

describe('what a crash left behind', () => {
  test('files that nothing names go at the next writing open; their numbers are not used again', () => {
    const { place, db } = sample()
    const expected = historyOf(db)
    db.close()
    const named = filesOf(place, '.table')
    writeFileSync(join(place, '000900.table'), 'half a table')
    writeFileSync(join(place, '000000.log'), 'an old segment')
    writeFileSync(join(place, 'MANIFEST.new'), 'half a manifest')
    writeFileSync(join(place, 'LOG.new'), 'half a segment')
    writeFileSync(join(place, 'notes.txt'), 'not ours')
    const before = contentOf(place)
    openAt(place, { readOnly: true }).close()
    expect(contentOf(place)).toEqual(before)
    const again = openAt(place)
    expect(filesOf(place, '.table')).toEqual(named)
    expect(filesOf(place, '.log')).not.toContain('000000.log')
    expect(readdirSync(place)).not.toContain('MANIFEST.new')
    expect(readdirSync(place)).not.toContain('LOG.new')
    expect(readFileSync(join(place, 'notes.txt'), 'utf8')).toBe('not ours')
    expect(historyOf(again)).toEqual(expected)
    again.table('k.t').put('more', 1)
    again.flush()
    expect(filesOf(place, '.table').at(-1)! > '000900.table').toBe(true)
    again.close()
  })

  test('what no manifest has named goes before anything is written, for it may take the space', () => {
    const written = new FaultFiles()
    const world = (files: FaultFiles) => ({ files, clock: new StandingClock(), checksum: crc32 })
    openDatabase(world(written)).createKeyspace('k')
    const names = ['000001.table', 'MANIFEST.new', 'LOG.new']
    for (const name of names) putFile(written, name, Uint8Array.of(1))
    const calls: string[] = []
    const files = written.crash('process-kill', seededRandom(1), {
      onOperation: ({ operation, path }) => calls.push(`${operation} ${path}`),
    })
    openDatabase(world(files))
    const begins = calls.findIndex((call) => call.startsWith('create'))
    expect(begins).toBeGreaterThan(0)
    expect(calls.slice(0, begins)).toEqual(expect.arrayContaining(names.map((name) => `remove ${name}`)))
  })

  test('what a manifest may have named goes when another one says durably that it is not needed, the last table too', () => {
    const written = new FaultFiles()
    const world = (files: FaultFiles) => ({ files, clock: new StandingClock(), checksum: crc32 })
    const db = openDatabase(world(written))
    db.createKeyspace('k')
    db.createTable('k.t').put('a', 1)
    db.flush()
    db.close()
    const manifest = Manifest.open(written, crc32)
    const { trees, nextNumber } = manifest.state
    const last = [...trees.keys()].find((tree) =>
      tablesOf(trees.get(tree)!.shape).some(({ number }) => number === nextNumber - 1),
    )
    manifest.commit({ removeTrees: [last!] })
    manifest.close()
    const calls: string[] = []
    const files = written.crash('process-kill', seededRandom(1), {
      onOperation: ({ operation, path }) => calls.push(`${operation} ${path}`),
    })
    openDatabase(world(files))
    const goes = calls.indexOf(`remove ${tablePath(nextNumber - 1)}`)
    expect(goes).toBeGreaterThan(calls.indexOf('rename MANIFEST.new'))
    expect(calls.slice(0, goes)).toContain('rename MANIFEST.new')
  })

  test('tables that nothing names stay where one that is named is missing: they may be all that is left', () => {
    const { place, db } = sample()
    db.compact()
    db.close()
    const named = filesOf(place, '.table')
    const last = join(place, named.at(-1)!)
    renameSync(last, join(place, '000900.table'))
    openAt(place).close()
    expect(filesOf(place, '.table')).toEqual([...named.slice(0, -1), '000900.table'])
    renameSync(join(place, '000900.table'), last)
    const again = openAt(place)
    expect(again.check().flatMap(({ faults }) => faults)).toEqual([])
    again.close()
  })
})

describe('the lock', () => {
  test('one handle writes at a time; readers need none', () => {
    const { place, db } = sample()
    expect(refusal(() => openAt(place))).toMatchObject({
      code: 'DATABASE_LOCKED',
      details: { pid: process.pid },
    })
    openAt(place, { readOnly: true }).close()
    expect(refusal(() => openAt(place))?.code).toBe('DATABASE_LOCKED')
    db.close()
    openAt(place).close()
    expect(readdirSync(place).filter((name) => name.startsWith('LOCK'))).toEqual([])
  })

  test('an open that fails lets it go', () => {
    const { place, db } = sample()
    db.close()
    const manifest = readFileSync(join(place, 'MANIFEST'))
    writeFileSync(join(place, 'MANIFEST'), manifest.subarray(0, 10))
    for (let turn = 0; turn < 2; turn++) expect(refusal(() => openAt(place))?.code).toBe('MANIFEST_CORRUPT')
    writeFileSync(join(place, 'MANIFEST'), manifest)
    openAt(place).close()
  })

  test('that cannot be let go hides nothing, and keeps no later open out', () => {
    const plan = [
      { kind: 'error', operation: 'sync', nth: 1, errno: 'ENOSPC' },
      { kind: 'error', operation: 'unlock', nth: 1, errno: 'EIO' },
    ] as const
    const world = { files: new FaultFiles({ plan }), clock: new StandingClock(), checksum: crc32 }
    expect(refusal(() => openDatabase(world))).toMatchObject({ details: { errno: 'ENOSPC' } })
    expect(world.files.count('unlock')).toBe(1)
    openDatabase(world).close()
  })
})

describe('for reading only', () => {
  test('beside a writer it shows what was there at that moment, and touches nothing', () => {
    const { place, db } = sample()
    const expected = historyOf(db)
    const before = contentOf(place)
    const reader = openAt(place, { readOnly: true }, new StandingClock(START + HOUR))
    expect(reader.isReadOnly).toBe(true)
    expect(historyOf(reader)).toEqual(expected)
    expect(reader.check().flatMap(({ faults }) => faults)).toEqual([])
    expect(contentOf(place)).toEqual(before)
    const { time } = db.table('k.t').put('key 1', 'later')
    expect(reader.table('k.t').get('key 1')).toEqual(db.table('k.t').get('key 1', { asOf: times.at(-1) }))
    expect(historyOf(reader)).toEqual(expected)
    reader.close()
    const another = openAt(place, { readOnly: true }, new StandingClock(START + HOUR))
    expect(another.table('k.t').get('key 1', { asOf: time })).toBe('later')
    another.close()
    db.close()
  })

  test('a torn tail is read past, and stays', () => {
    const { place, db } = sample()
    db.table('k.t').put('key 1', 'torn')
    const copy = copyOfPlace(place)
    db.close()
    const log = filesOf(copy, '.log').at(-1)!
    truncateSync(join(copy, log), statSync(join(copy, log)).size - 1)
    const before = contentOf(copy)
    const reader = openAt(copy, { readOnly: true }, new StandingClock(START + HOUR))
    expect(reader.newest).toBe(times.at(-1))
    expect(historyOf(reader)).toEqual(historyOf(openAt(made.plain, { readOnly: true })))
    reader.close()
    expect(contentOf(copy)).toEqual(before)
  })

  test('later than the moment of opening is the future, and does not come', () => {
    const { place, db } = sample()
    const clock = new StandingClock(microsOf(times.at(-1)!) + 1000)
    const reader = openAt(place, { readOnly: true }, clock)
    const table = reader.table('k.t')
    table.get('key 1', { asOf: reader.resolveTime('now') })
    clock.advance(1_000_000)
    expect(refusal(() => table.get('key 1', { asOf: new Date((START + HOUR) / 1000) }))?.code).toBe(
      'FUTURE_TIME',
    )
    reader.close()
    db.close()
  })

  test('every write is refused', () => {
    const { place, db } = sample()
    db.hold({ name: 'h', at: 'now' })
    db.close()
    const before = contentOf(place)
    const reader = openAt(place, { readOnly: true }, new StandingClock(START + HOUR))
    const table = reader.table('k.t')
    for (const write of writesOf(reader)) expect(refusal(write)?.code, String(write)).toBe('READ_ONLY')
    expect(table.get('key 1')).toBeDefined()
    reader.close()
    expect(contentOf(place)).toEqual(before)
  })

  test('a writer that merges meanwhile takes the names of files away, and a reader goes on', () => {
    const { place, db } = sample()
    const expected = historyOf(db)
    const limits = { cacheBytes: 0, openTables: 1 }
    const reader = openAt(place, { readOnly: true, ...limits }, new StandingClock(START + HOUR))
    const before = filesOf(place, '.table')
    db.compact()
    expect(filesOf(place, '.table').filter((name) => before.includes(name))).toEqual([])
    expect(historyOf(reader)).toEqual(expected)
    reader.close()
    db.close()
  })
})

/** Everything that writes. */
function writesOf(db: Database): (() => unknown)[] {
  const table = db.table('k.t')
  return [
    () => table.put('a', 1),
    () => table.delete('a'),
    () => table.batch([{ type: 'put', key: 'a', value: 1 }]),
    () => db.batch([{ type: 'delete', table: 'k.t', key: 'a' }]),
    () => {
      db.createKeyspace('new')
    },
    () => db.createTable('k.new'),
    () => db.hold({ name: 'new', at: '-1m' }),
    () => {
      db.release('h')
    },
    () => {
      db.setRetention('1h')
    },
    () => {
      db.flush()
    },
    () => {
      db.compact()
    },
    () => {
      db.sync()
    },
  ]
}

test('a world that lacks something is refused', () => {
  const world = { files: new FaultFiles(), clock: new StandingClock(), checksum: crc32 }
  for (const lacking of [
    undefined,
    './shop.db',
    {},
    { ...world, checksum: undefined },
    { files: world.files },
  ])
    expect(refusal(() => openDatabase(lacking as never))?.code).toBe('INVALID_ARGUMENT')
  expect(world.files.operations).toBe(0)
  openDatabase(world).close()
})

test.each(['cacheBytes', 'openTables'])('%s is a number of something', (limit) => {
  for (const wrong of [Number.NaN, -1, 0.5, Infinity, '7' as never])
    expect(refusal(() => open({ memory: true }, { [limit]: wrong }))?.code, String(wrong)).toBe(
      'INVALID_ARGUMENT',
    )
  open({ memory: true }, { [limit]: 0 }).close()
})

describe('after a close', () => {
  test('everything that reads or writes is refused; closing again does nothing', () => {
    const { place, db } = sample()
    db.hold({ name: 'h', at: 'now' })
    const table = db.table('k.t')
    const scan = table.scan()
    const begun = table.scan()
    begun.next()
    const versions = db.versions('k.t')
    const begunVersions = db.versions('k.t')
    begunVersions.next()
    const writes = writesOf(db)
    db.close()
    db.close()
    const reads: (() => unknown)[] = [
      () => table.get('key 1'),
      () => table.get('key 1', { asOf: times[0] }),
      () => table.getMany(['key 1']),
      () => table.scan(),
      () => scan.next(),
      () => begun.next(),
      () => versions.next(),
      () => begunVersions.next(),
      () => table.explainVersion('key 1', 'now'),
      () => db.holds(),
      () => db.holdUsage(),
      () => db.asOf('now'),
      () => db.check(),
      () => {
        db.confirmClock()
      },
    ]
    for (const call of [...reads, ...writes]) expect(refusal(call)?.code, String(call)).toBe('CLOSED')
    openAt(place).close()
  })

  test.skipIf(platform !== 'linux')('no file stays open, whatever is asked for then', () => {
    const { db } = sample()
    const handles = () => readdirSync('/proc/self/fd').length
    const before = handles()
    db.check()
    Array.from(db.table('k.t').scan())
    db.close()
    refusal(() => db.check())
    expect(handles()).toBeLessThan(before)
    const again = handles()
    refusal(() => db.check())
    refusal(() => db.table('k.t').get('key 1'))
    expect(handles()).toBe(again)
  })

  test('a database is closed at the end of its block', () => {
    const place = newPlace()
    {
      using db = openAt(place)
      db.createKeyspace('k')
    }
    openAt(place).close()
  })
})

describe('a database of a replayed history', () => {
  test('keeps its own time, wherever the clock of the machine stands', () => {
    const place = newPlace()
    const clock = new ReplayClock({ micros: 5_000_000 })
    const db = openAt(place, {}, clock)
    db.createKeyspace('k')
    const table = db.createTable('k.t', { keep: '1m' })
    clock.advance(1000)
    const first = table.put('a', 1)
    clock.advance(30_000_000)
    const second = table.put('a', 2)
    db.close()

    const again = openAt(place, {}, new StandingClock())
    expect(again.table('k.t').get('a', { asOf: first.time })).toBe(1)
    expect(again.resolveTime('-5s')).toBe(
      again.resolveTime(new Date((microsOf(second.time) - 5_000_000) / 1000)),
    )
    const third = again.table('k.t').put('a', 3)
    expect(third.time).toBe((second.time + 1n) as HybridTime)
    again.close()

    const reader = openAt(place, { readOnly: true }, new StandingClock())
    expect(reader.table('k.t').get('a', { asOf: first.time })).toBe(1)
    expect(microsOf(reader.resolveTime('now'))).toBe(microsOf(third.time))
    expect(refusal(() => reader.table('k.t').get('a', { asOf: '2020-01-01T00:00:00Z' }))?.code).toBe(
      'FUTURE_TIME',
    )
    reader.close()

    const replayed = openAt(place, {}, new ReplayClock({ micros: 100_000_000 }))
    expect(microsOf(replayed.table('k.t').put('a', 4).time)).toBe(100_000_000)
    replayed.close()
  })
})

describe('damage', () => {
  /** A closed database whose history lies in tables, a manifest and a log, with a change. */
  function damaged(change: (place: string) => void, compacted = false): string {
    const place = copyOfPlace(compacted ? made.compacted : made.plain)
    change(place)
    return place
  }
  function flip(path: string, at: number): void {
    const bytes = readFileSync(path)
    bytes[at]! ^= 0xff
    writeFileSync(path, bytes)
  }
  const readAll = (place: string) => {
    const db = openAt(place, {}, new StandingClock(START + HOUR))
    try {
      return historyOf(db)
    } finally {
      db.close()
    }
  }

  test.each<[string, (place: string) => void, string, Record<string, unknown>]>([
    [
      'the header of the manifest',
      (place) => flip(join(place, 'MANIFEST'), 1),
      'MANIFEST_CORRUPT',
      { file: 'MANIFEST', offset: 0 },
    ],
    [
      'the first edit of the manifest',
      (place) => flip(join(place, 'MANIFEST'), 50),
      'MANIFEST_CORRUPT',
      { file: 'MANIFEST', offset: 24 },
    ],
    [
      'an empty manifest',
      (place) => truncateSync(join(place, 'MANIFEST'), 0),
      'MANIFEST_CORRUPT',
      { file: 'MANIFEST', offset: 0 },
    ],
    [
      'the header of the log',
      (place) => flip(join(place, filesOf(place, '.log')[0]!), 1),
      'LOG_CORRUPT',
      { offset: 0 },
    ],
    [
      'the first record of the log',
      (place) => flip(join(place, filesOf(place, '.log')[0]!), 28),
      'LOG_CORRUPT',
      { offset: 24 },
    ],
    ['a missing segment', (place) => rmSync(join(place, filesOf(place, '.log')[0]!)), 'LOG_CORRUPT', {}],
    [
      'a directory in place of the manifest',
      (place) => {
        rmSync(join(place, 'MANIFEST'))
        mkdirSync(join(place, 'MANIFEST'))
      },
      'IO_FAILED',
      { errno: 'EISDIR' },
    ],
    [
      'a directory in place of a segment',
      (place) => {
        const name = filesOf(place, '.log')[0]!
        rmSync(join(place, name))
        mkdirSync(join(place, name))
      },
      'IO_FAILED',
      { errno: 'EISDIR' },
    ],
  ])('%s is refused, by name', (_, change, code, details) => {
    const place = damaged(change)
    const before = contentOfFiles(place)
    const error = refusal(() => readAll(place))
    expect(error).toMatchObject({ code, details })
    if (code === 'LOG_CORRUPT') expect(error?.details['file']).toMatch(/^\d{6}\.log$/)
    expect(refusal(() => openAt(place, { readOnly: true }))?.code).toBe(code)
    if (code !== 'LOG_CORRUPT') expect(contentOfFiles(place)).toEqual(before)
  })

  const contentOfFiles = (place: string) =>
    Object.fromEntries(
      readdirSync(place)
        .toSorted()
        .filter((name) => statSync(join(place, name)).isFile())
        .map((name) => [name, readFileSync(join(place, name)).toString('base64')]),
    )

  test.each<[string, (path: string) => void, string]>([
    ['is missing', (path) => rmSync(path), 'TABLE_CORRUPT'],
    ['is cut', (path) => truncateSync(path, 100), 'TABLE_CORRUPT'],
    ['is empty', (path) => truncateSync(path, 0), 'TABLE_CORRUPT'],
    ['has another byte in a block', (path) => flip(path, 30), 'TABLE_CORRUPT'],
    ['has another byte in its footer', (path) => flip(path, statSync(path).size - 10), 'TABLE_CORRUPT'],
    [
      'is a directory',
      (path) => {
        rmSync(path)
        mkdirSync(path)
      },
      'IO_FAILED',
    ],
  ])('a table that %s fails the reads that need it, by name, and the check', (_, change, code) => {
    let name = ''
    const place = damaged((at) => {
      name = filesOf(at, '.table').at(-1)!
      change(join(at, name))
    }, true)
    const error = refusal(() => readAll(place))
    expect(error?.code).toBe(code)
    expect(JSON.stringify(error?.details)).toContain(name)
    const reader = openAt(place, { readOnly: true })
    if (code === 'IO_FAILED') expect(refusal(() => reader.check())?.code).toBe(code)
    else
      expect(
        reader
          .check()
          .flatMap(({ faults }) => faults)
          .join(),
      ).toContain(name)
    reader.close()
  })

  test.skipIf(platform === 'win32')('a symbolic link in place of a table is not followed', () => {
    const place = damaged((at) => {
      const path = join(at, filesOf(at, '.table').at(-1)!)
      renameSync(path, join(at, 'elsewhere'))
      symlinkSync(join(at, 'elsewhere'), path)
    }, true)
    expect(refusal(() => readAll(place))).toMatchObject({
      code: 'IO_FAILED',
      details: { errno: 'EFTYPE' },
    })
  })

  const newestTwo = (place: string) => filesOf(place, '.table').toReversed().slice(0, 2)
  test('two tables that changed places fail the reads that need them, by name, and the check', () => {
    // The newest are not those of the catalog, without which nothing opens.
    const place = damaged((at) => {
      const [first, second] = newestTwo(at).map((name) => join(at, name)) as [string, string]
      linkSync(first, join(at, 'x'))
      renameSync(second, first)
      renameSync(join(at, 'x'), second)
    })
    const reader = openAt(place, { readOnly: true })
    const refused = refusal(() => readAll(place))
    expect(refused).toMatchObject({ code: 'TABLE_CORRUPT' })
    expect(newestTwo(place)).toContain(refused?.details['file'])
    expect(reader.check().flatMap(({ faults }) => faults)).not.toEqual([])
    reader.close()
  })
})
