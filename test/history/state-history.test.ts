/** State history is the changes of what a key shows, whatever was collected, over restores and undos too. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { StateHistory } from '../../src/history/state-history.ts'
import { type Stretches, closedStretch, intersection, stretch } from '../../src/time/stretches.ts'
import { tick } from '../storage/samples.ts'
import { holds } from '../time/property.ts'
import {
  LAST,
  type Life,
  changeText,
  collected,
  keyVersions,
  lifeOf,
  lives,
  plainChanges,
  readableSets,
} from './samples.ts'

const always = stretch(tick(0), tick(LAST + 10))

function changes(
  life: Life,
  times: Stretches,
  versions = life.versions,
  order: 'oldest first' | 'newest first' = 'oldest first',
) {
  const history = new StateHistory(keyVersions(versions), life.generations, times, order)
  const found: string[] = []
  while (history.step()) found.push(changeText(history))
  return found
}

test('the worked example of the design: puts, a restore and its undo', () => {
  const put = { do: 'put' } as const
  const none = { do: 'nothing' } as const
  // Created at 1; puts at 2, 4 and 6; put back to 3 at 7; undone at 9.
  const events = [put, none, put, none, put, { do: 'restore', to: 3 }, none, { do: 'undo', to: 6 }] as const
  expect(changes(lifeOf(events), always)).toEqual([
    '2: 0@2 commit',
    '4: 2@4 commit',
    '6: 4@6 commit',
    '7: 0@2 restore',
    '9: 4@6 undo',
  ])
})

test('deleting what is absent is no change; writing the same value once more is one', () => {
  const events = ['delete', 'put', 'put', 'delete', 'delete'].map((what) => ({
    do: what as 'put' | 'delete',
  }))
  expect(changes(lifeOf(events), always).map((text) => text.replace(/ .*@/, ' @'))).toEqual([
    '3: @3 commit',
    '4: @4 commit',
    '5: @5 commit',
  ])
})

test('what shows where readable times begin is an opening; absent it is one only after a value', () => {
  const events = ['put', 'nothing', 'delete', 'nothing', 'put'].map((what) => ({
    do: what as 'put' | 'delete',
  }))
  const life = lifeOf(events)
  const times = [...stretch(tick(2), tick(3)), ...stretch(tick(4), tick(5)), ...stretch(tick(7), tick(9))]
  expect(changes(life, times)).toEqual(['3: 0@2 opening', '5: absent@- opening', '8: 4@6 opening'])
  expect(changes(life, stretch(tick(4), tick(5)))).toEqual([])
})

test('the changes are those of the definition, in both orders, whatever was collected', () => {
  holds(
    fc.property(lives, readableSets, (life, readable) => {
      const expected = plainChanges(life, readable).map(changeText)
      expect(changes(life, readable)).toEqual(expected)
      expect(changes(life, readable, life.versions, 'newest first')).toEqual(expected.toReversed())
      const rest = collected(life, readable)
      expect(changes(life, readable, rest)).toEqual(expected)
      expect(changes(life, readable, rest, 'newest first')).toEqual(expected.toReversed())
    }),
    500,
  )
})

test('a part of the readable times has the changes within it, and an opening', () => {
  const ends = fc.tuple(fc.integer({ min: 1, max: LAST }), fc.integer({ min: 1, max: LAST }))
  holds(
    fc.property(lives, readableSets, ends, (life, readable, [a, b]) => {
      const asked = closedStretch(tick(Math.min(a, b)), tick(Math.max(a, b)))
      const times = intersection(readable, asked)
      const rest = collected(life, readable)
      expect(changes(life, times, rest)).toEqual(plainChanges(life, times).map(changeText))
    }),
  )
})

test('no more versions of a long history are asked for than those of the batch it is in', () => {
  let asked = 0
  const life = lifeOf(Array.from({ length: LAST }, () => ({ do: 'put' }) as const))
  const all = keyVersions(life.versions)
  const counting = {
    ...all,
    *batches(...given: Parameters<typeof all.batches>) {
      for (const versions of all.batches(...given)) {
        asked += versions.count
        yield versions
      }
    },
  }
  for (const order of ['oldest first', 'newest first'] as const) {
    asked = 0
    let found = 0
    for (const history = new StateHistory(counting, life.generations, always, order); history.step();) {
      found++
      // The batches of these versions have three at most.
      expect(asked - found).toBeLessThan(3)
    }
    expect(found).toBe(LAST)
  }
})
