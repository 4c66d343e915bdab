/**
 * Hybrid time: what *when* means everywhere in Palimpsest.
 *
 *     63                                                   12 11          0
 *     ┌──────────────────────────────────────────────────────┬─────────────┐
 *     │ physical: microseconds since 1970-01-01T00:00:00Z    │ logical     │
 *     └──────────────────────────────────────────────────────┴─────────────┘
 *
 * One unsigned 64-bit number, so that comparing times is comparing numbers. The smallest step is a
 * *tick*; 4096 ticks make a microsecond, and a logical part that overflows carries into it.
 *
 * Hybrid times never pass through `Date`, `Number` or JSON numbers: 64 bits do not fit into a double.
 * Printed, a time has two forms: the exact one, `1763633730123456.0007` (microseconds, a point, the
 * logical part in four digits), to paste back, and the ISO one, to read.
 */
import { assert } from '../base/assert.ts'
import { PalimpsestError } from '../base/errors.ts'

declare const brand: unique symbol

/** An unsigned 64-bit number: `microseconds << 12 | logical`. */
export type HybridTime = bigint & { readonly [brand]: 'HybridTime' }

/** Ticks in a microsecond. */
export const TICKS_PER_MICROSECOND = 4096
/** The largest logical part. */
export const LOGICAL_MAX: number = TICKS_PER_MICROSECOND - 1
/** The largest physical part: 52 bits, in the year 2112. */
export const MICROS_MAX: number = 2 ** 52 - 1

/** Before every time that a clock issues. No version has it. */
export const MIN_TIME: HybridTime = 0n as HybridTime
/** After every time that a clock issues. */
export const MAX_TIME: HybridTime = (2n ** 64n - 1n) as HybridTime

/** The time of a microsecond and a logical part; both whole and in range. */
export function hybridTime(micros: number, logical = 0): HybridTime {
  assert(
    Number.isInteger(micros) && micros >= 0 && micros <= MICROS_MAX,
    'micros is a whole number below 2^52',
  )
  assert(
    Number.isInteger(logical) && logical >= 0 && logical <= LOGICAL_MAX,
    'logical is a whole number below 2^12',
  )
  return ((BigInt(micros) << 12n) | BigInt(logical)) as HybridTime
}

// To take the halves of a bigint by shifts makes two others, and a DataView takes V8 three times as long.
const split = BigUint64Array.of(1n)
const words = new Uint32Array(split.buffer)
/** Which of the two words of a time is the lower one, on this machine. */
const LOW = words.indexOf(1)
const HIGH = 1 - LOW

/** The upper 32 bits of a time. */
export function highOf(time: HybridTime): number {
  split[0] = time
  return words[HIGH]!
}

/** The lower 32 bits of a time. */
export function lowOf(time: HybridTime): number {
  split[0] = time
  return words[LOW]!
}

/** The time of two halves, which may be signed. */
export function timeOf(high: number, low: number): HybridTime {
  // Not by way of `words`: a processor waits for memory that was written in two halves and is read as a whole.
  return BigInt.asUintN(64, (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)) as HybridTime
}

/** The physical part: whole microseconds since 1970. */
export function microsOf(time: HybridTime): number {
  return highOf(time) * 2 ** 20 + (lowOf(time) >>> 12)
}

/** The logical part, 0 to 4095. */
export function logicalOf(time: HybridTime): number {
  return Number(time & 0xfffn)
}

/** The next tick. */
export function tickAfter(time: HybridTime): HybridTime {
  assert(time < MAX_TIME, 'there is a tick after this one')
  return (time + 1n) as HybridTime
}

/** The tick before. */
export function tickBefore(time: HybridTime): HybridTime {
  assert(time > MIN_TIME, 'there is a tick before this one')
  return (time - 1n) as HybridTime
}

/** The last tick of a microsecond: what a bare microsecond means when it is read as of. */
export function endOfMicrosecond(micros: number): HybridTime {
  return hybridTime(micros, LOGICAL_MAX)
}

/** The later of two times. */
export function laterOf(a: HybridTime, b: HybridTime): HybridTime {
  return a >= b ? a : b
}

/** The earlier of two times. */
export function earlierOf(a: HybridTime, b: HybridTime): HybridTime {
  return a <= b ? a : b
}

/** The exact form, to paste back: `1763633730123456.0007`. */
export function formatExact(time: HybridTime): string {
  return `${time >> 12n}.${logicalOf(time).toString().padStart(4, '0')}`
}

/** Reads the exact form. Throws `INVALID_TIME`. */
export function parseExact(text: string): HybridTime {
  const match = /^(\d{1,16})\.(\d{1,4})$/.exec(text)
  const micros = match ? Number(match[1]) : NaN
  const logical = match ? Number(match[2]) : NaN
  if (!(micros <= MICROS_MAX && logical <= LOGICAL_MAX)) {
    throw new PalimpsestError(
      'INVALID_TIME',
      `not a time: ${JSON.stringify(text)}: exact is microseconds below 2^52, a point, a logical part up to 4095`,
      { text },
    )
  }
  return hybridTime(micros, logical)
}

/**
 * The ISO form, to read: `2025-11-20T10:15:30.123456Z`, in UTC, six decimals.
 * The logical part is left out; {@link formatExact} has it.
 */
export function formatIso(time: HybridTime): string {
  const micros = microsOf(time)
  // Times that are printed one after the other mostly lie close together.
  if (!(micros >= printedSecond.from && micros < printedSecond.from + MICROS_PER_SECOND))
    printedSecond = secondOf(micros)
  // From here on the numbers are small, and their arithmetic is that of integers.
  const fraction = (micros - printedSecond.from) | 0
  const millis = (fraction / 1000) | 0
  // Few pieces, because V8 puts them together one by one.
  return `${printedSecond.text}${THREE_DIGITS[millis]!}${LAST_DIGITS[fraction - millis * 1000]!}`
}

const MICROS_PER_SECOND = 1_000_000
const MICROS_PER_MINUTE = 60 * MICROS_PER_SECOND
const TWO_DIGITS = Array.from({ length: 100 }, (_, value) => value.toString().padStart(2, '0'))
const THREE_DIGITS = Array.from({ length: 1000 }, (_, value) => value.toString().padStart(3, '0'))

/** A second in its minute, `07.`, and the last three digits of an ISO form, `456Z`. */
const SECONDS = TWO_DIGITS.map((digits) => `${digits}.`)
const LAST_DIGITS = THREE_DIGITS.map((digits) => `${digits}Z`)

/** The beginning of times that were printed: where it is, and its text. */
interface Printed {
  readonly from: number
  readonly text: string
}

/** The minute that was printed last, `2025-11-20T10:15:`, and the second, `2025-11-20T10:15:30.`. */
let printedMinute: Printed = { from: NaN, text: '' }
let printedSecond: Printed = { from: NaN, text: '' }

function secondOf(micros: number): Printed {
  if (!(micros >= printedMinute.from && micros < printedMinute.from + MICROS_PER_MINUTE))
    printedMinute = minuteOf(micros)
  const { from, text } = printedMinute
  const number = Math.floor((micros - from) / MICROS_PER_SECOND)
  return { from: from + number * MICROS_PER_SECOND, text: text + SECONDS[number]! }
}

function minuteOf(micros: number): Printed {
  const minute = Math.floor(micros / MICROS_PER_MINUTE)
  const { year, month, day } = civilFromDays(Math.floor(minute / 1440))
  const date = `${year.toString().padStart(4, '0')}-${TWO_DIGITS[month]!}-${TWO_DIGITS[day]!}`
  const text = `${date}T${TWO_DIGITS[Math.floor(minute / 60) % 24]!}:${TWO_DIGITS[minute % 60]!}:`
  return { from: minute * MICROS_PER_MINUTE, text }
}

/** Microseconds in a day without leap seconds, which Unix time does not count. */
export const MICROS_PER_DAY = 86_400_000_000

/** The year, month and day of the Gregorian calendar, `days` after 1970-01-01. */
export interface CivilDate {
  readonly year: number
  readonly month: number
  readonly day: number
}

/** Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`. */
export function civilFromDays(days: number): CivilDate {
  const shifted = days + 719_468
  const era = Math.floor(shifted / 146_097)
  const dayOfEra = shifted - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153)
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day }
}

/** The days from 1970-01-01 to a date. Source: as {@link civilFromDays}, `days_from_civil`. */
export function daysFromCivil({ year, month, day }: CivilDate): number {
  const shiftedYear = month <= 2 ? year - 1 : year
  const era = Math.floor(shiftedYear / 400)
  const yearOfEra = shiftedYear - era * 400
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear
  return era * 146_097 + dayOfEra - 719_468
}
