/**
 * Writing and reading of binary records: little-endian fixed numbers, LEB128 varints, byte strings
 * behind their length.
 *
 * A reader trusts nothing: a field that does not fit in what is left, or a varint that is longer
 * than it needs to be, throws a {@link FormatError}; nothing is allocated before its length is checked.
 */

/** Bytes that do not follow the format. The caller turns it into an error that names the file. */
export class FormatError extends Error {
  override readonly name = 'FormatError'
}

const IS_LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/**
 * The 32-bit words of bytes in little-endian order, without a rest that is no word: a look at the same memory
 * where that is possible, because a typed array is read faster than a `DataView`.
 */
export function wordsOf(bytes: Uint8Array, canLook: boolean = IS_LITTLE_ENDIAN): Uint32Array {
  const { buffer, byteOffset } = bytes
  const count = bytes.length >>> 2
  if (canLook && byteOffset % 4 === 0) return new Uint32Array(buffer, byteOffset, count)
  const view = new DataView(buffer, byteOffset)
  return Uint32Array.from({ length: count }, (_, i) => view.getUint32(4 * i, true))
}

/** As {@link wordsOf}, the words of 64 bits from a byte on; a `DataView` takes V8 three times as long for each. */
export function longWordsOf(
  bytes: Uint8Array,
  from: number,
  count: number,
  canLook: boolean = IS_LITTLE_ENDIAN,
): BigUint64Array {
  const { buffer, byteOffset } = bytes
  if (canLook && (byteOffset + from) % 8 === 0) return new BigUint64Array(buffer, byteOffset + from, count)
  const view = new DataView(buffer, byteOffset + from)
  return BigUint64Array.from({ length: count }, (_, i) => view.getBigUint64(8 * i, true))
}

/** Four bytes as a word with a sign, the first of them the lowest. */
export function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** A growing buffer. */
export class BinaryWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Bytes written so far. */
  get length(): number {
    return this.#length
  }

  u8(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  u32(value: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#length, value, true)
    this.#length += 4
  }

  u64(value: bigint): void {
    this.#reserve(8)
    this.#view.setBigUint64(this.#length, value, true)
    this.#length += 8
  }

  /** A whole number from 0 to 2^53 − 1, seven bits a byte, the lowest first. */
  varint(value: number): void {
    this.#reserve(8)
    while (value >= 0x80) {
      this.#bytes[this.#length++] = (value % 0x80) | 0x80
      value = Math.floor(value / 0x80)
    }
    this.#bytes[this.#length++] = value
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** A byte string behind its length. */
  bytes(bytes: Uint8Array): void {
    this.varint(bytes.length)
    this.raw(bytes)
  }

  /** What was written, in memory of its own; the writer can go on. */
  finish(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#length))
  }

  /** What was written, as a look at the writer's memory: good until more is written. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Forgets what was written and begins anew in the same memory. */
  clear(): void {
    this.#length = 0
  }

  #reserve(count: number): void {
    const needed = this.#length + count
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
    this.#view = new DataView(grown.buffer)
  }
}

/** A position that moves over bytes. */
export class BinaryReader {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** Bytes not yet read. */
  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    return this.#bytes[this.#take(1)]!
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true)
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true)
  }

  varint(): number {
    let value = 0
    for (let unit = 1; unit <= 2 ** 49; unit *= 0x80) {
      const byte = this.u8()
      value += (byte & 0x7f) * unit
      if (byte < 0x80) {
        if (byte === 0 && unit > 1) throw new FormatError('a varint is longer than it needs to be')
        if (!Number.isSafeInteger(value)) break
        return value
      }
    }
    throw new FormatError('a varint is larger than 2^53 − 1')
  }

  /** The next `count` bytes, as a look at the same memory. */
  raw(count: number): Uint8Array {
    const from = this.#take(count)
    return this.#bytes.subarray(from, from + count)
  }

  bytes(): Uint8Array {
    return this.raw(this.varint())
  }

  /** Goes behind a byte string without looking at it. */
  passOverBytes(): void {
    this.#take(this.varint())
  }

  /** Refuses bytes behind the end of a record. */
  end(): void {
    if (this.remaining > 0) throw new FormatError(`${this.remaining} bytes too many`)
  }

  #take(count: number): number {
    if (count > this.remaining) throw new FormatError(`${count} bytes wanted, ${this.remaining} left`)
    const from = this.#at
    this.#at += count
    return from
  }
}
