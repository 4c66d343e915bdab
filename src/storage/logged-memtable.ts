/**
 * A memtable out of the commit log: everything in it was logged first, so whoever flushes it elsewhere needs no
 * copy of it, only to be told where to read.
 *
 *     log        ──┬─ a@4 ─ b@5 ─ c@6 ─ … ─ a@93 ─ b@94 ─┬─ a@95 …        still written to
 *                from                                 through
 *     memtable of tablet a, frozen:    a@4 … a@93
 *
 * The log between the two places no longer changes, and is not removed before the memtable is in a table.
 */
import { PalimpsestError } from '../base/errors.ts'
import { type Checksum } from '../base/checksum.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { decodeRecord } from './commit-record.ts'
import { type FileSystem } from './files.ts'
import { type LogPlace, recordsBetween } from './log.ts'
import { Memtable } from './memtable.ts'

/** Where in the log a memtable is, as plain data. */
export interface LoggedMemtable {
  readonly tablet: number
  /** The times of the first and the last version in it: the log may have earlier and later ones of the tablet. */
  readonly minTime: HybridTime
  readonly maxTime: HybridTime
  readonly versionCount: number
  readonly from: LogPlace
  readonly through: LogPlace
}

/** Reads a memtable out of the log. What is not there in whole is `LOG_CORRUPT`. */
export function readLoggedMemtable(files: FileSystem, checksum: Checksum, logged: LoggedMemtable): Memtable {
  const memtable = new Memtable()
  for (const payload of recordsBetween(files, logged.from, logged.through, checksum)) {
    const record = decodeRecord(payload)
    if (record.kind !== 'commit' || record.time < logged.minTime || record.time > logged.maxTime) continue
    for (const { tablet, writes } of record.tablets) {
      if (tablet !== logged.tablet) continue
      for (const { key, value } of writes) memtable.add(key, { time: record.time, value })
    }
  }
  const { versionCount } = memtable
  if (versionCount === logged.versionCount) return memtable
  const message = `the log has ${versionCount} of the ${logged.versionCount} versions of a memtable`
  throw new PalimpsestError('LOG_CORRUPT', message, { tablet: logged.tablet })
}
