import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PalimpsestError } from '../../src/base/errors.ts'
import { parseTimeExpression, resolveTime, type TimeInput } from '../../src/time/expression.ts'
import {
  type HybridTime,
  LOGICAL_MAX,
  MAX_TIME,
  MICROS_MAX,
  MIN_TIME,
  endOfMicrosecond,
  formatExact,
  formatIso,
  hybridTime,
  logicalOf,
  microsOf,
} from '../../src/time/hybrid-time.ts'
import { holds } from './property.ts'

/** 2025-11-20T10:15:30.123456Z */
const NOW = 1_763_633_730_123_456
const NAMES: ReadonlyMap<string, HybridTime> = new Map([
  ['before-migration', hybridTime(77, 7)],
  ['2025-11-20-before-migration', hybridTime(78, 8)],
  ['snapshot 4', hybridTime(79, 9)],
  ['now', hybridTime(80, 0)],
  ['2025-02-30', hybridTime(81, 0)],
  ['12345', hybridTime(82, 0)],
  ['0d4b4935-2c95-4523-95ab-9ead1e95e794', hybridTime(83, 0)],
  ['v1.2', hybridTime(84, 0)],
  ['1.2.3', hybridTime(85, 0)],
  ['minus', hybridTime(86, 0)],
])
const CONTEXT = { nowMicros: NOW, resolveName: (name: string) => NAMES.get(name) }

function refusalOf(act: () => unknown): PalimpsestError {
  try {
    act()
  } catch (error) {
    if (error instanceof PalimpsestError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('a bare microsecond means its end', () => {
  test.each([
    // ISO text
    ['2025-11-20T10:15:30.123456Z', '2025-11-20T10:15:30.123456Z'],
    ['2025-11-20T10:15:30.12345Z', '2025-11-20T10:15:30.123450Z'],
    ['2025-11-20T10:15:30.1234Z', '2025-11-20T10:15:30.123400Z'],
    ['2025-11-20T10:15:30.123Z', '2025-11-20T10:15:30.123000Z'],
    ['2025-11-20T10:15:30.1Z', '2025-11-20T10:15:30.100000Z'],
    ['2025-11-20T10:15:30.000001Z', '2025-11-20T10:15:30.000001Z'],
    ['2025-11-20T10:15:30Z', '2025-11-20T10:15:30.000000Z'],
    ['2025-11-20T10:15Z', '2025-11-20T10:15:00.000000Z'],
    ['2025-11-20t10:15:30z', '2025-11-20T10:15:30.000000Z'],
    ['2025-11-20 10:15:30', '2025-11-20T10:15:30.000000Z'],
    ['2025-11-20  10:15:30', '2025-11-20T10:15:30.000000Z'],
    ['  2025-11-20 10:15  ', '2025-11-20T10:15:00.000000Z'],
    ['2025-11-20', '2025-11-20T00:00:00.000000Z'],
    ['2025-1-2', '2025-01-02T00:00:00.000000Z'],
    ['2025-1-2 3:4:5', '2025-01-02T03:04:05.000000Z'],
    ['2025-11-20 13:00.5', '2025-11-20T13:00:00.500000Z'],
    ['2025-11-20T23:59:59.999999Z', '2025-11-20T23:59:59.999999Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000000Z'],
    ['2000-02-29', '2000-02-29T00:00:00.000000Z'],
    ['1970-01-01', '1970-01-01T00:00:00.000000Z'],
    ['2112-09-17T23:53:47.370495Z', '2112-09-17T23:53:47.370495Z'],
    // offsets
    ['2025-11-20T10:15:30+02:00', '2025-11-20T08:15:30.000000Z'],
    ['2025-11-20T10:15:30-0700', '2025-11-20T17:15:30.000000Z'],
    ['2025-11-20T10:15:30+02', '2025-11-20T08:15:30.000000Z'],
    ['2025-11-20T10:15:30.5-00:00', '2025-11-20T10:15:30.500000Z'],
    ['2025-11-20T00:15:30+05:30', '2025-11-19T18:45:30.000000Z'],
    ['2025-11-20 13:00 +0700', '2025-11-20T06:00:00.000000Z'],
    ['2025-11-20 13:00 -0700', '2025-11-20T20:00:00.000000Z'],
    ['2025-11-20+02:00', '2025-11-19T22:00:00.000000Z'],
    ['2025-11-20-07:00', '2025-11-20T07:00:00.000000Z'],
    ['2025-11-20Z', '2025-11-20T00:00:00.000000Z'],
    ['2025-12-31T23:59:59-01:00', '2026-01-01T00:59:59.000000Z'],
    ['1969-12-31T23:00:00-01:00', '1970-01-01T00:00:00.000000Z'],
    ['2025-11-20T10:00+18:00', '2025-11-19T16:00:00.000000Z'],
    // zones
    ['2025-11-20 10:15 UTC', '2025-11-20T10:15:00.000000Z'],
    ['2025-11-20 10:15 utc', '2025-11-20T10:15:00.000000Z'],
    ['2025-11-20 10:15 GMT', '2025-11-20T10:15:00.000000Z'],
    ['2025-11-20 10:15 Z', '2025-11-20T10:15:00.000000Z'],
    ['2025-11-20 10:15 UTC+9:30', '2025-11-20T00:45:00.000000Z'],
    ['2025-11-20 10:15 UTC-3', '2025-11-20T13:15:00.000000Z'],
    ['2025-11-20 10:15 GMT-08:00', '2025-11-20T18:15:00.000000Z'],
    ['2025-11-20 UTC', '2025-11-20T00:00:00.000000Z'],
    ['2025-11-20 10:15:30.25 America/New_York', '2025-11-20T15:15:30.250000Z'],
    ['2025-07-20 10:15 America/New_York', '2025-07-20T14:15:00.000000Z'],
    ['2025-11-20 America/New_York', '2025-11-20T05:00:00.000000Z'],
    ['2025-11-20 00:00 Asia/Kathmandu', '2025-11-19T18:15:00.000000Z'],
    ['2025-11-20 10:15 america/argentina/buenos_aires', '2025-11-20T13:15:00.000000Z'],
    ['2025-11-20 10:15 Etc/GMT+5', '2025-11-20T15:15:00.000000Z'],
    ['2025-11-02 00:59:59 America/New_York', '2025-11-02T04:59:59.000000Z'],
    ['2025-11-02 02:00 America/New_York', '2025-11-02T07:00:00.000000Z'],
    ['2025-03-09 01:59:59 America/New_York', '2025-03-09T06:59:59.000000Z'],
    ['2025-03-09 03:00 America/New_York', '2025-03-09T07:00:00.000000Z'],
    ['2011-12-31 00:00 Pacific/Apia', '2011-12-30T10:00:00.000000Z'],
    ['2025-04-06 02:00 Australia/Lord_Howe', '2025-04-05T15:30:00.000000Z'],
    // Unix time
    ['1763633730', '2025-11-20T10:15:30.000000Z'],
    ['1763633730123', '2025-11-20T10:15:30.123000Z'],
    ['1763633730123456', '2025-11-20T10:15:30.123456Z'],
    ['0000000001', '1970-01-01T00:00:01.000000Z'],
    ['0000000000000', '1970-01-01T00:00:00.000000Z'],
    ['4503599627370495', '2112-09-17T23:53:47.370495Z'],
    // relative to now
    ['now', '2025-11-20T10:15:30.123456Z'],
    [' NOW ', '2025-11-20T10:15:30.123456Z'],
    ['-5m', '2025-11-20T10:10:30.123456Z'],
    ['- 5 m', '2025-11-20T10:10:30.123456Z'],
    ['-1h30m', '2025-11-20T08:45:30.123456Z'],
    ['-0s', '2025-11-20T10:15:30.123456Z'],
    ['-1us', '2025-11-20T10:15:30.123455Z'],
    ['-250ms', '2025-11-20T10:15:29.873456Z'],
    ['-2w', '2025-11-06T10:15:30.123456Z'],
    ['-1:00:00', '2025-11-20T09:15:30.123456Z'],
    ['minus 5m', '2025-11-20T10:10:30.123456Z'],
    ['MINUS 5M', '2025-11-20T10:10:30.123456Z'],
    ['minus 3d 4h 5m 6s', '2025-11-17T06:10:24.123456Z'],
    ['minus 3 days 4 hours 5 minutes 6 seconds', '2025-11-17T06:10:24.123456Z'],
    ['minus 3 4:5:6', '2025-11-17T06:10:24.123456Z'],
    ['-1763633730123456us', '1970-01-01T00:00:00.000000Z'],
  ])('%j', (text, expected) => {
    const time = parseTimeExpression(text, CONTEXT)
    expect([formatIso(time), logicalOf(time)]).toEqual([expected, LOGICAL_MAX])
  })
})

describe('the exact form and a name mean one tick', () => {
  test.each([
    ['1763633730123456.0007', '1763633730123456.0007'],
    ['1763633730123456.7', '1763633730123456.0007'],
    ['1763633730123456.0000', '1763633730123456.0000'],
    ['3.0001', '3.0001'],
    ['1763633730.0123', '1763633730.0123'],
    ['0.0000', '0.0000'],
    ['4503599627370495.4095', '4503599627370495.4095'],
    [' 3.0001 ', '3.0001'],
    ['before-migration', '77.0007'],
    [' before-migration ', '77.0007'],
    ['2025-11-20-before-migration', '78.0008'],
    ['snapshot 4', '79.0009'],
    ['0d4b4935-2c95-4523-95ab-9ead1e95e794', '83.0000'],
    ['v1.2', '84.0000'],
    ['1.2.3', '85.0000'],
  ])('%j', (text, expected) => {
    expect(formatExact(parseTimeExpression(text, CONTEXT))).toBe(expected)
  })
})

describe('what is no time is refused, with the reason', () => {
  test.each([
    ['', 'a time is ISO text'],
    ['   ', 'a time is ISO text'],
    // impossible dates, though one is a name
    ['2025-02-30', 'no day 30: the month has 28 days'],
    ['2024-02-30', 'the month has 29 days'],
    ['2100-02-29', 'the month has 28 days'],
    ['2025-04-31', 'the month has 30 days'],
    ['2025-12-32', 'the month has 31 days'],
    ['2025-11-00', 'no day 0'],
    ['2025-00-10', 'no month 0'],
    ['2025-13-01', 'no month 13'],
    ['2025-11-20T24:00:00Z', 'no hour 24'],
    ['2025-11-20T24:00:60', 'no hour 24'],
    ['2025-11-20T10:60', 'no minute 60'],
    ['2016-12-31T23:59:60Z', 'no second 60'],
    ['2025-11-20T10:15:30.1234567Z', 'six decimals'],
    ['2025-11-20T10:15:30.Z', 'ISO text has the form'],
    ['2025-11-20T10:15:30,5Z', 'ISO text has the form'],
    ['2025-11-20T10', 'ISO text has the form'],
    ['2025-11-20T10:15:30:00', 'ISO text has the form'],
    ['2025-11-20 10:15 UTC extra', 'ISO text has the form'],
    ['2025-11-20 9', 'neither a time of day nor a zone'],
    // zones
    ['2025-11-20 10:15 PDT', 'no zone: write an offset'],
    ['2025-11-20 10:15 EST', 'no zone: write an offset'],
    ['2025-11-20 10:15 Nowhere/Atlantis', 'there is no zone'],
    ['2025-11-20 10:15 zone', 'no zone: write an offset'],
    ['2025-11-20 10:15 [Europe/Paris]', 'neither a time of day nor a zone'],
    ['2025-11-20T10:15+18:01', 'no zone has the offset'],
    ['2025-11-20T10:15+19', 'no zone has the offset'],
    ['2025-11-20T10:15+02:60', 'no zone has the offset'],
    ['2025-11-20T10:15+123456', 'neither a time of day nor a zone'],
    ['2025-11-02 01:00 America/New_York', 'twice; write -04:00 or -05:00'],
    ['2025-11-02 01:59:59.999999 America/New_York', 'twice'],
    ['2025-03-09 02:00 America/New_York', 'skipped'],
    ['2025-03-09 02:59:59.999999 America/New_York', 'skipped'],
    ['2011-12-30 12:00 Pacific/Apia', 'skipped'],
    ['2025-04-06 01:45 Australia/Lord_Howe', 'twice; write +11:00 or +10:30'],
    // outside of what a hybrid time can say
    ['1969-12-31T23:59:59.999999Z', 'before 1970'],
    ['1970-01-01T00:59:59+01:00', 'before 1970'],
    ['0001-01-01', 'before 1970'],
    ['2112-09-17T23:53:47.370496Z', 'the end of time'],
    ['9999-12-31T23:59:59.999999Z', 'the end of time'],
    ['9999999999', 'the end of time'],
    ['4503599627370496', 'the end of time'],
    ['9999999999999999', 'the end of time'],
    ['-1763633730123457us', 'before 1970'],
    ['minus 30000d', 'before 1970'],
    // numbers
    ['1', '1 digit:'],
    ['12345', '5 digits: Unix time has 10'],
    ['17636337301', '11 digits'],
    ['17636337301234567', '17 digits'],
    ['3.4096', 'logical part up to 4095'],
    ['3.00001', 'logical part'],
    ['4503599627370496.0000', 'logical part'],
    ['1763633730.123456', 'logical part'],
    // durations
    ['-', 'empty'],
    ['minus', 'empty'],
    ['minus 5', 'no unit'],
    ['-1.5h', 'no unit'],
    ['--5m', 'not a whole number'],
    ['minus -5m', 'not a whole number'],
    ['-5m 1h', 'larger unit comes first'],
    ['-1y', 'not a unit'],
    // names of nothing
    ['yesterday', 'a time is ISO text'],
    ['5m', 'a time is ISO text'],
    ['+5m', 'a time is ISO text'],
    ['10:15', 'a time is ISO text'],
    ['20251120T101530Z', 'a time is ISO text'],
    ['11/20/2025', 'a time is ISO text'],
    ['Nov 20 2025', 'a time is ISO text'],
    ['12025-11-20', 'a time is ISO text'],
    ['2025-11-20x', 'a time is ISO text'],
    ['minus5m', 'a time is ISO text'],
    ['NaN', 'a time is ISO text'],
    ['1e15', 'a time is ISO text'],
    ['0x10', 'a time is ISO text'],
    ['BEFORE-MIGRATION', 'a time is ISO text'],
    ['\u0661\u0662', 'a time is ISO text'],
    ['n\u0000w', 'a time is ISO text'],
    ['now'.padEnd(201), 'longer than 200 characters'],
  ])('%j: %s', (text, why) => {
    const error = refusalOf(() => parseTimeExpression(text, CONTEXT))
    expect(error.code).toBe('INVALID_TIME')
    expect(error.message).toContain(why)
    expect(error.details['text']).toBeTypeOf('string')
  })

  test('an error does not carry a text of any length', () => {
    expect(refusalOf(() => parseTimeExpression('x'.repeat(1e6), CONTEXT)).message.length).toBeLessThan(400)
  })

  test('a name needs a resolver', () => {
    expect(refusalOf(() => parseTimeExpression('before-migration', { nowMicros: NOW })).code).toBe(
      'INVALID_TIME',
    )
  })

  test('nothing but a refusal comes of any text', () => {
    const piece = fc.constantFrom(
      '-',
      'minus ',
      'now',
      '2025-11-20',
      'T',
      '10:15',
      ':',
      '.',
      '5',
      'm',
      ' ',
      'Z',
      '+02:00',
      'A/b',
    )
    const text = fc.oneof(
      fc.string(),
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join('')),
    )
    holds(
      fc.property(text, (words) => {
        let time: HybridTime
        try {
          time = parseTimeExpression(words, { nowMicros: NOW })
        } catch (error) {
          expect(error).toMatchObject({ name: 'PalimpsestError', code: 'INVALID_TIME' })
          return
        }
        expect(time >= MIN_TIME && time <= MAX_TIME).toBe(true)
      }),
      300,
    )
  })
})

describe('what the engine prints can be typed', () => {
  const micros = fc.oneof(
    fc.nat({ max: MICROS_MAX }),
    fc.constantFrom(0, 1, 951_782_400_000_000, MICROS_MAX - 1, MICROS_MAX),
  )
  const time = fc.tuple(micros, fc.nat({ max: LOGICAL_MAX })).map(([m, l]) => hybridTime(m, l))

  test('the exact form means the same tick', () => {
    holds(
      fc.property(time, (t) => {
        expect(parseTimeExpression(formatExact(t), CONTEXT)).toBe(t)
      }),
    )
  })

  test('the ISO form means the end of the same microsecond', () => {
    holds(
      fc.property(time, (t) => {
        expect(parseTimeExpression(formatIso(t), CONTEXT)).toBe(endOfMicrosecond(microsOf(t)))
      }),
    )
  })

  test('the ISO form in another zone means the same', () => {
    const zone = fc.tuple(fc.constantFrom('+', '-'), fc.nat({ max: 17 }), fc.nat({ max: 59 }))
    holds(
      fc.property(
        fc.integer({ min: 10 ** 12, max: MICROS_MAX - 10 ** 12 }),
        zone,
        (m, [sign, hours, minutes]) => {
          const offsetMicros = (sign === '+' ? 1 : -1) * (hours * 60 + minutes) * 60_000_000
          const local = formatIso(hybridTime(m + offsetMicros)).replace('Z', '')
          const offset = `${sign}${String(hours).padStart(2, '0')}:${String(minutes).padStart(2, '0')}`
          expect(parseTimeExpression(local + offset, CONTEXT)).toBe(endOfMicrosecond(m))
        },
      ),
    )
  })

  test('a named zone means the moment at which its clocks show the time', () => {
    const zone = fc.constantFrom(
      'Europe/Berlin',
      'America/St_Johns',
      'Asia/Tehran',
      'Pacific/Auckland',
      'Africa/Casablanca',
    )
    holds(
      fc.property(fc.nat({ max: 4_000_000_000 }), zone, (seconds, timeZone) => {
        // The Swedish locale writes dates in ISO form.
        const local = new Date(seconds * 1000).toLocaleString('sv-SE', { timeZone })
        let parsed: HybridTime
        try {
          parsed = parseTimeExpression(`${local} ${timeZone}`, CONTEXT)
        } catch (error) {
          expect(error).toMatchObject({ message: expect.stringMatching(/twice|before 1970/) })
          return
        }
        expect(microsOf(parsed)).toBe(seconds * 1_000_000)
      }),
    )
  })

  test('order is kept', () => {
    holds(
      fc.property(time, time, (a, b) => {
        const parsed = [a, b].map((t) => parseTimeExpression(formatExact(t), CONTEXT))
        expect(parsed[0]! < parsed[1]!).toBe(a < b)
      }),
    )
  })
})

describe('times in code', () => {
  test.each<[string, TimeInput, HybridTime]>([
    ['a bigint is a hybrid time', 5n, 5n as HybridTime],
    ['the least bigint', 0n, MIN_TIME],
    ['the greatest bigint', 2n ** 64n - 1n, MAX_TIME],
    ['a string is an expression', '-5m', endOfMicrosecond(NOW - 300_000_000)],
    ['a Date is its millisecond', new Date(1_763_633_730_123), endOfMicrosecond(1_763_633_730_123_000)],
    ['the first Date', new Date(0), endOfMicrosecond(0)],
  ])('%s', (_title, input, expected) => {
    expect(resolveTime(input, CONTEXT)).toBe(expected)
  })

  test('a Date means what its ISO text means', () => {
    holds(
      fc.property(fc.nat({ max: Math.floor(MICROS_MAX / 1000) }), (millis) => {
        const date = new Date(millis)
        expect(resolveTime(date, CONTEXT)).toBe(parseTimeExpression(date.toISOString(), CONTEXT))
      }),
    )
  })

  test.each<[string, unknown, string]>([
    ['a number', 1_763_633_730_123, 'a plain number has no unit'],
    ['NaN', NaN, 'a plain number has no unit'],
    ['a negative bigint', -1n, '64 bits'],
    ['a bigint of 65 bits', 2n ** 64n, '64 bits'],
    ['an invalid Date', new Date(NaN), 'the date is invalid'],
    ['a Date before 1970', new Date(-1), 'before 1970'],
    ['a Date after all time', new Date(4_503_599_627_371), 'the end of time'],
    ['undefined', undefined, 'a string, a bigint or a Date'],
    ['null', null, 'a string, a bigint or a Date'],
    ['a boolean', true, 'a string, a bigint or a Date'],
    ['an object', { micros: 1 }, 'a string, a bigint or a Date'],
    ['a symbol', Symbol('t'), 'a string, a bigint or a Date'],
  ])('%s is refused', (_title, input, why) => {
    const error = refusalOf(() => resolveTime(input as TimeInput, CONTEXT))
    expect(error.code).toBe('INVALID_TIME')
    expect(error.message).toContain(why)
  })

  test.each<[unknown, string]>([
    [null, 'not as null'],
    [{}, 'not as an object'],
    [true, 'not as a boolean'],
    [['now'], 'not as an array'],
  ])('%j is named by what it is', (input, what) => {
    const { message } = refusalOf(() => resolveTime(input as TimeInput, CONTEXT))
    expect(message).toBe(`not a time: a time is given as a string, a bigint or a Date, ${what}`)
  })
})
