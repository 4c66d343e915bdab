/**
 * How many blocks an as-of get reads from files when nothing of them is cached: random keys, as of the times of random
 * commits, of the history of `history.ts`; as it was loaded, in several levels, and when all of it is one sorted run.
 *
 * The cache has a hundredth of the data. Indexes and filters of tables are in memory. A sample of the reads is
 * explained, which says where each found what it was looking for, and where it searched in vain.
 */
import { type HybridTime, type Table, open } from '../../src/index.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { COMMITS, SEED, UNITS, loadInto, readings } from '../history.ts'
import { type Measure, type Part, lineOf, measureOf, rounded } from './part.ts'

const CACHE_BYTES = 2 ** 20
const GETS = 20_000
const EXPLAINED = 5000
const GOAL = 1.1

type Bytes = Table<Uint8Array, Uint8Array>

/** Blocks of a level that a read searched, on the average. */
interface LevelSearches {
  readonly level: number
  readonly found: number
  readonly inVain: number
}

/** One reading: a key and the time as of which it is read. */
interface Reading {
  readonly key: Uint8Array
  readonly asOf: HybridTime
}

/** Loads the history of `history.ts`, and says the time of each commit. */
export async function loadHistory(place: string): Promise<readonly HybridTime[]> {
  const db = open(place)
  db.createKeyspace('bench')
  const table: Bytes = db.createTable('bench.versions', { keys: 'bytes', values: 'bytes', keep: 'forever' })
  const times: HybridTime[] = []
  const commit: Parameters<typeof loadInto>[0]['commit'] = (rows, time) => {
    times[time] = table.batch(rows.map(({ key, value }) => ({ type: 'put', key, value }))).time
  }
  await loadInto({ commit, settle: () => db.flush() }, COMMITS)
  db.close()
  return times
}

/** Random readings of it. */
export function readingsOf(times: readonly HybridTime[], count: number): readonly Reading[] {
  const drawn = readings(seededRandom(SEED).fork('reads'), count / UNITS)
  return drawn.map(({ key, time }) => ({ key, asOf: times[time]! }))
}

/** Blocks of an as-of get, as loaded and compacted. */
export const measureCold: Part = async (directory, progress) => {
  progress('loading')
  const times = await loadHistory(directory)
  const all = readingsOf(times, Math.ceil(GETS / UNITS) * UNITS)
  const db = open(directory, { cacheBytes: CACHE_BYTES })
  try {
    const table: Bytes = db.table('bench.versions')
    const states = ['as loaded', 'compacted'].map((state, i) => {
      progress(state)
      if (i === 1) db.compact()
      const before = db.stats().reads.blocksRead
      for (const { key, asOf } of all) if (table.get(key, { asOf }) === undefined) throw new Error('no value')
      const blocks = (db.stats().reads.blocksRead - before) / all.length
      const measure = measureOf(`blocks read by an as-of get, ${state}`, blocks, GOAL)
      return { state, measure, levels: searchesOf(table, all.slice(0, EXPLAINED)) }
    })
    return { data: { states }, lines: states.flatMap(linesOf) }
  } finally {
    db.close()
  }
}

function searchesOf(table: Bytes, sample: readonly Reading[]): readonly LevelSearches[] {
  const levels = new Map<number, { found: number; inVain: number }>()
  for (const { key, asOf } of sample) {
    for (const step of table.explainRead(key, { asOf }).steps) {
      if (step.place !== 'file' || step.blocks.length === 0) continue
      const level = levels.get(step.level) ?? { found: 0, inVain: 0 }
      levels.set(step.level, level)
      // Of a file that has the answer, every block but the last was searched in vain.
      const found = step.outcome === 'found' ? 1 : 0
      level.found += found
      level.inVain += step.blocks.length - found
    }
  }
  const mean = (sum: number) => rounded(sum / sample.length)
  return [...levels]
    .toSorted(([a], [b]) => a - b)
    .map(([level, { found, inVain }]) => ({ level, found: mean(found), inVain: mean(inVain) }))
}

function linesOf({
  measure,
  levels,
}: {
  measure: Measure
  levels: readonly LevelSearches[]
}): readonly string[] {
  const ofLevel = ({ level, found, inVain }: LevelSearches) =>
    `  level ${level}: ${found} found, ${inVain} in vain`
  return [lineOf(measure), ...levels.map(ofLevel)]
}
