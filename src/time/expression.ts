/**
 * Time expressions: what people type to say when.
 *
 *     2025-11-20T10:15:30.123456Z   ISO text, up to six decimals; no zone is UTC, a date alone midnight
 *     1763633730                    Unix seconds, milliseconds or microseconds: 10, 13 or 16 digits
 *     1763633730123456.0007         exact: microseconds and logical part, whatever the number of digits
 *     now, -5m, minus 3d 4h 5m 6s   the clock's current microsecond, and before it
 *     before-migration              the name of a hold or a restore
 *
 * Only the exact form and a name mean a single tick. Every other one means a microsecond, and a bare
 * microsecond means its end: what is read as of it sees all that was committed in it.
 *
 * A text that looks like one of the first four forms is never a name. What looks like a time and is
 * impossible is refused, not mended. Whether a time lies in the future is the clock's to say.
 */
import { kindOf } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { parseDuration } from './duration.ts'
import {
  type CivilDate,
  type HybridTime,
  MAX_TIME,
  MICROS_MAX,
  MIN_TIME,
  daysFromCivil,
  endOfMicrosecond,
  formatIso,
  parseExact,
} from './hybrid-time.ts'
import { momentInZone } from './zone.ts'

/** What the meaning of a text depends on. */
export interface TimeExpressionContext {
  /** The clock's current microsecond. */
  readonly nowMicros: number
  /** The time that a name stands for; `undefined` where it stands for none. */
  readonly resolveName?: ((name: string) => HybridTime | undefined) | undefined
}

/**
 * How times are given in code: a bigint is a hybrid time, a string a time expression, a `Date` its
 * millisecond. A plain number is refused: it might be seconds, milliseconds or microseconds.
 */
export type TimeInput = HybridTime | bigint | string | Date

/** No time expression takes more characters than this. */
const LENGTH_MAX = 200

const FORMS =
  'a time is ISO text (2025-11-20T10:15:30.123456Z), Unix seconds, milliseconds or microseconds (10, 13 or 16 ' +
  'digits), exact (1763633730123456.0007), now, -5m, "minus 3d 4h", or the name of a hold or a restore'

/** Whether a word means, or begins, a time by itself, so that nothing that has a time can be called so. */
export function isTimeWord(word: string): boolean {
  return /^(?:now|minus)$/i.test(word)
}

/** What time a text means. A bare microsecond means its end. Throws `INVALID_TIME`. */
export function parseTimeExpression(text: string, context: TimeExpressionContext): HybridTime {
  if (text.length > LENGTH_MAX) {
    throw refusal(`${text.substring(0, LENGTH_MAX)}…`, `it is longer than ${LENGTH_MAX} characters`)
  }
  const words = text.trim()
  if (words === '') throw refusal(text, FORMS)
  if (/^now$/i.test(words)) return momentOf(context.nowMicros, text)
  const duration = /^(?:-|minus(?:\s|$))(.*)$/is.exec(words)
  if (duration !== null) return momentOf(context.nowMicros - parseDuration(duration[1]!), text)
  if (/^\d+$/.test(words)) return parseUnix(words)
  if (/^\d+\.\d+$/.test(words)) return parseExact(words)
  if (LOOKS_LIKE_ISO.test(words)) return parseIso(words)
  const named = context.resolveName?.(words)
  if (named === undefined) throw refusal(text, FORMS)
  return named
}

/** The time that a caller's input means. Throws `INVALID_TIME`. */
export function resolveTime(input: TimeInput, context: TimeExpressionContext): HybridTime {
  // Callers without types may pass anything.
  const given: unknown = input
  if (typeof given === 'string') return parseTimeExpression(given, context)
  if (typeof given === 'bigint') {
    if (given < MIN_TIME || given > MAX_TIME)
      throw refusal(`${given}n`, 'a hybrid time has 64 bits, without sign')
    return given as HybridTime
  }
  if (given instanceof Date) {
    const millis = given.getTime()
    if (Number.isNaN(millis)) throw refusal('Invalid Date', 'the date is invalid')
    return momentOf(millis * 1000, given.toISOString())
  }
  if (typeof given === 'number') {
    throw refusal(
      String(given),
      'a plain number has no unit: give a string (Unix time), a bigint (hybrid time) or a Date',
    )
  }
  const message = `not a time: a time is given as a string, a bigint or a Date, not as ${kindOf(given)}`
  throw new PalimpsestError('INVALID_TIME', message)
}

/** The end of a microsecond, which may lie outside of what a hybrid time can say. */
function momentOf(micros: number, text: string): HybridTime {
  if (micros < 0) throw refusal(text, 'it lies before 1970')
  if (micros > MICROS_MAX) throw refusal(text, `it lies after ${formatIso(MAX_TIME)}, the end of time`)
  return endOfMicrosecond(micros)
}

const UNIX_UNITS: ReadonlyMap<number, number> = new Map([
  [10, 1_000_000],
  [13, 1000],
  [16, 1],
])

function parseUnix(digits: string): HybridTime {
  const unit = UNIX_UNITS.get(digits.length)
  if (unit === undefined) {
    const count = `${digits.length} ${digits.length === 1 ? 'digit' : 'digits'}`
    throw refusal(digits, `${count}: Unix time has 10 (seconds), 13 (milliseconds) or 16 (microseconds)`)
  }
  return momentOf(Number(digits) * unit, digits)
}

/** A date with nothing behind it, or what begins like a time of day or a zone. */
const LOOKS_LIKE_ISO = /^\d{4}-\d{1,2}-\d{1,2}(?:$|\s|t\d|z$|[+-]\d[\d:]*$)/i

/**
 * Date, time of day, fraction, zone. As in YugabyteDB, fields may have one digit, and a fraction is one
 * of a second even where the seconds are left out.
 */
const ISO =
  /^(\d{4})-(\d{1,2})-(\d{1,2})(?:(?:t|\s+)(\d{1,2}):(\d{1,2})(?::(\d{1,2}))?(?:\.(\d+))?)?(?:\s*(z|[+-]\d[\d:]*)|\s+(\S+))?$/i

function parseIso(text: string): HybridTime {
  const match = ISO.exec(text)
  if (match === null) throw refusal(text, 'ISO text has the form YYYY-MM-DDThh:mm:ss.ffffff and a zone')
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', glued, apart] = match
  const days = daysOf({ year: Number(year), month: Number(month), day: Number(day) }, text)
  if (Number(hour) > 23) throw refusal(text, `there is no hour ${hour}`)
  if (Number(minute) > 59) throw refusal(text, `there is no minute ${minute}`)
  if (Number(second) > 59) throw refusal(text, `there is no second ${second} (Unix time has no leap seconds)`)
  if (fraction.length > 6) throw refusal(text, 'a time has at most six decimals')
  const local = days * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  const moment = momentInZone(local, glued ?? apart ?? 'Z')
  if ('refused' in moment) throw refusal(text, moment.refused)
  return momentOf(moment.seconds * 1_000_000 + Number(fraction.padEnd(6, '0')), text)
}

/** The days from 1970 to a date that exists. */
function daysOf(date: CivilDate, text: string): number {
  const { year, month, day } = date
  if (month < 1 || month > 12) throw refusal(text, `there is no month ${month}`)
  const nextMonth = month === 12 ? { year: year + 1, month: 1, day: 1 } : { year, month: month + 1, day: 1 }
  const dayCount = daysFromCivil(nextMonth) - daysFromCivil({ year, month, day: 1 })
  if (day < 1 || day > dayCount) throw refusal(text, `there is no day ${day}: the month has ${dayCount} days`)
  return daysFromCivil(date)
}

function refusal(text: string, why: string): PalimpsestError {
  return new PalimpsestError('INVALID_TIME', `not a time: ${JSON.stringify(text)}: ${why}`, { text })
}
