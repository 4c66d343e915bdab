/**
 * What a scan of 100 keys as of a time is made of: all of it, and each of its two halves alone.
 *
 *     scan    finds 100 keys from one on, the version of each that was the newest then, and hands out a row for each
 *     find    finds them, and hands out nothing
 *     rows    knows where each of 100 versions stands, and hands out the same rows: copies of key and value, a time
 *
 * Rows alone stand in memory as plainly as can be: one array of all keys, one of all times, one of all values, 20 to a
 * key. So `rows` is what no search, however good, and no order of a table's files can go below as long as a row is what it
 * is. Each from random keys on, for which the processor's caches have nothing, and from one key on over and over, for
 * which they have everything: between the two is what waits for memory.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ByteCopies } from '../src/base/bytes.ts'
import { type Database, type Table, open } from '../src/index.ts'
import { ByteTable } from '../src/level/byte-table.ts'
import { seededRandom } from '../src/simulator/random.ts'
import { type HybridTime, timeOf } from '../src/time/hybrid-time.ts'
import { type Benchmark } from './benchmark.ts'
import {
  COMMITS,
  KEYS,
  SEED,
  VALUE_BYTES,
  VERSIONS,
  VERSIONS_PER_KEY,
  loadInto,
  readings,
} from './history.ts'
import { type Tally, type VersionStore } from './peers/store.ts'
import { rounded } from './reads/part.ts'
import { type Work, measure } from './rounds.ts'

const ROWS = 100
const ROUNDS = 9
const SCANS_PER_WORK = 10
const KEY_BYTES = 16
const TIME_BYTES = 8

/** All three, in turns in one process. */
export const benchmarkScans: Benchmark = async (progress) => {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-scans-'))
  const db = open(directory, { durability: 'os', cacheBytes: 512 * 2 ** 20 })
  try {
    progress(`loading ${VERSIONS} versions`)
    const loaded = await load(db)
    progress('measuring')
    const works = worksOn(loaded)
    const speeds = await measure(
      {
        scan: over(works.scan),
        scanAgain: over(works.scan.slice(0, 1)),
        find: over(works.find),
        findAgain: over(works.find.slice(0, 1)),
        rows: over(works.rows),
        rowsAgain: over(works.rows.slice(0, 1)),
      },
      ROUNDS,
    )
    const micros = (name: keyof typeof speeds) => rounded(1e6 / (speeds[name] * SCANS_PER_WORK))
    const both = (name: keyof typeof works): Cost => ({ random: micros(name), same: micros(`${name}Again`) })
    const data = { rows: ROWS, micros: { scan: both('scan'), find: both('find'), rows: both('rows') } }
    return { data, lines: linesOf(data.micros) }
  } finally {
    db.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** A table with the history, and the times of its commits by number. */
interface Loaded {
  readonly table: Bytes
  readonly times: readonly HybridTime[]
}

type Bytes = Table<Uint8Array, Uint8Array>

async function load(db: Database): Promise<Loaded> {
  db.createKeyspace('bench')
  const table: Bytes = db.createTable('bench.versions', { keys: 'bytes', values: 'bytes', keep: 'forever' })
  const times: HybridTime[] = []
  const commit: VersionStore['commit'] = (rows, number) => {
    times[number] = table.batch(rows.map(({ key, value }) => ({ type: 'put', key, value }))).time
  }
  await loadInto({ commit, settle: () => db.flush() }, COMMITS)
  // Twice over the whole range: every block is in memory.
  for (const asOf of [times[COMMITS]!, times[COMMITS / VERSIONS_PER_KEY]!]) {
    for (const { value } of table.scan({ asOf })) if (value.length === 0) throw new Error('a value is empty')
  }
  return { table, times }
}

/** The work of each kind, for the same keys and times. */
function worksOn({ table, times }: Loaded): Record<'scan' | 'find' | 'rows', readonly (() => Tally)[]> {
  const bytes = new ByteTable(table)
  const bare = new BareRows()
  const drawn = readings(seededRandom(SEED).fork('scans'), SCANS_PER_WORK, KEYS - ROWS)
  const places = drawn.map(({ number, key, time }) => {
    return { number, key, time: times[time]!, version: Math.floor(((time - 1) * VERSIONS_PER_KEY) / COMMITS) }
  })
  return {
    scan: places.map((place) => () => scanRows(table, place.key, place.time)),
    find: places.map((place) => () => findRows(bytes, place.key, place.time)),
    rows: places.map((place) => () => bare.take(place.number, place.version)),
  }
}

function scanRows(table: Bytes, from: Uint8Array, asOf: HybridTime): Tally {
  let [count, bytes] = [0, 0]
  for (const { value } of table.scan({ gte: from, limit: ROWS, asOf })) {
    count++
    bytes += value.length
  }
  return { count, bytes }
}

function findRows(table: ByteTable, lower: Uint8Array, asOf: HybridTime): Tally {
  let [count, bytes] = [0, 0]
  const steps = table.scan({ lower, upper: undefined }, 'forward', asOf)
  while (count < ROWS && steps.step()) {
    count++
    const { from, to } = steps.found.row.version
    bytes += to - from
  }
  steps.close()
  return { count, bytes }
}

/** So many keys with their versions, whose places are known. */
class BareRows {
  readonly #keys = filled(KEYS * KEY_BYTES)
  readonly #times = filled(VERSIONS * TIME_BYTES)
  readonly #values = filled(VERSIONS * VALUE_BYTES)
  readonly #copies = new ByteCopies()

  /** The rows of 100 keys from one on, at one of their versions, as a scan hands them out. */
  take(key: number, version: number): Tally {
    let [count, bytes] = [0, 0]
    const span = { view: this.#keys, from: 0, to: 0 }
    for (let i = key; i < key + ROWS; i++) {
      const { value } = this.#row(span, i, i * VERSIONS_PER_KEY + version)
      count++
      bytes += value.length
    }
    return { count, bytes }
  }

  #row(span: { view: DataView; from: number; to: number }, key: number, version: number): Row {
    span.view = this.#keys
    span.from = key * KEY_BYTES
    span.to = span.from + KEY_BYTES
    const keyCopy = this.#copies.copyOfSpan(span)
    span.view = this.#values
    span.from = version * VALUE_BYTES
    span.to = span.from + VALUE_BYTES
    const at = version * TIME_BYTES
    const time = timeOf(this.#times.getUint32(at, true), this.#times.getInt32(at + 4, true))
    return { key: keyCopy, value: this.#copies.copyOfSpan(span), time }
  }
}

interface Row {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly time: HybridTime
}

/** Memory that was written once, so that it is there. */
function filled(bytes: number): DataView {
  return new DataView(new Uint8Array(bytes).fill(1).buffer)
}

/** One unit of work after the other: ten of some things. */
function over(things: readonly (() => Tally)[]): Work {
  let at = 0
  return async () => {
    for (let i = 0; i < SCANS_PER_WORK; i++) {
      const { count } = things[at++ % things.length]!()
      if (count !== ROWS) throw new Error(`${count} rows were found, not ${ROWS}`)
    }
  }
}

/** Microseconds of 100 rows. */
interface Cost {
  readonly random: number
  readonly same: number
}

function linesOf({ scan, find, rows }: Record<'scan' | 'find' | 'rows', Cost>): readonly string[] {
  const line = (name: string, random: unknown, same: unknown) =>
    `${name.padEnd(40)}${String(random).padStart(12)}${String(same).padStart(12)}`
  return [
    line('microseconds of 100 rows', 'random ones', 'the same'),
    line('a scan as of a time', scan.random, scan.same),
    line('finding them, nothing handed out', find.random, find.same),
    line('the rows alone, nothing looked for', rows.random, rows.same),
  ]
}
