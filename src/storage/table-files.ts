/**
 * The table files of a directory: opened on demand, kept open within a limit, their blocks in one cache.
 */
import { type Checksum } from '../base/checksum.ts'
import { type Block } from './block.ts'
import { BudgetCache, type CacheEntry } from './budget-cache.ts'
import { namesIn } from './file-rules.ts'
import { type FileSystem } from './files.ts'
import { type Geometry } from './geometry.ts'
import { type ReadCounters, TableFile, type TableContext } from './table-file.ts'
import { tableNumberOf, tablePath } from './table-format.ts'
import { TableWriter } from './table-writer.ts'
import { type Stretches } from '../time/stretches.ts'

/** How much memory and how many open files tables may take. */
export interface TableLimits {
  /** Bytes of decoded blocks that are kept. */
  readonly cacheBytes: number
  /** Tables that are kept open. */
  readonly openTables: number
}

/** What the block cache did. */
export interface CacheStats {
  readonly bytes: number
  readonly hits: number
  readonly misses: number
}

/** Opens, creates and removes table files. */
export class TableFiles {
  readonly #context: TableContext
  readonly #open: BudgetCache<TableFile>
  readonly #openByNumber = new Map<number, CacheEntry<TableFile>>()

  constructor(files: FileSystem, checksum: Checksum, limits: TableLimits) {
    const counters = { blocksRead: 0, blockBytesRead: 0, filterSkips: 0, timeSkips: 0 }
    const blocks = new BudgetCache<Block>(limits.cacheBytes)
    this.#context = { files, checksum, blocks, counters }
    this.#open = new BudgetCache(limits.openTables)
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
    const cached = this.#openByNumber.get(number)
    return cached === undefined ? this.#openFile(number) : this.#open.use(cached)
  }

  /** Begins a new table file, which will say at which of the `watched` times it holds nothing. */
  create(number: number, geometry: Geometry, watched?: Stretches): TableWriter {
    return new TableWriter(this.#context.files, number, geometry, this.#context.checksum, watched)
  }

  /** Removes tables that no manifest names any more, and what the caches hold of them. */
  remove(numbers: readonly number[]): void {
    for (const number of numbers) {
      const cached = this.#openByNumber.get(number)
      if (cached !== undefined) this.#open.remove(cached)
      this.#context.files.remove(tablePath(number))
    }
  }

  /** The numbers of all table files in the directory. */
  list(): readonly number[] {
    return namesIn(this.#context.files, '').flatMap((name) => tableNumberOf(name) ?? [])
  }

  /** Closes all files. */
  close(): void {
    this.#open.clear()
    this.#context.blocks.clear()
  }

  /** By itself, because a function that captures its number allocates even where it only looks. */
  #openFile(number: number): TableFile {
    const table = TableFile.open(this.#context, number)
    const entry = this.#open.add(table, 1, () => {
      this.#openByNumber.delete(number)
      table.close()
    })
    if (entry === undefined) table.close()
    else this.#openByNumber.set(number, entry)
    return table
  }
}
