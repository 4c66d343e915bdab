/**
 * The operations that read: single keys, ranges, views of the past, and a reader beside the writer. Each
 * is answered as the model answers, or refused as it refuses.
 */
import { type Key } from '../table/codec.ts'
import { type HistoryOptions } from '../table/state-history.ts'
import { type DiffOptions, type Table } from '../table/table.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import {
  type ComparedTable,
  compareAsOf,
  compareKeyHistory,
  differenceText,
  differencesOf,
  expectSame,
  expectThat,
  expectVerdict,
  inWords,
  noteRefusal,
  outcomeOf,
  readAll,
  versionText,
} from './comparison.ts'
import { compareExplainedRead } from './explanations.ts'
import { type AskedTime } from './meaning.ts'
import { type Moment, type Operation } from './operations.ts'
import { type Subject } from './subject.ts'
import { keyOf, textOfValue } from './values.ts'

/** Reads one key. */
export function get(subject: Subject, plan: Extract<Operation, { do: 'get' }>): void {
  const { db, model, meaning, transcript } = subject
  const table = meaning.tableOf(plan.table)
  const text = meaning.keyOf(table, plan.key)
  const asked = meaning.askedAt(plan.at)
  if (asked !== undefined) return getAsOf(subject, table, text, asked)
  const value = textOfValue(table.values, db.table<Key>(table.name).get(keyOf(table.keys, text)))
  expectSame(`${table.name} now`, value, model.find(table.number, text, model.clock.used)?.value)
  transcript.push(`get ${value}`)
  compareExplainedRead(subject.comparison, table, db.table<Key>(table.name), { key: text, value })
}

function getAsOf(subject: Subject, table: ComparedTable, text: string, { input, time }: AskedTime): void {
  const { db, model, transcript } = subject
  const { number, name, keys, values } = table
  const handle = db.table<Key>(name)
  const verdict = model.judge(number, time)
  const what = `get ${JSON.stringify(text)} of ${name} as of ${formatExact(time)}`
  const outcome = outcomeOf(() => handle.get(keyOf(keys, text), { asOf: input }))
  const value = textOfValue(values, expectVerdict(what, outcome, verdict))
  transcript.push(`${what}: ${verdict} ${value}`)
  if (verdict === 'HISTORY_GONE') noteRefusal(model, number, time, subject.counts)
  if (verdict !== 'ok') return
  model.clock.use(time)
  expectSame(what, value, model.find(number, text, time)?.value)
  const bound = db.asOf(input).table<Key>(model.nameOf(number, time)!)
  expectSame(`${what}, by a view`, textOfValue(values, bound.get(keyOf(keys, text))), value)
  expectSame(
    `scan of ${name}, by a view`,
    readAll(table, bound.scan()),
    model.scan(number, time).map(versionText),
  )
  compareExplainedRead(subject.comparison, table, handle, { key: text, value, asOf: time })
  compareAsOf(subject.comparison, table, handle, time)
}

/** Reads a range. */
export function scan(subject: Subject, plan: Extract<Operation, { do: 'scan' }>): void {
  const { db, model, meaning, transcript } = subject
  const table = meaning.tableOf(plan.table)
  const asked = meaning.askedAt(plan.at)
  const verdict = asked === undefined ? 'ok' : model.judge(table.number, asked.time)
  const options = meaning.scanOptionsOf(table, plan.range, asked?.input)
  const at = asked === undefined ? 'now' : formatExact(asked.time)
  const what = `scan of ${table.name} ${JSON.stringify(plan.range)} as of ${at}`
  const outcome = outcomeOf(() => readAll(table, db.table<Key>(table.name).scan(options)))
  const entries = expectVerdict(what, outcome, verdict)
  transcript.push(`${what}: ${verdict} ${JSON.stringify(entries)}`)
  if (asked !== undefined && verdict === 'HISTORY_GONE')
    noteRefusal(model, table.number, asked.time, subject.counts)
  if (verdict !== 'ok') return
  if (asked !== undefined) model.clock.use(asked.time)
  expectSame(what, entries, meaning.scanOf(table, plan.range, asked?.time ?? model.clock.used))
}

/** Tells how a key has changed. */
export function history(subject: Subject, plan: Extract<Operation, { do: 'history' }>): void {
  const table = subject.meaning.tableOf(plan.table)
  const text = subject.meaning.keyOf(table, plan.key)
  const handle = subject.db.table<Key>(table.name)
  const changes = compareKeyHistory(subject.comparison, table, handle, text)
  subject.transcript.push(`history of ${text} in ${table.name}: ${inWords(changes)}`)
  comparePartsOfHistory(table, handle, text)
}

/** Newest first it is the same, and from one of its changes on, and through the one before. */
function comparePartsOfHistory(table: ComparedTable, handle: Table, text: string): void {
  const changesOf = (options: HistoryOptions) =>
    Array.from(handle.history(keyOf(table.keys, text), options), ({ time, value, cause }) => ({
      ...{ time, value: textOfValue(table.values, value), cause },
    }))
  const all = changesOf({})
  const what = `the history of ${text} in ${table.name}`
  expectSame(`${what}, newest first`, changesOf({ reverse: true }), all.toReversed())
  const middle = all.length >>> 1
  const change = all[middle]
  if (change === undefined) return
  const { time: from } = change
  const opening = change.value === undefined ? [] : [{ ...change, cause: 'opening' }]
  const expected = [...opening, ...all.slice(middle + 1)]
  expectSame(`${what} from ${formatExact(from)}`, changesOf({ from }), expected)
  expectSame(`${what} from there, newest first`, changesOf({ from, reverse: true }), expected.toReversed())
  const before = all.slice(0, middle)
  const to = before.at(-1)?.time
  if (to !== undefined) expectSame(`${what} to ${formatExact(to)}`, changesOf({ to, limit: middle }), before)
}

/** Tells what differs between two times. */
export function diff(subject: Subject, plan: Extract<Operation, { do: 'diff' }>): void {
  const { db, model, meaning, transcript, counts } = subject
  const table = meaning.tableOf(plan.table)
  const { number, name } = table
  const [from, to] = [meaning.momentOf(plan.from), meaning.askedAt(plan.to)]
  const times = [from.time, ...(to === undefined ? [] : [to.time])]
  const refusing = times.find((time) => model.judge(number, time) !== 'ok')
  const verdict = refusing === undefined ? 'ok' : model.judge(number, refusing)
  const what = `diff of ${name} from ${times.map(formatExact).join(' to ')}`
  const outcome = outcomeOf(() => [...db.table<Key>(name).diff({ from: from.input, to: to?.input })])
  const found = expectVerdict(what, outcome, verdict)
  if (verdict === 'HISTORY_GONE') noteRefusal(model, number, refusing!, counts)
  for (const time of times.slice(0, refusing === undefined ? 2 : times.indexOf(refusing)))
    model.clock.use(time)
  const differences = found?.map((difference) => differenceText(table, difference))
  transcript.push(`${what}: ${verdict} ${inWords(differences)}`)
  if (differences === undefined) return
  const then = to?.time ?? model.clock.used
  expectSame(what, differences, differencesOf(model, table, from.time, then))
  comparePartsOfDiff(table, db.table<Key>(name), { from: from.time, to: to?.time })
}

/** Backwards it is the same, and below one of its keys and from there on. */
function comparePartsOfDiff(
  table: ComparedTable,
  handle: Table,
  times: { readonly from: HybridTime; readonly to: HybridTime | undefined },
): void {
  const differencesIn = (options: Omit<DiffOptions, 'from' | 'to'>) =>
    Array.from(handle.diff({ ...times, ...options }), (each) => differenceText(table, each))
  const all = differencesIn({})
  const what = `diff of ${table.name}`
  expectSame(`${what}, backwards`, differencesIn({ reverse: true }), all.toReversed())
  const middle = all.length >>> 1
  const [text] = all[middle] ?? []
  if (text === undefined) return
  const key = keyOf(table.keys, text)
  expectSame(`${what} from ${text} on`, differencesIn({ gte: key }), all.slice(middle))
  expectSame(
    `${what} below ${text}`,
    differencesIn({ lt: key, reverse: true }),
    all.slice(0, middle).toReversed(),
  )
  expectSame(`${what} at ${text}`, differencesIn({ gte: key, limit: 1 }), all.slice(middle, middle + 1))
}

/** Reads the names of the tables as of a time. */
export function view({ db, model, meaning, transcript }: Subject, at: Moment): void {
  const { input, time } = meaning.momentOf(at)
  const isFuture = Number(time / 4096n) > model.clock.current
  const verdict = isFuture ? 'FUTURE_TIME' : model.areNamesReadable(time) ? 'ok' : 'HISTORY_GONE'
  const outcome = outcomeOf(() => db.asOf(input).tables)
  const names = expectVerdict(`a view as of ${formatExact(time)}`, outcome, verdict)
  transcript.push(`view as of ${formatExact(time)}: ${verdict} ${inWords(names)}`)
  if (names === undefined) return
  model.clock.use(time)
  const expected = model.tables.flatMap(({ number }) => model.nameOf(number, time) ?? [])
  expectSame(`the tables as of ${formatExact(time)}`, names, expected.toSorted())
}

/** A reader beside the writer sees whole commits (law 5), at least those that were handed to the system. */
export function readBeside(subject: Subject): void {
  const { model, tables, ledger } = subject
  const reader = subject.openReader()
  const { newest } = reader
  expectThat(`a reader sees ${formatExact(newest)}`, ledger.has(newest) && newest >= ledger.handedOver)
  const now = Math.max(Number(newest / 4096n), model.clock.retained)
  for (const table of tables) {
    const name = model.nameOf(table.number, newest)
    if (name === undefined) continue
    const handle = reader.table<Key>(name)
    const entries = model.scan(table.number, newest).map(versionText)
    expectSame(`a reader's scan of ${table.name}`, readAll(table, handle.scan()), entries)
    const times = model.boundaries(table.number).filter((time) => time <= newest)
    for (const time of times) compareReader(subject, table, handle, time, now)
  }
  reader.close()
}

/** A reader's clock stands at another time, so it may still answer what the writer does not, but then truly. */
function compareReader(
  { model }: Subject,
  table: ComparedTable,
  handle: Table,
  time: HybridTime,
  now: number,
): void {
  const outcome = outcomeOf(() => readAll(table, handle.scan({ asOf: time })))
  const what = `a reader's scan of ${table.name} as of ${formatExact(time)}`
  const isThere = model.exists(table.number, time)
  if (model.isReadableBy(table.number, time, now))
    expectVerdict(what, outcome, isThere ? 'ok' : 'UNKNOWN_TABLE')
  if ('answer' in outcome) expectSame(what, outcome.answer, model.scan(table.number, time).map(versionText))
}

/** Reads all that there is now, and how every key came to it. */
export function recordEverything(subject: Subject): void {
  const existing = subject.tables.filter(({ number }) => subject.model.exists(number))
  for (const table of existing.keys()) {
    scan(subject, { do: 'scan', table, range: { reverse: false } })
    for (const key of subject.world.keys.keys()) history(subject, { do: 'history', table, key })
  }
}
