/** What coverage passes over is little, and has its reasons. */
import { expect, test } from 'vitest'
import { filesBelow } from '../house/source.ts'
import { passedOver } from './passed-over.ts'

/** Each place more is one that no test will ever see break. */
const PLACES_MAX = 5

test('few places are passed over, each with its reason, and none where all branches are to be taken', () => {
  const places = passedOver(filesBelow('src', '.ts'))
  expect(places.length).toBeLessThanOrEqual(PLACES_MAX)
  expect(places.filter(({ reason }) => reason === '')).toEqual([])
  expect(places.filter(({ path }) => /^src\/(?:base|time|storage|history)\//.test(path))).toEqual([])
})

test('a place is found in every notation, with the reason that it gives', () => {
  const file = (text: string) => ({ path: 'src/base/a.ts', text })
  const reasons = (text: string) => passedOver([file(text)]).map(({ line, reason }) => [line, reason])
  expect(reasons('a\n/* v8 ignore next -- @preserve why not */\nb')).toEqual([[2, 'why not']])
  expect(reasons('/* v8 ignore next */')).toEqual([[1, '']])
  expect(reasons('/* istanbul ignore else */')).toEqual([[1, '']])
  expect(reasons('/* c8 ignore start -- @preserve x */\n/* c8 ignore stop */')).toEqual([[1, 'x']])
})
