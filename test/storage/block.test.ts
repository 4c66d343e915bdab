/** Blocks: searched in place like the array they were made of; damage is refused or stays inside. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FormatError } from '../../src/base/binary.ts'
import { ByteCopies, bytesOfText } from '../../src/base/bytes.ts'
import { Block, BlockBuilder, NOTHING } from '../../src/storage/block.ts'
import { BlockVersions, eachOf } from '../../src/storage/version-batch.ts'
import { VersionSpan } from '../../src/storage/version-span.ts'
import { type KeyedVersion, type Version } from '../../src/storage/version.ts'
import { SoughtKey } from '../../src/storage/sought-key.ts'
import { MAX_TIME } from '../../src/time/hybrid-time.ts'
import { stretch } from '../../src/time/stretches.ts'
import { holds } from '../time/property.ts'
import {
  KEYS,
  LAST_TICK,
  PROBES,
  allShown,
  compareKeys,
  keysOf,
  newestOf,
  shown,
  sortedVersions,
  tick,
  version,
  views,
} from './samples.ts'

/** Where all keys of a block are, it knows where each stands without looking. */
const EQUALLY_LONG = KEYS.filter(({ length }) => length === 2)

function blockOf(versions: readonly KeyedVersion[]): Uint8Array {
  const builder = new BlockBuilder()
  for (const [i, each] of versions.entries()) {
    builder.add(each.key, each, i === 0 || compareKeys(versions[i - 1]!.key, each.key) !== 0)
  }
  expect(builder.versionCount).toBe(versions.length)
  const size = builder.bytes
  const bytes = builder.finish()
  expect(bytes.length).toBe(size)
  expect(builder.versionCount).toBe(0)
  return bytes
}

function repeated(bytes: Uint8Array, times: number): Uint8Array {
  return Uint8Array.from({ length: bytes.length * times }, (_, i) => bytes[i % bytes.length]!)
}

function* versionsOf(block: Block): Generator<KeyedVersion> {
  for (let k = 0; k < block.keyCount; k++) {
    for (let v = block.versionsFrom(k); v < block.versionsTo(k); v++) {
      expect(block.timeAt(v)).toBe(block.versionAt(v).time)
      yield { key: block.keyAt(k), ...block.versionAt(v) }
    }
  }
}

describe('a block', () => {
  test('holds the versions it was made of, each key once', () => {
    holds(
      fc.property(sortedVersions(), (versions) => {
        const block = new Block(blockOf(versions))
        expect(allShown(versionsOf(block))).toEqual(allShown(versions))
        expect(block.keyCount).toBe(keysOf(versions).length)
        expect(block.versionCount).toBe(versions.length)
      }),
    )
  })

  test('hands out copies of any versions of a key, together or, where they are large, one by one', () => {
    holds(
      fc.property(sortedVersions(), fc.constantFrom(1, 1000), (versions, factor) => {
        // A thousand times as large, the values of most keys do not fit into one copy.
        const large = versions.map((each) => ({ ...each, value: each.value && repeated(each.value, factor) }))
        const bytes = blockOf(large)
        const block = new Block(bytes)
        const copies = new ByteCopies()
        const expected: string[] = []
        const found: Version[] = []
        for (let k = 0; k < block.keyCount; k++) {
          const [from, to] = [block.versionsFrom(k), block.versionsTo(k)]
          for (const [first, end] of [
            [from, to],
            [from, to - 1],
            [from + 1, to],
          ] as const) {
            const some = Array.from({ length: end - first }, (_, v) => shown(block.versionAt(first + v)))
            expected.push(...some, ...some.toReversed())
            for (const order of ['newest first', 'oldest first'] as const)
              if (first < end) found.push(...eachOf(new BlockVersions(block, first, end, { order, copies })))
          }
        }
        bytes.fill(0)
        expect(found.map(shown)).toEqual(expected)
      }),
      50,
    )
  })

  test('finds the first key at or above any key, and any key that it has', () => {
    holds(
      fc.property(fc.oneof(sortedVersions(), sortedVersions({ keys: EQUALLY_LONG })), (versions) => {
        const block = new Block(blockOf(versions))
        const keys = keysOf(versions)
        for (const probe of PROBES) {
          const at = keys.findIndex((key) => compareKeys(key, probe) >= 0)
          expect(block.findKey(new SoughtKey(probe))).toBe(at === -1 ? keys.length : at)
          const isThere = at !== -1 && compareKeys(keys[at]!, probe) === 0
          expect(block.indexOf(new SoughtKey(probe))).toBe(isThere ? at : -1)
          for (const [i, key] of keys.entries())
            expect(Math.sign(block.compareKeyAt(i, new SoughtKey(probe)))).toBe(compareKeys(key, probe))
        }
      }),
    )
  })

  test('finds the first version of a key at or before any time', () => {
    holds(
      fc.property(sortedVersions(), (versions) => {
        const block = new Block(blockOf(versions))
        for (const [k, key] of keysOf(versions).entries()) {
          const own = versions.filter((each) => compareKeys(each.key, key) === 0)
          for (let time = 0; time <= LAST_TICK + 1; time++) {
            const expected = own.find((each) => each.time <= tick(time))
            const found = block.findTime(k, tick(time))
            const isThere = found < block.versionsTo(k)
            expect(isThere ? shown(block.versionAt(found)) : '-').toBe(shown(expected))
          }
        }
      }),
      40,
    )
  })

  test('compares times as unsigned 64-bit numbers', () => {
    const times = [
      MAX_TIME,
      2n ** 63n,
      2n ** 63n - 1n,
      2n ** 53n + 1n,
      2n ** 53n,
      2n ** 32n,
      2n ** 32n - 1n,
      1n,
    ]
    const versions = times.map((time) => ({ ...version('k', 1, 'v'), time: time as KeyedVersion['time'] }))
    const block = new Block(blockOf(versions))
    for (const [i, { time }] of versions.entries()) expect(block.findTime(0, time)).toBe(i)
    expect(block.findTime(0, tick(0))).toBe(times.length)
    const span = new VersionSpan()
    for (const [i] of times.entries()) {
      block.locateVersion(i, span)
      for (const [j, { time }] of versions.entries()) expect(span.isAfter(time)).toBe(i < j)
    }
  })

  test('tells an empty value from a tombstone', () => {
    const versions = [version('k', 3), version('k', 2, ''), version('k', 1)]
    expect(allShown(versionsOf(new Block(blockOf(versions))))).toEqual(allShown(versions))
  })

  test('says beforehand how much a version adds at most', () => {
    holds(
      fc.property(sortedVersions(), (versions) => {
        const bound = versions.reduce((sum, each) => sum + BlockBuilder.bytesOf(each.key, each), 8)
        expect(blockOf(versions).length).toBeLessThanOrEqual(bound)
      }),
    )
  })
})

describe('bytes that are no block', () => {
  /** Walks over all there is; everything it returns must lie inside the block. */
  function walk(bytes: Uint8Array): void {
    const block = new Block(bytes)
    for (const each of versionsOf(block)) {
      expect(each.key.buffer).toBe(bytes.buffer)
      expect(each.key.byteOffset + each.key.length).toBeLessThanOrEqual(bytes.byteOffset + bytes.length)
      expect((each.value?.byteOffset ?? 0) + (each.value?.length ?? 0)).toBeLessThanOrEqual(
        bytes.byteOffset + bytes.length,
      )
    }
    for (const probe of PROBES) {
      const k = block.findKey(new SoughtKey(probe))
      expect(k).toBeLessThanOrEqual(block.keyCount)
      if (k < block.keyCount) expect(block.findTime(k, tick(7))).toBeLessThanOrEqual(block.versionsTo(k))
    }
  }

  /** Refused as no block, or a block to its last byte; nothing else may happen. */
  function isRefusedOrInside(bytes: Uint8Array): boolean {
    // Behind it stands what must not be reached.
    const around = new Uint8Array(bytes.length + 64).fill(0xee)
    around.set(bytes, 32)
    try {
      walk(around.subarray(32, 32 + bytes.length))
      return false
    } catch (error) {
      if (!(error instanceof FormatError)) throw error
      return true
    }
  }

  test('arbitrary bytes are refused, or never lead outside', () => {
    holds(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        isRefusedOrInside(bytes)
      }),
      150,
    )
  })

  test('a block with bytes changed is refused, or never leads outside', () => {
    const mutation = fc.tuple(
      fc.nat(),
      fc.constantFrom(0, 1, 0x7f, 0x80, 0xff, 0x10, 0x40),
      fc.constantFrom('set', 'flip'),
    )
    let refused = 0
    holds(
      fc.property(
        sortedVersions({ maxLength: 12 }),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        (versions, mutations) => {
          const bytes = blockOf(versions)
          for (const [place, byte, how] of mutations) {
            const at = place % bytes.length
            bytes[at] = how === 'set' ? byte : bytes[at]! ^ (byte || 1)
          }
          if (isRefusedOrInside(bytes)) refused++
        },
      ),
      150,
    )
    expect(refused).toBeGreaterThan(100)
  })

  test('every cut, and every byte too many, is refused', () => {
    const bytes = blockOf([version('a', 2, 'two'), version('a', 1), version('b', 9, 'nine')])
    for (let length = 0; length < bytes.length; length++)
      expect(() => new Block(bytes.subarray(0, length))).toThrow(FormatError)
    expect(() => new Block(Uint8Array.from([...bytes, 0]))).toThrow(FormatError)
  })

  test('nothing at all is refused', () => {
    expect(() => new Block(new Uint8Array(8))).toThrow(FormatError)
  })

  // Three keys of one version each. Ends of keys stand at 8, of their versions at 20, of values at 56.
  test.each([
    ['key ends that fall', 8, [3, 2, 3]],
    ['key ends that fall below the first', 8, [2, 1, 3]],
    ['a key without a version', 20, [1, 1, 3]],
    ['versions that end before they begin', 20, [2, 1, 3]],
    ['versions that are left over', 20, [1, 2, 2]],
    ['value ends that fall', 56, [5, 4, 6]],
    ['values that end beyond the block', 56, [2, 4, 7]],
    ['values that end before the block does', 56, [2, 4, 5]],
  ])('%s are refused', (_, at, ends) => {
    const bytes = blockOf([version('a', 1, '11'), version('b', 1, '22'), version('c', 1, '33')])
    const view = new DataView(bytes.buffer)
    expect([8, 20, 56].map((place) => [0, 4, 8].map((i) => view.getUint32(place + i, true)))).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [2, 4, 6],
    ])
    for (const [i, end] of ends.entries()) view.setUint32(at + 4 * i, end, true)
    expect(() => new Block(bytes)).toThrow(FormatError)
  })

  test.each([
    ['no key', 0, 0],
    ['more keys than versions', 3, 2],
    ['more keys than bytes', 0xffff_ffff, 3],
    ['more versions than bytes', 2, 0xffff_ffff],
  ])('%s is refused', (_, keys, versions) => {
    const bytes = blockOf([version('a', 2, 'two'), version('a', 1), version('b', 9, 'nine')])
    const view = new DataView(bytes.buffer)
    view.setUint32(0, keys, true)
    view.setUint32(4, versions, true)
    expect(() => new Block(bytes)).toThrow(FormatError)
  })
})

test('a block finds each of more keys than are fetched together', () => {
  const names = Array.from({ length: 200 }, (_, i) => `key number ${String(i).padStart(4, '0')}`)
  const block = new Block(blockOf(names.map((name) => version(name, 1))))
  expect(names.map((name) => block.indexOf(new SoughtKey(bytesOfText(name))))).toEqual(names.map((_, i) => i))
  expect(block.indexOf(new SoughtKey(bytesOfText('key number 0000 and more')))).toBe(NOTHING)
})

test('a block finds the newest version of a key, whichever one it is told to look behind first', () => {
  const versions = sortedVersions()
  holds(
    fc.property(versions, views, (some, view) => {
      const block = new Block(blockOf(some))
      for (let k = 0; k < block.keyCount; k++) {
        const expected = block.newestIn(k, view)
        for (let v = block.versionsFrom(k); v < block.versionsTo(k); v++)
          expect(block.newestBehind(k, v, view)).toBe(expected)
      }
    }),
  )
})

test.each([1, 2, 3, 32, 33])(
  'a block finds what shows of all keys together, each with %i versions',
  (count) => {
    const names = ['a', 'b', 'c']
    const oldest = 3
    const times = Array.from({ length: count }, (_, i) => oldest + count - 1 - i)
    const versions = names.flatMap((name) => times.map((time) => version(name, time, `${name}${time}`)))
    const block = new Block(blockOf(versions))
    const newest = names.map(() => NOTHING)
    const ends = Array.from({ length: oldest + count + 1 }, (_, end) => end)
    for (const [after, through] of ends.flatMap((end) => [
      [0, end + 1],
      [end, oldest + count + 1],
      [end, end + 2],
    ]))
      for (const from of names.keys()) {
        const view = stretch(tick(after!), tick(through!))
        block.allNewestIn(from, view, newest.fill(NOTHING))
        const found = newest.map((at) => (at === NOTHING ? '-' : shown(block.versionAt(at))))
        const expected = names.map((name, i) =>
          i < from ? '-' : shown(newestOf(versions, bytesOfText(name), view)),
        )
        expect(found).toEqual(expected)
      }
    for (const from of names.keys()) {
      block.allNewest(from, newest.fill(NOTHING))
      expect([...newest]).toEqual(names.map((_, i) => (i < from ? NOTHING : i * count)))
    }
  },
)
