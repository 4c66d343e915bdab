/**
 * Where a version stands in memory. Who searches has one span for all that it finds: to find then allocates nothing,
 * and of a version nothing is made that nobody asks for.
 *
 *     memory of a block or a memtable   ……[time]……………………[value]……
 *                                         ▲ timeFrom     ▲ from  ▲ to
 */
import { NO_BYTES, NO_VIEW, type ViewSpan } from '../base/bytes.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { highOf, lowOf } from './time-words.ts'
import { type Version } from './version.ts'

/** A version that was found; good until its memory changes, or something else is found. */
export class VersionSpan implements ViewSpan {
  bytes: Uint8Array = NO_BYTES
  view: DataView = NO_VIEW
  /** Where the value begins and ends; a tombstone has none. */
  from = 0
  to = 0
  isTombstone = false
  /** Where the time stands, as eight bytes, the lowest first. */
  timeFrom = 0

  /** Becomes the same as another. */
  be(other: VersionSpan): void {
    this.bytes = other.bytes
    this.view = other.view
    this.from = other.from
    this.to = other.to
    this.isTombstone = other.isTombstone
    this.timeFrom = other.timeFrom
  }

  get time(): HybridTime {
    return this.view.getBigUint64(this.timeFrom, true) as HybridTime
  }

  /** Whether it was written after a time. */
  isAfter(time: HybridTime): boolean {
    const upper = this.view.getUint32(this.timeFrom + 4, true)
    const high = highOf(time)
    return upper > high || (upper === high && this.view.getUint32(this.timeFrom, true) > lowOf(time))
  }

  /** The version; its value is a look at the memory. */
  get version(): Version {
    const { time, isTombstone, bytes, from, to } = this
    return { time, value: isTombstone ? undefined : bytes.subarray(from, to) }
  }
}
