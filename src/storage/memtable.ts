/**
 * The memtable: the newest versions of a tree, in memory, until they are flushed.
 *
 * Writes come in rising time order, so the versions of a key are a list that grows at its end. Keys
 * are found by hash; they are sorted only when somebody asks for them in order, since most memtables
 * are read in order once, at their flush.
 */
import { assert } from '../base/assert.ts'
import { compareBytes } from '../base/bytes.ts'
import { type HybridTime, MAX_TIME, MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretches, lastBefore } from '../time/stretches.ts'
import { hashOfKey } from './bloom-filter.ts'
import { type KeyCursor, type Direction } from './cursor.ts'
import { KeyIndex } from './key-index.ts'
import { searchFirst } from './search.ts'
import { type KeyedVersion, type TimeOrder, type Version } from './version.ts'

/** Memory that a version takes beside its key and value, roughly. */
const VERSION_OVERHEAD_BYTES = 48
/** Memory that a key takes beside its bytes, roughly. */
const KEY_OVERHEAD_BYTES = 120

interface Entry {
  readonly key: Uint8Array
  /** Oldest first. */
  readonly versions: Version[]
}

/** Versions by key, in memory. */
export class Memtable {
  readonly #entries = new KeyIndex<Entry>()
  #sorted: Entry[] = []
  #unsorted: Entry[] = []
  #bytes = 0
  #versionCount = 0
  #minTime: HybridTime = MAX_TIME
  #maxTime: HybridTime = MIN_TIME

  /** Memory in use, roughly. */
  get bytes(): number {
    return this.#bytes
  }

  get versionCount(): number {
    return this.#versionCount
  }

  /** The oldest time in it; `MAX_TIME` when it is empty. */
  get minTime(): HybridTime {
    return this.#minTime
  }

  /** The newest time in it; `MIN_TIME` when it is empty. */
  get maxTime(): HybridTime {
    return this.#maxTime
  }

  /** Adds a version that is newer than all of its key. The bytes become the memtable's. */
  add(key: Uint8Array, version: Version): void {
    const hash = hashOfKey(key)
    let entry = this.#entries.find(key, hash)
    if (entry === undefined) {
      entry = { key, versions: [] }
      this.#entries.add(entry, hash)
      this.#unsorted.push(entry)
      this.#bytes += KEY_OVERHEAD_BYTES + key.length
    }
    assert((entry.versions.at(-1)?.time ?? MIN_TIME) < version.time, 'the times of a key rise (law 1)')
    entry.versions.push(version)
    this.#versionCount++
    this.#bytes += VERSION_OVERHEAD_BYTES + (version.value?.length ?? 0)
    if (version.time < this.#minTime) this.#minTime = version.time
    if (version.time > this.#maxTime) this.#maxTime = version.time
  }

  /** The newest version of the key whose time lies in the view; `hash` is the key's. */
  find(key: Uint8Array, hash: number, view: Stretches): Version | undefined {
    const entry = this.#entries.find(key, hash)
    return entry && newestIn(entry.versions, view)
  }

  /** The versions of the key whose times lie in the view. They must not be read on after the next {@link add}. */
  *versionsOf(key: Uint8Array, view: Stretches, order: TimeOrder): Generator<Version> {
    const versions = this.#entries.find(key)?.versions ?? []
    for (const { after, through } of order === 'newest first' ? view.toReversed() : view) {
      const from = countThrough(versions, after, versions.length)
      const to = countThrough(versions, through, versions.length)
      if (order === 'newest first') for (let i = to - 1; i >= from; i--) yield versions[i]!
      else for (let i = from; i < to; i++) yield versions[i]!
    }
  }

  /** A cursor over the keys. It must not be used after the next {@link add}. */
  cursor(direction: Direction): KeyCursor {
    return new MemtableCursor(this.#inOrder(), direction)
  }

  /** Every version, keys rising, times of a key falling. */
  *versions(): Generator<KeyedVersion> {
    for (const { key, versions } of this.#inOrder()) {
      for (let i = versions.length - 1; i >= 0; i--) {
        const { time, value } = versions[i]!
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
  readonly #entries: readonly Entry[]
  readonly #step: 1 | -1
  #at: number

  constructor(entries: readonly Entry[], direction: Direction) {
    this.#entries = entries
    this.#step = direction === 'forward' ? 1 : -1
    this.#at = entries.length
  }

  get key(): Uint8Array | undefined {
    return this.#entries[this.#at]?.key
  }

  seek(key: Uint8Array | undefined): void {
    const first =
      key === undefined
        ? this.#entries.length
        : searchFirst(this.#entries, (entry) => compareBytes(entry.key, key) >= 0)
    this.#at = this.#step === 1 ? first : first - 1
  }

  advance(): void {
    this.#at += this.#step
  }

  newestIn(view: Stretches): Version | undefined {
    return newestIn(this.#entries[this.#at]!.versions, view)
  }
}

/** The newest of versions in rising order whose time lies in the view. */
function newestIn(versions: readonly Version[], view: Stretches): Version | undefined {
  let end = versions.length
  for (let s = view.length - 1; s >= 0; s = lastBefore(view, versions[end - 1]!.time)) {
    const { after, through } = view[s]!
    end = countThrough(versions, through, end)
    if (end === 0) return undefined
    const candidate = versions[end - 1]!
    if (candidate.time > after) return candidate
  }
  return undefined
}

/** How many of the first `end` versions are at or before `time`. */
function countThrough(versions: readonly Version[], time: HybridTime, end: number): number {
  if (end > 0 && versions[end - 1]!.time <= time) return end
  let low = 0
  let high = end
  while (low < high) {
    const middle = (low + high) >>> 1
    if (versions[middle]!.time <= time) low = middle + 1
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
