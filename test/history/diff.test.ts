/** A diff has the keys whose values differ, whether both sides lie in one tablet or in two. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type ByteSpan, lookAt } from '../../src/base/bytes.ts'
import { ALL_KEYS } from '../../src/base/key-range.ts'
import { type RangeVersions, differences } from '../../src/history/diff.ts'
import { FoundRow } from '../../src/storage/found-rows.ts'
import { type KeyedVersion } from '../../src/storage/version.ts'
import { VersionSpan } from '../../src/storage/version-span.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { type Stretches, contains } from '../../src/time/stretches.ts'
import {
  compareKeys,
  keysOf,
  locateAlone,
  newestOf,
  sortedVersions,
  tick,
  views,
} from '../storage/samples.ts'
import { holds } from '../time/property.ts'

/** The versions of a tablet, by looking at all of them. Those after `cut` lie in one place, the others in another. */
function rangeVersions(versions: readonly KeyedVersion[], cut: HybridTime): RangeVersions {
  const locate = (some: readonly KeyedVersion[], key: Uint8Array, view: Stretches, found: VersionSpan) => {
    const newest = newestOf(some, key, view)
    if (newest !== undefined) locateAlone(newest, found)
    return newest !== undefined
  }
  return {
    locate: (key, view, found) => locate(versions, key, view, found),
    newestVersions: (_, view, direction, besideOf) => {
      const keys = keysOf(versions.filter(({ time }) => contains(view, time)))
      if (direction === 'reverse') keys.reverse()
      let at = -1
      const row = new FoundRow()
      return {
        row,
        step() {
          const key = keys[++at]
          if (key === undefined) return false
          const numbers = new DataView(key.buffer, key.byteOffset, key.length)
          Object.assign(row.key, { view: numbers, from: 0, to: key.length })
          locate(versions, key, view, row.version)
          const isBeside = ({ time }: KeyedVersion) => time > cut === row.version.time > cut
          const beside = new VersionSpan()
          const isKnown =
            besideOf !== undefined && locate(versions.filter(isBeside), key, besideOf(row.version), beside)
          row.beside = isKnown ? beside : undefined
          return true
        },
      }
    },
  }
}

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')
const hexOf = (span: ByteSpan | undefined) => span && hex(lookAt(span))

test.each(['forward', 'reverse'] as const)('going %s, by the definition', (direction) => {
  const some = sortedVersions({ minLength: 0 })
  holds(
    fc.property(
      some,
      fc.option(some, { freq: 2 }),
      views,
      views,
      fc.nat({ max: 40 }),
      (versions, others, a, b, cut) => {
        const before = { versions: rangeVersions(versions, tick(cut)), view: a }
        const after = {
          versions: others === null ? before.versions : rangeVersions(others, tick(cut)),
          view: b,
        }
        const keys = keysOf([...versions, ...(others ?? [])]).toSorted(compareKeys)
        if (direction === 'reverse') keys.reverse()
        const expected = keys.flatMap((key) => {
          const [old, now] = [newestOf(versions, key, a)?.value, newestOf(others ?? versions, key, b)?.value]
          return hex(old) === hex(now) ? [] : [[hex(key), hex(old), hex(now)]]
        })
        const found: unknown[] = []
        const each = differences(before, after, ALL_KEYS, direction)
        while (each.step()) found.push([hexOf(each.key), hexOf(each.before), hexOf(each.after)])
        expect(found).toEqual(expected)
      },
    ),
    200,
  )
})
