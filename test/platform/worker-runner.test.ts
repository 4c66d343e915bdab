/**
 * Jobs in a real thread, the built one, on real files. Wherever flushes and compactions run, and whatever
 * becomes of the thread, answers are the same (law 10), and what a job left behind goes.
 *
 * No test lets the event loop turn before it has its answers: neither may a program.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { NodeFiles, checksum } from '../../src/platform/node-files.ts'
import { WorkerRunner, type WorkerRunnerOptions } from '../../src/platform/worker-runner.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type Directive } from '../../src/history/garbage.ts'
import { GEOMETRIES } from '../../src/storage/geometry.ts'
import { type FlushJob, type MergeJob } from '../../src/storage/job.ts'
import { type LogPlace, LogWriter } from '../../src/storage/log.ts'
import { Memtable } from '../../src/storage/memtable.ts'
import { TableFiles } from '../../src/storage/table-files.ts'
import { type StoreEvent } from '../../src/store/events.ts'
import { MIN_TIME, hybridTime } from '../../src/time/hybrid-time.ts'
import { NO_TIMES } from '../../src/time/stretches.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

const DIST = join(import.meta.dirname, '../../dist')
const BUILT = pathToFileURL(join(DIST, 'platform/job-thread.js'))
const START = 1_763_633_730_000_000
const scratch = mkdtempSync(join(tmpdir(), 'palimpsest-worker-'))
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true })
})

interface Opened {
  readonly db: Database
  readonly clock: ReplayClock
  readonly events: StoreEvent[]
}

/** A database whose jobs run in threads, or here without `options`. */
function openIn(
  directory: string,
  options?: WorkerRunnerOptions,
  clock = new ReplayClock({ micros: START }),
): Opened {
  const files = new NodeFiles(join(scratch, directory))
  const { miniature } = GEOMETRIES
  const jobs = () => options && (() => new WorkerRunner(files.root, miniature, { module: BUILT, ...options }))
  const events: StoreEvent[] = []
  const onEvent = (event: StoreEvent) => {
    if (event.kind === 'failure') throw event.error
    events.push(event)
  }
  const db = openDatabase({ files, clock, checksum, jobs }, { geometry: 'miniature', onEvent })
  return { db, clock, events }
}

/** Commits, restores and holds, the same for the same seed. */
function work({ db, clock }: Opened, commits: number, seed: number): void {
  const random = seededRandom(seed)
  if (!db.keyspaces.includes('ks')) {
    db.createKeyspace('ks')
    db.createTable('ks.t', { values: 'text', keep: '20s' })
  }
  const table = db.table<string, string>('ks.t')
  for (let i = 0; i < commits; i++) {
    clock.advance(100_000)
    const key = `key ${random.below(40)}`
    if (random.below(5) === 0) table.delete(key)
    else table.put(key, `${seed} ${i} `.repeat(1 + random.below(8)))
    if (i % 40 === 20) db.hold({ name: `hold-${seed}-${i}`, table: 'ks.t', at: '-3s' })
    if (i % 40 === 30) void db.restore('ks', { to: '-2s' })
  }
}

/** Everything that can be read. */
function answers({ db, clock }: Opened): unknown {
  const table = db.table<string, string>('ks.t')
  const times = [
    ...db.holds().flatMap((hold) => (hold.kind === 'hold' ? [hold.name] : [])),
    '-1s',
    '-5s',
    '-19s',
    'now',
  ]
  clock.advance(1)
  return {
    scans: times.map((asOf) => [asOf, outcomeOf(() => [...table.scan({ asOf })])]),
    history: [...table.history('key 7')].map(({ cause, value }) => [cause, value]),
    faults: db.check().flatMap(({ faults }) => faults),
  }
}

/** What a call answers, or the code of its refusal. */
function outcomeOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    if (error instanceof PalimpsestError) return error.code
    throw error
  }
}

const kinds = (events: readonly StoreEvent[]) => new Set(events.map(({ kind }) => kind))
const tableFiles = (directory: string) =>
  readdirSync(join(scratch, directory)).filter((name) => name.endsWith('.table'))

/** The text of a thread that does something else than its job. */
function moduleOf(name: string, onMessage: string): URL {
  const path = join(scratch, name)
  const text = `
    import { workerData } from 'node:worker_threads'
    import { writeFileSync } from 'node:fs'
    const { port, root, signals } = workerData
    port.on('message', ({ id, job }) => {
      writeFileSync(root + '/' + String(job.numbers.first).padStart(6, '0') + '.table', 'half a table')
      ${onMessage}
    })`
  writeFileSync(path, text)
  return pathToFileURL(path)
}

test('threads and commits that do the work themselves give the same answers, before and after a reopen', () => {
  const inline = openIn('inline')
  const worker = openIn('worker', {})
  // A thread begins, and ends its work, when the machine lets it.
  for (let round = 0; round < 20 && !kinds(worker.events).has('compaction'); round++)
    for (const each of [inline, worker]) work(each, 100, 100 + round)
  expect([...kinds(worker.events)]).toContain('compaction')
  expect([...kinds(worker.events)]).not.toContain('job-failed')
  expect(answers(worker)).toEqual(answers(inline))
  inline.db.close()
  worker.db.close()
  const again = [openIn('inline', undefined, inline.clock), openIn('worker', {}, worker.clock)] as const
  for (const each of again) work(each, 40, 2)
  expect(answers(again[1])).toEqual(answers(again[0]))
  for (const { db } of again) {
    db.compact()
    db.close()
  }
})

test.each([
  ['dies', 'process.exit(3)', true],
  ['throws', "throw new Error('thrown')", true],
  ['hangs', 'for (;;);', true],
  [
    'fails',
    `port.postMessage({ kind: job.kind, id, answer: { kind: 'failed', failure: { code: 'IO_FAILED', message: 'no', details: {} } } })
     Atomics.store(signals, { flush: 1, compaction: 2 }[job.kind], id)`,
    false,
  ],
  ['ends it without a word', 'Atomics.store(signals, { flush: 1, compaction: 2 }[job.kind], id)', true],
] as const)('where the thread %s, the job is done here and its files go', (name, onMessage, isLost) => {
  const inline = openIn(`inline ${name}`)
  // Only one that hangs is given up so soon: another may be slow to begin on a busy machine, before it dies or fails.
  const silenceMs = name === 'hangs' ? 150 : 3000
  const worker = openIn(name, { module: moduleOf(`${name}.mjs`, onMessage), silenceMs })
  for (const each of [inline, worker]) work(each, 45, 3)
  expect(worker.events.filter((event) => event.kind === 'job-failed')[0]).toMatchObject({ isLost })
  // Writing goes on until a flush is due and its thread is found out.
  expect(answers(worker)).toEqual(answers(inline))
  worker.db.compact()
  inline.db.compact()
  expect(answers(worker)).toEqual(answers(inline))
  const named = worker.db.files('ks.t').length
  expect(tableFiles(name).length).toBeGreaterThanOrEqual(named)
  for (const file of tableFiles(name))
    expect(readFileSync(join(scratch, name, file)).length).toBeGreaterThan('half a table'.length)
  worker.db.close()
  inline.db.close()
})

test('a module that is not there is found out at once, without a turn of the event loop', () => {
  const worker = openIn('no module', { module: pathToFileURL(join(scratch, 'nowhere.mjs')) })
  work(worker, 20, 4)
  expect(worker.events.find((event) => event.kind === 'job-failed')).toMatchObject({ isLost: true })
  worker.db.close()
})

test('a close while a job runs leaves no files of it, and loses nothing', () => {
  for (const [name, onMessage] of [
    ['hanging', 'for (;;);'],
    ['real', undefined],
  ] as const) {
    const module = onMessage === undefined ? BUILT : moduleOf(`close ${name}.mjs`, onMessage)
    const inline = openIn(`close inline ${name}`)
    const worker = openIn(`close ${name}`, { module, stopMs: 100 })
    // Few enough that nobody has to wait for a memtable.
    for (const each of [inline, worker]) work(each, 15, 5)
    worker.db.close()
    inline.db.close()
    const files = tableFiles(`close ${name}`)
    const again = openIn(`close ${name}`, undefined, worker.clock)
    expect(again.db.recovery.orphans, name).toEqual([])
    expect(tableFiles(`close ${name}`)).toEqual(files)
    const other = openIn(`close inline ${name}`, undefined, inline.clock)
    expect(answers(again)).toEqual(answers(other))
    for (const { db } of [again, other]) db.close()
  }
})

test('damage that a thread meets is met again here, with its code', () => {
  const worker = openIn('damaged')
  work(worker, 60, 6)
  worker.db.flush()
  const damaged = worker.db.files('ks.t').map(({ number }) => `${String(number).padStart(6, '0')}.table`)
  worker.db.close()
  for (const file of damaged) {
    const path = join(scratch, 'damaged', file)
    const bytes = readFileSync(path)
    writeFileSync(path, bytes.fill(0x55, 0, bytes.length >> 1))
  }
  const files = new NodeFiles(join(scratch, 'damaged'))
  const jobs = () => () => new WorkerRunner(files.root, GEOMETRIES.miniature, { module: BUILT })
  const events: StoreEvent[] = []
  const db = openDatabase(
    { files, clock: worker.clock, checksum, jobs },
    { onEvent: (event) => events.push(event) },
  )
  const table = db.table<string, string>('ks.t')
  const write = () => {
    for (let i = 0; i < 1000; i++) table.put(`key ${i % 40}`, `again ${i}`.repeat(5))
  }
  expect(write).toThrow(expect.objectContaining({ code: 'STORE_FAILED' }) as Error)
  const failure = events.find((event) => event.kind === 'failure')
  expect(failure).toMatchObject({ error: { code: 'TABLE_CORRUPT' } })
  const failed = events.find((event) => event.kind === 'job-failed')
  expect(failed).toMatchObject({ isLost: false, error: { code: 'TABLE_CORRUPT' } })
  db.close()
})

/** By which nothing is kept. */
const NOTHING_READABLE: Directive = { generations: [], readable: NO_TIMES, cutoff: MIN_TIME }

const keyOf = (number: number) => bytesOfText(`key ${String(number).padStart(8, '0')}`)

/** A merge of two tables whose keys take turns, of so many versions in all. */
function mergeIn(directory: string, versions: number): MergeJob<Directive> {
  const files = new NodeFiles(join(scratch, directory))
  files.makeDirectory('')
  LogWriter.create(files, checksum, 1e6).close()
  const tables = new TableFiles(files, checksum, { cacheBytes: 0, openTables: 2 })
  const metas = [1, 2].map((number) => {
    const writer = tables.create(number, GEOMETRIES.default)
    for (let i = number; i <= versions; i += 2)
      writer.add({ key: keyOf(i), time: hybridTime(START + i), value: new Uint8Array(100) })
    return writer.finish()
  })
  const inputs = metas.map((table) => ({ level: 0, tables: [table] }))
  const choice = { kind: 'merge', because: 'all', inputs, outputLevel: 1, outputRun: 0 } as const
  return {
    kind: 'compaction',
    compaction: { choice, elsewhere: [], directive: NOTHING_READABLE },
    numbers: { first: 3, end: 99 },
  }
}

/** A flush of one version, when the log has gone on to a place. */
function flushBehind(loggedThrough: LogPlace): FlushJob<Directive> {
  const memtable = new Memtable()
  memtable.add(keyOf(1), { time: hybridTime(START), value: undefined })
  const numbers = { first: 100, end: 101 }
  return {
    ...{ kind: 'flush', memtable: memtable.memory },
    ...{ loggedThrough, directive: NOTHING_READABLE, numbers },
  }
}

test('a flush goes before a merge that runs', () => {
  const merge = mergeIn('aside', 60_000)
  const runner = new WorkerRunner(join(scratch, 'aside'), GEOMETRIES.default, { module: BUILT })
  runner.start(merge)
  runner.start(flushBehind({ segment: 1, bytes: 24 }))
  expect(runner.poll('flush', Infinity)).toMatchObject({ kind: 'done', result: { table: { versions: 1 } } })
  expect(runner.poll('compaction', 0)).toBeUndefined()
  const merged = runner.poll('compaction', Infinity)
  expect(merged).toMatchObject({ kind: 'done', result: { compaction: { droppedVersions: 60_000 } } })
  runner.close()
})

test('what the system has against a job is told with its code and its facts', () => {
  const path = join(scratch, 'refused')
  new NodeFiles(path).makeDirectory('')
  const runner = new WorkerRunner(path, GEOMETRIES.default, { module: BUILT })
  runner.start(flushBehind({ segment: 7, bytes: 24 }))
  const details = { operation: 'openAppend', path: join(path, '000007.log'), errno: 'ENOENT' }
  expect(runner.poll('flush', Infinity)).toMatchObject({
    kind: 'log failed',
    error: { code: 'IO_FAILED', details },
  })
  runner.close()
})

test('a job that cannot be sent has failed, and the next one of its kind is done', () => {
  const merge = mergeIn('unsent', 100)
  const runner = new WorkerRunner(join(scratch, 'unsent'), GEOMETRIES.default, { module: BUILT })
  const notPlain = { ...NOTHING_READABLE, generations: [() => undefined] as never }
  runner.start({ ...merge, compaction: { ...merge.compaction, directive: notPlain } })
  const failed = { kind: 'failed', error: { code: 'IO_FAILED' } }
  expect(runner.poll('compaction', Infinity)).toMatchObject(failed)
  expect(runner.poll('compaction', Infinity)).toBeUndefined()
  runner.start(merge)
  expect(runner.poll('compaction', Infinity)).toMatchObject({ kind: 'done' })
  runner.close()
})

/** The database that a process of its own has left in a directory. */
function openedAfter(script: string, path: string, ...flags: string[]): Database {
  const argv = [...flags, '--input-type=module', '-e', script, path]
  const { status, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 30_000 })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return openDatabase({ files: new NodeFiles(path), clock: new ReplayClock({ micros: START }), checksum })
}

test('a process that never closes its database ends by itself, and the next opening finds all of it', () => {
  const script = `
    import { open } from ${JSON.stringify(pathToFileURL(join(DIST, 'index.js')).href)}
    const db = open(process.argv[1], { geometry: 'tiny', background: 'worker' })
    db.createKeyspace('ks')
    const table = db.createTable('ks.t')
    for (let i = 0; i < 5000; i++) table.put('key ' + (i % 700), 'value ' + i)
    await new Promise((resolve) => setTimeout(resolve, 50))
    for (let i = 5000; i < 6000; i++) table.put('key ' + (i % 700), 'value ' + i)`
  const path = join(scratch, 'process')
  const db = openedAfter(script, path)
  expect(db.table('ks.t').get('key 399')).toBe('value 5999')
  expect(db.stats().tables[0]!.totals.flushes).toBeGreaterThan(0)
  db.close()
})

test('where a bundler leaves no address of the module, jobs are done here', () => {
  const bundle = join(scratch, 'bundle')
  cpSync(DIST, join(bundle, 'dist'), { recursive: true })
  symlinkSync(join(DIST, '../node_modules'), join(bundle, 'node_modules'), 'dir')
  writeFileSync(join(bundle, 'package.json'), '{"type":"module"}')
  const runner = join(bundle, 'dist/platform/worker-runner.js')
  writeFileSync(runner, readFileSync(runner, 'utf8').replace('import.meta.url', 'undefined'))
  const script = `
    import { open } from ${JSON.stringify(pathToFileURL(join(bundle, 'dist/index.js')).href)}
    const events = []
    const onEvent = (event) => events.push(event)
    const db = open(process.argv[1], { geometry: 'tiny', background: 'worker', onEvent })
    db.createKeyspace('ks')
    const table = db.createTable('ks.t')
    for (let i = 0; i < 2000; i++) table.put('key ' + (i % 700), 'value ' + i)
    if (!events.some(({ kind, isLost }) => kind === 'job-failed' && isLost)) throw new Error('not told')`
  const db = openedAfter(script, join(scratch, 'bundled'))
  expect(db.table('ks.t').get('key 599')).toBe('value 1999')
  expect(db.stats().tables[0]!.totals.flushes).toBeGreaterThan(0)
  db.close()
})

test('the memory that threads were given goes with their databases, though the event loop never turns', () => {
  const script = `
    import { open } from ${JSON.stringify(pathToFileURL(join(DIST, 'index.js')).href)}
    for (let i = 0; i < 12; i++) {
      const db = open(process.argv[1], { background: 'worker', sizes: { memtableBytes: 1e6 } })
      if (i === 0) db.createKeyspace('ks')
      const table = i === 0 ? db.createTable('ks.t', { values: 'bytes' }) : db.table('ks.t')
      for (let j = 0; j < 150; j++) table.put('key ' + j, new Uint8Array(10_000))
      db.flush()
      db.close()
    }
    const nothing = new Int32Array(new SharedArrayBuffer(4))
    const bytesLeft = () => {
      gc()
      return process.memoryUsage().arrayBuffers
    }
    // The last threads may be about to end, and the machine may be busy.
    for (let i = 0; i < 50 && bytesLeft() > 10e6; i++) Atomics.wait(nothing, 0, 0, 100)
    if (bytesLeft() > 10e6) throw new Error(bytesLeft() + ' bytes are left')`
  openedAfter(script, join(scratch, 'memory'), '--expose-gc').close()
})

test('a thread writes files of the sizes that were asked for', () => {
  const script = `
    import { open } from ${JSON.stringify(pathToFileURL(join(DIST, 'index.js')).href)}
    const db = open(process.argv[1], { geometry: 'tiny', background: 'worker', sizes: { blockBytes: 200 } })
    db.createKeyspace('ks')
    const table = db.createTable('ks.t')
    for (let i = 0; i < 5000; i++) table.put('key ' + (i % 700), 'value ' + i)`
  const path = join(scratch, 'sizes')
  const db = openedAfter(script, path)
  const bytesOf = new Map(db.files('ks.t').map(({ number, bytes }) => [number, bytes]))
  // What was put last may be in memory still: which keys are, the pace of the thread decides.
  const steps = Array.from({ length: 700 }, (_, i) => db.table('ks.t').explainRead(`key ${i}`).steps).flat()
  const perBlock = steps.flatMap((step) =>
    step.place === 'file' ? [bytesOf.get(step.file)! / step.blocksInFile] : [],
  )
  expect(perBlock.length).toBeGreaterThan(0)
  // The index and the filter have their share; a block of tiny sizes has 1 KiB alone.
  expect(Math.max(...perBlock)).toBeLessThan(600)
  db.close()
})
