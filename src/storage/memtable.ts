/**
 * The memtable: the newest versions of a tree, in memory, until they are flushed.
 *
 * Writes come in rising time order, so the versions of a key are a chain that grows at its new end
 * (`packed-versions.ts`). Keys are found by hash; they are sorted only when somebody asks for them in order, since
 * most memtables are read in order once, at their flush, and that by somebody else, who is given their memory.
 */
import { assert } from '../base/assert.ts'
import { type ByteSpan } from '../base/bytes.ts'
import { type HybridTime, MAX_TIME, MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretch, type Stretches, lastBefore } from '../time/stretches.ts'
import { hashOfKey } from './bloom-filter.ts'
import {
  type Direction,
  type KeyCursor,
  type KeySink,
  type KeySpan,
  emptySpan,
  feedOneByOne,
  keyAtCursor,
} from './cursor.ts'
import { HASH_SLOT_BYTES, HashSlots } from './hash-slots.ts'
import { insertKeys, sortKeys } from './key-order.ts'
import { KEY_BYTES, NONE, type PackedMemory, PackedVersions, VERSION_BYTES } from './packed-versions.ts'
import { searchFirst } from './search.ts'
import { type SoughtKey } from './sought-key.ts'
import { type VersionSpan } from './version-span.ts'
import { type BatchPlan, VersionList } from './version-batch.ts'
import { NO_BATCHES, type VersionBatches, type VersionPlace } from './version-walk.ts'
import { type KeyedVersion, type Version, copyOfVersion } from './version.ts'

/** So many versions of a key are handed out at once. */
const BATCH_VERSIONS = 256

/** Versions by key, in memory. */
export class Memtable implements VersionPlace {
  readonly #slots: HashSlots
  readonly #packed = new PackedVersions()
  #sorted: Uint32Array<ArrayBuffer> = new Uint32Array()
  /** Keys that came since they were sorted. */
  #unsorted: number[] = []
  #bytes = 0
  #minTime: HybridTime = MAX_TIME
  #maxTime: HybridTime = MIN_TIME

  /** For so many keys its index does not have to grow. */
  constructor(keysExpected = 0) {
    this.#slots = new HashSlots(keysExpected)
  }

  /** Memory in use, roughly. */
  get bytes(): number {
    return this.#bytes
  }

  /** Whether the largest commit that there may be finds room, whatever its size is said to be. */
  get hasRoom(): boolean {
    return this.#packed.hasRoom
  }

  get keyCount(): number {
    return this.#packed.keyCount
  }

  get versionCount(): number {
    return this.#packed.versionCount
  }

  /** The oldest time in it; `MAX_TIME` when it is empty. */
  get minTime(): HybridTime {
    return this.#minTime
  }

  /** The newest time in it; `MIN_TIME` when it is empty. */
  get maxTime(): HybridTime {
    return this.#maxTime
  }

  /** What is in it, for a flush. Nothing may be added any more. */
  get memory(): PackedMemory {
    return this.#packed.memory
  }

  /** Adds a version that is newer than all of its key. The bytes are copied. */
  add(key: Uint8Array, version: Version): void {
    const hash = hashOfKey(key)
    const known = this.#find(key, hash)
    const at = known === NONE ? this.#addKey(key, hash) : known
    const newest = this.#packed.newestOf(at)
    assert(newest === NONE || this.#packed.timeAt(newest) < version.time, 'the times of a key rise (law 1)')
    this.#packed.addVersion(at, version)
    this.#bytes += VERSION_BYTES + (version.value?.length ?? 0)
    if (version.time < this.#minTime) this.#minTime = version.time
    if (version.time > this.#maxTime) this.#maxTime = version.time
  }

  /** Says where the newest version of the key whose time lies in the view stands, if there is one; `hash` is the key's. */
  locate({ bytes, hash }: SoughtKey, view: Stretches, found: VersionSpan): boolean {
    // An empty one may have a large index, made for the keys to come: nobody waits for its memory.
    if (this.versionCount === 0) return false
    const at = this.#find(bytes, hash)
    const newest = at === NONE ? NONE : newestIn(this.#packed, at, view)
    if (newest === NONE) return false
    this.#packed.locateVersion(newest, found)
    return true
  }

  /** The versions of the key at some times; `hash` is the key's. Not to be asked for more after the next {@link add}. */
  versionBatches(
    { bytes, hash }: SoughtKey,
    { after, through }: Stretch,
    { order, copies }: BatchPlan,
  ): VersionBatches {
    const at = this.#find(bytes, hash)
    if (at === NONE) return NO_BATCHES
    const versions = this.#versionsBetween(at, after, through)
    if (order === 'oldest first') versions.reverse()
    return {
      count: Math.ceil(versions.length / BATCH_VERSIONS),
      at: (index) => {
        const batch: Version[] = []
        const end = Math.min(versions.length, (index + 1) * BATCH_VERSIONS)
        for (let i = index * BATCH_VERSIONS; i < end; i++)
          batch.push(copyOfVersion(this.#packed.versionAt(versions[i]!), copies))
        return new VersionList(batch)
      },
    }
  }

  /** A cursor over the keys that have a version in the view. It must not be used after the next {@link add}. */
  cursor(view: Stretches, direction: Direction): KeyCursor {
    return new MemtableCursor(this.#packed, this.#inOrder(), view, direction)
  }

  /** Every version, keys rising, times of a key falling. */
  versions(): Generator<KeyedVersion> {
    return versionsInOrder(this.#packed, this.#inOrder())
  }

  #find(key: Uint8Array, hash: number): number {
    const slots = this.#slots
    for (let at = slots.first(hash); at >= 0; at = slots.next(at)) {
      const known = slots.numberAt(at)
      if (this.#packed.compareKey(known, key) === 0) return known
    }
    return NONE
  }

  #addKey(key: Uint8Array, hash: number): number {
    const at = this.#packed.addKey(key)
    this.#slots.add(hash, at)
    this.#unsorted.push(at)
    this.#bytes += KEY_BYTES + HASH_SLOT_BYTES + key.length
    return at
  }

  /** The versions of a key in a stretch, newest first. */
  #versionsBetween(key: number, after: HybridTime, through: HybridTime): number[] {
    const packed = this.#packed
    const versions: number[] = []
    let at = packed.newestThrough(packed.newestOf(key), through)
    for (; at !== NONE && packed.timeAt(at) > after; at = packed.olderThan(at)) versions.push(at)
    return versions
  }

  #inOrder(): Uint32Array {
    if (this.#unsorted.length > 0) {
      const more = Uint32Array.from(this.#unsorted)
      sortKeys(more, this.#packed)
      this.#sorted = insertKeys(this.#sorted, more, this.#packed)
      this.#unsorted = []
    }
    return this.#sorted
  }
}

/** Every version in the memory of a memtable, keys rising, times of a key falling. */
export function versionsIn(memory: PackedMemory): Generator<KeyedVersion> {
  const packed = new PackedVersions(memory)
  const keys = packed.keys()
  sortKeys(keys, packed)
  return versionsInOrder(packed, keys)
}

function* versionsInOrder(packed: PackedVersions, keys: Uint32Array): Generator<KeyedVersion> {
  for (const at of keys) {
    const key = packed.keyAt(at)
    for (let v = packed.newestOf(at); v !== NONE; v = packed.olderThan(v)) {
      const { time, value } = packed.versionAt(v)
      yield { key, time, value }
    }
  }
}

class MemtableCursor implements KeyCursor {
  readonly #packed: PackedVersions
  readonly #keys: Uint32Array
  readonly #view: Stretches
  readonly #step: 1 | -1
  #at: number
  #newest = NONE
  readonly span: KeySpan = emptySpan()
  isAtKey = false

  constructor(packed: PackedVersions, keys: Uint32Array, view: Stretches, direction: Direction) {
    this.#packed = packed
    this.#keys = keys
    this.#view = view
    this.#step = direction === 'forward' ? 1 : -1
    this.#at = keys.length
  }

  get key(): Uint8Array | undefined {
    return keyAtCursor(this)
  }

  seek(key: Uint8Array | undefined): void {
    const first =
      key === undefined
        ? this.#keys.length
        : searchFirst(this.#keys, (at) => this.#packed.compareKey(at, key) >= 0)
    this.#standFrom(this.#step === 1 ? first : first - 1)
  }

  advance(): void {
    this.#standFrom(this.#at + this.#step)
  }

  locate(found: VersionSpan): void {
    this.#packed.locateVersion(this.#newest, found)
  }

  locateBeside(view: Stretches, found: VersionSpan): boolean {
    const newest = newestIn(this.#packed, this.#keys[this.#at]!, view)
    if (newest === NONE) return false
    this.#packed.locateVersion(newest, found)
    return true
  }

  feed(sink: KeySink, end: ByteSpan | undefined): void {
    feedOneByOne(this, sink, end, this.#step)
  }

  /** Stands at the first key from number `at` on that shows something. */
  #standFrom(at: number): void {
    this.isAtKey = false
    for (let i = at; i >= 0 && i < this.#keys.length; i += this.#step) {
      this.#newest = newestIn(this.#packed, this.#keys[i]!, this.#view)
      if (this.#newest === NONE) continue
      this.#at = i
      this.isAtKey = true
      this.#packed.locateKey(this.#keys[i]!, this.span)
      return
    }
  }
}

/** The newest version of a key whose time lies in the view, or none. */
function newestIn(packed: PackedVersions, key: number, view: Stretches): number {
  let at = packed.newestOf(key)
  for (let s = view.length - 1; s >= 0;) {
    const { after, through } = view[s]!
    at = packed.newestThrough(at, through)
    if (at === NONE) return NONE
    if (packed.isAfter(at, after)) return at
    s = lastBefore(view, packed.timeAt(at))
  }
  return NONE
}
