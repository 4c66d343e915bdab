/**
 * What a scan of 100 keys as of a time is made of: all of it, against its rows alone, of which nobody has to find anything.
 *
 *     scan    finds 100 keys from one on, the version of each that was the newest then, and hands out a row for each
 *     rows    knows where each of 100 versions stands, and hands out the same rows: copies of key and value, a time
 *
 * Rows alone stand in memory as plainly as can be: one array of all keys, one of all times, one of all values, 20 to a
 * key. So `rows` is what no search, however good, and no order of a table's files can go below as long as a row is what it
 * is; what `scan` takes beyond it is the search. Each from random keys on, for which the processor's caches have nothing,
 * and from one key on over and over, for which they have everything: between the two is what waits for memory.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ByteCopies } from '../src/base/bytes.ts'
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
import { openPalimpsest } from './peers/palimpsest.ts'
import { type Tally } from './peers/store.ts'
import { warm } from './peers/tasks.ts'
import { rounded } from './reads/part.ts'
import { type Work, measure } from './rounds.ts'

const ROWS = 100
const ROUNDS = 9
const SCANS_PER_WORK = 10
const KEY_BYTES = 16
const TIME_BYTES = 8

/** Scans and rows, in turns in one process. */
export const benchmarkScans: Benchmark = async (progress) => {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-scans-'))
  const store = await openPalimpsest(directory, 'os')
  try {
    progress(`loading ${VERSIONS} versions`)
    await loadInto(store, COMMITS)
    await warm(store)
    progress('measuring')
    const rows = new BareRows()
    const places = readings(seededRandom(SEED).fork('scans'), SCANS_PER_WORK, KEYS - ROWS)
    const scans = places.map(({ key, time }) => {
      const asOf = store.timeOf(time)
      return () => store.scanAsOf(key, asOf, ROWS) as Tally
    })
    const takes = places.map(({ number, time }) => {
      const version = Math.floor(((time - 1) * VERSIONS_PER_KEY) / COMMITS)
      return () => rows.take(number, version)
    })
    const speeds = await measure(
      { scan: over(scans), scanAgain: over([scans[0]!]), rows: over(takes), rowsAgain: over([takes[0]!]) },
      ROUNDS,
    )
    const micros = (name: keyof typeof speeds) => rounded(1e6 / (speeds[name] * SCANS_PER_WORK))
    const data = {
      rows: ROWS,
      micros: {
        scan: { random: micros('scan'), same: micros('scanAgain') },
        rows: { random: micros('rows'), same: micros('rowsAgain') },
      },
    }
    return { data, lines: linesOf(data) }
  } finally {
    await store.close()
    rmSync(directory, { recursive: true, force: true })
  }
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

function linesOf({
  micros,
}: {
  readonly micros: Readonly<Record<'scan' | 'rows', Readonly<Record<'random' | 'same', number>>>>
}): readonly string[] {
  const line = (name: string, { random, same }: { readonly random: number; readonly same: number }) =>
    `${name.padEnd(40)}${String(random).padStart(12)}${String(same).padStart(12)}`
  return [
    `${'microseconds of 100 rows'.padEnd(40)}${'random ones'.padStart(12)}${'the same'.padStart(12)}`,
    line('a scan as of a time', micros.scan),
    line('its rows alone, nothing looked for', micros.rows),
  ]
}
