import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { openDatabase } from '../../src/database/database.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

test('a time that was refused once stays refused, though the clock is set back and the database reopened', () => {
  const files = new MemoryFiles()
  const openAt = (micros: number) =>
    openDatabase({ files, checksum: crc32, clock: new ReplayClock({ micros }) })
  const first = openAt(1_000_000)
  first.createKeyspace('k')
  const table = first.createTable('k.t', { keep: 1_000 })
  const { time } = table.put('a', 1)
  first.close()

  const later = openAt(1_500_000)
  expect(() => later.table('k.t').get('a', { asOf: time })).toThrow(/history of k\.t .* is gone/)
  later.close()

  const setBack = openAt(1_000_500)
  expect(() => setBack.table('k.t').get('a', { asOf: time })).toThrow(/is gone/)
  expect(setBack.table('k.t').get('a')).toBe(1)
  setBack.close()
})
