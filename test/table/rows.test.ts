/** Rows are handed out as by a generator: made when they are asked for, and their source closed whatever the end is. */
import { expect, test } from 'vitest'
import { Rows } from '../../src/table/rows.ts'

/** Counts to `last`, and notes what is asked of it. */
function counterTo(last: number) {
  let at = 0
  const asked = { steps: 0, closed: 0 }
  const source = {
    step: () => {
      asked.steps++
      return ++at <= last
    },
    close: () => void asked.closed++,
  }
  const rows = (limit: number, make = () => at) => new Rows(source, limit, make)
  return { asked, rows }
}

test('rows come to the end of their source, which is closed then', () => {
  const { asked, rows } = counterTo(3)
  expect([...rows(Infinity)]).toEqual([1, 2, 3])
  expect(asked).toEqual({ steps: 4, closed: 1 })
})

test('no row is stepped to beyond the limit; with none, the source is never asked', () => {
  const { asked, rows } = counterTo(3)
  expect([...rows(2)]).toEqual([1, 2])
  expect(asked).toEqual({ steps: 2, closed: 1 })
  const { asked: none, rows: noRows } = counterTo(3)
  expect([...noRows(0)]).toEqual([])
  expect(none).toEqual({ steps: 0, closed: 1 })
})

test('whoever leaves early closes the source and gets nothing more', () => {
  const { asked, rows } = counterTo(3)
  const some = rows(Infinity)
  for (const row of some) if (row === 1) break
  expect(asked).toEqual({ steps: 1, closed: 1 })
  expect(some.next()).toEqual({ done: true, value: undefined })
  expect(asked.steps).toBe(1)
})

test('an error of a row ends the rows and closes the source', () => {
  const { asked, rows } = counterTo(3)
  const some = rows(Infinity, () => {
    throw new Error('damaged')
  })
  expect(() => some.next()).toThrow('damaged')
  expect(asked).toEqual({ steps: 1, closed: 1 })
  expect(some.next().done).toBe(true)
})

test('rows have whatever the language gives to generators', () => {
  const root = (object: object): unknown => Object.getPrototypeOf(Object.getPrototypeOf(object))
  const generator = (function* () {})()
  expect(root(new Rows({ step: () => false, close: () => undefined }, 1, () => 1))).toBe(
    Object.getPrototypeOf(root(generator) as object),
  )
})
