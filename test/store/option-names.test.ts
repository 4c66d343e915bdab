/**
 * An option that does not exist is refused by its name, and nothing happens: a misspelled `asOf` that read the present
 * would be a wrong answer.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { type Database, type Table, ReplayClock, open, openDatabase } from '../../src/index.ts'
import { FaultFiles, seededRandom } from '../../src/simulator.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { ReferenceStore, anyPlan, checkCrashes, checkStore } from '../../src/testing.ts'
import { refusal } from '../storage/samples.ts'
import { newPlace } from './scratch.ts'

interface Sample {
  readonly db: Database
  readonly table: Table<string>
}

function sample(): Sample {
  const db = open({ memory: true }, { clock: new ReplayClock({ micros: 1_000_000 }) })
  db.createKeyspace('shop')
  const table = db.createTable('shop.orders')
  table.put('a', 1)
  return { db, table }
}

const RANGE = ['gt', 'gte', 'lt', 'lte', 'prefix', 'reverse', 'limit']
const OPEN = [
  ...[
    'readOnly',
    'create',
    'geometry',
    'sizes',
    'policy',
    'picker',
    'durability',
    'cacheBytes',
    'openTables',
  ],
  'onEvent',
]
const CRASHES = { seed: 1, operations: 1, points: 1, drawn: 0, singlesMax: 1 }
const FILES = ['plan', 'onOperation', 'log', 'seed']

/** A function that takes options: which there are, some that are right, and its call. */
type Row = readonly [
  what: string,
  names: readonly string[],
  right: object,
  call: (options: never, at: Sample) => unknown,
]

const FUNCTIONS: readonly Row[] = [
  ['open', [...OPEN, 'clock', 'background'], {}, (it) => open({ memory: true }, it)],
  ['openDatabase', OPEN, {}, (it) => openDatabase(worldOf(), it)],
  ['createTable', ['keys', 'values', 'keep'], {}, (it, { db }) => db.createTable('shop.other', it)],
  [
    'setRetention',
    ['table', 'keyspace'],
    { table: 'shop.orders' },
    (it, { db }) => {
      db.setRetention('1h', it)
    },
  ],
  [
    'hold',
    ['name', 'table', 'keyspace', 'at', 'from', 'through', 'owner', 'reason', 'expiresIn', 'expiresAt'],
    { name: 'h', at: 'now' },
    (it, { db }) => db.hold(it),
  ],
  ['planRestore', ['to', 'table'], { to: 'now' }, (it, { db }) => db.planRestore('shop', it)],
  ['restore', ['to', 'table'], { to: 'now' }, (it, { db }) => db.restore('shop', it)],
  ['restoreSync', ['to', 'table'], { to: 'now' }, (it, { db }) => db.restoreSync('shop', it)],
  ['a batch of a database', ['durability'], {}, (it, { db }) => db.batch([], it)],
  [
    'a diff of a database',
    [...RANGE, 'from', 'to'],
    { from: 'now' },
    (it, { db }) => [...db.diff('shop.orders', it)],
  ],
  ['get', ['asOf'], {}, (it, { table }) => table.get('a', it)],
  ['getMany', ['asOf'], {}, (it, { table }) => table.getMany(['a'], it)],
  ['scan', [...RANGE, 'asOf'], {}, (it, { table }) => [...table.scan(it)]],
  ['keys', [...RANGE, 'asOf'], {}, (it, { table }) => [...table.keys(it)]],
  ['values', [...RANGE, 'asOf'], {}, (it, { table }) => [...table.values(it)]],
  ['history', ['from', 'to', 'reverse', 'limit'], {}, (it, { table }) => [...table.history('a', it)]],
  ['diff', [...RANGE, 'from', 'to'], { from: 'now' }, (it, { table }) => [...table.diff(it)]],
  ['explainRead', ['asOf'], {}, (it, { table }) => table.explainRead('a', it)],
  ['put', ['durability'], {}, (it, { table }) => table.put('a', 2, it)],
  ['delete', ['durability'], {}, (it, { table }) => table.delete('a', it)],
  ['batch', ['durability'], {}, (it, { table }) => table.batch([{ type: 'delete', key: 'a' }], it)],
  ['a get of a view', ['asOf'], {}, (it, { db }) => db.asOf(db.newest).table('shop.orders').get('a', it)],
  ['ReplayClock', ['micros', 'leadMicros'], { micros: 1 }, (it) => new ReplayClock(it)],
  ['FaultFiles', FILES, {}, (it) => new FaultFiles(it)],
  ['crash', FILES, {}, (it) => new FaultFiles().crash('weak', seededRandom(1), it)],
  ['crashImage', FILES, {}, (it) => new FaultFiles().crashImage({ kind: 'none' }, it)],
  [
    'crashChoices',
    ['random', 'drawn', 'models', 'singlesMax'],
    { random: seededRandom(1), drawn: 1 },
    (it) => new FaultFiles().crashChoices(it),
  ],
  ['anyPlan', ['supports', 'operations', 'key'], {}, (it) => anyPlan(it)],
  [
    'checkStore',
    ['open', 'supports', 'operations', 'key', 'runs', 'seed', 'path', 'timeLimitMillis'],
    { open: () => new ReferenceStore(), runs: 1 },
    (it) => checkStore(it),
  ],
  [
    'checkCrashes',
    ['seed', 'operations', 'points', 'drawn', 'singlesMax', 'readInFull'],
    CRASHES,
    (it) => checkCrashes(it),
  ],
]

function worldOf() {
  return { files: new MemoryFiles(), clock: new ReplayClock({ micros: 1 }), checksum: crc32 }
}

describe.each(FUNCTIONS)('%s', (_, names, right, call) => {
  test('refuses an option that does not exist, and does nothing', async () => {
    const at = sample()
    const before = at.db.newest
    const error = await thrown(() => call({ ...right, nope: false } as never, at))
    expect(error).toMatchObject({
      code: 'INVALID_ARGUMENT',
      message: expect.stringMatching(/^no option "nope", only /) as unknown,
      details: { option: 'nope', known: expect.any(Array) as unknown },
    })
    const { known } = (error as { readonly details: { readonly known: readonly string[] } }).details
    expect(known.toSorted()).toEqual(names.toSorted())
    expect([at.db.newest, at.db.tables, at.db.holds()]).toEqual([before, ['shop.orders'], []])
  })

  test('takes those that it has, and names without a value', async () => {
    const known = Object.fromEntries(names.map((name) => [name, undefined]))
    const options = { ...known, nope: undefined, ...right }
    expect(await thrown(() => call(options as never, sample()))).toBeUndefined()
  })
})

/** What a call throws, at once or later. */
async function thrown(call: () => unknown): Promise<unknown> {
  try {
    await call()
    return undefined
  } catch (error) {
    return error
  }
}

test('a read with a misspelled time, a receipt or a date does not answer the present', () => {
  const { table } = sample()
  const past = table.put('a', 1)
  table.put('a', 2)
  for (const options of [{ asof: past.time }, past, new Date(1000), { asOf: past.time, asof: 1 }])
    expect(refusal(() => table.get('a', options as never))?.code).toBe('INVALID_ARGUMENT')
  expect(refusal(() => table.get('a', { asof: 'now' } as never))?.message).toBe('no option "asof", only asOf')
  expect(refusal(() => table.get('a', new Date(1000) as never))?.message).toBe(
    'options are an object, not a Date',
  )
  expect(table.get('a', { asOf: past.time })).toBe(1)
})

test('names that mean something to JavaScript are options that do not exist', () => {
  const { table } = sample()
  for (const options of ['{"__proto__":1}', '{"toString":1}', '{"constructor":1}'])
    expect(refusal(() => table.get('a', JSON.parse(options) as never))?.code).toBe('INVALID_ARGUMENT')
})

test('options may be inherited; what else is inherited is none', () => {
  const { table } = sample()
  const { time } = table.put('a', 1)
  table.put('a', 2)
  const inherited = Object.create({ asOf: time, other: 1 }) as object
  expect(table.get('a', inherited)).toBe(1)
  const memory = open({ memory: true }, Object.create({ clock: new ReplayClock({ micros: 1 }) }) as object)
  expect(memory.clock).toBe('replay')
})

test('a misspelled readOnly makes no database', () => {
  const path = join(newPlace(), 'x.db')
  expect(refusal(() => open(path, { readonly: true } as never))?.code).toBe('INVALID_ARGUMENT')
  expect(existsSync(path)).toBe(false)
})
