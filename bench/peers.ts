/**
 * This engine against what people would build instead, at the same work in one run: rows of (key, time) in
 * LMDB (lmdb), SQLite (better-sqlite3) and LevelDB (level), each with its best schema and, where it has them, its
 * synchronous calls. Same data, same durability: each commit is handed to the system, none is synced. Reads are
 * measured with warm caches, large enough for all of the data: each store has read everything before.
 *
 * | task         | one operation                                                        |
 * | ------------ | -------------------------------------------------------------------- |
 * | load         | one version, in commits of 100, until all is flushed                  |
 * | currentGet   | the newest value of a random key                                     |
 * | asOfGet      | the value of a random key as of a random time                        |
 * | absentGet    | a random key that is not there                                       |
 * | asOfScan100  | 100 keys from a random one on, as of a random time                   |
 * | fullAsOfScan | all keys as of a time in the middle                                  |
 * | history      | all versions of a random key                                         |
 * | diff         | the keys that differ between two times, 1 % of the commits apart     |
 * | reopen       | close, open, and the first get                                       |
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RandomStream, seededRandom } from '../src/simulator/random.ts'
import { type Benchmark } from './benchmark.ts'
import {
  COMMITS,
  KEYS,
  KEYS_PER_COMMIT,
  SEED,
  UNITS,
  VERSIONS,
  VERSIONS_PER_KEY,
  keyOf,
  keys,
  loadInto,
  readings,
} from './history.ts'
import { installPeers } from './install.ts'
import { medianOf } from './median.ts'
import { openLeveldb } from './peers/leveldb.ts'
import { openLmdb } from './peers/lmdb.ts'
import { openPalimpsest } from './peers/palimpsest.ts'
import { openSqlite } from './peers/sqlite.ts'
import { type Tally, type VersionStore } from './peers/store.ts'
import { type Work, measure } from './rounds.ts'

const ROUNDS = 5
/** Commits of the load in which each one is synced. */
const SYNCED_COMMITS = 300

const OPENERS = { ours: openPalimpsest, lmdb: openLmdb, sqlite: openSqlite, level: openLeveldb }
type Name = keyof typeof OPENERS
type PerName<T> = Readonly<Record<Name, T>>
const NAMES = Object.keys(OPENERS) as Name[]

/** Microseconds of an operation, and how many times as fast as the best peer ours is. */
interface TaskCost extends PerName<number> {
  readonly task: string
  readonly ratio: number
}

/** A task that is short enough to be done over and over. */
interface MicroTask {
  readonly task: string
  /** How many operations one unit of its work has. */
  readonly operations: number
  readonly workOf: (store: VersionStore, random: RandomStream) => Work
}

const MICRO_TASKS: readonly MicroTask[] = [
  {
    task: 'currentGet',
    operations: 200,
    workOf: (store, random) => over(keys(random, 200), (key) => must(store.get(key))),
  },
  {
    task: 'asOfGet',
    operations: 200,
    workOf: (store, random) => over(readings(random, 200), ({ key, time }) => must(store.getAsOf(key, time))),
  },
  {
    task: 'absentGet',
    operations: 200,
    workOf: (store, random) =>
      over(keys(random, 200), (key) => mustNot(store.get(Uint8Array.from([...key.subarray(0, 15), 0x7a])))),
  },
  {
    task: 'asOfScan100',
    operations: 10,
    workOf: (store, random) =>
      over(readings(random, 10, KEYS - 100), ({ key, time }) =>
        mustCount(store.scanAsOf(key, time, 100), 100),
      ),
  },
  {
    task: 'history',
    operations: 50,
    workOf: (store, random) =>
      over(keys(random, 50), (key) => mustCount(store.history(key), VERSIONS_PER_KEY)),
  },
]

/** Runs all tasks on all stores. */
export const benchmarkPeers: Benchmark = async (progress) => {
  installPeers(progress)
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-peers-'))
  try {
    const tasks: TaskCost[] = []
    const debts: string[] = []
    const stores = {} as Record<Name, VersionStore>
    const load = {} as Record<Name, number>
    for (const name of NAMES) {
      progress(`loading ${VERSIONS} versions into ${name}`)
      stores[name] = await OPENERS[name](placeOf(directory, name), 'os')
      load[name] = (await microsOf(() => loadInto(stores[name], COMMITS))) / VERSIONS
      debts.push(`${name}: ${stores[name].debt()}`)
    }
    tasks.push(costOf('load', load))
    progress('warming all caches')
    for (const name of NAMES) await warm(stores[name])
    for (const micro of MICRO_TASKS) {
      progress(`measuring ${micro.task}`)
      tasks.push(await costOfMicro(micro, stores))
    }
    progress('measuring fullAsOfScan')
    const middle = COMMITS / 2
    tasks.push(
      await costOfLong('fullAsOfScan', stores, (store) =>
        mustCount(store.scanAsOf(keyOf(0), middle, KEYS), KEYS),
      ),
    )
    progress('measuring diff')
    const expected = await stores.sqlite.diff(middle, middle + COMMITS / 100)
    tasks.push(
      await costOfLong('diff', stores, async (store) => {
        const found = await store.diff(middle, middle + COMMITS / 100)
        if (found !== expected) throw new Error(`${found} keys differ, not ${expected}`)
      }),
    )
    progress('measuring reopen')
    tasks.push(await costOfReopen(directory, stores))
    for (const store of Object.values(stores)) await store.close()
    progress(`loading with every commit synced: ${SYNCED_COMMITS} commits`)
    const synced = await syncedLoad(directory)
    return { data: { versions: VERSIONS, tasks }, lines: linesOf(tasks, synced, debts) }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Reads everything once, so that what is measured next comes from memory, as far as a store keeps it there. */
async function warm(store: VersionStore): Promise<void> {
  await store.scanAsOf(keyOf(0), COMMITS, KEYS)
  await store.scanAsOf(keyOf(0), COMMITS / VERSIONS_PER_KEY, KEYS)
  for (let key = 0; key < KEYS; key++) {
    const done = store.history(keyOf(key))
    if (done instanceof Promise) await done
  }
}

async function syncedLoad(directory: string): Promise<TaskCost> {
  const costs = {} as Record<Name, number>
  for (const name of NAMES) {
    const store = await OPENERS[name](placeOf(directory, `${name}-synced`), 'disk')
    costs[name] = (await microsOf(() => loadInto(store, SYNCED_COMMITS))) / (SYNCED_COMMITS * KEYS_PER_COMMIT)
    await store.close()
  }
  return costOf('load, every commit synced', costs)
}

async function costOfMicro({ task, operations, workOf }: MicroTask, stores: PerName<VersionStore>) {
  // The same chance for all: the same calls.
  const works = perName((name) => workOf(stores[name], seededRandom(SEED).fork(task)))
  const speeds = await measure(works, ROUNDS)
  return costOf(
    task,
    perName((name) => 1e6 / (speeds[name] * operations)),
  )
}

async function costOfLong(
  task: string,
  stores: PerName<VersionStore>,
  work: (store: VersionStore) => unknown,
): Promise<TaskCost> {
  const samples = perName(() => [] as number[])
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of round % 2 === 0 ? NAMES : NAMES.toReversed()) {
      samples[name].push(await microsOf(() => work(stores[name])))
    }
  }
  return costOf(
    task,
    perName((name) => medianOf(samples[name])),
  )
}

async function costOfReopen(directory: string, stores: Record<Name, VersionStore>): Promise<TaskCost> {
  const samples = perName(() => [] as number[])
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of NAMES) {
      const work = async () => {
        await stores[name].close()
        stores[name] = await OPENERS[name](placeOf(directory, name), 'os')
        await must(stores[name].get(keyOf(round)))
      }
      samples[name].push(await microsOf(work))
    }
  }
  return costOf(
    'reopen',
    perName((name) => medianOf(samples[name])),
  )
}

function costOf(task: string, costs: PerName<number>): TaskCost {
  const peers = NAMES.filter((name) => name !== 'ours').map((name) => costs[name])
  const rounded = perName((name) => Number(costs[name].toPrecision(4)))
  return { task, ...rounded, ratio: Number((Math.min(...peers) / costs.ours).toPrecision(3)) }
}

function linesOf(tasks: readonly TaskCost[], synced: TaskCost, debts: readonly string[]): readonly string[] {
  const line = ({ task, ratio, ...costs }: TaskCost) =>
    `${task.padEnd(26)}${NAMES.map((name) => String(costs[name]).padStart(12)).join('')}${String(ratio).padStart(10)}`
  return [
    `${'microseconds'.padEnd(26)}${NAMES.map((name) => name.padStart(12)).join('')}${'ratio'.padStart(10)}`,
    ...[...tasks, synced].map(line),
    '',
    'ratio: the best peer / ours',
    'left to be merged after the load:',
    ...debts,
  ]
}

function perName<T>(make: (name: Name) => T): Record<Name, T> {
  return Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Record<Name, T>
}

function placeOf(directory: string, name: string): string {
  const place = join(directory, name)
  mkdirSync(place, { recursive: true })
  return place
}

/** One unit of work after the other: something done to a 64th of some things. Only promises are waited for. */
function over<T>(things: readonly T[], act: (thing: T) => unknown): Work {
  const count = things.length / UNITS
  let unit = 0
  return async () => {
    const from = (unit++ % UNITS) * count
    for (let i = from; i < from + count; i++) {
      const done = act(things[i]!)
      if (done instanceof Promise) await done
    }
  }
}

function must(value: unknown): unknown {
  if (value instanceof Promise) return value.then(must)
  if (value === undefined) throw new Error('a key is not there')
  return undefined
}

function mustNot(value: unknown): unknown {
  if (value instanceof Promise) return value.then(mustNot)
  if (value !== undefined) throw new Error('a key is there')
  return undefined
}

function mustCount(tally: Tally | Promise<Tally>, count: number): unknown {
  if (tally instanceof Promise) return tally.then((found) => mustCount(found, count))
  if (tally.count !== count) throw new Error(`${tally.count} were found, not ${count}`)
  return undefined
}

async function microsOf(work: () => unknown): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1000
}
