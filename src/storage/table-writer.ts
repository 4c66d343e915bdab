/**
 * Writes a table file from versions in order. The file is durable when {@link TableWriter.finish}
 * returns; its name is once the directory is synced.
 */
import { assert, defined } from '../base/assert.ts'
import { BinaryWriter } from '../base/binary.ts'
import { compareBytes, copyOf } from '../base/bytes.ts'
import { type Checksum } from '../base/checksum.ts'
import { type HybridTime, MAX_TIME, MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretches, NO_TIMES, closedStretch, indexIn, intersection } from '../time/stretches.ts'
import { BlockBuilder } from './block.ts'
import { buildBloomFilter, hashOfKey } from './bloom-filter.ts'
import { type AppendFile, type FileSystem } from './files.ts'
import { type Geometry } from './geometry.ts'
import {
  type BlockEntry,
  type PartHandle,
  type TableMeta,
  encodeFacts,
  encodeFooter,
  encodeIndex,
  tablePath,
} from './table-format.ts'
import { type KeyedVersion, type Position } from './version.ts'

/** Bytes that are collected before they are handed to the file. */
const WRITE_BYTES = 256 * 1024
/** With room for a block behind them. */
const PENDING_BYTES = WRITE_BYTES + 64 * 1024
/** Where blocks are small, so are tables: they begin with room for fewer bytes. */
const PENDING_BLOCKS = 16

/** Collects the versions of one table. */
export class TableWriter {
  readonly #number: number
  readonly #file: AppendFile
  readonly #geometry: Geometry
  readonly #checksum: Checksum
  readonly #watched: Stretches
  /** The watched stretches that hold a version. */
  readonly #met = new Set<number>()
  readonly #block = new BlockBuilder()
  readonly #index: BlockEntry[] = []
  readonly #hashes: number[] = []
  /** Whether the first key of the block has newer versions in the one before. */
  #goesOn = false
  readonly #pending: BinaryWriter
  #offset = 0
  #last: Position | undefined
  #keys = 0

  constructor(
    files: FileSystem,
    number: number,
    geometry: Geometry,
    checksum: Checksum,
    watched: Stretches = NO_TIMES,
  ) {
    this.#watched = watched
    this.#number = number
    this.#file = files.create(tablePath(number))
    this.#geometry = geometry
    this.#checksum = checksum
    this.#pending = new BinaryWriter(Math.min(PENDING_BYTES, PENDING_BLOCKS * geometry.blockBytes))
  }

  /** The size of the file so far, with the block that is open. */
  get bytes(): number {
    return this.#offset + this.#block.bytes
  }

  /** The position added last. */
  get last(): Position | undefined {
    return this.#last
  }

  /** Adds a version that stands behind all before it. */
  add(version: KeyedVersion): void {
    const last = this.#last
    const order = last === undefined ? -1 : compareBytes(last.key, version.key)
    assert(order < 0 || (order === 0 && last!.time > version.time), 'versions come in order')
    const isNewKey = order < 0
    const size = BlockBuilder.bytesOf(version.key, version)
    const isTooMuch = this.#block.versionCount > 0 && this.#block.bytes + size > this.#geometry.blockBytes
    if (isTooMuch) this.#endBlockBefore(isNewKey, size)
    if (isNewKey) {
      this.#keys++
      this.#hashes.push(hashOfKey(version.key))
    }
    this.#block.add(version.key, version, isNewKey)
    if (this.#watched.length > 0) this.#met.add(indexIn(this.#watched, version.time))
    this.#last = version
  }

  /** Writes the rest, makes the file durable and says what it holds. */
  finish(): TableMeta {
    const last = defined(this.#last, 'the last version of a table')
    this.#endBlock()
    const filter = this.#writePart(buildBloomFilter(this.#hashes, this.#geometry.filterBitsPerKey))
    const index = this.#writePart(encodeIndex(this.#index))
    const sum = (count: (entry: BlockEntry) => number) =>
      this.#index.reduce((total, entry) => total + count(entry), 0)
    const [live, superseded, tombstones] = [
      sum((e) => e.live),
      sum((e) => e.superseded),
      sum((e) => e.tombstones),
    ]
    const facts = {
      first: this.#index[0]!.first,
      last: { key: copyOf(last.key), time: last.time },
      minTime: this.#index.reduce((time, e) => (e.minTime < time ? e.minTime : time), MAX_TIME),
      maxTime: this.#index.reduce((time, e) => (e.maxTime > time ? e.maxTime : time), MIN_TIME),
      blocks: this.#index.length,
      keys: this.#keys,
      versions: live + superseded + tombstones,
      live,
      superseded,
      tombstones,
    }
    const handle = this.#writePart(encodeFacts(facts))
    this.#write(encodeFooter({ filter, index, facts: handle }, this.#number, this.#checksum))
    this.#flushPending()
    this.#file.sync()
    this.#file.close()
    const emptyTimes = this.#emptyTimes(facts.minTime, facts.maxTime)
    return { ...facts, number: this.#number, bytes: this.#offset, emptyTimes }
  }

  #emptyTimes(minTime: HybridTime, maxTime: HybridTime): Stretches | undefined {
    const notMet = this.#watched.filter((_, index) => !this.#met.has(index))
    const within = intersection(notMet, closedStretch(minTime, maxTime))
    return within.length === 0 ? undefined : within
  }

  /** Gives up: closes the file, whose name the caller removes. */
  abandon(): void {
    this.#file.close()
  }

  /**
   * Ends the block, which has no room for a version of so many bytes. What takes up to half a block of a key that goes on is taken
   * along, if there is room for both: so a smaller key stands in one block, and who reads it needs no other.
   */
  #endBlockBefore(isNewKey: boolean, size: number): void {
    const { blockBytes } = this.#geometry
    const taken = isNewKey ? [] : this.#block.takeLastKey(Math.min(blockBytes / 2, blockBytes - size))
    this.#endBlock()
    this.#goesOn = !isNewKey && taken.length === 0
    for (const version of taken) this.#block.add(version.key, version, false)
  }

  #endBlock(): void {
    const facts = this.#block.facts(this.#goesOn)
    this.#index.push({ ...facts, ...this.#writePart(this.#block.finish()) })
  }

  #writePart(bytes: Uint8Array): PartHandle {
    const offset = this.#offset
    this.#write(bytes)
    const checksum = new BinaryWriter(4)
    checksum.u32(this.#checksum(bytes))
    this.#write(checksum.finish())
    return { offset, length: bytes.length }
  }

  #write(bytes: Uint8Array): void {
    // Not after it: so something is always pending when the table ends.
    if (this.#pending.length >= WRITE_BYTES) this.#flushPending()
    this.#pending.raw(bytes)
    this.#offset += bytes.length
  }

  #flushPending(): void {
    this.#file.append(this.#pending.written())
    this.#pending.clear()
  }
}

/**
 * Whether a table that ends at `last` should end before `next`: at its target size between keys, at
 * twice that within a key whose versions go on and on.
 */
export function shouldEndTable(bytes: number, last: Position, next: Position, geometry: Geometry): boolean {
  if (bytes < geometry.tableBytes) return false
  return compareBytes(last.key, next.key) !== 0 || bytes >= 2 * geometry.tableBytes
}
