/**
 * The one commit log of a database, and the only commit path: allocate the time, append the record,
 * apply it to the trees.
 *
 *     commit ──▶ time from the clock ──▶ one record in the log ──▶ memtables of all tablets it touches
 *
 * The log also carries the clock's durable ceiling. Before a time above the ceiling is issued, or used by
 * a read, a higher ceiling is written and synced; a reopened clock starts above it (law 1). A clean close
 * leaves the exact last time instead, and may leave it in a segment of its own, so that nothing else has to be read.
 *
 * After a crash the log goes on in a new segment. What was cut off, or never got its length, may still lie on the disk:
 *
 *     000001.log   commit a │ commit b │ commit c      the crash leaves a; b and c lie behind its end
 *     gone on in   commit a │ commit d │ (commit c)    the next crash leaves d, and would bring c back
 *     000002.log   ceiling  │ commit d │ …             where no record of 000001.log is taken for one
 *
 * Durability of a commit: `none` stays in memory until a later record takes it along, `os` is handed to
 * the operating system (survives the death of the process), `disk` is synced (survives a power cut).
 */
import { FormatError } from '../base/binary.ts'
import { type Checksum } from '../base/checksum.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type FileSystem, beginWith } from '../storage/files.ts'
import { type LogEnd, type LogPlace, LogWriter, replaySegments, segmentPath } from '../storage/log.ts'
import { FILE_HEADER_BYTES } from '../storage/record-file.ts'
import { type ClockJump, HybridClock, type PhysicalClock } from '../time/clock.ts'
import { type HybridTime, MIN_TIME, formatExact, formatIso, laterOf } from '../time/hybrid-time.ts'
import {
  type CommitLogRecord,
  type TabletWrites,
  type WantsWrites,
  decodeRecord,
  encodeRecord,
} from '../storage/commit-record.ts'
import { type FailStop } from './fail-stop.ts'

/** What a commit can survive: nothing, the death of the process, a power cut. */
export const DURABILITIES = ['none', 'os', 'disk'] as const

/** One of {@link DURABILITIES}. */
export type Durability = (typeof DURABILITIES)[number]

/** What the log said when it was opened. */
export interface LogRecovery {
  /** Where it ends. */
  readonly end: LogEnd
  /** Every time that was issued or used is at or below this one. */
  readonly floor: HybridTime
  /** How many commits it has, and the newest of them. */
  readonly commits: number
  readonly newestCommit: HybridTime
  /** The newest commit of each segment, oldest segment first. */
  readonly segments: readonly SegmentTimes[]
  /** Whether the last thing that happened was a clean close. */
  readonly wasClosed: boolean
}

/** A segment and the newest commit in it, or `MIN_TIME` if it has none. */
export interface SegmentTimes {
  readonly segment: number
  readonly newestCommit: HybridTime
}

/** What a log is read into. */
export interface ReplayTarget {
  /** Whether the writes of a commit to a tablet are needed: the others are passed over. */
  readonly lacks: WantsWrites
  /** Takes what is needed of a commit. The bytes are a look at a whole segment. */
  readonly replay: (time: HybridTime, tablets: readonly TabletWrites[]) => void
}

/** Reads the log from a segment on, handing each commit over in order. */
export function recoverLog(
  files: FileSystem,
  firstSegment: number,
  checksum: Checksum,
  target: ReplayTarget,
): LogRecovery {
  const lacks: WantsWrites = (tablet, time) => target.lacks(tablet, time)
  const segments = new Map<number, HybridTime>()
  let commits = 0
  let newestCommit = MIN_TIME
  let floor = MIN_TIME
  let wasClosed = false
  const records = replaySegments(files, firstSegment, checksum)
  let next = records.next()
  for (; !next.done; next = records.next()) {
    const { segment, payload } = next.value
    const record = decodeOrRefuse(payload, segment, lacks)
    if (record.kind === 'commit') {
      if (record.time <= newestCommit) throw outOfOrder(record.time, segment)
      commits++
      newestCommit = record.time
      target.replay(record.time, record.tablets)
    }
    // A clean close takes an earlier ceiling back: no time above the close was given out.
    floor = record.kind === 'close' ? record.time : laterOf(floor, record.time)
    wasClosed = record.kind === 'close'
    segments.set(segment, newestCommit)
  }
  const end = next.value
  const times = [...segments].map(([segment, newest]) => ({ segment, newestCommit: newest }))
  return { end, floor, commits, newestCommit, segments: times, wasClosed }
}

/** What a commit log needs from its store. */
export interface CommitLogContext {
  readonly files: FileSystem
  readonly checksum: Checksum
  readonly segmentBytes: number
  readonly physical: PhysicalClock
  /** A microsecond by which history was judged: see `HybridClockOptions`. */
  readonly judgedMicros?: number | undefined
  readonly failStop: FailStop
  /** Gives the writes of a commit to the trees. */
  readonly apply: (time: HybridTime, tablets: readonly TabletWrites[]) => void
  readonly onJump?: ((jump: ClockJump) => void) | undefined
}

/** The commit log of a database that is open for writing. */
export class CommitLog {
  readonly clock: HybridClock
  readonly #context: CommitLogContext
  readonly #log: LogWriter
  readonly #segments: SegmentTimes[]
  #newestCommit: HybridTime
  #durableThrough: HybridTime
  #appendedBytes = 0
  #hasEnded = false

  private constructor(context: CommitLogContext, log: LogWriter, floor: HybridTime, recovery?: LogRecovery) {
    this.#context = context
    this.#log = log
    this.#newestCommit = recovery?.newestCommit ?? MIN_TIME
    this.#durableThrough = this.#newestCommit
    this.#segments = [...(recovery?.segments ?? [])]
    this.clock = new HybridClock({
      physical: context.physical,
      judgedMicros: context.judgedMicros,
      floor,
      ceiling: floor,
      reserve: (ceiling) => {
        this.#reserve(ceiling)
      },
      onJump: context.onJump,
    })
  }

  /** The log of a new database. */
  static create(context: CommitLogContext): CommitLog {
    const { files, checksum, segmentBytes } = context
    return new CommitLog(context, LogWriter.create(files, checksum, segmentBytes), MIN_TIME)
  }

  /** Goes on after a recovery; `floor` and the newest commit are at least those that the log itself has. */
  static resume(
    context: CommitLogContext,
    firstSegment: number,
    recovery: LogRecovery,
    floor: HybridTime,
  ): CommitLog {
    const { files, checksum, segmentBytes } = context
    const resumed = LogWriter.resume(files, checksum, segmentBytes, firstSegment, recovery.end)
    const hasRecords = recovery.end.contents.wholeBytes > FILE_HEADER_BYTES
    const isCutShort = hasRecords && !recovery.wasClosed
    return beginWith(resumed, (log) => {
      if (isCutShort) log.startSegment()
      // A crash at the begin of a segment took the ceiling away with which every segment begins.
      if (isCutShort || !hasRecords) {
        log.append(encodeRecord({ kind: 'ceiling', time: floor }))
        log.sync()
      }
      return new CommitLog(context, log, floor, recovery)
    })
  }

  /** The newest commit. */
  get newestCommit(): HybridTime {
    return this.#newestCommit
  }

  /** Every commit at or before this time survives a power cut. */
  get durableThrough(): HybridTime {
    return this.#durableThrough
  }

  /** The place in the log through which everything survives a power cut. */
  get syncedThrough(): LogPlace {
    return this.#log.syncedThrough
  }

  /** The bytes of all segments. */
  get bytes(): number {
    return this.#log.bytes
  }

  /** Bytes of commit records appended since the database was opened. */
  get appendedBytes(): number {
    return this.#appendedBytes
  }

  /** The number of the segment that is written now. */
  get segment(): number {
    return this.#log.segment
  }

  /** The number of the oldest segment. */
  get firstSegment(): number {
    return this.#log.firstSegment
  }

  /**
   * Commits writes at a new time. They are built for the time, because rows of the catalog name it.
   * Returns when the commit is as durable as asked and every later read sees it.
   */
  commit(build: (time: HybridTime) => readonly TabletWrites[], durability: Durability): HybridTime {
    const { failStop, apply } = this.#context
    failStop.guard(() => {
      this.#startSegmentIfFull()
    })
    // Not guarded: a clock that shows what cannot be has written nothing, and may be set right.
    const time = this.clock.now()
    const tablets = build(time)
    const payload = encodeRecord({ kind: 'commit', time, tablets })
    failStop.guard(() => {
      if (durability === 'none') this.#log.hold(payload)
      else this.#log.append(payload)
      if (durability === 'disk') this.#log.sync()
    })
    this.#appendedBytes += payload.length
    this.#newestCommit = time
    if (durability === 'disk') this.#durableThrough = time
    this.#noteCommit(time)
    // Of what memory has by half, for want of memory, no flush may say that it is all.
    failStop.guard(() => {
      apply(time, tablets)
    })
    return time
  }

  /** Makes every commit so far durable. */
  sync(): void {
    this.#context.failStop.guard(() => {
      this.#log.sync()
    })
    this.#durableThrough = this.#newestCommit
  }

  /** Hands all that was committed to the operating system, and says where the log ends. */
  release(): LogPlace {
    return this.#context.failStop.guard(() => this.#log.release())
  }

  /** Takes note that somebody else has made the log durable through a place. */
  noteSynced(place: LogPlace): void {
    this.#log.noteSynced(place)
  }

  /** Makes the log durable through a place, which it has reached, unless it is. */
  syncThrough({ segment, bytes }: LogPlace): void {
    const synced = this.#log.syncedThrough
    if (segment > synced.segment || (segment === synced.segment && bytes > synced.bytes))
      this.#context.failStop.guard(() => this.#log.sync())
  }

  /** The oldest segment that holds a commit at or after `time`; the current one if there is none. */
  firstSegmentWith(time: HybridTime): number {
    const first = this.#segments.find(({ newestCommit }) => newestCommit >= time)
    return Math.min(first?.segment ?? this.#log.segment, this.#log.segment)
  }

  /** Removes the segments before `segment`, which the manifest no longer needs. */
  removeBefore(segment: number): void {
    this.#context.failStop.guard(() => {
      this.#log.removeBefore(segment)
    })
    const firstKept = this.#segments.findIndex((times) => times.segment >= segment)
    this.#segments.splice(0, firstKept === -1 ? this.#segments.length : firstKept)
  }

  /** Writes down exactly how far time has gone and makes everything durable. No more is committed. */
  end(): void {
    this.#context.failStop.guard(() => {
      this.#writeEnd()
    })
    this.#hasEnded = true
  }

  /** After the end: begins a segment that says it again, so that none of those before it has to be read for it. */
  endAnew(): void {
    this.#context.failStop.guard(() => {
      this.#log.startSegment()
      this.#writeEnd()
    })
  }

  /** Ends the log, unless that was done or nothing more may be written, and closes its file. */
  close(): void {
    try {
      if (!this.#hasEnded && !this.#context.failStop.hasFailed) this.end()
    } finally {
      this.letGo()
    }
  }

  /** Closes its file, as after a crash: nothing is written any more. */
  letGo(): void {
    this.#log.close()
  }

  #writeEnd(): void {
    // Who sees the end may rely on it that everything before is durable.
    if (this.#durableThrough < this.#newestCommit) this.#log.sync()
    this.#log.append(encodeRecord({ kind: 'close', time: this.clock.close() }))
    this.#log.sync()
  }

  #reserve(ceiling: HybridTime): void {
    this.#context.failStop.guard(() => {
      this.#log.append(encodeRecord({ kind: 'ceiling', time: ceiling }))
      this.#log.sync()
    })
    this.#durableThrough = this.#newestCommit
  }

  /** A new segment begins with the ceiling, durably, because the segments before it may go. */
  #startSegmentIfFull(): void {
    if (!this.#log.isSegmentFull) return
    this.#log.startSegment()
    this.#durableThrough = this.#newestCommit
    this.#log.append(encodeRecord({ kind: 'ceiling', time: this.clock.ceiling }))
    this.#log.sync()
  }

  #noteCommit(time: HybridTime): void {
    const { segment } = this.#log
    const last = this.#segments.at(-1)
    if (last?.segment === segment) this.#segments.pop()
    this.#segments.push({ segment, newestCommit: time })
  }
}

function decodeOrRefuse(payload: Uint8Array, segment: number, wants: WantsWrites): CommitLogRecord {
  try {
    return decodeRecord(payload, wants)
  } catch (error) {
    if (!(error instanceof FormatError)) throw error
    const file = segmentPath(segment)
    throw new PalimpsestError(
      'LOG_CORRUPT',
      `a log record is malformed: file=${file} (${error.message})`,
      { file },
      error,
    )
  }
}

function outOfOrder(time: HybridTime, segment: number): PalimpsestError {
  const file = segmentPath(segment)
  const details = { file, time: formatExact(time) }
  return new PalimpsestError(
    'LOG_CORRUPT',
    `commits are out of order: file=${file} at=${formatIso(time)}`,
    details,
  )
}
