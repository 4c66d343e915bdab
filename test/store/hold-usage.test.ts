/** What each hold alone keeps: held against full compactions with it, and without it. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { type HybridTime, hybridTime } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { holds } from '../time/property.ts'

const TABLES = ['k.t', 'k.u']
const KEEP = 60

type Operation =
  | { readonly do: 'write'; readonly table: number; readonly key: number; readonly isDelete: boolean }
  | { readonly do: 'wait'; readonly micros: number }
  | { readonly do: 'hold'; readonly scope: number; readonly back: number; readonly length: number }
  | { readonly do: 'scan'; readonly table: number; readonly back: number }
  | { readonly do: 'restore'; readonly table: number; readonly back: number }
  | { readonly do: 'release' | 'undo' | 'truncate' | 'flush' | 'compact'; readonly which: number }

const back = fc.nat({ max: KEEP })
const table = fc.nat({ max: 1 })
const just = <T extends string>(what: T) => fc.constant(what)
const operations: fc.Arbitrary<readonly Operation[]> = fc.array(
  fc.oneof(
    {
      weight: 12,
      arbitrary: fc.record({
        do: just('write'),
        table,
        key: fc.nat({ max: 2 }),
        isDelete: fc.nat({ max: 2 }).map((n) => n === 0),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: just('wait'), micros: fc.integer({ min: 1, max: 30 }) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: just('hold'),
        scope: fc.nat({ max: 3 }),
        back,
        length: fc.constantFrom(0, 0, 3, 20),
      }),
    },
    { weight: 5, arbitrary: fc.record({ do: just('scan'), table, back }) },
    { weight: 2, arbitrary: fc.record({ do: just('restore'), table, back }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('release', 'undo', 'undo', 'truncate', 'flush', 'compact'),
        which: fc.nat({ max: 9 }),
      }),
    },
  ),
  { minLength: 10, maxLength: 60, size: 'max' },
)

/** A version as it lies in a table, with the bytes of its key and value. */
type Stored = ReadonlyMap<string, { readonly bytes: number; readonly isTombstone: boolean }>

/** A database with what holds times in it, made anew from the same operations each time. */
class Subject {
  readonly db: Database
  readonly #clock = new ReplayClock({ micros: 1_000 })
  readonly #cursors = new Map<number, IterableIterator<unknown>>()
  #names = 0

  constructor(all: readonly Operation[]) {
    const world = { files: new MemoryFiles(), clock: this.#clock, checksum: crc32 }
    this.db = openDatabase(world, { geometry: 'miniature' })
    this.db.createKeyspace('k')
    for (const name of TABLES) this.db.createTable(name, { keep: KEEP, values: 'text' })
    this.#clock.advance(KEEP)
    for (const [i, operation] of all.entries()) {
      try {
        this.#carryOut(operation, i)
      } catch (error) {
        // A random time may be gone, a restore undone.
        if (!(error instanceof PalimpsestError)) throw error
      }
    }
    this.#clock.advance(KEEP)
  }

  /** Lets a hold go, whatever it is of. */
  release(
    hold: { readonly kind: 'hold'; readonly name: string } | { readonly kind: 'cursor'; readonly id: number },
  ): void {
    if (hold.kind === 'hold') this.db.release(hold.name)
    else this.#cursors.get(hold.id)!.return!()
  }

  /** Every version that is left after a full compaction. */
  compacted(): Stored {
    this.db.compact()
    const entries = TABLES.flatMap((name) =>
      Array.from(this.db.versions<string, string>(name), ({ key, time, value }) => {
        const bytes = key.length + (value?.length ?? 0)
        return [`${name} ${key}@${time}`, { bytes, isTombstone: value === undefined }] as const
      }),
    )
    return new Map(entries)
  }

  #carryOut(operation: Operation, i: number): void {
    const { db } = this
    switch (operation.do) {
      case 'write': {
        const written = db.table<string, string>(TABLES[operation.table]!)
        const key = 'k'.repeat(operation.key + 1)
        if (operation.isDelete) written.delete(key)
        else written.put(key, `${i}`)
        return
      }
      case 'wait':
        this.#clock.advance(operation.micros)
        return
      case 'hold': {
        const scope = [{ table: 'k.t' }, { table: 'k.u' }, { keyspace: 'k' }, {}][operation.scope]
        const from = this.#timeBack(operation.back)
        const through = this.#timeBack(Math.max(0, operation.back - operation.length))
        db.hold({ name: `h${++this.#names}`, ...scope, from, through })
        return
      }
      case 'scan': {
        const cursor = db.table(TABLES[operation.table]!).scan({ asOf: this.#timeBack(operation.back) })
        cursor.next()
        // One that came to its end at once holds nothing.
        const opened = db.holds().findLast((hold) => hold.kind === 'cursor')
        if (opened?.kind === 'cursor' && !this.#cursors.has(opened.id)) this.#cursors.set(opened.id, cursor)
        return
      }
      case 'restore':
        db.restoreSync('k', { table: TABLES[operation.table]!.slice(2), to: this.#timeBack(operation.back) })
        return
      case 'undo': {
        const all = db.restores()
        db.undoSync(all[operation.which % all.length]?.id ?? 'restore-0')
        return
      }
      case 'release': {
        const all = db.holds()
        const hold = all[operation.which % all.length]
        if (hold !== undefined) this.release(hold)
        return
      }
      case 'truncate':
        if (operation.which < 3) db.truncate(TABLES[operation.which % 2]!)
        return
      default:
        db[operation.do]()
    }
  }

  #timeBack(micros: number): HybridTime {
    return hybridTime(this.#clock.now() - micros)
  }
}

/** What one compaction leaves and another does not. */
function lostBetween(before: Stored, after: Stored): { versions: number; bytes: number; tombstones: number } {
  const lost = [...before].filter(([version]) => !after.has(version)).map(([, stored]) => stored)
  return {
    versions: lost.length,
    bytes: lost.reduce((sum, { bytes }) => sum + bytes, 0),
    tombstones: lost.filter(({ isTombstone }) => isTombstone).length,
  }
}

describe('what a hold alone keeps', () => {
  test('is what a full compaction drops in addition once it is released: over restores, truncates and open scans', () => {
    const met = { holds: 0, shared: 0, versions: 0, tombstones: 0, cursors: 0, restored: 0 }
    holds(
      fc.property(operations, (all) => {
        const subject = new Subject(all)
        const usage = subject.db.holdUsage()
        const before = subject.compacted()
        expect(subject.db.holdUsage(), 'compacted or not').toEqual(usage)
        let alone = 0
        for (const [h, { hold, alone: kept }] of usage.holds.entries()) {
          const without = new Subject(all)
          without.release(without.db.holds()[h]!)
          const { tombstones, ...lost } = lostBetween(before, without.compacted())
          expect({ ...kept }, JSON.stringify(hold, textOf)).toEqual(lost)
          alone += kept.versions
          met.versions += kept.versions
          met.tombstones += tombstones
          if (hold.kind === 'cursor' && kept.versions > 0) met.cursors++
          if (kept.versions > 0 && subject.db.restores().length > 0) met.restored++
        }
        met.holds += usage.holds.length
        const bare = new Subject(all)
        for (const hold of bare.db.holds()) bare.release(hold)
        const { tombstones: _, ...lost } = lostBetween(before, bare.compacted())
        expect({ ...usage.together }, 'together').toEqual(lost)
        if (usage.together.versions > alone) met.shared++
      }),
      10,
    )
    expect(met.holds).toBeGreaterThan(60)
    for (const count of Object.values(met)) expect(count, JSON.stringify(met)).toBeGreaterThan(0)
  })
})

function textOf(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
