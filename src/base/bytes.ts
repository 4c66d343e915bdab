/**
 * Bytes: plain `Uint8Array`s, compared as unsigned numbers from the left.
 *
 * `subarray` looks at the same memory, {@link copyOf} makes another. `slice` is not used, because
 * Node's `Buffer` gives it the opposite meaning.
 */
import { PalimpsestError } from './errors.ts'

interface Utf8 {
  readonly TextEncoder: new () => {
    encode(text: string): Uint8Array
    encodeInto(text: string, bytes: Uint8Array): { readonly written: number }
  }
  readonly TextDecoder: new (
    label: string,
    options: { fatal: boolean; ignoreBOM: boolean },
  ) => { decode(bytes: Uint8Array): string }
}
// The engine compiles without the types of Node and of the browser; both have these two classes.
const { TextEncoder, TextDecoder } = globalThis as unknown as Utf8
/** No bytes. */
export const NO_BYTES: Uint8Array = new Uint8Array(0)
/** A view of no bytes. */
export const NO_VIEW: DataView = new DataView(new ArrayBuffer(0))
const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const lenientDecoder = new TextDecoder('utf-8', { fatal: false, ignoreBOM: true })

/** Up to this length a loop over ASCII is faster than a call of the encoder. */
const SHORT_TEXT = 64

/** The UTF-8 bytes of a text. The text must be well-formed. */
export function bytesOfText(text: string): Uint8Array {
  if (text.length > SHORT_TEXT) return encoder.encode(text)
  const bytes = new Uint8Array(text.length)
  return writeAscii(text, bytes, 0) ? bytes : encoder.encode(text)
}

/** Up to this length a loop copies faster than a call does, and V8 keeps the bytes in the array itself. */
const LOOPED_BYTES_MAX = 24
/** Up to this length a loop over words copies as fast as a call does, and needs no look at what it copies. */
const LOOPED_WORDS_MAX = 256
const COPIES_BYTES_MIN = 1024
const COPIES_BYTES_MAX = 32 * 1024
/** So large a copy, and no larger one, shares memory with others: an eighth of it. */
const SHARING_BYTES_MAX = 4 * 1024

/**
 * Copies of byte strings that are handed out one after the other, by the gets and scans of a table. Small ones share memory,
 * at most 32 KiB at a time: an `ArrayBuffer` for each costs several times what copying its bytes does.
 */
export class ByteCopies {
  #buffer = NO_VIEW.buffer
  #memory = NO_BYTES
  #view = NO_VIEW
  #used = 0

  /** A copy, which nobody else writes to. */
  copyOf(bytes: Uint8Array): Uint8Array {
    const { length } = bytes
    if (length <= LOOPED_BYTES_MAX) return loopedCopy(bytes)
    if (length > SHARING_BYTES_MAX) return copyOf(bytes)
    if (this.#used + length > this.#memory.length) this.#begin(length)
    this.#memory.set(bytes, this.#used)
    return this.#taken(length)
  }

  /** A copy of the bytes of a span. */
  copyOfSpan(span: ByteSpan): Uint8Array {
    const { view, from, to } = span
    const length = to - from
    if (length === 0 || length > LOOPED_WORDS_MAX) return this.copyOf(lookAt(span))
    if (this.#used + length > this.#memory.length) this.#begin(length)
    const at = this.#used
    const target = this.#view
    // Its end is asked for before its beginning: the processor then fetches both side by side.
    target.setUint8(at + length - 1, view.getUint8(to - 1))
    // Four at a time, because a loop has to ask each time whether it is over. Signed, because an unsigned word may not
    // be a small integer, and would become a number on the heap.
    let i = 0
    for (; i + 16 <= length; i += 16) {
      const a = view.getInt32(from + i, true)
      const b = view.getInt32(from + i + 4, true)
      const c = view.getInt32(from + i + 8, true)
      const d = view.getInt32(from + i + 12, true)
      target.setInt32(at + i, a, true)
      target.setInt32(at + i + 4, b, true)
      target.setInt32(at + i + 8, c, true)
      target.setInt32(at + i + 12, d, true)
    }
    for (; i + 4 <= length; i += 4) target.setInt32(at + i, view.getInt32(from + i, true), true)
    for (; i < length; i++) target.setUint8(at + i, view.getUint8(from + i))
    return this.#taken(length)
  }

  /** The next part of the memory, which is filled. */
  #taken(length: number): Uint8Array {
    const at = this.#used
    this.#used += length
    // Takes V8 half as long as a `subarray`.
    return new Uint8Array(this.#buffer, at, length)
  }

  #begin(length: number): void {
    const next = Math.max(COPIES_BYTES_MIN, length, Math.min(COPIES_BYTES_MAX, 4 * this.#memory.length))
    this.#buffer = new ArrayBuffer(next)
    this.#memory = new Uint8Array(this.#buffer)
    this.#view = new DataView(this.#buffer)
    this.#used = 0
  }
}

const SCRATCH_BYTES = 64 * 1024

/**
 * The UTF-8 bytes of texts, for a use that is over at once: they stand in memory that later texts take.
 * For many texts this is several times as fast as memory for each.
 */
export class TextScratch {
  #memory = new Uint8Array(SCRATCH_BYTES)
  #used = 0

  /** Gives the memory to the texts to come. */
  clear(): void {
    this.#used = 0
  }

  /** The bytes of a text, good until {@link clear}. The text must be well-formed. */
  bytesOf(text: string): Uint8Array {
    // A unit of UTF-16 takes three bytes at most.
    const needed = 3 * text.length
    if (needed > SCRATCH_BYTES) return encoder.encode(text)
    if (this.#used + needed > SCRATCH_BYTES) {
      // What stands in the memory that was is still in use.
      this.#memory = new Uint8Array(SCRATCH_BYTES)
      this.#used = 0
    }
    const from = this.#used
    const isAscii = text.length <= SHORT_TEXT && writeAscii(text, this.#memory, from)
    this.#used += isAscii ? text.length : encoder.encodeInto(text, this.#memory.subarray(from)).written
    return this.#memory.subarray(from, this.#used)
  }
}

/** Writes a text, if it is ASCII. */
function writeAscii(text: string, bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= 0x80) return false
    bytes[at + i] = code
  }
  return true
}

/** The text of bytes that should be UTF-8: what is not comes out as U+FFFD. */
export function nearestTextOf(bytes: Uint8Array): string {
  return lenientDecoder.decode(bytes)
}

/** The text of UTF-8 bytes. Throws a `TypeError` if they are not UTF-8. */
export function textOfBytes(bytes: Uint8Array): string {
  return decoder.decode(bytes)
}

/** As {@link textOfBytes}, of a span. */
export function textOfSpan(span: ByteSpan): string {
  return asciiOfSpan(span) ?? decoder.decode(lookAt(span))
}

/** Up to this length, V8 puts a text together from its characters faster than the decoder is called. */
const SPELLED_TEXT_MAX = 24
/** A list for the characters of a text, by how many there are, which serves one text after the other. */
const SPELLED: readonly number[][] = Array.from({ length: SPELLED_TEXT_MAX + 1 }, (_, length) =>
  Array.from({ length }, () => 0),
)

/** The text of a span, if it is short and ASCII. */
function asciiOfSpan({ view, from, to }: ByteSpan): string | undefined {
  const length = to - from
  if (length > SPELLED_TEXT_MAX) return undefined
  const characters = SPELLED[length]!
  let bits = 0
  for (let i = 0; i < length; i++) {
    const byte = view.getUint8(from + i)
    bits |= byte
    characters[i] = byte
  }
  return bits < 0x80 ? String.fromCharCode(...characters) : undefined
}

function loopedCopy(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length)
  for (let i = 0; i < bytes.length; i++) copy[i] = bytes[i]!
  return copy
}

/** A copy with memory of its own. */
export function copyOf(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length)
  copy.set(bytes)
  return copy
}

/** All parts, one after the other, in new memory. */
export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

/** Negative, zero or positive as `a` sorts before, with or after `b`; a prefix sorts first. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length)
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Where some bytes stand in memory: from `from` to `to`. */
export interface ByteSpan {
  readonly view: DataView
  readonly from: number
  readonly to: number
}

/** The bytes of a span, as a look at its memory. */
export function lookAt({ view, from, to }: ByteSpan): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + from, to - from)
}

/** As {@link compareBytes}, without a look at either, four bytes at a time. */
export function compareSpans(a: ByteSpan, b: ByteSpan): number {
  const [left, right] = [a.view, b.view]
  const [leftFrom, rightFrom] = [a.from, b.from]
  const leftLength = a.to - leftFrom
  const rightLength = b.to - rightFrom
  const length = leftLength < rightLength ? leftLength : rightLength
  let i = 0
  for (; i + 4 <= length; i += 4) {
    const difference = left.getUint32(leftFrom + i) - right.getUint32(rightFrom + i)
    if (difference !== 0) return difference
  }
  for (; i < length; i++) {
    const difference = left.getUint8(leftFrom + i) - right.getUint8(rightFrom + i)
    if (difference !== 0) return difference
  }
  return leftLength - rightLength
}

/**
 * As {@link compareBytes}, of the bytes from `from` to `to` with others, without a look at them. Of the first
 * `alike` bytes the caller knows that they are the same, and that both have them.
 */
export function comparePart(
  bytes: Uint8Array,
  from: number,
  to: number,
  other: Uint8Array,
  alike = 0,
): number {
  const length = Math.min(to - from, other.length)
  for (let i = alike; i < length; i++) {
    const difference = bytes[from + i]! - other[i]!
    if (difference !== 0) return difference
  }
  return to - from - other.length
}

/** As {@link compareBytes}, of a span with bytes, without a look at it. */
export function compareSpanTo({ view, from, to }: ByteSpan, other: Uint8Array): number {
  const length = Math.min(to - from, other.length)
  for (let i = 0; i < length; i++) {
    const difference = view.getUint8(from + i) - other[i]!
    if (difference !== 0) return difference
  }
  return to - from - other.length
}

/** Whether two byte strings are the same. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))
const HEX_DIGITS = bytesOfText('0123456789abcdef')
/** Up to this length it is as fast to put the text together byte by byte. */
const LOOPED_HEX_MAX = 32
/** So many bytes become text at a time. */
const HEX_BYTES = 32 * 1024
let hexMemory = NO_BYTES

/** Two hexadecimal digits a byte. */
export function hexOfBytes(bytes: Uint8Array): string {
  let hex = ''
  if (bytes.length <= LOOPED_HEX_MAX) {
    for (const byte of bytes) hex += HEX[byte]
    return hex
  }
  // V8 makes a node of forty bytes for each `+=`, and keeps them until somebody reads the text: so there are few.
  for (let from = 0; from < bytes.length; from += HEX_BYTES)
    hex += flatHexOf(bytes, from, Math.min(from + HEX_BYTES, bytes.length))
  return hex
}

/** The digits of the bytes from `from` to `to`, as one text without parts. */
function flatHexOf(bytes: Uint8Array, from: number, to: number): string {
  if (hexMemory.length === 0) hexMemory = new Uint8Array(2 * HEX_BYTES)
  let at = 0
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!
    hexMemory[at++] = HEX_DIGITS[byte >> 4]!
    hexMemory[at++] = HEX_DIGITS[byte & 15]!
  }
  return decoder.decode(hexMemory.subarray(0, at))
}

/** What a digit says, by its code; −1 for what is none. */
const HEX_VALUES = new Int8Array(128).fill(-1)
for (const [value, code] of HEX_DIGITS.entries()) HEX_VALUES[code] = value

/** The bytes of hexadecimal text; throws `INVALID_ARGUMENT` if it is none. */
export function bytesOfHex(hex: string): Uint8Array {
  const bytes = new Uint8Array(hex.length >> 1)
  let isHex = hex.length % 2 === 0
  for (let i = 0; i < bytes.length; i++) {
    const high = hex.charCodeAt(2 * i)
    const low = hex.charCodeAt(2 * i + 1)
    // Negative where either is no digit.
    const byte = (high | low) < 128 ? (HEX_VALUES[high]! << 4) | HEX_VALUES[low]! : -1
    if (byte < 0) isHex = false
    bytes[i] = byte
  }
  if (!isHex) throw new PalimpsestError('INVALID_ARGUMENT', 'not hexadecimal text')
  return bytes
}
