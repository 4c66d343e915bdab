/**
 * Tables for people: columns without lines between them, numbers to the right.
 */
import Table from 'cli-table3'
import { type Session } from './session.ts'

/** A column: its heading, and the side that its cells keep to. */
export type Column = readonly [heading: string, align: 'left' | 'right']

/** The lines of a table, two spaces to the right. */
export function gridText(
  session: Session,
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string {
  const table = new Table({
    head: columns.map(([heading]) => session.styled('bold', heading)),
    colAligns: columns.map(([, align]) => align),
    chars: NO_LINES,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  table.push(...rows.map((row) => [...row]))
  return table
    .toString()
    .split('\n')
    .map((line) => `  ${line.trimEnd()}`)
    .join('\n')
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '   ',
}
