/**
 * Versions in an arena: every one is found again at its address, in few steps, by whoever has the memory; keys are put in
 * the order of their bytes.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { equalBytes } from '../../src/base/bytes.ts'
import { Arena } from '../../src/storage/arena.ts'
import { insertKeys, sortKeys } from '../../src/storage/key-order.ts'
import { NONE, PackedVersions } from '../../src/storage/packed-versions.ts'
import { type Version } from '../../src/storage/version.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'
import { compareKeys, shown, tick } from './samples.ts'

const CHUNK = 256 * 1024

test('pieces of an arena do not overlap, are aligned, and may be larger than a chunk', () => {
  const lengths = fc.array(
    fc.oneof(fc.integer({ min: 1, max: 3000 }), fc.constantFrom(CHUNK - 1, CHUNK, CHUNK + 1)),
    {
      maxLength: 40,
    },
  )
  holds(
    fc.property(lengths, (all) => {
      const arena = new Arena()
      const pieces = all.map((length, i) => ({ at: arena.take(length), length, mark: 1 + (i % 255) }))
      for (const { at, length, mark } of pieces) arena.setBytes(at, new Uint8Array(length).fill(mark))
      const again = new Arena(arena.chunks)
      for (const { at, length, mark } of pieces) {
        expect(at % 8).toBe(0)
        const bytes = again.look(at, length)
        expect(bytes.length).toBe(length)
        expect(bytes.every((byte) => byte === mark)).toBe(true)
      }
    }),
    30,
  )
})

test('a value of no bytes is found where its piece is the last one that a chunk has room for', () => {
  // Of a key a piece takes 16 and 32 bytes, of such a version 24: some end where a chunk does.
  for (const length of [1, 20]) {
    const packed = new PackedVersions()
    const versions: number[] = []
    for (let i = 0; packed.memory.chunks.length < 8; i++) {
      const key = packed.addKey(new Uint8Array(length))
      packed.addVersion(key, { time: tick(i), value: new Uint8Array(0) })
      versions.push(packed.newestOf(key))
    }
    const there = new PackedVersions(packed.memory)
    expect(versions.every((at) => there.versionAt(at).value?.length === 0)).toBe(true)
  }
})

test('an arena says when addresses are used up', () => {
  const arena = new Arena(Array.from({ length: 2 ** 14 }, () => new ArrayBuffer(0)))
  expect(() => arena.take(1)).toThrow('an address takes 32 bits')
})

test('the version of a key at any time is the one of a list, here and in a copy of the memory', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 200 })
  holds(
    fc.property(gaps, (all) => {
      const packed = new PackedVersions()
      const key = packed.addKey(Uint8Array.of(7))
      const versions: Version[] = []
      for (const gap of all) {
        const time = tick(Number(versions.at(-1)?.time ?? 0) + gap)
        versions.push({ time, value: gap === 1 ? undefined : Uint8Array.of(gap, versions.length) })
        packed.addVersion(key, versions.at(-1)!)
      }
      const there = new PackedVersions(structuredClone(packed.memory))
      const last = Number(versions.at(-1)!.time)
      for (let time = 0; time <= last + 1; time++) {
        const expected = versions.findLast((each) => each.time <= tick(time))
        for (const each of [packed, there]) {
          const at = each.newestThrough(each.newestOf(key), tick(time))
          expect(shown(at === NONE ? undefined : each.versionAt(at))).toBe(shown(expected))
        }
      }
      expect([...there.keys()]).toEqual([key])
      expect(there.versionCount).toBe(versions.length)
    }),
    30,
  )
})

/** Counts how often a time is asked for. */
class CountingVersions extends PackedVersions {
  asked = 0

  override timeAt(version: number): HybridTime {
    this.asked++
    return super.timeAt(version)
  }
}

test('of a hundred thousand versions of a key any is found in some dozens of steps', () => {
  const packed = new CountingVersions()
  const key = packed.addKey(Uint8Array.of(1))
  const count = 100_000
  for (let i = 1; i <= count; i++) packed.addVersion(key, { time: tick(i), value: undefined })
  for (const time of [1, 2, 777, 50_000, 65_536, 99_999, count]) {
    packed.asked = 0
    const at = packed.newestThrough(packed.newestOf(key), tick(time))
    // A step asks for two times at most, and there are three for each halving at the worst.
    expect(packed.asked).toBeLessThan(2 * 3 * Math.log2(count))
    expect(packed.timeAt(at)).toBe(tick(time))
  }
})

test('an arena has room for a commit as long as three quarters of its addresses are left', () => {
  const chunksOf = (count: number) => Array.from({ length: count }, () => new ArrayBuffer(0))
  expect(new Arena(chunksOf(2 ** 12 - 1)).isRoomy).toBe(true)
  expect(new Arena(chunksOf(2 ** 12)).isRoomy).toBe(false)
})

test('keys are put in the order of their bytes, whatever they have in common', () => {
  const byte = fc.constantFrom(0, 1, 0xff)
  const prefix = fc.constantFrom([], [0, 0, 0, 0], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff])
  const key = fc
    .tuple(prefix, fc.array(byte, { maxLength: 5 }))
    .map(([first, rest]) => Uint8Array.from([...first, ...rest]))
  const keys = fc.uniqueArray(key, { comparator: equalBytes, maxLength: 60 })
  holds(
    fc.property(keys, (all) => {
      const packed = new PackedVersions()
      const at = Uint32Array.from(all, (each) => packed.addKey(each))
      sortKeys(at, packed)
      const ordered = Array.from(at, (each) => [...packed.keyAt(each)])
      expect(ordered).toEqual(all.toSorted(compareKeys).map((each) => [...each]))
    }),
    300,
  )
})

test('a key that is there twice is a fault of the program', () => {
  const packed = new PackedVersions()
  const at = Uint32Array.from([1, 2], () => packed.addKey(Uint8Array.of(1, 2, 3)))
  expect(() => sortKeys(at, packed)).toThrow('no key is there twice')
})

/** Keys that are numbers, each in four bytes; counts how often two are compared. */
class CountedKeys {
  comparisons = 0

  keyAt(key: number): Uint8Array {
    return Uint8Array.of(key >> 24, key >> 16, key >> 8, key)
  }

  compareKey(key: number, other: Uint8Array): number {
    this.comparisons++
    return compareKeys(this.keyAt(key), other)
  }
}

test('keys that come to those in order are all put in their places', () => {
  const known = fc.uniqueArray(fc.nat({ max: 400 }), { maxLength: 200 })
  holds(
    fc.property(known, known, (some, others) => {
      const inOrder = (keys: readonly number[]) => Uint32Array.from(keys.toSorted((a, b) => a - b))
      const more = inOrder(others.filter((key) => !some.includes(key)))
      const all = insertKeys(inOrder(some), more, new CountedKeys())
      expect(all).toEqual(inOrder([...some, ...more]))
    }),
    500,
  )
})

test('few keys among many that are in order are compared with few of these, and many with each about once', () => {
  const even = Uint32Array.from({ length: 20_000 }, (_, i) => 2 * i)
  const comparisons = (more: readonly number[]) => {
    const keys = new CountedKeys()
    const all = insertKeys(even, Uint32Array.from(more), keys)
    expect(all).toEqual(Uint32Array.from([...even, ...more].toSorted((a, b) => a - b)))
    return keys.comparisons
  }
  for (const key of [1, 3, 19_999, 39_997, 39_999]) expect(comparisons([key])).toBeLessThan(32)
  expect(comparisons([39_999])).toBe(1)
  expect(comparisons([1, 20_001, 39_999])).toBeLessThan(64)
  expect(comparisons(Array.from(even, (key) => key + 1))).toBeLessThan(2.1 * even.length)
  // As many, all behind or all before.
  expect(comparisons(Array.from(even, (key) => 40_000 + key))).toBe(even.length)
})
