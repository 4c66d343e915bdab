/**
 * How long a put can take while many follow each other: 100-byte values under random keys, at the durability
 * `os`, on real files, with flushes and compactions in worker threads and inline. Nothing else is going on,
 * so every pause is maintenance, or the machine's.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Background, open } from '../src/index.ts'
import { seededRandom } from '../src/simulator/random.ts'
import { type Benchmark } from './benchmark.ts'

const PUTS = 400_000
const KEYS = 1_000_000
const VALUE_BYTES = 100
const PERCENTILES = [50, 99, 99.9, 99.99, 100]

/** Both ways. */
export const benchmarkPauses: Benchmark = async (progress) => {
  const results = (['worker', 'inline'] as const).map((background) => {
    progress(`${PUTS} puts, ${background}`)
    return { background, ...pausesOf(background) }
  })
  const lines = results.map(({ background, putsPerSecond, percentilesMs }) => {
    const pauses = Object.entries(percentilesMs).map(([percent, ms]) => `p${percent} ${ms} ms`)
    return `${background.padEnd(7)} ${putsPerSecond} puts/s, ${pauses.join(', ')}`
  })
  return { data: { puts: PUTS, results }, lines }
}

function pausesOf(background: Background) {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-pauses-'))
  const db = open(join(directory, 'db'), { background })
  try {
    db.createKeyspace('bench')
    const table = db.createTable<string, Uint8Array>('bench.data', { values: 'bytes' })
    const random = seededRandom(1)
    const value = new Uint8Array(VALUE_BYTES).map((_, i) => i * 31)
    const pauses = new Float64Array(PUTS)
    const begin = performance.now()
    for (let i = 0; i < PUTS; i++) {
      const key = `user:${String(random.below(KEYS)).padStart(10, '0')}`
      const start = performance.now()
      table.put(key, value)
      pauses[i] = performance.now() - start
    }
    const seconds = (performance.now() - begin) / 1000
    pauses.sort()
    const at = (percent: number) => pauses[Math.min(PUTS - 1, Math.floor((PUTS * percent) / 100))]!
    return {
      putsPerSecond: Math.round(PUTS / seconds),
      percentilesMs: Object.fromEntries(
        PERCENTILES.map((percent) => [percent, Number(at(percent).toFixed(3))]),
      ),
      stalls: db.stats().stalls,
    }
  } finally {
    db.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
