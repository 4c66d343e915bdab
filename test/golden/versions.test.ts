/**
 * The look behind the answers: versions, files and readable times of a table.
 */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { type StoredVersion } from '../../src/database/inspect.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { MAX_TIME, hybridTime, microsOf, tickBefore } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

const KEYS = ['a', 'b', 'c', 'd']

/** A table of four keys with four versions each, one half in files of several levels, one half in memory. */
function sample(): { database: Database; clock: ReplayClock } {
  const clock = new ReplayClock({ micros: 0 })
  const database = openDatabase({ files: new MemoryFiles(), clock, checksum: crc32 })
  database.createKeyspace('main')
  const table = database.createTable<string, string>('main.t', { values: 'text', keep: 'forever' })
  for (const round of [1, 2, 3, 4]) {
    clock.set(round)
    table.batch(
      KEYS.map((key) => (round === 3 ? { type: 'delete', key } : { type: 'put', key, value: `${round}` })),
    )
    if (round === 1) database.compact('main.t')
    if (round === 2) database.flush('main.t')
  }
  return { database, clock }
}

const text = ({ key, time, value }: StoredVersion<string, string>) =>
  `${key}@${microsOf(time)}=${value ?? '✝'}`
const ALL = KEYS.flatMap((key) => [`${key}@4=4`, `${key}@3=✝`, `${key}@2=2`, `${key}@1=1`])

describe('versions', () => {
  test('are those of memory and of all files, keys rising, times of one key falling', () => {
    const { database } = sample()
    expect(Array.from(database.versions<string, string>('main.t'), text)).toEqual(ALL)
  })

  test.each([
    ['a flush', (database: Database) => database.flush()],
    ['a compaction', (database: Database) => database.compact()],
    ['a write before', (database: Database) => void database.table('main.t').put('', 'first')],
  ])('are all shown, once, though %s happens meanwhile', (_, happens) => {
    for (let steps = 1; steps < ALL.length; steps++) {
      const { database } = sample()
      const shown: string[] = []
      for (const version of database.versions<string, string>('main.t')) {
        shown.push(text(version))
        if (shown.length === steps) happens(database)
      }
      expect(shown).toEqual(ALL)
    }
  })

  test('what is dropped or written behind the last one shown is seen so', () => {
    const { database, clock } = sample()
    const shown: string[] = []
    for (const version of database.versions<string, string>('main.t')) {
      shown.push(text(version))
      if (shown.length > 1) continue
      database.setRetention(0, { table: 'main.t' })
      clock.set(9)
      database.compact()
      database.table('main.t').put('e', '9')
    }
    expect(shown).toEqual(['a@4=4', 'b@4=4', 'c@4=4', 'd@4=4', 'e@9=9'])
  })

  test('of no table, or of a closed database, are refused', () => {
    const { database } = sample()
    const codeOf = (name: string) => {
      try {
        return database.versions(name).next()
      } catch (error) {
        return (error as PalimpsestError).code
      }
    }
    expect(codeOf('main.x')).toBe('UNKNOWN_TABLE')
    database.close()
    expect(codeOf('main.t')).toBe('CLOSED')
  })
})

test('files say what they hold: keys, times and counts, level by level', () => {
  const { database } = sample()
  const bounds = {
    keys: 4,
    versions: 4,
    superseded: 0,
    firstKey: 'a',
    lastKey: 'd',
    bytes: expect.any(Number),
  }
  const at = (micros: number) => ({ minTime: hybridTime(micros), maxTime: hybridTime(micros) })
  expect(database.files('main.t')).toEqual([
    { level: 0, run: 1, number: expect.any(Number), ...bounds, ...at(2), live: 4, tombstones: 0 },
    { level: 1, run: 1, number: expect.any(Number), ...bounds, ...at(1), live: 4, tombstones: 0 },
  ])
  database.compact('main.t')
  expect(database.files('main.t')).toMatchObject([
    {
      level: 1,
      versions: 16,
      live: 4,
      superseded: 8,
      tombstones: 4,
      ...{ ...at(1), maxTime: hybridTime(4) },
    },
  ])
})

test('readable times are what is held, and the window', () => {
  const { database, clock } = sample()
  expect(database.readable('main.t')).toEqual([{ after: 0n, through: MAX_TIME }])
  const { times } = database.hold({ name: 'h', at: '2.0000' })
  database.setRetention(5, { table: 'main.t' })
  clock.set(20)
  expect(database.readable('main.t')).toEqual([
    ...times,
    { after: tickBefore(hybridTime(15)), through: MAX_TIME },
  ])
})
