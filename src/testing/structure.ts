/**
 * What lies in the directory, look after look: every file keeps its laws, there is no file that no tree
 * names, and what was to go has gone.
 */
import { type Database } from '../database/database.ts'
import { namesIn } from '../storage/file-rules.ts'
import { type FileSystem } from '../storage/files.ts'
import { tableNumberOf } from '../storage/table-format.ts'
import { type Key } from '../table/codec.ts'
import { type ComparedTable, expectSame } from './comparison.ts'
import { type Counts } from './counts.ts'
import { type Model } from './model.ts'
import { keyOf, keysOf } from './values.ts'

/** The lineage of a table as it was seen last: since when it is in force, and the gaps in its view. */
interface SeenView {
  readonly start: bigint
  readonly gaps: number
}

/** What was seen of the structure of one database. */
export class Structure {
  readonly #counts: Counts
  /** Tablets that have had files and that were still there at the last look. */
  readonly #flushed: Set<number> = new Set()
  readonly #views: Map<number, SeenView> = new Map()

  constructor(counts: Counts) {
    this.#counts = counts
  }

  /** A tablet was written down. */
  noteFlush(tablet: number): void {
    this.#flushed.add(tablet)
  }

  /**
   * Holds all files against their laws, and sees what has gone since the last look. Where jobs run beside the
   * commits, files of theirs may be there that no tree names yet, or any more.
   */
  look(db: Database, files: FileSystem, hasJobs: boolean): void {
    const reports = db.check()
    for (const { tablet, faults } of reports) expectSame(`faults of tablet ${tablet}`, faults, [])
    const named = reports.reduce((sum, { tables }) => sum + tables, 0)
    const there = namesIn(files, '').filter((name) => tableNumberOf(name) !== undefined)
    expectSame('the number of table files', hasJobs ? Math.min(there.length, named) : there.length, named)
    const tablets = new Set(reports.map(({ tablet }) => tablet))
    for (const freed of [...this.#flushed].filter((tablet) => !tablets.has(tablet))) {
      this.#flushed.delete(freed)
      this.#counts.freedTables++
    }
  }

  /** Sees whether gaps in the views of tables have closed. */
  lookAtViews(db: Database, model: Model, tables: readonly ComparedTable[]): void {
    for (const { number, name, keys } of tables) {
      if (!model.exists(number)) continue
      const key = keyOf(keys, keysOf(keys, [0])[0]!)
      const { generation, view } = db.table<Key>(name).explainRead(key)
      const seen = { start: generation.start, gaps: view.length - 1 }
      const before = this.#views.get(number)
      if (before?.start === seen.start) this.#counts.closedGaps += Math.max(0, before.gaps - seen.gaps)
      this.#views.set(number, seen)
    }
  }
}
