/** Commits of a gibibyte each, which runs leave in the log, come back in more memtables than one. */
import { expect, test } from 'vitest'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { NodeFiles, checksum } from '../../src/platform/node-files.ts'
import { DelayedRunner } from '../../src/testing/delayed-runner.ts'
import { StandingClock, newPlace, openAt } from './scratch.ts'

/** It stands in a chunk of its own, and its key in another: no commit of as many bytes takes more addresses. */
const VALUE = new Uint8Array(262_105)
const WRITES = 4096
/** So many come before. */
const FORMER = 10

const keyOf = (number: number) => Uint8Array.of(number >> 16, number >> 8, number)

/** Opens a database whose flushes take longer than any of its runs. */
function opened(place: string): Database {
  return openDatabase({
    ...{ files: new NodeFiles(place), clock: new StandingClock(), checksum },
    jobs: () => (io) => new DelayedRunner(io, () => ({ ends: 'never' })),
  })
}

test('a log of commits of a gibibyte is opened, written to and opened again', () => {
  const place = newPlace()
  const fill = (db: Database, first: number) => {
    const keys = Array.from({ length: WRITES }, (_, i) => keyOf(first + i))
    const table = db.table<Uint8Array, Uint8Array>('k.t')
    table.batch(keys.map((key) => ({ type: 'put', key, value: VALUE })))
    expect(table.get(keys.at(-1)!)).toHaveLength(VALUE.length)
  }
  const keyCount = () => {
    const reader = openAt(place, { readOnly: true })
    const count = Array.from(reader.table('k.t').keys()).length
    reader.close()
    return count
  }
  const db = opened(place)
  db.createKeyspace('k')
  const table = db.createTable<Uint8Array, Uint8Array>('k.t', { keys: 'bytes', values: 'bytes' })
  for (let i = 0; i < FORMER; i++) table.put(keyOf(i), VALUE)
  fill(db, FORMER)
  db.close()
  expect(keyCount()).toBe(FORMER + WRITES)
  // What the log brings back is in memory when the first commit comes, as large as there may be.
  const again = opened(place)
  fill(again, FORMER + WRITES)
  again.close()
  expect(keyCount()).toBe(FORMER + 2 * WRITES)
})
