/**
 * What the types of keys and values cost: the same rows in tables of each, their values small records.
 *
 *     bytes, bytes       the key as UTF-8, the record as JSON in UTF-8
 *     text, bytes        the key as a string
 *     text, text         the record as a string of JSON
 *     text, parsed       that, and `JSON.parse` of each value that was read
 *     text, document     the record as it is, which the table keeps as MessagePack
 *
 * Who writes makes the JSON, in all kinds but the last. Reads are as of a time in the middle, of 100 rows each; a history has the versions of one key. All kinds take turns.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, type HybridTime, type Table, open } from '../src/index.ts'
import { type RandomStream, seededRandom } from '../src/simulator/random.ts'
import { type Benchmark } from './benchmark.ts'
import { SEED, UNITS } from './history.ts'
import { rounded } from './reads/part.ts'
import { type Work, measure } from './rounds.ts'

const KEYS = 20_000
const VERSIONS_PER_KEY = 20
const ROWS = 100
const ROUNDS = 5

interface Customer {
  readonly id: number
  readonly name: string
  readonly city: string
  readonly balance: number
  readonly active: boolean
  readonly tags: readonly string[]
}

/** How a kind of table holds a key and a record, and what its user does with what was read. */
interface Kind {
  readonly name: string
  readonly keys: 'text' | 'bytes'
  readonly values: 'text' | 'bytes' | 'document'
  readonly keyOf: (key: string) => string | Uint8Array
  readonly valueOf: (record: Customer) => unknown
  readonly read: (value: unknown) => unknown
}

const encoder = new TextEncoder()
const same = <T>(value: T): T => value
const KINDS: readonly Kind[] = [
  {
    name: 'bytes, bytes',
    keys: 'bytes',
    values: 'bytes',
    keyOf: (key) => encoder.encode(key),
    valueOf: (record) => encoder.encode(JSON.stringify(record)),
    read: same,
  },
  {
    name: 'text, bytes',
    keys: 'text',
    values: 'bytes',
    keyOf: same,
    valueOf: (record) => encoder.encode(JSON.stringify(record)),
    read: same,
  },
  { name: 'text, text', keys: 'text', values: 'text', keyOf: same, valueOf: JSON.stringify, read: same },
  {
    name: 'text, parsed',
    keys: 'text',
    values: 'text',
    keyOf: same,
    valueOf: JSON.stringify,
    read: (value) => JSON.parse(value as string) as unknown,
  },
  { name: 'text, document', keys: 'text', values: 'document', keyOf: same, valueOf: same, read: same },
]

/** Writes come last: what reads go by is the same for all. */
const TASKS = ['get', 'scan', 'history', 'batch'] as const
type Task = (typeof TASKS)[number]

type AnyTable = Table<string | Uint8Array>

/** All kinds of tables in one database. */
export const benchmarkTypes: Benchmark = async (progress) => {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-types-'))
  const db = open(directory, { cacheBytes: 512 * 2 ** 20 })
  try {
    progress(`loading ${KEYS * VERSIONS_PER_KEY} versions into each of ${KINDS.length} tables`)
    db.createKeyspace('bench')
    const tables = KINDS.map((kind, i) => ({ name: kind.name, works: worksOn(db, kind, `bench.kind${i}`) }))
    db.flush()
    const micros = new Map(KINDS.map(({ name }) => [name, {} as Record<Task, number>]))
    for (const task of TASKS) {
      progress(`measuring ${task}`)
      const works = Object.fromEntries(tables.map((table) => [table.name, table.works[task]]))
      const speeds = Object.entries(await measure(works, ROUNDS))
      for (const [name, speed] of speeds) micros.get(name)![task] = rounded(1e6 / (speed * ROWS))
    }
    const kinds = KINDS.map(({ name }) => ({ kind: name, micros: micros.get(name)! }))
    return { data: { kinds }, lines: linesOf(kinds) }
  } finally {
    db.close()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** The rows of a kind, whose keys are made beforehand. */
interface Rows {
  readonly kind: Kind
  readonly keys: readonly (string | Uint8Array)[]
}

/** A table of the kind, loaded; each unit of work is of as many rows. */
function worksOn(db: Database, kind: Kind, name: string): Record<Task, Work> {
  const table: AnyTable = db.createTable(name, { keys: kind.keys, values: kind.values, keep: 'forever' })
  const rows: Rows = { kind, keys: Array.from({ length: KEYS }, (_, number) => kind.keyOf(keyOf(number))) }
  const asOf = load(table, rows)
  const random = seededRandom(SEED).fork('types')
  return {
    get: inTurn(random, KEYS, (number) => {
      for (let i = 0; i < ROWS; i++) kind.read(table.get(rows.keys[(number + 31 * i) % KEYS]!, { asOf }))
    }),
    scan: inTurn(random, KEYS - ROWS, (number) => {
      let count = 0
      for (const { value } of table.scan({ gte: rows.keys[number]!, limit: ROWS, asOf })) {
        kind.read(value)
        count++
      }
      mustBe(count, ROWS)
    }),
    history: inTurn(random, KEYS, (number) => {
      let count = 0
      for (let i = 0; count < ROWS; i++)
        for (const { value } of table.history(rows.keys[(number + i) % KEYS]!, { to: asOf })) {
          kind.read(value)
          count++
        }
      mustBe(count, ROWS)
    }),
    batch: inTurn(random, KEYS, (number) => {
      table.batch(writes(rows, (i) => (number + 31 * i) % KEYS, number))
    }),
  }
}

/** Writes every key so many times, and answers the time in the middle. */
function load(table: AnyTable, rows: Rows): HybridTime {
  let middle: HybridTime | undefined
  for (let version = 0; version < VERSIONS_PER_KEY; version++) {
    for (let from = 0; from < KEYS; from += ROWS) table.batch(writes(rows, (i) => from + i, version))
    if (2 * (version + 1) === VERSIONS_PER_KEY) middle = table.batch([]).time
  }
  return middle!
}

function writes({ kind, keys }: Rows, numberOf: (i: number) => number, version: number) {
  return Array.from({ length: ROWS }, (_, i) => {
    const number = numberOf(i)
    return { type: 'put', key: keys[number]!, value: kind.valueOf(recordOf(number, version)) } as const
  })
}

function keyOf(number: number): string {
  return `user:${String(number).padStart(11, '0')}`
}

function recordOf(id: number, version: number): Customer {
  const city = ['Berlin', 'Paris', 'Lagos', 'Lima'][id % 4]!
  const tags = [`group ${id % 7}`, 'new']
  return { id, name: `Customer ${id}`, city, balance: version * 1.5, active: version % 2 === 0, tags }
}

/** Does something with one number after the other, from a list that begins anew at its end. */
function inTurn(random: RandomStream, below: number, act: (number: number) => void): Work {
  const numbers = Array.from({ length: 10 * UNITS }, () => random.below(below))
  let at = 0
  return async () => act(numbers[at++ % numbers.length]!)
}

function mustBe(count: number, expected: number): void {
  if (count !== expected) throw new Error(`${count} rows were found, not ${expected}`)
}

function linesOf(kinds: readonly { kind: string; micros: Record<Task, number> }[]): readonly string[] {
  const line = (name: string, cells: readonly unknown[]) =>
    name.padEnd(24) + cells.map((cell) => String(cell).padStart(10)).join('')
  return [
    line('microseconds of a row', TASKS),
    ...kinds.map(({ kind, micros }) =>
      line(
        kind,
        TASKS.map((task) => micros[task]),
      ),
    ),
  ]
}
