/** The segments of a log: one after the other without a gap, each whole but the last. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfText, textOfBytes } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { type FileSystem, readWholeFile } from '../../src/storage/files.ts'
import {
  type LogEnd,
  type LogRecord,
  LogWriter,
  NEW_SEGMENT_PATH,
  listSegments,
  replaySegments,
  segmentPath,
} from '../../src/storage/log.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { holds } from '../time/property.ts'
import { copyFiles, putFile, refusal } from './samples.ts'

function replay(files: FileSystem, first = 1): { records: string[]; end: LogEnd } {
  const records: string[] = []
  const replayed: Generator<LogRecord, LogEnd> = replaySegments(files, first, crc32)
  for (;;) {
    const next = replayed.next()
    if (next.done) return { records, end: next.value }
    records.push(`${next.value.segment}:${textOfBytes(next.value.payload)}`)
  }
}

/** A log of three segments with two records each. */
function sample(files: FileSystem = new MemoryFiles()): { files: FileSystem; log: LogWriter } {
  const log = LogWriter.create(files, crc32, 100)
  for (const [i, name] of ['a', 'b', 'c', 'd', 'e', 'f'].entries()) {
    if (i > 0 && i % 2 === 0) log.startSegment()
    log.append(bytesOfText(name))
  }
  log.sync()
  return { files, log }
}
const ALL = ['1:a', '1:b', '2:c', '2:d', '3:e', '3:f']

describe('a log', () => {
  test('is read back over all segments, and says where it ends', () => {
    const { files, log } = sample()
    log.close()
    expect(replay(files).records).toEqual(ALL)
    expect(replay(files, 2).records).toEqual(ALL.slice(2))
    expect(replay(files).end).toMatchObject({ segment: 3, contents: { tornBytes: 0, wholeBytes: 66 } })
    expect(listSegments(files)).toEqual([1, 2, 3])
  })

  test('counts its bytes over all segments, held ones too, and knows when a segment is full', () => {
    const { files, log } = sample()
    const onDisk = () => [1, 2, 3].reduce((sum, number) => sum + (files.size(segmentPath(number)) ?? 0), 0)
    expect(log.bytes).toBe(onDisk())
    expect([log.segment, log.firstSegment, log.isSegmentFull, log.isSynced]).toEqual([3, 1, false, true])
    log.hold(bytesOfText('x'.repeat(50)))
    expect(log.bytes).toBe(onDisk() + 70)
    expect([log.isSegmentFull, log.isSynced]).toEqual([true, false])
    log.sync()
    expect([log.bytes, log.isSynced]).toEqual([onDisk(), true])
    log.removeBefore(3)
    expect(log.bytes).toBe(onDisk())
    expect([log.firstSegment, ...listSegments(files)]).toEqual([3, 3])
    log.removeBefore(3)
  })

  test('that loses a segment while it is open is refused when it wants to remove it', () => {
    const { files, log } = sample()
    files.remove(segmentPath(1))
    const error = refusal(() => log.removeBefore(3))
    expect(error).toMatchObject({ code: 'IO_FAILED', details: { path: '000001.log', errno: 'ENOENT' } })
    expect(listSegments(files)).toEqual([2, 3])
  })

  test('goes on where it ended, in every segment and after every resume', () => {
    const command = fc.constantFrom('append', 'roll', 'resume', 'remove')
    holds(
      fc.property(fc.array(command, { maxLength: 25 }), (commands) => {
        const files = new MemoryFiles()
        let log = LogWriter.create(files, crc32, 100)
        let expected: string[] = []
        let [first, number] = [1, 1]
        for (const [i, each] of commands.entries()) {
          if (each === 'append') {
            log.append(bytesOfText(`${i}`))
            expected.push(`${number}:${i}`)
          } else if (each === 'roll') {
            log.startSegment()
            number++
          } else if (each === 'remove') {
            first = Math.max(first, number - 1)
            log.removeBefore(first)
            expected = expected.filter((record) => Number(record.split(':')[0]) >= first)
          } else {
            log.close()
            log = LogWriter.resume(files, crc32, 100, first, replay(files, first).end)
          }
          expect([log.firstSegment, log.segment]).toEqual([first, number])
          expect(log.bytes).toBe(listSegments(files).reduce((sum, n) => sum + files.size(segmentPath(n))!, 0))
        }
        log.close()
        expect(replay(files, first).records).toEqual(expected)
      }),
    )
  })

  test('a segment is synced before its successor is there, and a new one has its name on disk', () => {
    const files = new FaultFiles()
    const { log } = sample(files)
    for (const number of [1, 2]) expect(files.isDurable(segmentPath(number))).toBe(true)
    log.append(bytesOfText('unsynced'))
    log.startSegment()
    expect([3, 4].map((number) => files.isDurable(segmentPath(number)))).toEqual([true, true])
  })

  test('what was read is durable before it is gone on from', () => {
    const files = new FaultFiles()
    const { log } = sample(files)
    log.append(bytesOfText('unsynced'))
    log.close()
    expect(files.isDurable(segmentPath(3))).toBe(false)
    LogWriter.resume(files, crc32, 100, 1, replay(files).end)
    expect(files.isDurable(segmentPath(3))).toBe(true)
  })

  test('what was read is durable, though a sync of it failed before: it is gone on from in another file', () => {
    const files = new FaultFiles({ plan: [{ kind: 'error', operation: 'sync', nth: 9, errno: 'EIO' }] })
    const { log } = sample(files)
    for (const text of ['g', 'h', 'i']) {
      log.append(bytesOfText(text))
      if (refusal(() => log.sync()) !== undefined) break
    }
    expect(files.count('sync')).toBe(9)
    const left = files.crash('process-kill', seededRandom(1))
    // What an opening that was killed has left of a copy.
    putFile(left, NEW_SEGMENT_PATH, Uint8Array.of(1))
    const { records, end } = replay(left)
    expect(records.length).toBeGreaterThan(ALL.length)
    LogWriter.resume(left, crc32, 100, 1, end).startSegment()
    expect(left.list('')).not.toContain(NEW_SEGMENT_PATH)
    expect(replay(left.crash('synced-only', seededRandom(1))).records).toEqual(records)
  })

  test('knows through where it is durable: what was read is, and what others say of a segment before is no news', () => {
    const { files, log } = sample()
    log.close()
    const again = LogWriter.resume(files, crc32, 100, 1, replay(files).end)
    expect([again.syncedThrough, again.isSynced]).toEqual([{ segment: 3, bytes: 66 }, true])
    again.append(bytesOfText('g'))
    for (const place of [
      { segment: 2, bytes: 87 },
      { segment: 3, bytes: 45 },
    ]) {
      again.noteSynced(place)
      expect([again.syncedThrough, again.isSynced]).toEqual([{ segment: 3, bytes: 66 }, false])
    }
    again.noteSynced({ segment: 3, bytes: 87 })
    expect([again.syncedThrough, again.isSynced]).toEqual([{ segment: 3, bytes: 87 }, true])
    again.close()
  })

  test('a first segment that has no record is gone on with as it is: the manifest was named after it', () => {
    const files = new FaultFiles()
    LogWriter.create(files, crc32, 100).close()
    const { operations } = files
    LogWriter.resume(files, crc32, 100, 1, replay(files).end).close()
    // One sync.
    expect(files.operations).toBe(operations + 1)
  })

  test('is refused when what was read is not there any more to be made durable', () => {
    const { files, log } = sample()
    log.close()
    const { end } = replay(files)
    const bytes = readWholeFile(files, segmentPath(3))
    bytes[50]! ^= 1
    putFile(files, segmentPath(3), bytes)
    expect(refusal(() => LogWriter.resume(files, crc32, 100, 1, end))).toMatchObject({
      code: 'LOG_CORRUPT',
      details: { file: '000003.log', offset: 45 },
    })
    expect(readWholeFile(files, segmentPath(3))).toEqual(bytes)
  })
})

describe('the last segment', () => {
  test('may be cut anywhere: the log ends with its last whole record', () => {
    const { files: whole } = sample()
    const last = readWholeFile(whole, segmentPath(3))
    for (let length = 0; length <= last.length; length++) {
      const files = copyFiles(whole)
      putFile(files, segmentPath(3), last.subarray(0, length))
      const records = length < 45 ? 4 : length < 66 ? 5 : 6
      const { records: found, end } = replay(files)
      expect(found).toEqual(ALL.slice(0, records))
      const log = LogWriter.resume(files, crc32, 100, 1, end)
      log.append(bytesOfText('new'))
      log.close()
      expect(replay(files).records).toEqual([...ALL.slice(0, records), '3:new'])
    }
  })

  test('may be without its header, if it was created in the moment of the crash; it is made anew', () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(16), bytesOfText('PALIMLOG')]) {
      const { files } = sample()
      putFile(files, segmentPath(4), bytes)
      const { records, end } = replay(files)
      expect(records).toEqual(ALL)
      expect(end).toMatchObject({ segment: 4, contents: { wholeBytes: 0, tornBytes: bytes.length } })
      const log = LogWriter.resume(files, crc32, 100, 1, end)
      log.append(bytesOfText('g'))
      log.close()
      expect(replay(files).records).toEqual([...ALL, '4:g'])
    }
  })

  test('with a damaged header but whole records is refused', () => {
    const { files } = sample()
    const bytes = readWholeFile(files, segmentPath(3))
    bytes[2]! ^= 1
    putFile(files, segmentPath(3), bytes)
    expect(refusal(() => replay(files))).toMatchObject({
      code: 'LOG_CORRUPT',
      details: { file: '000003.log', offset: 0 },
    })
  })
})

describe('damage is refused with file and offset', () => {
  test.each([1, 2])('of any byte of segment %i, which has a successor', (number) => {
    const { files: whole } = sample()
    const bytes = readWholeFile(whole, segmentPath(number))
    for (let at = 0; at < bytes.length; at++) {
      const files = copyFiles(whole)
      const damaged = Uint8Array.from(bytes)
      damaged[at]! ^= 0x10
      putFile(files, segmentPath(number), damaged)
      const offset = at < 24 ? 0 : at < 45 ? 24 : 45
      expect(refusal(() => replay(files))).toMatchObject({
        code: 'LOG_CORRUPT',
        details: { file: segmentPath(number), offset },
      })
    }
  })

  test('a segment with a successor that is cut anywhere, between two records too', () => {
    const { files: whole } = sample()
    const bytes = readWholeFile(whole, segmentPath(2))
    for (const length of bytes.keys()) {
      const files = copyFiles(whole)
      putFile(files, segmentPath(2), bytes.subarray(0, length))
      expect(refusal(() => replay(files))?.code, `cut at ${length}`).toBe('LOG_CORRUPT')
    }
  })

  test('a record that a later one vouches for, in the last segment', () => {
    const { files, log } = sample()
    log.append(bytesOfText('g'))
    log.close()
    const bytes = readWholeFile(files, segmentPath(3))
    bytes[50]! ^= 1
    putFile(files, segmentPath(3), bytes)
    expect(refusal(() => replay(files))?.details).toEqual({ file: '000003.log', offset: 45 })
  })

  test.each([
    ['the first', 1, '000001.log'],
    ['one in the middle', 2, '000002.log'],
  ])('%s is missing', (_, missing, file) => {
    const { files } = sample()
    files.remove(segmentPath(missing))
    expect(refusal(() => replay(files))).toMatchObject({ code: 'LOG_CORRUPT', details: { file } })
  })

  test('the first that is needed is without its header: it was durable before anything named it', () => {
    for (const bytes of [new Uint8Array(), new Uint8Array(24), bytesOfText('PALIMLOG')]) {
      const files = new MemoryFiles()
      putFile(files, segmentPath(4), bytes)
      expect(refusal(() => replay(files, 4))?.details).toEqual({ file: '000004.log', offset: 0 })
    }
  })

  test('all are missing', () => {
    expect(refusal(() => replay(new MemoryFiles(), 4))?.details).toEqual({ file: '000004.log' })
  })

  test('a segment under the name of another', () => {
    const { files } = sample()
    const second = readWholeFile(files, segmentPath(2))
    putFile(files, segmentPath(1), second)
    expect(refusal(() => replay(files))?.details).toEqual({ file: '000001.log', offset: 0 })
  })
})

test('only names of the one form are segments', () => {
  const files = new MemoryFiles()
  for (const name of [
    '000010.log',
    '000009.log',
    '1000000.log',
    '00001.log',
    '000001.log.old',
    'x.log',
    '000002.table',
  ])
    putFile(files, name, new Uint8Array())
  expect(listSegments(files)).toEqual([9, 10, 1_000_000])
})

test('a new log takes the place of what a crash left of an earlier try', () => {
  const files = new MemoryFiles()
  putFile(files, segmentPath(1), bytesOfText('half a head'))
  LogWriter.create(files, crc32, 100).close()
  expect(replay(files).records).toEqual([])
})
