/**
 * Decisions of compaction as text: what was merged and why, and what else was weighed.
 */
import { type CompactionEvent } from '../store/events.ts'
import { type Session } from './session.ts'
import { bytesText, manyText } from './text.ts'

/** One compaction, and the table that it was about. */
export interface Decision extends CompactionEvent {
  readonly table: string
}

/** Each decision with the scores of all candidates. From 1 on a candidate is due. */
export function decisionsText(session: Session, decisions: readonly Decision[]): string {
  if (decisions.length === 0) return 'nothing was due'
  return decisions.map((decision) => decisionText(session, decision)).join('\n\n')
}

function decisionText(session: Session, decision: Decision): string {
  const { table, policy, because, scores, picks } = decision
  const lines = [`${session.styled('bold', table)} (${policy}): ${because}`, `  ${whatText(decision)}`]
  if (scores.length > 0) lines.push('  weighed, due from 1 on:')
  for (const { candidate, score, because: why } of scores)
    lines.push(`    ${score.toFixed(2)}  ${candidate}: ${why}`)
  if (picks.length > 0) lines.push('  of the level, the table with the highest score:')
  for (const { table: number, score, because: why } of picks)
    lines.push(`    ${score.toFixed(2)}  table ${number}: ${why}`)
  return lines.join('\n')
}

function whatText({
  how,
  inputs,
  outputLevel,
  outputs,
  readBytes,
  writtenBytes,
  droppedVersions,
}: Decision): string {
  // They are called by their numbers, which are the names of their files.
  const from = inputs
    .map(
      ({ level, tables }) => `table${tables.length === 1 ? '' : 's'} ${tables.join(', ')} of level ${level}`,
    )
    .join('; ')
  if (how === 'move') return `moved to level ${outputLevel}, nothing written: ${from}`
  const into =
    outputs.length === 0 ? 'nothing' : `${manyText(outputs.length, 'table')} of level ${outputLevel}`
  const bytes = `${bytesText(readBytes)} read, ${bytesText(writtenBytes)} written`
  return `merged into ${into} (${from}); ${bytes}, ${manyText(droppedVersions, 'version')} dropped`
}
