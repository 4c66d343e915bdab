/**
 * What users put in and get out, as bytes: keys and values of a table by its types.
 *
 * Text is UTF-8, so text keys sort by code point. Documents are MessagePack. What comes out is plain:
 * bytes are `Uint8Array`s, never a `Buffer`, never a look into the engine's memory. Small ones share an
 * `ArrayBuffer` with others that were handed out, as Node's buffers do.
 */
import { Packr, isNativeAccelerationEnabled } from 'msgpackr'
import { FormatError } from '../base/binary.ts'
import { type ByteCopies, type ByteSpan, bytesOfText, copyOf, lookAt, textOfBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type KeyType, type ValueType } from '../catalog/rows.ts'
import { withMarksTwice } from './byte-order-marks.ts'

/** The longest key, in bytes. */
export const KEY_BYTES_MAX = 65_535
/** The longest value, in bytes: 128 MiB. */
export const VALUE_BYTES_MAX: number = 128 * 1024 * 1024
/** The largest batch, in bytes of keys and values: 1 GiB. */
export const BATCH_BYTES_MAX: number = 1024 * 1024 * 1024

/** A key as users see it. */
export type Key = string | Uint8Array

// Records would make a document depend on what the same packer packed before.
// `variableMapSize` lifts its limit of 65,535 fields; `toJSON` is a field like any other.
const packr = new Packr({
  useRecords: false,
  moreTypes: true,
  structuredClone: false,
  variableMapSize: true,
  useToJSON: false,
})

/** What it makes of any value: of Node's class where there is one, which it also takes for bytes. */
const PACKED: unknown = Object.getPrototypeOf(packr.pack(null))

/** The bytes of a key, in memory of their own. Throws `INVALID_KEY`, `TOO_LARGE`. */
export function encodeKey(key: unknown, type: KeyType): Uint8Array {
  const bytes = viewKey(key, type)
  return type === 'bytes' ? copyOf(bytes) : bytes
}

/** As {@link encodeKey}, for a use that is over at once: the bytes may be the caller's. */
export function viewKey(key: unknown, type: KeyType): Uint8Array {
  const bytes = type === 'text' ? bytesOfTextKey(key) : bytesOfBytes(key, 'INVALID_KEY', 'key')
  if (bytes.length > KEY_BYTES_MAX) throw tooLarge('key', bytes.length, KEY_BYTES_MAX)
  return bytes
}

/** Who makes the copies of bytes that are handed out. */
export interface Copier {
  copyOf(bytes: Uint8Array): Uint8Array
}

/** Copies that have memory of their own each. */
const SINGLE_COPIES: Copier = { copyOf }

/** The key of bytes. Throws `TABLE_CORRUPT` for bytes that no key of this type has. */
export function decodeKey(bytes: Uint8Array, type: KeyType, copies: Copier = SINGLE_COPIES): Key {
  return type === 'text' ? textOf(bytes, 'key') : copies.copyOf(bytes)
}

/** As {@link decodeKey}, of bytes that stand in others. */
export function decodeKeySpan(span: ByteSpan, type: KeyType, copies: ByteCopies): Key {
  return type === 'text' ? textOf(lookAt(span), 'key') : copies.copyOfSpan(span)
}

/** The bytes of a value, which may be the caller's. Throws `INVALID_VALUE`, `TOO_LARGE`. */
export function viewValue(value: unknown, type: ValueType): Uint8Array {
  const bytes = valueBytes(value, type)
  if (bytes.length > VALUE_BYTES_MAX) throw tooLarge('value', bytes.length, VALUE_BYTES_MAX)
  return bytes
}

/** The value of bytes. Throws `TABLE_CORRUPT` for bytes that no value of this type has. */
export function decodeValue(bytes: Uint8Array, type: ValueType, copies: Copier = SINGLE_COPIES): unknown {
  if (type === 'text') return textOf(bytes, 'value')
  return type === 'bytes' ? copies.copyOf(bytes) : documentOf(bytes)
}

/** As {@link decodeValue}, of bytes that stand in others. */
export function decodeValueSpan(span: ByteSpan, type: ValueType, copies: ByteCopies): unknown {
  if (type === 'bytes') return copies.copyOfSpan(span)
  return decodeValue(lookAt(span), type)
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return textOfBytes(bytes)
  } catch (error) {
    throw corrupt(what, error)
  }
}

function documentOf(bytes: Uint8Array): unknown {
  try {
    const document = isNativeAccelerationEnabled ? bytes : withMarksTwice(bytes)
    return withoutBuffers(packr.unpack(document))
  } catch (error) {
    throw corrupt('value', error)
  }
}

/** Behind right checksums this is a forgery, or a bug of whoever wrote it. */
function corrupt(what: string, cause: unknown): PalimpsestError {
  return new PalimpsestError('TABLE_CORRUPT', `a stored ${what} is not of the type of its table`, {}, cause)
}

function bytesOfTextKey(key: unknown): Uint8Array {
  if (typeof key !== 'string') throw wrongType('INVALID_KEY', 'key', 'a string', key)
  if (!key.isWellFormed()) throw new PalimpsestError('INVALID_KEY', 'a key has half of a surrogate pair')
  return bytesOfText(key)
}

function valueBytes(value: unknown, type: ValueType): Uint8Array {
  if (type === 'bytes') return bytesOfBytes(value, 'INVALID_VALUE', 'value')
  if (type === 'text') {
    if (typeof value !== 'string') throw wrongType('INVALID_VALUE', 'value', 'a string', value)
    if (!value.isWellFormed())
      throw new PalimpsestError('INVALID_VALUE', 'a text has half of a surrogate pair')
    return bytesOfText(value)
  }
  checkDocument(value, 0)
  return copyOf(packr.pack(value))
}

function bytesOfBytes(bytes: unknown, code: 'INVALID_KEY' | 'INVALID_VALUE', what: string): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw wrongType(code, what, 'bytes (a Uint8Array)', bytes)
  return bytes
}

type Fields = Record<string, unknown>

const DEPTH_MAX = 200
const INTEGER_MAX = 2n ** 64n
/** The keys of an array with more items are not listed: that would take half as long as to write it down. */
const LISTED_ITEMS_MAX = 16

/**
 * Refuses what would not come back as it went in. Lost are the sign of −0, as in JSON, which items of an array are holes,
 * and what a long array has beside its items.
 */
function checkDocument(value: unknown, depth: number): void {
  const refuse = (what: string): never => {
    throw new PalimpsestError('INVALID_VALUE', `a document cannot hold ${what}`)
  }
  if (depth > DEPTH_MAX) refuse(`more than ${DEPTH_MAX} levels`)
  switch (typeof value) {
    case 'undefined':
      return depth === 0 ? refuse('undefined; delete the key instead') : undefined
    case 'string':
      return value.isWellFormed() ? undefined : refuse('half of a surrogate pair')
    case 'number':
    case 'boolean':
      return undefined
    case 'bigint':
      return value < INTEGER_MAX && value >= -INTEGER_MAX / 2n
        ? undefined
        : refuse('an integer beyond 64 bits')
    case 'object':
      break
    default:
      return refuse(`a ${typeof value}`)
  }
  if (value === null) return
  // Their class would be written down by a name that no reader knows.
  if (value instanceof Uint8Array)
    return isPlainBytes(value) ? undefined : refuse('bytes of a class of their own')
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? refuse('a date that is none') : undefined
  if (Array.isArray(value)) {
    if (hasMoreThanItems(value)) refuse('an array with properties beside its items')
    for (const item of value) checkDocument(item, depth + 1)
    return
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) refuse('an instance of a class')
  if (hasSymbolField(value)) refuse('a field whose name is a symbol')
  for (const name of Object.keys(value)) {
    if (name === '__proto__') refuse('a field called __proto__')
    if (!name.isWellFormed()) refuse('half of a surrogate pair')
    checkDocument((value as Fields)[name], depth + 1)
  }
}

/** As of fields with names, only those count that can be listed. */
function hasSymbolField(value: object): boolean {
  const isListed = (symbol: symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol)
  return Object.getOwnPropertySymbols(value).some(isListed)
}

/** Whether an array is seen to have properties beside its items, which come first among its keys. */
function hasMoreThanItems(items: readonly unknown[]): boolean {
  if (items.length > LISTED_ITEMS_MAX) return false
  const last = Object.keys(items).at(-1)
  return last !== undefined && !/^(?:0|[1-9]\d*)$/.test(last)
}

/** Whether bytes are a `Uint8Array` and no more, or what msgpackr itself makes. */
function isPlainBytes(bytes: Uint8Array): boolean {
  const prototype: unknown = Object.getPrototypeOf(bytes)
  return prototype === Uint8Array.prototype || prototype === PACKED
}

/**
 * Replaces msgpackr's `Buffer`s, which are looks at its input, by bytes of their own, in place. Throws for what
 * {@link checkDocument} refuses and msgpackr reads: sets, maps, errors, expressions, unknown extensions.
 */
function withoutBuffers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  if (value instanceof Uint8Array) return copyOf(value)
  if (!Array.isArray(value) && Object.getPrototypeOf(value) !== Object.prototype)
    throw new FormatError('an instance of a class')
  const fields = value as Fields
  for (const name of Object.keys(fields)) {
    const field = fields[name]
    if (typeof field === 'object') fields[name] = withoutBuffers(field)
  }
  return value
}

function wrongType(
  code: 'INVALID_KEY' | 'INVALID_VALUE',
  what: string,
  wanted: string,
  given: unknown,
): PalimpsestError {
  const got = given === null ? 'null' : given instanceof Uint8Array ? 'bytes' : typeof given
  return new PalimpsestError(code, `the ${what}s of this table are ${wanted}; got ${got}`, { got })
}

function tooLarge(what: string, bytes: number, max: number): PalimpsestError {
  return new PalimpsestError('TOO_LARGE', `a ${what} of ${bytes} bytes; the limit is ${max}`, { bytes, max })
}
