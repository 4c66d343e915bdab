import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { PalimpsestError } from '../../src/base/errors.ts'
import { assertReadable, cutoffOf, nearestReadable, readableTimes } from '../../src/history/readable.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, formatExact, hybridTime } from '../../src/time/hybrid-time.ts'
import { closedStretch, contains } from '../../src/time/stretches.ts'
import { holds } from '../time/property.ts'

const at = (tick: number) => BigInt(tick) as HybridTime

describe('the cutoff', () => {
  test('is so far behind now as history is kept', () => {
    expect(cutoffOf(MIN_TIME, 30, 100)).toBe(hybridTime(70))
    expect(cutoffOf(MIN_TIME, 0, 100)).toBe(hybridTime(100))
    expect(cutoffOf(MIN_TIME, 100, 100)).toBe(MIN_TIME)
    expect(cutoffOf(MIN_TIME, 101, 100), 'before all time').toBe(MIN_TIME)
  })

  test('is never below the ratchet', () => {
    expect(cutoffOf(hybridTime(80), 30, 100)).toBe(hybridTime(80))
    expect(cutoffOf(hybridTime(70, 1), 30, 100)).toBe(hybridTime(70, 1))
    expect(cutoffOf(hybridTime(69), 30, 100)).toBe(hybridTime(70))
  })

  test('is the ratchet where history is kept for ever', () => {
    expect(cutoffOf(MIN_TIME, 'forever', 100)).toBe(MIN_TIME)
    expect(cutoffOf(hybridTime(80), 'forever', 100)).toBe(hybridTime(80))
  })
})

const holdsArbitrary = fc.array(fc.tuple(fc.integer({ min: 1, max: 30 }), fc.nat({ max: 4 })), {
  maxLength: 4,
})

describe('the readable times', () => {
  test('are the window and what is held, and nothing else (law 4)', () => {
    holds(
      fc.property(fc.integer({ min: 0, max: 30 }), holdsArbitrary, (cutoff, held) => {
        const stretches = held.map(([first, length]) => closedStretch(at(first), at(first + length)))
        const readable = readableTimes(at(cutoff), stretches)
        for (let tick = 1; tick < 40; tick++) {
          const isHeld = held.some(([first, length]) => first <= tick && tick <= first + length)
          expect(contains(readable, at(tick))).toBe(tick >= cutoff || isHeld)
        }
        expect(contains(readable, MAX_TIME)).toBe(true)
      }),
    )
  })

  test('have the nearest ones on both sides of every other time', () => {
    holds(
      fc.property(fc.integer({ min: 0, max: 30 }), holdsArbitrary, (cutoff, held) => {
        const stretches = held.map(([first, length]) => closedStretch(at(first), at(first + length)))
        const readable = readableTimes(at(cutoff), stretches)
        const ticks = Array.from({ length: 40 }, (_, i) => i + 1)
        const good = ticks.filter((tick) => contains(readable, at(tick)))
        for (const tick of ticks.filter((one) => !good.includes(one))) {
          const before = good.findLast((one) => one < tick)
          const after = good.find((one) => one > tick)
          expect(nearestReadable(readable, at(tick))).toEqual({
            before: before === undefined ? undefined : at(before),
            after: after === undefined ? undefined : at(after),
          })
        }
      }),
    )
  })
})

describe('a refusal', () => {
  const readable = readableTimes(hybridTime(1_000_000), [closedStretch(hybridTime(10), hybridTime(20))])
  const refusal = (time: HybridTime): PalimpsestError => {
    try {
      assertReadable(readable, time, 'shop.orders')
    } catch (error) {
      if (error instanceof PalimpsestError) return error
    }
    throw new Error('it was not refused')
  }

  test('names what was asked for and the nearest readable times', () => {
    const { code, message, details } = refusal(hybridTime(500, 7))
    expect(code).toBe('HISTORY_GONE')
    expect(message).toContain('shop.orders')
    expect(message).toMatch(/before=20\.0000\b.*after=1000000\.0000\b/)
    expect(details).toMatchObject({
      time: '500.0007',
      nearestBefore: formatExact(hybridTime(20)),
      nearestAfter: formatExact(hybridTime(1_000_000)),
    })
  })

  test('names only what there is', () => {
    const { message, details } = refusal(hybridTime(9))
    expect(message).not.toContain('before=')
    expect(details).toMatchObject({ nearestBefore: undefined, nearestAfter: formatExact(hybridTime(10)) })
  })

  test('begins one tick before the window and one tick behind a hold', () => {
    expect(refusal(hybridTime(999_999, 4095)).code).toBe('HISTORY_GONE')
    expect(refusal(hybridTime(20, 1)).code).toBe('HISTORY_GONE')
    for (const time of [hybridTime(1_000_000), hybridTime(20), hybridTime(10)])
      expect(() => assertReadable(readable, time, 'it')).not.toThrow()
  })
})
