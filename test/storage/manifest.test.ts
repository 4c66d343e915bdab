/**
 * The manifest: edits come back as they were, the state is the sum of a prefix of them, the file is begun
 * anew by a rename, and what it does not understand it refuses.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import { bytesOfHex, bytesOfText, concatBytes, textOfBytes } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { type FileSystem, readWholeFile } from '../../src/storage/files.ts'
import { GEOMETRIES, type GeometryName } from '../../src/storage/geometry.ts'
import { decodeManifestEdit, encodeManifestEdit } from '../../src/storage/manifest-format.ts'
import {
  type ManifestEdit,
  type ManifestState,
  NO_TOTALS,
  type TreeEdit,
  type TreeTotals,
  applyManifestEdit,
  newManifestState,
  wholeEdit,
} from '../../src/storage/manifest-state.ts'
import { MANIFEST_PATH, Manifest, NEW_MANIFEST_PATH, stateIn } from '../../src/storage/manifest.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { RecordWriter, numberIn, readRecords } from '../../src/storage/record-file.ts'
import { type TableMeta } from '../../src/storage/table-format.ts'
import { FaultFiles } from '../../src/simulator/fault-files.ts'
import { seededRandom } from '../../src/simulator/random.ts'
import { MIN_TIME, hybridTime } from '../../src/time/hybrid-time.ts'
import { holds } from '../time/property.ts'
import { copyFiles, putFile, refusal, tick } from './samples.ts'

const readManifest = (files: FileSystem) => stateIn(readWholeFile(files, MANIFEST_PATH), crc32)

const BIRTH = { geometry: 'tiny', clock: 'system' } as const

const count = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const time = fc
  .tuple(fc.nat({ max: 2 ** 52 - 1 }), fc.nat({ max: 4095 }))
  .map(([micros, logical]) => hybridTime(micros, logical))
const position = fc.record({ key: fc.uint8Array({ maxLength: 10 }), time })
const some = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const totals = fc.record(
  Object.fromEntries(Object.keys(NO_TOTALS).map((name) => [name, count])),
) as unknown as fc.Arbitrary<TreeTotals>

const tableOf = (number: number): fc.Arbitrary<TableMeta> =>
  fc.record({
    ...{ number: fc.constant(number), bytes: count, first: position, last: position },
    ...{ minTime: time, maxTime: time, blocks: count, keys: count, versions: count },
    ...{ live: count, superseded: count, tombstones: count },
  })
const table = count.chain(tableOf)

const treeEdit: fc.Arbitrary<TreeEdit> = fc.record({
  tree: fc.nat({ max: 3 }),
  remove: fc.array(count, { maxLength: 3 }),
  add: fc.array(fc.record({ level: fc.nat({ max: 6 }), run: count, table }), { maxLength: 2 }),
  flushedThrough: some(time),
  ratchet: some(time),
  pointer: some(fc.record({ level: fc.nat({ max: 6 }), position })),
  totals: some(totals),
})

const edit: fc.Arbitrary<ManifestEdit> = fc.record({
  birth: some(
    fc.record({
      geometry: fc.constantFrom(...(Object.keys(GEOMETRIES) as GeometryName[])),
      clock: fc.constantFrom('system' as const, 'replay' as const),
    }),
  ),
  nextNumber: some(count),
  firstSegment: some(count),
  judgedMicros: some(fc.maxSafeNat().map((micros) => micros % 2 ** 52)),
  trees: fc.array(treeEdit, { maxLength: 3 }),
})
/** An edit of a database that exists; the numbers of its tables are not taken yet. */
const laterEdit = edit.map((each) => ({ ...each, birth: undefined }))

/** The edits with tables that can stand where they stand: each newer than those before, and behind them. */
function sound(edits: readonly ManifestEdit[]): readonly ManifestEdit[] {
  let number = 0
  return edits.map((each) => ({
    ...each,
    nextNumber: 1000,
    trees: each.trees!.map((tree) => ({
      ...tree,
      add: tree.add.map((one) => {
        number++
        const at = { key: Uint8Array.of(number), time: hybridTime(number) }
        const bounds = { first: at, last: at, minTime: at.time, maxTime: at.time }
        return { ...one, run: one.level === 0 ? number : 1, table: { ...one.table, number, ...bounds } }
      }),
    })),
  }))
}

const stateAfter = (edits: readonly ManifestEdit[]): ManifestState =>
  edits.reduce(applyManifestEdit, newManifestState(BIRTH))

describe('an edit', () => {
  test('comes back as it was', () => {
    holds(
      fc.property(edit, (each) => {
        expect(decodeManifestEdit(encodeManifestEdit(each))).toEqual(each)
      }),
    )
  })

  test('is JSON: times in their exact form, keys in hexadecimal', () => {
    const meta = {
      ...{ number: 7, bytes: 99, first: { key: bytesOfHex('61'), time: hybridTime(5, 3) } },
      last: { key: bytesOfHex('ff00'), time: hybridTime(4) },
      ...{ minTime: hybridTime(4), maxTime: hybridTime(5, 3) },
      ...{ blocks: 1, keys: 2, versions: 2, live: 2, superseded: 0, tombstones: 0 },
    }
    const text = encodeManifestEdit({
      trees: [{ tree: 1, remove: [3], add: [{ level: 0, run: 4, table: meta }] }],
    })
    expect(JSON.parse(text)).toEqual({
      trees: [
        {
          tree: 1,
          remove: [3],
          add: [
            {
              ...{ level: 0, run: 4 },
              table: {
                ...{
                  number: 7,
                  bytes: 99,
                  blocks: 1,
                  keys: 2,
                  versions: 2,
                  live: 2,
                  superseded: 0,
                  tombstones: 0,
                },
                first: { key: '61', time: '5.0003' },
                last: { key: 'ff00', time: '4.0000' },
                ...{ minTime: '4.0000', maxTime: '5.0003' },
              },
            },
          ],
        },
      ],
    })
  })

  test('that says all of a state makes that state', () => {
    holds(
      fc.property(fc.array(laterEdit, { maxLength: 6 }), (edits) => {
        const state = stateAfter(edits)
        expect(applyManifestEdit(newManifestState(BIRTH), wholeEdit(state))).toEqual(state)
      }),
    )
  })

  test('changes what it says; what it leaves out stays', () => {
    holds(
      fc.property(fc.array(laterEdit, { maxLength: 4 }), laterEdit, (edits, each) => {
        const before = stateAfter(edits)
        const after = applyManifestEdit(before, each)
        expect(after.birth).toEqual(before.birth)
        expect(after.nextNumber).toBe(each.nextNumber ?? before.nextNumber)
        expect(after.firstSegment).toBe(each.firstSegment ?? before.firstSegment)
        const named = new Set(each.trees?.map(({ tree }) => tree))
        for (const [tree, state] of before.trees)
          if (!named.has(tree)) expect(after.trees.get(tree)).toBe(state)
        expect(applyManifestEdit(before, { trees: [] })).toEqual(before)
      }),
    )
  })

  test('never lowers what was lost: the ratchet and the time of a judgement', () => {
    const trees = (ratchet: number) => [{ tree: 1, remove: [], add: [], ratchet: tick(ratchet) }]
    const state = stateAfter([
      { trees: trees(9), judgedMicros: 9 },
      { trees: trees(5), judgedMicros: 5 },
    ])
    expect([state.trees.get(1)?.ratchet, state.judgedMicros]).toEqual([9n, 9])
  })
})

describe('what an edit cannot be is refused', () => {
  const whole = () => {
    const trees: unknown = [
      {
        ...{ tree: 1, remove: [3], flushedThrough: '5.0003', ratchet: '4.0000' },
        add: [
          {
            ...{ level: 0, run: 4 },
            table: {
              ...{
                number: 7,
                bytes: 99,
                blocks: 1,
                keys: 2,
                versions: 2,
                live: 2,
                superseded: 0,
                tombstones: 0,
              },
              first: { key: '61', time: '5.0003' },
              last: { key: 'ff00', time: '4.0000' },
              ...{ minTime: '4.0000', maxTime: '5.0003' },
            },
          },
        ],
        pointer: { level: 1, position: { key: '61', time: '5.0003' } },
        totals: { ...NO_TOTALS },
      },
    ]
    return {
      birth: { geometry: 'tiny', clock: 'system' },
      nextNumber: 8,
      firstSegment: 1,
      judgedMicros: 1,
      trees,
    }
  }

  /** Every place in a value: the path to each field of each object. */
  function* placesOf(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
    if (typeof value !== 'object' || value === null) return
    for (const [name, item] of Object.entries(value)) {
      yield [...path, name]
      yield* placesOf(item, [...path, name])
    }
  }
  function change(
    path: readonly string[],
    to: (parent: Record<string, unknown>, name: string) => void,
  ): unknown {
    const value = whole() as unknown as Record<string, unknown>
    const parent = path.slice(0, -1).reduce((at, name) => at[name] as Record<string, unknown>, value)
    to(parent, path.at(-1)!)
    return value
  }
  const isRefused = (value: unknown) => {
    try {
      decodeManifestEdit(JSON.stringify(value))
      return false
    } catch {
      return true
    }
  }

  test.each([
    ['of one end', [['1.0000']]],
    ['of three ends', [['1.0000', '2.0000', '3.0000']]],
    ['that is empty', [['2.0000', '2.0000']]],
    ['that ends before it begins', [['2.0000', '1.0000']]],
    [
      'behind a later one',
      [
        ['3.0000', '4.0000'],
        ['1.0000', '2.0000'],
      ],
    ],
    [
      'that touches the next',
      [
        ['1.0000', '2.0000'],
        ['2.0000', '3.0000'],
      ],
    ],
  ])('a stretch of time %s', (_, times) => {
    const path = ['trees', '0', 'add', '0', 'table', 'emptyTimes']
    const withTimes = (value: unknown) => change(path, (parent, name) => (parent[name] = value))
    expect(
      isRefused(
        withTimes([
          ['1.0000', '2.0000'],
          ['3.0000', '4.0000'],
        ]),
      ),
    ).toBe(false)
    expect(isRefused(withTimes(times))).toBe(true)
  })
  const places = [...placesOf(whole())]

  test('as it stands, the sample is none of them', () => {
    expect(isRefused(whole())).toBe(false)
    expect(places.length).toBeGreaterThan(40)
  })

  test.each(places.map((path) => [path.join('.'), path] as const))('%s of another kind', (_, path) => {
    for (const wrong of [-1, 0.5, 2 ** 53, true, null, 'x', '', '1.', '01', {}, [[]], [null]]) {
      const before = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], whole())
      const isName = path.at(-1) === 'key' && wrong === ''
      if (isName || (wrong === '01' && path.at(-1) === 'key')) continue
      if (Array.isArray(before) && Array.isArray(wrong) && before.length === 0) continue
      expect(isRefused(change(path, (parent, name) => (parent[name] = wrong))), JSON.stringify(wrong)).toBe(
        true,
      )
    }
  })

  const objects = [[], ...places.filter((path) => !/^\d+$/.test(path.at(-1)!) || path.length > 1)].filter(
    (path) => {
      const value = path.reduce<unknown>((at, name) => (at as Record<string, unknown>)[name], whole())
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    },
  )

  test.each(objects.map((path) => [path.join('.') || 'the edit', path] as const))(
    '%s with a field that this version does not know',
    (_, path) => {
      expect(isRefused(change([...path, 'extra'], (parent, name) => (parent[name] = 1)))).toBe(true)
    },
  )

  test('a field left out, unless it may be', () => {
    const optional = /^(birth|nextNumber|firstSegment|judgedMicros)$|(flushedThrough|ratchet|pointer|totals)$/
    const kept = places.filter((path) => {
      const value = change(path, (parent, name) => {
        if (Array.isArray(parent)) parent.splice(Number(name), 1)
        else delete parent[name]
      })
      return !isRefused(value)
    })
    const expected = places.filter((path) => optional.test(path.join('.')) || /^\d+$/.test(path.at(-1)!))
    expect(kept.map((path) => path.join('.'))).toEqual(expected.map((path) => path.join('.')))
  })

  test.each([
    [
      'a level that does not exist',
      change(['trees', '0', 'add', '0', 'level'], (parent) => (parent['level'] = 7)),
    ],
    [
      'a geometry that does not exist',
      change(['birth', 'geometry'], (parent) => (parent['geometry'] = 'toString')),
    ],
    ['a clock that does not exist', change(['birth', 'clock'], (parent) => (parent['clock'] = 'sun'))],
    [
      'a time in ISO form',
      change(['trees', '0', 'ratchet'], (parent) => (parent['ratchet'] = '2025-01-01T00:00Z')),
    ],
    [
      'a time beyond the last',
      change(['trees', '0', 'ratchet'], (parent) => (parent['ratchet'] = '4503599627370496.0000')),
    ],
    [
      'a key of half a byte',
      change(['trees', '0', 'pointer', 'position', 'key'], (parent) => (parent['key'] = '6')),
    ],
    ['a list', []],
    ['nothing', null],
  ])('%s', (_, value) => {
    expect(isRefused(value)).toBe(true)
  })

  test('text that is no JSON', () => {
    expect(() => decodeManifestEdit('{')).toThrow()
  })
})

/** A manifest of some edits; each of them on disk by itself. */
function written(edits: readonly ManifestEdit[], files: FileSystem = new MemoryFiles()): FileSystem {
  const manifest = Manifest.create(files, crc32, BIRTH)
  for (const each of edits) manifest.commit(each)
  expect(manifest.state).toEqual(stateAfter(edits))
  manifest.close()
  return files
}

/** A manifest that ends with an edit which nobody would write. */
function forged(last: ManifestEdit): FileSystem {
  const files = written([])
  const contents = readRecords(readWholeFile(files, MANIFEST_PATH), 'PALIMMAN', 1, crc32)
  const writer = RecordWriter.resume(files, MANIFEST_PATH, 'PALIMMAN', 1, crc32, contents)
  writer.append(bytesOfText(encodeManifestEdit(last)))
  writer.sync()
  writer.close()
  return files
}

const numbered = (nextNumber: number): ManifestEdit => ({ nextNumber, trees: [] })

describe('the file', () => {
  test('says the sum of its edits, to readers and to writers, who can go on', () => {
    holds(
      fc.property(fc.array(laterEdit, { minLength: 1, maxLength: 5 }), (drawn) => {
        const all = sound(drawn)
        const [edits, more] = [all.slice(0, -1), all.at(-1)!]
        const files = written(edits)
        expect(readManifest(files)).toEqual(stateAfter(edits))
        const manifest = Manifest.open(files, crc32)
        expect(manifest.state).toEqual(stateAfter(edits))
        manifest.commit(more)
        manifest.close()
        expect(readManifest(files)).toEqual(stateAfter([...edits, more]))
      }),
      25,
    )
  })

  test('that contradicts itself is refused: a run out of order, a table twice or the wrong way round, a number never given', () => {
    const one = (number: number, key: string, level: number) => {
      const at = { key: bytesOfHex(key), time: hybridTime(5) }
      const counts = { bytes: 99, blocks: 1, keys: 1, versions: 1, live: 1, superseded: 0, tombstones: 0 }
      const meta = { number, ...counts, first: at, last: at, minTime: at.time, maxTime: at.time }
      return { level, run: 1, table: meta }
    }
    const forward = one(1, '61', 1)
    const backwards = {
      ...forward,
      table: { ...forward.table, last: { key: bytesOfHex(''), time: hybridTime(5) } },
    }
    const ageless = { ...forward, table: { ...forward.table, minTime: MIN_TIME } }
    const wrong: readonly ManifestEdit[] = [
      { nextNumber: 9, trees: [{ tree: 1, remove: [], add: [one(1, '61', 1), one(2, '61', 1)] }] },
      { nextNumber: 9, trees: [1, 2].map((tree) => ({ tree, remove: [], add: [one(1, '61', 1)] })) },
      { nextNumber: 9, trees: [{ tree: 1, remove: [], add: [backwards] }] },
      { nextNumber: 9, trees: [{ tree: 1, remove: [], add: [ageless] }] },
      { nextNumber: 1, trees: [{ tree: 1, remove: [], add: [one(1, '61', 1)] }] },
      { judgedMicros: 2 ** 52 },
      { nextNumber: 2 ** 40, trees: [{ tree: 1, remove: [], add: [one(2 ** 30, '61', 1)] }] },
    ]
    for (const each of wrong) expect(refusal(() => readManifest(forged(each)))?.code).toBe('MANIFEST_CORRUPT')
    const right = { nextNumber: 9, trees: [{ tree: 1, remove: [], add: [one(1, '61', 1), one(2, '62', 1)] }] }
    expect(readManifest(forged(right))).toEqual(stateAfter([right]))
    // Tables out of order would answer wrongly before the next opening: no edit is written that leaves them.
    const files = new MemoryFiles()
    const manifest = Manifest.create(files, crc32, BIRTH)
    const before = readWholeFile(files, MANIFEST_PATH)
    expect(() => manifest.commit(wrong[0]!)).toThrow(AssertionError)
    expect(readWholeFile(files, MANIFEST_PATH)).toEqual(before)
  })

  test('cut at any byte says the sum of a prefix of its edits, or is refused if it has no first one', () => {
    const edits = [3, 4, 5].map(numbered)
    const whole = readWholeFile(written(edits), MANIFEST_PATH)
    const records = readRecords(whole, 'PALIMMAN', 1, crc32).records
    const borders = [...records.slice(1).map(({ offset }) => offset), whole.length]
    for (let length = 0; length <= whole.length; length++) {
      const files = new MemoryFiles()
      putFile(files, MANIFEST_PATH, whole.subarray(0, length))
      const there = borders.filter((border) => border <= length).length
      if (there === 0) {
        expect(refusal(() => readManifest(files))).toMatchObject({ code: 'MANIFEST_CORRUPT' })
        continue
      }
      expect(readManifest(files)).toEqual(stateAfter(edits.slice(0, there - 1)))
      const manifest = Manifest.open(files, crc32)
      manifest.commit(numbered(9))
      manifest.close()
      expect(readManifest(files)).toEqual(stateAfter([...edits.slice(0, there - 1), numbered(9)]))
    }
  })

  test('with a byte changed is refused, or without its last edit', () => {
    const edits = [3, 4, 5].map(numbered)
    const whole = readWholeFile(written(edits), MANIFEST_PATH)
    const last = readRecords(whole, 'PALIMMAN', 1, crc32).records.at(-1)!.offset
    for (let at = 0; at < whole.length; at++) {
      const files = new MemoryFiles()
      const damaged = Uint8Array.from(whole)
      damaged[at]! ^= 0x20
      putFile(files, MANIFEST_PATH, damaged)
      const error = refusal(() => expect(readManifest(files)).toEqual(stateAfter(edits.slice(0, 2))))
      if (at >= last) expect(error).toBeUndefined()
      else {
        expect(error).toMatchObject({ code: 'MANIFEST_CORRUPT', details: { file: 'MANIFEST' } })
        expect(refusal(() => Manifest.open(files, crc32))?.code).toBe('MANIFEST_CORRUPT')
      }
    }
  })

  test.each([
    ['text that is no edit', ['{"trees":[]}', '{"trees":[{"tree":"x"}]}']],
    ['a first edit without a birth', ['{"trees":[]}']],
    ['bytes that are no text', ['\u{0}']],
  ])('with %s under right checksums is refused at its offset', (_, texts) => {
    const files = new MemoryFiles()
    const birth = encodeManifestEdit(wholeEdit(newManifestState(BIRTH)))
    const all = texts.length > 1 ? [birth, ...texts] : texts
    const writer = RecordWriter.create(files, MANIFEST_PATH, 'PALIMMAN', 1, crc32)
    for (const text of all) writer.append(bytesOfText(text))
    writer.close()
    const { offset } = readRecords(readWholeFile(files, MANIFEST_PATH), 'PALIMMAN', 1, crc32).records.at(-1)!
    expect(refusal(() => readManifest(files))).toMatchObject({
      code: 'MANIFEST_CORRUPT',
      details: { offset },
    })
  })

  test('of another kind, or of nothing, is refused', () => {
    for (const bytes of [new Uint8Array(), bytesOfText('PALIMLOG'), new Uint8Array(1000)]) {
      const files = new MemoryFiles()
      putFile(files, MANIFEST_PATH, bytes)
      expect(refusal(() => readManifest(files))?.details).toEqual({ file: 'MANIFEST', offset: 0 })
    }
  })

  test('reading it touches nothing, not even a torn tail or a new manifest that was not finished', () => {
    const files = copyFiles(written([numbered(3)]))
    putFile(files, NEW_MANIFEST_PATH, Uint8Array.of(1))
    const torn = files.append(MANIFEST_PATH)
    torn.append(Uint8Array.of(1, 2, 3))
    const size = files.size(MANIFEST_PATH)
    expect(readManifest(files).nextNumber).toBe(3)
    expect(files.size(MANIFEST_PATH)).toBe(size)
    expect(files.list('')?.toSorted()).toEqual([MANIFEST_PATH, NEW_MANIFEST_PATH])
    Manifest.open(files, crc32).close()
    expect(files.size(MANIFEST_PATH)).toBe(size! - 3)
    expect(files.list('')).toEqual([MANIFEST_PATH])
  })
})

describe('when it has grown well beyond what it says', () => {
  /** An edit of about 10 KiB that leaves nothing behind. */
  const large = (n: number): ManifestEdit => ({
    nextNumber: n,
    trees: [{ tree: 1, remove: Array.from({ length: 1000 }, (_, i) => 1_000_000_000 + i), add: [] }],
  })

  test('it is begun anew under another name, which takes its place; no edit is lost', () => {
    const files = new FaultFiles({ log: true })
    const manifest = Manifest.create(files, crc32, BIRTH)
    let [largest, rewrites] = [0, 0]
    for (let n = 1; n <= 60; n++) {
      const before = files.size(MANIFEST_PATH)!
      manifest.commit(large(n))
      const after = files.size(MANIFEST_PATH)!
      if (after < before) rewrites++
      largest = Math.max(largest, after)
      expect(readManifest(files)).toEqual(manifest.state)
      expect(manifest.state.nextNumber).toBe(n)
      expect(files.isDurable(MANIFEST_PATH)).toBe(true)
      expect(files.list('')).toEqual([MANIFEST_PATH])
    }
    expect(rewrites).toBeGreaterThan(1)
    expect(largest).toBeLessThan(32 * 1024 + 20_000)
    const renames = files.log.filter((call) => call.includes('rename'))
    expect(renames.length).toBe(rewrites + 1)
    manifest.close()
    expect(Manifest.open(files, crc32).state.nextNumber).toBe(60)
  })

  test('what the file before had at the same place is no later record of this one', () => {
    const files = new MemoryFiles()
    const manifest = Manifest.create(files, crc32, BIRTH)
    let before = readWholeFile(files, MANIFEST_PATH)
    for (let n = 1; files.size(MANIFEST_PATH)! >= before.length; n++) {
      before = readWholeFile(files, MANIFEST_PATH)
      manifest.commit(large(n))
    }
    // An edit of which nothing reached the disk but the length, in place of old sectors.
    const now = readWholeFile(files, MANIFEST_PATH)
    expect(now.length).toBeLessThan(before.length)
    putFile(files, MANIFEST_PATH, concatBytes([now, before.subarray(now.length)]))
    expect(readManifest(files)).toEqual(manifest.state)
    Manifest.open(files, crc32).close()
    expect(readWholeFile(files, MANIFEST_PATH)).toEqual(now)
  })

  test('a crash at any call of it leaves the edits before, with or without the last', () => {
    const run = (files: FileSystem) => {
      const manifest = Manifest.create(files, crc32, BIRTH)
      for (let n = 1; n <= 30; n++) manifest.commit(large(n))
    }
    const whole = new FaultFiles({ log: true })
    run(whole)
    // Not the one by which it was created, and not one that is the end of all.
    const [, rename = ''] = whole.log.filter((call) => call.includes('rename'))
    const at = Number(rename.split(' ')[0])
    const found = new Set<number>()
    for (let call = at - 8; call <= at + 2; call++) {
      const files = new FaultFiles({ plan: [{ kind: 'crash', at: call }] })
      expect(() => run(files)).toThrow('simulated process ended')
      for (const choice of files.crashChoices({ random: seededRandom(call), drawn: 2 })) {
        const image = files.crashImage(choice)
        found.add(readManifest(image).nextNumber)
        const manifest = Manifest.open(image, crc32)
        manifest.commit(numbered(99))
        expect(readManifest(image).nextNumber).toBe(99)
      }
    }
    const numbers = [...found].toSorted((a, b) => a - b)
    expect(numbers.length).toBeGreaterThanOrEqual(2)
    expect(numbers.at(-1)! - numbers[0]!).toBeLessThanOrEqual(3)
  })
})

test('after one crash and another it says the edits that were made, with or without the one at each crash', () => {
  const life = fc.record({ at: fc.integer({ min: 1, max: 12 }), seed: fc.nat() })
  let crashes = 0
  holds(
    fc.property(fc.array(life, { minLength: 2, maxLength: 6 }), (lives) => {
      let files = new FaultFiles()
      Manifest.create(files, crc32, BIRTH).close()
      let [made, tried] = [1, 1]
      for (const { at, seed } of lives) {
        files = files.crash('hostile', seededRandom(seed), { plan: [{ kind: 'crash', at }] })
        const known = readManifest(files).nextNumber
        expect([made, tried]).toContain(known)
        made = tried = known
        try {
          const manifest = Manifest.open(files, crc32)
          for (let n = 0; n < 5; n++) {
            // Two lengths, so that what was lost may begin just where something new ends.
            tried = made + 100 ** (1 + (n % 2))
            manifest.commit(numbered(tried))
            made = tried
          }
        } catch (error) {
          if (!files.crashed) throw error
          crashes++
        }
      }
    }),
    300,
  )
  expect(crashes).toBeGreaterThan(100)
})

test('the first edit of a run begins the file anew, so that no edit lost before it can come back in its place', () => {
  const files = new MemoryFiles()
  const number = () => numberIn(readWholeFile(files, MANIFEST_PATH))
  Manifest.create(files, crc32, BIRTH).commit(numbered(3))
  expect(number()).toBe(1)
  for (const run of [2, 3]) {
    const manifest = Manifest.open(files, crc32)
    expect(number()).toBe(run - 1)
    for (const each of [numbered(10 * run), numbered(10 * run + 1)]) {
      manifest.commit(each)
      expect(number()).toBe(run)
      expect(readManifest(files)).toEqual(manifest.state)
    }
    manifest.close()
  }
})

test('that is begun anew says durably what it says, though the sync of an edit failed before', () => {
  const files = new FaultFiles({
    plan: [{ kind: 'error', operation: 'sync', nth: 3, errno: 'EIO', path: 'MANIFEST' }],
  })
  const first = Manifest.create(files, crc32, BIRTH)
  expect(refusal(() => first.commit(numbered(3)))?.code).toBe('IO_FAILED')
  const left = files.crash('process-kill', seededRandom(1))
  const afterCut = () =>
    readManifest(left.crashImage({ kind: 'drawn', model: 'synced-only', seed: 1 })).nextNumber
  const manifest = Manifest.open(left, crc32)
  expect([manifest.state.nextNumber, afterCut()]).toEqual([3, 1])
  manifest.beginAnew()
  expect(afterCut()).toBe(3)
  // Once in a run is enough.
  const { operations } = left
  manifest.beginAnew()
  expect(left.operations).toBe(operations)
})

test('an edit is durable when it is part of the state', () => {
  const files = new FaultFiles()
  const manifest = Manifest.create(files, crc32, BIRTH)
  expect(files.isDurable(MANIFEST_PATH)).toBe(true)
  manifest.commit(numbered(3))
  expect(files.isDurable(MANIFEST_PATH)).toBe(true)
})

test('an edit that failed is not part of the state', () => {
  const files = new FaultFiles({ plan: [{ kind: 'error', operation: 'sync', nth: 3, errno: 'EIO' }] })
  const manifest = Manifest.create(files, crc32, BIRTH)
  expect(refusal(() => manifest.commit(numbered(3)))?.code).toBe('IO_FAILED')
  expect(manifest.state.nextNumber).toBe(1)
})

test('the text of an edit has nothing that a text tool could trip over', () => {
  holds(
    fc.property(edit, (each) => {
      const text = encodeManifestEdit(each)
      expect(text).toMatch(/^[\x20-\x7e]*$/)
      expect(textOfBytes(bytesOfText(text))).toBe(text)
    }),
  )
})
