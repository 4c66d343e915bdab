/**
 * Keys and their versions in one arena, without an object for any of them: a hundred thousand small objects that live
 * for seconds are what a garbage collector is worst at, and plain memory can be copied to where a thread sees it.
 *
 *     key        u32 newest version  u32 key before  u32 length  bytes
 *     version    u64 time  u32 older version  u32 jump  u32 depth  u32 length (all ones: tombstone)  bytes
 *
 *     depth      1 ◀─ 2 ◀─ 3 ◀─ 4 ◀─ 5 ◀─ 6 ◀─ 7        each points to the one that is older,
 *     jump       ◀────┴───── (from 3) ◀──── (from 7)     and to one that is much older
 *
 * So the version of a key as of a time is found in a number of steps that is logarithmic in how many are newer, though
 * versions are added one by one: E. W. Myers, "An applicative random-access stack" (Information Processing Letters, 1983).
 */
import { type HybridTime, highOf, lowOf } from '../time/hybrid-time.ts'
import { Arena, placeOf } from './arena.ts'
import { type KeySpan } from './cursor.ts'
import { type Version } from './version.ts'
import { type VersionSpan } from './version-span.ts'

/** The address of no key and no version. A version of zeros stands there: its depth is 0. */
export const NONE = 0

const KEY = { newest: 0, before: 4, length: 8, bytes: 12 } as const
const VERSION = { time: 0, older: 8, jump: 12, depth: 16, length: 20, bytes: 24 } as const
/** The length of what is not there; no value is as long. */
const TOMBSTONE = 0xffff_ffff

/** The memory that a key takes beside its bytes. */
export const KEY_BYTES: number = KEY.bytes
/** The memory that a version takes beside its value. */
export const VERSION_BYTES: number = VERSION.bytes

/** Versions that no longer change, as plain data: a reader may have it, or a copy of its chunks, anywhere. */
export interface PackedMemory {
  readonly chunks: readonly ArrayBufferLike[]
  readonly lastKey: number
  readonly keyCount: number
  readonly versionCount: number
}

/** Keys and versions by address. */
export class PackedVersions {
  readonly #arena: Arena
  #lastKey = NONE
  #keyCount = 0
  #versionCount = 0

  /** Nothing yet, or what another has written, to read it. */
  constructor(memory?: PackedMemory) {
    this.#arena = new Arena(memory?.chunks)
    if (memory === undefined) this.#arena.take(VERSION_BYTES)
    else ({ lastKey: this.#lastKey, keyCount: this.#keyCount, versionCount: this.#versionCount } = memory)
  }

  /** Whether there is room for a commit: it has 1 GiB at most, a quarter, which takes twice as much where values are large. */
  get hasRoom(): boolean {
    return this.#arena.isRoomy
  }

  get keyCount(): number {
    return this.#keyCount
  }

  get versionCount(): number {
    return this.#versionCount
  }

  /** Everything in it, for a reader elsewhere. Nothing may be added any more. */
  get memory(): PackedMemory {
    const { chunks } = this.#arena
    return {
      ...{ chunks, lastKey: this.#lastKey },
      ...{ keyCount: this.#keyCount, versionCount: this.#versionCount },
    }
  }

  /** Takes in a key that is not there, and says where. The bytes are copied. */
  addKey(key: Uint8Array): number {
    const arena = this.#arena
    const at = arena.take(KEY_BYTES + key.length)
    arena.setU32(at + KEY.before, this.#lastKey)
    arena.setU32(at + KEY.length, key.length)
    arena.setBytes(at + KEY.bytes, key)
    this.#lastKey = at
    this.#keyCount++
    return at
  }

  /** Takes in a version that is newer than all of its key. The bytes are copied. */
  addVersion(key: number, { time, value }: Version): void {
    const arena = this.#arena
    const older = this.newestOf(key)
    const at = arena.take(VERSION_BYTES + (value?.length ?? 0))
    arena.setTime(at + VERSION.time, time)
    arena.setU32(at + VERSION.length, value?.length ?? TOMBSTONE)
    if (value !== undefined) arena.setBytes(at + VERSION.bytes, value)
    arena.setU32(at + VERSION.older, older)
    arena.setU32(at + VERSION.jump, this.#jumpOver(older))
    arena.setU32(at + VERSION.depth, this.#depthOf(older) + 1)
    arena.setU32(key + KEY.newest, at)
    this.#versionCount++
  }

  /** The keys, in no order. */
  keys(): Uint32Array<ArrayBuffer> {
    const keys = new Uint32Array(this.#keyCount)
    let key = this.#lastKey
    for (let i = 0; key !== NONE; i++) {
      keys[i] = key
      key = this.#arena.u32(key + KEY.before)
    }
    return keys
  }

  /** A key, as a look at this memory. */
  keyAt(key: number): Uint8Array {
    return this.#arena.look(key + KEY.bytes, this.keyLength(key))
  }

  keyLength(key: number): number {
    return this.#arena.u32(key + KEY.length)
  }

  /** Says where a key stands. */
  locateKey(key: number, span: KeySpan): void {
    span.view = this.#arena.viewOf(key)
    span.from = placeOf(key) + KEY.bytes
    span.to = span.from + this.keyLength(key)
  }

  /** How a key compares with another that stands elsewhere. */
  compareKey(key: number, other: Uint8Array): number {
    return this.#arena.compare(key + KEY.bytes, this.keyLength(key), other)
  }

  /** The newest version of a key. */
  newestOf(key: number): number {
    return this.#arena.u32(key + KEY.newest)
  }

  /** The next older version of the key; {@link NONE} behind the oldest. */
  olderThan(version: number): number {
    return this.#arena.u32(version + VERSION.older)
  }

  timeAt(version: number): HybridTime {
    return this.#arena.time(version + VERSION.time)
  }

  /** A version; its value is a look at this memory. */
  versionAt(version: number): Version {
    const length = this.#arena.u32(version + VERSION.length)
    const value = length === TOMBSTONE ? undefined : this.#arena.look(version + VERSION.bytes, length)
    return { time: this.timeAt(version), value }
  }

  /** Says where a version stands. */
  locateVersion(version: number, span: VersionSpan): void {
    const length = this.#arena.u32(version + VERSION.length)
    span.view = this.#arena.viewOf(version)
    span.isTombstone = length === TOMBSTONE
    span.timeFrom = placeOf(version) + VERSION.time
    span.from = placeOf(version) + VERSION.bytes
    span.to = span.from + (span.isTombstone ? 0 : length)
  }

  /** Whether a version was written after a time. */
  isAfter(version: number, time: HybridTime): boolean {
    return this.#isAfter(version, highOf(time), lowOf(time))
  }

  /** The newest version at or before `time`, of `version` and those that are older. */
  newestThrough(version: number, time: HybridTime): number {
    const [high, low] = [highOf(time), lowOf(time)]
    let at = version
    while (at !== NONE && this.#isAfter(at, high, low)) {
      const jump = this.#arena.u32(at + VERSION.jump)
      at = jump !== NONE && this.#isAfter(jump, high, low) ? jump : this.olderThan(at)
    }
    return at
  }

  #isAfter(version: number, high: number, low: number): boolean {
    const upper = this.#arena.u32(version + VERSION.time + 4)
    return upper > high || (upper === high && this.#arena.u32(version + VERSION.time) > low)
  }

  #depthOf(version: number): number {
    return this.#arena.u32(version + VERSION.depth)
  }

  /** Where the one above `version` jumps to: over both jumps below it where they are of one length, else nowhere far. */
  #jumpOver(version: number): number {
    const once = this.#arena.u32(version + VERSION.jump)
    const twice = this.#arena.u32(once + VERSION.jump)
    const depth = this.#depthOf(once)
    return this.#depthOf(version) - depth === depth - this.#depthOf(twice) ? twice : version
  }
}
