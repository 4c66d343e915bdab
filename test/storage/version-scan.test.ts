/** A scan finds rows ahead, and nobody can tell: not by its rows, not by what is written meanwhile, not by what fails. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { ALL_KEYS, type KeyRange } from '../../src/base/key-range.ts'
import { CHUNK_BYTES_MAX } from '../../src/storage/arena.ts'
import { type Direction, type KeyCursor } from '../../src/storage/cursor.ts'
import { type FoundRow, FoundRows } from '../../src/storage/found-rows.ts'
import { Memtable } from '../../src/storage/memtable.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { RunCursor } from '../../src/storage/run-cursor.ts'
import { tablePath } from '../../src/storage/table-format.ts'
import { readWholeFile } from '../../src/storage/files.ts'
import { type ScanSource, VersionScan } from '../../src/storage/version-scan.ts'
import { type VersionSpan } from '../../src/storage/version-span.ts'
import { MAX_TIME } from '../../src/time/hybrid-time.ts'
import { type Stretches, stretch } from '../../src/time/stretches.ts'
import { holds } from '../time/property.ts'
import { putFile, refusal, shown, tableFiles, tick, version, writeTable } from './samples.ts'

const KEYS = 200
const nameOf = (key: number) => `k${String(key).padStart(4, '0')}`

/** A memtable to which can be written: at a time that is a whole number, the next one each time. */
class Source implements ScanSource {
  readonly #memtable = new Memtable()
  epoch = 0

  write(key: number, isDelete: boolean): void {
    this.epoch++
    const value = isDelete ? undefined : `${key}@${this.epoch}`
    const { time, value: bytes } = version('', this.epoch, value)
    this.#memtable.add(bytesOfText(nameOf(key)), { time, value: bytes })
  }

  cursor(view: ReturnType<typeof stretch>, direction: Direction): KeyCursor {
    return this.#memtable.cursor(view, direction)
  }
}

const writes = fc.array(fc.tuple(fc.nat({ max: KEYS - 1 }), fc.nat({ max: 3 })), { maxLength: 400 })

test.each(['forward', 'reverse'] as const)(
  'going %s, up to its limit, whatever is written between',
  (direction) => {
    const limits = fc.oneof(fc.constant(Infinity), fc.nat({ max: KEYS }))
    const meanwhile = fc.array(fc.tuple(fc.nat({ max: 20 }), fc.nat({ max: KEYS - 1 })), { maxLength: 10 })
    holds(
      fc.property(writes, limits, fc.boolean(), meanwhile, (before, limit, withTombstones, between) => {
        const source = new Source()
        const last = new Map<number, string>()
        for (const [key, kind] of before) {
          source.write(key, kind === 0)
          last.set(key, kind === 0 ? 'deleted' : `${key}@${source.epoch}`)
        }
        const keys = [...last.keys()].filter((key) => withTombstones || last.get(key) !== 'deleted')
        keys.sort((a, b) => (direction === 'forward' ? a - b : b - a))
        const expected = keys.map((key) => `${nameOf(key)} ${last.get(key)!}`).slice(0, limit)
        const view = stretch(tick(0), tick(source.epoch))
        const plan = { range: ALL_KEYS, view, direction, withTombstones, limit }
        const scan = new VersionScan(source, plan)
        const found: string[] = []
        const left = [...between]
        for (let steps = 0; scan.step(); steps++) {
          const value = scan.version.value
          const text = value === undefined ? 'deleted' : Buffer.from(value).toString()
          found.push(`${Buffer.from(scan.key).toString()} ${text}`)
          // So many steps after the write before, another one.
          if (left[0]?.[0] !== steps) continue
          source.write(left.shift()![1], false)
          steps = -1
        }
        expect(found).toEqual(expected)
        expect(scan.step(), 'a scan that is over stays so').toBe(false)
      }),
      100,
    )
  },
)

test.each(['stopped half-way', 'read to its end'])(
  'scans one inside the other find what each finds alone, also behind one that was %s',
  (how) => {
    const source = new Source()
    for (let key = 0; key < KEYS; key++) source.write(key, key % 3 === 0)
    const view = stretch(tick(0), tick(source.epoch))
    const plan = { range: ALL_KEYS, view, withTombstones: false, limit: Infinity } as const
    const scanTo = (direction: Direction) => new VersionScan(source, { ...plan, direction })
    const alone = rowsOf(scanTo('reverse'), Infinity)
    const outer = scanTo('forward')
    const found: string[] = []
    while (outer.step()) {
      const stopped = scanTo('reverse')
      const steps = how === 'stopped half-way' ? found.length : Infinity
      expect(rowsOf(stopped, steps)).toEqual(alone.slice(0, steps))
      stopped.end()
      expect(stopped.step()).toBe(false)
      // What stands for its rows stands for those of the next one, while the outer one has its own.
      expect(rowsOf(scanTo('reverse'), 20)).toEqual(alone.slice(0, 20))
      found.push(shown(outer.version))
    }
    expect(found).toEqual(alone.toReversed())
  },
)

/** So many rows of a scan, at most; it is not stopped. */
function rowsOf(scan: VersionScan, most: number): string[] {
  const rows: string[] = []
  while (rows.length < most && scan.step()) rows.push(shown(scan.version))
  return rows
}

test('what fails behind some rows does so when they were handed out, once and for all', () => {
  const source = new Source()
  for (let key = 0; key < 30; key++) source.write(key, false)
  const failing: ScanSource = {
    epoch: 0,
    cursor: (view, direction) => {
      const cursor = source.cursor(view, direction)
      let left = 20
      const advance = cursor.advance.bind(cursor)
      cursor.advance = () => {
        if (--left === 0) throw new Error('damaged')
        advance()
      }
      return cursor
    },
  }
  const view = stretch(tick(0), MAX_TIME)
  const plan = {
    range: ALL_KEYS,
    view,
    direction: 'forward',
    withTombstones: false,
    limit: Infinity,
  } as const
  const scan = new VersionScan(failing, plan)
  const found: string[] = []
  const readOn = () => {
    while (scan.step()) found.push(shown(scan.version))
  }
  expect(readOn).toThrow('damaged')
  expect(found.length).toBe(20)
  expect(scan.step()).toBe(false)
})

describe('a scan of keys of which each has a block', () => {
  const KEYS_OF_A_BLOCK = 400
  const everything = {
    view: stretch(tick(0), MAX_TIME),
    direction: 'forward',
    withTombstones: false,
  } as const

  function blocks(cacheBytes?: number) {
    const files = new MemoryFiles()
    const tables = tableFiles(files, cacheBytes)
    const value = 'x'.repeat(200)
    const versions = Array.from({ length: KEYS_OF_A_BLOCK }, (_, key) => version(nameOf(key), 1, value))
    const meta = writeTable(tables, 1, versions)
    const open = (number: number) => tables.open(number)
    const source = {
      epoch: 0,
      cursor: (view: Stretches, direction: Direction) => new RunCursor(open, [meta], view, direction),
    }
    const scan = (range: KeyRange) => new VersionScan(source, { ...everything, range, limit: Infinity })
    return { files, tables, source, scan }
  }

  test('keeps no more blocks than a few dozen from being forgotten, however many rows it is ahead', () => {
    const { tables, scan } = blocks()
    const all = scan(ALL_KEYS)
    let most = 0
    for (let steps = 1; all.step(); steps++) most = Math.max(most, tables.counters.blocksRead - steps)
    expect(tables.counters.blocksRead).toBe(KEYS_OF_A_BLOCK)
    expect(most, 'blocks ahead').toBeGreaterThan(16)
    expect(most).toBeLessThanOrEqual(64)
  })

  test('points to no block any more, when it is over', () => {
    const all = blocks().scan(ALL_KEYS)
    const rows = new Set<Readonly<FoundRow>>()
    while (all.step()) rows.add(all.row)
    expect(rows.size, 'rows at once').toBeGreaterThan(16)
    for (const { key, version: shows } of rows)
      expect([key.view.byteLength, shows.view.byteLength]).toEqual([0, 0])
  })

  test('points to no block any more, when it is stopped', () => {
    const some = blocks().scan(ALL_KEYS)
    const rows = new Set<Readonly<FoundRow>>()
    for (let steps = 0; steps < 20; steps++) {
      some.step()
      rows.add(some.row)
    }
    some.end()
    for (const { key, version: shows } of rows)
      expect([key.view.byteLength, shows.view.byteLength]).toEqual([0, 0])
  })

  test('reads no block behind the one in which it sees that its range is over', () => {
    const { tables, scan } = blocks()
    const some = scan({ lower: bytesOfText(nameOf(10)), upper: bytesOfText(nameOf(13)) })
    expect(stepsOf(some)).toBe(3)
    // Those of the range, and the ones beside it: in the one before the first key could have been.
    expect(tables.counters.blocksRead).toBe(3 + 2)
  })

  test('has few rows found in vain, where something is written before each step', () => {
    const { tables, source, scan } = blocks(0)
    const all = scan(ALL_KEYS)
    let steps = 0
    for (; all.step(); steps++) source.epoch++
    expect(steps).toBe(KEYS_OF_A_BLOCK)
    expect(tables.counters.blocksRead).toBeLessThanOrEqual(18 * steps)
  })

  test('gives the rows before a damaged block, and all where the damage is behind its range', () => {
    const { files, tables, scan } = blocks()
    const { offset } = tables.open(1).index[20]!
    const bytes = readWholeFile(files, tablePath(1))
    bytes[offset + 30]! ^= 1
    putFile(files, tablePath(1), bytes)
    tables.close()
    const all = scan(ALL_KEYS)
    let steps = 0
    expect(
      refusal(() => {
        for (; all.step();) steps++
      })?.code,
    ).toBe('TABLE_CORRUPT')
    expect(steps).toBe(20)
    expect(stepsOf(scan({ lower: bytesOfText(nameOf(10)), upper: bytesOfText(nameOf(19)) }))).toBe(9)
  })
})

describe('a scan of values that are large', () => {
  const MIB = 2 ** 20
  const LARGE = 12

  /** Keys each of which has a block of six mebibytes. */
  function large(direction: Direction) {
    const tables = tableFiles(new MemoryFiles(), 0)
    const value = new Uint8Array(6 * MIB)
    const versions = Array.from({ length: LARGE }, (_, key) => ({ ...version(nameOf(key), 1), value }))
    const meta = writeTable(tables, 1, versions)
    const cursor = (view: Stretches) =>
      new RunCursor((number) => tables.open(number), [meta], view, direction)
    const plan = { range: ALL_KEYS, direction, withTombstones: false, limit: Infinity }
    const scan = new VersionScan({ epoch: 0, cursor }, { ...plan, view: stretch(tick(0), MAX_TIME) })
    return { counters: tables.counters, scan }
  }

  test.each(['forward', 'reverse'] as const)(
    'going %s, reads few blocks before each row, and points to few at once',
    (direction) => {
      const { counters, scan } = large(direction)
      const rows = new Set<Readonly<FoundRow>>()
      let [steps, before, mostRead, mostHeld] = [0, 0, 0, 0]
      for (; scan.step(); steps++, before = counters.blocksRead) {
        rows.add(scan.row)
        mostRead = Math.max(mostRead, counters.blocksRead - before)
        const buffers = new Set(Array.from(rows, (row) => row.version.view.buffer))
        mostHeld = Math.max(mostHeld, buffers.size)
      }
      expect(steps).toBe(LARGE)
      // There is no cache: in reverse, each block is read again to search for its key.
      expect(mostRead, 'blocks before a row').toBeLessThanOrEqual(direction === 'forward' ? 4 : 12)
      expect(mostHeld, 'blocks at once').toBeLessThanOrEqual(5)
    },
  )

  /** How many rows are found at once of versions that stand in these views by turns. */
  function foundIn(views: readonly DataView[]): number {
    const rows = new FoundRows({ range: ALL_KEYS, direction: 'forward', withTombstones: false })
    // What a scan looks ahead in the end.
    for (let i = 0; i < 5; i++) rows.clear(Infinity)
    const span = { view: new DataView(new ArrayBuffer(1)), from: 0, to: 1 }
    let count = 0
    for (; rows.hasRoom; count++) {
      const locate = (found: VersionSpan) => void (found.view = views[count % views.length]!)
      rows.add({ span, locate } as KeyCursor)
    }
    return count
  }
  const view = (bytes: number) => new DataView(new ArrayBuffer(bytes))

  test('looks ahead as far as ever in one block, whatever its size, and in the chunks of a memtable', () => {
    expect(foundIn([view(1000)])).toBe(256)
    expect(foundIn([view(64 * MIB)])).toBe(256)
    expect(foundIn([view(CHUNK_BYTES_MAX), view(CHUNK_BYTES_MAX)])).toBe(64)
    expect(foundIn([view(32 * MIB), view(32 * MIB)])).toBe(2)
  })
})

function stepsOf(scan: VersionScan): number {
  let steps = 0
  while (scan.step()) steps++
  return steps
}
