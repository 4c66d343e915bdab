/**
 * Readable times: the promise that retention makes. A window that ends now, and what is held.
 *
 *                 hold          cutoff                    now
 *     ────────────▐██▌────────────├─────────────────────────┤ ▶
 *     gone        readable  gone    readable
 *
 *     cutoff = max(ratchet, now − keep)
 *
 * Readability is judged by this at the read, never by what compaction happens to have done. The ratchet
 * is raised whenever retention changes and by every compaction's directive, so that a time once lost
 * never comes back (law 4).
 */
import { PalimpsestError } from '../base/errors.ts'
import {
  type HybridTime,
  MIN_TIME,
  formatExact,
  formatIso,
  hybridTime,
  laterOf,
  tickAfter,
} from '../time/hybrid-time.ts'
import { type Stretches, contains, stretchFrom, union } from '../time/stretches.ts'

/** How long history is kept: microseconds, or for ever. */
export type Keep = number | 'forever'

/** The first time of the window. */
export function cutoffOf(ratchet: HybridTime, keep: Keep, nowMicros: number): HybridTime {
  if (keep === 'forever') return ratchet
  return laterOf(ratchet, hybridTime(Math.max(0, nowMicros - keep)))
}

/** The times that can be read: the window from `cutoff` on, and what is held. */
export function readableTimes(cutoff: HybridTime, held: readonly Stretches[]): Stretches {
  return union(stretchFrom(cutoff === MIN_TIME ? tickAfter(cutoff) : cutoff), ...held)
}

/** The readable times next to one that is not. */
export interface NearestReadable {
  readonly before?: HybridTime | undefined
  readonly after?: HybridTime | undefined
}

/** The last readable time before `time`, and the first one after it. */
export function nearestReadable(readable: Stretches, time: HybridTime): NearestReadable {
  const before = readable.findLast(({ through }) => through < time)?.through
  const next = readable.find(({ after }) => after >= time)
  return { before, after: next && tickAfter(next.after) }
}

/** Refuses a time that is not readable, naming the nearest ones that are. */
export function assertReadable(readable: Stretches, time: HybridTime, what: string): void {
  if (contains(readable, time)) return
  const { before, after } = nearestReadable(readable, time)
  const near = [before && `before=${bothForms(before)}`, after && `after=${bothForms(after)}`].filter(Boolean)
  const hint = near.length === 0 ? '' : `; nearest readable: ${near.join(' ')}`
  throw new PalimpsestError(
    'HISTORY_GONE',
    `the history of ${what} as of ${formatIso(time)} is gone${hint}`,
    {
      time: formatExact(time),
      at: formatIso(time),
      nearestBefore: before && formatExact(before),
      nearestAfter: after && formatExact(after),
    },
  )
}

/** Exact, to paste back, and ISO, to read. */
function bothForms(time: HybridTime): string {
  return `${formatExact(time)} (${formatIso(time)})`
}
