/**
 * Statistics: what a database holds and what it has cost, as plain data.
 *
 * Write amplification is bytes written by flush and compaction over bytes written by flush, as RocksDB
 * counts it; the commit log is not in it.
 */
import { CATALOG, type Catalog, fullNameOf, tabletsOf } from '../catalog/catalog.ts'
import { keepOf, tableCutoff } from '../catalog/promises.ts'
import { type Keep } from '../history/readable.ts'
import { type TreeTotals } from '../storage/manifest-state.ts'
import { bytesOfTables, tablesOfRuns } from '../storage/shape.ts'
import { type CacheStats } from '../storage/table-files.ts'
import { type ReadCounters } from '../storage/table-file.ts'
import { type RecoveryReport } from '../store/events.ts'
import { type StallStats } from '../store/stalls.ts'
import { type Store } from '../store/store.ts'
import { SYSTEM_TABLET, type Tablet } from '../tablet/tablet.ts'
import { formatExact, formatIso, laterOf, MIN_TIME } from '../time/hybrid-time.ts'

/** One level of a tree. */
export interface LevelStats {
  readonly level: number
  /** Sorted runs: what a read has to ask one by one. */
  readonly runs: number
  readonly tables: number
  readonly bytes: number
  readonly versions: number
  readonly live: number
  readonly superseded: number
  readonly tombstones: number
}

/** One table's tree. */
export interface TableStats {
  readonly name: string
  readonly keep: Keep
  /** The first time of the window, exact and to read. */
  readonly cutoff: { readonly time: string; readonly at: string }
  readonly memtable: { readonly versions: number; readonly bytes: number }
  /** The levels that have tables. */
  readonly levels: readonly LevelStats[]
  readonly bytes: number
  readonly versions: number
  readonly totals: TreeTotals
  /** 0 where nothing was flushed yet, and there is none. */
  readonly writeAmplification: number
}

/** What was found when the database was opened, with times as text. */
export interface RecoveryStats extends Omit<RecoveryReport, 'newestCommit'> {
  /** Exact and to read; `undefined` if there never was a commit. */
  readonly newestCommit: { readonly time: string; readonly at: string } | undefined
}

/** A database. */
export interface DatabaseStats {
  readonly newest: { readonly time: string; readonly at: string }
  readonly durableThrough: { readonly time: string; readonly at: string }
  readonly recovery: RecoveryStats
  readonly tables: readonly TableStats[]
  /** The tree of the catalog. Beyond its window it keeps what can be read of any table. */
  readonly catalog: TableStats
  /** The sum over all trees. */
  readonly bytes: number
  readonly versions: number
  /** Those that merged. What only moved tables to another level is in the `moves` of a table's totals. */
  readonly compactions: number
  readonly logBytes: number
  /**
   * The bytes that compactions would have to rewrite until none is due, by the policy and the sizes that this one was opened
   * with. Of the policy `leveled` only: the others let runs gather, and owe 0 whatever there is.
   */
  readonly debtBytes: number
  /** What commits waited because flushes and compactions in the background had fallen behind. */
  readonly stalls: StallStats
  readonly cache: CacheStats
  readonly reads: Readonly<ReadCounters>
}

/** Looks at everything, changes nothing. */
export function statsOf(store: Store): DatabaseStats {
  const { catalog, tablets } = store
  const moment = store.moment()
  const tables = [...catalog.tables.values()].map((table) => {
    const ids = tabletsOf(catalog, table.id)
    const about = {
      name: fullNameOf(catalog, table),
      keep: keepOf(catalog, table),
      cutoff: tableCutoff(catalog, table, moment),
    }
    return tableStats(
      [...ids].map((id) => tablets.get(id)),
      about,
    )
  })
  const system = {
    name: 'catalog',
    keep: keepOf(catalog, CATALOG),
    cutoff: tableCutoff(catalog, CATALOG, moment),
  }
  const catalogStats = tableStats([tablets.get(SYSTEM_TABLET)], system)
  const all = [...tables, catalogStats]
  const sum = (count: (table: TableStats) => number) => all.reduce((total, table) => total + count(table), 0)
  return {
    newest: both(store.lastTime),
    durableThrough: both(store.durableThrough),
    recovery: recoveryStats(store.recovery),
    tables,
    catalog: catalogStats,
    bytes: sum(({ bytes }) => bytes),
    versions: sum(({ versions }) => versions),
    compactions: sum(({ totals }) => totals.compactions),
    logBytes: store.logBytes,
    debtBytes: store.debtBytes,
    stalls: store.stallStats,
    cache: store.tables.cache,
    reads: { ...store.tables.counters },
  }
}

/** A recovery report, with times as text. */
export function recoveryStats({ newestCommit, ...report }: RecoveryReport): RecoveryStats {
  return { ...report, newestCommit: newestCommit === MIN_TIME ? undefined : both(newestCommit) }
}

type About = Pick<TableStats, 'name' | 'keep'> & { readonly cutoff: ReturnType<typeof tableCutoff> }

function tableStats(trees: readonly Tablet[], { name, keep, cutoff }: About): TableStats {
  const levels = levelStats(trees)
  const totals = sumTotals(trees.map(({ state }) => state.totals))
  const written = totals.flushedBytes + totals.compactionWrittenBytes
  const memory = trees.flatMap(({ memtables }) => memtables)
  const versionsInMemory = memory.reduce((total, { versionCount }) => total + versionCount, 0)
  return {
    name,
    keep,
    cutoff: both(laterOf(cutoff, MIN_TIME)),
    memtable: { versions: versionsInMemory, bytes: memory.reduce((total, { bytes }) => total + bytes, 0) },
    levels,
    bytes: levels.reduce((total, { bytes }) => total + bytes, 0),
    versions: levels.reduce((total, { versions }) => total + versions, versionsInMemory),
    totals,
    writeAmplification: totals.flushedBytes === 0 ? 0 : written / totals.flushedBytes,
  }
}

function levelStats(trees: readonly Tablet[]): readonly LevelStats[] {
  const depth = Math.max(0, ...trees.map(({ state }) => state.shape.length))
  return Array.from({ length: depth }, (_, level) => {
    const runs = trees.flatMap(({ state }) => state.shape[level] ?? [])
    const tables = tablesOfRuns(runs)
    const sum = (count: (table: (typeof tables)[number]) => number) =>
      tables.reduce((total, t) => total + count(t), 0)
    return {
      level,
      runs: runs.length,
      tables: tables.length,
      bytes: bytesOfTables(tables),
      versions: sum((table) => table.versions),
      live: sum((table) => table.live),
      superseded: sum((table) => table.superseded),
      tombstones: sum((table) => table.tombstones),
    }
  }).filter(({ tables }) => tables > 0)
}

function sumTotals(all: readonly TreeTotals[]): TreeTotals {
  const names = Object.keys(all[0]!) as (keyof TreeTotals)[]
  const entries = names.map((name) => [name, all.reduce((total, totals) => total + totals[name], 0)])
  return Object.fromEntries(entries) as TreeTotals
}

function both(time: Parameters<typeof formatExact>[0]): { time: string; at: string } {
  return { time: formatExact(time), at: formatIso(time) }
}

/** The names of all tables. */
export function tableNamesOf(catalog: Catalog): readonly string[] {
  return [...catalog.tables.values()].map((table) => fullNameOf(catalog, table)).toSorted()
}
