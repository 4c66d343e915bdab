/**
 * A memtable that is read out of the log is the one that took the same commits, wherever in the log it begins and
 * ends, and whatever other tablets have between; what is not there in whole is refused.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { encodeRecord } from '../../src/storage/commit-record.ts'
import { type LogPlace, LogWriter, segmentPath } from '../../src/storage/log.ts'
import { type LoggedMemtable, readLoggedMemtable } from '../../src/storage/logged-memtable.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { Memtable } from '../../src/storage/memtable.ts'
import { holds } from '../time/property.ts'
import { allShown, putFile, refusal, tick } from './samples.ts'

/** A commit to some of three tablets; `freeze` begins the memtable of the first anew behind it. */
interface Commit {
  readonly tablets: readonly number[]
  readonly key: number
  readonly freeze: boolean
}

const commits: fc.Arbitrary<readonly Commit[]> = fc.array(
  fc.record({
    tablets: fc.subarray([1, 2, 3], { minLength: 1 }),
    key: fc.nat({ max: 4 }),
    freeze: fc.boolean(),
  }),
  { minLength: 1, maxLength: 30 },
)

/** A log of small segments, and the memtables of tablet 1 with their places. */
function logOf(all: readonly Commit[], handOver: 'append' | 'hold' = 'append') {
  const files = new MemoryFiles()
  const log = LogWriter.create(files, crc32, 150)
  const frozen: { readonly memtable: Memtable; readonly from: LogPlace; readonly through: LogPlace }[] = []
  let memtable = new Memtable()
  let from: LogPlace = { segment: 1, bytes: 0 }
  all.forEach(({ tablets, key, freeze }, i) => {
    if (log.isSegmentFull) log.startSegment()
    const time = tick(i + 1)
    const write = {
      key: bytesOfText(`key ${key}`),
      value: i % 3 === 0 ? undefined : bytesOfText(`value ${i}`),
    }
    log[handOver](
      encodeRecord({ kind: 'commit', time, tablets: tablets.map((tablet) => ({ tablet, writes: [write] })) }),
    )
    if (tablets.includes(1)) memtable.add(write.key, { time, value: write.value })
    if (!freeze) return
    const through = log.release()
    if (memtable.versionCount > 0) frozen.push({ memtable, from, through })
    memtable = new Memtable()
    from = through
  })
  return { files, log, frozen }
}

function placed({ memtable, from, through }: ReturnType<typeof logOf>['frozen'][number]): LoggedMemtable {
  const { minTime, maxTime, versionCount } = memtable
  return { tablet: 1, minTime, maxTime, versionCount, from, through }
}

test('it has the versions of the memtable, and no others', () => {
  const property = fc.property(commits, fc.constantFrom('append', 'hold'), (all, handOver) => {
    const { files, log, frozen } = logOf(all, handOver)
    for (const one of frozen) {
      const expected = allShown(one.memtable.versions())
      expect(allShown(readLoggedMemtable(files, crc32, placed(one)).versions())).toEqual(expected)
      // From the begin of a segment, and with later records, it is the same.
      const wide = { ...placed(one), from: { ...one.from, bytes: 0 }, through: log.release() }
      expect(allShown(readLoggedMemtable(files, crc32, wide).versions())).toEqual(expected)
    }
  })
  holds(property, 100)
})

test('a damaged record, a missing one and a log that ends before are LOG_CORRUPT', () => {
  const all = [1, 2, 3, 4].map((key) => ({ tablets: [1], key, freeze: key === 4 }))
  const { files, frozen } = logOf(all)
  const logged = placed(frozen[0]!)
  const read = (changes: Partial<LoggedMemtable> = {}) =>
    refusal(() => readLoggedMemtable(files, crc32, { ...logged, ...changes }))?.code
  expect(read()).toBeUndefined()
  expect(read({ versionCount: 5 })).toBe('LOG_CORRUPT')
  expect(read({ through: { ...logged.through, bytes: logged.through.bytes - 1 } })).toBe('LOG_CORRUPT')
  const file = files.open(segmentPath(1))
  const bytes = file.read(0, file.size)
  file.close()
  bytes[bytes.length - 1]! ^= 1
  files.remove(segmentPath(1))
  putFile(files, segmentPath(1), bytes)
  expect(read()).toBe('LOG_CORRUPT')
})
