/**
 * Holding a database against the model: single answers, and everything that can be read.
 */
import { type ErrorCode, PalimpsestError } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type Key } from '../table/codec.ts'
import { type Difference } from '../table/state-history.ts'
import { type Entry, type Table } from '../table/table.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import { type Counts } from './counts.ts'
import { noteTime } from './edges.ts'
import { type Model } from './model.ts'
import { type ModelVersion, type Verdict } from './model-facts.ts'
import { compareKeys, keyOf, keysOf, textOfKey, textOfValue } from './values.ts'

/** The database and the model do not say the same. */
export class Disagreement extends Error {
  override readonly name = 'Disagreement'
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

/** A value as JSON, times among it as they are. */
export function inWords(value: unknown): string {
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
function compareHistory(comparison: Comparison, table: ComparedTable, handle: Table): void {
  for (const text of keysOf(table.keys, comparison.keys)) compareKeyHistory(comparison, table, handle, text)
}

/** How one key has changed. Answers what the database told. */
export function compareKeyHistory(
  { model, counts }: Comparison,
  table: ComparedTable,
  handle: Table,
  text: string,
): readonly unknown[] {
  const window = model.windowOf(table.number)
  const now = window > model.clock.used ? window : model.clock.used
  const changes = Array.from(handle.history(keyOf(table.keys, text)), ({ time, value, cause }) => ({
    time,
    value: textOfValue(table.values, value),
    cause,
  }))
  expectSame(`the history of ${text} in ${table.name}`, changes, model.history(table.number, text, now))
  counts.keyChanges += changes.length
  return changes
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
    const found = Array.from(handle.diff({ from: a, to: b }), (each) => differenceText(table, each))
    const what = `diff of ${table.name} from ${formatExact(a)} to ${formatExact(b)}`
    expectSame(what, found, differencesOf(model, table, a, b))
    counts.differences += found.length
  }
}

/** A key that two times answer differently, in the words of the model: key, before, after. */
export type DifferenceText = readonly [string, string | undefined, string | undefined]

/** A difference in the words of the model. */
export function differenceText(
  { values }: ComparedTable,
  { key, before, after }: Difference,
): DifferenceText {
  return [textOfKey(key), textOfValue(values, before), textOfValue(values, after)]
}

/** The differences that the model sees. */
export function differencesOf(
  model: Model,
  table: ComparedTable,
  from: HybridTime,
  to: HybridTime,
): readonly DifferenceText[] {
  const shownAt = (key: string, time: HybridTime) => model.shown(table.number, key, time)?.value
  return sortedKeys(model, table)
    .map((key) => [key, shownAt(key, from), shownAt(key, to)] as const)
    .filter(([, before, after]) => before !== after)
}

function sortedKeys(model: Model, { number, keys }: ComparedTable): readonly string[] {
  return model.keysOf(number).toSorted((a, b) => compareKeys(keys, a, b))
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
  noteTime(model, table.number, time, counts)
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
