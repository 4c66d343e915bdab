/**
 * The operations that change tables as a whole: drops, new names, truncations, restores and their undos.
 * Each is one commit, or is refused as the model refuses it, and then nothing has changed (law 8).
 *
 * Some table always stays, so that there is something to go on with. Where a new process may find the wall
 * earlier, none goes: how much of the history of a dropped table it still knows, nobody is told.
 */
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import { expectSame, outcomeOf } from './comparison.ts'
import { noteTarget } from './edges.ts'
import { type ModelRestore, type ModelRestoreScope } from './model-facts.ts'
import { type Operation } from './operations.ts'
import { type Subject } from './subject.ts'

/** The names that tables are given; the first one has it from the start. */
const NAMES = ['t0', 'r', 's']

/** Drops a table. */
export function drop(subject: Subject, number: number): void {
  const { db, model, meaning, tables, counts } = subject
  const existing = tables.filter((one) => model.exists(one.number))
  if (existing.length < 2 || subject.canReopenEarlier) return
  const { number: table, name } = meaning.tableOf(number)
  subject.define(
    () => {
      db.dropTable(name)
    },
    (time) => {
      model.change({ table, time, cause: 'drop', name: undefined, rows: 'same' })
    },
  )
  counts.drops++
  subject.observe()
}

/** Gives a table another name, unless another one has it. */
export function rename(subject: Subject, plan: Extract<Operation, { do: 'rename' }>): void {
  const { db, model, meaning, counts } = subject
  const { number: table, name: from } = meaning.tableOf(plan.table)
  const { keyspace } = model.tables[table]!
  const to = NAMES[plan.to % NAMES.length]!
  const name = `${keyspace}.${to}`
  const call = () => {
    db.renameTable(from, to)
  }
  const isTaken = model.tables.some(({ number }) => number !== table && model.nameOf(number) === name)
  subject.transcript.push(`renaming ${from} to ${to}: ${isTaken ? 'NAME_TAKEN' : 'ok'}`)
  if (isTaken) return expectSame(`renaming ${from} to ${to}`, outcomeOf(call), { code: 'NAME_TAKEN' })
  subject.define(call, (time) => {
    model.change({ table, time, cause: 'rename', name, rows: 'same' })
  })
  counts.renames++
}

/** Empties a table. */
export function truncate(subject: Subject, number: number): void {
  const { db, model, meaning, counts } = subject
  const { number: table, name } = meaning.tableOf(number)
  subject.define(
    () => {
      db.truncate(name)
    },
    (time) => {
      model.change({ table, time, cause: 'truncate', name, rows: 'none' })
    },
  )
  counts.truncations++
}

/** Puts a keyspace, or one table of it, back. */
export function restore(subject: Subject, plan: Extract<Operation, { do: 'restore' }>): void {
  const { db, model, meaning } = subject
  const { input, time: to } = meaning.momentOf(plan.to)
  const table = plan.table === undefined ? undefined : meaning.tableOf(plan.table)
  const keyspace = table === undefined ? `ks${plan.keyspace}` : model.tables[table.number]!.keyspace
  // A name means the table that had it then.
  const named = model.tables.find(({ number }) => model.nameOf(number, to) === table?.name)
  const scope = { keyspace, table: table && (named?.number ?? table.number) }
  const options = { to: input, table: table?.name.slice(keyspace.length + 1) }
  putBack(subject, scope, to, undefined, () => db.restoreSync(keyspace, options))
}

/** Takes a restore, or an undo, back. */
export function undo(subject: Subject, index: number): void {
  const { db, model } = subject
  const { undoable } = model
  const undone = undoable.at(-1 - (index % Math.max(1, undoable.length)))
  if (undone === undefined) return
  const listed = db.restores().find(({ time }) => time === undone.time)
  const to = (undone.time - 1n) as HybridTime
  putBack(subject, undone.scope, to, undone, () => db.undoSync(listed!.id))
}

function putBack(
  subject: Subject,
  scope: ModelRestoreScope,
  to: HybridTime,
  undone: ModelRestore | undefined,
  call: () => unknown,
): void {
  const { model, counts, transcript } = subject
  const cause = undone === undefined ? 'restore' : 'undo'
  const judged = model.judgeRestore(scope, to, cause)
  const what = `${cause} of ${JSON.stringify(scope)} to ${formatExact(to)}`
  transcript.push(`${what}: ${judged}`)
  if (judged !== 'ok') {
    expectSame(what, outcomeOf(call), { code: judged })
    if (judged !== 'FUTURE_TIME') model.clock.use(to)
    counts.refusedRestores++
    return
  }
  if (!isAllowed(subject, scope, to)) return
  const inModel = (time: HybridTime) => {
    model.restore({ scope, time, undoes: undone?.time }, to)
  }
  subject.define(call, inModel, to)
  if (undone === undefined) counts.restores++
  else counts.undos++
  noteTarget(model, scope, to, counts)
  subject.observe()
}

/** Whether some table stays; where none may go, whether all do. */
function isAllowed(
  { model, tables, canReopenEarlier }: Subject,
  scope: ModelRestoreScope,
  to: HybridTime,
): boolean {
  const after = new Set(model.existingAfter(scope, to).map(({ number }) => number))
  if (canReopenEarlier) return model.tables.every(({ number }) => after.has(number))
  return tables.some(({ number }) => after.has(number))
}
