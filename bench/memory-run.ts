/**
 * One way of `memory.ts`, in a process of its own: `node memory-run.js worker`. Writes what it took as JSON.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { argv, stdout } from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Background, open } from '../src/index.ts'
import { seededRandom } from '../src/simulator/random.ts'

/** The budget of the block cache. */
export const CACHE_BYTES: number = 32 * 2 ** 20

/** What the process had in memory after a step, and at most so far. */
export interface MemoryUse {
  readonly after: string
  readonly residentBytes: number
  readonly peakBytes: number
}

const STORE_BYTES = 10 * CACHE_BYTES
const KEYS = 200_000
const VALUE_BYTES = 400

if (argv[1] === fileURLToPath(import.meta.url)) stdout.write(JSON.stringify(run(argv[2] as Background)))

function run(background: Background): readonly MemoryUse[] {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-memory-'))
  const uses: MemoryUse[] = []
  const note = (after: string) => {
    const peakBytes = process.resourceUsage().maxRSS * 1024
    uses.push({ after, residentBytes: process.memoryUsage.rss(), peakBytes })
  }
  note('start')
  const db = open(join(directory, 'db'), { background, cacheBytes: CACHE_BYTES })
  try {
    db.createKeyspace('bench')
    const table = db.createTable<string, Uint8Array>('bench.data', { values: 'bytes', keep: 'forever' })
    const random = seededRandom(1)
    const value = new Uint8Array(VALUE_BYTES).map((_, i) => i * 31)
    for (let bytes = 0; bytes < STORE_BYTES; bytes += VALUE_BYTES) table.put(keyOf(random.below(KEYS)), value)
    note('loading')
    db.compact()
    note('compacting')
    let count = 0
    for (const { key } of table.scan()) count += key.length > 0 ? 1 : 0
    note('scanning')
    for (let i = 0; i < count; i++) table.get(keyOf(random.below(KEYS)))
    note('reading')
    return uses
  } finally {
    db.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

function keyOf(number: number): string {
  return `user:${String(number).padStart(10, '0')}`
}
