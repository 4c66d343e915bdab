/**
 * Where a version stands in memory. Who searches has one span for all that it finds: to find then allocates nothing,
 * and of a version nothing is made that nobody asks for.
 *
 *     memory of a block or a memtable   ……[time]……………………[value]……
 *                                         ▲ timeFrom     ▲ from  ▲ to
 */
import { type ByteSpan, NO_VIEW, lookAt } from '../base/bytes.ts'
import { type HybridTime, highOf, lowOf, timeOf } from '../time/hybrid-time.ts'
import { type Version } from './version.ts'

/** A version that was found; good until its memory changes, or something else is found. */
export class VersionSpan implements ByteSpan {
  view: DataView = NO_VIEW
  /** Where the value begins and ends; a tombstone has none. */
  from = 0
  to = 0
  isTombstone = false
  /** Where the time stands, as eight bytes, the lowest first. */
  timeFrom = 0

  /** Becomes the same as another. */
  be(other: VersionSpan): void {
    this.view = other.view
    this.from = other.from
    this.to = other.to
    this.isTombstone = other.isTombstone
    this.timeFrom = other.timeFrom
  }

  get time(): HybridTime {
    // A bigint read from a view takes V8 three times as long. (Signed halves are small integers.)
    const { view, timeFrom } = this
    return timeOf(view.getInt32(timeFrom + 4, true), view.getInt32(timeFrom, true))
  }

  /** Whether it was written after a time. */
  isAfter(time: HybridTime): boolean {
    const upper = this.view.getUint32(this.timeFrom + 4, true)
    const high = highOf(time)
    return upper > high || (upper === high && this.view.getUint32(this.timeFrom, true) > lowOf(time))
  }

  /** The version; its value is a look at the memory. */
  get version(): Version {
    const { time, isTombstone } = this
    return { time, value: isTombstone ? undefined : lookAt(this) }
  }
}
