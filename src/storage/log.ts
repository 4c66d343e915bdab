/**
 * The segments of a log: numbered record files, `000007.log`, one after the other without a gap.
 *
 * A segment is synced before its successor is created, so only the last one can have a torn tail. Its
 * successor says how long it was, because a cut between two records leaves no trace in the file itself.
 *
 *     000007.log  1000 bytes ◀── 000008.log: the one before has 1000 bytes ◀── 000009.log …
 *
 * The first segment that is needed was made durable before the manifest named it. What a record means is not known here; the commit log in `tablet/` knows.
 *
 * Of the last segment, a sync may have failed, and what is read of it may be in memory only. A later sync does not help
 * (`files.ts`). So an opening that goes on from it repeats it first, in a file that takes its name:
 *
 *     000008.log   a │ b │ c (its sync failed)      read, and synced again: c is there, until the power is cut
 *     LOG.new      a │ b │ c  synced, renamed ──▶   000008.log: c stays
 */
import { type Checksum } from '../base/checksum.ts'
import { PalimpsestError } from '../base/errors.ts'
import { namesIn, sizeOfFile } from './file-rules.ts'
import { type FileSystem, beginWith, readWholeFile, removeIfThere } from './files.ts'
import {
  FILE_HEADER_BYTES,
  type RecordFileEnd,
  RecordWriter,
  payloadsOf,
  readRecords,
} from './record-file.ts'

/** A record with the number of the segment it stands in. */
export interface LogRecord {
  readonly segment: number
  readonly payload: Uint8Array
}

/** A place in a log. */
export interface LogPlace {
  readonly segment: number
  /** The bytes of the segment before the place. */
  readonly bytes: number
}

/** The end of a log as it was found. */
export interface LogEnd {
  readonly segment: number
  readonly contents: RecordFileEnd
}

/** The name under which the last segment is repeated, before it takes the place of the old one. */
export const NEW_SEGMENT_PATH = 'LOG.new'

const SEGMENT_NAME = /^(\d{6,})\.log$/

/** The name of a segment's file. */
export function segmentPath(number: number): string {
  return `${number.toString().padStart(6, '0')}.log`
}

/** The numbers of all segments in the directory, rising. */
export function listSegments(files: FileSystem): readonly number[] {
  // A number has one name: with more zeros in front it would be that of another file.
  const numbers = namesIn(files, '').flatMap((name) => {
    const number = Number(SEGMENT_NAME.exec(name)?.[1])
    return segmentPath(number) === name ? [number] : []
  })
  return numbers.toSorted((a, b) => a - b)
}

/**
 * Reads every record from segment `first` on, in order, and returns where the log ends. A missing or
 * shortened segment, or damage that is not a torn tail of the last one, is `LOG_CORRUPT`: when it is met, so what
 * came before it counts for nothing.
 */
export function* replaySegments(
  files: FileSystem,
  first: number,
  checksum: Checksum,
): Generator<LogRecord, LogEnd> {
  const numbers = listSegments(files).filter((number) => number >= first)
  let expected = first
  let end: LogEnd | undefined
  for (const segment of numbers) {
    if (segment !== expected++) break
    const contents = yield* recordsOf(readWholeFile(files, segmentPath(segment)), segment, checksum)
    const { formerBytes } = contents
    if (end !== undefined && formerBytes !== undefined && formerBytes !== end.contents.wholeBytes)
      throw damaged(end.segment, end.contents.wholeBytes)
    // A segment that has a successor was synced to its end, so it has its header and no torn tail.
    const isWhole = contents.tornBytes === 0 && formerBytes !== undefined
    const mayBeTorn = segment === numbers.at(-1) && (segment > first || formerBytes !== undefined)
    const damagedAt = contents.damagedAt ?? (mayBeTorn || isWhole ? undefined : contents.wholeBytes)
    if (damagedAt !== undefined) throw damaged(segment, damagedAt)
    end = { segment, contents }
  }
  if (end === undefined || end.segment !== numbers.at(-1)) {
    const missing = segmentPath(end === undefined ? first : end.segment + 1)
    throw new PalimpsestError('LOG_CORRUPT', `a segment of the commit log is missing: file=${missing}`, {
      file: missing,
    })
  }
  return end
}

function* recordsOf(
  bytes: Uint8Array,
  segment: number,
  checksum: Checksum,
): Generator<LogRecord, RecordFileEnd> {
  const payloads = payloadsOf(bytes, 'PALIMLOG', segment, checksum)
  let next = payloads.next()
  for (; !next.done; next = payloads.next()) yield { segment, payload: next.value }
  return next.value
}

/** Makes what was handed over of a segment durable, for whoever writes it. Those before it were when they were ended. */
export function syncSegment(files: FileSystem, segment: number): void {
  const file = files.append(segmentPath(segment))
  try {
    file.sync()
  } finally {
    file.close()
  }
}

/** Refuses a log that ends before a place through which it is known to have been synced: `LOG_CORRUPT`. */
export function checkReaches({ segment, contents }: LogEnd, synced: LogPlace): void {
  const isShorter =
    segment < synced.segment || (segment === synced.segment && contents.wholeBytes < synced.bytes)
  if (isShorter) throw damaged(segment, contents.wholeBytes)
}

function damaged(segment: number, offset: number): PalimpsestError {
  const file = segmentPath(segment)
  return new PalimpsestError(
    'LOG_CORRUPT',
    `the commit log is damaged where it had been synced: file=${file} offset=${offset}`,
    { file, offset },
  )
}

/** Appends to the last segment, and begins new ones. */
export class LogWriter {
  readonly #files: FileSystem
  readonly #checksum: Checksum
  readonly #segmentBytes: number
  #number: number
  #first: number
  #writer: RecordWriter
  #closedBytes: number

  private constructor(
    files: FileSystem,
    checksum: Checksum,
    segmentBytes: number,
    place: { first: number; number: number; writer: RecordWriter; closedBytes: number },
  ) {
    this.#files = files
    this.#checksum = checksum
    this.#segmentBytes = segmentBytes
    this.#first = place.first
    this.#number = place.number
    this.#writer = place.writer
    this.#closedBytes = place.closedBytes
  }

  /** Creates the first segment of a new log, durably. What stands there is what a crash left of an earlier try. */
  static create(files: FileSystem, checksum: Checksum, segmentBytes: number): LogWriter {
    const writer = createSegment(files, 1, 0, checksum)
    return new LogWriter(files, checksum, segmentBytes, { first: 1, number: 1, writer, closedBytes: 0 })
  }

  /** Goes on where {@link replaySegments} found the end, with what was read made durable, whatever became of it before. */
  static resume(
    files: FileSystem,
    checksum: Checksum,
    segmentBytes: number,
    first: number,
    end: LogEnd,
  ): LogWriter {
    const { segment } = end
    return beginWith(goOn(files, checksum, first, end), (writer) => {
      let closedBytes = 0
      for (let number = first; number < segment; number++)
        closedBytes += sizeOfFile(files, segmentPath(number))
      return new LogWriter(files, checksum, segmentBytes, { first, number: segment, writer, closedBytes })
    })
  }

  /** The number of the segment that is written now. */
  get segment(): number {
    return this.#number
  }

  /** The number of the oldest segment. */
  get firstSegment(): number {
    return this.#first
  }

  /** The bytes of all segments. */
  get bytes(): number {
    return this.#closedBytes + this.#writer.bytes
  }

  /** Whether the current segment has reached its size, so that the next record should go to a new one. */
  get isSegmentFull(): boolean {
    return this.#writer.bytes >= this.#segmentBytes
  }

  /** Whether everything appended is synced. */
  get isSynced(): boolean {
    return this.#writer.syncedBytes === this.#writer.bytes
  }

  /** The place through which everything will survive a power cut. */
  get syncedThrough(): LogPlace {
    return { segment: this.#number, bytes: this.#writer.syncedBytes }
  }

  /** Hands all that is held to the operating system, and says where the log ends. */
  release(): LogPlace {
    this.#writer.release()
    return { segment: this.#number, bytes: this.#writer.bytes }
  }

  /** Takes note that somebody else has synced the log through a place. */
  noteSynced({ segment, bytes }: LogPlace): void {
    // A segment that has a successor was synced before.
    if (segment === this.#number) this.#writer.noteSynced(bytes)
  }

  /** Accepts a record in memory only. */
  hold(payload: Uint8Array): void {
    this.#writer.hold(payload)
  }

  /** Hands a record, and all that is held, to the operating system. */
  append(payload: Uint8Array): void {
    this.#writer.append(payload)
  }

  /** Makes everything accepted so far durable. */
  sync(): void {
    this.#writer.sync()
  }

  /** Syncs the current segment and begins the next. */
  startSegment(): void {
    this.#writer.sync()
    const former = this.#writer
    this.#writer = createSegment(this.#files, this.#number + 1, former.bytes, this.#checksum)
    this.#closedBytes += former.bytes
    this.#number++
    // The last step: should it fail, the new one is still closed with the log.
    former.close()
  }

  /** Removes segments older than `first`, which nothing needs any more. */
  removeBefore(first: number): void {
    for (; this.#first < first; this.#first++) {
      this.#closedBytes -= sizeOfFile(this.#files, segmentPath(this.#first))
      this.#files.remove(segmentPath(this.#first))
    }
  }

  close(): void {
    this.#writer.close()
  }
}

/** Opens the last segment of a log that was read to be gone on with. */
function goOn(files: FileSystem, checksum: Checksum, first: number, end: LogEnd): RecordWriter {
  const { segment, contents } = end
  const path = segmentPath(segment)
  // A segment without its header was created in the moment of the crash and holds nothing.
  if (contents.formerBytes === undefined)
    return createSegment(files, segment, files.size(segmentPath(segment - 1)) ?? 0, checksum)
  // The first one was durable, with its header and its name, before the manifest named it.
  const isCertain = segment === first && contents.wholeBytes + contents.tornBytes === FILE_HEADER_BYTES
  if (isCertain) return RecordWriter.resume(files, path, 'PALIMLOG', segment, checksum, contents)
  const whole = wholeRecordsOf(files, end, checksum)
  return RecordWriter.repeat(files, [path, NEW_SEGMENT_PATH], 'PALIMLOG', segment, checksum, whole)
}

/** The header and the records of a segment that was read before, once more. */
function wholeRecordsOf(files: FileSystem, { segment, contents }: LogEnd, checksum: Checksum): Uint8Array {
  const bytes = readWholeFile(files, segmentPath(segment)).subarray(0, contents.wholeBytes)
  const { wholeBytes } = readRecords(bytes, 'PALIMLOG', segment, checksum)
  // What a failed sync has left in memory only may have left that since it was read.
  if (wholeBytes !== contents.wholeBytes) throw damaged(segment, wholeBytes)
  return bytes
}

function createSegment(
  files: FileSystem,
  number: number,
  formerBytes: number,
  checksum: Checksum,
): RecordWriter {
  const path = segmentPath(number)
  removeIfThere(files, path)
  return beginWith(RecordWriter.create(files, path, 'PALIMLOG', number, checksum, formerBytes), (writer) => {
    files.syncDirectory('')
    return writer
  })
}
