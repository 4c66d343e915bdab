/**
 * The tasks on which stores are compared, and one sample of each on a store that is open. Which keys and times
 * are asked for is drawn from one seed: the same chance for all.
 */
import { type RandomStream, seededRandom } from '../../src/simulator/random.ts'
import { COMMITS, KEYS, SEED, UNITS, VERSIONS_PER_KEY, keyOf, keys, readings } from '../history.ts'
import { type Work, sample } from '../rounds.ts'
import { type Answer, type Tally, type VersionStore } from './store.ts'

/** What a sample of a task showed. */
export interface Sample {
  /** Microseconds of one operation. */
  readonly micros: number
  /** How many things it found: every store must find as many. */
  readonly found?: number
  /** What is left to be merged, in words. */
  readonly debt?: string
}

/** A task that is short enough to be done over and over. */
interface ShortTask {
  /** How many operations one unit of its work has. */
  readonly operations: number
  readonly workOf: (store: VersionStore, random: RandomStream) => Work
}

const SHORT_TASKS = {
  currentGet: {
    operations: 200,
    workOf: (store, random) => over(keys(random, 200), (key) => must(store.get(key))),
  },
  asOfGet: {
    operations: 200,
    workOf: (store, random) =>
      over(momentsOf(store, random, 200), ({ key, time }) => must(store.getAsOf(key, time))),
  },
  absentGet: {
    operations: 200,
    workOf: (store, random) => over(keys(random, 200).map(besideOf), (key) => mustNot(store.get(key))),
  },
  asOfScan100: {
    operations: 10,
    workOf: (store, random) =>
      over(momentsOf(store, random, 10, KEYS - 100), ({ key, time }) =>
        mustCount(store.scanAsOf(key, time, 100), 100),
      ),
  },
  history: {
    operations: 50,
    workOf: (store, random) =>
      over(keys(random, 50), (key) => mustCount(store.history(key), VERSIONS_PER_KEY)),
  },
} satisfies Record<string, ShortTask>

const MIDDLE = COMMITS / 2

/** Tasks of one operation, and what it finds. */
const LONG_TASKS = {
  fullAsOfScan: async (store: VersionStore) => {
    return (await store.scanAsOf(keyOf(0), store.timeOf(MIDDLE), KEYS)).count
  },
  diff: (store: VersionStore) => {
    return store.diff(store.timeOf(MIDDLE), store.timeOf(MIDDLE + COMMITS / 100))
  },
}

/** The tasks of an open store. */
export type TaskName = keyof typeof SHORT_TASKS | keyof typeof LONG_TASKS

/** Takes samples of the tasks of one store. */
export class Sampler {
  readonly #store: VersionStore
  readonly #works = new Map<string, Work>()

  constructor(store: VersionStore) {
    this.#store = store
  }

  async sample(task: TaskName): Promise<Sample> {
    if (isLong(task)) return this.#sampleLong(LONG_TASKS[task])
    const { operations, workOf } = SHORT_TASKS[task]
    const work = this.#works.get(task) ?? workOf(this.#store, seededRandom(SEED).fork(task))
    this.#works.set(task, work)
    return { micros: 1e6 / ((await sample(work)) * operations) }
  }

  async #sampleLong(work: (store: VersionStore) => Answer<number>): Promise<Sample> {
    let found = 0
    const hertz = await sample(async () => {
      found = await work(this.#store)
    })
    return { micros: 1e6 / hertz, found }
  }
}

function isLong(task: TaskName): task is keyof typeof LONG_TASKS {
  return task in LONG_TASKS
}

/** Reads everything once, so that what is measured next comes from memory, as far as a store keeps it there. */
export async function warm(store: VersionStore): Promise<void> {
  await store.scanAsOf(keyOf(0), store.timeOf(COMMITS), KEYS)
  await store.scanAsOf(keyOf(0), store.timeOf(COMMITS / VERSIONS_PER_KEY), KEYS)
  for (let key = 0; key < KEYS; key++) {
    const done = store.history(keyOf(key))
    if (done instanceof Promise) await done
  }
}

/** Readings, with their times as a store has them. */
function momentsOf(store: VersionStore, random: RandomStream, count: number, keysMax?: number) {
  return readings(random, count, keysMax).map(({ key, time }) => ({ key, time: store.timeOf(time) }))
}

/** A key right beside another that is not there. */
function besideOf(key: Uint8Array): Uint8Array {
  return Uint8Array.from([...key.subarray(0, 15), 0x7a])
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

/** That a key is there. */
export function must(value: unknown): unknown {
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
