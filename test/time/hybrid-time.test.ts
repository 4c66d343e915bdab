import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import {
  type HybridTime,
  LOGICAL_MAX,
  MAX_TIME,
  MICROS_MAX,
  MIN_TIME,
  civilFromDays,
  daysFromCivil,
  earlierOf,
  endOfMicrosecond,
  formatExact,
  formatIso,
  hybridTime,
  laterOf,
  logicalOf,
  microsOf,
  parseExact,
  tickAfter,
  tickBefore,
} from '../../src/time/hybrid-time.ts'
import { holds } from './property.ts'

const boundaryMicros = fc.constantFrom(
  0,
  1,
  999_999,
  1_000_000,
  2 ** 31,
  2 ** 32,
  2 ** 51,
  MICROS_MAX - 1,
  MICROS_MAX,
)
const micros = fc.oneof(fc.nat({ max: MICROS_MAX }), boundaryMicros)
const logical = fc.oneof(fc.nat({ max: LOGICAL_MAX }), fc.constantFrom(0, 1, LOGICAL_MAX - 1, LOGICAL_MAX))
const time = fc.tuple(micros, logical).map(([m, l]) => hybridTime(m, l))

describe('a hybrid time is microseconds and a logical part in one number', () => {
  test('the number is what 64-bit arithmetic says, in the year 2112 too', () => {
    holds(
      fc.property(micros, logical, (m, l) => {
        const built = hybridTime(m, l)
        expect(built).toBe(BigInt(m) * 4096n + BigInt(l))
        expect([microsOf(built), logicalOf(built)]).toEqual([m, l])
      }),
    )
  })

  test('times order as their pairs do', () => {
    holds(
      fc.property(time, time, (a, b) => {
        const byPairs = Math.sign(microsOf(a) - microsOf(b) || logicalOf(a) - logicalOf(b))
        expect(a < b ? -1 : a > b ? 1 : 0).toBe(byPairs)
        expect([earlierOf(a, b), laterOf(a, b)]).toEqual(byPairs <= 0 ? [a, b] : [b, a])
      }),
    )
  })

  test('a bigint is one only where it is said to be', () => {
    // @ts-expect-error the brand is missing: the type check fails if this line compiles
    const unbranded: HybridTime = 1n
    expect(unbranded).toBe(hybridTime(0, 1))
  })

  test('the least and the greatest are the ends of 64 bits', () => {
    expect(MIN_TIME).toBe(hybridTime(0, 0))
    expect(MAX_TIME).toBe(hybridTime(MICROS_MAX, LOGICAL_MAX))
    expect(MAX_TIME).toBe(0xffff_ffff_ffff_ffffn)
  })

  test('a tick after the end of a microsecond is the begin of the next', () => {
    expect(tickAfter(endOfMicrosecond(41))).toBe(hybridTime(42, 0))
    expect(tickBefore(hybridTime(42, 0))).toBe(hybridTime(41, 4095))
  })

  test('there is no tick beyond either end', () => {
    expect(() => tickAfter(MAX_TIME)).toThrow(AssertionError)
    expect(() => tickBefore(MIN_TIME)).toThrow(AssertionError)
  })

  test.each([
    [-1, 0],
    [0.5, 0],
    [NaN, 0],
    [MICROS_MAX + 1, 0],
    [0, -1],
    [0, 0.5],
    [0, 4096],
  ])('(%s, %s) is no time', (m, l) => {
    expect(() => hybridTime(m, l)).toThrow(AssertionError)
  })
})

describe('a printed time can be read back', () => {
  test('the exact form gives the same time', () => {
    holds(
      fc.property(time, (t) => {
        expect(parseExact(formatExact(t))).toBe(t)
      }),
    )
  })

  test('the exact form shows four digits of the logical part', () => {
    expect(formatExact(hybridTime(1_763_633_730_123_456, 7))).toBe('1763633730123456.0007')
    expect(formatExact(MIN_TIME)).toBe('0.0000')
    expect(formatExact(MAX_TIME)).toBe('4503599627370495.4095')
  })

  test('the number of digits does not matter', () => {
    expect(parseExact('3.1')).toBe(hybridTime(3, 1))
    expect(parseExact('3.0001')).toBe(hybridTime(3, 1))
    expect(parseExact('0000000000000003.01')).toBe(hybridTime(3, 1))
  })

  test.each([
    '',
    '.',
    '3',
    '3.',
    '.1',
    '-3.0001',
    '3.4096',
    '3.00001',
    '4503599627370496.0000',
    '3.1e1',
    ' 3.1',
    '3.1\n',
  ])('refuses %j', (text) => {
    expect(() => parseExact(text)).toThrow(
      expect.objectContaining({ code: 'INVALID_TIME', details: { text } }),
    )
  })

  test('the ISO form is what Date prints, with three decimals more', () => {
    holds(
      fc.property(micros, (m) => {
        const iso = new Date(Math.floor(m / 1000)).toISOString()
        expect(formatIso(hybridTime(m, 9))).toBe(iso.replace('Z', `${String(m % 1000).padStart(3, '0')}Z`))
      }),
    )
  })

  test('the ISO form is that of a time alone, whatever was printed before', () => {
    const minute = 1_763_633_700_000_000
    const offsets = [0, 59_999_999, 60_000_000, 0, -1, 3_600_000_000, 59_999_999]
    expect(offsets.map((offset) => formatIso(hybridTime(minute + offset)).slice(11))).toEqual([
      '10:15:00.000000Z',
      '10:15:59.999999Z',
      '10:16:00.000000Z',
      '10:15:00.000000Z',
      '10:14:59.999999Z',
      '11:15:00.000000Z',
      '10:15:59.999999Z',
    ])
  })

  test('the ISO form sorts as the times do', () => {
    holds(
      fc.property(time, time, (a, b) => {
        fc.pre(microsOf(a) < microsOf(b))
        expect(formatIso(a) < formatIso(b)).toBe(true)
      }),
    )
  })
})

describe('civil dates', () => {
  const days = fc.oneof(
    fc.integer({ min: -800_000, max: 3_000_000 }),
    fc.constantFrom(-719_468, -1, 0, 59, 60, 11_016, 11_017, 47_540, 47_541),
  )

  test('are those of Date, from before the year 1 to 9999 and on', () => {
    holds(
      fc.property(days, (day) => {
        const date = new Date(day * 86_400_000)
        expect(civilFromDays(day)).toEqual({
          year: date.getUTCFullYear(),
          month: date.getUTCMonth() + 1,
          day: date.getUTCDate(),
        })
      }),
      500,
    )
  })

  test('lead back to their day', () => {
    holds(
      fc.property(days, (day) => {
        expect(daysFromCivil(civilFromDays(day))).toBe(day)
      }),
      500,
    )
  })

  test.each([
    [1970, 1, 1, 0],
    [2000, 2, 29, 11_016],
    [2000, 3, 1, 11_017],
    [2100, 2, 28, 47_540],
    [2100, 3, 1, 47_541],
    [9999, 12, 31, 2_932_896],
  ])('%i-%i-%i is day %i', (year, month, day, expected) => {
    expect(daysFromCivil({ year, month, day })).toBe(expected)
  })
})
