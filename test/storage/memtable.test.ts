/** The memtable is a sorted map of versions, whatever the order in which keys came and were asked for. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import { bytesOfText } from '../../src/base/bytes.ts'
import { hashOfKey } from '../../src/storage/bloom-filter.ts'
import { type KeySpan } from '../../src/storage/cursor.ts'
import { sortKeys } from '../../src/storage/key-order.ts'
import { Memtable } from '../../src/storage/memtable.ts'
import { type KeyedVersion } from '../../src/storage/version.ts'
import { MAX_TIME, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { stretch } from '../../src/time/stretches.ts'
import { VersionSpan } from '../../src/storage/version-span.ts'
import { SoughtKey } from '../../src/storage/sought-key.ts'
import { holds } from '../time/property.ts'
import { expectCursor } from './cursor-check.ts'
import {
  allShown,
  compareVersions,
  KEYS,
  located,
  newestOf,
  PROBES,
  shown,
  sortedVersions,
  tick,
  version,
  views,
} from './samples.ts'

/** Versions in the order in which they are written: times rise. */
const writes = sortedVersions({ minLength: 0 }).map((all) =>
  all.toSorted((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0)),
)

/** Keys in the order of their numbers. */
const keyOf = (key: number) => Uint8Array.of(key >> 16, key >> 8, key)

function memtableOf(versions: readonly KeyedVersion[]): Memtable {
  const memtable = new Memtable()
  for (const each of versions) memtable.add(each.key, each)
  return memtable
}

describe('a memtable', () => {
  test('gives back every version in order, with counts and bounds', () => {
    holds(
      fc.property(writes, (versions) => {
        const memtable = memtableOf(versions)
        expect(allShown(memtable.versions())).toEqual(allShown(versions.toSorted(compareVersions)))
        expect(memtable.versionCount).toBe(versions.length)
        expect(memtable.minTime).toBe(versions[0]?.time ?? MAX_TIME)
        expect(memtable.maxTime).toBe(versions.at(-1)?.time ?? MIN_TIME)
      }),
    )
  })

  test('finds the newest version of a key in any view', () => {
    holds(
      fc.property(writes, views, (versions, view) => {
        const memtable = memtableOf(versions)
        for (const probe of PROBES)
          expect(shown(located((found) => memtable.locate(new SoughtKey(probe), view, found)))).toBe(
            shown(newestOf(versions, probe, view)),
          )
      }),
      300,
    )
  })

  test.each(['forward', 'reverse'] as const)('a %s cursor stands where the list does', (direction) => {
    holds(
      fc.property(writes, views, fc.integer({ min: 1, max: 3 }), (versions, view, every) => {
        expectCursor(memtableOf(versions).cursor(view, direction), direction, versions, view, every)
      }),
      50,
    )
  })

  test('puts thousands of keys in order each of which begins with the one before, with little of the stack left', () => {
    const [count, step] = [4500, 3]
    const view = new DataView(new ArrayBuffer(count * step))
    const prefixes = {
      locateKey: (key: number, span: KeySpan) => Object.assign(span, { view, from: 0, to: key * step }),
    }
    const keys = Uint32Array.from({ length: count }, (_, i) => (i * 7) % count)
    const deepest = (depth: number): number => {
      try {
        return deepest(depth + 1)
      } catch {
        return depth
      }
    }
    const sortAt = (depth: number): void => {
      if (depth > 0) sortAt(depth - 1)
      else sortKeys(keys, prefixes)
    }
    sortAt(Math.floor(0.8 * deepest(0)))
    expect(keys.every((key, i) => key === i)).toBe(true)
  })

  test('is in order after every write, asked for at any time in between', () => {
    const script = fc.array(
      fc.oneof(
        fc.nat({ max: KEYS.length - 1 }),
        fc.constantFrom('list' as const, 'forward' as const, 'reverse' as const),
      ),
      { maxLength: 60 },
    )
    holds(
      fc.property(script, views, (steps, view) => {
        const memtable = new Memtable()
        const written: KeyedVersion[] = []
        for (const step of steps) {
          if (typeof step === 'number') {
            const each = { key: KEYS[step]!, time: tick(written.length + 1), value: Uint8Array.of(step) }
            memtable.add(each.key, each)
            written.push(each)
          } else if (step === 'list') {
            expect(allShown(memtable.versions())).toEqual(allShown(written.toSorted(compareVersions)))
          } else expectCursor(memtable.cursor(view, step), step, written, view)
        }
      }),
      20,
    )
  })

  test('takes in new keys among those in order, few or many, at either end and between any two', () => {
    const part = fc.uniqueArray(fc.nat({ max: 300 }), { maxLength: 200 })
    holds(
      fc.property(fc.array(part, { maxLength: 5 }), (parts) => {
        const memtable = new Memtable()
        const known = new Set<number>()
        for (const key of parts.flatMap((numbers) => [...numbers, -1])) {
          if (key >= 0 && !known.has(key)) memtable.add(keyOf(key), version('', known.add(key).size, ''))
          if (key >= 0) continue
          const inOrder = Array.from(memtable.versions(), (each) => each.key)
          expect(inOrder).toEqual([...known].toSorted((a, b) => a - b).map(keyOf))
        }
      }),
      200,
    )
  })

  test('grows by what it is given, at least', () => {
    holds(
      fc.property(writes, (versions) => {
        const bytes = versions.reduce((sum, each) => sum + (each.value?.length ?? 0), 0)
        expect(memtableOf(versions).bytes).toBeGreaterThanOrEqual(bytes)
      }),
    )
    expect(new Memtable().bytes).toBe(0)
  })

  test('tells keys of one hash apart', () => {
    const [a, b] = [bytesOfText('k15599'), bytesOfText('k97211')]
    expect(hashOfKey(b)).toBe(hashOfKey(a))
    const all = stretch(MIN_TIME, MAX_TIME)
    const memtable = memtableOf([version('k15599', 1, 'a')])
    expect(memtable.locate(new SoughtKey(b), all, new VersionSpan())).toBe(false)
    memtable.add(b, version('k97211', 2, 'b'))
    expect(
      [a, b].map((key) => shown(located((found) => memtable.locate(new SoughtKey(key), all, found)))),
    ).toEqual([version('', 1, 'a'), version('', 2, 'b')].map(shown))
  })

  test('refuses a version that is not newer than all of its key', () => {
    const memtable = memtableOf([version('a', 5, 'x'), version('b', 9, 'y')])
    expect(() => memtable.add(bytesOfText('a'), version('a', 5))).toThrow(AssertionError)
    expect(() => memtable.add(bytesOfText('a'), version('a', 4))).toThrow(AssertionError)
    memtable.add(bytesOfText('a'), version('a', 6))
  })
})
