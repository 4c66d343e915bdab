/** The merging cursor is one cursor over the union of its sources, the newer source winning. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Direction, type KeyCursor, MergingCursor } from '../../src/storage/cursor.ts'
import { MAX_TIME, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { Memtable } from '../../src/storage/memtable.ts'
import { RunCursor } from '../../src/storage/run-cursor.ts'
import { type Stretches, stretch } from '../../src/time/stretches.ts'
import { type KeyedVersion } from '../../src/storage/version.ts'
import { GEOMETRIES } from '../../src/storage/geometry.ts'
import { holds } from '../time/property.ts'
import { expectCursor } from './cursor-check.ts'
import {
  KEYS,
  compareKeys,
  newestAt,
  newestOf,
  shown,
  smallGeometry,
  sortedVersions,
  tableFiles,
  tick,
  version,
  views,
  writeTable,
} from './samples.ts'

/**
 * Cuts versions into sources as a tree has them: for one key, every version in an earlier source is newer
 * than every one in a later source. The first is a memtable, the others are tables.
 */
const sources = fc.tuple(sortedVersions({ minLength: 0 }), fc.array(fc.nat({ max: 40 }), { maxLength: 4 }))

function cursorOver(
  versions: readonly KeyedVersion[],
  cuts: readonly number[],
  view: Stretches,
  direction: Direction,
): KeyCursor {
  const borders = [Infinity, ...new Set(cuts.toSorted((a, b) => b - a)), 0]
  const parts = borders
    .slice(1)
    .map((low, i) => versions.filter(({ time }) => time > tick(low) && Number(time) <= borders[i]!))
  const memtable = new Memtable()
  for (const each of parts[0]!.toReversed()) memtable.add(each.key, each)
  const tables = tableFiles()
  const open = (number: number) => tables.open(number)
  const runs = parts
    .slice(1)
    .map((part, i) => (part.length === 0 ? [] : [writeTable(tables, i + 1, part)]))
    .map((run) => new RunCursor(open, run, view, direction))
  return new MergingCursor([memtable.cursor(view, direction), ...runs], direction)
}

describe.each(['forward', 'reverse'] as const)('a %s cursor over many sources', (direction) => {
  test('stands where the list of all versions does', () => {
    holds(
      fc.property(sources, views, fc.integer({ min: 1, max: 3 }), ([versions, cuts], view, every) => {
        expectCursor(cursorOver(versions, cuts, view, direction), direction, versions, view, every)
      }),
      25,
    )
  })

  test('gives keys in their order, where each source has many in a row', () => {
    const rows = fc.array(
      fc.record({ time: fc.integer({ min: 1, max: 30 }), keys: fc.integer({ min: 1, max: 9 }) }),
    )
    holds(
      fc.property(rows, (each) => {
        const times = each.flatMap(({ time, keys }) => Array.from({ length: keys }, () => time))
        const versions = times.map((time, i) => version(`k${String(i).padStart(3, '0')}`, time))
        expectCursor(
          cursorOver(versions, [10, 20], stretch(MIN_TIME, MAX_TIME), direction),
          direction,
          versions,
          stretch(MIN_TIME, MAX_TIME),
        )
      }),
      25,
    )
  })

  test('shows what the list does, however many versions the keys of a block have', () => {
    // The same keys in blocks that hold all of them, and in blocks of a few versions each.
    const geometries = fc.constantFrom(GEOMETRIES.default, smallGeometry())
    const counts = fc.array(fc.constantFrom(1, 20, 32, 33, 60), { minLength: 1, maxLength: KEYS.length })
    holds(
      fc.property(counts, views, geometries, (each, view, geometry) => {
        const versions = each.flatMap((count, key) =>
          Array.from({ length: count }, (_, i) => {
            const value = i % 3 === 0 ? undefined : `${key} ${i}`
            return { ...version('', count - i, value), key: KEYS[key]! }
          }),
        )
        const tables = tableFiles()
        const meta = writeTable(tables, 1, versions, geometry)
        const cursor = new RunCursor((number) => tables.open(number), [meta], view, direction)
        expectCursor(cursor, direction, versions, view)
      }),
      25,
    )
  })

  test('stands right after any script of seeks and steps', () => {
    const script = fc.array(fc.oneof(fc.constant('advance' as const), fc.uint8Array({ maxLength: 2 })), {
      maxLength: 30,
    })
    holds(
      fc.property(sources, views, script, ([versions, cuts], view, steps) => {
        const cursor = cursorOver(versions, cuts, view, direction)
        const sign = direction === 'forward' ? 1 : -1
        const keys = [...new Map(versions.map((each) => [String(each.key), each.key])).values()]
          .filter((key) => newestOf(versions, key, view) !== undefined)
          .toSorted((a, b) => sign * compareKeys(a, b))
        let at = keys.length
        for (const step of steps) {
          if (step !== 'advance') {
            const isThere = (key: Uint8Array) =>
              direction === 'forward' ? compareKeys(key, step) >= 0 : compareKeys(key, step) < 0
            const found = keys.findIndex(isThere)
            at = found === -1 ? keys.length : found
            cursor.seek(step)
          } else if (at < keys.length) {
            at++
            cursor.advance()
          }
          expect(cursor.key).toEqual(keys[at])
          if (at < keys.length) {
            expect(shown(newestAt(cursor))).toBe(shown(newestOf(versions, keys[at]!, view)))
          }
        }
      }),
      50,
    )
  })
})

test('a cursor over no source has no key', () => {
  const cursor = new MergingCursor([], 'forward')
  cursor.seek(new Uint8Array())
  expect(cursor.key).toBeUndefined()
})
