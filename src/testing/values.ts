/**
 * Keys and values of the model as those of a table, and back. In the model both are text; a bytes key is
 * written in hexadecimal.
 */
import { bytesOfHex, hexOfBytes } from '../base/bytes.ts'
import { type Key } from '../table/codec.ts'
import { BYTES_KEYS, TEXT_KEYS } from './operations.ts'

/** The keys of a kind that a world has: its numbers, taken modulo what there is. */
export function keysOf(type: 'text' | 'bytes', numbers: readonly number[]): readonly string[] {
  const pool = type === 'text' ? TEXT_KEYS : BYTES_KEYS
  return [...new Set(numbers.map((number) => pool[number % pool.length]!))]
}

/** The key of a table. */
export function keyOf(type: 'text' | 'bytes', text: string): Key {
  return type === 'text' ? text : bytesOfHex(text)
}

/** The key of the model. */
export function textOfKey(key: Key): string {
  return typeof key === 'string' ? key : hexOfBytes(key)
}

/** The value of a table that says a text; all of its characters are ASCII. */
export function valueOf(type: 'text' | 'bytes' | 'document', text: string): unknown {
  if (type === 'text') return text
  if (type === 'bytes') return Uint8Array.from(text, (character) => character.charCodeAt(0))
  return text === '' ? null : documentOf(text)
}

/** The text that a value says; anything that says none is told in words. */
export function textOfValue(type: 'text' | 'bytes' | 'document', value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (type === 'text') return typeof value === 'string' ? value : `not text: ${typeof value}`
  if (type === 'bytes') {
    // A `Buffer` would be one too, and is not promised.
    const isPlain = value instanceof Uint8Array && Object.getPrototypeOf(value) === Uint8Array.prototype
    return isPlain ? String.fromCharCode(...value) : 'not plain bytes'
  }
  if (value === null) return ''
  const { text } = value as { text: string }
  return JSON.stringify(value) === JSON.stringify(documentOf(text))
    ? text
    : `another document: ${JSON.stringify(value)}`
}

function documentOf(text: string): unknown {
  return { text, length: text.length, nested: { list: [1.5, true, null, 'x'], constructor: text.length } }
}

/** Negative, zero or positive as a key sorts before, with or after another: bytes as numbers, text by code point. */
export function compareKeys(type: 'text' | 'bytes', a: string, b: string): number {
  if (type === 'bytes') return a < b ? -1 : a > b ? 1 : 0
  const left = Array.from(a, (character) => character.codePointAt(0)!)
  const right = Array.from(b, (character) => character.codePointAt(0)!)
  const differs = left.findIndex((point, i) => point !== right[i])
  if (differs === -1) return left.length - right.length
  return differs >= right.length ? 1 : left[differs]! - right[differs]!
}
