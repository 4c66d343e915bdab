/**
 * What the command line says of a database that did not end with a clean close: one line on stderr.
 *
 * Who opens it for writing has its lock, so its last writer died. Who only reads cannot know: it may be
 * in use. That a reading open found nothing but an end that is still open is a remark for people; all
 * else is said to everybody. With `--json` it is in the results of `check` and `stats` instead.
 */
import { type Database } from '../database/database.ts'
import { type RecoveryReport } from '../store/events.ts'
import { MIN_TIME } from '../time/hybrid-time.ts'
import { type Session } from './session.ts'
import { manyText, momentOf } from './text.ts'

/** Says it where there is something to say. */
export function tellRecovery(session: Session, { recovery, isReadOnly }: Database): void {
  const { tornBytes, newestCommit, wasClosedCleanly } = recovery
  const isQuiet = tornBytes === 0 && (wasClosedCleanly || newestCommit === MIN_TIME)
  if (session.isJson || isQuiet) return
  const text = recoveryText(recovery, isReadOnly)
  if (isReadOnly && tornBytes === 0) session.note(text)
  else session.message(`palimpsest: ${text}`)
}

function recoveryText({ tornBytes, newestCommit, orphans }: RecoveryReport, isReadOnly: boolean): string {
  const ending = isReadOnly ? endingFound(tornBytes) : endingMended(tornBytes)
  const removed = orphans.length === 0 ? '' : `; removed ${orphans.join(', ')}, which nothing named`
  if (newestCommit === MIN_TIME) return `${ending}; there are no commits${removed}`
  const { at, time } = momentOf(newestCommit)
  return `${ending}; all commits through ${at} (${time}) are there${removed}`
}

function endingFound(tornBytes: number): string {
  if (tornBytes === 0) return 'the database was not closed, or is in use'
  return `the log ends in ${manyText(tornBytes, 'torn byte')}, passed over`
}

function endingMended(tornBytes: number): string {
  if (tornBytes === 0) return 'the database had not been closed'
  return `the log ended in ${manyText(tornBytes, 'torn byte')}, cut off`
}
