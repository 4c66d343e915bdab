/**
 * What is printed, as text: values as JSON, and nothing that a terminal would obey.
 *
 * JSON has no bytes, no 64-bit numbers and no times: bytes become `{"base64":"…"}`, big integers and
 * dates text. Control characters, and those that turn the direction of writing around, are always
 * escaped in JSON, so a value cannot draw on the terminal of whoever looks at it.
 */
import { bytesOfText } from '../base/bytes.ts'
import { type HybridTime, formatExact, formatIso } from '../time/hybrid-time.ts'

/** A time in both of its forms: to paste back, and to read. */
export interface Moment {
  readonly time: string
  readonly at: string
}

/** Both forms of a time. */
export function momentOf(time: HybridTime): Moment {
  return { time: formatExact(time), at: formatIso(time) }
}

/** Both forms on one line: to read, and in brackets to paste back. */
export function momentText({ time, at }: Moment): string {
  return `${at} (${time})`
}

/** A time in both of its forms, on one line. */
export function timeText(time: HybridTime): string {
  return momentText(momentOf(time))
}

/** A value as one line of JSON. */
export function jsonText(value: unknown): string {
  return escaped(JSON.stringify(jsonOf(value)) ?? 'null', UNSAFE)
}

/** A text on one line: as it is, or as a JSON string where it would not stay on its line or looks like one. */
export function lineText(text: string): string {
  return text.search(UNSAFE) === -1 && !text.startsWith('"') ? text : jsonText(text)
}

/** A text with its lines, for a terminal. */
export function screenText(text: string): string {
  return escaped(text, UNSAFE_BUT_LINES)
}

/** A message on one line. */
export function messageText(text: string): string {
  return escaped(text.trim().replaceAll(/\s*\n\s*/g, ' '), UNSAFE)
}

/** A whole number, in groups of three digits. */
export function countText(count: number): string {
  return count.toLocaleString('en-US')
}

/** A number of things: `1 commit`, `2 commits`. */
export function manyText(count: number, noun: string): string {
  return `${countText(count)} ${noun}${count === 1 ? '' : 's'}`
}

/** Bytes in the unit that suits their number. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return power === 0 ? `${bytes} B` : `${(bytes / 1024 ** power).toFixed(1)} ${units[power]}`
}

/**
 * An argument as a shell takes it. What would draw on the terminal stands in quotes of `bash`, `zsh` and `ksh`, as the bytes of
 * its UTF-8 in octal, which they take in any locale.
 */
export function shellText(argument: string): string {
  if (/^[\w@%+=:,./-]+$/.test(argument)) return argument
  if (argument.search(UNSAFE) === -1) return `'${argument.replaceAll("'", String.raw`'\''`)}'`
  const octal = (character: string) =>
    Array.from(bytesOfText(character), (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')
  return `$'${argument.replaceAll(/[\\']/g, String.raw`\$&`).replaceAll(UNSAFE, octal)}'`
}

/** Control characters, and those that change the direction of the text around them. */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu
const UNSAFE_BUT_LINES = /(?![\n\t])[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

function escaped(text: string, characters: RegExp): string {
  return text.replaceAll(
    characters,
    (character) => String.raw`\u` + character.charCodeAt(0).toString(16).padStart(4, '0'),
  )
}

/** The same value out of nothing but what JSON has. */
function jsonOf(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Uint8Array) return { base64: base64Of(value) }
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString()
  if (Array.isArray(value)) return value.map(jsonOf)
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, jsonOf(item)]))
}

function base64Of(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64')
}
