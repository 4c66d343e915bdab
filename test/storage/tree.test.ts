/**
 * The tree answers as the list of all its versions would, whatever is flushed and compacted in between,
 * also to those who are in the middle of a scan.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.ts'
import { bytesOfText } from '../../src/base/bytes.ts'
import { type KeyRange, keyRange } from '../../src/base/key-range.ts'
import { checkTree } from '../../src/storage/check.ts'
import { hashOfKey } from '../../src/storage/bloom-filter.ts'
import { type Direction } from '../../src/storage/cursor.ts'
import { type VersionFilter } from '../../src/storage/filter.ts'
import { type Job, type NumberRange, runJob } from '../../src/storage/job.ts'
import { type CompactionChoice } from '../../src/storage/plan.ts'
import { DEFAULT_POLICY, planCompaction, planFullCompaction } from '../../src/storage/policy.ts'
import {
  EMPTY_TREE,
  type ManifestState,
  applyManifestEdit,
  newManifestState,
} from '../../src/storage/manifest-state.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { bytesOfTables, tablesOf } from '../../src/storage/shape.ts'
import { type TableFiles } from '../../src/storage/table-files.ts'
import { Tree, type TreeContext } from '../../src/storage/tree.ts'
import { eachOf } from '../../src/storage/version-batch.ts'
import { type KeyedVersion, type TimeOrder, type Version } from '../../src/storage/version.ts'
import { MAX_TIME, MIN_TIME } from '../../src/time/hybrid-time.ts'
import { type Stretches, contains, stretch, union } from '../../src/time/stretches.ts'
import { holds } from '../time/property.ts'
import {
  NO_PLACE,
  KEYS,
  PROBES,
  allShown,
  compareKeys,
  compareVersions,
  keysOf,
  newestOf,
  shown,
  smallGeometry,
  tableFiles,
  tick,
} from './samples.ts'

const keepAll = (): VersionFilter => ({ beginKey: () => undefined, keeps: () => true })

/** A tree whose edits are installed at once, as a store does it. */
class InstalledTree {
  readonly files = new MemoryFiles()
  readonly tables: TableFiles
  readonly context: TreeContext
  tree: Tree<string>
  /** Whether tables that a compaction replaced go at once. A store removes them some commits later. */
  removesObsolete = true
  obsolete: readonly number[] = []
  #manifest: ManifestState = newManifestState({ geometry: 'tiny', clock: 'system' })
  #next = 1

  constructor(cacheBytes = 500) {
    this.tables = tableFiles(this.files, cacheBytes)
    const geometry = smallGeometry({ level0Tables: 1, level1Bytes: 250, sizeRatio: 2, memtableBytes: 400 })
    this.context = { tables: this.tables, geometry }
    this.tree = new Tree(4, EMPTY_TREE, this.context)
  }

  /** Ends what the memtable takes. */
  freeze(): void {
    this.tree.freeze()
  }

  flush(): void {
    this.freeze()
    while (this.tree.frozenCount > 0) this.#run(this.tree.flushJob('a directive', NO_PLACE, this.#reserve))
  }

  /** Runs one compaction, if one is due; all there is to merge if `fully`. */
  compact(fully: boolean, filterFor = keepAll): boolean {
    const { shape, pointers } = this.tree.state
    const { choice } = (fully ? planFullCompaction : planCompaction)({
      ...{ policy: DEFAULT_POLICY, shape, pointers, geometry: this.context.geometry, cutoff: MIN_TIME },
    })
    if (choice === undefined) return false
    this.obsolete = this.#run(this.tree.mergeJob(choice, 'a directive', this.#reserve), choice, filterFor)
    if (this.removesObsolete) this.tables.remove(this.obsolete)
    return true
  }

  /** The same files, opened again; what was in memory only is gone. */
  reopen(): void {
    this.tables.close()
    this.tree = new Tree(4, this.tree.state, this.context)
  }

  readonly #reserve = (count: number): NumberRange => {
    this.#next += count
    return { first: this.#next - count, end: this.#next }
  }

  /** Runs a job and installs what it made; the numbers of the tables that it replaced. */
  #run(job: Job<string>, choice?: CompactionChoice, filterFor = keepAll): readonly number[] {
    const io = { files: this.files, tables: this.tables, geometry: this.context.geometry, filterFor }
    const edit = this.tree.editOf(runJob(job, io), choice)
    this.#manifest = applyManifestEdit(this.#manifest, { trees: [edit] })
    this.tree.install(this.#manifest.trees.get(4)!)
    const stays = new Set(edit.add.map(({ table }) => table.number))
    return edit.remove.filter((number) => !stays.has(number))
  }
}

const value = fc.option(fc.uint8Array({ maxLength: 60, size: 'max' }), { nil: undefined, freq: 4 })
const key = fc.nat({ max: KEYS.length - 1 })
const maintenance = fc.constantFrom<Maintenance>(
  ...(['freeze', 'flush', 'flush', 'compact', 'rest', 'compact fully'] as const),
)
const write = fc.uniqueArray(fc.tuple(key, value), {
  minLength: 1,
  maxLength: 6,
  selector: ([index]) => index,
})
type Write = readonly (readonly [number, Uint8Array | undefined])[]
/** `rest`: compactions until none is due. */
type Maintenance = 'freeze' | 'flush' | 'compact' | 'rest' | 'compact fully'

/** A tree and the list of all versions that were written to it. */
class Subject {
  readonly installed: InstalledTree
  readonly written: KeyedVersion[] = []
  #time = 0

  constructor(cacheBytes?: number) {
    this.installed = new InstalledTree(cacheBytes)
  }

  get tree(): Tree<string> {
    return this.installed.tree
  }

  write(writes: Write): void {
    // Times of commits are not next to each other.
    const time = tick((this.#time += 3))
    const each = writes.map(([index, bytes]) => ({ key: KEYS[index]!, value: bytes }))
    this.tree.apply(time, each)
    this.written.push(...each.map((one) => ({ ...one, time })))
  }

  run(step: Write | Maintenance): void {
    if (step === 'freeze') this.installed.freeze()
    else if (step === 'flush') this.installed.flush()
    else if (step === 'compact') this.installed.compact(false)
    else if (step === 'compact fully') this.installed.compact(true)
    else if (step === 'rest') while (this.installed.compact(false));
    else this.write(step)
  }

  /** A view over times that were written. */
  view(bounds: readonly (readonly [number, number])[]): Stretches {
    const at = (part: number) => tick(Math.floor((part / 100) * (this.#time + 2)))
    return union(...bounds.map(([after, through]) => stretch(at(after), at(through))))
  }
}

const steps = fc.array(fc.oneof({ weight: 5, arbitrary: write }, { weight: 4, arbitrary: maintenance }), {
  maxLength: 60,
})
const percent = fc.nat({ max: 100 })
const bounds = fc.oneof(
  fc.tuple(percent).map(([through]) => [[0, through] as const]),
  fc.array(fc.tuple(percent, percent), { maxLength: 3 }),
)
/** Several stretches with gaps between them. */
const gaps = fc
  .uniqueArray(percent, { minLength: 4, maxLength: 8 })
  .map((ends) => ends.toSorted((a, b) => a - b))
  .map((ends) =>
    Array.from({ length: ends.length >> 1 }, (_, i) => [ends[2 * i]!, ends[2 * i + 1]!] as const),
  )
const range: fc.Arbitrary<KeyRange> = fc
  .record({
    gte: fc.option(fc.constantFrom(...PROBES), { nil: undefined }),
    lt: fc.option(fc.constantFrom(...PROBES), { nil: undefined }),
  })
  .map(keyRange)

/** What a scan shows, by walking over all versions. */
function expectedScan(
  all: readonly KeyedVersion[],
  { lower, upper }: KeyRange,
  view: Stretches,
  way: Direction,
) {
  const keys = keysOf(all).filter(
    (each) => compareKeys(each, lower) >= 0 && (upper === undefined || compareKeys(each, upper) < 0),
  )
  const rows = keys.flatMap((each) => {
    const newest = newestOf(all, each, view)
    return newest?.value === undefined ? [] : [newest]
  })
  return allShown(way === 'forward' ? rows : rows.toReversed())
}

/** Two keys that have the same hash, in order. */
function keysOfOneHash(): Uint8Array[] {
  const known = new Map<number, Uint8Array>()
  for (let i = 0; ; i++) {
    const one = bytesOfText(`key ${i}`)
    const other = known.get(hashOfKey(one))
    if (other !== undefined) return [other, one].toSorted(compareKeys)
    known.set(hashOfKey(one), one)
  }
}

describe('a tree', () => {
  test('finds and scans what the list of all versions has, in any view', () => {
    const deepest = new Set<number>()
    holds(
      fc.property(steps, bounds, range, (script, parts, keys) => {
        const subject = new Subject()
        for (const step of script) subject.run(step)
        const view = subject.view(parts)
        // A tombstone that hides nothing may be gone; it reads as absent either way.
        const answer = (one: Version | undefined) => shown(one?.value === undefined ? undefined : one)
        for (const probe of PROBES)
          expect(answer(subject.tree.find(probe, view))).toBe(answer(newestOf(subject.written, probe, view)))
        for (const way of ['forward', 'reverse'] as const)
          expect(allShown(subject.tree.scan(keys, view, way))).toEqual(
            expectedScan(subject.written, keys, view, way),
          )
        deepest.add(subject.tree.state.shape.findLastIndex((tables) => tables.length > 0))
      }),
      60,
    )
    expect(Math.max(...deepest)).toBeGreaterThanOrEqual(3)
  })

  test('finds a key where it found it before, but never what is not the newest then', () => {
    // Few keys, of which there are many versions, in many tables.
    const few = fc.nat({ max: 2 })
    const ask = fc.record({ key: few, bounds: fc.oneof(bounds, gaps), isNow: fc.boolean() })
    const rounds = fc.array(
      fc.tuple(
        fc.tuple(few, value).map((one): Write => [one]),
        fc.oneof({ weight: 3, arbitrary: fc.constant('flush' as const) }, maintenance),
        fc.array(ask, { maxLength: 8 }),
      ),
      { maxLength: 30 },
    )
    const answer = (one: Version | undefined) => shown(one?.value === undefined ? undefined : one)
    holds(
      fc.property(rounds, fc.constantFrom(1000, 4000, 1e6), (script, cacheBytes) => {
        const subject = new Subject(cacheBytes)
        for (const [writes, step, asks] of script) {
          subject.run(writes)
          subject.run(step)
          for (const { key: index, bounds: parts, isNow } of asks) {
            const past = subject.view(parts)
            const view = isNow ? union(past, stretch(past.at(-1)?.after ?? tick(0), MAX_TIME)) : past
            const expected = answer(newestOf(subject.written, KEYS[index]!, view))
            // Searched for, found again, copied, found in its row.
            for (let time = 0; time < 4; time++)
              expect(answer(subject.tree.find(KEYS[index]!, view))).toBe(expected)
          }
        }
      }),
      100,
    )
  })

  test('finds its own version of a key that other trees have too, and of keys whose hashes are the same', () => {
    const files = new MemoryFiles()
    const tables = tableFiles(files)
    const keys = keysOfOneHash()
    const trees = [1, 2].map((id) => {
      const tree = new Tree<string>(id, EMPTY_TREE, { tables, geometry: smallGeometry() })
      const writes = keys.map((each, i) => ({ key: each, value: Uint8Array.of(id, i) }))
      tree.apply(tick(1), writes)
      tree.freeze()
      const job = tree.flushJob('a directive', NO_PLACE, () => ({ first: id, end: id + 1 }))
      const edit = tree.editOf(runJob(job, { files, tables, geometry: smallGeometry(), filterFor: keepAll }))
      const manifest = newManifestState({ geometry: 'tiny', clock: 'system' })
      tree.install(applyManifestEdit(manifest, { trees: [edit] }).trees.get(id)!)
      return tree
    })
    for (const _ of ['searched for', 'found again', 'found by the others', 'copied', 'found in their rows'])
      for (const [i, each] of keys.entries())
        for (const tree of trees)
          expect(tree.find(each, stretch(tick(0), MAX_TIME))?.value).toEqual(Uint8Array.of(tree.id, i))
  })

  test('finds nothing in tables that were replaced, as long as they are there too', () => {
    const installed = new InstalledTree(1e6)
    const present = stretch(tick(0), MAX_TIME)
    for (const time of [1, 2]) {
      installed.tree.apply(tick(time), [{ key: KEYS[0]!, value: Uint8Array.of(time) }])
      installed.flush()
    }
    for (const time of [1, 2])
      expect(installed.tree.find(KEYS[0]!, stretch(tick(0), tick(time)))?.time).toBe(tick(time))
    // Searched for, found again, copied.
    for (let time = 0; time < 3; time++) expect(installed.tree.find(KEYS[0]!, present)?.time).toBe(tick(2))
    installed.removesObsolete = false
    installed.compact(true, () => ({ beginKey: () => undefined, keeps: () => false }))
    expect(installed.obsolete.length).toBeGreaterThan(0)
    for (const view of [present, stretch(tick(0), tick(1))])
      expect(installed.tree.find(KEYS[0]!, view)).toBeUndefined()
  })

  test('obeys every structural law after every step', () => {
    holds(
      fc.property(steps, (script) => {
        const subject = new Subject()
        for (const step of script) {
          subject.run(step)
          const { shape } = subject.tree.state
          expect(checkTree(shape, (number) => subject.installed.tables.open(number)).faults).toEqual([])
          const named = tablesOf(shape).map(({ number }) => number)
          expect(new Set(subject.installed.tables.list())).toEqual(new Set(named))
        }
      }),
      10,
    )
  })

  test('comes to rest: compactions that are due end, and then none is due', () => {
    holds(
      fc.property(steps, (script) => {
        const subject = new Subject()
        for (const step of script) subject.run(step)
        let rounds = 0
        while (subject.installed.compact(false)) expect(++rounds).toBeLessThan(100)
      }),
      20,
    )
  })

  test('holds every version until a filter drops it, but for tombstones that hide nothing', () => {
    holds(
      fc.property(steps, (script) => {
        const subject = new Subject()
        for (const step of script) subject.run(step)
        const there = new Set(allShown(subject.tree.versions()))
        expect([...there]).toEqual(
          allShown(subject.written.toSorted(compareVersions)).filter((one) => there.has(one)),
        )
        for (const one of subject.written)
          if (one.value !== undefined) expect(there).toContain(allShown([one])[0])
      }),
      40,
    )
  })

  test('knows its newest time, opened again too', () => {
    holds(
      fc.property(steps, (script) => {
        const subject = new Subject()
        for (const step of script) subject.run(step)
        const newest = (all: readonly KeyedVersion[]) =>
          all.reduce((max, { time }) => (time > max ? time : max), tick(0))
        expect(subject.tree.newestTime).toBe(newest(subject.written))
        const { flushedThrough } = subject.tree.state
        subject.installed.reopen()
        expect(subject.tree.newestTime).toBe(flushedThrough)
        expect(newest(subject.written.filter(({ time }) => time <= flushedThrough))).toBe(flushedThrough)
      }),
      40,
    )
  })

  test('takes no version at or below its newest time', () => {
    const { tree } = new InstalledTree()
    const writes = [{ key: bytesOfText('a'), value: undefined }]
    tree.apply(tick(5), writes)
    for (const time of [5, 4]) expect(() => tree.apply(tick(time), writes)).toThrow(AssertionError)
    expect(() => tree.apply(tick(5), [{ key: bytesOfText('b'), value: undefined }])).toThrow(AssertionError)
  })

  test('counts each run that a search passed over because all it has is newer', () => {
    const subject = new Subject()
    for (let i = 0; i < 3; i++) {
      subject.write([[0, new Uint8Array(20)]])
      subject.run('flush')
    }
    const { counters } = subject.installed.tables
    const [first] = [...subject.tree.versions()].toReversed()
    expect(subject.tree.find(KEYS[0]!, stretch(MIN_TIME, first!.time))?.time).toBe(first!.time)
    expect(counters.timeSkips).toBe(2)
  })

  test('sums up the work it has done', () => {
    const subject = new Subject()
    for (let i = 0; i < 12; i++) {
      subject.write(KEYS.map((_, index) => [index, new Uint8Array(20)]))
      subject.run('flush')
      while (subject.installed.compact(false));
    }
    const { totals, shape } = subject.tree.state
    expect(totals).toMatchObject({
      flushes: 12,
      flushedVersions: 144,
      droppedVersions: 0,
      droppedTombstones: 0,
    })
    expect(totals.compactions).toBeGreaterThan(5)
    const { flushedBytes, compactionReadBytes, compactionWrittenBytes } = totals
    expect(flushedBytes + compactionWrittenBytes - compactionReadBytes).toBe(bytesOfTables(tablesOf(shape)))
  })
})

describe('a scan that is open', () => {
  test('shows what its view had when it began, whatever is written, flushed, merged and removed meanwhile', () => {
    holds(
      fc.property(
        steps,
        percent,
        range,
        fc.constantFrom<Direction>('forward', 'reverse'),
        fc.array(fc.array(fc.oneof(write, maintenance), { maxLength: 3 }), { maxLength: 12 }),
        (script, through, keys, way, meanwhile) => {
          const subject = new Subject()
          for (const step of script) subject.run(step)
          const view = subject.view([[0, through]])
          const expected = expectedScan(subject.written, keys, view, way)
          const found: KeyedVersion[] = []
          const scan = subject.tree.scan(keys, view, way)
          for (let turn = 0; ; turn++) {
            if (!scan.step()) break
            found.push({ key: scan.key, ...scan.version })
            for (const step of meanwhile[turn] ?? []) subject.run(step)
          }
          expect(allShown(found)).toEqual(expected)
          expect(scan.step(), 'a scan that is over stays so').toBe(false)
        },
      ),
      60,
    )
  })

  test('over all versions goes on behind the last one', () => {
    const subject = new Subject()
    for (let i = 0; i < 4; i++) subject.write(KEYS.map((_, index) => [index, Uint8Array.of(i)]))
    const before = allShown(subject.tree.versions())
    const versions = subject.tree.versions()
    const found: KeyedVersion[] = []
    for (const [turn, one] of [...before.keys()].entries()) {
      found.push(versions.next().value as KeyedVersion)
      if (one % 10 === 3) subject.run(turn % 20 === 3 ? 'flush' : 'compact fully')
    }
    expect(versions.next().done).toBe(true)
    expect(allShown(found)).toEqual(before)
  })

  test('reads each block once, and steps over keys, not over versions', () => {
    const subject = new Subject()
    for (let i = 0; i < 30; i++)
      subject.write([
        [3, new Uint8Array(50)],
        [5, Uint8Array.of(i)],
      ])
    subject.run('flush')
    const { tables } = subject.installed
    const read = () => tables.counters.blocksRead
    const before = read()
    const rows = Array.from(subject.tree.scan(keyRange({}), stretch(tick(0), MAX_TIME), 'forward'))
    expect(rows.length).toBe(2)
    const blocks = tablesOf(subject.tree.state.shape).reduce((sum, table) => sum + table.blocks, 0)
    expect(blocks).toBeGreaterThan(15)
    expect(read() - before).toBeLessThanOrEqual(4)
  })
})

describe('the versions of a key', () => {
  test('are those in the view, in either order, whatever is written, flushed and merged between two batches', () => {
    holds(
      fc.property(
        steps,
        fc.oneof(bounds, gaps),
        key,
        fc.constantFrom<TimeOrder>('newest first', 'oldest first'),
        fc.array(fc.array(fc.oneof(write, maintenance), { maxLength: 3 }), { maxLength: 12 }),
        (script, parts, index, order, meanwhile) => {
          const subject = new Subject()
          for (const step of script) subject.run(step)
          const view = subject.view(parts)
          const all = subject.written
            .filter((one) => compareKeys(one.key, KEYS[index]!) === 0 && contains(view, one.time))
            .toSorted((a, b) => Number(order === 'oldest first' ? a.time - b.time : b.time - a.time))
            .map(shown)
          const found: string[] = []
          let turn = 0
          for (const batch of subject.tree.versionBatches(KEYS[index]!, view, order)) {
            expect(batch.count).toBeGreaterThan(0)
            for (const step of meanwhile[turn++] ?? []) subject.run(step)
            found.push(...Array.from(eachOf(batch), shown))
          }
          // A tombstone that hides nothing may be gone.
          const isThere = new Set(found)
          expect(found).toEqual(all.filter((one) => isThere.has(one)))
          const values = all.filter((one) => !one.endsWith('tombstone'))
          expect(values.filter((one) => !isThere.has(one))).toEqual([])
        },
      ),
      100,
    )
  })

  test('come a block, or 256 of the memtable, at a time', () => {
    const subject = new Subject()
    for (let i = 0; i < 600; i++) subject.write([[3, Uint8Array.of(i & 0xff)]])
    const sizes = () =>
      Array.from(
        subject.tree.versionBatches(KEYS[3]!, stretch(MIN_TIME, MAX_TIME), 'newest first'),
        ({ count }) => count,
      )
    expect(sizes()).toEqual([256, 256, 88])
    subject.run('flush')
    expect(sizes().reduce((sum, size) => sum + size)).toBe(600)
    expect(Math.max(...sizes())).toBeLessThan(20)
  })
})

test('what is frozen is occupied and read, until its table is; a directive of before knows no later gap', () => {
  const installed = new InstalledTree()
  const { tree } = installed
  const writeAt = (time: number) =>
    tree.apply(tick(time), [{ key: bytesOfText('k'), value: bytesOfText('v') }])
  writeAt(3)
  installed.freeze()
  writeAt(5)
  // The job of the frozen memtable watches nothing, as if a restore had left its gap only later.
  const occupied = [stretch(tick(2), tick(3)), stretch(tick(4), tick(5))]
  expect(tree.occupiedTimes()).toEqual(union(...occupied))
  expect(tree.find(bytesOfText('k'), stretch(tick(0), tick(4)))?.time).toBe(tick(3))
  installed.flush()
  expect(tree.frozenCount).toBe(0)
  expect(tree.occupiedTimes()).toEqual(union(...occupied))
  installed.compact(true)
  // Merged into one table that spans both, in which nobody looked for the gap between them.
  expect(tree.occupiedTimes()).toEqual(stretch(tick(2), tick(5)))
})
