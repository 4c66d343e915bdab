/** A diff has the keys whose values differ, whether both sides lie in one tablet or in two. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ALL_KEYS } from '../../src/base/key-range.ts'
import { type RangeVersions, differences } from '../../src/history/diff.ts'
import { type KeyedVersion } from '../../src/storage/version.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { contains } from '../../src/time/stretches.ts'
import { compareKeys, keysOf, newestOf, sortedVersions, tick, views } from '../storage/samples.ts'
import { holds } from '../time/property.ts'

/** The versions of a tablet, by looking at all of them. Those after `cut` lie in one place, the others in another. */
function rangeVersions(versions: readonly KeyedVersion[], cut: HybridTime): RangeVersions {
  return {
    find: (key, view) => newestOf(versions, key, view),
    newestVersions: (_, view, direction) => {
      const keys = keysOf(versions.filter(({ time }) => contains(view, time)))
      if (direction === 'reverse') keys.reverse()
      let at = -1
      return {
        step: () => ++at < keys.length,
        get key() {
          return keys[at]!
        },
        get version() {
          return newestOf(versions, this.key, view)!
        },
        newestBeside(other) {
          const isBeside = ({ time }: KeyedVersion) => time > cut === this.version.time > cut
          return newestOf(versions.filter(isBeside), this.key, other)
        },
      }
    },
  }
}

const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString('hex')

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
          const [old, now] = [before.versions.find(key, a)?.value, after.versions.find(key, b)?.value]
          return hex(old) === hex(now) ? [] : [[hex(key), hex(old), hex(now)]]
        })
        const found = Array.from(differences(before, after, ALL_KEYS, direction), ([each]) => {
          return [hex(each!.key), hex(each!.before?.value), hex(each!.after?.value)]
        })
        expect(found).toEqual(expected)
      },
    ),
    200,
  )
})
