import { describe, expect, test } from 'vitest'
import {
  RESERVE_AHEAD_MICROS,
  RESERVE_STEP_MICROS,
  SystemClock,
  TOLERANCE_MILLIS,
} from '../../src/platform/system-clock.ts'
import { type ClockJump, HybridClock } from '../../src/time/clock.ts'
import { MIN_TIME } from '../../src/time/hybrid-time.ts'

const START = 1_763_633_730_000
const HOUR = 3_600_000

/** A machine whose wall can be set and which can be put to sleep. */
class Machine {
  wall = START
  steady = 5000.25
  waking = 900_000

  run(millis: number): void {
    this.wall += millis
    this.steady += millis
    this.waking += millis
  }

  sleep(millis: number): void {
    this.wall += millis
    this.waking += millis
  }

  wallMillis(): number {
    return Math.floor(this.wall)
  }

  steadyMillis(): number {
    return this.steady
  }

  /** To the hundredth of a second, as Linux tells it. */
  wakingMillis(): number {
    return Math.floor(this.waking / 10) * 10
  }
}

describe('the clock of a machine', () => {
  test('counts whole microseconds, though the wall has milliseconds', () => {
    const machine = new Machine()
    const clock = new SystemClock(machine)
    expect(clock.now()).toBe(START * 1000)
    machine.run(0.125)
    expect(clock.now()).toBe(START * 1000 + 125)
    const before = clock.monotonic()
    machine.run(0.375)
    expect(clock.monotonic() - before).toBe(375)
    expect(clock.readings()).toEqual({ wall: clock.now(), monotonic: clock.monotonic() })
  })

  test('a wall that is set takes the clock along, and leaves the monotonic clock', () => {
    const machine = new Machine()
    const clock = new SystemClock(machine)
    machine.run(13.7)
    const before = clock.monotonic()
    for (const step of [HOUR, -2 * HOUR, TOLERANCE_MILLIS + 1]) {
      machine.wall += step
      expect(clock.now()).toBe(machine.wallMillis() * 1000)
    }
    expect(clock.monotonic()).toBe(before)
  })

  test('a difference within the tolerance changes nothing', () => {
    const machine = new Machine()
    const clock = new SystemClock(machine)
    for (const step of [TOLERANCE_MILLIS, -2 * TOLERANCE_MILLIS]) {
      machine.wall += step
      expect(clock.now()).toBe(START * 1000)
    }
  })

  test('a pause between the readings of wall and steady clock is no step of the wall', () => {
    const machine = new Machine()
    const clock = new SystemClock(machine)
    // Anchored anew, the clock would lose the eighth of a millisecond, which the wall does not show.
    machine.run(0.125)
    for (const paused of ['wallMillis', 'steadyMillis'] as const) {
      const read = machine[paused].bind(machine)
      let pauses = 2
      machine[paused] = () => {
        const reading = read()
        if (pauses-- > 0) machine.run(5 * TOLERANCE_MILLIS)
        return reading
      }
      clock.now()
      clock.now()
      expect(clock.now()).toBe(machine.wall * 1000)
    }
    expect(machine.wall).toBe(START + 20 * TOLERANCE_MILLIS + 0.125)
  })

  test('sleep moves both clocks, so that it is no jump', () => {
    const machine = new Machine()
    const clock = new SystemClock(machine)
    const jumps: ClockJump[] = []
    const hybrid = new HybridClock({
      physical: clock,
      floor: MIN_TIME,
      ceiling: MIN_TIME,
      reserve: () => {},
      onJump: (jump) => jumps.push(jump),
    })
    for (const millis of [8 * HOUR, 60_000, 1234]) {
      machine.run(1000)
      machine.sleep(millis)
      expect(hybrid.retentionMicros()).toBe(Math.floor(machine.wall) * 1000)
    }
    expect(jumps).toEqual([])
    machine.wall += HOUR
    hybrid.retentionMicros()
    expect(jumps).toHaveLength(1)
  })

  test('the monotonic clock counts sleep even where the wall is not read', () => {
    const machine = new Machine()
    const clock = new SystemClock(machine)
    const before = clock.monotonic()
    machine.sleep(HOUR)
    expect(Math.abs(clock.monotonic() - before - HOUR * 1000)).toBeLessThanOrEqual(10_000)
  })

  test('where the uptime is not known, sleep is a step of the wall', () => {
    const machine = new Machine()
    machine.wakingMillis = () => NaN
    const clock = new SystemClock(machine)
    const before = clock.monotonic()
    expect(Number.isSafeInteger(before)).toBe(true)
    machine.sleep(HOUR)
    expect(clock.readings()).toEqual({ wall: (START + HOUR) * 1000, monotonic: before })
    expect([clock.now(), clock.monotonic()]).toEqual([(START + HOUR) * 1000, before])
  })

  test('times are reserved ahead of the wall, and little ahead of a time that is far beyond it', () => {
    const clock = new SystemClock(new Machine())
    const now = clock.now()
    expect(clock.reserveThrough(now)).toBe(now + RESERVE_AHEAD_MICROS)
    const far = now + 10 * RESERVE_AHEAD_MICROS
    expect(clock.reserveThrough(far)).toBe(far + RESERVE_STEP_MICROS)
  })

  test('a database that crashes at every turn does not run away from the wall', () => {
    const machine = new Machine()
    const physical = new SystemClock(machine)
    let durable = MIN_TIME
    for (let crash = 0; crash < 100; crash++) {
      const reserve = (ceiling: typeof MIN_TIME): void => {
        durable = ceiling
      }
      new HybridClock({ physical, floor: durable, ceiling: durable, reserve }).now()
    }
    const aheadMicros = Number(durable >> 12n) - physical.now()
    expect(aheadMicros).toBeLessThan(RESERVE_AHEAD_MICROS + 101 * (RESERVE_STEP_MICROS + 1))
  })
})

describe('this machine', () => {
  test('the wall is that of Date, in whole microseconds', () => {
    const clock = new SystemClock()
    // oxlint-disable-next-line no-restricted-properties -- compared with
    const before = Date.now() - 1 - TOLERANCE_MILLIS
    const now = clock.now()
    // oxlint-disable-next-line no-restricted-properties -- compared with
    const after = Date.now() + 1 + TOLERANCE_MILLIS
    expect(Number.isSafeInteger(now)).toBe(true)
    expect(now / 1000 >= before && now / 1000 <= after).toBe(true)
  })

  test('the monotonic clock never goes back, and moves in steps finer than a millisecond', () => {
    const clock = new SystemClock()
    const readings = Array.from({ length: 10_000 }, () => clock.monotonic())
    expect(readings.every((reading, i) => i === 0 || reading >= readings[i - 1]!)).toBe(true)
    expect(readings.every(Number.isSafeInteger)).toBe(true)
    expect(
      readings.some((reading, i) => i > 0 && reading > readings[i - 1]! && reading < readings[i - 1]! + 1000),
    ).toBe(true)
  })
})
