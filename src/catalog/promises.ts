/**
 * The promises that make times of a table readable, one by one: its window, holds, open cursors. Their
 * union is what `tableReadable` says.
 */
import { type ReadablePromise } from '../history/explain-version.ts'
import { readableTimes } from '../history/readable.ts'
import { stretch } from '../time/stretches.ts'
import { type Catalog, type Moment, holdsTable, isExpired, keepOf, tableCutoff } from './catalog.ts'
import { type TableRef } from './rows.ts'

/** What makes times of a table readable now: the window first. */
export function promisesFor(catalog: Catalog, table: TableRef, moment: Moment): readonly ReadablePromise[] {
  const cutoff = tableCutoff(catalog, table, moment)
  const window: ReadablePromise = {
    kind: 'window',
    times: readableTimes(cutoff, []),
    cutoff,
    keep: keepOf(catalog, table),
  }
  const holds = [...catalog.holds.values()]
    .filter((hold) => holdsTable(hold, table) && !isExpired(hold, moment.nowMicros))
    .map(({ after, through, name, owner, reason, expiresMicros }): ReadablePromise => {
      return { kind: 'hold', times: stretch(after, through), name, owner, reason, expiresMicros }
    })
  const cursors = [...moment.memoryHolds]
    .filter((hold) => hold.table === table.id)
    .map(({ times, id }): ReadablePromise => ({ kind: 'cursor', times, id }))
  return [window, ...holds, ...cursors]
}
