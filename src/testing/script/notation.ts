/**
 * How scripts write what the engine answers, so that answers are short and read well.
 *
 *     @3            the time of a commit: the first one of microsecond 3
 *     @3.0001       its second one: exact times have a logical part of four digits
 *     a@3=1         key a has the value 1 since the commit at 3
 *     @3✝           a tombstone: the commit at 3 deleted the key
 *     from 3        from the beginning of microsecond 3 on
 *     through 3     through its end, which is also what a reader means who types `as of 3`
 *
 * Keys and values stand as they are, or as JSON strings where they would be misread.
 */
import { type StoredFile, type StoredVersion } from '../../database/inspect.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { type CompactionEvent } from '../../store/events.ts'
import {
  type HybridTime,
  LOGICAL_MAX,
  MAX_TIME,
  MIN_TIME,
  formatExact,
  logicalOf,
  microsOf,
  tickAfter,
  tickBefore,
} from '../../time/hybrid-time.ts'
import { parseTimeExpression } from '../../time/expression.ts'
import { type Stretch } from '../../time/stretches.ts'

/** The keyspace of all tables of scripts, which answers leave out. */
export const KEYSPACE = 'main'

/** A time of a commit, or one from which something holds. */
export function startText(time: HybridTime): string {
  return logicalOf(time) === 0 ? String(microsOf(time)) : formatExact(time)
}

/** A time as of which somebody reads, or through which something holds. */
export function endText(time: HybridTime): string {
  return logicalOf(time) === LOGICAL_MAX ? String(microsOf(time)) : formatExact(time)
}

/** A stretch of time. */
export function stretchText({ after, through }: Stretch): string {
  const first = tickAfter(after)
  if (first === through) return `at ${endText(through)}`
  const from = after === MIN_TIME ? 'from the beginning' : `from ${startText(first)}`
  return through === MAX_TIME ? `${from} on` : `${from} through ${endText(through)}`
}

/** The window that begins at a time. */
export function fromText(time: HybridTime): string {
  return stretchText({ after: time === MIN_TIME ? MIN_TIME : tickBefore(time), through: MAX_TIME })
}

/** A key of a table, where one is named. */
export function keyText(table: string | undefined, key: string): string {
  return table === undefined ? plainText(key) : `${table}/${plainText(key)}`
}

/** A key or a value. */
export function plainText(text: string): string {
  return /^[^\s\p{Cc}\p{Cf}"#/=@:✝]+$/u.test(text) ? text : JSON.stringify(text)
}

/** A version without its key. */
export function versionText({ time, value }: StoredVersion<string, string>): string {
  return `@${startText(time)}${value === undefined ? '✝' : `=${plainText(value)}`}`
}

/** A table file, on one line. */
export function fileText(file: StoredFile<string>): string {
  const { level, number, live, superseded, tombstones } = file
  const keys = rangeText(plainText(file.firstKey), plainText(file.lastKey))
  const times = rangeText(`@${startText(file.minTime)}`, `@${startText(file.maxTime)}`)
  const counts = [
    ...(live === 0 ? [] : [`${live} live`]),
    ...(superseded === 0 ? [] : [`${superseded} superseded`]),
    ...(tombstones === 0 ? [] : [countText(tombstones, 'tombstone')]),
  ]
  return `level ${level}: file ${number}, ${keys}, ${times}: ${counts.join(', ')}`
}

/** A compaction, on one line: why, and what became of which files. */
export function decisionText(decision: CompactionEvent): string {
  const { because, how, inputs, outputLevel, outputs, droppedVersions } = decision
  const levels = [...new Set(inputs.map(({ level }) => level))]
  const tablesOf = (level: number) =>
    inputs.filter((input) => input.level === level).flatMap(({ tables }) => tables)
  const from = levels.map((level) => `${filesText(tablesOf(level))} of level ${level}`).join(', ')
  if (how === 'move') return `${because}: ${from} moved to level ${outputLevel}`
  const into = outputs.length === 0 ? 'nothing' : `${filesText(outputs)} of level ${outputLevel}`
  const dropped = droppedVersions === 0 ? '' : `; ${countText(droppedVersions, 'version')} dropped`
  return `${because}: ${from} → ${into}${dropped}`
}

function filesText(numbers: readonly number[]): string {
  return `${numbers.length === 1 ? 'file' : 'files'} ${numbers.join(' ')}`
}

/** A number of things: `1 version`, `2 versions`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : noun.endsWith('sh') ? 'es' : 's'}`
}

/** A refusal of the engine, with times and tables as scripts write them. */
export function errorText({ code, message }: PalimpsestError): string {
  // Of a time in both forms the exact one is enough.
  const once = message.replaceAll(/ \(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z\)/g, '')
  const shortened = once.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/g, microsText)
  return `error ${code}: ${shortened.replaceAll(TABLE_PREFIX, '').replaceAll(/\s*\n\s*/g, ' ')}`
}

/** The keyspace where it stands before the name of a table, and is not the end of another word. */
const TABLE_PREFIX = new RegExp(String.raw`(?<![\p{L}\p{N}_.-])${KEYSPACE}\.(?=\S)`, 'gu')

/** The microsecond of a time in ISO form. A message also has what somebody typed: what is no time stays. */
function microsText(iso: string): string {
  try {
    return String(microsOf(parseTimeExpression(iso, { nowMicros: 0 })))
  } catch (error) {
    if (error instanceof PalimpsestError) return iso
    throw error
  }
}

function rangeText(first: string, last: string): string {
  return first === last ? first : `${first} to ${last}`
}
