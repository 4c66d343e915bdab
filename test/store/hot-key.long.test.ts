import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { hybridTime } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { newPlace, openAt } from './scratch.ts'

const VERSIONS = 1_000_000
const FIRST = 1_000_000
const CACHE_BYTES = 4 * 1024 * 1024
/** Memtable, block cache and what a merge has in its hands, with room; all versions would take 200 MB. */
const GROWTH_BYTES_MAX = 64 * 1024 * 1024

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Memory in use, without what is only waiting to be collected. */
function memoryInUse(): number {
  collectGarbage()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

test('a key with a million versions is written, compacted, read and collected in bounded memory', () => {
  // Times are reserved durably: with a shorter lead most of the test would be waiting for syncs of that.
  const clock = new ReplayClock({ micros: FIRST, leadMicros: VERSIONS })
  const db = openAt(newPlace(), { cacheBytes: CACHE_BYTES }, clock)
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t', { values: 'text', keep: 'forever' })
  const before = memoryInUse()
  let most = 0
  const sample = () => {
    most = Math.max(most, memoryInUse() - before)
  }
  const valueOf = (i: number) => `${i}`.padStart(100, '.')
  // Version i is of microsecond FIRST + 1 + i.
  for (let i = 0; i < VERSIONS; i++) {
    clock.advance(1)
    // Handed to the system a thousand at a time, so that the test does not wait for calls.
    table.put('hot', valueOf(i), { durability: i % 1000 === 0 ? 'os' : 'none' })
    if (i % 250_000 === 0) sample()
  }
  db.compact()
  sample()
  expect(db.stats().tables[0]!.versions).toBe(VERSIONS)

  for (let n = 0; n < 2000; n++) {
    const i = (n * 7_919_993) % VERSIONS
    expect(table.get('hot', { asOf: hybridTime(FIRST + 1 + i) })).toBe(valueOf(i))
  }
  expect(table.get('hot')).toBe(valueOf(VERSIONS - 1))
  sample()

  let count = 0
  for (const { value } of table.history('hot')) {
    if (value !== valueOf(count)) throw new Error(`change ${count} has another value`)
    if (++count % 250_000 === 0) sample()
  }
  expect(count).toBe(VERSIONS)

  db.setRetention(100, { table: 'k.t' })
  db.compact()
  sample()
  // The versions of the window, and the one that shows at its beginning.
  expect(db.stats().tables[0]!.versions).toBe(101)
  expect(table.get('hot', { asOf: hybridTime(FIRST + VERSIONS - 100) })).toBe(valueOf(VERSIONS - 101))
  expect([...table.history('hot')]).toHaveLength(101)
  expect(db.check().flatMap(({ faults }) => faults)).toEqual([])
  console.log(`most memory beyond the beginning: ${(most / 1024 / 1024).toFixed(1)} MiB`)
  expect(most).toBeLessThan(GROWTH_BYTES_MAX)
  db.close()
})
