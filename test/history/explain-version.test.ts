/** Why a version is kept, and until when: each promise by itself, and all of them together. */
import { describe, expect, test } from 'vitest'
import { type ReadablePromise, explainKeeping } from '../../src/history/explain-version.ts'
import { firstGeneration } from '../../src/history/lineage.ts'
import { type Keep } from '../../src/history/readable.ts'
import { MICROS_MAX, hybridTime } from '../../src/time/hybrid-time.ts'
import { stretch, stretchFrom } from '../../src/time/stretches.ts'

const at = (micros: number) => hybridTime(micros)
const value = Uint8Array.of(1)
/** Versions at 10 and 20: the older one is seen from 10 to the tick before 20, which is in microsecond 19. */
const versions = [
  { time: at(20), value },
  { time: at(10), value },
]
const generations = [firstGeneration([1], at(1))]

const window = (keep: Keep, cutoff = 5): ReadablePromise => ({
  ...{ kind: 'window', times: stretchFrom(at(cutoff)), cutoff: at(cutoff), keep },
})
const hold = (expiresMicros?: number): ReadablePromise => ({
  ...{ kind: 'hold', times: stretch(at(11), at(12)), name: 'h', owner: '', reason: '', expiresMicros },
})
const cursor: ReadablePromise = { kind: 'cursor', times: stretch(at(11), at(12)), id: 1, untilMicros: 40 }

const judged = (micros: number, ...promises: readonly ReadablePromise[]) =>
  explainKeeping(generations, promises, versions, at(micros))

describe('a superseded version is kept', () => {
  test.each([
    ['until the window has passed the last time at which it is seen', window(100), 'time', at(120)],
    ['until less than everything is kept', window('forever'), 'retention', undefined],
    ['until less is kept, if the window passes it at no time that there is', window(MICROS_MAX), 'retention'],
    ['until its hold is released', hold(), 'released', undefined],
    ['until its hold runs out', hold(30), 'time', at(30)],
    [
      'until its hold is released, if that runs out at no time that there is',
      hold(MICROS_MAX + 1),
      'released',
    ],
    ['until its cursor is too old', cursor, 'time', at(40)],
    [
      'until its cursor is read, if that is too old at no time that there is',
      { ...cursor, untilMicros: MICROS_MAX + 1 },
      'released',
    ],
  ] as const)('%s', (_, promise, until, from?) => {
    expect(judged(10, promise)).toMatchObject({ verdict: 'kept', keepers: [{ promise, until }] })
    expect(judged(10, promise).canGoFrom).toBe(from)
  })

  test('until the last of all promises has ended, and without an end if one of them has none', () => {
    expect(judged(10, window(100), hold(30)).canGoFrom).toBe(at(120))
    expect(judged(10, hold(30), window(100)).canGoFrom).toBe(at(120))
    expect(judged(10, hold(30), cursor).canGoFrom).toBe(at(40))
    for (const promises of [
      [window(100), hold()],
      [hold(), window(100)],
      [hold(), cursor, window(100)],
    ])
      expect(judged(10, ...promises).canGoFrom).toBeUndefined()
  })
})

test('the newest version is kept by the window until it is superseded', () => {
  expect(judged(20, window(100))).toMatchObject({ verdict: 'kept', keepers: [{ until: 'superseded' }] })
  expect(judged(20, window('forever'))).toMatchObject({ keepers: [{ until: 'retention' }] })
})

describe('a tombstone is kept', () => {
  const ofTombstone = (
    newer: readonly (typeof versions)[number][],
    ...promises: readonly ReadablePromise[]
  ) =>
    explainKeeping(generations, promises, [...newer, { time: at(30), value: undefined }, ...versions], at(30))
  const superseding = [{ time: at(40), value }]

  test('until no value behind it is, though it goes on being seen', () => {
    expect(ofTombstone([], window(100)).canGoFrom).toBe(at(130))
    expect(ofTombstone(superseding, window(100)).canGoFrom).toBe(at(130))
    expect(ofTombstone([], window(100), hold(500)).canGoFrom).toBe(at(500))
    expect(ofTombstone([], window('forever')).canGoFrom).toBeUndefined()
    expect(ofTombstone([], window(100), hold()).canGoFrom).toBeUndefined()
  })

  test('no longer than somebody sees it, though a value behind it is kept', () => {
    for (const held of [hold(), hold(500)])
      expect(ofTombstone(superseding, window(100), held).canGoFrom).toBe(at(140))
  })
})

test('what no promise sees can be dropped', () => {
  expect(judged(10, window(100, 20))).toMatchObject({ verdict: 'droppable', keepers: [] })
})
