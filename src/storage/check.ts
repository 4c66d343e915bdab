/**
 * Checks a tree's files against every structural law: checksums, order, counts, bounds, filters, and
 * that what the manifest knows of a table is what its file says. Reads only.
 */
import { compareBytes, equalBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, earlierOf, laterOf } from '../time/hybrid-time.ts'
import { contains } from '../time/stretches.ts'
import { type Block } from './block.ts'
import { hashOfKey } from './bloom-filter.ts'
import { mergeVersions } from './compaction.ts'
import { type Shape, shapeFaults, tablesOf } from './shape.ts'
import { type TableFile } from './table-file.ts'
import { type BlockEntry, type TableFacts, type TableMeta } from './table-format.ts'
import { type KeyedVersion, comparePositions } from './version.ts'

/** How much was looked at: of table files that were read to their end, whatever the manifest says of them. */
interface Looked {
  readonly tables: number
  readonly blocks: number
  readonly versions: number
  readonly bytes: number
}

/** What a check found and how much it looked at. */
export interface CheckReport extends Looked {
  /** Table files that could not be read to their end: nothing of them is in the other numbers. */
  readonly unreadTables: number
  /** Whether tables were also held against each other, which takes that nothing else was found. */
  readonly isOrderChecked: boolean
  /** Broken laws as sentences; empty when all is well. */
  readonly faults: readonly string[]
}

/** What a look at one table came to; what could not be read to its end was not looked at. */
interface TableCheck {
  readonly looked?: Looked
  readonly faults: readonly string[]
}

/** Checks all tables of a tree, each by itself and then all together. */
export function checkTree(shape: Shape, open: (number: number) => TableFile): CheckReport {
  const checks = tablesOf(shape).map((meta) => withinTable(() => checkTable(meta, open(meta.number))))
  const faults = [...shapeFaults(shape), ...checks.flatMap((check) => check.faults)]
  // Only whole tables can be merged to look across them.
  const isOrderChecked = faults.length === 0
  if (isOrderChecked) faults.push(...checkSourceOrder(shape, open))
  const looked = checks.flatMap((check) => check.looked ?? [])
  return { ...sumOf(looked), unreadTables: checks.length - looked.length, isOrderChecked, faults }
}

function sumOf(all: readonly Looked[]): Looked {
  const sum = (name: keyof Looked) => all.reduce((total, looked) => total + looked[name], 0)
  return { tables: sum('tables'), blocks: sum('blocks'), versions: sum('versions'), bytes: sum('bytes') }
}

function withinTable(check: () => TableCheck): TableCheck {
  try {
    return check()
  } catch (error) {
    if (error instanceof PalimpsestError && error.code === 'TABLE_CORRUPT') return { faults: [error.message] }
    throw error
  }
}

function checkTable(meta: TableMeta, table: TableFile): TableCheck {
  const faults: string[] = []
  const expect = (isTrue: boolean, fault: string) => {
    if (!isTrue) faults.push(`table ${meta.number}: ${fault}`)
  }
  const found = factsOf(table, expect)
  expect(table.bytes === meta.bytes, `the file has ${table.bytes} bytes, the manifest says ${meta.bytes}`)
  expect(sameFacts(table.facts, found), 'its facts are not those of its versions')
  expect(sameFacts(meta, found), 'the manifest tells other facts than its versions')
  const { emptyTimes } = meta
  if (emptyTimes !== undefined)
    for (const { time } of table.versions())
      expect(!contains(emptyTimes, time), 'there is a version at a time that the manifest calls empty')
  const { blocks, versions } = found
  return { looked: { tables: 1, blocks, versions, bytes: table.bytes }, faults }
}

/** The facts of a table, counted from its blocks. */
function factsOf(table: TableFile, expect: (isTrue: boolean, fault: string) => void): TableFacts {
  let [minTime, maxTime]: [HybridTime, HybridTime] = [MAX_TIME, MIN_TIME]
  const counts = { keys: 0, versions: 0, live: 0, superseded: 0, tombstones: 0 }
  let first: KeyedVersion | undefined
  let last: KeyedVersion | undefined
  for (const version of table.versions()) {
    const isNewKey = last === undefined || compareBytes(last.key, version.key) !== 0
    if (last !== undefined) expect(comparePositions(last, version) < 0, 'versions are out of order')
    if (isNewKey) expect(table.mayContain(hashOfKey(version.key)), 'the filter denies a key that is there')
    counts.keys += isNewKey ? 1 : 0
    counts.versions++
    counts[version.value === undefined ? 'tombstones' : isNewKey ? 'live' : 'superseded']++
    minTime = earlierOf(minTime, version.time)
    maxTime = laterOf(maxTime, version.time)
    first ??= version
    last = version
  }
  for (const [i, entry] of table.index.entries()) {
    const block = table.block(i)
    const begins = { key: block.keyAt(0), time: block.timeAt(0) }
    expect(comparePositions(begins, entry.first) === 0, `block ${i} does not begin where the index says`)
    let [blockMin, blockMax]: [HybridTime, HybridTime] = [MAX_TIME, MIN_TIME]
    for (let v = 0; v < block.versionCount; v++) {
      blockMin = earlierOf(blockMin, block.timeAt(v))
      blockMax = laterOf(blockMax, block.timeAt(v))
    }
    expect(
      blockMin === entry.minTime && blockMax === entry.maxTime,
      `block ${i} has other times than the index says`,
    )
    const before = i === 0 ? undefined : table.block(i - 1)
    const { live, superseded, tombstones } = countsOf(block, before?.keyAt(before.keyCount - 1))
    const isCounted =
      live === entry.live && superseded === entry.superseded && tombstones === entry.tombstones
    expect(isCounted, `block ${i} has other counts than the index says`)
  }
  return { ...counts, blocks: table.index.length, minTime, maxTime, first: first!, last: last! }
}

/** The counts of a block; `lastKey` is that of the block before it, whose key it may go on with. */
function countsOf(
  block: Block,
  lastKey: Uint8Array | undefined,
): Pick<BlockEntry, 'live' | 'superseded' | 'tombstones'> {
  const counts = { live: 0, superseded: 0, tombstones: 0 }
  for (let k = 0; k < block.keyCount; k++) {
    const goesOn = k === 0 && lastKey !== undefined && equalBytes(block.keyAt(0), lastKey)
    const first = block.versionsFrom(k)
    for (let v = first; v < block.versionsTo(k); v++) {
      if (block.versionAt(v).value === undefined) counts.tombstones++
      else counts[v === first && !goesOn ? 'live' : 'superseded']++
    }
  }
  return counts
}

function sameFacts(a: TableFacts, b: TableFacts): boolean {
  const counts = [
    'blocks',
    'keys',
    'versions',
    'live',
    'superseded',
    'tombstones',
    'minTime',
    'maxTime',
  ] as const
  return (
    counts.every((name) => a[name] === b[name]) &&
    comparePositions(a.first, b.first) === 0 &&
    comparePositions(a.last, b.last) === 0
  )
}

/** For one key, every version in an earlier source is newer than every version in a later one. */
function checkSourceOrder(shape: Shape, open: (number: number) => TableFile): readonly string[] {
  const sources = shape.flat()
  const faults: string[] = []
  let last: (KeyedVersion & { source: number }) | undefined
  for (const version of mergeVersions(sources.map(({ tables }, source) => streamOf(tables, source, open)))) {
    if (last !== undefined && compareBytes(last.key, version.key) === 0) {
      if (last.time === version.time)
        faults.push(`two versions of one key have one time: sources ${last.source}, ${version.source}`)
      if (last.source > version.source)
        faults.push(`source ${last.source} has a newer version than source ${version.source}`)
    }
    last = version
  }
  return faults
}

function* streamOf(
  tables: readonly TableMeta[],
  source: number,
  open: (number: number) => TableFile,
): Generator<KeyedVersion & { source: number }> {
  for (const { number } of tables) {
    for (const version of open(number).versions()) yield { ...version, source }
  }
}
