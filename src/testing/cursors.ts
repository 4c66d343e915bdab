/**
 * Cursors that stay open while other things happen: each shows one time, whatever happens meanwhile, or
 * says that it is gone.
 */
import { type Key } from '../table/codec.ts'
import { type Entry } from '../table/table.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import {
  type ComparedTable,
  type EntryText,
  entryText,
  expectSame,
  expectVerdict,
  noteRefusal,
  outcomeOf,
} from './comparison.ts'
import { type ModelCursor } from './model-facts.ts'
import { type Operation } from './operations.ts'
import { type Subject } from './subject.ts'

interface OpenCursor {
  readonly table: ComparedTable
  readonly model: ModelCursor
  readonly entries: Iterator<Entry<Key, unknown>>
  /** All that it has to show, and how much of it it has. */
  readonly expected: readonly EntryText[]
  next: number
  readonly isOfNow: boolean
  /** How often the table had changed when it was opened. */
  readonly changes: number
}

/** The cursors of one process after another. */
export class Cursors {
  readonly #subject: Subject
  #open: OpenCursor[] = []

  constructor(subject: Subject) {
    this.#subject = subject
  }

  open(plan: Extract<Operation, { do: 'openCursor' }>): void {
    const { db, model, meaning } = this.#subject
    const table = meaning.tableOf(plan.table)
    // A scan of nothing needs no history, so the range has one end only.
    const { reverse, gte } = plan.range
    const asked = meaning.askedAt(plan.at)
    const verdict = asked === undefined ? 'ok' : model.judge(table.number, asked.time)
    const options = meaning.scanOptionsOf(table, { reverse, gte }, asked?.input)
    const outcome = outcomeOf(() => db.table<Key>(table.name).scan(options))
    const entries = expectVerdict(`a cursor on ${table.name}`, outcome, verdict)
    if (asked !== undefined && verdict === 'HISTORY_GONE')
      noteRefusal(model, table.number, asked.time, this.#subject.counts)
    if (entries === undefined) return
    if (asked !== undefined) model.clock.use(asked.time)
    this.#subject.syncUsed()
    const time = asked?.time ?? this.#presentOf(table)
    const expected = meaning.scanOf(table, { reverse, gte }, time)
    const cursor = model.openCursor(table.number, time)
    const isOfNow = asked === undefined
    const changes = this.#changesOf(table)
    this.#open.push({ table, model: cursor, entries, expected, next: 0, isOfNow, changes })
  }

  step(number: number, steps: number): void {
    const cursor = this.#cursorOf(number)
    if (cursor === undefined) return
    for (let step = 0; step < steps && this.#open.includes(cursor); step++) this.#step(cursor)
  }

  close(number: number): void {
    const cursor = this.#cursorOf(number)
    if (cursor === undefined) return
    cursor.entries.return?.()
    this.#drop(cursor)
  }

  /** The process has ended in good order: every cursor that has something to show says so. */
  expectClosed(): void {
    for (const { next, expected, entries } of this.#open) {
      const outcome = outcomeOf(() => entries.next())
      if (next < expected.length) expectSame('a cursor of a closed database', outcome, { code: 'CLOSED' })
    }
    this.forget()
  }

  /** The process has ended. */
  forget(): void {
    this.#open = []
  }

  #step(cursor: OpenCursor): void {
    const { table, model: held, entries, expected, isOfNow } = cursor
    const { model, counts } = this.#subject
    // What was the present when it was asked for still is, if nothing was used since.
    if (isOfNow && held.since === undefined && model.clock.used === held.time)
      held.time = this.#presentOf(table)
    const isGone = !model.isReadable(table.number, held.time)
    const what = `step ${cursor.next} of a cursor on ${table.name} as of ${formatExact(held.time)}`
    const outcome = outcomeOf(() => entries.next())
    // One that has shown all may end.
    const hasEnded = cursor.next === expected.length && 'answer' in outcome
    const result = hasEnded ? outcome.answer : expectVerdict(what, outcome, isGone ? 'HISTORY_GONE' : 'ok')
    this.#subject.syncUsed()
    counts.cursorSteps++
    if (cursor.changes < this.#changesOf(table)) counts.lateSteps++
    const entry = result === undefined || result.done === true ? undefined : entryText(table, result.value)
    if (!isGone || hasEnded) expectSame(what, entry, expected[cursor.next])
    if (entry === undefined) this.#drop(cursor)
    held.since ??= model.clock.retained
    cursor.next++
  }

  #changesOf({ number }: ComparedTable): number {
    return this.#subject.model.eventsOf(number).length
  }

  /** The first time that shows everything and can be read. */
  #presentOf({ number }: ComparedTable): HybridTime {
    const { clock } = this.#subject.model
    const window = this.#subject.model.windowOf(number)
    return clock.used > window ? clock.used : window
  }

  #cursorOf(number: number): OpenCursor | undefined {
    return this.#open[number % Math.max(1, this.#open.length)]
  }

  #drop(cursor: OpenCursor): void {
    this.#open.splice(this.#open.indexOf(cursor), 1)
    this.#subject.model.closeCursor(cursor.model)
  }
}
