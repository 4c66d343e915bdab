import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Generation, endOf, firstGeneration, generationAt, viewAsOf } from '../../src/history/lineage.ts'
import { type HybridTime, MAX_TIME } from '../../src/time/hybrid-time.ts'
import { stretch } from '../../src/time/stretches.ts'
import { holds } from '../time/property.ts'
import { StateHistory, steps } from './states.ts'

const at = (tick: number) => BigInt(tick) as HybridTime

/** The worked example of the design: puts a@1, a@3, a@5; back to 2 at 6; put b@7; undone at 8. */
const created = firstGeneration([1], at(1))
const first: Generation = { ...created, end: at(5) }
const restored: Generation = {
  tablets: [1],
  base: viewAsOf(first, at(2)),
  from: at(5),
  start: at(6),
  end: at(7),
  cause: 'restore',
}
const undone: Generation = {
  tablets: [1],
  base: viewAsOf(first, at(5)),
  from: at(7),
  start: at(8),
  cause: 'undo',
}
const generations = [first, restored, undone]
const written = [
  { key: 'a', time: 1 },
  { key: 'a', time: 3 },
  { key: 'a', time: 5 },
  { key: 'b', time: 7 },
]

/** What a read as of a tick shows, as `key@time`. */
function read(tick: number): readonly string[] {
  const view = viewAsOf(generationAt(generations, at(tick))!, at(tick))
  const inView = written.filter(({ time }) =>
    view.some(({ after, through }) => after < time && time <= through),
  )
  const newest = new Map(inView.map(({ key, time }) => [key, time]))
  return [...newest].map(([key, time]) => `${key}@${time}`)
}

describe('the worked example', () => {
  test.each([
    [1, ['a@1']],
    [2, ['a@1']],
    [3, ['a@3']],
    [4, ['a@3']],
    [5, ['a@5']],
    [6, ['a@1']],
    [7, ['a@1', 'b@7']],
    [8, ['a@5']],
    [9, ['a@5']],
  ])('as of %i it shows %j', (tick, expected) => {
    expect(read(tick)).toEqual(expected)
  })

  test('the views are those of the drawing', () => {
    expect(viewAsOf(restored, at(6))).toEqual([...stretch(at(0), at(2)), ...stretch(at(5), at(6))])
    expect(viewAsOf(undone, at(9))).toEqual([...stretch(at(0), at(5)), ...stretch(at(7), at(9))])
  })

  test('what came before a lineage goes on is its base, whole', () => {
    expect(viewAsOf(restored, at(5))).toEqual(restored.base)
    expect(viewAsOf(restored, at(1))).toEqual(restored.base)
  })
})

test('a table is seen from its creation on', () => {
  expect(generationAt([created], at(0))).toBeUndefined()
  expect(generationAt([created], at(1))).toBe(created)
  expect(viewAsOf(created, at(1))).toEqual(stretch(at(0), at(1)))
})

test('a generation ends where it says, or not at all', () => {
  expect(endOf(first)).toBe(at(5))
  expect(endOf(undone)).toBe(MAX_TIME)
  expect(generationAt(generations, at(5))).toBe(first)
  expect(generationAt(generations, at(6))).toBe(restored)
  expect(generationAt(generations, MAX_TIME)).toBe(undone)
})

test('two generations at one time are a bug', () => {
  expect(() => generationAt([created, { ...restored, start: at(3) }], at(4))).toThrow(/one generation/)
})

test('a restore shows what was true as of its target, and reads of undone stretches what was true then', () => {
  let restores = 0
  holds(
    fc.property(steps, (list) => {
      const history = new StateHistory()
      for (const step of list) if (step.do !== 'install') history.carryOut(step)
      for (const tick of history.readableTicks)
        for (const key of [0, 1]) expect(history.read(tick, key)).toBe(history.expected(tick, key))
      restores += history.restores
    }),
    150,
  )
  expect(restores).toBeGreaterThan(500)
})
