import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import {
  type ClockJump,
  HybridClock,
  type HybridClockOptions,
  type PhysicalClock,
} from '../../src/time/clock.ts'
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
  tickAfter,
  tickBefore,
} from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { holds } from './property.ts'

/** 2025-11-20T10:15:30Z */
const START = 1_763_633_730_000_000
const SECOND = 1_000_000
const HOUR = 3600 * SECOND
const SKEW = 500_000

/** A clock on a wall of its own, with what it reserved and the jumps that it told of. */
function clockAt(
  micros: number,
  options: Partial<HybridClockOptions> & { readonly leadMicros?: number } = {},
) {
  const { leadMicros = 0, ...rest } = options
  const wall = new ReplayClock({ micros, leadMicros })
  const reserved: HybridTime[] = []
  const jumps: ClockJump[] = []
  const clock = new HybridClock({
    physical: wall,
    floor: MIN_TIME,
    ceiling: rest.floor ?? MIN_TIME,
    reserve: (ceiling) => reserved.push(ceiling),
    onJump: (jump) => jumps.push(jump),
    ...rest,
  })
  return { clock, wall, reserved, jumps }
}

/** A physical clock that shows what it is told, sense or not. */
function brokenClock(shown: { now?: number; monotonic?: number; reserveThrough?: number }): PhysicalClock {
  const now = () => shown.now ?? START
  const monotonic = () => shown.monotonic ?? 0
  return {
    ...{ now, monotonic },
    readings: () => ({ wall: now(), monotonic: monotonic() }),
    reserveThrough: (micros) => shown.reserveThrough ?? micros,
  }
}

function refusalOf(act: () => unknown): PalimpsestError {
  try {
    act()
  } catch (error) {
    if (error instanceof PalimpsestError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('issuing times', () => {
  test('a time is the microsecond of the wall, then a tick more each', () => {
    const { clock, wall } = clockAt(START)
    expect([clock.now(), clock.now()]).toEqual([hybridTime(START, 0), hybridTime(START, 1)])
    wall.advance(1)
    expect(clock.now()).toBe(hybridTime(START + 1, 0))
  })

  test('a wall in the microsecond of the last time does not reset the logical part', () => {
    const { clock } = clockAt(START, { floor: hybridTime(START, 41) })
    expect(clock.now()).toBe(hybridTime(START, 42))
  })

  test('a frozen wall gives 5000 rising times: the logical part carries into the microsecond', () => {
    const { clock } = clockAt(START)
    const times = Array.from({ length: 5000 }, () => clock.now())
    expect(times).toEqual(times.map((_, i) => BigInt(START) * 4096n + BigInt(i)))
    expect([times[4095], times[4096]]).toEqual([hybridTime(START, 4095), hybridTime(START + 1, 0)])
  })

  test('a wall that steps back leaves the times rising', () => {
    const { clock, wall } = clockAt(START)
    const before = clock.now()
    wall.set(START - HOUR)
    expect(clock.now()).toBe(tickAfter(before))
  })

  test('the first time of all is above the least, though the wall stands at zero', () => {
    expect(clockAt(0).clock.now()).toBe(hybridTime(0, 1))
  })

  test('the last time of all is the one before the end of time', () => {
    const { clock } = clockAt(START, { floor: tickBefore(tickBefore(MAX_TIME)), ceiling: MAX_TIME })
    expect(clock.now()).toBe(tickBefore(MAX_TIME))
    expect(refusalOf(() => clock.now()).code).toBe('CLOCK_SKEW')
    expect(clock.last).toBe(tickBefore(MAX_TIME))
  })

  test('at the end of time nothing is issued', () => {
    const { clock } = clockAt(START, { floor: MAX_TIME })
    expect(refusalOf(() => clock.now()).code).toBe('CLOCK_SKEW')
  })

  test('times strictly rise under any wall, and are never below it', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(0, 0, 1, 1, 2) },
      { weight: 2, arbitrary: fc.integer({ min: -5, max: 1000 }) },
      { weight: 1, arbitrary: fc.constantFrom(HOUR, -HOUR, 24 * HOUR) },
    )
    holds(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, wall } = clockAt(START)
        let last = MIN_TIME
        for (const micros of steps) {
          wall.jump(micros)
          const next = clock.now()
          expect(next > last).toBe(true)
          expect(next >= hybridTime(wall.now())).toBe(true)
          expect(clock.last).toBe(next)
          last = next
        }
      }),
    )
  })
})

describe('using a time closes it', () => {
  test('the current microsecond can be used to its end; the next time is above it', () => {
    const { clock } = clockAt(START)
    clock.use(endOfMicrosecond(START))
    expect(clock.now()).toBe(hybridTime(START + 1, 0))
  })

  test('the first tick of the next microsecond lies in the future', () => {
    const { clock } = clockAt(START)
    const time = hybridTime(START + 1, 0)
    const error = refusalOf(() => clock.use(time))
    expect(error.code).toBe('FUTURE_TIME')
    expect(error.details).toEqual({
      time: formatExact(time),
      at: formatIso(time),
      now: formatExact(endOfMicrosecond(START)),
    })
    expect(clock.last).toBe(MIN_TIME)
  })

  test('the current microsecond is that of the last time where the wall is behind it', () => {
    const { clock } = clockAt(START - HOUR, { floor: hybridTime(START, 7) })
    expect(clock.currentMicros()).toBe(START)
    clock.use(endOfMicrosecond(START))
    expect(refusalOf(() => clock.use(hybridTime(START + 1, 0))).code).toBe('FUTURE_TIME')
  })

  test('a time at or below the last one is closed already', () => {
    const { clock, reserved } = clockAt(START, { floor: hybridTime(START, 7) })
    clock.use(hybridTime(START, 7))
    clock.use(MIN_TIME)
    expect([clock.last, reserved]).toEqual([hybridTime(START, 7), []])
  })

  test('a used time is durable before the call returns', () => {
    const { clock, reserved } = clockAt(START, { floor: hybridTime(START - 10, 0) })
    clock.use(hybridTime(START - 3, 9))
    expect(reserved).toEqual([endOfMicrosecond(START - 3)])
    expect(clock.ceiling).toBe(endOfMicrosecond(START - 3))
  })
})

describe('observing a remote time', () => {
  test('the next time is above it', () => {
    const { clock } = clockAt(START)
    clock.observe(hybridTime(START + 100, 5))
    expect(clock.now()).toBe(hybridTime(START + 100, 6))
  })

  test('it is durable before the call returns', () => {
    const { clock, reserved } = clockAt(START)
    clock.observe(hybridTime(START + 100, 5))
    expect(reserved).toEqual([endOfMicrosecond(START + 100)])
  })

  test.each([
    [undefined, SKEW],
    [0, 0],
    [7, 7],
  ])('with a skew of %s, %i microseconds ahead are taken and one more is refused', (skewMicros, allowed) => {
    const { clock, reserved } = clockAt(START, { skewMicros })
    const beyond = hybridTime(START + allowed + 1, 0)
    expect(refusalOf(() => clock.observe(beyond))).toMatchObject({
      code: 'CLOCK_SKEW',
      details: { time: formatExact(beyond), at: formatIso(beyond), skewMicros: allowed },
    })
    expect([clock.last, clock.ceiling, reserved]).toEqual([MIN_TIME, MIN_TIME, []])
    clock.observe(tickBefore(beyond))
    expect(clock.last).toBe(tickBefore(beyond))
  })

  test('the bound is the wall, which earlier observations do not move', () => {
    const { clock } = clockAt(START)
    clock.observe(endOfMicrosecond(START + SKEW))
    expect(refusalOf(() => clock.observe(hybridTime(START + SKEW + 1))).code).toBe('CLOCK_SKEW')
  })

  test('an older time changes nothing', () => {
    const { clock } = clockAt(START)
    const last = clock.now()
    clock.observe(hybridTime(START - HOUR))
    expect(clock.last).toBe(last)
  })
})

describe('reserving', () => {
  test('one reservation serves until the clock passes it', () => {
    const { clock, wall, reserved } = clockAt(START, { leadMicros: 10 })
    clock.now()
    wall.set(START + 10)
    clock.use(endOfMicrosecond(START + 10))
    expect(reserved).toEqual([endOfMicrosecond(START + 10)])
    clock.now()
    expect(reserved).toEqual([endOfMicrosecond(START + 10), endOfMicrosecond(START + 21)])
  })

  test('no time is issued above the ceiling that is durable', () => {
    const { clock, reserved } = clockAt(START)
    for (let i = 0; i < 5000; i++) {
      const time = clock.now()
      expect(time <= reserved.at(-1)!).toBe(true)
    }
    expect(reserved).toEqual([endOfMicrosecond(START), endOfMicrosecond(START + 1)])
  })

  test('a reservation that fails leaves the clock as it was, whatever needed it', () => {
    let fails = true
    const reserve = () => {
      if (fails) throw new PalimpsestError('IO_FAILED', 'no space')
    }
    const floor = hybridTime(START - 5, 0)
    const { clock } = clockAt(START, { floor, reserve })
    for (const act of [
      () => clock.now(),
      () => clock.use(hybridTime(START, 3)),
      () => clock.observe(hybridTime(START + 1, 3)),
    ]) {
      expect(refusalOf(act).code).toBe('IO_FAILED')
      expect([clock.last, clock.ceiling]).toEqual([floor, floor])
    }
    fails = false
    expect(clock.now()).toBe(hybridTime(START, 0))
  })

  test('a reservation ends with time itself', () => {
    const { clock } = clockAt(MICROS_MAX - 1, { leadMicros: 5 * SECOND })
    clock.now()
    expect(clock.ceiling).toBe(MAX_TIME)
  })
})

/** A clock on a disk that may fail, with an account of its own of what was issued, used and observed. */
class Account {
  readonly wall: ReplayClock
  diskWorks = true
  /** The highest time so far; after a restart, what the restart was told. */
  highest = 0n
  /** The newest now of retention in this run. */
  retained = 0
  #durable: HybridTime = MIN_TIME
  #clock: HybridClock

  constructor(leadMicros: number) {
    this.wall = new ReplayClock({ micros: START, leadMicros })
    this.#clock = this.#open()
  }

  now(): void {
    this.#attempt(() => {
      const time = this.#clock.now()
      // Thousands of times an operation: too often for `expect`.
      if (time <= this.highest) throw new Error(`${time} is not above ${this.highest}`)
      if (time < BigInt(this.wall.now()) * 4096n) throw new Error(`${time} is below the wall`)
      this.highest = time
    })
  }

  take(verb: 'use' | 'observe', anchor: 'wall' | 'last' | 'current', ticks: number): void {
    const current = Math.max(this.wall.now(), this.retained, Number(this.highest / 4096n))
    expect(this.#clock.currentMicros()).toBe(current)
    const anchors = {
      wall: BigInt(this.wall.now()) * 4096n,
      last: this.highest,
      current: BigInt(current) * 4096n,
    }
    const time = (anchors[anchor] + BigInt(ticks)) as HybridTime
    const limit = verb === 'use' ? current : this.wall.now() + SKEW
    if (time > this.highest && time / 4096n > BigInt(limit)) {
      const code = verb === 'use' ? 'FUTURE_TIME' : 'CLOCK_SKEW'
      expect(() => this.#clock[verb](time)).toThrow(expect.objectContaining({ code }))
    } else {
      this.#attempt(() => {
        this.#clock[verb](time)
        if (time > this.highest) this.highest = time
      })
    }
  }

  retention(): void {
    const now = this.#clock.retentionMicros()
    expect(now >= this.retained && now <= this.#clock.currentMicros()).toBe(true)
    this.retained = now
  }

  restart(how: 'close' | 'crash'): void {
    if (how === 'close') {
      this.#durable = this.#clock.close()
      expect(this.#durable, 'a clean close is exact').toBe(this.highest)
    }
    expect(this.#durable >= this.highest).toBe(true)
    this.#clock = this.#open()
    this.highest = this.#durable
    this.retained = 0
  }

  check(): void {
    expect(this.#clock.last).toBe(this.highest)
    expect(this.#clock.ceiling).toBe(this.#durable)
    expect(this.highest <= this.#durable, 'what was issued or used is durable').toBe(true)
  }

  #open(): HybridClock {
    return new HybridClock({
      physical: this.wall,
      floor: this.#durable,
      ceiling: this.#durable,
      reserve: (ceiling) => {
        if (!this.diskWorks) throw new PalimpsestError('IO_FAILED', 'the disk is full')
        expect(ceiling > this.#durable, 'a ceiling only rises').toBe(true)
        this.#durable = ceiling
      },
    })
  }

  /** Does what may need a reservation, and so fail as a broken disk does; `check` sees that nothing changed. */
  #attempt(act: () => void): void {
    try {
      act()
    } catch (error) {
      if (!this.diskWorks && error instanceof PalimpsestError && error.code === 'IO_FAILED') return
      throw error
    }
  }
}

describe('restarts', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(0, 0, 1, 1, 2) },
    { weight: 2, arbitrary: fc.integer({ min: -5, max: 1000 }) },
    { weight: 1, arbitrary: fc.constantFrom(-HOUR, HOUR) },
  )
  const now = fc.record({ kind: fc.constant('now' as const), count: fc.constantFrom(1, 1, 1, 2, 3, 4097) })
  const take = fc.record({
    kind: fc.constantFrom('use' as const, 'observe' as const),
    anchor: fc.constantFrom('wall' as const, 'last' as const, 'current' as const),
    ticks: fc.oneof(
      fc.constantFrom(-1, 0, 1, 0xfff, 0x1000, SKEW * 4096 + 0xfff, SKEW * 4096 + 0x1000),
      fc.integer({ min: -20_000, max: 20_000 }),
    ),
  })
  const restart = fc.record({ kind: fc.constantFrom('close' as const, 'crash' as const) })
  const disk = fc.record({ kind: fc.constant('disk' as const), works: fc.boolean() })
  const operation = fc.oneof(
    { weight: 6, arbitrary: now },
    { weight: 4, arbitrary: take },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('retention' as const) }) },
    { weight: 2, arbitrary: restart },
    { weight: 1, arbitrary: disk },
  )

  test('no time is issued at or below one that was issued, used or observed before', () => {
    const steps = fc.array(fc.tuple(step, operation), { maxLength: 40 })
    holds(
      fc.property(steps, fc.constantFrom(0, 3, 5 * SECOND), (operations, leadMicros) => {
        const account = new Account(leadMicros)
        for (const [micros, op] of operations) {
          account.wall.jump(micros)
          if (op.kind === 'now') for (let i = 0; i < op.count; i++) account.now()
          else if (op.kind === 'use' || op.kind === 'observe') account.take(op.kind, op.anchor, op.ticks)
          else if (op.kind === 'retention') account.retention()
          else if (op.kind === 'disk') account.diskWorks = op.works
          else account.restart(op.kind)
          account.check()
        }
      }),
    )
  })

  test('after a clean close times go on exactly, after a crash above the ceiling', () => {
    const first = clockAt(START, { leadMicros: 1000 })
    const last = first.clock.now()
    const clean = clockAt(START - 1, { floor: first.clock.close() })
    expect(clean.clock.now()).toBe(tickAfter(last))
    const crashed = clockAt(START - 1, { floor: first.clock.ceiling })
    expect(crashed.clock.now()).toBe(hybridTime(START + 1001, 0))
  })

  test('a closed clock does nothing more', () => {
    const { clock } = clockAt(START)
    const last = clock.now()
    expect(clock.close()).toBe(last)
    expect(() => clock.now()).toThrow(AssertionError)
    expect(() => clock.use(last)).toThrow(AssertionError)
    expect(() => clock.observe(last)).toThrow(AssertionError)
    expect(clock.close()).toBe(last)
  })

  test('a ceiling below the floor is refused', () => {
    expect(() => clockAt(START, { floor: hybridTime(5), ceiling: hybridTime(4) })).toThrow(AssertionError)
  })
})

describe('the now of retention', () => {
  test('follows the wall, not the times that were issued or observed', () => {
    const { clock, wall } = clockAt(START)
    clock.observe(hybridTime(START + SKEW))
    expect(clock.retentionMicros()).toBe(START)
    wall.advance(HOUR)
    expect(clock.retentionMicros()).toBe(START + HOUR)
  })

  test('never goes back, and nor then do the times', () => {
    const { clock, wall } = clockAt(START)
    expect(clock.retentionMicros()).toBe(START)
    wall.set(START - HOUR)
    expect(clock.retentionMicros()).toBe(START)
    expect(clock.currentMicros()).toBe(START)
    expect(clock.now()).toBe(hybridTime(START, 0))
  })

  test('a step forward of the skew is followed, one more microsecond is a jump', () => {
    const { clock, wall, jumps } = clockAt(START)
    wall.jump(SKEW)
    expect(clock.retentionMicros()).toBe(START + SKEW)
    wall.jump(SKEW + 1)
    expect(clock.retentionMicros()).toBe(START + SKEW)
    expect(jumps).toEqual([{ expectedMicros: START + SKEW, actualMicros: START + 2 * SKEW + 1 }])
  })

  test('after a jump forward it goes on with the monotonic clock, and the jump is told once', () => {
    const { clock, wall, jumps } = clockAt(START)
    wall.jump(365 * 24 * HOUR)
    expect(clock.retentionMicros()).toBe(START)
    wall.advance(HOUR)
    expect(clock.retentionMicros()).toBe(START + HOUR)
    wall.jump(HOUR)
    wall.advance(HOUR)
    expect(clock.retentionMicros()).toBe(START + 2 * HOUR)
    expect(jumps).toHaveLength(1)
    // Commits follow the wall all the while.
    expect(microsOf(clock.now())).toBe(wall.now())
  })

  test('a confirmed jump drives it', () => {
    const { clock, wall, jumps } = clockAt(START)
    wall.jump(HOUR)
    clock.retentionMicros()
    clock.confirmJump()
    expect(clock.retentionMicros()).toBe(START + HOUR)
    wall.advance(5)
    expect(clock.retentionMicros()).toBe(START + HOUR + 5)
    expect(jumps).toHaveLength(1)
  })

  test('a jump after a confirmed one is told again', () => {
    const { clock, wall, jumps } = clockAt(START)
    for (const expected of [1, 2]) {
      wall.jump(HOUR)
      clock.retentionMicros()
      clock.confirmJump()
      expect(jumps).toHaveLength(expected)
    }
  })

  test('a wall that is put right again needs no confirmation', () => {
    const { clock, wall, jumps } = clockAt(START)
    wall.jump(HOUR)
    clock.retentionMicros()
    wall.advance(SECOND)
    wall.jump(-HOUR)
    expect(clock.retentionMicros()).toBe(START + SECOND)
    wall.advance(HOUR)
    expect(clock.retentionMicros()).toBe(START + SECOND + HOUR)
    expect(jumps).toHaveLength(1)
  })

  test('a step back is told once, needs no confirmation, and stops it until the wall is there again', () => {
    const { clock, wall, jumps } = clockAt(START)
    expect(clock.retentionMicros()).toBe(START)
    wall.jump(-HOUR)
    expect(clock.retentionMicros()).toBe(START)
    wall.advance(HOUR + SECOND)
    expect(clock.retentionMicros()).toBe(START + SECOND)
    expect(jumps).toEqual([{ expectedMicros: START, actualMicros: START - HOUR }])
  })

  test('a step back of the skew is no jump', () => {
    const { clock, wall, jumps } = clockAt(START)
    wall.jump(-SKEW)
    clock.retentionMicros()
    expect(jumps).toEqual([])
  })

  test('after a step back, a jump forward is one still', () => {
    const { clock, wall, jumps } = clockAt(START)
    wall.jump(-2 * HOUR)
    expect(clock.retentionMicros()).toBe(START - 2 * HOUR)
    wall.jump(HOUR)
    expect(clock.retentionMicros()).toBe(START - 2 * HOUR)
    expect(jumps.map(({ expectedMicros, actualMicros }) => actualMicros - expectedMicros)).toEqual([
      -2 * HOUR,
      HOUR,
    ])
  })

  test('a frozen wall is told of once, however often it is looked at', () => {
    const readings = { now: START, monotonic: 0 }
    const { clock, jumps } = clockAt(START, { physical: brokenClock(readings) })
    for (let i = 0; i < 5; i++) {
      readings.monotonic += SECOND
      expect(clock.retentionMicros()).toBe(START)
    }
    expect(jumps).toHaveLength(1)
  })

  test('a slow drift within the skew is no jump', () => {
    const { clock, wall, jumps } = clockAt(START)
    for (let i = 0; i < 10; i++) {
      wall.advance(HOUR)
      wall.jump(SKEW / 2)
      expect(clock.retentionMicros()).toBe(wall.now())
    }
    expect(jumps).toEqual([])
  })

  test('whatever the clocks do, it never goes back, is never beyond now, and takes no jump that was not confirmed', () => {
    const step = fc.record({
      advance: fc.constantFrom(0, 1, SECOND, HOUR),
      jump: fc.constantFrom(0, 0, 0, 1, SKEW, SKEW + 1, HOUR, -1, -SKEW, -SKEW - 1, -HOUR),
      issues: fc.boolean(),
    })
    holds(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { clock, wall } = clockAt(START)
        let retained = 0
        /** What the clock might have reached with small steps alone. */
        let bound = START
        for (const { advance, jump, issues } of steps) {
          wall.advance(advance)
          wall.jump(jump)
          bound += advance + SKEW
          if (issues) clock.now()
          const now = clock.retentionMicros()
          expect(now >= retained && now <= clock.currentMicros() && now <= bound).toBe(true)
          retained = now
        }
      }),
    )
  })
})

describe('a physical clock that shows nonsense is refused, and nothing changes', () => {
  const nonsense = [NaN, -1, Infinity, -Infinity, MICROS_MAX + 1, START + 0.5]

  test.each(nonsense)('%s on the wall', (now) => {
    const readings = { now: START }
    const { clock } = clockAt(START, { physical: brokenClock(readings) })
    const last = clock.now()
    readings.now = now
    const acts = [
      () => clock.now(),
      () => clock.currentMicros(),
      () => clock.use(tickAfter(last)),
      () => clock.observe(tickAfter(last)),
      () => clock.retentionMicros(),
      () => clock.confirmJump(),
      () => clockAt(START, { physical: brokenClock({ now }) }),
    ]
    for (const act of acts) expect(refusalOf(act).code).toBe('CLOCK_SKEW')
    expect(clock.last).toBe(last)
    readings.now = START
    expect(clock.now()).toBe(tickAfter(last))
  })

  test.each([NaN, Infinity, 0.5])('%s on the monotonic clock', (monotonic) => {
    const readings = { monotonic: 0 }
    const { clock } = clockAt(START, { physical: brokenClock(readings) })
    readings.monotonic = monotonic
    expect(refusalOf(() => clock.retentionMicros()).code).toBe('CLOCK_SKEW')
    expect(clock.now()).toBe(hybridTime(START))
  })

  test('a monotonic clock that steps back is taken as standing still', () => {
    const readings = { now: START, monotonic: HOUR }
    const { clock, jumps } = clockAt(START, { physical: brokenClock(readings) })
    readings.monotonic = 0
    expect(clock.retentionMicros()).toBe(START)
    expect(jumps).toEqual([])
  })

  test.each([NaN, START - 1, Infinity, START + 0.5])('a reservation through %s', (reserveThrough) => {
    const { clock, reserved } = clockAt(START, { physical: brokenClock({ reserveThrough }) })
    expect(refusalOf(() => clock.now()).code).toBe('CLOCK_SKEW')
    expect([clock.last, reserved]).toEqual([MIN_TIME, []])
  })

  test('the last microsecond of all is sense', () => {
    const { clock } = clockAt(MICROS_MAX)
    expect([microsOf(clock.now()), logicalOf(clock.now())]).toEqual([MICROS_MAX, 1])
    clock.use(MAX_TIME)
    expect(logicalOf(clock.close())).toBe(LOGICAL_MAX)
  })
})
