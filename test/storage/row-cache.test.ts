/** Rows are copies of what was noted, for the keys and the times for which it was, as far as the memory for them goes. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOfText, equalBytes } from '../../src/base/bytes.ts'
import { RowCache } from '../../src/storage/row-cache.ts'
import { SoughtKey } from '../../src/storage/sought-key.ts'
import { type Version } from '../../src/storage/version.ts'
import { VersionSpan } from '../../src/storage/version-span.ts'
import { type HybridTime, MAX_TIME, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { type Stretch } from '../../src/time/stretches.ts'
import { holds } from '../time/property.ts'
import { KEYS, locateAlone, tick } from './samples.ts'

/** A version of a key that was found in a table as of a time. */
interface Note extends Version {
  readonly key: Uint8Array
  readonly hash: number
  readonly table: number
  readonly through: HybridTime
}

/** Times whose upper or lower halves alone do not decide. */
const time = fc.constantFrom(tick(1), tick(2), tick(2 ** 40), tick(2 ** 40 + 1), MAX_TIME)
/** Keys of whole words, and others, and hashes that many of them have. */
const key = fc.constantFrom(...KEYS, ...['word', 'wore', 'twowords', 'threewords42'].map(bytesOfText))
const hash = fc.constantFrom(-1, 0, 1, 2 ** 20, 2 ** 30)
const value = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: undefined })
const note: fc.Arbitrary<Note> = fc
  .record({ key, hash, value, table: fc.integer({ min: 1, max: 3 }), times: fc.tuple(time, time) })
  .map(({ times: [a, b], ...rest }) => ({ ...rest, time: a < b ? a : b, through: a < b ? b : a }))
const asked = fc
  .record({ key, hash, after: fc.constantFrom(MIN_TIME, tick(1), tick(2 ** 40)), through: time })
  .filter(({ after, through }) => after < through)

function soughtOf({ key: bytes, hash: forced }: Pick<Note, 'key' | 'hash'>): SoughtKey {
  const sought = new SoughtKey(bytes)
  sought.hash = forced
  return sought
}

function noteIn(rows: RowCache, one: Note): void {
  const found = new VersionSpan()
  locateAlone(one, found)
  rows.note(soughtOf(one), found, one.table, one.through)
}

function rowOf(
  rows: RowCache,
  sought: SoughtKey,
  times: Stretch,
  tables: readonly number[],
): Version | undefined {
  const row = new VersionSpan()
  return rows.locate(sought, times, new Set(tables), row) ? row.version : undefined
}

function isSame(a: Version, b: Version): boolean {
  if (a.time !== b.time) return false
  return a.value === undefined || b.value === undefined ? a.value === b.value : equalBytes(a.value, b.value)
}

test('a row was noted for the key, at the times that are asked for, in a table of the tree', () => {
  const isAnswer = (one: Note, of: Pick<Note, 'key'>, { after, through }: Stretch) =>
    equalBytes(one.key, of.key) && after < one.time && one.time <= through && through <= one.through
  holds(
    fc.property(
      fc.constantFrom(2 ** 13, 2 ** 15),
      fc.array(note, { maxLength: 200 }),
      fc.array(asked, { maxLength: 50 }),
      (bytes, notes, questions) => {
        const rows = new RowCache(bytes)
        const known: Note[] = []
        for (const one of notes) {
          noteIn(rows, one)
          known.push(one)
        }
        for (const question of questions) {
          const row = rowOf(rows, soughtOf(question), question, [1, 3])
          const isNoted = known.some(
            (one) => one.table !== 2 && isAnswer(one, question, question) && isSame(one, row ?? one),
          )
          expect(row === undefined || isNoted).toBe(true)
        }
      },
    ),
    300,
  )
})

const ONE: Note = {
  ...{ key: bytesOfText('a key'), hash: 77, table: 5, time: tick(10), through: tick(20) },
  value: bytesOfText('a value'),
}
const rowAt = (rows: RowCache, after: number, through: number, tables = [5]) =>
  rowOf(rows, soughtOf(ONE), { after: tick(after), through: tick(through) }, tables)

test('a key that is found for the second time has a row', () => {
  const rows = new RowCache(2 ** 16)
  noteIn(rows, ONE)
  expect(rowAt(rows, 0, 20)).toBeUndefined()
  noteIn(rows, ONE)
  expect(rowAt(rows, 0, 20)).toEqual({ time: ONE.time, value: ONE.value })
})

test('a row answers from its time through the one as of which it was found, while its table is the tree’s', () => {
  const rows = new RowCache(2 ** 16)
  for (let i = 0; i < 2; i++) noteIn(rows, ONE)
  expect([9, 10, 20, 21].map((through) => rowAt(rows, 0, through) !== undefined)).toEqual([
    false,
    true,
    true,
    false,
  ])
  expect([9, 10].map((after) => rowAt(rows, after, 20) !== undefined)).toEqual([true, false])
  expect(rowAt(rows, 0, 20, [4, 6])).toBeUndefined()
})

test('the row of a key is the one that was noted last', () => {
  const rows = new RowCache(2 ** 16)
  const newer = { ...ONE, table: 6, time: tick(30), through: tick(40), value: undefined }
  for (const one of [ONE, ONE, newer]) noteIn(rows, one)
  expect(rowAt(rows, 0, 35, [5, 6])).toEqual({ time: newer.time, value: undefined })
  expect(rowAt(rows, 0, 20, [5, 6])).toBeUndefined()
})

test('what was shown in a row stays as it is when its memory is needed for others', () => {
  const rows = new RowCache(2 ** 16)
  for (let i = 0; i < 2; i++) noteIn(rows, ONE)
  const shown = rowAt(rows, 0, 20)!.value!
  for (let i = 0; i < 4000; i++) noteIn(rows, { ...ONE, key: bytesOfText(`key ${i >> 1}`), hash: i >> 1 })
  expect(rowAt(rows, 0, 20)).toBeUndefined()
  expect(shown).toEqual(ONE.value)
})

test('no value passes for a row, where the memory of one is now that of others', () => {
  const rows = new RowCache(2 ** 16)
  // The row that is looked for begins at byte 64 of its segment. In all segments to come …
  const first = { ...ONE, hash: 1, key: bytesOfText('first'), value: new Uint8Array(64 - 28 - 5) }
  for (const one of [first, first, ONE, ONE]) noteIn(rows, one)
  // … rows fill a quarter of 2 KiB each, and the first one's value has there what looks like a row of the same key.
  const forged = new Uint8Array(2048 / 4 - 28 - 4)
  const at = 64 - 28 - 4
  const view = new DataView(forged.buffer)
  view.setBigUint64(at, ONE.time, true)
  view.setBigUint64(at + 8, ONE.through, true)
  for (const [i, field] of [ONE.table, ONE.key.length, 1].entries())
    view.setUint32(at + 16 + 4 * i, field, true)
  forged.set(ONE.key, at + 28)
  for (let i = 0; i < 200; i++) {
    const other = { ...ONE, hash: 100 + i, key: bytesOfText(String(1000 + i)), value: forged }
    for (let n = 0; n < 2; n++) noteIn(rows, other)
    expect([ONE.value, undefined]).toContainEqual(rowAt(rows, 0, 20)?.value)
  }
  expect(rowAt(rows, 0, 20)).toBeUndefined()
})

test.each([0, 4095, 2 ** 13, 2 ** 16, 2 ** 20])('in %i bytes there are as many rows as fit', (bytes) => {
  const rows = new RowCache(bytes)
  const notes = Array.from({ length: 20_000 }, (_, i): Note => {
    return { ...ONE, key: bytesOfText(`key ${i}`), hash: Math.imul(i, 0x9e3779b1) }
  })
  for (const one of notes) for (let i = 0; i < 2; i++) noteIn(rows, one)
  const kept = notes.filter((one) => rowOf(rows, soughtOf(one), { after: MIN_TIME, through: tick(20) }, [5]))
  // A row takes a header of 28 bytes, its key and its value.
  const room = bytes / (28 + 7 + 7)
  expect(kept.length).toBeLessThanOrEqual(room)
  expect(kept.length).toBeGreaterThanOrEqual(bytes < 4096 ? 0 : room / 4)
})

test('what is large has no row', () => {
  const rows = new RowCache(2 ** 16)
  const large = { ...ONE, value: new Uint8Array(2 ** 16 / 32 / 4) }
  for (let i = 0; i < 2; i++) noteIn(rows, large)
  expect(rowAt(rows, 0, 20)).toBeUndefined()
})
