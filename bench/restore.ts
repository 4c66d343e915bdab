/**
 * What a restore and its undo cost, on little data and much, after few changes and many; and what reads cost
 * when a thousand of them have been made. On real files; the engine's own code, no peer has such a thing.
 *
 *     data          changed keys     then, over and over
 *     10 MB, 1 GB   1, 1,000,000     restore to before the changes, undo
 *
 * A restore is one durable commit of the catalog, so most of what it takes is the disk's sync: one durable put is
 * measured in the same rounds, and ratios are to that.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, ReplayClock, type Table, open } from '../src/index.ts'
import { type Benchmark } from './benchmark.ts'
import { medianOf } from './median.ts'

const VALUE_BYTES = 1000
const SIZES = [
  { name: '10 MB', keys: 10_000 },
  { name: '1 GB', keys: 1_000_000 },
]
const CHANGED_KEYS = [1, 1_000_000]
const KEYS_PER_BATCH = 1000
const ROUNDS = 25
const RESTORES = 1000
const READS_PER_SAMPLE = 20_000
const SAMPLES = 9
const HOUR_MICROS = 3_600_000_000

/** Milliseconds, the median of the rounds and the middle half of them. */
interface Cost {
  readonly median: number
  readonly quartiles: readonly [number, number]
}

/** A cell of the table: how much data, how many keys were changed, and what it cost. */
interface CellCost {
  readonly data: string
  readonly changedKeys: number
  readonly restoreMs: Cost
  readonly undoMs: Cost
  readonly durablePutMs: Cost
}

/** Nanoseconds of a read at one moment, of the present and as of a time. */
interface ReadCost {
  readonly get: number
  readonly asOfGet: number
}

/** Restores and undos at two sizes, and reads after a thousand. */
export const benchmarkRestore: Benchmark = async (progress) => {
  const cells: CellCost[] = []
  for (const { name, keys } of SIZES) {
    for (const changedKeys of CHANGED_KEYS) {
      progress(`${name}, ${changedKeys} changed keys`)
      const cost = await inDirectory((path) => costOf(path, keys, changedKeys))
      cells.push({ data: name, changedKeys, ...cost })
    }
  }
  progress(`reads after ${RESTORES} restores`)
  const after = await inDirectory(readsAfterMany)
  return { data: { cells, after }, lines: [...cells.map(cellLine), '', ...afterLines(after)] }
}

async function inDirectory<T>(work: (path: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-restore-'))
  try {
    return await work(join(directory, 'db'))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function costOf(
  path: string,
  keys: number,
  changedKeys: number,
): Promise<Pick<CellCost, 'restoreMs' | 'undoMs' | 'durablePutMs'>> {
  const db = open(path)
  db.createKeyspace('bench')
  const table = db.createTable<string, Uint8Array>('bench.data', { keep: 'forever', values: 'bytes' })
  const other = db.createTable<string, Uint8Array>('bench.other', { values: 'bytes' })
  fill(db, keys, VALUE_BYTES, 'base')
  const before = db.newest
  fill(db, changedKeys, 10, 'base')
  const restores: number[] = []
  const undos: number[] = []
  const puts: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    puts.push(await msOf(() => other.put('key', new Uint8Array(1), { durability: 'disk' })))
    const { id, ms } = await timed(() => db.restore('bench', { to: before, table: 'data' }))
    restores.push(ms)
    if (table.get(keyOf('base', 0))?.length !== VALUE_BYTES) throw new Error('the restore is not visible')
    undos.push(await msOf(() => db.undo(id)))
    if (table.get(keyOf('base', 0))?.length !== 10) throw new Error('the undo is not visible')
  }
  db.close()
  return { restoreMs: costFrom(restores), undoMs: costFrom(undos), durablePutMs: costFrom(puts) }
}

/**
 * Each restore hides one write. Within the window every earlier state can be read, so nothing can be forgotten; once
 * it has moved on, a compaction forgets the generations and closes the gaps.
 */
async function readsAfterMany(path: string) {
  const clock = new ReplayClock({ micros: HOUR_MICROS })
  const db = open(path, { clock })
  db.createKeyspace('bench')
  const table = db.createTable<string, Uint8Array>('bench.data', { keep: HOUR_MICROS, values: 'bytes' })
  fill(db, 20_000, 100, 'base')
  db.compact()
  const before = readCost(db, table)
  for (let i = 0; i < RESTORES; i++) {
    clock.advance(1000)
    const to = db.newest
    table.put(keyOf('base', i), new Uint8Array(1))
    clock.advance(1000)
    await db.restore('bench', { to })
  }
  const withinWindow = { ...readCost(db, table), stretches: stretchesOf(table) }
  clock.advance(2 * HOUR_MICROS)
  db.compact()
  const afterWindow = { ...readCost(db, table), stretches: stretchesOf(table) }
  db.close()
  const ratios = ({ get, asOfGet }: ReadCost) => ({
    get: get / before.get,
    asOfGet: asOfGet / before.asOfGet,
  })
  return {
    restores: RESTORES,
    before,
    withinWindow: { ...withinWindow, ratios: ratios(withinWindow) },
    afterWindow: { ...afterWindow, ratios: ratios(afterWindow) },
  }
}

function readCost(db: Database, table: Table<string, Uint8Array>): ReadCost {
  const keys = Array.from({ length: READS_PER_SAMPLE }, (_, i) => keyOf('base', (i * 7919) % 20_000))
  const asOf = db.newest
  const sample = (read: (key: string) => unknown) => {
    const start = process.hrtime.bigint()
    for (const key of keys) if (read(key) === undefined) throw new Error(`${key} is not there`)
    return Number(process.hrtime.bigint() - start) / keys.length
  }
  const gets: number[] = []
  const asOfGets: number[] = []
  for (let i = 0; i < SAMPLES; i++) {
    gets.push(sample((key) => table.get(key)))
    asOfGets.push(sample((key) => table.get(key, { asOf })))
  }
  return { get: medianOf(gets), asOfGet: medianOf(asOfGets) }
}

function stretchesOf(table: Table<string, Uint8Array>): number {
  return table.explainRead(keyOf('base', 0)).view.length
}

function fill(db: Database, keys: number, valueBytes: number, name: string): void {
  const value = new Uint8Array(valueBytes).map((_, i) => i * 31)
  for (let first = 0; first < keys; first += KEYS_PER_BATCH) {
    const count = Math.min(KEYS_PER_BATCH, keys - first)
    const puts = Array.from({ length: count }, (_, i) => {
      return { type: 'put' as const, table: 'bench.data', key: keyOf(name, first + i), value }
    })
    db.batch(puts)
  }
}

function keyOf(name: string, index: number): string {
  return `${name}${String(index).padStart(9, '0')}`
}

async function msOf(work: () => unknown): Promise<number> {
  const start = process.hrtime.bigint()
  await work()
  return Number(process.hrtime.bigint() - start) / 1e6
}

async function timed<T extends object>(work: () => Promise<T>): Promise<T & { readonly ms: number }> {
  let result: T | undefined
  const ms = await msOf(async () => {
    result = await work()
  })
  return { ...result!, ms }
}

function costFrom(samples: readonly number[]): Cost {
  const sorted = samples.toSorted((a, b) => a - b)
  const at = (share: number) => sorted[Math.floor(share * (sorted.length - 1))]!
  return { median: medianOf(samples), quartiles: [at(0.25), at(0.75)] }
}

function cellLine({ data, changedKeys, restoreMs, undoMs, durablePutMs }: CellCost): string {
  const text = ({ median, quartiles: [low, high] }: Cost) =>
    `${median.toFixed(2)} ms (${low.toFixed(2)} to ${high.toFixed(2)})`
  const changed = changedKeys.toLocaleString('en-US')
  return `${data}, ${changed} changed: restore ${text(restoreMs)}, undo ${text(undoMs)}, durable put ${text(durablePutMs)}`
}

function afterLines({ restores, withinWindow, afterWindow }: Awaited<ReturnType<typeof readsAfterMany>>) {
  const line = (when: string, { stretches, ratios }: typeof withinWindow) =>
    `reads after ${restores} restores, ${when}: get ${ratios.get.toFixed(2)} times, as-of get ${ratios.asOfGet.toFixed(2)} times as long; ${stretches} stretches in a view`
  return [line('all of them readable', withinWindow), line('their window passed', afterWindow)]
}
