/**
 * How much memory the process takes while a store ten times the cache budget is loaded, compacted, scanned and read
 * here and there, with flushes and compactions in a thread and inline. Each way has a process of its own
 * (`memory-run.ts`). What is allowed: the cache, the memtables that can wait to be flushed, and 200 MB.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { GEOMETRIES } from '../src/storage/geometry.ts'
import { FROZEN_MAX } from '../src/store/stalls.ts'
import { type Benchmark } from './benchmark.ts'
import { CACHE_BYTES, type MemoryUse } from './memory-run.ts'

const MB = 1e6
const MEMTABLES = FROZEN_MAX + 1

/** Both ways. */
export const benchmarkMemory: Benchmark = async (progress) => {
  const allowed = CACHE_BYTES + MEMTABLES * GEOMETRIES.default.memtableBytes + 200 * MB
  const results = ['worker', 'inline'].map((background) => {
    progress(background)
    return { background, uses: run(background) }
  })
  const data = {
    cacheMb: inMb(CACHE_BYTES),
    allowedMb: inMb(allowed),
    results: results.map(({ background, uses }) => {
      const peak = Math.max(...uses.map(({ peakBytes }) => peakBytes))
      return { background, peakMb: inMb(peak), isWithin: peak <= allowed, uses: uses.map(toMb) }
    }),
  }
  return {
    data,
    lines: data.results.map(({ background, peakMb, isWithin, uses }) => {
      const steps = uses.map(({ after, residentMb }) => `after ${after} ${residentMb} MB`)
      const verdict = `${isWithin ? 'within' : 'OVER'} ${data.allowedMb} MB`
      return `${background.padEnd(7)} ${steps.join(', ')}; at most ${peakMb} MB: ${verdict}`
    }),
  }
}

function run(background: string): readonly MemoryUse[] {
  const script = fileURLToPath(new URL('./memory-run.js', import.meta.url))
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, background], { encoding: 'utf8' })
  if (status !== 0) throw new Error(`the process of ${background} failed: ${stderr}`)
  return JSON.parse(stdout) as readonly MemoryUse[]
}

function toMb({ after, residentBytes, peakBytes }: MemoryUse) {
  return { after, residentMb: inMb(residentBytes), peakMb: inMb(peakBytes) }
}

function inMb(bytes: number): number {
  return Math.round(bytes / MB)
}
