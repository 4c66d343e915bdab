/**
 * Closing: how much of the log the next opening has to read.
 *
 *     log        ──── commits that tables have ────┬─ commits in memory only ─┬─ end      ◀── all of it is read again
 *     begun anew                                                                  end      ◀── nothing else is
 *
 * A log of which nothing is needed any more is begun anew. Little that is needed is written down first, where that
 * is less work than reading the log again would be; much stays where it is, and closing takes no longer for it.
 *
 * The rule of order: the log is ended, durably, before anything else is done. Then, if it is begun anew, comes the
 * new segment, then an edit that needs no other, then the others go. A cut or a failure between any two of them
 * leaves a database that was closed.
 */
import { type Geometry } from '../storage/geometry.ts'
import { type Manifest } from '../storage/manifest.ts'
import { type CommitLog } from '../tablet/commit-log.ts'
import { type FailStop } from '../tablet/fail-stop.ts'
import { type Tablets } from '../tablet/tablet.ts'
import { type Maintenance } from './maintenance.ts'

/** What a closing is decided by. */
export interface ClosingInput {
  /** The bytes of the log, which the next opening would read. */
  readonly logBytes: number
  /** The bytes of the memtables that are not empty, one by one. */
  readonly memtableBytes: readonly number[]
  readonly segmentBytes: number
}

/** What is done with the log at a close: left as it is, or begun anew when all that is in memory was written down. */
export type ClosingPlan = 'leave' | 'begin anew'

/** A log that is as short as this part of a segment is read sooner than anything could be done about it. */
const SHORT = 1 / 32
/** Writing a byte of a memtable takes about as long as reading so many of the log. */
const BYTES_READ_PER_BYTE_WRITTEN = 4

/** What to do with the log. To make a file and sync it takes about as long as to read a short log. */
export function planClosing({ logBytes, memtableBytes, segmentBytes }: ClosingInput): ClosingPlan {
  const shortBytes = SHORT * segmentBytes
  const writing = memtableBytes.reduce(
    (sum, bytes) => sum + shortBytes + BYTES_READ_PER_BYTE_WRITTEN * bytes,
    0,
  )
  return logBytes > Math.max(shortBytes, writing) ? 'begin anew' : 'leave'
}

/** What closing works on. */
export interface ClosingContext {
  readonly geometry: Geometry
  readonly tablets: Tablets
  readonly manifest: Manifest
  readonly log: CommitLog
  readonly failStop: FailStop
}

/** Ends the log of a store whose maintenance has stopped. After a failure nothing is written any more. */
export function endLog(context: ClosingContext, maintenance: Maintenance): void {
  const { geometry, tablets, manifest, log, failStop } = context
  if (failStop.hasFailed) return
  log.end()
  const memtables = tablets.all().flatMap((tablet) => tablet.memtables)
  const memtableBytes = memtables.flatMap(({ versionCount, bytes }) => (versionCount > 0 ? [bytes] : []))
  const plan = planClosing({ logBytes: log.bytes, memtableBytes, segmentBytes: geometry.segmentBytes })
  if (plan === 'leave') return
  for (const tablet of tablets.all()) maintenance.writeDown(tablet)
  failStop.guard(() => {
    log.endAnew()
    manifest.commit({ firstSegment: log.segment, logSynced: log.syncedThrough })
    log.removeBefore(log.segment)
  })
}
