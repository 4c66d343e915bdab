/**
 * Why: what a read looks at that has to search, and why a version is kept. Nothing is changed. A read is explained
 * by a search, whatever is remembered of its key, and a version by the rule that compactions go by.
 */
import { assert, defined } from '../base/assert.ts'
import { fullNameOf, generationInForce, generationsOf } from '../catalog/catalog.ts'
import { directiveFor, promisesFor } from '../catalog/promises.ts'
import { type TableRow } from '../catalog/rows.ts'
import { type KeepJudgement, explainKeeping } from '../history/explain-version.ts'
import { type GenerationCause } from '../history/lineage.ts'
import { assertReadable } from '../history/readable.ts'
import { type ReadEvent } from '../storage/read-probe.ts'
import { placementsOf } from '../storage/shape.ts'
import { type VersionBatch, eachOf } from '../storage/version-batch.ts'
import { type Version } from '../storage/version.ts'
import { type Tablet, tabletFor } from '../tablet/tablet.ts'
import {
  type HybridTime,
  LOGICAL_MAX,
  MIN_TIME,
  hybridTime,
  laterOf,
  logicalOf,
  microsOf,
  tickAfter,
} from '../time/hybrid-time.ts'
import { NO_TIMES, type Stretches, closedStretch, stretchFrom } from '../time/stretches.ts'
import { type Store } from './store.ts'

/** A block that a read searched. */
export interface SearchedBlock {
  /** Its number within its file. */
  readonly block: number
  /** Whether it was in the cache. */
  readonly isCached: boolean
}

/** One thing that a read did, in order. */
export type ReadStep =
  | { readonly place: 'memory'; readonly outcome: 'found' | 'nothing' }
  | {
      readonly place: 'file'
      readonly level: number
      readonly file: number
      /**
       * `time bounds`: no time in it lies in the view; `filter`: its filter says that it has not the key;
       * `nothing`: it was searched in vain.
       */
      readonly outcome: 'found' | 'nothing' | 'time bounds' | 'filter'
      readonly minTime: HybridTime
      readonly maxTime: HybridTime
      /** The blocks that were searched, in order. */
      readonly blocks: readonly SearchedBlock[]
      /** How many blocks the file has. */
      readonly blocksInFile: number
    }
  /** Files of one level that were not looked at: the key lies outside of them, or the answer was there already. */
  | {
      readonly place: 'files'
      readonly level: number
      readonly count: number
      readonly outcome: 'key range' | 'not reached'
    }

/** What a read of a key did. */
export interface ExplainedRead {
  readonly table: TableRow
  /** The time as of which it read. */
  readonly asOf: HybridTime
  /** What was in force then. */
  readonly generation: {
    readonly cause: GenerationCause
    readonly start: HybridTime
    readonly end?: HybridTime | undefined
  }
  /** The times that a reader sees then. */
  readonly view: Stretches
  readonly steps: readonly ReadStep[]
  /** The version that answered; one without a value is a tombstone. */
  readonly version: Version | undefined
}

/** Reads a key and tells what that did. Throws as a read does. */
export function explainRead(
  store: Store,
  table: number,
  key: Uint8Array,
  asOf: HybridTime | undefined,
): ExplainedRead {
  const point = store.readPoint(table, asOf)
  const { cause, start, end } = generationInForce(store.catalog, table, asOf)
  const tablet = store.tablets.get(tabletFor(point.tablets, key))
  const events: ReadEvent[] = []
  const version = tablet.find(key, point.view, (event) => events.push(event))
  const shown = { table: point.table, asOf: asOf ?? store.lastTime, generation: { cause, start, end } }
  return { ...shown, view: point.view, steps: stepsOf(tablet, events), version }
}

/** The events of a read, with the files that it did not look at. */
function stepsOf(tablet: Tablet, events: readonly ReadEvent[]): readonly ReadStep[] {
  const steps: ReadStep[] = []
  const ofTables = new Map(events.flatMap((event) => (event.at === 'table' ? [[event.table, event]] : [])))
  let isAnswered = events.some((event) => event.at === 'memtable' && event.version !== undefined)
  steps.push({ place: 'memory', outcome: isAnswered ? 'found' : 'nothing' })
  for (const { level, table } of placementsOf(tablet.state.shape)) {
    const event = ofTables.get(table.number)
    if (event === undefined) {
      passOver(steps, level, isAnswered ? 'not reached' : 'key range')
      continue
    }
    assert(!isAnswered, 'a read ends with its answer')
    isAnswered = event.version !== undefined
    const searched = isAnswered ? 'found' : 'nothing'
    const { number: file, minTime, maxTime, blocks: blocksInFile } = table
    const blocks = blocksOf(file, events)
    const outcome = event.outcome === 'searched' ? searched : event.outcome
    steps.push({ place: 'file', level, file, outcome, minTime, maxTime, blocks, blocksInFile })
  }
  return steps
}

/** The blocks of a file that were searched, each once: a view of several stretches may come back to one. */
function blocksOf(file: number, events: readonly ReadEvent[]): readonly SearchedBlock[] {
  const blocks = new Map<number, SearchedBlock>()
  for (const event of events) {
    if (event.at !== 'block' || event.table !== file || blocks.has(event.block)) continue
    blocks.set(event.block, { block: event.block, isCached: event.isCached })
  }
  return [...blocks.values()]
}

function passOver(steps: ReadStep[], level: number, outcome: 'key range' | 'not reached'): void {
  const last = steps.at(-1)
  const goesOn = last?.place === 'files' && last.level === level && last.outcome === outcome
  if (goesOn) steps.pop()
  steps.push({ place: 'files', level, count: goesOn ? last.count + 1 : 1, outcome })
}

/** Where a version lies. */
export type VersionPlace =
  | { readonly place: 'memory' }
  | { readonly place: 'file'; readonly level: number; readonly file: number; readonly block: number }

/** Why a version is kept, or may go. */
export interface ExplainedVersion extends Pick<KeepJudgement, 'generations' | 'keepers' | 'canGoFrom'> {
  readonly table: TableRow
  /** Its time; of what is not there, the one that was asked for. */
  readonly time: HybridTime
  /** Where it lies; `undefined` if it is not there. */
  readonly stored: VersionPlace | undefined
  /** The version; one without a value is a tombstone. */
  readonly version: Version | undefined
  /**
   * `kept`: a readable time sees it. `droppable`: none does. `hides nothing`: one sees it, but it is a
   * tombstone with nothing older behind it that is kept. `absent`: there is none; the rest says what would
   * be of one.
   */
  readonly verdict: KeepJudgement['verdict'] | 'absent'
}

/**
 * Judges the version that a key has at a time; a time at the end of a microsecond means the last version
 * of that microsecond. Readable or not, everything that is there can be asked for. Throws `UNKNOWN_TABLE`, and
 * `HISTORY_GONE` of a dropped table of which nothing is there any more.
 */
export function explainVersion(
  store: Store,
  tableId: number,
  key: Uint8Array,
  time: HybridTime,
  asOf: HybridTime | undefined,
): ExplainedVersion {
  store.assertOpen()
  const table = store.tableOf(tableId, asOf)
  const generations = generationsOf(store.catalog, table.id)
  if (generations.length === 0) assertReadable(NO_TIMES, time, fullNameOf(store.catalog, table))
  const tablets = [...new Set(generations.map((generation) => tabletFor(generation.tablets, key)))]
  const found = tablets.flatMap((id) => foundIn(store.tablets.get(id), key, time))[0]
  const tablet = found?.tablet ?? store.tablets.get(tablets.at(-1)!)
  const moment = store.moment()
  const judgement = explainKeeping(
    directiveFor(store.catalog, tablet.id, moment).generations,
    promisesFor(store.catalog, table, moment),
    versionsOf(tablet.versionBatches(key, stretchFrom(hybridTime(0, 1)), 'newest first')),
    found?.version.time ?? time,
  )
  if (found === undefined)
    return { ...judgement, table, time, stored: undefined, version: undefined, verdict: 'absent' }
  return { ...judgement, table, time: found.version.time, stored: found.stored, version: found.version }
}

function* versionsOf(batches: Iterable<VersionBatch>): Generator<Version> {
  for (const batch of batches) yield* eachOf(batch)
}

function foundIn(
  tablet: Tablet,
  key: Uint8Array,
  time: HybridTime,
): readonly { tablet: Tablet; version: Version; stored: VersionPlace }[] {
  if (time === MIN_TIME) return []
  const isWhole = logicalOf(time) === LOGICAL_MAX
  // Nothing is at the beginning of time itself.
  const first = isWhole ? laterOf(hybridTime(microsOf(time)), tickAfter(MIN_TIME)) : time
  const events: ReadEvent[] = []
  const version = tablet.find(key, closedStretch(first, time), (event) => events.push(event))
  if (version === undefined) return []
  return [{ tablet, version, stored: placeOf(tablet, events) }]
}

/** Where the last events of a read found what it looked for. */
function placeOf(tablet: Tablet, events: readonly ReadEvent[]): VersionPlace {
  const block = events.findLast((event) => event.at === 'block')
  const table = events.findLast((event) => event.at === 'table')
  if (table === undefined) return { place: 'memory' }
  const { level } = defined(
    placementsOf(tablet.state.shape).find((placed) => placed.table.number === table.table),
    'the file of a version',
  )
  return { place: 'file', level, file: table.table, block: defined(block, 'the block of a version').block }
}
