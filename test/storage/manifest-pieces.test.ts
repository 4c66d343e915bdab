/**
 * A manifest of any size: what it says when it is begun goes into several records, which together are the state, and of
 * which no part is taken for the whole; an edit that is too large for one begins the file anew.
 */
import { isDeepStrictEqual } from 'node:util'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { type FileSystem, readWholeFile } from '../../src/storage/files.ts'
import { encodeManifestEdit } from '../../src/storage/manifest-format.ts'
import { planWholeEdits, textBytesOf } from '../../src/storage/manifest-pieces.ts'
import {
  type ManifestEdit,
  type ManifestState,
  NO_TOTALS,
  type TreeEdit,
  applyManifestEdit,
  newManifestState,
} from '../../src/storage/manifest-state.ts'
import { MANIFEST_PATH, Manifest, stateIn } from '../../src/storage/manifest.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { numberIn, readRecords } from '../../src/storage/record-file.ts'
import { type Placement } from '../../src/storage/shape.ts'
import { MICROS_MAX, endOfMicrosecond, hybridTime } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'
import { copyFiles, putFile, refusal } from './samples.ts'

const BIRTH = { geometry: 'tiny', clock: 'system' } as const
const MIB = 1024 * 1024

const manifestIn = (files: FileSystem) => readWholeFile(files, MANIFEST_PATH)
const recordsIn = (bytes: Uint8Array) => readRecords(bytes, 'PALIMMAN', numberIn(bytes), crc32).records

/** What a state says, as texts: some of its tables have fields that are there, and undefined. */
const textsOf = (state: ManifestState) => planWholeEdits(state, MIB).map(encodeManifestEdit)

/** A key of so many bytes, which sorts by its number. */
function longKey(number: number, length: number): Uint8Array {
  const key = new Uint8Array(length).fill(0x61)
  new DataView(key.buffer).setUint32(0, number)
  return key
}

/** A table between two long keys, behind those of lower numbers. */
function tableBetween(number: number, keyBytes: number, level = 2): Placement {
  const at = (n: number) => ({ key: longKey(n, keyBytes), time: hybridTime(5) })
  const counts = { bytes: 99, blocks: 1, keys: 2, versions: 2, live: 2, superseded: 0, tombstones: 0 }
  const bounds = { first: at(2 * number), last: at(2 * number + 1) }
  const times = { minTime: hybridTime(5), maxTime: hybridTime(5) }
  return { level, run: 1, table: { number, ...counts, ...bounds, ...times } }
}

/** An edit that adds so many tables to a tree, from a number on. */
function adding(first: number, count: number, keyBytes: number, tree = 3): ManifestEdit {
  const add = Array.from({ length: count }, (_, i) => tableBetween(first + i, keyBytes))
  return { nextNumber: first + count, trees: [{ tree, remove: [], add }] }
}

const position = fc.record({ key: fc.uint8Array({ maxLength: 300 }), time: fc.constant(hybridTime(7)) })
const treeEdit: fc.Arbitrary<TreeEdit> = fc.record({
  tree: fc.nat({ max: 5 }),
  remove: fc.constant([]),
  add: fc
    .array(fc.record({ level: fc.nat({ max: 6 }), run: fc.nat({ max: 2 }), bounds: position }), {
      maxLength: 8,
    })
    .map((all) =>
      all.map(({ level, run, bounds }) => {
        const { table } = tableBetween(1, 4)
        return { level, run, table: { ...table, first: bounds, last: bounds } }
      }),
    ),
  flushedThrough: fc.constant(hybridTime(9)),
  ratchet: fc.constant(hybridTime(8)),
  pointer: fc.option(fc.record({ level: fc.nat({ max: 6 }), position }), { nil: undefined }),
  totals: fc.constant(NO_TOTALS),
})
/** States in which no table stands twice. */
const state = fc.array(treeEdit, { maxLength: 6 }).map((trees) => {
  let number = 1
  const numbered = trees.map((tree) => ({
    ...tree,
    add: tree.add.map((one) => ({ ...one, table: { ...one.table, number: number++ } })),
  }))
  return applyManifestEdit(newManifestState(BIRTH), { trees: numbered, nextNumber: 100, judgedMicros: 5 })
})

describe('the edits that say all of a state', () => {
  test('make that state together, none of them of more text than may be, or of one table', () => {
    holds(
      fc.property(state, fc.integer({ min: 1, max: 20_000 }), (whole, bytesMax) => {
        const edits = planWholeEdits(whole, bytesMax)
        expect(edits.reduce(applyManifestEdit, newManifestState(BIRTH))).toEqual(whole)
        expect(edits[0]!.more ?? 0).toBe(edits.length - 1)
        for (const each of edits) {
          const tables = each.trees!.flatMap(({ add }) => add)
          if (tables.length > 1) expect(textBytesOf(each)).toBeLessThanOrEqual(bytesMax + 2000)
        }
      }),
    )
  })

  test('are one where that is enough, which says nothing of more', () => {
    const [only, ...others] = planWholeEdits(newManifestState(BIRTH), 1)
    expect(others).toEqual([])
    expect(encodeManifestEdit(only!)).not.toContain('more')
  })

  test('are no longer than was reckoned, whatever is in them', () => {
    const most = Number.MAX_SAFE_INTEGER
    const last = endOfMicrosecond(MICROS_MAX)
    const counts = { bytes: most, blocks: most, keys: most, versions: most, live: most }
    const stretch = { after: hybridTime(MICROS_MAX - 1), through: last }
    for (const length of [0, 1, 100, 65_535]) {
      const at = { key: longKey(7, Math.max(4, length)).subarray(0, length), time: last }
      const bounds = { first: at, last: at, minTime: last, maxTime: last, writtenAtCutoff: last }
      const rest = { superseded: most, tombstones: most, emptyTimes: [stretch] }
      const table = { number: most, ...counts, ...bounds, ...rest }
      const totals = Object.fromEntries(Object.keys(NO_TOTALS).map((name) => [name, most]))
      const tree: TreeEdit = {
        ...{ tree: most, remove: [most, most], add: [{ level: 6, run: most, table }] },
        ...{ flushedThrough: last, ratchet: last, pointer: { level: 6, position: at } },
        totals: totals as unknown as typeof NO_TOTALS,
      }
      const logSynced = { segment: most, bytes: most }
      const scalars = {
        nextNumber: most,
        firstSegment: most,
        logSynced,
        judgedMicros: MICROS_MAX,
        more: most,
      }
      const many = Array.from({ length: 300 }, () => most)
      const emptied: ManifestEdit = { trees: [{ tree: most, remove: many, add: [] }] }
      const edits = [{ trees: [tree] }, emptied, { removeTrees: many }, { ...scalars, birth: BIRTH }]
      for (const edit of edits) expect(encodeManifestEdit(edit).length).toBeLessThanOrEqual(textBytesOf(edit))
    }
  })
})

describe('a manifest of thousands of tables with long keys', () => {
  test('is begun with several records, of some mebibytes each, and says the same when it is read', () => {
    const files = new MemoryFiles()
    const written = Manifest.create(files, crc32, BIRTH)
    for (let i = 0; i < 10; i++) written.commit(adding(1 + 300 * i, 300, 1500, 3 + (i % 2)))
    const expected = written.state
    written.close()
    const opened = Manifest.open(files, crc32)
    expect(isDeepStrictEqual(textsOf(opened.state), textsOf(expected))).toBe(true)
    opened.commit({ judgedMicros: 5 })
    opened.close()
    const records = recordsIn(manifestIn(files))
    expect(records.length).toBeGreaterThan(3)
    for (const { payload } of records) expect(payload.length).toBeLessThan(4.1 * MIB)
    const read = stateIn(manifestIn(files), crc32)
    expect(isDeepStrictEqual(textsOf(read), textsOf({ ...expected, judgedMicros: 5 }))).toBe(true)
  })

  test('takes an edit that is too large for a record by beginning anew, with what stands after it', () => {
    let longest = 0
    const files = new FaultFiles({
      onOperation: ({ operation, length = 0 }) => {
        if (operation === 'append') longest = Math.max(longest, length)
      },
    })
    const written = Manifest.create(files, crc32, BIRTH)
    written.commit(adding(1, 2, 100))
    const number = numberIn(manifestIn(files))
    const large = adding(3, 270, 65_535)
    written.commit({ ...large, trees: [{ ...large.trees![0]!, remove: [1] }] })
    expect(numberIn(manifestIn(files))).toBe(number + 1)
    // Nor was it written before the file was begun anew.
    expect(longest).toBeLessThan(4.5 * MIB)
    const read = stateIn(manifestIn(files), crc32)
    expect(isDeepStrictEqual(textsOf(read), textsOf(written.state))).toBe(true)
    expect(read.nextNumber).toBe(273)
    written.commit({ judgedMicros: 5 })
    expect(stateIn(manifestIn(files), crc32).judgedMicros).toBe(5)
    written.close()
  })
})

describe('a manifest that was begun with several records', () => {
  /** One of two records; its next commit begins it anew. */
  function ofTwo<Files extends FileSystem>(files: Files): Files {
    const manifest = Manifest.create(files, crc32, BIRTH)
    manifest.commit(adding(1, 20, 65_535))
    manifest.close()
    return files
  }
  const files = ofTwo(new MemoryFiles())
  const whole = manifestIn(files)
  const records = recordsIn(whole)

  const isRefused = (bytes: Uint8Array): boolean => {
    const other = copyFiles(files)
    putFile(other, MANIFEST_PATH, bytes)
    const errors = [refusal(() => stateIn(bytes, crc32)), refusal(() => Manifest.open(other, crc32))]
    return errors.every((error) => error?.code === 'MANIFEST_CORRUPT')
  }

  test('is refused without the last of them, and when any is damaged: all were durable before it had its name', () => {
    expect(records.length).toBe(2)
    expect(isRefused(whole)).toBe(false)
    for (const { offset, payload } of records) {
      for (const at of [offset, offset + 20, offset + 20 + payload.length - 1]) {
        const damaged = Uint8Array.from(whole)
        damaged[at]! ^= 1
        expect(isRefused(whole.subarray(0, at)), `cut at ${at}`).toBe(true)
        expect(isRefused(damaged), `damaged at ${at}`).toBe(true)
      }
    }
  })

  test('gets its name when all of them are durable: a crash at any call leaves the old one or the new', () => {
    const run = (world: FileSystem) => {
      const manifest = Manifest.open(world, crc32)
      manifest.commit({ judgedMicros: 5, removeTrees: [] })
    }
    const calls = new FaultFiles({ log: true })
    ofTwo(calls)
    const before = calls.log.length
    run(calls)
    // Calls that change nothing have no number.
    const numbers = calls.log.slice(before).flatMap((call) => /^\d+/.exec(call)?.map(Number) ?? [])
    const found = new Set<number>()
    for (const at of numbers) {
      const world = new FaultFiles({ plan: [{ kind: 'crash', at }] })
      ofTwo(world)
      expect(() => run(world)).toThrow('simulated process ended')
      for (const choice of world.crashChoices({ random: seededRandom(at), drawn: 1 })) {
        const read = stateIn(manifestIn(world.crashImage(choice)), crc32)
        expect(read.trees.get(3)!.shape[2]![0]!.tables.length).toBe(20)
        found.add(read.judgedMicros)
      }
    }
    expect(found).toEqual(new Set([0, 5]))
  })
})
