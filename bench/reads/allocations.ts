/**
 * What a cached get allocates, against what its result alone does: a copy of 100 bytes, made as a table makes those
 * that it hands out. Keys, times and options were made before.
 *
 * - **How much** is the growth of V8's heap and of the memory of array buffers over some hundred gets, less than what
 *   makes the collector run; the median of many such batches, each after a collection. What the asking itself
 *   takes is measured in the same way and taken off.
 * - **Where** is V8's sampling heap profiler, told to keep what was collected; the functions are those in which
 *   the memory was allocated. It slows allocation down and counts a little differently, so its sum is another.
 *
 * With nobody who asks for explanations or listens to events, neither should stand among the functions.
 */
import { Session } from 'node:inspector/promises'
import { memoryUsage } from 'node:process'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ByteCopies } from '../../src/base/bytes.ts'
import { type Table, open } from '../../src/index.ts'
import { UNITS } from '../history.ts'
import { medianOf } from '../median.ts'
import { loadHistory, readingsOf } from './cold.ts'
import { type Part, lineOf, measureOf, rounded } from './part.ts'

const GETS_PER_BATCH = 500
const BATCHES = 100
const WARM_UP = 400_000
const PROFILED = 50_000
const SAMPLE_BYTES = 64
/** Functions that allocate less than this for a get are not told. */
const LEAST_BYTES = 1
const READINGS = 50 * UNITS
const GOAL = 1

/** A function, and the bytes that it allocates for one get. */
interface Site {
  readonly name: string
  readonly file: string
  readonly bytes: number
}

/** Does something for the i-th time. */
type Step = (i: number) => unknown

/** Bytes by get, and the functions that allocate them. */
export const measureAllocations: Part = async (directory, progress) => {
  progress('loading')
  const times = await loadHistory(directory)
  const readings = readingsOf(times, READINGS)
  const db = open(directory, { cacheBytes: 512 * 2 ** 20 })
  try {
    const table: Table<Uint8Array, Uint8Array> = db.table('bench.versions')
    const options = readings.map(({ asOf }) => ({ asOf }))
    const values = readings.map(({ key }, i) => table.get(key, options[i])!)
    const copies = new ByteCopies()
    const result = bytesOf((i) => copies.copyOf(values[i % READINGS]!))
    const gets: Readonly<Record<string, Step>> = {
      'a current get': (i) => table.get(readings[i % READINGS]!.key),
      'an as-of get': (i) => table.get(readings[i % READINGS]!.key, options[i % READINGS]),
    }
    const found = []
    for (const [what, step] of Object.entries(gets)) {
      progress(what)
      const bytes = bytesOf(step)
      const measure = measureOf(`${what} ÷ its result`, bytes / result, GOAL)
      found.push({ what, bytes: rounded(bytes), measure, sites: await sitesOf(step) })
    }
    return {
      data: { resultBytes: rounded(result), gets: found },
      lines: [
        `the result alone: ${rounded(result)} bytes`,
        ...found.flatMap(({ what, bytes, measure, sites }) => [
          `${what}: ${bytes} bytes; ${lineOf(measure)}`,
          ...sites.map((site) => `  ${String(site.bytes).padStart(6)}  ${site.name}  ${site.file}`),
        ]),
      ],
    }
  } finally {
    db.close()
  }
}

/** The bytes that a step allocates, warmed up. */
function bytesOf(step: Step): number {
  for (let i = 0; i < WARM_UP; i++) step(i)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const batch = (count: number, from: number): number => {
    collect()
    const before = memoryUsage()
    for (let i = from; i < from + count; i++) step(i)
    const after = memoryUsage()
    return after.heapUsed + after.arrayBuffers - before.heapUsed - before.arrayBuffers
  }
  const samples = Array.from(
    { length: BATCHES },
    (_, i) => batch(GETS_PER_BATCH, i * GETS_PER_BATCH) - batch(0, 0),
  )
  return medianOf(samples) / GETS_PER_BATCH
}

/** The functions that allocate for a step, the most first. */
async function sitesOf(step: Step): Promise<readonly Site[]> {
  const session = new Session()
  session.connect()
  try {
    const collected = { includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: true }
    await session.post('HeapProfiler.startSampling', { samplingInterval: SAMPLE_BYTES, ...collected })
    for (let i = 0; i < PROFILED; i++) step(i)
    const { profile } = await session.post('HeapProfiler.stopSampling')
    const bytes = new Map<string, number>()
    const add = ({ callFrame, selfSize, children }: typeof profile.head): void => {
      const site = `${callFrame.functionName}\n${callFrame.url.replace(/^.*\/(src|bench)\//, '$1/')}`
      bytes.set(site, (bytes.get(site) ?? 0) + selfSize)
      for (const child of children) add(child)
    }
    add(profile.head)
    return [...bytes]
      .map(([site, sum]): Site => {
        const [name = '', file = ''] = site.split('\n')
        return { name, file, bytes: rounded(sum / PROFILED) }
      })
      .filter((site) => site.bytes >= LEAST_BYTES)
      .toSorted((a, b) => b.bytes - a.bytes)
  } finally {
    session.disconnect()
  }
}
