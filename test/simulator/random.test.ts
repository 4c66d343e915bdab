/** Chance from a seed: the same seed gives the same numbers, and streams of other names others. */
import { expect, test } from 'vitest'
import { type Random, happens, pick, sample, seededRandom } from '../../src/simulator/random.ts'
import { refusal } from '../storage/samples.ts'

const draw = (random: Random, count = 20): number[] => Array.from({ length: count }, () => random.below(1000))

test('the same seed gives the same numbers, another seed others', () => {
  expect(draw(seededRandom(7))).toEqual(draw(seededRandom(7)))
  expect(draw(seededRandom(7))).not.toEqual(draw(seededRandom(8)))
})

test('the numbers of a seed never change between releases, because seeds are kept with failures', () => {
  expect(draw(seededRandom(42), 5)).toEqual([117, 495, 746, 652, 387])
  expect(seededRandom(42).fork('disk').next()).toBe(0.1497400206939904)
})

test('near seeds differ from the first number on', () => {
  const firsts = new Set(Array.from({ length: 1000 }, (_, seed) => seededRandom(seed).below(2 ** 32)))
  expect(firsts.size).toBeGreaterThan(990)
  const halves = Array.from({ length: 1000 }, (_, seed) => seededRandom(seed).below(2))
  expect(Math.abs(halves.filter((half) => half === 0).length - 500)).toBeLessThan(80)
})

test('a fork depends on its name and not on what was drawn before', () => {
  const random = seededRandom(1)
  const early = draw(random.fork('network'))
  draw(random, 100)
  expect(draw(random.fork('network'))).toEqual(early)
  expect(draw(random.fork('disk'))).not.toEqual(early)
  expect(draw(random.fork('a').fork('b'))).not.toEqual(draw(random.fork('b').fork('a')))
})

test('numbers lie in their range, and all of a small range come up', () => {
  const random = seededRandom(3)
  expect(new Set(Array.from({ length: 200 }, () => random.below(5)))).toEqual(new Set([0, 1, 2, 3, 4]))
  expect(random.below(1)).toBe(0)
  for (let i = 0; i < 1000; i++) {
    const number = random.next()
    expect(number >= 0 && number < 1).toBe(true)
  }
  for (const limit of [0, 1.5, NaN, 2 ** 32 + 1])
    expect(refusal(() => random.below(limit))?.code).toBe('INVALID_ARGUMENT')
})

test('what is no whole number is no seed', () => {
  for (const seed of [NaN, Infinity, 0.5, undefined, '7'])
    expect(refusal(() => seededRandom(seed as never))?.code).toBe('INVALID_ARGUMENT')
  expect(draw(seededRandom(-7))).not.toEqual(draw(seededRandom(7)))
})

test('picks and probabilities follow the stream', () => {
  const random = seededRandom(4)
  expect(new Set(Array.from({ length: 50 }, () => pick(random, ['a', 'b'])))).toEqual(new Set(['a', 'b']))
  expect(happens(random, 0)).toBe(false)
  expect(happens(random, 1)).toBe(true)
  expect(() => pick(random, [])).toThrow()
})

test('a sample has as many items as asked for, each at most once and in order, and every item as often', () => {
  const random = seededRandom(5)
  const items = Array.from({ length: 10 }, (_, i) => i)
  const counts = items.map(() => 0)
  for (let i = 0; i < 2000; i++) {
    const chosen = sample(random, items, 3)
    expect(chosen).toHaveLength(3)
    expect(chosen).toEqual([...new Set(chosen)].toSorted((a, b) => a - b))
    for (const item of chosen) counts[item]!++
  }
  // 600 each, give or take five standard deviations.
  for (const count of counts) expect(Math.abs(count - 600)).toBeLessThan(105)
  expect(sample(random, items, 10)).toEqual(items)
  expect(sample(random, items, 11)).toEqual(items)
  expect(sample(random, items, 0)).toEqual([])
})
