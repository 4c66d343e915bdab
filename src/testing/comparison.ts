/**
 * Holding a database against the model: single answers, and everything that can be read.
 */
import { type ErrorCode, PalimpsestError } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type Key } from '../table/codec.ts'
import { type Entry, type Table } from '../table/table.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import { type Model, type ModelVersion, type Verdict } from './model.ts'
import { keyOf, keysOf, textOfKey, textOfValue } from './values.ts'

/** The database and the model do not say the same. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement'
}

/** How often a run met what it is there to meet: a run that meets nothing has shown nothing. */
export interface Counts {
  commits: number
  /** Reads as of a time. */
  pastReads: number
  /** Of these, keys that had another value later. */
  olderAnswers: number
  /** Reads that were refused because their time was gone. */
  refusals: number
  /** Refused reads that could not have been answered from what was still there. */
  refusalsNeeded: number
  /** Reads of times that were there only because something held them. */
  heldReads: number
  /** Versions that compactions dropped, tombstones included. */
  droppedVersions: number
  droppedTombstones: number
  /** Times at which a table's tree had two levels or more. */
  deepTrees: number
  /** Full compactions after which exactly the right versions were left, and at least one was not. */
  effectiveCompactions: number
  reopenings: number
  crashes: number
  /** Crashes that fell into an operation. */
  crashesWithin: number
  /** Crashes that lost some commit. */
  losses: number
  cursorSteps: number
  /** Cursor steps after the table had changed. */
  lateSteps: number
  misuses: number
}

/** Nothing met yet. */
export function noCounts(): Counts {
  return {
    commits: 0,
    pastReads: 0,
    olderAnswers: 0,
    refusals: 0,
    refusalsNeeded: 0,
    heldReads: 0,
    droppedVersions: 0,
    droppedTombstones: 0,
    deepTrees: 0,
    effectiveCompactions: 0,
    reopenings: 0,
    crashes: 0,
    crashesWithin: 0,
    losses: 0,
    cursorSteps: 0,
    lateSteps: 0,
    misuses: 0,
  }
}

/** Adds what another run met. */
export function addCounts(sum: Counts, counts: Counts): void {
  for (const name of Object.keys(sum) as (keyof Counts)[]) sum[name] += counts[name]
}

/** What a call gave: an answer, or the code of its refusal. */
export type Outcome<T> = { readonly answer: T } | { readonly code: ErrorCode }

/** Makes a call that may be refused. */
export function outcomeOf<T>(call: () => T): Outcome<T> {
  try {
    return { answer: call() }
  } catch (error) {
    if (error instanceof PalimpsestError) return { code: error.code }
    throw error
  }
}

/** Fails unless two values are the same, seen as JSON. */
export function expectSame(what: string, actual: unknown, expected: unknown): void {
  const [left, right] = [inWords(actual), inWords(expected)]
  if (left !== right) throw new Disagreement(`${what}: ${left}, but should be ${right}`)
}

function inWords(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
}

/** Fails unless a condition holds. */
export function expectThat(what: string, isTrue: boolean): void {
  if (!isTrue) throw new Disagreement(what)
}

/** Fails unless a read ended as the model judges; what it answered, if it did. */
export function expectVerdict<T>(what: string, outcome: Outcome<T>, verdict: Verdict): T | undefined {
  const actual = 'code' in outcome ? outcome.code : 'ok'
  if (actual !== verdict) throw new Disagreement(`${what}: ${actual}, but should be ${verdict}`)
  return 'answer' in outcome ? outcome.answer : undefined
}

/** A table as the database and the model know it. */
export interface ComparedTable {
  readonly number: number
  readonly name: string
  readonly keys: 'text' | 'bytes'
  readonly values: 'text' | 'bytes' | 'document'
}

/** An entry of a scan as the model says it: key, value, time. */
export type EntryText = readonly [string, string | undefined, string]

/** An entry of a scan in the words of the model. */
export function entryText({ values }: ComparedTable, { key, value, time }: Entry<Key, unknown>): EntryText {
  return [textOfKey(key), textOfValue(values, value), formatExact(time)]
}

/** A version of the model in the same form. */
export function versionText({ key, value, time }: ModelVersion): EntryText {
  return [key, value, formatExact(time)]
}

/** A key that no world has. */
const ABSENT = { text: 'absent', bytes: '616273656e74' }

/** What is compared with what. */
export interface Comparison {
  readonly db: Database
  readonly model: Model
  readonly tables: readonly ComparedTable[]
  /** The numbers of the world's keys. */
  readonly keys: readonly number[]
  readonly counts: Counts
}

/**
 * Reads every table now, and as of every time at which an answer may change, next to it on both sides:
 * what is readable gives the model's answer, what is not is refused.
 */
export function compareEverything(comparison: Comparison): void {
  const { db, model, tables } = comparison
  for (const table of tables) {
    const handle = db.table<Key>(table.name)
    compareNow(comparison, table, handle)
    for (const time of model.boundaries(table.number)) compareAsOf(comparison, table, handle, time)
  }
}

function compareNow({ model, keys }: Comparison, table: ComparedTable, handle: Table): void {
  const texts = [...keysOf(table.keys, keys), ABSENT[table.keys]]
  const values = handle.getMany(texts.map((text) => keyOf(table.keys, text)))
  const now = model.clock.used
  expectSame(
    `${table.name} now`,
    values.map((value) => textOfValue(table.values, value)),
    texts.map((text) => model.find(table.number, text, now)?.value),
  )
  const entries = model.scan(table.number, now).map(versionText)
  expectSame(`scan of ${table.name} now`, readAll(table, handle.scan()), entries)
}

/** Reads one table as of one time, by keys and by scans both ways. */
export function compareAsOf(
  { model, keys, counts }: Comparison,
  table: ComparedTable,
  handle: Table,
  time: HybridTime,
): void {
  const what = `${table.name} as of ${formatExact(time)}`
  const texts = [...keysOf(table.keys, keys), ABSENT[table.keys]]
  const verdict = model.judge(table.number, time)
  const outcome = outcomeOf(() =>
    handle.getMany(
      texts.map((text) => keyOf(table.keys, text)),
      { asOf: time },
    ),
  )
  const values = expectVerdict(what, outcome, verdict)
  if (verdict === 'HISTORY_GONE') noteRefusal(model, table.number, time, counts)
  if (values === undefined) return
  const found = texts.map((text) => model.find(table.number, text, time)?.value)
  expectSame(
    what,
    values.map((value) => textOfValue(table.values, value)),
    found,
  )
  const entries = model.scan(table.number, time).map(versionText)
  expectSame(`scan of ${what}`, readAll(table, handle.scan({ asOf: time })), entries)
  const backwards = readAll(table, handle.scan({ asOf: time, reverse: true }))
  expectSame(`reverse scan of ${what}`, backwards, entries.toReversed())
  counts.pastReads++
  counts.olderAnswers += texts.filter(
    (text, i) => found[i] !== model.find(table.number, text, model.clock.used)?.value,
  ).length
  if (model.isReadableByHold(table.number, time)) counts.heldReads++
}

/** A refusal is a promise: that time, and what is before it, can never be read again. */
export function noteRefusal(model: Model, table: number, time: HybridTime, counts: Counts): void {
  counts.refusals++
  model.promise(table, (time + 1n) as HybridTime)
}

/** What a scan gives, in the words of the model. */
export function readAll(table: ComparedTable, entries: Iterable<Entry<Key, unknown>>): readonly EntryText[] {
  return Array.from(entries, (entry) => entryText(table, entry))
}

/** Holds the structure of all files against its laws. */
export function expectSound(db: Database): void {
  for (const { tablet, faults } of db.check()) expectSame(`faults of tablet ${tablet}`, faults, [])
}
