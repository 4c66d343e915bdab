/**
 * Durations: how people write lengths of time, such as `24h`, `1h30m` or `3 days 4 hours`.
 *
 * Whole numbers with units, the larger unit first, each at most once; capitals and blanks do not
 * matter. `H:M:S` and `D H:M:S` are read too, as YugabyteDB does. A duration is never negative.
 */
import { assert } from '../base/assert.ts'
import { PalimpsestError } from '../base/errors.ts'
import { MICROS_MAX, MICROS_PER_DAY } from './hybrid-time.ts'

interface Unit {
  readonly micros: number
  /** The shortest name first: the one that is printed. */
  readonly names: readonly string[]
}

const DAY: Unit = { micros: MICROS_PER_DAY, names: ['d', 'day', 'days'] }
const HOUR: Unit = { micros: 3_600_000_000, names: ['h', 'hr', 'hrs', 'hour', 'hours'] }
const MINUTE: Unit = { micros: 60_000_000, names: ['m', 'min', 'mins', 'minute', 'minutes'] }
const SECOND: Unit = { micros: 1_000_000, names: ['s', 'sec', 'secs', 'second', 'seconds'] }
const WEEK: Unit = { micros: 7 * MICROS_PER_DAY, names: ['w', 'wk', 'wks', 'week', 'weeks'] }
const MILLISECOND: Unit = { micros: 1000, names: ['ms', 'msec', 'msecs', 'millisecond', 'milliseconds'] }
const MICROSECOND: Unit = {
  micros: 1,
  // The micro sign and the Greek letter look the same and are two characters.
  names: ['us', 'usec', 'usecs', '\u00b5s', '\u03bcs', 'microsecond', 'microseconds'],
}

/** Units that are printed, largest first. */
const PRINTED: readonly Unit[] = [DAY, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND]
const UNITS: readonly Unit[] = [WEEK, ...PRINTED]

/** No duration takes more characters than this to write. */
const LENGTH_MAX = 200

/** The microseconds of a duration. Throws `INVALID_TIME` if the text is none. */
export function parseDuration(text: string): number {
  if (text.length > LENGTH_MAX) throw refusal(text, `it is longer than ${LENGTH_MAX} characters`)
  const words = text.trim().toLowerCase()
  if (words === '') throw refusal(text, 'it is empty')
  const micros = microsOfClock(words) ?? microsOfUnits(words, text)
  if (micros > MICROS_MAX) throw refusal(text, 'it is longer than all time there is')
  return micros
}

/** The compact form, such as `1d 2h` or `350ms`: every unit that is not zero, the largest first. */
export function formatDuration(micros: number): string {
  assert(Number.isInteger(micros) && micros >= 0, 'a duration is whole microseconds, not negative')
  const parts: string[] = []
  let rest = micros
  for (const unit of PRINTED) {
    const count = Math.floor(rest / unit.micros)
    rest -= count * unit.micros
    if (count > 0) parts.push(`${count}${unit.names[0]!}`)
  }
  return parts.length === 0 ? '0s' : parts.join(' ')
}

/** Reads `H:M:S` or `D H:M:S`; as in YugabyteDB, an hour field of 99 is 99 hours. */
function microsOfClock(words: string): number | undefined {
  const match = /^(?:(\d+)\s+)?(\d{1,2}):(\d{1,2}):(\d{1,2})$/.exec(words)
  if (match === null) return undefined
  const [, days = 0, hours, minutes, seconds] = match
  return (
    Number(days) * DAY.micros +
    Number(hours) * HOUR.micros +
    Number(minutes) * MINUTE.micros +
    Number(seconds) * SECOND.micros
  )
}

/** Reads numbers with units. */
function microsOfUnits(words: string, text: string): number {
  const part = /(\d+)\s*([a-z\u00b5\u03bc]*)\s*/y
  let micros = 0
  let previous = -1
  while (part.lastIndex < words.length) {
    const rest = words.substring(part.lastIndex)
    const match = part.exec(words)
    if (match === null) throw refusal(text, `${JSON.stringify(rest)} is not a whole number with a unit`)
    const [, digits = '', name = ''] = match
    if (name === '') throw refusal(text, `${digits} has no unit (w, d, h, m, s, ms, us)`)
    const index = UNITS.findIndex((unit) => unit.names.includes(name))
    if (index < 0) throw refusal(text, `${JSON.stringify(name)} is not a unit (w, d, h, m, s, ms, us)`)
    if (index <= previous) throw refusal(text, 'the larger unit comes first, and each at most once')
    previous = index
    micros += Number(digits) * UNITS[index]!.micros
  }
  return micros
}

function refusal(text: string, why: string): PalimpsestError {
  const shown = text.length > LENGTH_MAX ? `${text.substring(0, LENGTH_MAX)}…` : text
  return new PalimpsestError('INVALID_TIME', `not a duration: ${JSON.stringify(shown)}: ${why}`, {
    text: shown,
  })
}
