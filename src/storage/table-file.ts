/**
 * An open table file: its index and filter in memory, its blocks through the cache.
 *
 * A block may be skipped if no time in its bounds lies in the view; the same holds for the file. Where all times in them do,
 * each key shows its newest version in the block. A search for (key, time) needs one block, or the first version of the
 * next one.
 *
 * Parts are held against each other as they are read, as far as that costs next to nothing: the index
 * against the facts, each block's begin and count against the index. `palimpsest check` does the rest.
 */
import { defined } from '../base/assert.ts'
import { FormatError } from '../base/binary.ts'
import { equalBytes } from '../base/bytes.ts'
import { type Checksum } from '../base/checksum.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type HybridTime, MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretch, type Stretches, lastBefore, meetsClosed } from '../time/stretches.ts'
import { Block, NOTHING } from './block.ts'
import { checkBloomFilter, mayContain } from './bloom-filter.ts'
import { type BudgetCache } from './budget-cache.ts'
import { CachedBlocks } from './cached-blocks.ts'
import { type FoundPlaces, NOT_KNOWN } from './found-places.ts'
import { type FileSystem, type RandomFile } from './files.ts'
import { type PackedKeys, packKeys } from './packed-keys.ts'
import { type ReadProbe } from './read-probe.ts'
import {
  type BlockEntry,
  CHECKSUM_BYTES,
  FOOTER_BYTES,
  type PartHandle,
  type TableFacts,
  decodeFacts,
  decodeFooter,
  decodeIndex,
  tablePath,
} from './table-format.ts'
import { type SoughtKey } from './sought-key.ts'
import { isAfterTime, wordsOfTimes } from './time-words.ts'
import { type VersionSpan } from './version-span.ts'
import { type BatchPlan, BlockVersions, NO_VERSIONS, type VersionBatch } from './version-batch.ts'
import { NO_BATCHES, type VersionBatches, type VersionPlace } from './version-walk.ts'
import { type KeyedVersion, comparePositions } from './version.ts'

/** Where the last key of a block has its last version: in this block, in the next one or, as far as a table tells, further on. */
export type KeyEnd = 'here' | 'next' | 'further'

/** Counts of what reads cost since the opening. What flushes and compactions read is not in it. */
export interface ReadCounters {
  /** Blocks that were not in the cache, and their bytes. */
  blocksRead: number
  blockBytesRead: number
  /** How often the filter of a table file spared a get the search in it. */
  filterSkips: number
  /**
   * How often a get passed over what is not of its time: a table file, or a run of them as a whole, which counts once.
   * Scans, diffs and histories pass over files too, and do not count them.
   */
  timeSkips: number
}

/** What every open table of a store shares. */
export interface TableContext {
  readonly files: FileSystem
  readonly checksum: Checksum
  /** Which blocks of all open tables are kept. */
  readonly blocks: BudgetCache
  /** Where searches of all trees ended. */
  readonly places: FoundPlaces
  readonly counters: ReadCounters
}

/** One immutable table. */
export class TableFile implements VersionPlace {
  readonly number: number
  readonly bytes: number
  readonly facts: TableFacts
  readonly index: readonly BlockEntry[]
  readonly #context: TableContext
  readonly #filter: Uint8Array
  readonly #firstKeys: PackedKeys
  /** The oldest and the newest time of each block, each in two halves: the lower one first. */
  readonly #times: Uint32Array
  /** Of each block that was read, where its last key ends. */
  readonly #keyEnds: (KeyEnd | undefined)[]
  readonly #cached: CachedBlocks
  /** In which block the last search found something, at which key of it, and the key's oldest time there. */
  readonly #found = { block: 0, key: 0, from: MIN_TIME }
  #file: RandomFile | undefined

  private constructor(context: TableContext, number: number, file: RandomFile, parts: TableParts) {
    this.#context = context
    this.number = number
    this.bytes = file.size
    this.#file = file
    this.index = parts.index
    this.facts = parts.facts
    this.#filter = parts.filter
    this.#cached = new CachedBlocks(context.blocks, parts.index.length)
    this.#firstKeys = packKeys(parts.index.map(({ first }) => first.key))
    this.#times = wordsOfTimes(parts.index.flatMap(({ minTime, maxTime }) => [minTime, maxTime]))
    this.#keyEnds = Array.from(parts.index, () => undefined)
  }

  /** Opens a table file and reads everything but its blocks. Damage is `TABLE_CORRUPT`. */
  static open(context: TableContext, number: number): TableFile {
    const path = tablePath(number)
    const file = openTableFile(context.files, path)
    try {
      return new TableFile(context, number, file, readParts(file, number, context.checksum))
    } catch (error) {
      file.close()
      throw error
    }
  }

  /**
   * Closes the file and forgets its blocks. A cursor that still holds the table opens it again for each block
   * that it needs.
   */
  close(): void {
    this.#cached.clear()
    this.#file?.close()
    this.#file = undefined
  }

  /** Says where the newest version of the key in the view stands, if there is one. */
  locate(key: SoughtKey, view: Stretches, found: VersionSpan, probe?: ReadProbe): boolean {
    if (!mayContain(this.#filter, key.hash)) {
      this.#context.counters.filterSkips++
      probe?.({ at: 'table', table: this.number, outcome: 'filter' })
      return false
    }
    const isThere = this.locateVersion(key, view, found, probe)
    if (isThere && view.length === 1) this.#notePlace(key, view[0]!.through)
    const version = probe !== undefined && isThere ? found.version : undefined
    probe?.({ at: 'table', table: this.number, outcome: 'searched', version })
    return isThere
  }

  /** As {@link locate}, if what it would find stands at the `k`-th key of block number `index`, and that is cached. */
  locateAt(index: number, k: number, key: SoughtKey, view: Stretches, found: VersionSpan): boolean {
    const block = this.#cached.use(index)
    return block !== undefined && block.hasKeyAt(k, key) && block.locateNewest(k, view, found)
  }

  /** As {@link locate}, without asking the filter. */
  locateVersion(key: SoughtKey, view: Stretches, found: VersionSpan, probe?: ReadProbe): boolean {
    for (let s = view.length - 1; s >= 0;) {
      const { after, through } = view[s]!
      if (!this.#locateThrough(key, through, found, probe)) return false
      if (found.isAfter(after)) return true
      s = lastBefore(view, found.time)
    }
    return false
  }

  /**
   * The versions of the key at some times, those of one block at a time, out of the blocks that can have any.
   */
  versionBatches(key: SoughtKey, times: Stretch, plan: BatchPlan): VersionBatches {
    const isOutside = times.through < this.facts.minTime || times.after >= this.facts.maxTime
    if (isOutside) return NO_BATCHES
    return this.#batchAgain(key, times, plan) ?? this.#batchesOf(key, times, plan)
  }

  /** Block number `index`, checked. */
  block(index: number): Block {
    return this.#cached.use(index) ?? this.#cacheBlock(index)
  }

  /** Fetches the memory in which the blocks from `from` to `to` begin, of those that are cached. */
  fetchBlocks(from: number, to: number): void {
    this.#cached.fetch(from, to)
  }

  /** Whether the filter lets a key of this hash pass. */
  mayContain(hash: number): boolean {
    return mayContain(this.#filter, hash)
  }

  /** Every version in order. The blocks do not go through the cache, so that a compaction leaves it as it is. */
  *versions(): Generator<KeyedVersion> {
    for (const entry of this.index) {
      const block = this.#readBlock(entry)
      for (let k = 0; k < block.keyCount; k++) {
        const key = block.keyAt(k)
        for (let v = block.versionsFrom(k); v < block.versionsTo(k); v++) {
          const { time, value } = block.versionAt(v)
          yield { key, time, value }
        }
      }
    }
  }

  /** The first block whose first key is at or above `key`. */
  firstBlockFrom(key: SoughtKey): number {
    return this.#firstKeys.findKey(key)
  }

  /** Whether block number `index` can have versions of a view. */
  isBlockIn(view: Stretches, index: number): boolean {
    if (view.length !== 1) return meetsClosed(view, this.index[index]!.minTime, this.index[index]!.maxTime)
    const { after, through } = view[0]!
    return !this.#isBlockAfter(index, through) && isAfterTime(this.#times, 4 * index + 2, after)
  }

  /** Whether all versions of block number `index` lie in a stretch of times. */
  isBlockWithin({ after, through }: Stretch, index: number): boolean {
    return this.#isBlockAfter(index, after) && !isAfterTime(this.#times, 4 * index + 2, through)
  }

  /** Where the last key of block number `index` ends. The block was read before. */
  lastKeyEnd(index: number): KeyEnd {
    return defined(this.#keyEnds[index], 'a block that was read')
  }

  /**
   * As {@link versionBatches}, if a search before this one ended in a block that has all versions of the key, and that is
   * cached.
   */
  #batchAgain(key: SoughtKey, times: Stretch, plan: BatchPlan): VersionBatches | undefined {
    const { places } = this.#context
    const place = places.findIn(this.number, key.placeHash)
    if (place === NOT_KNOWN) return undefined
    const index = places.blockOf(place)
    const k = places.keyOf(place)
    const block = this.#cached.use(index)
    if (block === undefined || !block.hasKeyAt(k, key) || !this.#isWholeIn(index, block, k)) return undefined
    return { count: 1, at: () => versionsAt(k, block, times, plan) }
  }

  /** As {@link versionBatches}, by a search. */
  #batchesOf(key: SoughtKey, times: Stretch, plan: BatchPlan): VersionBatches {
    if (!this.mayContain(key.hash)) return NO_BATCHES
    // The times can begin within the block before the first one that begins in them.
    const behind = this.#firstBlockAt(key, times.through)
    const from = Math.max(0, behind - 1)
    const isInNext = behind < this.index.length && this.#firstKeys.compareKeyAt(behind, key) === 0
    const to = isInNext ? this.#firstBlockAt(key, times.after) : behind
    const isFalling = plan.order === 'newest first'
    return {
      count: to - from,
      at: (index) => this.#versionsIn(isFalling ? from + index : to - 1 - index, key, times, plan),
    }
  }

  /** The versions of the key at some times that stand in block number `index`. */
  #versionsIn(index: number, key: SoughtKey, times: Stretch, plan: BatchPlan): VersionBatch {
    const block = this.block(index)
    const k = block.indexOf(key)
    if (k === NOTHING) return NO_VERSIONS
    if (this.#isWholeIn(index, block, k)) {
      this.#endAt(index, k, block)
      this.#notePlace(key, block.timeAt(block.versionsFrom(k)))
    }
    return versionsAt(k, block, times, plan)
  }

  /** Whether no other block has versions of key `k` of block number `index`, as far as the blocks that were read tell. */
  #isWholeIn(index: number, block: Block, k: number): boolean {
    const beginsHere = k > 0 || index === 0 || this.#keyEnds[index - 1] === 'here'
    return beginsHere && (k + 1 < block.keyCount || this.lastKeyEnd(index) === 'here')
  }

  /** The newest version of the key at or before `time`. */
  #locateThrough(key: SoughtKey, time: HybridTime, found: VersionSpan, probe?: ReadProbe): boolean {
    const behind = this.#firstBlockAt(key, time)
    if (behind > 0 && !this.#isBlockAfter(behind - 1, time)) {
      const block = this.#probedBlock(behind - 1, probe)
      const k = block.indexOf(key)
      if (k !== NOTHING) {
        const v = block.findTime(k, time)
        if (v < block.versionsTo(k)) {
          block.locateVersion(v, found)
          this.#endAt(behind - 1, k, block)
          return true
        }
      }
    }
    const next = this.index[behind]
    if (next === undefined || this.#firstKeys.compareKeyAt(behind, key) !== 0) return false
    const block = this.#probedBlock(behind, probe)
    block.locateVersion(0, found)
    this.#endAt(behind, 0, block)
    return true
  }

  #endAt(index: number, key: number, block: Block): void {
    this.#found.block = index
    this.#found.key = key
    this.#found.from = block.oldestTimeOf(key)
  }

  /** Takes note of where a search as of a time has just ended. */
  #notePlace({ placeHash }: SoughtKey, through: HybridTime): void {
    this.#context.places.note(placeHash, { table: this.number, ...this.#found, through })
  }

  /** Whether all that a block has is newer than a time. */
  #isBlockAfter(index: number, time: HybridTime): boolean {
    return isAfterTime(this.#times, 4 * index, time)
  }

  /** The first block that begins at or behind a place in the order of versions. */
  #firstBlockAt(key: SoughtKey, time: HybridTime): number {
    let low = this.#firstKeys.findKey(key)
    let high = this.index.length
    if (low === high || this.#firstKeys.compareKeyAt(low, key) !== 0) return low
    // Blocks begin with this key: their times decide.
    while (low < high) {
      const middle = (low + high) >>> 1
      const isOfKey = this.#firstKeys.compareKeyAt(middle, key) === 0
      if (isOfKey && this.index[middle]!.first.time > time) low = middle + 1
      else high = middle
    }
    return low
  }

  #endOfKey(key: Uint8Array, index: number): KeyEnd {
    const [next, behind] = [this.index[index + 1], this.index[index + 2]]
    if (next === undefined || !equalBytes(next.first.key, key)) return 'here'
    return behind === undefined || equalBytes(behind.first.key, key) ? 'further' : 'next'
  }

  #probedBlock(index: number, probe: ReadProbe | undefined): Block {
    if (probe === undefined) return this.block(index)
    const { counters } = this.#context
    const before = counters.blocksRead
    const block = this.block(index)
    probe({ at: 'block', table: this.number, block: index, isCached: counters.blocksRead === before })
    return block
  }

  #cacheBlock(index: number): Block {
    const { counters } = this.#context
    const entry = this.index[index]
    if (entry === undefined) {
      const cause = new FormatError('it has no key where the manifest says that it has')
      throw corrupt(tablePath(this.number), 0, cause)
    }
    const block = this.#readBlock(entry)
    counters.blocksRead++
    counters.blockBytesRead += block.bytes.length
    this.#keyEnds[index] = this.#endOfKey(block.keyAt(block.keyCount - 1), index)
    this.#cached.add(index, block)
    return block
  }

  #readBlock(entry: BlockEntry): Block {
    const path = tablePath(this.number)
    const file = this.#file ?? openTableFile(this.#context.files, path)
    try {
      const block = new Block(readPart(file, entry, this.#context.checksum))
      checkBlock(block, entry)
      return block
    } catch (error) {
      throw corrupt(path, entry.offset, error)
    } finally {
      if (file !== this.#file) file.close()
    }
  }
}

/** The versions of key `k` of a block at some times. */
function versionsAt(k: number, block: Block, { after, through }: Stretch, plan: BatchPlan): VersionBatch {
  const first = block.findTime(k, through)
  const end = block.findTime(k, after)
  return first === end ? NO_VERSIONS : new BlockVersions(block, first, end, plan)
}

interface TableParts {
  readonly index: readonly BlockEntry[]
  readonly facts: TableFacts
  readonly filter: Uint8Array
}

function openTableFile(files: FileSystem, path: string): RandomFile {
  try {
    return files.open(path)
  } catch (error) {
    if (error instanceof PalimpsestError && error.details['errno'] === 'ENOENT') throw corrupt(path, 0, error)
    throw error
  }
}

function readParts(file: RandomFile, number: number, checksum: Checksum): TableParts {
  try {
    if (file.size < FOOTER_BYTES) throw new FormatError('shorter than a footer')
    const end = file.read(file.size - FOOTER_BYTES, FOOTER_BYTES)
    const footer = decodeFooter(end, file.size, number, checksum)
    const filter = readPart(file, footer.filter, checksum)
    checkBloomFilter(filter)
    const index = decodeIndex(readPart(file, footer.index, checksum))
    const facts = decodeFacts(readPart(file, footer.facts, checksum))
    checkIndex(index, facts, footer.filter.offset)
    return { index, facts, filter }
  } catch (error) {
    throw corrupt(tablePath(number), 0, error)
  }
}

/** Refuses an index that is not in order, or not that of a file with these facts and this many bytes of blocks. */
function checkIndex(index: readonly BlockEntry[], facts: TableFacts, blockBytes: number): void {
  const sums = { live: 0, superseded: 0, tombstones: 0 }
  let end = 0
  for (const [i, entry] of index.entries()) {
    if (entry.offset !== end) throw new FormatError(`block ${i} does not stand behind the one before`)
    end += entry.length + CHECKSUM_BYTES
    if (i > 0 && comparePositions(index[i - 1]!.first, entry.first) >= 0)
      throw new FormatError(`block ${i} is out of order`)
    if (entry.minTime < facts.minTime || entry.maxTime > facts.maxTime)
      throw new FormatError(`block ${i} has times outside of its file's`)
    sums.live += entry.live
    sums.superseded += entry.superseded
    sums.tombstones += entry.tombstones
  }
  if (end !== blockBytes) throw new FormatError('the blocks are not those of the index')
  const { live, superseded, tombstones } = facts
  const isWhole =
    facts.blocks === index.length &&
    facts.versions === live + superseded + tombstones &&
    comparePositions(facts.first, index[0]!.first) === 0 &&
    comparePositions(index.at(-1)!.first, facts.last) <= 0 &&
    [sums.live, sums.superseded, sums.tombstones].join() === [live, superseded, tombstones].join()
  if (!isWhole) throw new FormatError('the index and the facts contradict each other')
}

/** Refuses a block that is not the one that the index names. */
function checkBlock(block: Block, { first, live, superseded, tombstones }: BlockEntry): void {
  const begins = equalBytes(block.keyAt(0), first.key) && block.timeAt(0) === first.time
  if (!begins || block.versionCount !== live + superseded + tombstones)
    throw new FormatError('a block is not the one that the index names')
}

function readPart(file: RandomFile, { offset, length }: PartHandle, checksum: Checksum): Uint8Array {
  const bytes = file.read(offset, length + CHECKSUM_BYTES)
  const part = bytes.subarray(0, length)
  const expected = new DataView(bytes.buffer, bytes.byteOffset + length, CHECKSUM_BYTES).getUint32(0, true)
  if (checksum(part) !== expected) throw new FormatError('checksum mismatch')
  return part
}

/** Names the file and place of damage; anything else passes as it is. */
function corrupt(file: string, offset: number, error: unknown): unknown {
  const isMissing = error instanceof PalimpsestError && error.details['errno'] === 'ENOENT'
  if (!isMissing && !(error instanceof FormatError)) return error
  const what = isMissing ? 'is missing' : `is damaged: ${error.message}`
  return new PalimpsestError(
    'TABLE_CORRUPT',
    `a table file ${what}: file=${file} offset=${offset}`,
    { file, offset },
    error,
  )
}
