/**
 * Calls that have to be refused, each with the code that it must be refused with (law 11). Nothing may
 * be different afterwards.
 */
import { type ErrorCode } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type Key } from '../table/codec.ts'
import { type Table } from '../table/table.ts'

/** Where a misuse happens. */
export interface MisuseContext {
  readonly db: Database
  /** The full name of a table. */
  readonly name: string
  readonly table: Table
  /** A table that can be read as of the newest time. */
  readonly readable: string
  /** A key and a value that fit the table, and a key that does not. */
  readonly key: Key
  readonly value: unknown
  readonly wrongKey: Key
}

/** A call that must be refused. */
export interface Misuse {
  readonly what: string
  readonly code: ErrorCode
  readonly call: (context: MisuseContext) => unknown
}

/** A value of a wrong type, as callers without types pass it. */
function wrong(value: unknown): never {
  return value as never
}

/** Half of a surrogate pair: text that has no UTF-8. */
const HALF = '\ud83d'

export const MISUSES: readonly Misuse[] = [
  // Keys and values.
  {
    what: 'a key of the other type',
    code: 'INVALID_KEY',
    call: ({ table, wrongKey, value }) => table.put(wrongKey, value),
  },
  { what: 'a number as a key', code: 'INVALID_KEY', call: ({ table, value }) => table.put(wrong(5), value) },
  { what: 'no key', code: 'INVALID_KEY', call: ({ table }) => table.get(wrong(undefined)) },
  {
    what: 'a bound of the other type',
    code: 'INVALID_KEY',
    call: ({ table, wrongKey }) => table.scan({ gte: wrongKey }),
  },
  {
    what: 'a prefix of the other type',
    code: 'INVALID_KEY',
    call: ({ table, wrongKey }) => table.scan({ prefix: wrongKey }),
  },
  {
    what: 'half a character in a prefix',
    code: 'INVALID_KEY',
    call: ({ table }) => table.scan({ prefix: HALF }),
  },
  {
    what: 'half a character in a key',
    code: 'INVALID_KEY',
    call: ({ table, value }) => table.put(HALF, value),
  },
  { what: 'no value', code: 'INVALID_VALUE', call: ({ table, key }) => table.put(key, undefined) },
  { what: 'a function as a value', code: 'INVALID_VALUE', call: ({ table, key }) => table.put(key, () => 0) },
  {
    what: 'a key that is too long',
    code: 'TOO_LARGE',
    call: ({ table, key, value }) =>
      table.put(typeof key === 'string' ? 'x'.repeat(65_536) : new Uint8Array(65_536), value),
  },
  {
    what: 'a batch with one bad write behind good ones',
    code: 'INVALID_KEY',
    call: ({ table, key, value, wrongKey }) =>
      table.batch([
        { type: 'put', key, value },
        { type: 'delete', key: wrongKey },
      ]),
  },
  {
    what: 'a batch to a table that does not exist, among others',
    code: 'UNKNOWN_TABLE',
    call: ({ db, name, key, value }) =>
      db.batch([
        { type: 'put', table: name, key, value },
        { type: 'delete', table: 'no.such', key },
      ]),
  },
  {
    what: 'a batch of the database, given to a table',
    code: 'INVALID_ARGUMENT',
    call: ({ table, name, key, value }) => table.batch([wrong({ type: 'put', table: name, key, value })]),
  },
  {
    what: 'a durability that does not exist',
    code: 'INVALID_ARGUMENT',
    call: ({ table, key, value }) => table.put(key, value, { durability: wrong('sometimes') }),
  },
  {
    what: 'a write to the past',
    code: 'READ_ONLY',
    call: ({ db, name, key, value }) => db.asOf(db.newest).table<Key>(name).put(key, value),
  },
  // Scans.
  { what: 'a negative limit', code: 'INVALID_ARGUMENT', call: ({ table }) => table.scan({ limit: -5 }) },
  { what: 'half a limit', code: 'INVALID_ARGUMENT', call: ({ table }) => table.scan({ limit: 1.5 }) },
  // Times.
  {
    what: 'a plain number as a time',
    code: 'INVALID_TIME',
    call: ({ table, key }) => table.get(key, { asOf: wrong(5) }),
  },
  {
    what: 'a time before all',
    code: 'INVALID_TIME',
    call: ({ table, key }) => table.get(key, { asOf: -1n }),
  },
  {
    what: 'a time beyond 64 bits',
    code: 'INVALID_TIME',
    call: ({ table, key }) => table.get(key, { asOf: 2n ** 64n }),
  },
  { what: 'no time', code: 'INVALID_TIME', call: ({ table, key }) => table.get(key, { asOf: '' }) },
  {
    what: 'the name of nothing as a time',
    code: 'INVALID_TIME',
    call: ({ table }) => table.scan({ asOf: 'nobody' }),
  },
  { what: 'a day that does not exist', code: 'INVALID_TIME', call: ({ db }) => db.asOf('2025-02-30') },
  {
    what: 'the future',
    code: 'FUTURE_TIME',
    call: ({ table, key }) => table.get(key, { asOf: 2n ** 64n - 1n }),
  },
  { what: 'a view of the future', code: 'FUTURE_TIME', call: ({ db }) => db.asOf(2n ** 64n - 1n) },
  // Names.
  { what: 'a table that does not exist', code: 'UNKNOWN_TABLE', call: ({ db }) => db.table('no.such') },
  {
    what: 'a table of an unknown keyspace',
    code: 'UNKNOWN_KEYSPACE',
    call: ({ db }) => db.createTable('no.such'),
  },
  { what: 'a table whose name is taken', code: 'NAME_TAKEN', call: ({ db, name }) => db.createTable(name) },
  { what: 'a table without a keyspace', code: 'INVALID_ARGUMENT', call: ({ db }) => db.createTable('alone') },
  { what: 'a keyspace whose name is taken', code: 'NAME_TAKEN', call: ({ db }) => db.createKeyspace('ks0') },
  { what: 'a name that is a time', code: 'INVALID_ARGUMENT', call: ({ db }) => db.createKeyspace('now') },
  { what: 'a list of names', code: 'INVALID_ARGUMENT', call: ({ db }) => db.createKeyspace(wrong(['a'])) },
  { what: 'a number as a name', code: 'INVALID_ARGUMENT', call: ({ db }) => db.createTable(wrong(5)) },
  { what: 'a name with a point', code: 'INVALID_ARGUMENT', call: ({ db }) => db.createKeyspace('a.b') },
  {
    what: 'a kind of key that does not exist',
    code: 'INVALID_ARGUMENT',
    call: ({ db }) => db.createTable('ks0.fresh', { keys: wrong('numbers') }),
  },
  {
    what: 'a flush of a table that does not exist',
    code: 'UNKNOWN_TABLE',
    call: ({ db }) => db.flush('no.such'),
  },
  // Promises.
  { what: 'a negative retention', code: 'INVALID_TIME', call: ({ db }) => db.setRetention(-1) },
  { what: 'a retention that is no number', code: 'INVALID_TIME', call: ({ db }) => db.setRetention(NaN) },
  { what: 'a retention in no unit', code: 'INVALID_TIME', call: ({ db }) => db.setRetention('5 parsecs') },
  {
    what: 'a retention of nothing',
    code: 'UNKNOWN_TABLE',
    call: ({ db }) => db.setRetention(5, { table: 'no.such' }),
  },
  { what: 'a release of nothing', code: 'UNKNOWN_HOLD', call: ({ db }) => db.release('nobody') },
  { what: 'a hold without a time', code: 'INVALID_ARGUMENT', call: ({ db }) => db.hold({ name: 'h' }) },
  {
    what: 'a hold at a time and from another',
    code: 'INVALID_ARGUMENT',
    call: ({ db }) => db.hold({ name: 'h', at: db.newest, from: db.newest }),
  },
  {
    what: 'a hold at a time and through another',
    code: 'INVALID_ARGUMENT',
    call: ({ db }) => db.hold({ name: 'h', at: db.newest, through: db.newest }),
  },
  {
    what: 'a hold on a table and a keyspace',
    code: 'INVALID_ARGUMENT',
    call: ({ db, name }) => db.hold({ name: 'h', at: db.newest, table: name, keyspace: 'ks0' }),
  },
  {
    what: 'a hold until after the end of time',
    code: 'INVALID_TIME',
    call: ({ db }) => db.hold({ name: 'h', at: db.newest, expiresIn: Number.MAX_SAFE_INTEGER }),
  },
  {
    what: 'a retention of a table and a keyspace',
    code: 'INVALID_ARGUMENT',
    call: ({ db, name }) => db.setRetention(5, { table: name, keyspace: 'ks0' }),
  },
  {
    what: 'a retention longer than all time',
    code: 'INVALID_TIME',
    call: ({ db }) => db.setRetention(Number.MAX_SAFE_INTEGER),
  },
  {
    what: 'a hold of a number',
    code: 'INVALID_ARGUMENT',
    call: ({ db, readable }) => db.hold({ name: 'h', at: db.newest, table: readable, owner: wrong(5) }),
  },
  {
    what: 'a hold for no reason that could be written',
    code: 'INVALID_ARGUMENT',
    call: ({ db, readable }) => db.hold({ name: 'h', at: db.newest, table: readable, reason: wrong({}) }),
  },
  {
    what: 'a hold that ends before it begins',
    code: 'INVALID_ARGUMENT',
    call: ({ db }) => db.hold({ name: 'h', from: db.newest, through: db.newest - 1n }),
  },
  {
    what: 'a hold with a bad name',
    code: 'INVALID_ARGUMENT',
    call: ({ db }) => db.hold({ name: '-', at: db.newest }),
  },
  {
    what: 'a hold on the future',
    code: 'FUTURE_TIME',
    call: ({ db }) => db.hold({ name: 'h', at: 2n ** 64n - 1n }),
  },
  {
    what: 'a hold on nothing',
    code: 'UNKNOWN_TABLE',
    call: ({ db }) => db.hold({ name: 'h', at: db.newest, table: 'no.such' }),
  },
  {
    what: 'a hold that ran out before it began',
    code: 'INVALID_TIME',
    call: ({ db }) => db.hold({ name: 'h', at: db.newest, expiresIn: -1 }),
  },
]
