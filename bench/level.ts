/**
 * PalimpsestLevel against classic-level, which is LevelDB in C++, at what both can do: the same keys and
 * values, the same calls, both with their defaults, on real files side by side. Ours keeps every version for
 * a day and commits before a call returns; LevelDB keeps the newest one and works in threads of its own.
 *
 * | task                 | one unit of work                                             |
 * | -------------------- | ------------------------------------------------------------ |
 * | get                  | 100 random keys, one `await db.get(key)` after the other     |
 * | getMany              | 100 random keys in one call                                  |
 * | iterator             | `for await` over 1,000 entries from a random key on          |
 * | batch                | 100 puts of random keys in one call                          |
 * | iteratorAfterBatches | as `iterator`, among what the batches left                   |
 *
 * The batches write a sixteenth of the keys, each one hundreds of times: LevelDB has forgotten all but the newest, and
 * our iterator goes by a history that is many times as large as its cache.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AbstractLevel } from 'abstract-level'
import { Level } from 'level'
import { PalimpsestLevel } from '../src/level.ts'
import { type RandomStream, seededRandom } from '../src/simulator/random.ts'
import { type Benchmark } from './benchmark.ts'
import { type Work, measure } from './rounds.ts'

/** What the tasks need of a level. */
type AnyLevel = AbstractLevel<string | Uint8Array>

const ENTRIES = 100_000
const VALUE_CHARACTERS = 100
const KEYS_PER_CALL = 100
const ENTRIES_PER_LOOP = 1000
const ROUNDS = 9
const SEED = 1

/** A round of calls that both subjects get in the same order, over and over. */
const CALLS = 64

/** A task, and how many operations one unit of its work has. */
interface Task {
  readonly name: string
  readonly operations: number
  readonly workOf: (db: AnyLevel, random: RandomStream) => Work
}

const TASKS: readonly Task[] = [
  {
    name: 'get',
    operations: KEYS_PER_CALL,
    workOf(db, random) {
      const keys = inTurn(() => keysFrom(random))
      return async () => {
        for (const key of keys()) await db.get(key)
      }
    },
  },
  {
    name: 'getMany',
    operations: KEYS_PER_CALL,
    workOf(db, random) {
      const keys = inTurn(() => keysFrom(random))
      return () => db.getMany(keys())
    },
  },
  { name: 'iterator', operations: ENTRIES_PER_LOOP, workOf: iterating },
  {
    name: 'batch',
    operations: KEYS_PER_CALL,
    workOf(db, random) {
      const batch = inTurn(() =>
        keysFrom(random).map((key) => ({ type: 'put' as const, key, value: valueFrom(random) })),
      )
      return () => db.batch(batch())
    },
  },
  { name: 'iteratorAfterBatches', operations: ENTRIES_PER_LOOP, workOf: iterating },
]

/** Runs all tasks. */
export const benchmarkLevel: Benchmark = async (progress) => {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-bench-'))
  const ours: AnyLevel = new PalimpsestLevel(join(directory, 'ours'))
  const classicLevel = new Level(join(directory, 'classic')) as unknown as AnyLevel
  try {
    progress(`loading ${ENTRIES} entries into each`)
    for (const db of [ours, classicLevel]) await load(db)
    const tasks = []
    for (const task of TASKS) {
      progress(`measuring ${task.name}`)
      tasks.push(await compare(task, { ours, classicLevel }))
    }
    return {
      data: { tasks },
      lines: tasks.map(
        ({ task, ours: a, classicLevel: b, ratio }) =>
          `${task.padEnd(21)} ours ${a} ops/s, classic-level ${b} ops/s: ${ratio} times as fast`,
      ),
    }
  } finally {
    await Promise.all([ours.close(), classicLevel.close()])
    rmSync(directory, { recursive: true, force: true })
  }
}

function iterating(db: AnyLevel, random: RandomStream): Work {
  const from = inTurn(() => keyOf(random.below(ENTRIES - ENTRIES_PER_LOOP)))
  return async () => {
    let count = 0
    for await (const [key] of db.iterator({ gte: from(), limit: ENTRIES_PER_LOOP })) if (key) count++
    if (count !== ENTRIES_PER_LOOP) throw new Error(`an iterator had ${count} entries`)
  }
}

async function compare(
  { name, operations, workOf }: Task,
  dbs: { readonly ours: AnyLevel; readonly classicLevel: AnyLevel },
) {
  // The same chance for both: the same calls.
  const workOn = (db: AnyLevel) => workOf(db, seededRandom(SEED).fork(name))
  const works = { ours: workOn(dbs.ours), classicLevel: workOn(dbs.classicLevel) }
  const speeds = await measure(works, ROUNDS)
  const [ours, classicLevel] = [speeds.ours * operations, speeds.classicLevel * operations]
  const ratio = Number((ours / classicLevel).toFixed(3))
  return { task: name, ours: Math.round(ours), classicLevel: Math.round(classicLevel), ratio }
}

async function load(db: AnyLevel): Promise<void> {
  const random = seededRandom(SEED).fork('load')
  for (let from = 0; from < ENTRIES; from += 1000) {
    await db.batch(
      Array.from({ length: 1000 }, (_, i) => {
        return { type: 'put', key: keyOf(from + i), value: valueFrom(random) }
      }),
    )
  }
}

/** Some things, made beforehand, one after the other and then from the first again. */
function inTurn<T>(make: () => T): () => T {
  const things = Array.from({ length: CALLS }, make)
  let at = 0
  return () => things[at++ % CALLS]!
}

function keysFrom(random: RandomStream): string[] {
  return Array.from({ length: KEYS_PER_CALL }, () => keyOf(random.below(ENTRIES)))
}

function keyOf(number: number): string {
  return `user:${String(number).padStart(10, '0')}`
}

/** Text that cannot be pressed to nothing: LevelDB compresses. */
function valueFrom(random: RandomStream): string {
  let value = ''
  while (value.length < VALUE_CHARACTERS) value += random.below(2 ** 32).toString(36)
  return value.substring(0, VALUE_CHARACTERS)
}
