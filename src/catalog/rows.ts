/**
 * The rows of the catalog: keys are paths of text, values JSON with times as exact text.
 *
 *     counter                         { next }                        ids are never used twice
 *     keyspace/000001                 { name }                        definition
 *     table/000002                    { keyspace, name, keys, values } definition
 *     generation/000002/<start>       { keyspace, tablets, cause, base | baseAsOf, from, start, end }
 *     restore/000005                  { cause, keyspace, table, to, at, undoes } promise
 *     retention/database|000001|…     { keep }                        promise
 *     ratchet/000002                  { time }                        promise
 *     hold/000004                     { name, scope, after, through, … } promise
 *     freed/000003                    {}                              a tablet that nobody can read any more
 *
 * *Definitions* (keyspaces, tables and their names) are what a restore writes back; *promises*
 * (retention, ratchets, holds, the counter) never go back. A read as of t takes definitions as of t and
 * promises as of now. Generations are neither: each says for itself when it was in force, and goes once
 * nobody can read it any more.
 */
import { FormatError } from '../base/binary.ts'
import { bytesOfText, textOfBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Generation } from '../history/lineage.ts'
import { type Keep } from '../history/readable.ts'
import { type Write } from '../storage/commit-record.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, formatExact, parseExact } from '../time/hybrid-time.ts'
import { type Stretch, type Stretches, sameStretches, union } from '../time/stretches.ts'

/** What the keys of a table are. */
export type KeyType = 'text' | 'bytes'
/** What the values of a table are. A document is anything that msgpackr can hold. */
export type ValueType = 'text' | 'bytes' | 'document'

/** A keyspace: a name for a set of tables. */
export interface KeyspaceRow {
  readonly id: number
  readonly name: string
}

/** A table, without its data. */
export interface TableRow {
  readonly id: number
  readonly keyspace: number
  readonly name: string
  readonly keys: KeyType
  readonly values: ValueType
}

/** A table by its id and home, whether it exists now or not. */
export type TableRef = Pick<TableRow, 'id' | 'keyspace'>

/** A restore, or the undo of one, that has happened. */
export interface RestoreRow {
  readonly id: number
  readonly cause: 'restore' | 'undo'
  /** What was put back: a keyspace, or one table of it. */
  readonly keyspace: number
  readonly table?: number | undefined
  /** The time whose state came back. */
  readonly to: HybridTime
  /** When it happened. */
  readonly at: HybridTime
  /** The restore that an undo undoes. */
  readonly undoes?: number | undefined
}

/** What a hold holds: a table, the tables of a keyspace, or all tables. */
export type HoldScope =
  { readonly table: number } | { readonly keyspace: number } | { readonly database: true }

/** A promise that times stay readable. */
export interface HoldRow {
  readonly id: number
  readonly name: string
  readonly scope: HoldScope
  /** The times `(after, through]`. */
  readonly after: HybridTime
  readonly through: HybridTime
  readonly owner: string
  readonly reason: string
  /** The microsecond from which on it holds nothing. */
  readonly expiresMicros?: number | undefined
}

/** Where the rows of definitions begin. */
export const DEFINITION_PATHS: readonly string[] = ['keyspace/', 'table/']

/** One row, read. */
export type CatalogRow =
  | { readonly kind: 'counter'; readonly next: number }
  | { readonly kind: 'keyspace'; readonly row: KeyspaceRow }
  | { readonly kind: 'table'; readonly row: TableRow }
  | { readonly kind: 'generation'; readonly table: TableRef; readonly row: Generation }
  | { readonly kind: 'restore'; readonly row: RestoreRow }
  | { readonly kind: 'retention'; readonly of: number | 'database'; readonly keep: Keep }
  | { readonly kind: 'ratchet'; readonly table: number; readonly time: HybridTime }
  | { readonly kind: 'hold'; readonly row: HoldRow }
  | { readonly kind: 'freed'; readonly tablet: number }

/**
 * The write that puts a row. What could not be read again must never be written: callers without types
 * can pass anything. Throws `INVALID_ARGUMENT`.
 */
export function putRow(row: CatalogRow): Write {
  const { path, fields } = encodeRow(row)
  const json = JSON.stringify(fields)
  try {
    decodeRow(path.split('/'), JSON.parse(json) as Fields)
  } catch (error) {
    throw new PalimpsestError(
      'INVALID_ARGUMENT',
      `the catalog cannot hold this: row=${path} ${json}`,
      { row: path },
      error,
    )
  }
  return { key: bytesOfText(path), value: bytesOfText(json) }
}

/** The write that deletes a row. */
export function deleteRow(row: CatalogRow): Write {
  return { key: bytesOfText(encodeRow(row).path), value: undefined }
}

/** Reads a row. Throws `CATALOG_CORRUPT`. */
export function readRow(key: Uint8Array, value: Uint8Array): CatalogRow {
  let path = '?'
  try {
    path = textOfBytes(key)
    return decodeRow(path.split('/'), JSON.parse(textOfBytes(value)) as Fields)
  } catch (error) {
    throw new PalimpsestError(
      'CATALOG_CORRUPT',
      `a row of the catalog cannot be read: row=${path}`,
      { row: path },
      error,
    )
  }
}

type Fields = Readonly<Record<string, unknown>>

function encodeRow(row: CatalogRow): { path: string; fields: Fields } {
  switch (row.kind) {
    case 'counter':
      return { path: 'counter', fields: { next: row.next } }
    case 'keyspace':
      return { path: `keyspace/${idText(row.row.id)}`, fields: { name: row.row.name } }
    case 'table': {
      const { id, ...fields } = row.row
      return { path: `table/${idText(id)}`, fields }
    }
    case 'generation':
      return {
        path: `generation/${idText(row.table.id)}/${formatExact(row.row.start).padStart(21, '0')}`,
        fields: { keyspace: row.table.keyspace, ...encodeGeneration(row.row) },
      }
    case 'retention':
      return {
        path: `retention/${row.of === 'database' ? row.of : idText(row.of)}`,
        fields: { keep: row.keep },
      }
    case 'freed':
      return { path: `freed/${idText(row.tablet)}`, fields: {} }
    case 'ratchet':
      return { path: `ratchet/${idText(row.table)}`, fields: { time: formatExact(row.time) } }
    case 'restore': {
      const { id, to, at, ...fields } = row.row
      return {
        path: `restore/${idText(id)}`,
        fields: { ...fields, to: formatExact(to), at: formatExact(at) },
      }
    }
    case 'hold': {
      const { id, after, through, ...fields } = row.row
      return {
        path: `hold/${idText(id)}`,
        fields: { ...fields, after: formatExact(after), through: formatExact(through) },
      }
    }
  }
}

function decodeRow(path: readonly string[], fields: Fields): CatalogRow {
  const [kind, name] = path
  switch (kind) {
    case 'counter':
      return { kind, next: count(fields['next']) }
    case 'keyspace':
      return { kind, row: { id: idOf(name), name: text(fields['name']) } }
    case 'table':
      return {
        kind,
        row: {
          id: idOf(name),
          keyspace: count(fields['keyspace']),
          name: text(fields['name']),
          keys: oneOf(fields['keys'], ['text', 'bytes']),
          values: oneOf(fields['values'], ['text', 'bytes', 'document']),
        },
      }
    case 'generation':
      return {
        kind,
        table: { id: idOf(name), keyspace: count(fields['keyspace']) },
        row: decodeGeneration(fields),
      }
    case 'restore':
      return { kind, row: decodeRestore(idOf(name), fields) }
    case 'retention':
      return {
        kind,
        of: name === 'database' ? name : idOf(name),
        keep: fields['keep'] === 'forever' ? 'forever' : count(fields['keep']),
      }
    case 'ratchet':
      return { kind, table: idOf(name), time: time(fields['time']) }
    case 'hold':
      return { kind, row: decodeHold(idOf(name), fields) }
    case 'freed':
      return { kind, tablet: idOf(name) }
    default:
      throw new FormatError(`unknown kind of row`)
  }
}

/** A base that was taken from an earlier generation is named by its time, so that a row never grows. */
function encodeGeneration({ tablets, base, baseAsOf, from, start, end, cause }: Generation): Fields {
  return {
    tablets,
    cause,
    ...(baseAsOf === undefined
      ? { base: base.map(({ after, through }) => [formatExact(after), formatExact(through)]) }
      : { baseAsOf: formatExact(baseAsOf) }),
    from: formatExact(from),
    start: formatExact(start),
    end: end === undefined ? undefined : formatExact(end),
  }
}

function decodeGeneration(fields: Fields): Generation {
  const start = time(fields['start'])
  const end = fields['end'] === undefined ? undefined : time(fields['end'])
  if (start === MIN_TIME || (end ?? MAX_TIME) < start) throw new FormatError('a generation without times')
  const tablets = list(fields['tablets']).map(count)
  if (tablets.length === 0) throw new FormatError('a generation without tablets')
  return {
    tablets,
    base: stretches(fields['base'] ?? []),
    from: time(fields['from']),
    start,
    end,
    cause: oneOf(fields['cause'], ['create', 'restore', 'undo', 'truncate']),
    baseAsOf: fields['baseAsOf'] === undefined ? undefined : time(fields['baseAsOf']),
  }
}

/** Intervals in their normal form; what is not in it is refused. */
function stretches(value: unknown): Stretches {
  const intervals = list(value).map((pair) => {
    const [after, through] = list(pair)
    return interval(time(after), time(through))
  })
  if (!sameStretches(union(intervals), intervals)) throw new FormatError('stretches are out of order')
  return intervals
}

function interval(after: HybridTime, through: HybridTime): Stretch {
  if (after >= through) throw new FormatError('not a stretch')
  return { after, through }
}

function decodeRestore(id: number, fields: Fields): RestoreRow {
  return {
    id,
    cause: oneOf(fields['cause'], ['restore', 'undo']),
    keyspace: count(fields['keyspace']),
    table: fields['table'] === undefined ? undefined : count(fields['table']),
    to: time(fields['to']),
    at: time(fields['at']),
    undoes: fields['undoes'] === undefined ? undefined : count(fields['undoes']),
  }
}

function decodeHold(id: number, fields: Fields): HoldRow {
  const scope = fields['scope'] as Record<string, unknown>
  return {
    id,
    name: text(fields['name']),
    scope:
      scope['table'] !== undefined
        ? { table: count(scope['table']) }
        : scope['keyspace'] !== undefined
          ? { keyspace: count(scope['keyspace']) }
          : { database: true },
    ...interval(time(fields['after']), time(fields['through'])),
    owner: text(fields['owner']),
    reason: text(fields['reason']),
    expiresMicros: fields['expiresMicros'] === undefined ? undefined : count(fields['expiresMicros']),
  }
}

function idText(id: number): string {
  return id.toString().padStart(6, '0')
}

function idOf(name: string | undefined): number {
  if (name === undefined || !/^\d{6,15}$/.test(name)) throw new FormatError('not an id')
  return Number(name)
}

function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new FormatError('not a count')
  return value as number
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new FormatError('not a text')
  return value
}

function time(value: unknown): HybridTime {
  return parseExact(text(value))
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw new FormatError('not a list')
  return value
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) throw new FormatError(`not one of ${allowed.join(', ')}`)
  return found
}
