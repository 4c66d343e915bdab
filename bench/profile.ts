/**
 * Where the time goes: each task of `peers`, on this engine alone, under V8's sampling profiler. For each the
 * functions in which most samples were taken, by themselves, without what they call. Inlined functions count as
 * the one that they were inlined into.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRandom } from '../src/simulator/random.ts'
import { type Benchmark } from './benchmark.ts'
import { COMMITS, KEYS, SEED, VERSIONS, keyOf, keys, loadInto, readings } from './history.ts'
import { openPalimpsest } from './peers/palimpsest.ts'
import { type VersionStore } from './peers/store.ts'

const SAMPLE_MICROS = 200
const MILLIS_PER_TASK = 3000
/** How many functions of a task are told. */
const FUNCTIONS = 12

/** A function and the share of a task's samples that were taken in it. */
interface Share {
  readonly name: string
  readonly file: string
  readonly percent: number
}

interface TaskProfile {
  readonly task: string
  readonly micros: number
  readonly functions: readonly Share[]
}

/** Profiles all tasks. */
export const benchmarkProfile: Benchmark = async (progress) => {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-profile-'))
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_MICROS })
  const store = await openPalimpsest(directory, 'os')
  try {
    const tasks: TaskProfile[] = []
    progress('load')
    tasks.push(await profileOf(session, 'load', VERSIONS, () => loadInto(store, COMMITS)))
    await store.scanAsOf(keyOf(0), store.timeOf(COMMITS), KEYS)
    await store.scanAsOf(keyOf(0), store.timeOf(COMMITS / 2), KEYS)
    for (const [task, once] of Object.entries(readsOf(store))) {
      progress(task)
      const end = performance.now() + MILLIS_PER_TASK
      let times = 0
      const work = () => {
        for (; performance.now() < end; times++) once(times)
      }
      const profile = await profileOf(session, task, 1, work)
      tasks.push({ ...profile, micros: Number((profile.micros / times).toPrecision(4)) })
    }
    return { data: { tasks }, lines: tasks.flatMap(linesOf) }
  } finally {
    await store.close()
    session.disconnect()
    rmSync(directory, { recursive: true, force: true })
  }
}

function readsOf(store: VersionStore): Readonly<Record<string, (i: number) => unknown>> {
  const random = seededRandom(SEED).fork('profile')
  const some = keys(random, 100)
  const moments = readings(random, 100, KEYS - 100).map(({ key, time }) => ({
    key,
    time: store.timeOf(time),
  }))
  const [middle, later] = [COMMITS / 2, COMMITS / 2 + COMMITS / 100].map((commit) => store.timeOf(commit))
  const keyAt = (i: number) => some[i % some.length]!
  const momentAt = (i: number) => moments[i % moments.length]!
  return {
    currentGet: (i) => store.get(keyAt(i)),
    asOfGet: (i) => store.getAsOf(momentAt(i).key, momentAt(i).time),
    asOfScan100: (i) => store.scanAsOf(momentAt(i).key, momentAt(i).time, 100),
    fullAsOfScan: () => store.scanAsOf(keyOf(0), middle, KEYS),
    history: (i) => store.history(keyAt(i)),
    diff: () => store.diff(middle, later),
  }
}

async function profileOf(
  session: Session,
  task: string,
  operations: number,
  work: () => unknown,
): Promise<TaskProfile> {
  await session.post('Profiler.start')
  const start = performance.now()
  await work()
  const micros = (1000 * (performance.now() - start)) / operations
  const { profile } = await session.post('Profiler.stop')
  const functionOf = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const samples = new Map<string, number>()
  for (const id of profile.samples ?? []) {
    const { functionName, url } = functionOf.get(id)!
    const name = `${functionName === '' ? 'anonymous' : functionName} ${url.replace(/^.*\/(src|bench|node_modules)\//, '$1/')}`
    samples.set(name, (samples.get(name) ?? 0) + 1)
  }
  const all = profile.samples?.length ?? 1
  const functions = [...samples]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, FUNCTIONS)
    .map(([of, count]): Share => {
      const [, name = '', file = ''] = /^(.*) (.*)$/.exec(of)!
      return { name, file, percent: Number(((100 * count) / all).toFixed(1)) }
    })
  return { task, micros: Number(micros.toPrecision(4)), functions }
}

function linesOf({ task, micros, functions }: TaskProfile): readonly string[] {
  const shares = functions.map(
    ({ name, file, percent }) => `  ${percent.toFixed(1).padStart(5)} %  ${name}  ${file}`,
  )
  return [`${task}: ${micros} µs`, ...shares, '']
}
