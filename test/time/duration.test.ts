import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import { formatDuration, parseDuration } from '../../src/time/duration.ts'
import { MICROS_MAX } from '../../src/time/hybrid-time.ts'
import { holds } from './property.ts'

const MS = 1000
const S = 1_000_000
const M = 60 * S
const H = 60 * M
const D = 24 * H

describe('a duration is whole numbers with units', () => {
  test.each([
    ['24h', 24 * H],
    ['7d', 7 * D],
    ['365d', 365 * D],
    ['2w', 14 * D],
    ['1h30m', H + 30 * M],
    ['90 minutes', 90 * M],
    ['3d 4h 5m 6s', 3 * D + 4 * H + 5 * M + 6 * S],
    ['3d4h5m6s', 3 * D + 4 * H + 5 * M + 6 * S],
    ['3 d 4 hrs 5 mins 6 secs', 3 * D + 4 * H + 5 * M + 6 * S],
    ['3 days 4 hours 5 minutes 6 seconds', 3 * D + 4 * H + 5 * M + 6 * S],
    ['1 day 1 hr 1 min 1 sec', D + H + M + S],
    ['1 hour 1 minute 1 second', H + M + S],
    ['1W 2D 3H', 7 * D + 2 * D + 3 * H],
    ['500ms', 500 * MS],
    ['250us', 250],
    ['250\u00b5s', 250],
    ['250\u03bcs', 250],
    ['1s 1ms 1us', S + MS + 1],
    ['0s', 0],
    ['  5m  ', 5 * M],
    ['5\tm', 5 * M],
    ['90m', 90 * M],
    ['0000005m', 5 * M],
    ['1:02:03', H + 2 * M + 3 * S],
    ['3 04:05:06', 3 * D + 4 * H + 5 * M + 6 * S],
    ['99:99:99', 99 * H + 99 * M + 99 * S],
    ['4503599627370495us', MICROS_MAX],
  ])('%j', (text, expected) => {
    expect(parseDuration(text)).toBe(expected)
  })

  test.each([
    ['', 'empty'],
    ['   ', 'empty'],
    ['5', 'no unit'],
    ['1h30', 'no unit'],
    ['5 4m', 'no unit'],
    ['m', 'not a whole number'],
    ['5m s', 'not a whole number'],
    ['-5m', 'not a whole number'],
    ['+5m', 'not a whole number'],
    ['1.5h', 'no unit'],
    ['1h, 30m', 'not a whole number'],
    ['P1D', 'not a whole number'],
    ['forever', 'not a whole number'],
    ['5x', 'not a unit'],
    ['5 months', 'not a unit'],
    ['1y', 'not a unit'],
    ['5m 1h', 'larger unit comes first'],
    ['5m 5m', 'larger unit comes first'],
    ['1d 1w', 'larger unit comes first'],
    ['1:02', 'no unit'],
    ['1:02:003', 'no unit'],
    ['4503599627370496us', 'longer than all time'],
    ['999999d', 'longer than all time'],
    [`${'9'.repeat(190)}d`, 'longer than all time'],
    ['5m'.padEnd(201), 'longer than 200 characters'],
  ])('refuses %j: %s', (text, why) => {
    expect(() => parseDuration(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_TIME', message: expect.stringContaining(why) }),
    )
  })
})

describe('a printed duration', () => {
  test.each([
    [0, '0s'],
    [12, '12us'],
    [350 * MS, '350ms'],
    [D + 2 * H, '1d 2h'],
    [90 * M, '1h 30m'],
    [7 * D, '7d'],
    [D - 1, '23h 59m 59s 999ms 999us'],
    [MICROS_MAX, '52124d 23h 53m 47s 370ms 495us'],
  ])('%i is %j', (micros, expected) => {
    expect(formatDuration(micros)).toBe(expected)
  })

  test('reads back as the same', () => {
    const micros = fc.oneof(
      fc.nat({ max: MICROS_MAX }),
      fc.nat({ max: 5000 }),
      fc.nat({ max: 400 }).map((days) => days * D),
    )
    holds(
      fc.property(micros, (m) => {
        expect(parseDuration(formatDuration(m))).toBe(m)
      }),
    )
  })

  test.each([-1, 0.5, NaN, Infinity])('%s microseconds are none', (micros) => {
    expect(() => formatDuration(micros)).toThrow(AssertionError)
  })
})
