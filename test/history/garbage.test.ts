/** Law 3, for lineages with nested restores and undos: the garbage rule against a list of states. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Directive, garbageFilter, seenFrom } from '../../src/history/garbage.ts'
import { type Generation, firstGeneration } from '../../src/history/lineage.ts'
import { readableTimes } from '../../src/history/readable.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { type Stretches, closedStretch, stretch } from '../../src/time/stretches.ts'
import { holds } from '../time/property.ts'
import { StateHistory, type StateVersion, keptBy, steps } from './states.ts'

const at = (tick: number) => BigInt(tick) as HybridTime

describe('random histories with restores, undos, holds, partial compactions and late installs', () => {
  test('a version that is dropped is seen by no readable time (law 3)', () => {
    let dropped = 0
    let afterRestores = 0
    let reads = 0
    holds(
      fc.property(steps, (list) => {
        const history = new StateHistory()
        for (const step of list) {
          history.carryOut(step)
          if (step.do !== 'install' && step !== list.at(-1)) continue
          for (const tick of history.readableTicks) {
            for (const key of [0, 1]) {
              reads++
              if (history.read(tick, key) !== history.expected(tick, key))
                expect(history.read(tick, key), `key ${key} at ${tick}`).toBe(history.expected(tick, key))
            }
          }
        }
        dropped += history.dropped
        if (history.restores > 1) afterRestores += history.dropped
      }),
      2000,
    )
    expect(reads).toBeGreaterThan(200_000)
    expect(dropped).toBeGreaterThan(1000)
    expect(afterRestores).toBeGreaterThan(500)
  })

  test('with all versions as input, exactly those are kept that some readable time sees', () => {
    let dropped = 0
    holds(
      fc.property(steps, (list) => {
        const history = new StateHistory()
        // A gap that has closed says nothing of versions that are gone.
        for (const step of list) if (step.do !== 'forget') history.carryOut(step)
        const left = keptBy(history.directive, history.written)
        expect(left).toEqual(history.seen())
        dropped += history.written.length - left.size
      }),
      500,
    )
    expect(dropped).toBeGreaterThan(1000)
  })

  test('with generations forgotten and gaps closed, exactly those are kept of what is left', () => {
    let [forgotten, closed] = [0, 0]
    const values = (versions: Iterable<StateVersion>) =>
      new Set([...versions].filter(({ isTombstone }) => !isTombstone))
    holds(
      fc.property(steps, (list) => {
        const history = new StateHistory()
        for (const step of list) history.carryOut(step)
        expect(values(keptBy(history.directive, history.left))).toEqual(values(history.seen()))
        forgotten += history.forgotten
        closed += history.closed
      }),
      500,
    )
    expect(forgotten).toBeGreaterThan(300)
    expect(closed).toBeGreaterThan(50)
  })

  test('a version that is not among the inputs makes it keep more, never less', () => {
    holds(
      fc.property(steps, fc.nat({ max: 2 ** 16 }), (list, mask) => {
        const history = new StateHistory()
        for (const step of list) history.carryOut(step)
        const some = history.written.filter((_, i) => (mask >> (i % 17)) & 1)
        const keptOfSome = keptBy(history.directive, some)
        const keptOfAll = keptBy(history.directive, history.written)
        for (const version of some) if (keptOfAll.has(version)) expect(keptOfSome).toContain(version)
      }),
      200,
    )
  })
})

/** The times that are kept of versions of one key. */
function kept(
  generations: readonly Generation[],
  readable: Stretches,
  times: readonly number[],
): readonly number[] {
  const directive: Directive = { generations, readable, cutoff: at(0) }
  const filter = garbageFilter(directive)
  filter.beginKey()
  return times.toSorted((a, b) => b - a).filter((time) => filter.keeps(at(time)))
}

describe('in one generation', () => {
  const always = [firstGeneration([1], at(1))]

  test('the version at the cutoff and the newest one below it are kept', () => {
    expect(kept(always, readableTimes(at(5), []), [1, 3, 5, 6])).toEqual([6, 5])
    expect(kept(always, readableTimes(at(5), []), [1, 3, 6])).toEqual([6, 3])
    expect(kept(always, readableTimes(at(4), []), [1, 3, 5])).toEqual([5, 3])
  })

  test('a hold on a point keeps the one version that it sees', () => {
    const window = readableTimes(at(9), [])
    const held = (first: number, last: number) => readableTimes(at(9), [closedStretch(at(first), at(last))])
    expect(kept(always, window, [1, 3, 6])).toEqual([6])
    expect(kept(always, held(4, 4), [1, 3, 6])).toEqual([6, 3])
    expect(kept(always, held(3, 3), [1, 3, 6])).toEqual([6, 3])
    expect(kept(always, held(2, 2), [1, 3, 6])).toEqual([6, 1])
    expect(kept(always, held(2, 3), [1, 3, 6])).toEqual([6, 3, 1])
    expect(kept(always, held(5, 6), [1, 3, 6])).toEqual([6, 3])
  })

  test('every key is judged by itself', () => {
    const filter = garbageFilter({ generations: always, readable: readableTimes(at(5), []), cutoff: at(5) })
    for (let key = 0; key < 2; key++) {
      filter.beginKey()
      expect([filter.keeps(at(6)), filter.keeps(at(2)), filter.keeps(at(1))]).toEqual([true, true, false])
    }
  })
})

describe('in generations with a base', () => {
  // Written at 1, 3, 5; put back to 2 at 6; undone at 8.
  const generations: readonly Generation[] = [
    { ...firstGeneration([1], at(1)), end: at(5) },
    { tablets: [1], base: stretch(at(0), at(2)), from: at(5), start: at(6), end: at(7), cause: 'restore' },
    { tablets: [1], base: stretch(at(0), at(5)), from: at(7), start: at(8), cause: 'undo' },
  ]

  test('a version in the base shows from the start on, one above `from` from its own time on', () => {
    expect(seenFrom(generations[1]!, at(1))).toBe(at(6))
    expect(seenFrom(generations[1]!, at(3))).toBeUndefined()
    expect(seenFrom(generations[1]!, at(7))).toBe(at(7))
    expect(seenFrom(generations[1]!, at(8)), 'after the end').toBeUndefined()
  })

  test('only the newest version of a base is seen', () => {
    const second = [generations[1]!]
    const wide = [{ ...second[0]!, base: stretch(at(0), at(4)) }]
    expect(kept(wide, readableTimes(at(6), []), [1, 3])).toEqual([3])
  })

  test('what one generation hides another one may show', () => {
    expect(kept(generations, readableTimes(at(8), []), [1, 3, 5])).toEqual([5])
    expect(kept(generations, readableTimes(at(7), []), [1, 3, 5])).toEqual([5, 1])
    expect(kept(generations, readableTimes(at(4), []), [1, 3, 5])).toEqual([5, 3, 1])
    expect(kept(generations, readableTimes(at(8), [closedStretch(at(6), at(6))]), [1, 3, 5])).toEqual([5, 1])
  })

  test('a generation that meets no readable time is forgotten', () => {
    expect(kept([generations[0]!], readableTimes(at(6), []), [1, 3, 5])).toEqual([])
  })

  test('a version is judged by the generations that were not over before it, one that ends with it among them', () => {
    let asked: number[] = []
    const noting = generations.map(({ base, ...generation }, number) => ({
      ...generation,
      get base() {
        asked.push(number)
        return base
      },
    }))
    const filter = garbageFilter({ generations: noting, readable: readableTimes(at(1), []), cutoff: at(1) })
    filter.beginKey()
    const askedFor = (time: number) => {
      asked = []
      return [filter.keeps(at(time)), asked]
    }
    expect(askedFor(9)).toEqual([true, [2]])
    expect(askedFor(7)).toEqual([true, [1, 2]])
    expect(askedFor(5)).toEqual([true, [0, 1, 2]])
  })
})
