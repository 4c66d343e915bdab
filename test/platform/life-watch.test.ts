/** Signs of life: silence counts while one looks, and only then. */
import { expect, test } from 'vitest'
import { LifeWatch } from '../../src/platform/life-watch.ts'

const SILENCE_MS = 10_000

/** The first of some looks that gives up one who never beats, from 1; `undefined` if none does. */
function lookThatGivesUp(timesMs: readonly number[]): number | undefined {
  const watch = new LifeWatch(SILENCE_MS)
  watch.begin(0)
  const at = timesMs.findIndex((nowMs) => watch.look(0, nowMs) !== undefined)
  return at < 0 ? undefined : at + 1
}

/** So many times, so far apart. */
function every(stepMs: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => stepMs * (i + 1))
}

test('one who is silent for too long while one looks is given up, and not before', () => {
  expect(lookThatGivesUp(every(50, 200))).toBeUndefined()
  expect(lookThatGivesUp(every(50, 1000))).toBe(201)
})

test('who beats is never given up, however slowly', () => {
  const watch = new LifeWatch(SILENCE_MS)
  watch.begin(0)
  for (const nowMs of every(50, 10_000))
    expect(watch.look(Math.floor(nowMs / 9000), nowMs), String(nowMs)).toBeUndefined()
})

test('a pause of the whole process is no silence, however long it was', () => {
  const watch = new LifeWatch(SILENCE_MS)
  watch.begin(0)
  expect(watch.look(1, 50)).toBeUndefined()
  const resumedMs = 3_600_000
  expect(watch.look(1, resumedMs)).toBeUndefined()
  for (let waitedMs = 50; waitedMs <= SILENCE_MS / 2; waitedMs += 50)
    expect(watch.look(1, resumedMs + waitedMs)).toBeUndefined()
  expect(watch.look(2, resumedMs + SILENCE_MS)).toBeUndefined()
})

test('one who is dead is given up after a few looks, however rare they are', () => {
  for (const stepMs of [2000, 60_000, 3_600_000]) expect(lookThatGivesUp(every(stepMs, 100))).toBe(11)
})

test('a new job begins the watch anew', () => {
  const watch = new LifeWatch(SILENCE_MS)
  watch.begin(0)
  for (const nowMs of every(50, 150)) expect(watch.look(0, nowMs)).toBeUndefined()
  watch.begin(7500)
  for (const nowMs of every(50, 150)) expect(watch.look(0, 7500 + nowMs)).toBeUndefined()
})
