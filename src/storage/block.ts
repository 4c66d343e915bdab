/**
 * Blocks: the native multi-version layout. Each key stands once, its versions newest first beside it,
 * times in one column, values in another, so that a block is searched in place without decoding:
 * a binary search over keys, or a look at the slot of one, then a binary search over the key's times.
 *
 *     u32 keyCount  u32 versionCount
 *     u32 keyEnd[keyCount]          where key i ends in the key bytes
 *     u32 versionEnd[keyCount]      where key i's versions end among all versions
 *     u64 time[versionCount]        newest first within a key
 *     u32 valueEnd[versionCount]    where the value ends in the value bytes; top bit: tombstone
 *     key bytes, value bytes
 *
 * All numbers are little-endian. A key whose versions run over several blocks stands in each of them.
 */
import { FormatError } from '../base/binary.ts'
import { type ByteCopies, comparePart } from '../base/bytes.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type KeySpan } from './cursor.ts'
import { type KeySlots, findInSlots, keySlotsOf } from './key-slots.ts'
import { type Version, copyOfVersion } from './version.ts'

const HEADER_BYTES = 8
const KEY_BYTES = 8
const VERSION_BYTES = 12
const TOMBSTONE = 0x8000_0000
const VALUE_END_MASK = 0x7fff_ffff

/** The values of a key that come to no more than this are copied in one piece. */
const COPIED_TOGETHER_MAX = 16 * 1024

/** Collects versions in order and lays them out as a block. */
export class BlockBuilder {
  readonly #keys: Uint8Array[] = []
  readonly #versionEnds: number[] = []
  readonly #versions: Version[] = []
  #keyBytes = 0
  #valueBytes = 0

  /** The versions so far. */
  get versionCount(): number {
    return this.#versions.length
  }

  /** The size of the block so far. */
  get bytes(): number {
    return (
      HEADER_BYTES +
      this.#keys.length * KEY_BYTES +
      this.#versions.length * VERSION_BYTES +
      this.#keyBytes +
      this.#valueBytes
    )
  }

  /** The bytes that a version would add, at most. */
  static bytesOf(key: Uint8Array, version: Version): number {
    return KEY_BYTES + VERSION_BYTES + key.length + (version.value?.length ?? 0)
  }

  /** Adds a version; `isNewKey` unless its key is that of the version before it in this block. */
  add(key: Uint8Array, version: Version, isNewKey: boolean): void {
    if (isNewKey || this.#keys.length === 0) {
      this.#keys.push(key)
      this.#versionEnds.push(this.#versions.length)
      this.#keyBytes += key.length
    }
    this.#versions.push(version)
    this.#versionEnds[this.#versionEnds.length - 1] = this.#versions.length
    this.#valueBytes += version.value?.length ?? 0
  }

  /** The encoded block; the builder is empty again. */
  finish(): Uint8Array {
    const bytes = new Uint8Array(this.bytes)
    const view = new DataView(bytes.buffer)
    const keyCount = this.#keys.length
    const versionCount = this.#versions.length
    view.setUint32(0, keyCount, true)
    view.setUint32(4, versionCount, true)
    const versionEnds = HEADER_BYTES + 4 * keyCount
    const times = versionEnds + 4 * keyCount
    const valueEnds = times + 8 * versionCount
    const keyBytes = valueEnds + 4 * versionCount
    let at = 0
    for (const [i, key] of this.#keys.entries()) {
      bytes.set(key, keyBytes + at)
      at += key.length
      view.setUint32(HEADER_BYTES + 4 * i, at, true)
      view.setUint32(versionEnds + 4 * i, this.#versionEnds[i]!, true)
    }
    const valueBytes = keyBytes + at
    at = 0
    for (const [i, { time, value }] of this.#versions.entries()) {
      view.setBigUint64(times + 8 * i, time, true)
      if (value !== undefined) {
        bytes.set(value, valueBytes + at)
        at += value.length
      }
      view.setUint32(valueEnds + 4 * i, value === undefined ? (at | TOMBSTONE) >>> 0 : at, true)
    }
    this.#keys.length = this.#versionEnds.length = this.#versions.length = 0
    this.#keyBytes = this.#valueBytes = 0
    return bytes
  }
}

/** An encoded block, searched in place. Keys and values that it returns are looks at its memory. */
export class Block {
  readonly bytes: Uint8Array
  readonly keyCount: number
  readonly versionCount: number
  readonly #view: DataView
  readonly #versionEnds: number
  readonly #times: number
  readonly #valueEnds: number
  readonly #keyBytes: number
  readonly #valueBytes: number
  /** The length of every key; 0 if they differ. */
  #keyLength = 0
  #slots: KeySlots | undefined

  /** Checks the structure, so that nothing afterwards can reach outside; throws {@link FormatError}. */
  constructor(bytes: Uint8Array) {
    if (bytes.length < HEADER_BYTES) throw new FormatError('a block is shorter than its header')
    this.bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.keyCount = this.#view.getUint32(0, true)
    this.versionCount = this.#view.getUint32(4, true)
    this.#versionEnds = HEADER_BYTES + 4 * this.keyCount
    this.#times = this.#versionEnds + 4 * this.keyCount
    this.#valueEnds = this.#times + 8 * this.versionCount
    this.#keyBytes = this.#valueEnds + 4 * this.versionCount
    if (this.keyCount === 0 || this.#keyBytes > bytes.length) throw new FormatError('block counts do not fit')
    this.#valueBytes = this.#keyBytes + this.#keyEnd(this.keyCount - 1)
    this.#checkEnds()
    this.#keyLength = this.#commonKeyLength()
  }

  /** The index of the first key at or above `key`; the number of keys if there is none. */
  findKey(key: Uint8Array): number {
    let low = 0
    let high = this.keyCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.compareKeyAt(middle, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The index of `key`; −1 if it is not in the block. `hash` is the key's. */
  indexOf(key: Uint8Array, hash: number): number {
    return findInSlots((this.#slots ??= keySlotsOf(this)), this, key, hash)
  }

  /** How key `index` compares with `key`. */
  compareKeyAt(index: number, key: Uint8Array): number {
    const from = this.#keyBytes + (index === 0 ? 0 : this.#keyEnd(index - 1))
    return comparePart(this.bytes, from, this.#keyBytes + this.#keyEnd(index), key)
  }

  /** Key `index`. */
  keyAt(index: number): Uint8Array {
    const from = index === 0 ? 0 : this.#keyEnd(index - 1)
    return this.bytes.subarray(this.#keyBytes + from, this.#keyBytes + this.#keyEnd(index))
  }

  /** Says where key `index` stands. */
  locateKey(index: number, span: KeySpan): void {
    span.bytes = this.bytes
    span.from = this.#keyBytes + (index === 0 ? 0 : this.#keyEnd(index - 1))
    span.to = this.#keyBytes + this.#keyEnd(index)
  }

  /** Where the versions of key `index` begin. */
  versionsFrom(index: number): number {
    return index === 0 ? 0 : this.versionsTo(index - 1)
  }

  /** Where the versions of key `index` end. */
  versionsTo(index: number): number {
    return this.#view.getUint32(this.#versionEnds + 4 * index, true)
  }

  /** The first version of key `index` at or before `time`; the end of its versions if there is none. */
  findTime(index: number, time: HybridTime): number {
    scratch.setBigUint64(0, time)
    const high32 = scratch.getUint32(0)
    const low32 = scratch.getUint32(4)
    let low = this.versionsFrom(index)
    // Most reads ask for the newest.
    if (!this.#isAfter(low, high32, low32)) return low
    low++
    let high = this.versionsTo(index)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#isAfter(middle, high32, low32)) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The time of a version. */
  timeAt(version: number): HybridTime {
    return this.#view.getBigUint64(this.#times + 8 * version, true) as HybridTime
  }

  /** A version with its value. */
  versionAt(version: number): Version {
    return this.#versionOver(version, this.bytes, this.#valueBytes)
  }

  /** Some versions of a key, `first` up to `end`, with copies of their values. */
  copyVersions(first: number, end: number, copies: ByteCopies): Version[] {
    const from = this.#valueFrom(first)
    const bytes = this.#valueFrom(end) - from
    const versions: Version[] = []
    if (bytes > COPIED_TOGETHER_MAX) {
      for (let v = first; v < end; v++) versions.push(copyOfVersion(this.versionAt(v), copies))
    } else {
      // They stand side by side, and one copy of all costs less than one of each.
      const begin = this.#valueBytes + from
      const copy = copies.copyOf(this.bytes.subarray(begin, begin + bytes))
      for (let v = first; v < end; v++) versions.push(this.#versionOver(v, copy, -from))
    }
    return versions
  }

  /** A version, whose value is a look at some bytes: `begin` is where in them that of version 0 begins, or would. */
  #versionOver(version: number, bytes: Uint8Array, begin: number): Version {
    const end = this.#view.getUint32(this.#valueEnds + 4 * version, true)
    const time = this.timeAt(version)
    if (end >= TOMBSTONE) return { time, value: undefined }
    return { time, value: bytes.subarray(begin + this.#valueFrom(version), begin + end) }
  }

  /** Where the value of a version begins: behind that of the version before. */
  #valueFrom(version: number): number {
    return version === 0
      ? 0
      : this.#view.getUint32(this.#valueEnds + 4 * (version - 1), true) & VALUE_END_MASK
  }

  #isAfter(version: number, high32: number, low32: number): boolean {
    const at = this.#times + 8 * version
    const upper = this.#view.getUint32(at + 4, true)
    return upper > high32 || (upper === high32 && this.#view.getUint32(at, true) > low32)
  }

  #keyEnd(index: number): number {
    // Where it is known, nobody waits for the memory of the column.
    if (this.#keyLength > 0) return (index + 1) * this.#keyLength
    return this.#view.getUint32(HEADER_BYTES + 4 * index, true)
  }

  #commonKeyLength(): number {
    const length = this.#keyEnd(0)
    for (let i = 1; i < this.keyCount; i++) if (this.#keyEnd(i) !== (i + 1) * length) return 0
    return length
  }

  #checkEnds(): void {
    if (this.versionsTo(this.keyCount - 1) !== this.versionCount)
      throw new FormatError('versions are left over')
    for (let i = 0; i < this.keyCount; i++) {
      if (i > 0 && this.#keyEnd(i) < this.#keyEnd(i - 1)) throw new FormatError('key ends fall')
      if (this.versionsTo(i) <= this.versionsFrom(i)) throw new FormatError('a key has no version')
    }
    let last = 0
    for (let i = 0; i < this.versionCount; i++) {
      const valueEnd = this.#view.getUint32(this.#valueEnds + 4 * i, true)
      const end = valueEnd & VALUE_END_MASK
      if (end < last) throw new FormatError('value ends fall')
      if (valueEnd >= TOMBSTONE && end > last) throw new FormatError('a tombstone has a value')
      last = end
    }
    if (this.#valueBytes + last !== this.bytes.length)
      throw new FormatError('a block does not end where its values do')
  }
}

/** Where a time is taken apart: shifting a bigint allocates two more. */
const scratch = new DataView(new ArrayBuffer(8))
