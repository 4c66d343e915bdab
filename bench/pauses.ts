/**
 * How long a put can take while many follow each other: 100-byte values under random keys out of a million, at the
 * durability `os`, on real files, with flushes and compactions in a worker thread and inline.
 *
 * | load  | what writes                                                             |
 * | ----- | ----------------------------------------------------------------------- |
 * | tight | a loop that does nothing else, a million times                          |
 * | paced | 20,000 puts a second for 20 seconds, each at its own time or, late, next |
 *
 * A pause is told twice: by the wall, and without the time in which the thread could have gone on and another had its
 * core (`/proc/self/schedstat`, on Linux; asking takes 4 microseconds for each put, outside of the pause). The latter is
 * the store's own, also on a machine that others use.
 *
 * A row `nothing` is the same tight loop without a database: what the machine itself takes away. Of the longest pauses
 * the result says what the store told during each.
 */
import { existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Background, type StoreEvent, open } from '../src/index.ts'
import { seededRandom } from '../src/simulator/random.ts'
import { type Benchmark } from './benchmark.ts'

const KEYS = 1_000_000
const VALUE_BYTES = 100
const PERCENTILES = [50, 99, 99.9, 99.99, 100]
/** How many of the longest pauses are told. */
const LONGEST = 8

interface Load {
  readonly puts: number
  /** Left out: one after the other. */
  readonly putsPerSecond?: number
}

const LOADS: Readonly<Record<'tight' | 'paced', Load>> = {
  tight: { puts: 1_000_000 },
  paced: { puts: 400_000, putsPerSecond: 20_000 },
}

/** Both loads, both ways. */
export const benchmarkPauses: Benchmark = async (progress) => {
  const results = []
  for (const [load, { puts, putsPerSecond }] of Object.entries(LOADS)) {
    for (const background of ['worker', 'inline'] as const) {
      progress(`${puts} puts, ${load}, ${background}`)
      results.push({
        load,
        background,
        ...pausesOf(background, { puts, ...(putsPerSecond && { putsPerSecond }) }),
      })
    }
  }
  progress('nothing')
  const nothing = measure(LOADS.tight, () => undefined)
  const percentiles = (of: Readonly<Record<string, number>>) =>
    Object.entries(of)
      .map(([percent, ms]) => `${percent} ${ms} ms`)
      .join(', ')
  const lines = results.map(
    ({ load, background, putsPerSecond, percentilesMs, ownPercentilesMs }) =>
      `${load} ${background.padEnd(7)} ${putsPerSecond} puts/s, ${percentiles(percentilesMs)}; own ${percentiles(ownPercentilesMs)}`,
  )
  return {
    data: { valueBytes: VALUE_BYTES, keys: KEYS, loads: LOADS, results, nothing: nothing.percentilesMs },
    lines: [...lines, `nothing       ${percentiles(nothing.percentilesMs)}`],
  }
}

function pausesOf(background: Background, load: Load) {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-pauses-'))
  let told: StoreEvent[] = []
  const db = open(join(directory, 'db'), { background, onEvent: (event) => told.push(event) })
  try {
    db.createKeyspace('bench')
    const table = db.createTable<string, Uint8Array>('bench.data', { values: 'bytes' })
    const random = seededRandom(1)
    const value = new Uint8Array(VALUE_BYTES).map((_, i) => i * 31)
    const keys = Array.from({ length: load.puts }, () => random.below(KEYS))
    const figures = measure(
      load,
      (i) => {
        table.put(`user:${String(keys[i]).padStart(10, '0')}`, value)
      },
      () => {
        const kinds = told.map((event) => (event.kind === 'stall' ? `stall ${event.how}` : event.kind))
        told = []
        return kinds
      },
    )
    const { stalls, debtBytes, compactions } = db.stats()
    return { ...figures, stalls, debtBytes, compactions }
  } finally {
    db.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Calls `put` as a load says. `during` says, and forgets, what happened since it was asked last. */
function measure(
  { puts, putsPerSecond }: Load,
  put: (i: number) => void,
  during: () => readonly string[] = () => [],
) {
  const pauses = new Float64Array(puts)
  const ownPauses = new Float64Array(puts)
  const longest: { ms: number; ownMs: number; atSecond: number; told: readonly string[] }[] = []
  const cpu = process.cpuUsage()
  const begin = performance.now()
  for (let i = 0; i < puts; i++) {
    if (putsPerSecond !== undefined) waitUntil(begin + (i * 1000) / putsPerSecond)
    const waitedBefore = waitedForCoreMs()
    const start = performance.now()
    put(i)
    const ms = performance.now() - start
    const ownMs = Math.max(0, ms - (waitedForCoreMs() - waitedBefore))
    pauses[i] = ms
    ownPauses[i] = ownMs
    const told = during()
    if (ms < 1) continue
    const atSecond = rounded((start - begin) / 1000)
    longest.push({ ms: rounded(ms), ownMs: rounded(ownMs), atSecond, told })
    longest.sort((a, b) => b.ownMs - a.ownMs)
    longest.splice(LONGEST)
  }
  const seconds = (performance.now() - begin) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return {
    putsPerSecond: Math.round(puts / seconds),
    cpuSeconds: rounded((user + system) / 1e6),
    percentilesMs: percentilesOf(pauses),
    ownPercentilesMs: percentilesOf(ownPauses),
    longest,
  }
}

function percentilesOf(pauses: Float64Array): Readonly<Record<string, number>> {
  const sorted = pauses.toSorted()
  const at = (percent: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))]!
  return Object.fromEntries(PERCENTILES.map((percent) => [`p${percent}`, rounded(at(percent))]))
}

const SCHEDSTAT = '/proc/self/schedstat'
const schedstat = existsSync(SCHEDSTAT) ? openSync(SCHEDSTAT, 'r') : undefined
const line = Buffer.alloc(128)

/** How long this thread has waited for a core so far: the second number of the line, in nanoseconds. */
function waitedForCoreMs(): number {
  if (schedstat === undefined) return 0
  const length = readSync(schedstat, line, 0, line.length, 0)
  return Number(line.toString('latin1', 0, length).split(' ', 2)[1]) / 1e6
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

function waitUntil(ms: number): void {
  const left = ms - performance.now()
  if (left > 1) Atomics.wait(sleeper, 0, 0, left)
}

const rounded = (value: number) => Number(value.toFixed(3))
