/** Stretches against the plainest sets there are: one boolean for each tick of a small universe. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type HybridTime,
  MAX_TIME,
  MIN_TIME,
  hybridTime,
  tickAfter,
  tickBefore,
} from '../../src/time/hybrid-time.ts'
import {
  NO_TIMES,
  type Stretch,
  type Stretches,
  closedStretch,
  contains,
  difference,
  intersection,
  meets,
  sameStretches,
  stretch,
  stretchFrom,
  union,
} from '../../src/time/stretches.ts'
import { holds } from './property.ts'

/** The last tick of the universe; the first is 1, since no version has time 0. */
const LAST = 14
const TICKS = Array.from({ length: LAST }, (_, i) => i + 1)

/** Which ticks belong; index 0 is tick 1. */
type Plain = readonly boolean[]

const tick = (value: number): HybridTime => BigInt(value) as HybridTime
const plain = fc.array(fc.boolean(), { minLength: LAST, maxLength: LAST })

/** The normal form, run by run. */
function stretchesOf(set: Plain): Stretches {
  const runs: Stretch[] = []
  let start: number | undefined
  for (let i = 0; i <= LAST; i++) {
    if (set[i] === true) start ??= i
    else if (start !== undefined) {
      runs.push({ after: tick(start), through: tick(i) })
      start = undefined
    }
  }
  return runs
}

const plainOf = (set: Stretches): Plain =>
  TICKS.map((t) => set.some((s) => s.after < tick(t) && tick(t) <= s.through))

describe('operations on stretches are those on sets, in normal form', () => {
  test('the oracle goes both ways', () => {
    holds(
      fc.property(plain, (a) => {
        expect(plainOf(stretchesOf(a))).toEqual(a)
      }),
    )
  })

  test('union', () => {
    holds(
      fc.property(fc.array(plain, { maxLength: 4 }), (sets) => {
        const expected = TICKS.map((_, i) => sets.some((set) => set[i]))
        expect(union(...sets.map(stretchesOf))).toEqual(stretchesOf(expected))
      }),
    )
  })

  test('union of single stretches in any order, overlapping, touching or not', () => {
    const bound = fc.nat({ max: LAST })
    holds(
      fc.property(fc.array(fc.tuple(bound, bound), { maxLength: 6 }), (bounds) => {
        const expected = TICKS.map((t) => bounds.some(([a, b]) => a < t && t <= b))
        expect(union(...bounds.map(([a, b]) => stretch(tick(a), tick(b))))).toEqual(stretchesOf(expected))
      }),
    )
  })

  test('intersection', () => {
    holds(
      fc.property(plain, plain, (a, b) => {
        const expected = stretchesOf(TICKS.map((_, i) => a[i]! && b[i]!))
        expect(intersection(stretchesOf(a), stretchesOf(b))).toEqual(expected)
      }),
    )
  })

  test('difference', () => {
    holds(
      fc.property(plain, plain, (a, b) => {
        const expected = stretchesOf(TICKS.map((_, i) => a[i]! && !b[i]!))
        expect(difference(stretchesOf(a), stretchesOf(b))).toEqual(expected)
      }),
    )
  })

  test('membership', () => {
    holds(
      fc.property(plain, (a) => {
        expect(TICKS.map((t) => contains(stretchesOf(a), tick(t)))).toEqual(a)
        expect(contains(stretchesOf(a), tick(0))).toBe(false)
        expect(contains(stretchesOf(a), tick(LAST + 1))).toBe(false)
      }),
    )
  })

  test('overlap', () => {
    const bound = fc.nat({ max: LAST + 1 })
    holds(
      fc.property(plain, bound, bound, (a, after, through) => {
        const expected = TICKS.some((t) => a[t - 1] && after < t && t <= through)
        expect(meets(stretchesOf(a), tick(after), tick(through))).toBe(expected)
      }),
    )
  })

  test('two sets are the same iff their forms are', () => {
    const pair = fc.oneof(
      fc.tuple(plain, plain),
      plain.map((a) => [a, [...a]] as const),
      fc
        .tuple(plain, fc.nat({ max: LAST - 1 }))
        .map(([a, at]) => [a, a.map((has, i) => has !== (i === at))] as const),
    )
    holds(
      fc.property(pair, ([a, b]) => {
        const same = a.every((has, i) => has === b[i])
        expect(sameStretches(stretchesOf(a), stretchesOf(b))).toBe(same)
      }),
    )
  })
})

describe('boundaries', () => {
  const at = hybridTime(1_763_633_730_123_456, 7)

  test('the end belongs to a stretch, its begin does not', () => {
    const set = stretch(at, tickAfter(at))
    expect([contains(set, at), contains(set, tickAfter(at))]).toEqual([false, true])
  })

  test('both ends belong to a closed stretch, of one tick too', () => {
    const set = closedStretch(at, at)
    expect([tickBefore(at), at, tickAfter(at)].map((t) => contains(set, t))).toEqual([false, true, false])
  })

  test('a stretch in the wrong order is empty', () => {
    expect(stretch(at, at)).toEqual(NO_TIMES)
    expect(stretch(tickAfter(at), at)).toEqual(NO_TIMES)
    expect(closedStretch(tickAfter(at), at)).toEqual(NO_TIMES)
  })

  test('a window reaches to the end of time', () => {
    const window = stretchFrom(at)
    expect([contains(window, tickBefore(at)), contains(window, at), contains(window, MAX_TIME)]).toEqual([
      false,
      true,
      true,
    ])
    expect(meets(window, tickBefore(MAX_TIME), MAX_TIME)).toBe(true)
  })

  test('all times without one of them are two stretches, and whole again with it', () => {
    const all = stretch(MIN_TIME, MAX_TIME)
    const holed = difference(all, closedStretch(at, at))
    expect(holed).toEqual([
      { after: MIN_TIME, through: tickBefore(at) },
      { after: at, through: MAX_TIME },
    ])
    expect(union(holed, closedStretch(at, at))).toEqual(all)
  })
})
