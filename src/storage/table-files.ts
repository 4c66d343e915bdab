/**
 * The table files of a directory: opened on demand, kept open within a limit, their blocks in one cache.
 */
import { defined } from '../base/assert.ts'
import { type Checksum } from '../base/checksum.ts'
import { BudgetCache, type CacheEntry, type Keeper } from './budget-cache.ts'
import { namesIn } from './file-rules.ts'
import { type FileSystem } from './files.ts'
import { FoundPlaces, NOT_KNOWN } from './found-places.ts'
import { type Geometry } from './geometry.ts'
import { type ReadProbe } from './read-probe.ts'
import { type ReadCounters, TableFile, type TableContext } from './table-file.ts'
import { RowCache } from './row-cache.ts'
import { type SoughtKey } from './sought-key.ts'
import { type TableMeta, tableNumberOf, tablePath } from './table-format.ts'
import { TableWriter } from './table-writer.ts'
import { type VersionSpan } from './version-span.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Stretches, meetsClosed } from '../time/stretches.ts'

/** One part in so many of the cache's memory is for places of keys, and as much for rows. */
const KEYS_SHARE = 16
/** There are fewer keys to which gets come again and again, whatever the cache takes. */
const KEYS_BYTES_MAX = 256 * 2 ** 20

/** How much memory and how many open files tables may take. */
export interface TableLimits {
  /** Bytes of decoded blocks that are kept, of places at which keys were found, and of copies of their newest versions. */
  readonly cacheBytes: number
  /** Tables that are kept open. */
  readonly openTables: number
}

/** What the caches did since the opening. */
export interface CacheStats {
  /** Bytes of decoded blocks that are kept; places of keys and copies of their newest versions are not in it. */
  readonly bytes: number
  /** How often a block was there that was asked for, or a get was answered by a copy, which asks for none. */
  readonly hits: number
  /** How often a block was asked for that had to be read. */
  readonly misses: number
}

/** The tables of a tree. */
export interface TablesOfTree {
  /** Their numbers. */
  readonly numbers: ReadonlySet<number>
  /** The newest time that they have, or that they would have had. */
  readonly through: HybridTime
}

interface OpenTable {
  readonly table: TableFile
  readonly entry: CacheEntry
  isUsed: boolean
}

/** Opens, creates and removes table files. */
export class TableFiles {
  readonly #context: TableContext
  readonly #limit: BudgetCache
  readonly #rows: RowCache
  readonly #open = new Map<number, OpenTable>()
  readonly #keeper: Keeper = {
    takeUse: (number) => {
      const open = defined(this.#open.get(number), 'an open table')
      const { isUsed } = open
      open.isUsed = false
      return isUsed
    },
    letGo: (number) => {
      this.#open.get(number)?.table.close()
      this.#open.delete(number)
    },
  }

  constructor(files: FileSystem, checksum: Checksum, limits: TableLimits) {
    const counters = { blocksRead: 0, blockBytesRead: 0, filterSkips: 0, timeSkips: 0 }
    const keysBytes = Math.min(KEYS_BYTES_MAX, limits.cacheBytes / KEYS_SHARE)
    const blocks = new BudgetCache(limits.cacheBytes - 2 * keysBytes)
    const places = new FoundPlaces(keysBytes)
    this.#rows = new RowCache(keysBytes)
    this.#context = { files, checksum, blocks, places, counters }
    this.#limit = new BudgetCache(limits.openTables)
  }

  get counters(): Readonly<ReadCounters> {
    return this.#context.counters
  }

  get cache(): CacheStats {
    const { cost, hits, misses } = this.#context.blocks
    return { bytes: cost, hits, misses }
  }

  /** The open table of a number. */
  open(number: number): TableFile {
    const open = this.#open.get(number)
    if (open !== undefined) {
      open.isUsed = true
      return open.table
    }
    const table = TableFile.open(this.#context, number)
    const entry = this.#limit.add(this.#keeper, number, 1)
    if (entry === undefined) table.close()
    else this.#open.set(number, { table, entry, isUsed: false })
    return table
  }

  /**
   * Says where the newest version of a key in a view stands, if a table has one. Where no time of the
   * table lies in the view, it is not opened.
   */
  locate(
    { number, minTime, maxTime }: TableMeta,
    key: SoughtKey,
    view: Stretches,
    found: VersionSpan,
    probe?: ReadProbe,
  ): boolean {
    if (meetsClosed(view, minTime, maxTime)) return this.open(number).locate(key, view, found, probe)
    this.#context.counters.timeSkips++
    probe?.({ at: 'table', table: number, outcome: 'time bounds' })
    return false
  }

  /**
   * Says where the newest version of a key in a view stands, if a search before this one ended where this one has to, what
   * it found there is still in memory, and the table is one of the tree's.
   */
  locateAgain(key: SoughtKey, view: Stretches, found: VersionSpan, tree: TablesOfTree): boolean {
    if (view.length === 0) return false
    if (this.#locateRow(key, view, found, tree)) return true
    const { places } = this.#context
    const place = places.find(key.placeHash, view[view.length - 1]!.through)
    if (place === NOT_KNOWN) return false
    const number = places.tableOf(place)
    // A table that was replaced has what a compaction dropped, and views may rely on that it is gone.
    const open = tree.numbers.has(number) ? this.#open.get(number) : undefined
    if (open === undefined) return false
    open.isUsed = true
    if (!open.table.locateAt(places.blockOf(place), places.keyOf(place), key, view, found)) return false
    if (isOfPresent(view, tree)) this.#rows.note(key, found, number, tree.through)
    return true
  }

  /** Counts that a search passed over tables because of their times. */
  countTimeSkip(): void {
    this.#context.counters.timeSkips++
  }

  /** Begins a new table file, which will say at which of the `watched` times it holds nothing. */
  create(number: number, geometry: Geometry, watched?: Stretches): TableWriter {
    return new TableWriter(this.#context.files, number, geometry, this.#context.checksum, watched)
  }

  /** Removes tables that no manifest names any more, and what the caches hold of them. */
  remove(numbers: readonly number[]): void {
    for (const number of numbers) {
      const open = this.#open.get(number)
      if (open !== undefined) this.#limit.remove(open.entry)
      this.#context.files.remove(tablePath(number))
    }
  }

  /** The numbers of all table files in the directory. */
  list(): readonly number[] {
    return namesIn(this.#context.files, '').flatMap((name) => tableNumberOf(name) ?? [])
  }

  /** Closes all files. */
  close(): void {
    this.#limit.clear()
    this.#context.blocks.clear()
  }

  #locateRow(key: SoughtKey, view: Stretches, found: VersionSpan, tree: TablesOfTree): boolean {
    if (!isOfPresent(view, tree) || !this.#rows.locate(key, view[0]!, tree.numbers, found)) return false
    this.#context.blocks.countHit()
    return true
  }
}

/** Whether what a view shows is the newest that tables have. */
function isOfPresent(view: Stretches, { through }: TablesOfTree): boolean {
  return view.length === 1 && view[0]!.through === through
}
