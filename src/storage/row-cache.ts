/**
 * The row cache: copies of the newest versions of the keys that gets come back to, side by side. Such a get waits for
 * a few lines of memory, however much history lies around the version in its block.
 *
 *     sets       hash, address │ hash, address │ …         eight rows to a set: one line of memory
 *     segments   [a@9 b@7 c@3][d@8 b@12 ···]               filled one after the other
 *                 ▲ where there is no room for one more, the oldest goes, with all of its rows
 *
 * The rule is that of places (`found-places.ts`): a row is right for all times from its version's through the one as
 * of which it was found, as long as its table belongs to the tree. A segment is never written over, so that what
 * somebody was shown in it stays as it is.
 *
 * A key gets a row when it is found for the second time, and the first time is not long ago: gets of more keys than there
 * is room for would otherwise write rows all the time, and find none. Who remembers the first time is called a doorkeeper
 * (Einziger, Friedman and Manes, "TinyLFU: A Highly Efficient Cache Admission Policy", 2017).
 */
import { lookAt } from '../base/bytes.ts'
import { type HybridTime, highOf, lowOf } from '../time/hybrid-time.ts'
import { type Stretch } from '../time/stretches.ts'
import { type SoughtKey } from './sought-key.ts'
import { type VersionSpan } from './version-span.ts'

/** Of 32 parts of the memory so many are segments, and so many sets; one is the doorkeeper's. */
const PARTS = 32
const SEGMENTS = 24
const SETS_PARTS = 4
/** With less memory there is none for a row. */
const BYTES_MIN = 4096
/** A row takes one part in so many of a segment at most: a few large ones would drive out many. */
const ROWS_PER_SEGMENT_MIN = 4

/** A row of a set, in words: the hash, and the address, which is counted from 1 on. */
const ENTRY_WORDS = 2
const SET_WORDS = 8 * ENTRY_WORDS
const NO_ADDRESS = 0

// A row of a segment, in bytes: its version's time, the one as of which it was found, its table, two lengths, the key, the value.
const THROUGH = 8
const TABLE = 16
const KEY_LENGTH = 20
const VALUE_LENGTH = 24
const HEADER_BYTES = 28
/** The top bit of the length of a value. */
const TOMBSTONE = 0x8000_0000
const LENGTH_MASK = 0x7fff_ffff

interface Segment {
  readonly bytes: Uint8Array
  readonly view: DataView
}

/** Copies of versions, by key. */
export class RowCache {
  /** A power of two. */
  readonly #segmentBytes: number
  readonly #setWordsMax: number
  readonly #segments: Segment[] = []
  /** Which of them is being filled, and how much of it is. */
  #filled = -1
  #used = 0
  #sets: Uint32Array = new Uint32Array(SET_WORDS)
  #count = 0
  /** By their lower bits, hashes of keys that were found. */
  readonly #doorkeeper: Uint32Array

  /** Takes so many bytes at most, below 2 ** 32. */
  constructor(bytesMax: number) {
    const part = bytesMax < BYTES_MIN ? 0 : 2 ** Math.floor(Math.log2(bytesMax / PARTS))
    this.#segmentBytes = part
    this.#setWordsMax = (SETS_PARTS * part) / 4
    this.#doorkeeper = new Uint32Array(Math.max(1, part / 4))
  }

  /** Says where the copy of the newest version of a key at some times stands, if there is one of a table of the tree. */
  locate(key: SoughtKey, times: Stretch, tablesOfTree: ReadonlySet<number>, row: VersionSpan): boolean {
    const address = this.#addressOf(key.placeHash)
    if (address === NO_ADDRESS) return false
    const { view } = this.#segments[this.#segmentAt(address)]!
    const at = (address - 1) & (this.#segmentBytes - 1)
    if (!hasKey(view, at, key) || !isNewestIn(view, at, times)) return false
    if (!tablesOfTree.has(view.getUint32(at + TABLE, true))) return false
    const length = view.getUint32(at + VALUE_LENGTH, true)
    row.view = view
    row.timeFrom = at
    row.from = at + HEADER_BYTES + key.bytes.length
    row.to = row.from + (length & LENGTH_MASK)
    row.isTombstone = length >= TOMBSTONE
    return true
  }

  /** Takes note that a version of a key was found in a table as of a time, and copies it if gets come back to the key. */
  note(key: SoughtKey, found: VersionSpan, table: number, through: HybridTime): void {
    const keyLength = key.bytes.length
    const valueLength = found.to - found.from
    const length = HEADER_BYTES + keyLength + valueLength
    if (length * ROWS_PER_SEGMENT_MIN > this.#segmentBytes || !this.#wasFound(key.placeHash)) return
    if (this.#filled < 0 || this.#used + length > this.#segmentBytes) this.#beginSegment()
    const at = this.#used
    this.#used += length
    const { bytes, view } = this.#segments[this.#filled]!
    view.setBigUint64(at, found.time, true)
    view.setBigUint64(at + THROUGH, through, true)
    view.setUint32(at + TABLE, table, true)
    view.setUint32(at + KEY_LENGTH, keyLength, true)
    view.setUint32(at + VALUE_LENGTH, valueLength + (found.isTombstone ? TOMBSTONE : 0), true)
    bytes.set(key.bytes, at + HEADER_BYTES)
    bytes.set(lookAt(found), at + HEADER_BYTES + keyLength)
    this.#put(key.placeHash, this.#filled * this.#segmentBytes + at + 1)
  }

  #addressOf(hash: number): number {
    const sets = this.#sets
    const set = setOf(sets, hash)
    for (let i = set; i < set + SET_WORDS; i += ENTRY_WORDS) if (sets[i] === hash >>> 0) return sets[i + 1]!
    return NO_ADDRESS
  }

  #segmentAt(address: number): number {
    return ((address - 1) / this.#segmentBytes) >>> 0
  }

  #beginSegment(): void {
    this.#filled = (this.#filled + 1) % SEGMENTS
    if (this.#filled < this.#segments.length) this.#letGo(this.#filled)
    const bytes = new Uint8Array(this.#segmentBytes)
    this.#segments[this.#filled] = { bytes, view: new DataView(bytes.buffer) }
    this.#used = 0
  }

  /** Forgets the rows of a segment. */
  #letGo(segment: number): void {
    const sets = this.#sets
    for (let i = 0; i < sets.length; i += ENTRY_WORDS) {
      if (sets[i + 1] === NO_ADDRESS || this.#segmentAt(sets[i + 1]!) !== segment) continue
      sets[i] = sets[i + 1] = NO_ADDRESS
      this.#count--
    }
  }

  #wasFound(hash: number): boolean {
    const place = hash & (this.#doorkeeper.length - 1)
    const isKnown = this.#doorkeeper[place] === hash >>> 0
    this.#doorkeeper[place] = hash
    return isKnown
  }

  #put(hash: number, address: number): void {
    if (put(this.#sets, hash, address)) this.#count++
    const isCrowded = 2 * ENTRY_WORDS * this.#count > this.#sets.length
    if (!isCrowded || 2 * this.#sets.length > this.#setWordsMax) return
    const before = this.#sets
    this.#sets = new Uint32Array(2 * before.length)
    this.#count = 0
    for (let i = 0; i < before.length; i += ENTRY_WORDS)
      if (before[i + 1] !== NO_ADDRESS && put(this.#sets, before[i]!, before[i + 1]!)) this.#count++
  }
}

/** Puts a row in, instead of the one of the same hash, or where none is, or else instead of another; whether there are more now. */
function put(sets: Uint32Array, hash: number, address: number): boolean {
  const set = setOf(sets, hash)
  let chosen = -1
  for (let i = set; i < set + SET_WORDS; i += ENTRY_WORDS) {
    if (sets[i + 1] === NO_ADDRESS && chosen < 0) chosen = i
    if (sets[i + 1] === NO_ADDRESS || sets[i] !== hash >>> 0) continue
    sets[i + 1] = address
    return false
  }
  const isMore = chosen >= 0
  if (!isMore) chosen = set + ENTRY_WORDS * (hash >>> 29)
  sets[chosen] = hash
  sets[chosen + 1] = address
  return isMore
}

/** Where the set of a hash begins. */
function setOf(sets: Uint32Array, hash: number): number {
  return Math.imul(hash, SET_WORDS) & (sets.length - 1)
}

function hasKey(view: DataView, at: number, { bytes, words, wordCount }: SoughtKey): boolean {
  if (view.getUint32(at + KEY_LENGTH, true) !== bytes.length) return false
  const from = at + HEADER_BYTES
  for (let i = 0; i < wordCount; i++) if (view.getInt32(from + 4 * i, true) !== words[i]) return false
  for (let i = 4 * wordCount; i < bytes.length; i++) if (view.getUint8(from + i) !== bytes[i]) return false
  return true
}

/** Whether a row is what shows at some times. */
function isNewestIn(view: DataView, at: number, { after, through }: Stretch): boolean {
  return (
    compareTime(view, at + THROUGH, through) >= 0 &&
    compareTime(view, at, through) <= 0 &&
    compareTime(view, at, after) > 0
  )
}

/** How a time that stands in eight bytes, the lowest first, compares with another. */
function compareTime(view: DataView, at: number, time: HybridTime): number {
  const difference = view.getUint32(at + 4, true) - highOf(time) || view.getUint32(at, true) - lowOf(time)
  return difference < 0 ? -1 : difference > 0 ? 1 : 0
}
