/**
 * Holding a database against the model: single answers, and everything that can be read.
 */
import { type ErrorCode, PalimpsestError } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type Key } from '../table/codec.ts'
import { type Entry, type Table } from '../table/table.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import { type Model } from './model.ts'
import { type ModelVersion, type Verdict } from './model-facts.ts'
import { compareKeys, keyOf, keysOf, textOfKey, textOfValue } from './values.ts'

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
  /** Restores, and those that an undo took back. */
  restores: number
  undos: number
  truncations: number
  drops: number
  renames: number
  /** Restores and undos that were refused. */
  refusedRestores: number
  /** Reads of tables that do not exist any more. */
  droppedReads: number
  /** Changes that histories of keys told. */
  keyChanges: number
  /** Keys that differed between two times. */
  differences: number
  /** Commits that the database made of its own. */
  upkeeps: number
  /** Versions whose fate was explained. */
  explanations: number
  /** Answers and refusals at the last tick before a window, at its first, and at the one after. */
  readsBeforeWindow: number
  readsAtWindow: number
  readsAfterWindow: number
  /** Answers at the last tick before a table was restored, undone or truncated, and at that tick. */
  readsBeforeChange: number
  readsAtChange: number
  /** Commits whose tick did not fit into the microsecond before it. */
  carries: number
  /** Commits in the microsecond of another one. */
  sharedMicros: number
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
    restores: 0,
    undos: 0,
    truncations: 0,
    drops: 0,
    renames: 0,
    refusedRestores: 0,
    droppedReads: 0,
    keyChanges: 0,
    differences: 0,
    upkeeps: 0,
    explanations: 0,
    readsBeforeWindow: 0,
    readsAtWindow: 0,
    readsAfterWindow: 0,
    readsBeforeChange: 0,
    readsAtChange: 0,
    carries: 0,
    sharedMicros: 0,
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
    if (!model.exists(table.number)) {
      for (const time of model.boundaries(table.number)) compareDropped(comparison, table, time)
      continue
    }
    const handle = db.table<Key>(table.name)
    compareNow(comparison, table, handle)
    compareHistory(comparison, table, handle)
    compareDiff(comparison, table, handle)
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

/** Reads a table that was dropped, as of a time, by the name that it had. */
function compareDropped({ db, model, counts }: Comparison, table: ComparedTable, time: HybridTime): void {
  const what = `dropped table ${table.number} as of ${formatExact(time)}`
  const name = model.nameOf(table.number, time) ?? 'no.such'
  const outcome = outcomeOf(() => readAll(table, db.asOf(time).table<Key>(name).scan()))
  const found = expectVerdict(what, outcome, model.judge(table.number, time))
  if (found === undefined) return
  expectSame(what, found, model.scan(table.number, time).map(versionText))
  counts.droppedReads++
}

/** How every key of a table has changed, over all readable times. */
function compareHistory({ model, keys, counts }: Comparison, table: ComparedTable, handle: Table): void {
  const window = model.windowOf(table.number)
  const now = window > model.clock.used ? window : model.clock.used
  for (const text of keysOf(table.keys, keys)) {
    const changes = Array.from(handle.history(keyOf(table.keys, text)), ({ time, value, cause }) => ({
      time,
      value: textOfValue(table.values, value),
      cause,
    }))
    expectSame(`the history of ${text} in ${table.name}`, changes, model.history(table.number, text, now))
    counts.keyChanges += changes.length
  }
}

/** What differs between the oldest readable time at which a table existed and now, both ways. */
function compareDiff({ model, counts }: Comparison, table: ComparedTable, handle: Table): void {
  const times = model.boundaries(table.number).toSorted((a, b) => (a < b ? -1 : 1))
  const readable = times.filter((time) => model.judge(table.number, time) === 'ok')
  const [from, to] = [readable[0], readable.at(-1)]
  if (from === undefined || to === undefined) return
  for (const [a, b] of [
    [from, to],
    [to, from],
  ] as const) {
    const found = Array.from(handle.diff({ from: a, to: b }), ({ key, before, after }) => [
      textOfKey(key),
      textOfValue(table.values, before),
      textOfValue(table.values, after),
    ])
    const expected = sortedKeys(model, table)
      .map((key) => [key, model.shown(table.number, key, a)?.value, model.shown(table.number, key, b)?.value])
      .filter(([, before, after]) => before !== after)
    expectSame(`diff of ${table.name} from ${formatExact(a)} to ${formatExact(b)}`, found, expected)
    counts.differences += found.length
  }
}

function sortedKeys(model: Model, { number, keys }: ComparedTable): readonly string[] {
  return model.keysOf(number).toSorted((a, b) => compareKeys(keys, a, b))
}

/** After a full compaction: of every version of a table that was ever written, whether it is kept. */
export function compareExplanations({ db, model, counts }: Comparison, table: ComparedTable): void {
  const kept = model.survivors(table.number)
  const handle = db.table<Key>(table.name)
  for (const version of model.versions) {
    if (version.table !== table.number) continue
    const { verdict } = handle.explainVersion(keyOf(table.keys, version.key), version.time)
    const isKept = verdict === 'kept'
    const what = `${verdict}: ${version.key} at ${formatExact(version.time)} in ${table.name}`
    expectSame(`whether a version is kept that is ${what}`, isKept, kept.includes(version))
    counts.explanations++
  }
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
  noteEdges(model, table.number, time, counts)
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

/** Which edges a time lies at. */
function noteEdges(model: Model, table: number, time: HybridTime, counts: Counts): void {
  const behind = time - model.windowOf(table)
  if (behind === -1n) counts.readsBeforeWindow++
  if (behind === 0n) counts.readsAtWindow++
  if (behind === 1n) counts.readsAfterWindow++
  if (!model.isReadable(table, time)) return
  const resets = model.changes.filter((change) => change.table === table && change.rows !== 'same')
  if (resets.some((change) => time === change.time - 1n)) counts.readsBeforeChange++
  if (resets.some((change) => time === change.time)) counts.readsAtChange++
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
