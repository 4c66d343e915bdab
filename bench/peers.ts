/**
 * This engine against what people would build instead, at the same work in one run: rows of (key, time) in
 * LMDB (lmdb), SQLite (better-sqlite3) and LevelDB (level), each with its best schema and, where it has them, its
 * synchronous calls. Same data, same durability: each commit is handed to the system, none is synced. Reads are
 * measured with warm caches, large enough for all of the data: each store has read everything before.
 *
 * Each store has a process of its own, as it would have in use, and they work in turns: no store pays for the garbage
 * of another, or for code that was compiled for all of them together.
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
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Benchmark } from './benchmark.ts'
import { COMMITS, VERSIONS } from './history.ts'
import { installPeers } from './install.ts'
import { medianOf } from './median.ts'
import { type Order, type StoreName } from './peers/orders.ts'
import { StoreProcess } from './peers/store-process.ts'
import { type Durability } from './peers/store.ts'
import { type Sample, type TaskName } from './peers/tasks.ts'

const ROUNDS = 5
/** Commits of the load in which each one is synced. */
const SYNCED_COMMITS = 300

type PerName<T> = Readonly<Record<StoreName, T>>
const NAMES: readonly StoreName[] = ['ours', 'lmdb', 'sqlite', 'level']
const TASKS: readonly TaskName[] = [
  'currentGet',
  'asOfGet',
  'absentGet',
  'asOfScan100',
  'history',
  'fullAsOfScan',
  'diff',
]

/** Microseconds of an operation, and how many times as fast as the best peer ours is. */
interface TaskCost extends PerName<number> {
  readonly task: string
  readonly ratio: number
}

/** Runs all tasks on all stores. */
export const benchmarkPeers: Benchmark = async (progress) => {
  installPeers(progress)
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-peers-'))
  const stores = startAll(directory, 'os')
  try {
    progress(`loading ${VERSIONS} versions into each`)
    const loads = await inTurn(stores, { kind: 'load', commits: COMMITS })
    const tasks = [
      costOf(
        'load',
        perName((name) => loads[name].micros),
      ),
    ]
    progress('warming all caches')
    await inTurn(stores, { kind: 'warm' })
    for (const task of TASKS) {
      progress(`measuring ${task}`)
      tasks.push(await measure(task, stores, { kind: 'sample', task }))
    }
    progress('measuring reopen')
    tasks.push(await measure('reopen', stores, { kind: 'reopen' }))
    progress(`loading with every commit synced: ${SYNCED_COMMITS} commits`)
    const synced = await syncedLoad(directory)
    const debts = NAMES.map((name) => `${name}: ${loads[name].debt ?? ''}`)
    return { data: { versions: VERSIONS, tasks }, lines: linesOf(tasks, synced, debts) }
  } finally {
    for (const store of Object.values(stores)) await store.end()
    rmSync(directory, { recursive: true, force: true })
  }
}

function startAll(directory: string, durability: Durability): PerName<StoreProcess> {
  return perName(
    (name) => new StoreProcess({ name, durability, directory: join(directory, `${name}-${durability}`) }),
  )
}

/** One order to each store, while the others have nothing to do. */
async function inTurn(stores: PerName<StoreProcess>, order: Order, names: readonly StoreName[] = NAMES) {
  const samples = {} as Record<StoreName, Sample>
  for (const name of names) samples[name] = await stores[name].obey(order)
  return samples
}

/** The medians of some rounds. */
async function measure(task: string, stores: PerName<StoreProcess>, order: Order): Promise<TaskCost> {
  const samples = perName(() => [] as number[])
  for (let round = 0; round < ROUNDS; round++) {
    // Whoever comes first finds the caches as the other left them: take turns at that too.
    const found = await inTurn(stores, order, round % 2 === 0 ? NAMES : NAMES.toReversed())
    for (const name of NAMES) samples[name].push(found[name].micros)
    if (new Set(NAMES.map((name) => found[name].found)).size > 1)
      throw new Error(`${task}: the stores do not agree: ${JSON.stringify(found)}`)
  }
  return costOf(
    task,
    perName((name) => medianOf(samples[name])),
  )
}

async function syncedLoad(directory: string): Promise<TaskCost> {
  const stores = startAll(directory, 'disk')
  try {
    const loads = await inTurn(stores, { kind: 'load', commits: SYNCED_COMMITS })
    return costOf(
      'load, every commit synced',
      perName((name) => loads[name].micros),
    )
  } finally {
    for (const store of Object.values(stores)) await store.end()
  }
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

function perName<T>(make: (name: StoreName) => T): Record<StoreName, T> {
  return Object.fromEntries(NAMES.map((name) => [name, make(name)])) as Record<StoreName, T>
}
