/**
 * What a current get costs where keys have many versions, against the same get where they have one.
 *
 *     deep       1,000 keys × 1,000 versions
 *     alone      the same keys × 1, and nothing else
 *     among      the same keys × 1, each among 999 other keys with one version: as many versions as in `deep`
 *
 * Equal on all sides: the keys that there are to read and the order in which they are read, values of 100 bytes, one
 * sorted run, a warm cache that holds everything. Not equal: the size of the store. All that `alone` has is one file of
 * four blocks, and fits into a processor's cache; in `deep` and in `among` each key lies in a block of its own, in one
 * of a dozen files. So `deep ÷ among` is what depth costs, `among ÷ alone` what size does, and `deep ÷ alone` both.
 */
import { join } from 'node:path'
import { type Database, type Table, open } from '../../src/index.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { SEED, keyOf } from '../history.ts'
import { type Work, measure } from '../rounds.ts'
import { type Part, lineOf, measureOf, rounded } from './part.ts'

const KEYS = 1000
const DEPTH = 1000
const VALUE_BYTES = 100
const KEYS_PER_COMMIT = 100
const GETS_PER_WORK = 500
const ROUNDS = 21
const GOAL = 1.2

type Bytes = Table<Uint8Array, Uint8Array>
type Name = keyof typeof ROUNDS_OF

/** Which keys are written, round by round. */
const ROUNDS_OF = {
  deep: Array.from({ length: DEPTH }, () => everyKey(DEPTH)),
  alone: [everyKey(DEPTH)],
  among: [everyKey(1)],
}

/** Gets of the same keys in three stores, in turns. */
export const measureDepth: Part = async (directory, progress) => {
  const stores = Object.entries(ROUNDS_OF).map(([name, rounds]) => {
    progress(`loading ${name}`)
    return { name, ...load(join(directory, name), rounds) }
  })
  try {
    progress('measuring')
    const works = Object.fromEntries(stores.map(({ name, table }) => [name, getting(table)] as const))
    const speeds = await measure(works, ROUNDS)
    const micros = (name: Name) => 1e6 / (speeds[name]! * GETS_PER_WORK)
    const ratio = (name: Name, to: Name) => measureOf(`${name} ÷ ${to}`, micros(name) / micros(to), GOAL)
    const measures = [ratio('deep', 'among'), ratio('deep', 'alone')]
    const each = stores.map(({ name }) => [name, rounded(micros(name as Name))] as const)
    return {
      data: { micros: Object.fromEntries(each), measures },
      lines: [
        `a current get: ${each.map(([name, cost]) => `${name} ${cost} µs`).join(', ')}`,
        ...measures.map(lineOf),
      ],
    }
  } finally {
    for (const { db } of stores) db.close()
  }
}

/** The keys that are read, or with them those that stand between: one in `step` of so many. */
function everyKey(step: number): readonly number[] {
  return Array.from({ length: (KEYS * DEPTH) / step }, (_, i) => i * step)
}

function load(place: string, rounds: readonly (readonly number[])[]): { db: Database; table: Bytes } {
  const db = open(place, { cacheBytes: 512 * 2 ** 20 })
  db.createKeyspace('bench')
  const table: Bytes = db.createTable('bench.data', { keys: 'bytes', values: 'bytes', keep: 'forever' })
  const value = new Uint8Array(VALUE_BYTES)
  for (const [round, keys] of rounds.entries()) {
    for (let from = 0; from < keys.length; from += KEYS_PER_COMMIT) {
      value.fill(round + from)
      const some = keys.slice(from, from + KEYS_PER_COMMIT)
      table.batch(some.map((key) => ({ type: 'put', key: keyOf(key), value })))
    }
  }
  db.compact()
  return { db, table }
}

function getting(table: Bytes): Work {
  const random = seededRandom(SEED).fork('depth')
  const some = Array.from({ length: KEYS }, (_, i) => keyOf(i * DEPTH))
  const keys = Array.from({ length: 64 * GETS_PER_WORK }, () => some[random.below(KEYS)]!)
  let at = 0
  return () => {
    for (let i = 0; i < GETS_PER_WORK; i++) {
      if (table.get(keys[at]!)?.length !== VALUE_BYTES) throw new Error('a key is not there')
      at = (at + 1) % keys.length
    }
    return Promise.resolve()
  }
}
