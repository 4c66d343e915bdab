/**
 * What reads cost, in blocks and bytes from the disk, with nothing in the cache.
 *
 * A database that is opened with a cache of no bytes reads every block that a get looks at, each time:
 * the counters of the engine are then the cost of a first read, without a clock and without luck. The
 * index and the filter of a table file are in memory while it is open, and are not in the cost.
 */
import { createHash } from 'node:crypto'
import { type Database } from '../../database/database.ts'
import { type Random, pick } from '../../simulator/random.ts'
import { type HybridTime } from '../../time/hybrid-time.ts'
import { FILES_TABLE, type FileDocument } from '../git/tables.ts'

/** A get: of a file, as of a time or now. */
export interface Get {
  readonly key: string
  readonly asOf?: HybridTime | undefined
}

/** What some gets cost. */
export interface ReadCost {
  readonly gets: number
  /** Blocks that a get read, on average. */
  readonly blocks: number
  /** Bytes of these blocks, on average. */
  readonly bytes: number
  /** SHA-1 of all answers in their order: the same for every policy (law 10). */
  readonly answers: string
}

/** Gets of files that are there as of a time, or now; none where there are no files. */
export function chooseGets(
  database: Database,
  random: Random,
  { asOf, count }: { asOf?: HybridTime | undefined; count: number },
): readonly Get[] {
  const files = database.table<string, FileDocument>(FILES_TABLE).scan({ asOf })
  const keys = Array.from(files, ({ key }) => key)
  return keys.length === 0 ? [] : Array.from({ length: count }, () => ({ key: pick(random, keys), asOf }))
}

/** Carries out gets on a database without a cache. */
export function measureReads(database: Database, gets: readonly Get[]): ReadCost {
  const files = database.table<string, FileDocument>(FILES_TABLE)
  const answers = createHash('sha1')
  const before = database.stats().reads
  for (const { key, asOf } of gets) answers.update(`${JSON.stringify(files.get(key, { asOf }))}\n`)
  const after = database.stats().reads
  const each = (count: number) => (gets.length === 0 ? 0 : count / gets.length)
  return {
    gets: gets.length,
    blocks: each(after.blocksRead - before.blocksRead),
    bytes: each(after.blockBytesRead - before.blockBytesRead),
    answers: answers.digest('hex'),
  }
}
