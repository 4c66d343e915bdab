/**
 * Manifest edits as JSON: readable with any text tool, times as exact text, keys as hexadecimal.
 * What is read is checked field by field; a wrong one throws {@link FormatError}.
 */
import { FormatError } from '../base/binary.ts'
import { bytesOfHex, hexOfBytes } from '../base/bytes.ts'
import { isGeometryName } from './geometry.ts'
import { type LogPlace } from './log.ts'
import { type HybridTime, MICROS_MAX, formatExact, parseExact } from '../time/hybrid-time.ts'
import { type Birth, type ManifestEdit, NO_TOTALS, type TreeEdit, type TreeTotals } from './manifest-state.ts'
import { DEFAULT_POLICY, type Policy, choosePolicy } from './policy.ts'
import { LEVELS_MAX, type Placement } from './shape.ts'
import { type TableMeta } from './table-format.ts'
import { type Stretches, sameStretches, union } from '../time/stretches.ts'
import { type Position } from './version.ts'

/** The text of an edit. */
export function encodeManifestEdit(edit: ManifestEdit): string {
  const { birth, policy, nextNumber, firstSegment, logSynced, judgedMicros, more } = edit
  const { trees = [], removeTrees } = edit
  return JSON.stringify({
    birth,
    policy,
    nextNumber,
    firstSegment,
    logSynced,
    judgedMicros,
    more,
    trees: trees.map(encodeTreeEdit),
    removeTrees,
  })
}

/** The edit of a text. */
export function decodeManifestEdit(text: string): ManifestEdit {
  const fields = fieldsOf(JSON.parse(text) as unknown)
  return fields.end({
    birth: fields.optional('birth', decodeBirth),
    policy: fields.optional('policy', decodePolicy),
    nextNumber: fields.optional('nextNumber', countOf),
    firstSegment: fields.optional('firstSegment', countOf),
    logSynced: fields.optional('logSynced', decodeLogPlace),
    judgedMicros: fields.optional('judgedMicros', microsecondOf),
    more: fields.optional('more', countOf),
    trees: fields.required('trees', listOf(decodeTreeEdit)),
    removeTrees: fields.optional('removeTrees', listOf(countOf)),
  })
}

function decodeBirth(value: unknown): Birth {
  const fields = fieldsOf(value)
  const geometry = fields.required('geometry', textOf)
  const clock = fields.required('clock', textOf)
  if (!isGeometryName(geometry)) throw new FormatError(`unknown geometry ${geometry}`)
  if (!(clock === 'system' || clock === 'replay')) throw new FormatError(`unknown clock ${clock}`)
  return fields.end({ geometry, clock })
}

function decodePolicy(value: unknown): Policy {
  const fields = fieldsOf(value)
  const names = { name: fields.required('name', textOf), picker: fields.required('picker', textOf) }
  return choosePolicy(DEFAULT_POLICY, fields.end(names))
}

function decodeLogPlace(value: unknown): LogPlace {
  const fields = fieldsOf(value)
  return fields.end({
    segment: fields.required('segment', countOf),
    bytes: fields.required('bytes', countOf),
  })
}

function encodeTreeEdit(edit: TreeEdit): unknown {
  const { tree, remove, flushedThrough, ratchet, pointer, totals } = edit
  return {
    tree,
    remove,
    add: edit.add.map(({ level, run, table }) => ({ level, run, table: encodeTable(table) })),
    flushedThrough: exactOf(flushedThrough),
    ratchet: exactOf(ratchet),
    pointer: pointer && { level: pointer.level, position: encodePosition(pointer.position) },
    totals,
  }
}

function decodeTreeEdit(value: unknown): TreeEdit {
  const fields = fieldsOf(value)
  return fields.end({
    tree: fields.required('tree', countOf),
    remove: fields.required('remove', listOf(countOf)),
    add: fields.required('add', listOf(decodePlacement)),
    flushedThrough: fields.optional('flushedThrough', timeOf),
    ratchet: fields.optional('ratchet', timeOf),
    pointer: fields.optional('pointer', decodePointer),
    totals: fields.optional('totals', decodeTotals),
  })
}

function exactOf(time: HybridTime | undefined): string | undefined {
  return time === undefined ? undefined : formatExact(time)
}

function encodeTable(table: TableMeta): unknown {
  const { first, last, minTime, maxTime, writtenAtCutoff, emptyTimes, ...counts } = table
  return {
    ...counts,
    first: encodePosition(first),
    last: encodePosition(last),
    minTime: formatExact(minTime),
    maxTime: formatExact(maxTime),
    writtenAtCutoff: exactOf(writtenAtCutoff),
    emptyTimes: emptyTimes?.map(({ after, through }) => [formatExact(after), formatExact(through)]),
  }
}

function decodeTable(value: unknown): TableMeta {
  const fields = fieldsOf(value)
  return fields.end({
    number: fields.required('number', countOf),
    bytes: fields.required('bytes', countOf),
    first: fields.required('first', decodePosition),
    last: fields.required('last', decodePosition),
    minTime: fields.required('minTime', timeOf),
    maxTime: fields.required('maxTime', timeOf),
    writtenAtCutoff: fields.optional('writtenAtCutoff', timeOf),
    emptyTimes: fields.optional('emptyTimes', stretchesOf),
    blocks: fields.required('blocks', countOf),
    keys: fields.required('keys', countOf),
    versions: fields.required('versions', countOf),
    live: fields.required('live', countOf),
    superseded: fields.required('superseded', countOf),
    tombstones: fields.required('tombstones', countOf),
  })
}

function encodePosition({ key, time }: Position): unknown {
  return { key: hexOfBytes(key), time: formatExact(time) }
}

function decodePosition(value: unknown): Position {
  const fields = fieldsOf(value)
  return fields.end({
    key: fields.required('key', (hex) => bytesOfHex(textOf(hex))),
    time: fields.required('time', timeOf),
  })
}

function decodeTotals(value: unknown): TreeTotals {
  const fields = fieldsOf(value)
  const names = Object.keys(NO_TOTALS) as (keyof TreeTotals)[]
  const totals = Object.fromEntries(names.map((name) => [name, fields.required(name, countOf)]))
  return fields.end(totals as unknown as TreeTotals)
}

function decodePlacement(value: unknown): Placement {
  const fields = fieldsOf(value)
  return fields.end({
    level: fields.required('level', levelOf),
    run: fields.required('run', countOf),
    table: fields.required('table', decodeTable),
  })
}

function decodePointer(value: unknown): { level: number; position: Position } {
  const fields = fieldsOf(value)
  return fields.end({
    level: fields.required('level', levelOf),
    position: fields.required('position', decodePosition),
  })
}

/** The fields of an object, each to be taken once. What this version does not know, it must not overlook. */
function fieldsOf(value: unknown) {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new FormatError('not an object')
  const fields = new Map(Object.entries(value))
  const optional = <T>(name: string, decode: (value: unknown) => T): T | undefined => {
    const field: unknown = fields.get(name)
    fields.delete(name)
    return field === undefined ? undefined : decode(field)
  }
  const required = <T>(name: string, decode: (value: unknown) => T): T => {
    if (!fields.has(name)) throw new FormatError(`${name} is missing`)
    const field: unknown = fields.get(name)
    fields.delete(name)
    return decode(field)
  }
  const end = <T>(decoded: T): T => {
    const [unknown] = fields.keys()
    if (unknown !== undefined) throw new FormatError(`${unknown} is not known to this version`)
    return decoded
  }
  return { optional, required, end }
}

function listOf<T>(decode: (value: unknown) => T) {
  return (value: unknown): readonly T[] => {
    if (!Array.isArray(value)) throw new FormatError('not a list')
    return value.map(decode)
  }
}

function countOf(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw new FormatError('not a count')
  return value as number
}

function microsecondOf(value: unknown): number {
  const micros = countOf(value)
  if (micros > MICROS_MAX) throw new FormatError('a microsecond after the end of time')
  return micros
}

function levelOf(value: unknown): number {
  const level = countOf(value)
  if (level >= LEVELS_MAX) throw new FormatError(`level ${level} does not exist`)
  return level
}

function textOf(value: unknown): string {
  if (typeof value !== 'string') throw new FormatError('not a text')
  return value
}

/** Intervals in their normal form; what is not in it is refused. */
function stretchesOf(value: unknown): Stretches {
  const intervals = listOf(listOf(timeOf))(value).map(([after, through, ...rest]) => {
    if (after === undefined || through === undefined || rest.length > 0 || after >= through)
      throw new FormatError('not a stretch')
    return { after, through }
  })
  if (!sameStretches(union(intervals), intervals)) throw new FormatError('stretches are out of order')
  return intervals
}

function timeOf(value: unknown): HybridTime {
  return parseExact(textOf(value))
}
