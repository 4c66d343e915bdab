/**
 * The memtable: the newest versions of a tree, in memory, until they are flushed.
 *
 * Writes come in rising time order, so the versions of a key are a list that grows at its end. Keys
 * are found by hash; they are sorted only when somebody asks for them in order, since most memtables
 * are read in order once, at their flush.
 */
import { assert } from '../base/assert.ts'
import { type ByteCopies, compareBytes } from '../base/bytes.ts'
import { type HybridTime, MAX_TIME, MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretch, type Stretches, lastBefore } from '../time/stretches.ts'
import { hashOfKey } from './bloom-filter.ts'
import { type Direction, type KeyCursor, type KeySpan, emptySpan, keyAtCursor } from './cursor.ts'
import { KeyIndex } from './key-index.ts'
import { PackedVersions } from './packed-versions.ts'
import { searchFirst } from './search.ts'
import { NO_BATCHES, type VersionBatches, type VersionPlace } from './version-walk.ts'
import { type KeyedVersion, type Version, copyOfVersion } from './version.ts'

/** Memory that a version takes beside its key and value, roughly. */
const VERSION_OVERHEAD_BYTES = 48
/** Memory that a key takes beside its bytes, roughly. */
const KEY_OVERHEAD_BYTES = 120

/** So many versions of a key are handed out at once. */
const BATCH_VERSIONS = 256

interface Entry {
  readonly key: Uint8Array
  /** Their numbers, oldest first. */
  readonly versions: number[]
}

/** Versions by key, in memory. */
export class Memtable implements VersionPlace {
  readonly #entries = new KeyIndex<Entry>()
  readonly #packed = new PackedVersions()
  #sorted: Entry[] = []
  #unsorted: Entry[] = []
  #bytes = 0
  #minTime: HybridTime = MAX_TIME
  #maxTime: HybridTime = MIN_TIME

  /** Memory in use, roughly. */
  get bytes(): number {
    return this.#bytes
  }

  get versionCount(): number {
    return this.#packed.count
  }

  /** The oldest time in it; `MAX_TIME` when it is empty. */
  get minTime(): HybridTime {
    return this.#minTime
  }

  /** The newest time in it; `MIN_TIME` when it is empty. */
  get maxTime(): HybridTime {
    return this.#maxTime
  }

  /** Adds a version that is newer than all of its key. The bytes are copied. */
  add(key: Uint8Array, version: Version): void {
    const hash = hashOfKey(key)
    let entry = this.#entries.find(key, hash)
    if (entry === undefined) {
      entry = { key: this.#packed.keep(key), versions: [] }
      this.#entries.add(entry, hash)
      this.#unsorted.push(entry)
      this.#bytes += KEY_OVERHEAD_BYTES + key.length
    }
    const newest = entry.versions.at(-1)
    assert(
      newest === undefined || this.#packed.timeAt(newest) < version.time,
      'the times of a key rise (law 1)',
    )
    entry.versions.push(this.#packed.add(version))
    this.#bytes += VERSION_OVERHEAD_BYTES + (version.value?.length ?? 0)
    if (version.time < this.#minTime) this.#minTime = version.time
    if (version.time > this.#maxTime) this.#maxTime = version.time
  }

  /** The newest version of the key whose time lies in the view; `hash` is the key's. */
  find(key: Uint8Array, hash: number, view: Stretches): Version | undefined {
    const entry = this.#entries.find(key, hash)
    return entry && newestIn(this.#packed, entry.versions, view)
  }

  /** The versions of the key at some times; `hash` is the key's. Not to be asked for more after the next {@link add}. */
  versionBatches(
    key: Uint8Array,
    hash: number,
    { after, through }: Stretch,
    copies: ByteCopies,
  ): VersionBatches {
    const packed = this.#packed
    const versions = this.#entries.find(key, hash)?.versions
    if (versions === undefined) return NO_BATCHES
    const from = countThrough(packed, versions, after, versions.length)
    const to = countThrough(packed, versions, through, versions.length)
    return {
      count: Math.ceil((to - from) / BATCH_VERSIONS),
      at: (index) => {
        const end = to - index * BATCH_VERSIONS
        const batch: Version[] = []
        for (let i = end - 1; i >= Math.max(from, end - BATCH_VERSIONS); i--)
          batch.push(copyOfVersion(packed.versionAt(versions[i]!), copies))
        return batch
      },
    }
  }

  /** A cursor over the keys. It must not be used after the next {@link add}. */
  cursor(direction: Direction): KeyCursor {
    return new MemtableCursor(this.#packed, this.#inOrder(), direction)
  }

  /** Every version, keys rising, times of a key falling. */
  *versions(): Generator<KeyedVersion> {
    for (const { key, versions } of this.#inOrder()) {
      for (let i = versions.length - 1; i >= 0; i--) {
        const { time, value } = this.#packed.versionAt(versions[i]!)
        yield { key, time, value }
      }
    }
  }

  #inOrder(): readonly Entry[] {
    if (this.#unsorted.length > 0) {
      this.#unsorted.sort((a, b) => compareBytes(a.key, b.key))
      this.#sorted = mergeSorted(this.#sorted, this.#unsorted)
      this.#unsorted = []
    }
    return this.#sorted
  }
}

class MemtableCursor implements KeyCursor {
  readonly #packed: PackedVersions
  readonly #entries: readonly Entry[]
  readonly #step: 1 | -1
  #at: number
  readonly span: KeySpan = emptySpan()
  isAtKey = false

  constructor(packed: PackedVersions, entries: readonly Entry[], direction: Direction) {
    this.#packed = packed
    this.#entries = entries
    this.#step = direction === 'forward' ? 1 : -1
    this.#at = entries.length
  }

  get key(): Uint8Array | undefined {
    return keyAtCursor(this)
  }

  seek(key: Uint8Array | undefined): void {
    const first =
      key === undefined
        ? this.#entries.length
        : searchFirst(this.#entries, (entry) => compareBytes(entry.key, key) >= 0)
    this.#stand(this.#step === 1 ? first : first - 1)
  }

  advance(): void {
    this.#stand(this.#at + this.#step)
  }

  newestIn(view: Stretches): Version | undefined {
    return newestIn(this.#packed, this.#entries[this.#at]!.versions, view)
  }

  newestBeside(view: Stretches): Version | undefined {
    return this.newestIn(view)
  }

  #stand(at: number): void {
    this.#at = at
    const entry = this.#entries[at]
    this.isAtKey = entry !== undefined
    if (entry === undefined) return
    this.span.bytes = entry.key
    this.span.to = entry.key.length
  }
}

/** The newest of versions in rising order whose time lies in the view. */
function newestIn(packed: PackedVersions, versions: readonly number[], view: Stretches): Version | undefined {
  let end = versions.length
  for (let s = view.length - 1; s >= 0;) {
    const { after, through } = view[s]!
    end = countThrough(packed, versions, through, end)
    if (end === 0) return undefined
    const candidate = versions[end - 1]!
    const time = packed.timeAt(candidate)
    if (time > after) return packed.versionAt(candidate)
    s = lastBefore(view, time)
  }
  return undefined
}

/** How many of the first `end` versions are at or before `time`. */
function countThrough(
  packed: PackedVersions,
  versions: readonly number[],
  time: HybridTime,
  end: number,
): number {
  if (end > 0 && packed.timeAt(versions[end - 1]!) <= time) return end
  let low = 0
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (packed.timeAt(versions[middle]!) <= time) low = middle + 1
    else high = middle
  }
  return low
}

function mergeSorted(a: readonly Entry[], b: readonly Entry[]): Entry[] {
  if (a.length === 0) return [...b]
  const merged: Entry[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) merged.push(compareBytes(a[i]!.key, b[j]!.key) < 0 ? a[i++]! : b[j++]!)
  while (i < a.length) merged.push(a[i++]!)
  while (j < b.length) merged.push(b[j++]!)
  return merged
}
