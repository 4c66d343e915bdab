/**
 * Zones: which moment a local time means.
 *
 * A zone is `Z`, `UTC`, `GMT`, an offset from them (`+02:00`, `-0700`, `UTC+9:30`), or a name of the
 * IANA database (`America/New_York`), which is asked through `Intl`. A local time that a clock change
 * skipped, or showed twice, is refused rather than guessed. Abbreviations are refused too: `CST` means
 * three zones, and `PDT` is not what a clock in Los Angeles shows in winter.
 *
 * Local times here are seconds since 1970-01-01T00:00:00 on the zone's own clock.
 */
import { defined } from '../base/assert.ts'
import { daysFromCivil } from './hybrid-time.ts'

const SECONDS_PER_DAY = 86_400
/** Beyond every offset that is or was in use. */
const OFFSET_MAX = 18 * 3600

/** A moment in seconds since 1970, or why there is none. */
export type ZonedMoment = { readonly seconds: number } | { readonly refused: string }

/** The moment at which a clock in `zone` shows `localSeconds`. */
export function momentInZone(localSeconds: number, zone: string): ZonedMoment {
  if (/^(?:z|utc|gmt)$/i.test(zone)) return { seconds: localSeconds }
  const offset = /^(?:utc|gmt)?([+-])(\d{1,2})(?::?(\d{2}))?$/i.exec(zone)
  if (offset !== null) return momentAtOffset(localSeconds, offset)
  if (/^[a-z_]+(?:\/[a-z0-9_+-]+)+$/i.test(zone)) return momentInNamedZone(localSeconds, zone)
  const shown = JSON.stringify(zone)
  if (/^[a-z]{2,5}$/i.test(zone)) {
    return {
      refused: `${shown} is no zone: write an offset such as -07:00 or a place such as America/Los_Angeles`,
    }
  }
  return { refused: `${shown} is neither a time of day nor a zone` }
}

function momentAtOffset(localSeconds: number, match: RegExpExecArray): ZonedMoment {
  const [whole, sign, hours = '', minutes = '0'] = match
  const offset = Number(hours) * 3600 + Number(minutes) * 60
  if (Number(minutes) > 59 || offset > OFFSET_MAX) return { refused: `no zone has the offset ${whole}` }
  return { seconds: sign === '-' ? localSeconds + offset : localSeconds - offset }
}

function momentInNamedZone(localSeconds: number, zone: string): ZonedMoment {
  const offsetAt = offsetsOfZone(zone)
  if (offsetAt === undefined) return { refused: `there is no zone ${JSON.stringify(zone)}` }
  // The offsets a day earlier and a day later are the only ones that can hold now: no zone changes more often.
  const offsets = [offsetAt(localSeconds - SECONDS_PER_DAY), offsetAt(localSeconds + SECONDS_PER_DAY)]
  const moments = new Set(offsets.map((offset) => localSeconds - offset))
  const [moment, another] = [...moments].filter((seconds) => seconds + offsetAt(seconds) === localSeconds)
  if (moment === undefined) return { refused: `clocks in ${zone} skipped this time; give an offset instead` }
  if (another !== undefined) {
    const [first, second] = [moment, another].map((seconds) => formatOffset(localSeconds - seconds))
    return { refused: `clocks in ${zone} showed this time twice; write ${first} or ${second} instead` }
  }
  return { seconds: moment }
}

/** What to add to seconds since 1970 to get the zone's local time; `undefined` if there is no such zone. */
function offsetsOfZone(zone: string): ((seconds: number) => number) | undefined {
  let format: Intl.DateTimeFormat
  try {
    format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
      timeZone: zone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    })
  } catch {
    // The zone is all that it can refuse here.
    return undefined
  }
  return (seconds) => {
    const parts = new Map(
      format.formatToParts(seconds * 1000).map(({ type, value }) => [type, Number(value)]),
    )
    const part = (type: Intl.DateTimeFormatPartTypes): number => defined(parts.get(type), type)
    const days = daysFromCivil({ year: part('year'), month: part('month'), day: part('day') })
    return days * SECONDS_PER_DAY + part('hour') * 3600 + part('minute') * 60 + part('second') - seconds
  }
}

function formatOffset(offset: number): string {
  const minutes = Math.floor(Math.abs(offset) / 60)
  return `${offset < 0 ? '-' : '+'}${twoDigits(Math.floor(minutes / 60))}:${twoDigits(minutes % 60)}`
}

function twoDigits(value: number): string {
  return value.toString().padStart(2, '0')
}
