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
import { FormatError, longWordsOf, wordsOf } from '../base/binary.ts'
import { copyOf } from '../base/bytes.ts'
import { type HybridTime, MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretch, type Stretches, lastBefore } from '../time/stretches.ts'
import { fetchBytes, fetchWords, noteFetched } from './fetch.ts'
import { PackedKeys } from './packed-keys.ts'
import { type SoughtKey } from './sought-key.ts'
import { type BlockFacts } from './table-format.ts'
import { type VersionSpan } from './version-span.ts'
import { type KeyedVersion, type Version } from './version.ts'

const HEADER_BYTES = 8
/** The word at which the ends of the keys begin. */
const KEY_ENDS = HEADER_BYTES / 4
const KEY_BYTES = 8
const VERSION_BYTES = 12
const TOMBSTONE = 0x8000_0000
const VALUE_END_MASK = 0x7fff_ffff

/** The keys of a block that come to more are not fetched together: a search of many sees few of them. */
const FETCHED_KEY_BYTES_MAX = 1024

/** Where keys have more versions, a search for what shows passes most of their times over: they are not fetched together. */
const FETCHED_VERSIONS_PER_KEY_MAX = 32

const NO_STRETCH: Stretch = { after: MIN_TIME, through: MIN_TIME }

/** No key and no version of a block. */
export const NOTHING = -1

/** Collects versions in order and lays them out as a block. */
export class BlockBuilder {
  readonly #keys: Uint8Array[] = []
  readonly #versionEnds: number[] = []
  readonly #versions: Version[] = []
  #keyBytes = 0
  #valueBytes = 0
  /** What the last key takes of these, and what it takes of the columns. */
  #lastKeyBytes = 0

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
      this.#lastKeyBytes = KEY_BYTES + key.length
    }
    this.#versions.push(version)
    this.#versionEnds[this.#versionEnds.length - 1] = this.#versions.length
    const valueLength = version.value?.length ?? 0
    this.#valueBytes += valueLength
    this.#lastKeyBytes += VERSION_BYTES + valueLength
  }

  /** Takes the last key back: its versions in order; none, if a block of these would be larger than `bytesMax`, or no other key would stay. */
  takeLastKey(bytesMax: number): readonly KeyedVersion[] {
    if (this.#keys.length < 2 || HEADER_BYTES + this.#lastKeyBytes > bytesMax) return []
    const key = this.#keys.pop()!
    this.#versionEnds.pop()
    const taken = this.#versions.splice(this.#versionEnds.at(-1)!)
    this.#keyBytes -= key.length
    for (const { value } of taken) this.#valueBytes -= value?.length ?? 0
    return taken.map(({ time, value }) => ({ key, time, value }))
  }

  /** What the index says of it; `goesOn` if its first key has newer versions in another block. */
  facts(goesOn: boolean): BlockFacts {
    const versions = this.#versions
    let [minTime, maxTime] = [versions[0]!.time, versions[0]!.time]
    let tombstones = 0
    for (const { time, value } of versions) {
      if (time < minTime) minTime = time
      if (time > maxTime) maxTime = time
      if (value === undefined) tombstones++
    }
    const live = this.#versionEnds.filter(
      (_, k) => !(goesOn && k === 0) && this.#newestOf(k).value !== undefined,
    ).length
    // What is remembered of a block has memory of its own: in a merge the key is a look at a whole input block.
    const first = { key: copyOf(this.#keys[0]!), time: versions[0]!.time }
    return { first, minTime, maxTime, live, superseded: versions.length - live - tombstones, tombstones }
  }

  #newestOf(index: number): Version {
    return this.#versions[index === 0 ? 0 : this.#versionEnds[index - 1]!]!
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
export class Block extends PackedKeys {
  readonly versionCount: number
  /** The bytes as numbers. Columns begin at the index of a word, values at that of a byte. */
  readonly #words: Uint32Array
  readonly #versionEnds: number
  /** The column of times, and the word at which it begins. */
  readonly #times: BigUint64Array
  readonly #timesFrom: number
  readonly #valueEnds: number
  readonly #keyBytes: number
  readonly #valueBytes: number

  /** Checks the structure, so that nothing afterwards can reach outside; throws {@link FormatError}. */
  constructor(bytes: Uint8Array) {
    if (bytes.length < HEADER_BYTES) throw new FormatError('a block is shorter than its header')
    const words = wordsOf(bytes)
    const [keyCount, versionCount] = [words[0]!, words[1]!]
    const versionEnds = KEY_ENDS + keyCount
    const times = versionEnds + keyCount
    const valueEnds = times + 2 * versionCount
    const keyBytes = 4 * (valueEnds + versionCount)
    if (keyCount === 0 || keyBytes > bytes.length) throw new FormatError('block counts do not fit')
    const valueBytes = keyBytes + words[versionEnds - 1]!
    checkKeys(words, keyCount, versionCount)
    const lastEnd = checkedValueEnd(words, valueEnds, versionCount)
    if (valueBytes + lastEnd !== bytes.length)
      throw new FormatError('a block does not end where its values do')
    super({ bytes, words, keyCount, ends: words, firstEnd: KEY_ENDS, keyBytes })
    this.versionCount = versionCount
    this.#words = words
    this.#versionEnds = versionEnds
    this.#times = longWordsOf(bytes, 4 * times, versionCount)
    this.#timesFrom = times
    this.#valueEnds = valueEnds
    this.#keyBytes = keyBytes
    this.#valueBytes = valueBytes
  }

  /** Some of what a search through its keys reads first, for who fetches memory. */
  get beginning(): number {
    return this.#words[this.#versionEnds]! + this.#words[this.#timesFrom]!
  }

  /** The index of `key`; {@link NOTHING} if it is not in the block. */
  indexOf(key: SoughtKey): number {
    this.#fetchKeys()
    const index = this.findKey(key)
    return index < this.keyCount && this.compareKeyAt(index, key) === 0 ? index : NOTHING
  }

  /** Whether key `index` is `key`. */
  hasKeyAt(index: number, key: SoughtKey): boolean {
    this.#fetchAround(index)
    return this.compareKeyAt(index, key) === 0
  }

  /** Where the versions of key `index` begin. */
  versionsFrom(index: number): number {
    return index === 0 ? 0 : this.versionsTo(index - 1)
  }

  /** Where the versions of key `index` end. */
  versionsTo(index: number): number {
    return this.#words[this.#versionEnds + index]!
  }

  /** The time of the oldest version of key `index`. */
  oldestTimeOf(index: number): HybridTime {
    return this.timeAt(this.versionsTo(index) - 1)
  }

  /** The first version of key `index` at or before `time`; the end of its versions if there is none. */
  findTime(index: number, time: HybridTime): number {
    const through = asWord(time)
    let low = this.versionsFrom(index)
    // Most reads ask for the newest.
    if (this.#times[low]! <= through) return low
    low++
    let high = this.versionsTo(index)
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#times[middle]! > through) low = middle + 1
      else high = middle
    }
    return low
  }

  /** The newest version of key `index` whose time lies in the view, or {@link NOTHING}. */
  newestIn(index: number, view: Stretches): number {
    for (let s = view.length - 1; s >= 0;) {
      const { after, through } = view[s]!
      const version = this.findTime(index, through)
      if (version === this.versionsTo(index)) return NOTHING
      if (this.#times[version]! > asWord(after)) return version
      s = lastBefore(view, this.timeAt(version))
    }
    return NOTHING
  }

  /** As {@link newestIn}, where it mostly is the version behind `version`, another one of the key. */
  newestBehind(index: number, version: number, view: Stretches): number {
    const { after, through } = view.at(-1) ?? NO_STRETCH
    const next = version + 1
    const times = this.#times
    const last = asWord(through)
    const isFirst = next < this.versionsTo(index) && times[version]! > last && times[next]! <= last
    if (isFirst && times[next]! > asWord(after)) return next
    return this.newestIn(index, view)
  }

  /** Says where the newest version of key `index` whose time lies in the view stands, if there is one. */
  locateNewest(index: number, view: Stretches, span: VersionSpan): boolean {
    const version = this.newestIn(index, view)
    if (version === NOTHING) return false
    this.locateVersion(version, span)
    return true
  }

  /** As {@link newestIn}, of each key from `from` on: `newest[i]` is that of key i. */
  allNewestIn(from: number, view: Stretches, newest: number[]): void {
    if (view.length === 1) return this.#allNewestInStretch(from, view[0]!, newest)
    for (let i = from; i < this.keyCount; i++) newest[i] = this.newestIn(i, view)
  }

  /** The newest version of each key from `from` on, whatever its time. */
  allNewest(from: number, newest: number[]): void {
    let fetched = 0
    for (let i = from; i < this.keyCount; i++) {
      const version = this.versionsFrom(i)
      newest[i] = version
      // Its time and where its value ends will be asked for next.
      fetched += this.#words[this.#timesFrom + 2 * version]! + this.#words[this.#valueEnds + version]!
    }
    noteFetched(fetched)
  }

  /** The time of a version. */
  timeAt(version: number): HybridTime {
    return this.#times[version]! as HybridTime
  }

  /** Says where a version stands; it and {@link versionAt} read each of its words once. */
  locateVersion(version: number, span: VersionSpan): void {
    const end = this.#words[this.#valueEnds + version]!
    span.view = this.view
    span.from = this.valueFrom(version)
    span.to = this.#valueBytes + (end & VALUE_END_MASK)
    span.isTombstone = end >= TOMBSTONE
    span.timeFrom = 4 * (this.#timesFrom + 2 * version)
  }

  /** A version with its value. */
  versionAt(version: number): Version {
    const time = this.timeAt(version)
    const end = this.#words[this.#valueEnds + version]!
    if (end >= TOMBSTONE) return { time, value: undefined }
    return { time, value: this.bytes.subarray(this.valueFrom(version), this.#valueBytes + end) }
  }

  /** Whether a version is a tombstone. */
  isTombstone(version: number): boolean {
    return this.#words[this.#valueEnds + version]! >= TOMBSTONE
  }

  /** Where the value of a version begins: behind that of the version before. */
  valueFrom(version: number): number {
    return version === 0 ? this.#valueBytes : this.valueTo(version - 1)
  }

  /** Where the value of a version ends. */
  valueTo(version: number): number {
    return this.#valueBytes + (this.#words[this.#valueEnds + version]! & VALUE_END_MASK)
  }

  /**
   * The searches of all keys have no branches but their loops: where the times that are passed stand in no order that a
   * processor could learn, it would guess wrong at every other one.
   */
  #allNewestInStretch(from: number, { after, through }: Stretch, newest: number[]): void {
    const [first, last] = [asWord(after), asWord(through)]
    const times = this.#times
    let version = this.versionsFrom(from)
    if (this.versionCount <= FETCHED_VERSIONS_PER_KEY_MAX * this.keyCount)
      fetchWords(this.#words, this.#timesFrom + 2 * version, this.#valueEnds)
    let fetched = 0
    for (let i = from; i < this.keyCount; i++) {
      const end = this.versionsTo(i)
      for (let left = end - version; left > 1;) {
        const half = left >>> 1
        version += half * Number(times[version + half - 1]! > last)
        left -= half
      }
      version += Number(times[version]! > last)
      const isThere = version < end && times[version]! > first
      newest[i] = isThere ? version : NOTHING
      // Where the value ends will be asked for next.
      if (isThere) fetched += this.#words[this.#valueEnds + version]!
      version = end
    }
    noteFetched(fetched)
  }

  /** Asks for all of the memory that a search of the keys can come to. */
  #fetchKeys(): void {
    if (this.#valueBytes - this.#keyBytes > FETCHED_KEY_BYTES_MAX) return
    fetchWords(this.#words, KEY_ENDS, this.#timesFrom)
    fetchBytes(this.view, this.#keyBytes, this.#valueBytes)
  }

  /**
   * Asks for the memory of a key's versions, and for the objects through which times and values will be read: all at
   * once. Where the versions stand is guessed, as if all keys had as many.
   */
  #fetchAround(index: number): void {
    const words = this.#words
    const end = this.#versionEnds + index
    const version = ((index * this.versionCount) / this.keyCount) >>> 0
    const columns = words[end]! + words[this.#timesFrom + 2 * version]! + words[this.#valueEnds + version]!
    noteFetched(columns + this.bytes[4 * end]! + this.view.getUint8(4 * end))
  }
}

/** A time that V8 knows to have 64 bits: it compares such ones as numbers, others by a call. */
function asWord(time: HybridTime): bigint {
  return BigInt.asUintN(64, time)
}

/** Refuses keys that end before they begin, or have no version. */
function checkKeys(words: Uint32Array, keyCount: number, versionCount: number): void {
  const versionEnds = KEY_ENDS + keyCount
  if (words[versionEnds + keyCount - 1] !== versionCount) throw new FormatError('versions are left over')
  let [keyEnd, versionEnd] = [0, 0]
  for (let i = 0; i < keyCount; i++) {
    if (words[KEY_ENDS + i]! < keyEnd) throw new FormatError('key ends fall')
    keyEnd = words[KEY_ENDS + i]!
    if (words[versionEnds + i]! <= versionEnd) throw new FormatError('a key has no version')
    versionEnd = words[versionEnds + i]!
  }
}

/** Where the last value ends. Refuses values that end before they begin, and tombstones that have one. */
function checkedValueEnd(words: Uint32Array, valueEnds: number, versionCount: number): number {
  let last = 0
  for (let i = valueEnds; i < valueEnds + versionCount; i++) {
    const end = words[i]! & VALUE_END_MASK
    if (end < last) throw new FormatError('value ends fall')
    if (words[i]! >= TOMBSTONE && end > last) throw new FormatError('a tombstone has a value')
    last = end
  }
  return last
}
