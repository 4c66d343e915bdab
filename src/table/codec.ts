/**
 * What users put in and get out, as bytes: keys and values of a table by its types.
 *
 * Text is UTF-8, so text keys sort by code point. Documents are MessagePack (`documents.ts`). What comes out is plain:
 * bytes are `Uint8Array`s, never a `Buffer`, never a look into the engine's memory. Small ones share an
 * `ArrayBuffer` with others that were handed out, as Node's buffers do.
 */
import {
  type ByteCopies,
  type ByteSpan,
  bytesOfText,
  copyOf,
  lookAt,
  textOfBytes,
  textOfSpan,
} from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type KeyType, type ValueType } from '../catalog/rows.ts'
import { bytesOfDocument, documentOf } from './documents.ts'

/** The longest key, in bytes. */
export const KEY_BYTES_MAX = 65_535
/** The longest value, in bytes: 128 MiB. */
export const VALUE_BYTES_MAX: number = 128 * 1024 * 1024
/** The largest batch, in bytes of keys and values: 1 GiB. */
export const BATCH_BYTES_MAX: number = 1024 * 1024 * 1024

/** A key as users see it. */
export type Key = string | Uint8Array

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
  return type === 'text' ? textAt(span, 'key') : copies.copyOfSpan(span)
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
  return type === 'bytes' ? copies.copyOf(bytes) : documentIn(bytes)
}

/** As {@link decodeValue}, of bytes that stand in others. */
export function decodeValueSpan(span: ByteSpan, type: ValueType, copies: ByteCopies): unknown {
  if (type === 'text') return textAt(span, 'value')
  return type === 'bytes' ? copies.copyOfSpan(span) : documentIn(lookAt(span))
}

function textOf(bytes: Uint8Array, what: string): string {
  try {
    return textOfBytes(bytes)
  } catch (error) {
    throw corrupt(what, error)
  }
}

function textAt(span: ByteSpan, what: string): string {
  try {
    return textOfSpan(span)
  } catch (error) {
    throw corrupt(what, error)
  }
}

function documentIn(bytes: Uint8Array): unknown {
  try {
    return documentOf(bytes)
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
  return bytesOfDocument(value)
}

function bytesOfBytes(bytes: unknown, code: 'INVALID_KEY' | 'INVALID_VALUE', what: string): Uint8Array {
  if (!(bytes instanceof Uint8Array)) throw wrongType(code, what, 'bytes (a Uint8Array)', bytes)
  return bytes
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
