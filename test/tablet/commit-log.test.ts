/**
 * The commit log: what each durability survives, the ceiling below which all times stay, a clean close,
 * segments that come and go, and the end after a failure.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfText, concatBytes, textOfBytes } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { type FileSystem, readWholeFile } from '../../src/storage/files.ts'
import { listSegments, segmentPath } from '../../src/storage/log.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type CrashModel, CRASH_MODELS } from '../../src/simulator/crash-models.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { type FaultPlan } from '../../src/simulator/fault-plan.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { CommitLog, DURABILITIES, type Durability, recoverLog } from '../../src/tablet/commit-log.ts'
import { type TabletWrites, decodeRecord, encodeRecord } from '../../src/storage/commit-record.ts'
import { FailStop } from '../../src/tablet/fail-stop.ts'
import { type HybridTime, MIN_TIME, endOfMicrosecond, hybridTime } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { RECORD_HEADER_BYTES, RecordWriter, readRecords } from '../../src/storage/record-file.ts'
import { holds } from '../time/property.ts'
import { putFile, refusal } from '../storage/samples.ts'

const START = 1_000_000

function writesOf(text: string, tablet = 1): TabletWrites[] {
  return [{ tablet, writes: [{ key: bytesOfText(text), value: bytesOfText(text) }] }]
}

/** One run of a commit log, with all that it gave to the trees. */
class Run {
  readonly applied: string[] = []
  /** Whether there is no memory left for another commit. */
  hasNoMemory = false
  readonly physical: ReplayClock
  readonly failStop = new FailStop()
  readonly log: CommitLog
  /** What the log said when it was opened: the commits, and how far time had gone. */
  readonly recovered: readonly string[]
  readonly floor: HybridTime
  readonly wasClosed: boolean

  constructor(
    files: FileSystem,
    options: {
      micros?: number
      leadMicros?: number
      segmentBytes?: number
      isNew?: boolean
      firstSegment?: number
    } = {},
  ) {
    const {
      micros = START,
      leadMicros = 100,
      segmentBytes = 1e6,
      isNew = listSegments(files).length === 0,
      firstSegment = listSegments(files)[0] ?? 1,
    } = options
    this.physical = new ReplayClock({ micros, leadMicros })
    const context = {
      ...{
        files: files,
        checksum: crc32,
        segmentBytes,
        physical: this.physical,
        failStop: this.failStop,
      },
      apply: (time: HybridTime, tablets: readonly TabletWrites[]) => {
        if (this.hasNoMemory) throw new RangeError('Array buffer allocation failed')
        this.applied.push(`${time}:${textOfBytes(tablets[0]!.writes[0]!.key)}`)
      },
    }
    const recovered: string[] = []
    this.recovered = recovered
    if (isNew) {
      this.log = CommitLog.create(context)
      ;[this.floor, this.wasClosed] = [MIN_TIME, false]
      return
    }
    const recovery = recoverLog(files, firstSegment, crc32, {
      lacks: () => true,
      replay: (time, tablets) => recovered.push(`${time}:${textOfBytes(tablets[0]!.writes[0]!.key)}`),
    })
    this.log = CommitLog.resume(context, firstSegment, recovery, recovery.floor)
    ;[this.floor, this.wasClosed] = [recovery.floor, recovery.wasClosed]
  }

  commit(text: string, durability: Durability = 'os'): HybridTime {
    return this.log.commit(() => writesOf(text), durability)
  }

  /** A commit whose value has so many bytes. */
  commitValue(length: number): HybridTime {
    const write = { key: bytesOfText('x'), value: new Uint8Array(length) }
    return this.log.commit(() => [{ tablet: 1, writes: [write] }], 'os')
  }
}

describe('durability', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom<Durability>(...DURABILITIES) },
    { weight: 1, arbitrary: fc.constantFrom<'sync' | 'later'>('sync', 'later') },
  )

  test.each(CRASH_MODELS)(
    'after a crash (%s) what is there is a prefix that has all that was promised',
    (model: CrashModel) => {
      let lost = 0
      holds(
        fc.property(fc.array(step, { maxLength: 20 }), fc.nat(), (steps, seed) => {
          const files = new FaultFiles()
          const run = new Run(files, { segmentBytes: 300 })
          /** The number of commits that each kind of crash must leave. */
          const promised = { kill: 0, cut: 0 }
          let count = 0
          for (const each of steps) {
            if (each === 'later') {
              run.physical.advance(1000)
              continue
            }
            if (each === 'sync') run.log.sync()
            else {
              run.commit(`${count++}`, each)
              if (each !== 'none') promised.kill = count
            }
            if (each === 'sync') promised.kill = count
            if (each === 'sync' || each === 'disk') promised.cut = count
            // It may know of more, because a ceiling or the end of a segment synced as well.
            const durable = run.applied.filter(
              (one) => BigInt(one.split(':')[0]!) <= run.log.durableThrough,
            ).length
            expect(durable).toBeGreaterThanOrEqual(promised.cut)
            promised.cut = durable
            promised.kill = Math.max(promised.kill, durable)
          }
          const image = files.crash(model, seededRandom(seed))
          const { recovered } = new Run(image)
          expect(recovered).toEqual(run.applied.slice(0, recovered.length))
          expect(recovered.length).toBeGreaterThanOrEqual(
            model === 'process-kill' ? promised.kill : promised.cut,
          )
          lost += count - recovered.length
        }),
        30,
      )
      expect(lost).toBeGreaterThan(0)
    },
  )

  const CEILING_BYTES =
    RECORD_HEADER_BYTES + encodeRecord({ kind: 'ceiling', time: hybridTime(START) }).length
  /** A value with which a commit is longer by a ceiling than with a value of one byte. */
  const LONG = 1 + CEILING_BYTES

  test('after one crash and another nothing comes back that a crash before had cut off', () => {
    // So that what was cut off may begin just where something new ends.
    const valueBytes = fc.constantFrom(1, LONG)
    const life = fc.record({
      commits: fc.array(valueBytes, { minLength: 1, maxLength: 6 }),
      seed: fc.nat(),
    })
    let cutOff = 0
    holds(
      fc.property(fc.array(life, { minLength: 2, maxLength: 5 }), (lives) => {
        let files = new FaultFiles()
        let run = new Run(files)
        let known: readonly string[] = []
        for (const { commits, seed } of lives) {
          for (const length of commits) run.commitValue(length)
          known = [...known, ...run.applied]
          files = files.crash('hostile', seededRandom(seed))
          run = new Run(files)
          expect(run.recovered).toEqual(known.slice(0, run.recovered.length))
          cutOff += known.length - run.recovered.length
          known = run.recovered
        }
      }),
      400,
    )
    expect(cutOff).toBeGreaterThan(0)
  })

  test.each([
    ['torn', 10],
    ['without its length', 0],
  ])('what lies behind an end that was left %s is no record of the log that goes on', (_, tornBytes) => {
    const files = new MemoryFiles()
    const first = new Run(files)
    first.commitValue(1)
    const end = files.size(segmentPath(1))!
    first.commitValue(LONG)
    const border = files.size(segmentPath(1))!
    first.commitValue(1)
    const before = readWholeFile(files, segmentPath(1))
    // Gone on in this segment, a ceiling and a short commit would end where the third commit begins.
    expect(border - end).toBe(CEILING_BYTES + before.length - border)
    files.truncate(segmentPath(1), end + tornBytes)
    const second = new Run(files)
    second.commitValue(1)
    const path = segmentPath(second.log.segment)
    const now = readWholeFile(files, path)
    putFile(files, path, concatBytes([now, before.subarray(now.length)]))
    expect(new Run(files).recovered).toEqual([first.applied[0], second.applied[0]])
  })

  test('none: in memory, until a later record takes it along', () => {
    const files = new FaultFiles()
    const run = new Run(files)
    run.commit('a', 'disk')
    const [size, syncs] = [files.size(segmentPath(1)), files.count('sync')]
    run.commit('b', 'none')
    expect([files.size(segmentPath(1)), files.count('sync')]).toEqual([size, syncs])
    run.commit('c', 'os')
    expect(new Run(files.crash('process-kill', seededRandom(1))).recovered).toEqual(run.applied)
  })

  test('os: one write, no sync; disk: one write, one sync', () => {
    const files = new FaultFiles()
    const run = new Run(files)
    run.commit('first')
    const counts = () => [files.count('append'), files.count('sync')]
    const [writes, syncs] = counts() as [number, number]
    run.commit('a', 'os')
    expect(counts()).toEqual([writes + 1, syncs])
    const time = run.commit('b', 'disk')
    expect(counts()).toEqual([writes + 2, syncs + 1])
    expect(run.log.durableThrough).toBe(time)
    expect(files.isDurable(segmentPath(1))).toBe(true)
    run.log.sync()
    expect(counts()).toEqual([writes + 2, syncs + 1])
  })

  test('a commit is seen when it returns, whatever its durability, and known as the newest', () => {
    for (const durability of DURABILITIES) {
      const run = new Run(new MemoryFiles())
      const time = run.commit('a', durability)
      expect(run.applied).toEqual([`${time}:a`])
      expect([run.log.newestCommit, run.log.clock.last]).toEqual([time, time])
    }
  })

  test('is told the time of its commit before it builds its writes', () => {
    const run = new Run(new MemoryFiles())
    const time = run.log.commit((at) => writesOf(`at ${at}`), 'os')
    expect(run.applied).toEqual([`${time}:at ${time}`])
  })

  test('a commit whose writes cannot be built leaves nothing, and the next one goes on', () => {
    const files = new MemoryFiles()
    const run = new Run(files)
    const wrong = new RangeError('of the test')
    expect(() =>
      run.log.commit(() => {
        throw wrong
      }, 'os'),
    ).toThrow(wrong)
    run.commit('b')
    expect(run.applied.map((one) => one.split(':')[1])).toEqual(['b'])
    expect(new Run(files).recovered).toEqual(run.applied)
  })
})

describe('times', () => {
  test('no commit gets a time at or below one that was issued or used, over any crashes and clocks', () => {
    const step = fc.oneof(
      fc.constantFrom<'commit' | 'use now' | 'close' | 'roll'>('commit', 'use now', 'close', 'roll'),
      fc.record({ clock: fc.integer({ min: -5000, max: 1000 }) }),
      fc.record({ crash: fc.constantFrom(...CRASH_MODELS), seed: fc.nat() }),
    )
    holds(
      fc.property(fc.array(step, { maxLength: 30 }), fc.constantFrom(0, 1, 500), (steps, leadMicros) => {
        let files = new FaultFiles()
        let micros = START
        // What a manifest would say, durably, before a segment goes: of those that go, a crash may bring any back.
        let firstSegment = 1
        const open = () => new Run(files, { micros, leadMicros, segmentBytes: 60, firstSegment })
        let run = open()
        let highest = MIN_TIME
        for (const each of steps) {
          if (each === 'commit') {
            const time = run.commit('x', 'none')
            expect(time).toBeGreaterThan(highest)
            highest = time
          } else if (each === 'use now') {
            const time = endOfMicrosecond(run.log.clock.currentMicros())
            run.log.clock.use(time)
            if (time > highest) highest = time
          } else if (each === 'roll') {
            // All is written down elsewhere: the segments before the current one may go.
            run.log.sync()
            firstSegment = run.log.firstSegmentWith(hybridTime(2 ** 52 - 1))
            run.log.removeBefore(firstSegment)
          } else if (each === 'close') {
            run.log.close()
            const { last } = run.log.clock
            expect(last).toBeGreaterThanOrEqual(highest)
            run = open()
            expect([run.wasClosed, run.floor]).toEqual([true, last])
          } else if ('clock' in each) {
            micros = Math.max(0, micros + each.clock)
            run.physical.set(micros)
          } else {
            files = files.crash(each.crash, seededRandom(each.seed))
            run = open()
            expect(run.floor).toBeGreaterThanOrEqual(highest)
          }
        }
      }),
      100,
    )
  })

  test('a ceiling is durable before a time below it is issued, and spares the next ones the sync', () => {
    const files = new FaultFiles()
    const run = new Run(files, { leadMicros: 1000 })
    const before = files.count('sync')
    run.commit('a', 'none')
    expect(files.count('sync')).toBe(before + 1)
    expect(run.log.clock.ceiling).toBe(endOfMicrosecond(START + 1000))
    run.physical.advance(1000)
    run.commit('b', 'none')
    expect(files.count('sync')).toBe(before + 1)
    run.physical.advance(1)
    run.commit('c', 'none')
    expect(files.count('sync')).toBe(before + 2)
    expect(new Run(files.crash('synced-only', seededRandom(1))).floor).toBe(endOfMicrosecond(START + 2001))
  })

  test('a clean close takes the ceiling back: the next run may go on right behind the last time', () => {
    const files = new FaultFiles()
    const run = new Run(files, { leadMicros: 1_000_000 })
    const time = run.commit('a', 'none')
    run.log.close()
    expect(files.isDurable(segmentPath(1))).toBe(true)
    const next = new Run(files, { micros: START })
    expect(next).toMatchObject({ recovered: run.applied, floor: time, wasClosed: true })
    expect(next.commit('b')).toBe((time + 1n) as HybridTime)
    const crashed = new Run(files.crash('process-kill', seededRandom(1)))
    expect(crashed.wasClosed).toBe(false)
  })

  test('a segment that lost its ceiling in a crash gets it again, before the segments before it may go', () => {
    const files = new MemoryFiles()
    const run = new Run(files, { leadMicros: 1000, segmentBytes: 60 })
    run.physical.advance(5)
    run.commit('a', 'disk')
    const used = endOfMicrosecond(START + 900)
    run.physical.advance(900)
    run.log.clock.use(used)
    run.commit('b', 'disk')
    // The crash comes when the second segment has its header and nothing else.
    files.truncate(segmentPath(2), 16)
    const second = new Run(files, { micros: START })
    expect(second.floor).toBeGreaterThanOrEqual(used)
    second.log.sync()
    second.log.removeBefore(2)
    expect(new Run(files, { micros: START }).floor).toBeGreaterThanOrEqual(used)
  })
})

describe('segments', () => {
  test('one that is full is followed by another, which begins with the ceiling', () => {
    const files = new MemoryFiles()
    const run = new Run(files, { segmentBytes: 120 })
    const times = 'abcdefghij'.split('').map((text) => run.commit(text))
    expect(listSegments(files).length).toBeGreaterThan(2)
    for (const number of listSegments(files).slice(0, -1))
      expect(files.size(segmentPath(number))).toBeGreaterThanOrEqual(120)
    expect(run.log.bytes).toBe(
      listSegments(files).reduce((sum, number) => sum + files.size(segmentPath(number))!, 0),
    )
    // Each later segment says by itself, and first of all, how far time may have gone.
    for (const number of listSegments(files).slice(1)) {
      const bytes = readWholeFile(files, segmentPath(number))
      const [first] = readRecords(bytes, 'PALIMLOG', number, crc32).records
      expect(decodeRecord(first!.payload)).toEqual({ kind: 'ceiling', time: run.log.clock.ceiling })
    }
    expect(run.log.clock.ceiling).toBeGreaterThanOrEqual(times.at(-1)!)
  })

  test('the oldest that holds a commit at or after a time is found, in this run and in the next', () => {
    const files = new MemoryFiles()
    const run = new Run(files, { segmentBytes: 120 })
    const segments: number[] = []
    const times = 'abcdefghij'.split('').map((text) => {
      const time = run.commit(text)
      segments.push(listSegments(files).at(-1)!)
      return time
    })
    const next = new Run(files, { segmentBytes: 120 })
    // It was not closed: the next run has begun a segment of its own.
    expect(next.log.segment).toBe(run.log.segment + 1)
    for (const { log } of [run, next]) {
      for (const [i, time] of times.entries()) expect(log.firstSegmentWith(time)).toBe(segments[i])
      expect(log.firstSegmentWith(MIN_TIME)).toBe(1)
      expect(log.firstSegmentWith((times.at(-1)! + 1n) as HybridTime)).toBe(log.segment)
    }
    next.log.removeBefore(segments[5]!)
    expect(listSegments(files)[0]).toBe(segments[5])
    expect(next.log.firstSegment).toBe(segments[5])
    for (const [i, time] of times.entries())
      expect(next.log.firstSegmentWith(time)).toBe(Math.max(segments[i]!, segments[5]!))
    const { recovered } = new Run(files)
    expect(recovered).toEqual(run.applied.filter((_, i) => segments[i]! >= segments[5]!))
  })

  test('bytes of commits are counted as they are appended', () => {
    const run = new Run(new MemoryFiles())
    expect(run.log.appendedBytes).toBe(0)
    const time = run.commit('a')
    const bytes = encodeRecord({ kind: 'commit', time, tablets: writesOf('a') }).length
    expect(run.log.appendedBytes).toBe(bytes)
  })
})

describe('after a failure', () => {
  const failing = (plan: FaultPlan, firstCommit: Durability = 'os') => {
    const files = new FaultFiles({ plan })
    const run = new Run(files, { leadMicros: 1_000_000 })
    run.commit('before', firstCommit)
    return { files, run }
  }

  // Segment 1 is created with one append and one sync; the first ceiling takes another of each.
  test.each<[string, FaultPlan, Durability]>([
    ['an append', [{ kind: 'error', operation: 'append', nth: 4, errno: 'ENOSPC' }], 'os'],
    ['a sync', [{ kind: 'error', operation: 'sync', nth: 3, errno: 'EIO' }], 'disk'],
  ])('of %s nothing more is written, and the failed commit is not seen', (_, plan, durability) => {
    const { files, run } = failing(plan)
    expect(refusal(() => run.commit('failed', durability))?.code).toBe('IO_FAILED')
    expect(run.applied.map((one) => one.split(':')[1])).toEqual(['before'])
    const operations = files.operations
    for (const write of [
      () => run.commit('after', 'none'),
      () => run.log.sync(),
      () => run.log.removeBefore(9),
      () => {
        run.physical.advance(10_000_000)
        run.log.clock.use(hybridTime(run.physical.now()))
      },
    ]) {
      const error = refusal(write)
      expect(error).toMatchObject({ code: 'STORE_FAILED', cause: { code: 'IO_FAILED' } })
    }
    run.log.close()
    expect(files.operations).toBe(operations)
    expect(run.failStop.hasFailed).toBe(true)
    const next = new Run(files.crash('process-kill', seededRandom(1)))
    expect(next.recovered[0]).toBe(run.applied[0])
    expect(next.wasClosed).toBe(false)
    next.commit('again')
  })

  test('of memory, for a commit that the log has, nothing more is written: half of it could be', () => {
    const files = new FaultFiles()
    const run = new Run(files)
    run.commit('before')
    run.hasNoMemory = true
    expect(() => run.commit('failed')).toThrow(RangeError)
    run.hasNoMemory = false
    expect(refusal(() => run.commit('after'))).toMatchObject({ code: 'STORE_FAILED' })
    expect(refusal(() => run.log.end())).toMatchObject({ code: 'STORE_FAILED' })
    run.log.close()
    const next = new Run(files.crash('process-kill', seededRandom(1)))
    expect(next.recovered.map((one) => one.split(':')[1])).toEqual(['before', 'failed'])
  })

  test('of a ceiling nothing was issued', () => {
    const files = new FaultFiles({ plan: [{ kind: 'error', operation: 'sync', nth: 2, errno: 'EIO' }] })
    const run = new Run(files)
    expect(refusal(() => run.commit('a'))?.code).toBe('IO_FAILED')
    expect([run.applied, run.log.clock.last]).toEqual([[], MIN_TIME])
    expect(refusal(() => run.commit('b'))?.code).toBe('STORE_FAILED')
  })

  test('only the first one is the cause', () => {
    const failStop = new FailStop()
    const [first, second] = [new RangeError('first'), new RangeError('second')]
    expect(failStop.guard(() => 5)).toBe(5)
    expect([failStop.hasFailed, refusal(() => failStop.check())]).toEqual([false, undefined])
    failStop.fail(first)
    failStop.fail(second)
    expect(refusal(() => failStop.guard(() => expect.unreachable('it has failed')))?.cause).toBe(first)
  })
})

describe('a log that cannot be is refused', () => {
  function logOf(...payloads: Uint8Array[]): MemoryFiles {
    const files = new MemoryFiles()
    const writer = RecordWriter.create(files, segmentPath(1), 'PALIMLOG', 1, crc32)
    for (const payload of payloads) writer.append(payload)
    writer.close()
    return files
  }
  const commit = (time: number) =>
    encodeRecord({ kind: 'commit', time: BigInt(time) as HybridTime, tablets: writesOf('a') })
  const target = { lacks: () => true, replay: () => undefined }
  const error = (files: FileSystem) => refusal(() => recoverLog(files, 1, crc32, target))

  test('with a record that is none, its checksum right', () => {
    expect(error(logOf(commit(1), Uint8Array.of(9)))).toMatchObject({
      code: 'LOG_CORRUPT',
      details: { file: '000001.log' },
    })
  })

  test('with commits that do not rise', () => {
    expect(error(logOf(commit(5), commit(6)))).toBeUndefined()
    for (const time of [5, 4])
      expect(error(logOf(commit(5), commit(time)))).toMatchObject({
        code: 'LOG_CORRUPT',
        details: { file: '000001.log', time: `0.000${time}` },
      })
  })
})
