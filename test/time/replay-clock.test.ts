import { describe, expect, test } from 'vitest'
import { MICROS_MAX } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'

const readings = (clock: ReplayClock, from: ReplayClock = new ReplayClock({ micros: 1000 })): number[] => [
  clock.now(),
  clock.monotonic() - from.monotonic(),
]

describe('a replay clock moves only when it is told to', () => {
  test('it stands where it was put', () => {
    const clock = new ReplayClock({ micros: 1000 })
    expect([readings(clock), readings(clock)]).toEqual([
      [1000, 0],
      [1000, 0],
    ])
  })

  test('time that passes moves the wall and the monotonic clock', () => {
    const clock = new ReplayClock({ micros: 1000 })
    clock.advance(5)
    clock.advance(0)
    expect(readings(clock)).toEqual([1005, 5])
  })

  test('set moves the wall either way, the monotonic clock forwards only', () => {
    const clock = new ReplayClock({ micros: 1000 })
    clock.set(1010)
    expect(readings(clock)).toEqual([1010, 10])
    clock.set(900)
    expect(readings(clock)).toEqual([900, 10])
    clock.set(905)
    expect(readings(clock)).toEqual([905, 15])
  })

  test('a jump moves the wall alone', () => {
    const clock = new ReplayClock({ micros: 1000 })
    clock.jump(50)
    expect(readings(clock)).toEqual([1050, 0])
    clock.jump(-80)
    expect(readings(clock)).toEqual([970, 0])
  })

  test('it reserves as far as it was told, at least the microsecond itself', () => {
    const clock = new ReplayClock({ micros: 1000 })
    expect(clock.reserveThrough(1000)).toBe(1000)
    clock.reserveAhead(2000)
    expect([clock.reserveThrough(1000), clock.reserveThrough(2001)]).toEqual([2000, 2001])
    const leading = new ReplayClock({ micros: 1000, leadMicros: 7 })
    leading.reserveAhead(1010)
    expect([leading.reserveThrough(1000), leading.reserveThrough(1005)]).toEqual([1010, 1012])
  })

  test('it stands on whole microseconds that a hybrid time can say', () => {
    const clock = new ReplayClock({ micros: MICROS_MAX })
    for (const act of [
      () => clock.advance(1),
      () => clock.jump(1),
      () => clock.jump(-MICROS_MAX - 1),
      () => clock.set(-1),
      () => clock.set(0.5),
      () => clock.set(NaN),
      () => clock.reserveAhead(MICROS_MAX + 1),
      () => new ReplayClock({ micros: -1 }),
      () => new ReplayClock({ micros: 0, leadMicros: -1 }),
      () => new ReplayClock({} as never),
      () => new ReplayClock(undefined as never),
    ]) {
      expect(act).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    }
    clock.set(5)
    expect(() => clock.advance(-1)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }))
    expect(clock.now()).toBe(5)
  })
})
