/**
 * How fast a full compaction merges, ours and LevelDB's: the same versions, with every one kept, loaded in the same
 * order into both, which compact as they go; then all that there is, by `db.compact()` and `compactRange`.
 *
 *     MB/s   bytes of the tables that were read for merging / seconds        1 MB = 1,000,000 bytes
 *
 * What is read is told by our events and by LevelDB's property `leveldb.stats`: how much of the data a full
 * compaction takes, and how often, depends on the shape that the load has left. LevelDB's rows are (key, time), its
 * compression is as it comes (Snappy), and values cannot be pressed. Both run alone; ours without threads, as the code
 * is the same in one. Processor time tells what another program on the machine may have taken from wall time.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Level } from 'level'
import { ReplayClock, open } from '../src/index.ts'
import { seededRandom } from '../src/simulator/random.ts'
import { type Benchmark } from './benchmark.ts'
import { medianOf } from './median.ts'
import { type Row, versionKey } from './peers/store.ts'

const KEYS = 50_000
const COMMITS = 5000
const KEYS_PER_COMMIT = 100
const VALUE_BYTES = 100
const ROUNDS = 3
const MB = 1e6

/** What a compaction took. */
interface Work {
  readonly readBytes: number
  readonly seconds: number
  readonly cpuSeconds: number
}

/** A store that is loaded and waits to be compacted. */
interface Loaded {
  /** Returns the bytes that were read. */
  compact(): Promise<number>
  close(): Promise<void>
}

/** What LevelDB can do besides, and `level` has no type for. */
interface LevelDb {
  compactRange(start: Uint8Array, end: Uint8Array, options: { readonly keyEncoding: 'view' }): Promise<void>
  getProperty(name: string): string
}

const SUBJECTS = { ours: loadOurs, level: loadLevel }

/** Both, in turn. */
export const benchmarkCompaction: Benchmark = async (progress) => {
  const works: Record<keyof typeof SUBJECTS, Work[]> = { ours: [], level: [] }
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of ['ours', 'level'] as const) {
      progress(`round ${round + 1} of ${ROUNDS}: ${name}`)
      works[name].push(await measure(SUBJECTS[name]))
    }
  }
  const results = { ours: summary(works.ours), level: summary(works.level) }
  const ratio = rounded(results.ours.mbPerSecond / results.level.mbPerSecond)
  const line = (name: keyof typeof SUBJECTS) => {
    const { readMb, mbPerSecond, mbPerCpuSecond } = results[name]
    return `${name.padEnd(6)} ${readMb} MB read, ${mbPerSecond} MB/s, ${mbPerCpuSecond} MB per second of processor`
  }
  return {
    data: { versions: COMMITS * KEYS_PER_COMMIT, valueBytes: VALUE_BYTES, results, ratio },
    lines: [line('ours'), line('level'), `ours / level: ${ratio}`],
  }
}

function summary(works: readonly Work[]) {
  const median = (of: (work: Work) => number) => rounded(medianOf(works.map(of)))
  return {
    readMb: median(({ readBytes }) => readBytes / MB),
    seconds: median(({ seconds }) => seconds),
    mbPerSecond: median(({ readBytes, seconds }) => readBytes / MB / seconds),
    mbPerCpuSecond: median(({ readBytes, cpuSeconds }) => readBytes / MB / cpuSeconds),
  }
}

async function measure(load: (directory: string) => Promise<Loaded>): Promise<Work> {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-compaction-'))
  try {
    const loaded = await load(join(directory, 'db'))
    const cpu = process.cpuUsage()
    const begin = performance.now()
    const readBytes = await loaded.compact()
    const seconds = (performance.now() - begin) / 1000
    const { user, system } = process.cpuUsage(cpu)
    await loaded.close()
    return { readBytes, seconds, cpuSeconds: (user + system) / 1e6 }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function loadOurs(directory: string): Promise<Loaded> {
  let readBytes = 0
  const db = open(directory, {
    clock: new ReplayClock({ micros: 1 }),
    background: 'inline',
    onEvent: (event) => {
      if (event.kind === 'compaction') readBytes += event.readBytes
    },
  })
  db.createKeyspace('bench')
  db.createTable('bench.data', { keys: 'bytes', values: 'bytes', keep: 'forever' })
  for (const rows of commits())
    db.batch(rows.map(({ key, value }) => ({ type: 'put', table: 'bench.data', key, value })))
  db.flush()
  readBytes = 0
  return {
    compact: async () => {
      db.compact()
      return readBytes
    },
    close: async () => db.close(),
  }
}

async function loadLevel(directory: string): Promise<Loaded> {
  const bytes = { keyEncoding: 'view', valueEncoding: 'view' } as const
  const db = new Level<Uint8Array, Uint8Array>(directory, bytes) as Level<Uint8Array, Uint8Array> & LevelDb
  await db.open()
  let time = 0
  for (const rows of commits()) {
    time++
    await db.batch(rows.map(({ key, value }) => ({ type: 'put', key: versionKey(key, time), value })))
  }
  const before = levelReadBytes(db)
  return {
    compact: async () => {
      await db.compactRange(Uint8Array.of(0), Uint8Array.of(0xff), { keyEncoding: 'view' })
      return levelReadBytes(db) - before
    },
    close: () => db.close(),
  }
}

/** The fifth column of the table in `leveldb.stats`: megabytes that compactions of each level have read. */
function levelReadBytes(db: LevelDb): number {
  const rows = db.getProperty('leveldb.stats').split('\n')
  const numbers = rows.map((row) => row.trim().split(/\s+/).map(Number))
  const levels = numbers.filter((row) => row.length === 6 && row.every(Number.isFinite))
  return levels.reduce((sum, [, , , , readMib = 0]) => sum + readMib * 2 ** 20, 0)
}

/** Random keys; the values of two commits differ. */
function* commits(): Generator<readonly Row[]> {
  const random = seededRandom(1)
  for (let commit = 0; commit < COMMITS; commit++) {
    const keys = new Set<number>()
    while (keys.size < KEYS_PER_COMMIT) keys.add(random.below(KEYS))
    yield Array.from(keys, (key) => {
      const value = new Uint8Array(VALUE_BYTES)
      const words = new DataView(value.buffer)
      for (let at = 0; at + 4 <= VALUE_BYTES; at += 4) words.setUint32(at, random.below(2 ** 32))
      return { key: new TextEncoder().encode(`key:${String(key).padStart(12, '0')}`), value }
    })
  }
}

const rounded = (value: number) => Number(value.toPrecision(4))
