/**
 * The process of one store: it opens the store, then does what it is told, one order after the other, and answers
 * with a sample of each. It ends with the one that told it to.
 */
import { mkdirSync } from 'node:fs'
import process, { argv, exit } from 'node:process'
import { KEYS_PER_COMMIT, keyOf, loadInto } from '../history.ts'
import { microsOf } from '../rounds.ts'
import { openLeveldb } from './leveldb.ts'
import { openLmdb } from './lmdb.ts'
import { openPalimpsest } from './palimpsest.ts'
import { openSqlite } from './sqlite.ts'
import { type Order, type Outcome, type ProcessOptions, type StoreName } from './orders.ts'
import { type OpenStore } from './store.ts'
import { type Sample, Sampler, must, warm } from './tasks.ts'

const OPENERS: Record<StoreName, OpenStore> = {
  ours: openPalimpsest,
  lmdb: openLmdb,
  sqlite: openSqlite,
  level: openLeveldb,
}

const { name, directory, durability } = JSON.parse(argv[2]!) as ProcessOptions
process.on('disconnect', () => exit(1))
mkdirSync(directory, { recursive: true })
let store = await OPENERS[name](directory, durability)
const sampler = new Sampler(store)
process.on('message', (order: Order) => {
  void answer(order).then((outcome) => process.send!(outcome))
})

async function answer(order: Order): Promise<Outcome> {
  try {
    return await obey(order)
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

async function obey(order: Order): Promise<Sample> {
  if (order.kind === 'sample') return sampler.sample(order.task)
  if (order.kind === 'load') {
    const micros = await microsOf(() => loadInto(store, order.commits))
    return { micros: micros / (order.commits * KEYS_PER_COMMIT), debt: store.debt() }
  }
  if (order.kind === 'warm') return { micros: await microsOf(() => warm(store)) }
  if (order.kind === 'close') return { micros: await microsOf(() => store.close()) }
  return { micros: await microsOf(reopen) }
}

async function reopen(): Promise<void> {
  await store.close()
  store = await OPENERS[name](directory, durability)
  await must(store.get(keyOf(0)))
}
