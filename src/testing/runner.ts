/**
 * The runner: carries out a list of operations on a database and on the model, and compares what both
 * say, operation by operation. After everything that moves data about, and at the end, all that can be
 * read is compared.
 *
 *     operation ──▶ database ──▶ answer ─┐
 *         └───────▶ model ─────▶ answer ─┴─▶ the same, or Disagreement
 */
import { type Key } from '../table/codec.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import {
  type ComparedTable,
  type Counts,
  Disagreement,
  compareExplanations,
  expectSame,
  expectSound,
  outcomeOf,
} from './comparison.ts'
import { Cursors } from './cursors.ts'
import { MISUSES } from './misuse.ts'
import { describeModel } from './model-text.ts'
import { type ModelScope, type ModelTable, type ModelWrite } from './model-facts.ts'
import {
  type CrashPlan,
  type KeepChoice,
  type Operation,
  type RunPlan,
  type ScopePlan,
  type TablePlan,
  type WorldPlan,
  type WritePlan,
} from './operations.ts'
import { drop, rename, restore, truncate, undo } from './definitions.ts'
import { get, readBeside, scan, view } from './reads.ts'
import { DAY_MICROS, PROBE, Subject, type SubjectOptions } from './subject.ts'
import { keyOf, keysOf, valueOf } from './values.ts'

/** What may be different without any answer being different (law 10), and how much is compared. */
export interface RunOptions extends SubjectOptions {
  /** An operation to carry out before the one of this index. */
  readonly before?: ((index: number) => Operation | undefined) | undefined
}

/** What a run was. */
export interface RunReport {
  readonly counts: Counts
  /** Every answer and every time that the database gave, in order. */
  readonly transcript: readonly string[]
}

const TABLES_MAX = 5
const NO_TIME = { micros: 0, windows: 0 }

/** Runs the operations of a plan. Throws {@link Disagreement} with everything that is needed to understand it. */
export function runPlan(plan: RunPlan, options: RunOptions = {}): RunReport {
  let at = 'the start'
  let run: Run | undefined
  try {
    run = new Run(plan.world, options)
    for (const [index, operation] of plan.operations.entries()) {
      const extra = options.before?.(index)
      at = `what comes before operation ${index}: ${JSON.stringify(extra)}`
      if (extra !== undefined) run.perform(extra)
      at = `operation ${index}: ${JSON.stringify(operation)}`
      run.carryOut(operation)
    }
    at = 'the end'
    return run.finish()
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    const state = run?.describe() ?? ''
    throw new Disagreement(`at ${at}\n${message}\n${state}\n${stack ?? ''}`, { cause: error })
  }
}

class Run {
  readonly #options: RunOptions
  readonly #subject: Subject
  readonly #cursors: Cursors

  constructor(world: WorldPlan, options: RunOptions) {
    this.#options = options
    this.#subject = new Subject(world, options)
    this.#cursors = new Cursors(this.#subject)
    for (const plan of world.tables) this.#createTable(plan)
    this.#subject.observe()
  }

  /** Carries out one operation, unless the world leaves out its kind. */
  carryOut(operation: Operation): void {
    const { world } = this.#subject
    if (world.without.includes(operation.do)) return
    if (world.pace !== undefined) this.#subject.putClock(this.#subject.wall + world.pace)
    this.perform(operation)
  }

  /** Carries out one operation. */
  perform(operation: Operation): void {
    this.#perform(operation)
    this.#subject.syncUsed()
    this.#subject.expectInOrder()
  }

  finish(): RunReport {
    const { counts, transcript } = this.#subject
    this.#subject.compareEverything()
    this.perform({ do: 'reopen', wall: NO_TIME })
    this.#compact(undefined)
    this.#subject.compareEverything()
    const totals = this.#subject.db.stats().tables.map((table) => table.totals)
    counts.droppedTombstones += totals.reduce((sum, { droppedTombstones }) => sum + droppedTombstones, 0)
    this.#subject.close()
    this.#subject.expectInOrder()
    return { counts, transcript }
  }

  /** The state of the model, in words. */
  describe(): string {
    return `window ${this.#subject.world.windowMicros}\n${describeModel(this.#subject.model)}`
  }

  #perform(operation: Operation): void {
    const subject = this.#subject
    const { db, meaning } = subject
    switch (operation.do) {
      case 'put':
        return this.#commit([operation.write], operation.durability)
      case 'delete':
        return this.#commit([{ ...operation, size: undefined }], undefined)
      case 'batch':
        return this.#commit(operation.writes, operation.durability)
      case 'createTable':
        return this.#createTable(operation.plan)
      case 'drop':
        return drop(subject, operation.table)
      case 'rename':
        return rename(subject, operation)
      case 'truncate':
        return truncate(subject, operation.table)
      case 'restore':
        return restore(subject, operation)
      case 'undo':
        return undo(subject, operation.index)
      case 'flush':
        db.flush(meaning.nameOf(operation.table))
        return this.#compareIfWatched()
      case 'compact':
        return this.#compact(operation.table)
      case 'sync':
        db.sync()
        return subject.ledger.promise('disk')
      case 'advance':
        return subject.putClock(subject.wall + Math.max(0, meaning.microsOf(operation.by)))
      case 'stepBack':
        if (subject.knowsNow) subject.putClock(subject.wall - meaning.microsOf(operation.by))
        return
      case 'jump':
        if (subject.knowsNow) subject.jump(operation.seconds * 1_000_000)
        return
      case 'confirm':
        db.confirmClock()
        subject.model.clock.confirm()
        return subject.observe()
      case 'hold':
        return this.#hold(operation)
      case 'release':
        return this.#release(operation.name)
      case 'retain':
        return this.#retain(operation.scope, operation.keep)
      case 'get':
        return get(subject, operation)
      case 'scan':
        return scan(subject, operation)
      case 'view':
        return view(subject, operation.at)
      case 'openCursor':
        return this.#cursors.open(operation)
      case 'stepCursor':
        return this.#cursors.step(operation.cursor, operation.steps)
      case 'closeCursor':
        return this.#cursors.close(operation.cursor)
      case 'check':
        return expectSound(db)
      case 'reopen':
        return this.#reopen(operation)
      case 'openReader':
        return readBeside(subject)
      case 'misuse':
        return this.#misuse(operation.how, operation.table)
      case 'crash':
        return this.#crash(operation)
    }
  }

  #commit(plans: readonly WritePlan[], durability: Durability | undefined): void {
    const { db, model, meaning } = this.#subject
    const writes = plans.map((plan) => meaning.writeOf(plan))
    const chosen = this.#options.durability ?? durability
    if (writes.length === 0) {
      expectSame('the time of nothing', formatExact(db.batch([]).time), formatExact(model.clock.used))
      return
    }
    const [first] = writes
    const call = () =>
      writes.length === 1 ? this.#writeOne(first!, chosen) : this.#writeBatch(writes, chosen)
    this.#subject.commit(call, chosen, (time) => {
      model.commit(
        writes.map(({ table, key, value }) => ({ table, key, value })),
        time,
      )
    })
  }

  #writeOne(
    { to, key: text, value }: ModelWrite & { readonly to: ComparedTable },
    durability: Durability | undefined,
  ): HybridTime {
    const handle = this.#subject.db.table<Key>(to.name)
    const key = keyOf(to.keys, text)
    if (value === undefined) return handle.delete(key, { durability }).time
    return handle.put(key, valueOf(to.values, value), { durability }).time
  }

  #writeBatch(
    writes: readonly (ModelWrite & { readonly to: ComparedTable })[],
    durability: Durability | undefined,
  ): HybridTime {
    const batch = writes.map(({ to: { name: table, keys, values }, key, value }) =>
      value === undefined
        ? { type: 'delete' as const, table, key: keyOf(keys, key) }
        : { type: 'put' as const, table, key: keyOf(keys, key), value: valueOf(values, value) },
    )
    return this.#subject.db.batch(batch, { durability }).time
  }

  #createTable(plan: TablePlan): void {
    const { tables } = this.#subject
    if (tables.length >= TABLES_MAX) return
    const keyspace = `ks${plan.keyspace}`
    this.#subject.createTable(`${keyspace}.t${tables.length}`, keyspace, plan)
  }

  /** After a full compaction exactly those versions are left that some readable time sees (law 3). */
  #compact(table: number | undefined): void {
    const { db, model, tables, meaning, counts } = this.#subject
    const only = meaning.nameOf(table)
    db.compact(only)
    for (const { name, versions } of db.stats().tables) {
      const known = tables.find((one) => one.name === name)
      if (known === undefined || (only !== undefined && only !== name)) continue
      const survivors = model.survivors(known.number)
      expectSame(`versions of ${name} after a full compaction`, versions, survivors.length)
      const all = model.versions.filter((version) => version.table === known.number)
      if (survivors.length < all.length) counts.effectiveCompactions++
      this.#countNeededRefusals(known.number)
      compareExplanations(this.#subject.comparison, known)
    }
    this.#compareIfWatched()
  }

  /** Times that are gone, and as of which what is left would answer something else. */
  #countNeededRefusals(table: number): void {
    const { model, counts } = this.#subject
    const left = model.survivors(table)
    const isLost = (time: HybridTime) =>
      model.versions.some(
        (version) =>
          version.table === table &&
          version.value !== undefined &&
          version === model.find(table, version.key, time) &&
          !left.includes(version),
      )
    const gone = model.boundaries(table).filter((time) => !model.isReadable(table, time))
    counts.refusalsNeeded += gone.filter(isLost).length
  }

  #hold(plan: Extract<Operation, { do: 'hold' }>): void {
    const { db, model, meaning, transcript } = this.#subject
    const from = meaning.momentOf(plan.at)
    const through = meaning.askedAt(plan.through) ?? from
    const scope = meaning.scopeOf(plan.scope)
    const expiresIn = plan.expiresIn && Math.max(0, meaning.microsOf(plan.expiresIn))
    const name = `hold${plan.name}`
    const times =
      plan.through === undefined ? { at: from.input } : { from: from.input, through: through.input }
    const call = () => db.hold({ name, ...meaning.targetOf(scope), ...times, expiresIn })
    // Nothing is at the very beginning of time.
    const [first, last] = [orTickOne(from.time), orTickOne(through.time)]
    if (this.#isOverDropped(scope, first, last)) return
    const judged = this.#judgeHold(name, scope, first, last)
    transcript.push(`${name}: ${judged}`)
    if (judged !== 'ok') return expectSame(`placing ${name}`, outcomeOf(call), { code: judged })
    const expires = expiresIn === undefined ? undefined : model.clock.retained + expiresIn
    const callAndUse = () => {
      call()
      model.clock.use(last)
    }
    const inModel = () => {
      model.hold({ name, scope, first, last, expires })
    }
    this.#subject.define(callAndUse, inModel, last)
    this.#subject.observe()
  }

  #judgeHold(name: string, scope: ModelScope, first: HybridTime, last: HybridTime): string {
    const { model } = this.#subject
    if (first > last) return 'INVALID_ARGUMENT'
    if (Number(last / 4096n) > model.clock.current) return 'FUTURE_TIME'
    if (model.holds.some((hold) => hold.name === name)) return 'NAME_TAKEN'
    const tables = this.#tablesOf(scope).filter(({ number }) => model.exists(number))
    return tables.every(({ number }) => model.isAllReadable(number, first, last)) ? 'ok' : 'HISTORY_GONE'
  }

  /**
   * Whether a hold would be about times of a dropped table that are gone. It is refused as long as the table
   * is remembered, which nobody is told.
   */
  #isOverDropped(scope: ModelScope, first: HybridTime, last: HybridTime): boolean {
    const { model } = this.#subject
    const dropped = this.#tablesOf(scope).filter(({ number }) => !model.exists(number))
    return dropped.some(({ number }) => first <= last && !model.isAllReadable(number, first, last))
  }

  #tablesOf(scope: ModelScope): readonly ModelTable[] {
    return this.#subject.model.tables.filter(
      ({ number, keyspace }) =>
        scope === 'database' || ('table' in scope ? scope.table === number : scope.keyspace === keyspace),
    )
  }

  #release(number: number): void {
    const { db, model } = this.#subject
    const name = `hold${number}`
    const call = () => {
      db.release(name)
    }
    if (model.holds.some((hold) => hold.name === name)) {
      this.#subject.define(call, () => {
        model.release(name)
      })
    } else {
      expectSame(`releasing ${name}`, outcomeOf(call), { code: 'UNKNOWN_HOLD' })
    }
    this.#subject.observe()
  }

  #retain(plan: ScopePlan, choice: KeepChoice): void {
    const { db, model, meaning, canReopenEarlier } = this.#subject
    // The probe's ratchet must not hide from a later process what its now is.
    const scope = plan === 'database' && canReopenEarlier ? { keyspace: 'ks0' } : meaning.scopeOf(plan)
    const keep = choice === 'default' ? DAY_MICROS : meaning.keepOf(choice)
    this.#subject.define(
      () => {
        db.setRetention(keep, meaning.targetOf(scope))
      },
      () => {
        model.retain(scope, keep)
      },
    )
    this.#subject.observe()
  }

  #reopen({ wall }: Extract<Operation, { do: 'reopen' }>): void {
    const { db, meaning } = this.#subject
    const handle = db.table<Key>(meaning.tableOf(0).name)
    this.#subject.reopen(wall, () => {
      expectSame(
        'a handle of a closed database',
        outcomeOf(() => handle.get('x')),
        { code: 'CLOSED' },
      )
      this.#cursors.expectClosed()
    })
  }

  #crash(plan: CrashPlan): void {
    this.#subject.crash(plan, () => {
      if (plan.during !== undefined) this.carryOut(plan.during)
    })
    this.#cursors.forget()
  }

  #misuse(how: number, number: number): void {
    const { db, meaning, counts } = this.#subject
    const { what, code, call } = MISUSES[how % MISUSES.length]!
    const { name, keys, values } = meaning.tableOf(number)
    const context = {
      ...{ db, name, table: db.table<Key>(name), readable: PROBE },
      key: keyOf(keys, keysOf(keys, [0])[0]!),
      wrongKey: keys === 'text' ? new Uint8Array(1) : 'text',
      value: valueOf(values, 'misuse'),
    }
    const before = formatExact(db.newest)
    expectSame(
      what,
      outcomeOf(() => call(context)),
      { code },
    )
    expectSame(`the newest time after ${what}`, formatExact(db.newest), before)
    counts.misuses++
  }

  #compareIfWatched(): void {
    if (this.#subject.world.watch === 'always') this.#subject.compareEverything()
  }
}

function orTickOne(time: HybridTime): HybridTime {
  return time === 0n ? (1n as HybridTime) : time
}
