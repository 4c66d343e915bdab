/**
 * The workload of crash checks: writes over several tables, flushes, compactions, holds, retention
 * changes, restores, undos, truncations, drops, reopening; all of it drawn from one seed, so that it runs the
 * same way as often as it is asked to.
 */
import { crc32 } from '../../base/checksum.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { type Database, openDatabase } from '../../database/database.ts'
import { FaultFiles } from '../../simulator/fault-files.ts'
import { type FileOperation } from '../../storage/file-rules.ts'
import { type FileSystem } from '../../storage/files.ts'
import { type RandomStream, happens, pick, seededRandom } from '../../simulator/random.ts'
import { POLICY_NAMES, type PolicyName } from '../../storage/policy.ts'
import { type Durability } from '../../tablet/commit-log.ts'
import { type HybridTime, laterOf, tickAfter, tickBefore } from '../../time/hybrid-time.ts'
import { ReplayClock } from '../../time/replay-clock.ts'
import { WriteAheadMonitor } from '../write-ahead/monitor.ts'
import { StandIn } from './stand-in.ts'
import { type StateStep, StateLedger, type TablesState } from './states.ts'

/** A table whose history is kept for ever; one with a short window; one that comes and goes. */
export const KEPT = 'crash.kept'
export const SHORT = 'crash.short'
export const PASSING = 'crash.passing'
/** The number of every write, in a keyspace that is never put back. */
export const NUMBERS = 'ledger.numbers'

/** Whatever the window of the short tables is set to, it is no shorter. */
export const SHORTEST_KEEP_MICROS = 50
const SHORT_KEEP_MICROS = 200
const KEYS = ['a', 'b', 'hot']
const DURABILITIES: readonly Durability[] = ['none', 'os', 'os', 'os', 'disk']

/** What a workload is drawn from. */
export interface WorkloadOptions {
  /** Decides everything. */
  readonly seed: number
  /** How many operations. */
  readonly operations: number
}

/** Is told of every call that changes the disk, before it is made: by its number and kind. */
export type BeforeCall = (index: number, operation: FileOperation) => void

interface DoneRestore {
  readonly id: string
  readonly tables: readonly string[]
  /** The steps before it. */
  readonly before: number
}

/** The operations of a seed, run on a disk of its own. */
export class Workload {
  files: FaultFiles = new FaultFiles()
  readonly ledger: StateLedger = new StateLedger()
  readonly policy: PolicyName
  readonly #random: RandomStream
  /** Half of the workloads have one. */
  readonly #standIn: StandIn | undefined
  readonly #operations: number
  readonly #clock = new ReplayClock({ micros: 1_000_000, leadMicros: 50 })
  #monitor = new WriteAheadMonitor(this.files, crc32)
  #writes = 0
  #restores: DoneRestore[] = []

  constructor({ seed, operations }: WorkloadOptions) {
    this.#random = seededRandom(seed).fork('workload')
    this.#operations = operations
    this.policy = pick(this.#random, POLICY_NAMES)
    const fates = seededRandom(seed).fork('fates')
    this.#standIn = happens(fates, 0.5) ? new StandIn(fates) : undefined
  }

  /** Whether a flush or a merge has run, and its result waits to be installed. */
  get isJobWaiting(): boolean {
    return this.#standIn?.isJobWaiting ?? false
  }

  /** Where the clock stands. */
  get micros(): number {
    return this.#clock.now()
  }

  /** Runs it all, and fails where anything is written before what it relies on is durable. */
  run(beforeCall: BeforeCall): void {
    this.files = new FaultFiles({
      onOperation: ({ index, operation }) => {
        if (index !== undefined) beforeCall(index, operation)
      },
    })
    this.#monitor = new WriteAheadMonitor(this.files, crc32)
    let database = this.#open()
    for (const keyspace of ['ledger', 'crash']) database.createKeyspace(keyspace)
    database.createTable(NUMBERS, { keep: 'forever', values: 'text' })
    this.#create(database, KEPT)
    this.#create(database, SHORT)
    for (let i = 0; i < this.#operations; i++) {
      this.#clock.advance(pick(this.#random, [0, 0, 1, 1, 2, 7, 60]))
      database = this.#step(database)
      this.#note(database)
      this.#monitor.assertInOrder()
    }
    database.close()
    this.#note(database)
    this.#monitor.assertInOrder()
    this.ledger.allDurable()
  }

  #open(): Database {
    return openForCrash(this.#monitor.files, this.#clock, this.policy, this.#standIn)
  }

  #step(database: Database): Database {
    const { ledger } = this
    const kind = this.#random.below(27)
    if (kind < 11) this.#write(database)
    else if (kind < 13) database.flush()
    else if (kind === 13) database.compact()
    else if (kind === 14) {
      database.sync()
      ledger.allDurable()
    } else if (kind === 15) this.#hold(database)
    else if (kind === 16) this.#release(database)
    else if (kind === 17) {
      const keep = pick(this.#random, [SHORTEST_KEEP_MICROS, SHORT_KEEP_MICROS])
      database.setRetention(keep, { table: SHORT })
    } else if (kind === 18) {
      // A read as of now closes the microsecond: no later commit may be in it.
      const now = database.resolveTime('now')
      database.table(KEPT).get('a', { asOf: now })
      ledger.usedThrough = laterOf(ledger.usedThrough, now)
    } else if (kind < 21) this.#restore(database)
    else if (kind < 23) this.#undo(database)
    else if (kind === 23) this.#truncate(database)
    else if (kind === 24) this.#comeOrGo(database)
    else {
      database.close()
      ledger.allDurable()
      return this.#open()
    }
    return database
  }

  #write(database: Database): void {
    const id = ++this.#writes
    const { ledger } = this
    const writes = new Map<string, string | undefined>()
    for (const key of KEYS.filter(() => happens(this.#random, 0.5))) {
      const value = `${key} ${id} ${'·'.repeat(this.#random.below(40))}`
      writes.set(key, happens(this.#random, 0.25) ? undefined : value)
    }
    writes.set('id', `${id}`)
    const durability = pick(this.#random, DURABILITIES)
    const state = new Map(Array.from(ledger.state, ([table, rows]) => [table, rowsAfter(rows, writes)]))
    const step = ledger.begin({ did: 'write', id, state })
    const numbered = { type: 'put' as const, table: NUMBERS, key: 'id', value: `${id}` }
    const rest = [...state.keys()].flatMap((table) =>
      Array.from(writes, ([key, value]) =>
        value === undefined
          ? { type: 'delete' as const, table, key }
          : { type: 'put' as const, table, key, value },
      ),
    )
    step.from = step.time = database.batch([numbered, ...rest], { durability }).time
    if (durability !== 'none') ledger.handedOver = ledger.steps.length
    // Whatever the database says of it by itself: it was asked for.
    if (durability === 'disk') ledger.allDurable()
  }

  /** Everything, or one table, to a state that was there not long ago; one that is kept for ever, to any. */
  #restore(database: Database): void {
    const { ledger } = this
    const isOne = happens(this.#random, 0.4)
    // Both tables are there from the second step on.
    const oldest = isOne ? 1 : Math.max(1, ledger.steps.length - 4)
    const index = oldest + this.#random.below(ledger.steps.length - oldest)
    const to = ledger.steps[index]!.time
    if (isOne && !ledger.stateAfter(index + 1).has(KEPT)) return
    this.#putBack(isOne ? [KEPT] : undefined, index + 1, () =>
      database.restoreSync('crash', { to, table: isOne ? 'kept' : undefined }),
    )
  }

  #undo(database: Database): void {
    const chosen = this.#restores.at(-1 - this.#random.below(3))
    if (chosen === undefined) return
    const { id, tables, before } = chosen
    this.#restores = this.#restores.filter((restore) => restore !== chosen)
    this.#putBack(tables.length === 1 ? tables : undefined, before, () => database.undoSync(id))
  }

  /** Some tables, or all, go back to their state after so many steps. */
  #putBack(
    only: readonly string[] | undefined,
    count: number,
    act: () => { readonly id: string; readonly time?: HybridTime | undefined },
  ): void {
    const { ledger } = this
    const then = ledger.stateAfter(count)
    const state = only === undefined ? then : withTables(ledger.state, only, then)
    const before = ledger.steps.length
    const step = ledger.begin({ did: 'restore', state })
    try {
      const { id, time } = act()
      step.from = step.time = time!
      this.#restores.push({ id, tables: only ?? [...state.keys()], before })
      ledger.allDurable()
    } catch (error) {
      // Its time may have left the window of a table.
      if (!(error instanceof PalimpsestError && error.code === 'HISTORY_GONE')) throw error
      ledger.takeBack()
    }
  }

  #truncate(database: Database): void {
    const table = pick(this.#random, [KEPT, SHORT])
    if (!this.ledger.state.has(table)) return
    this.#define(database, withTables(this.ledger.state, [table], emptied(table)), () => {
      database.truncate(table)
    })
  }

  #comeOrGo(database: Database): void {
    const { state } = this.ledger
    if (!state.has(PASSING)) return this.#create(database, PASSING)
    this.#define(database, withTables(state, [PASSING], new Map()), () => {
      database.dropTable(PASSING)
    })
  }

  #create(database: Database, table: string): void {
    const keep = table === KEPT ? 'forever' : SHORT_KEEP_MICROS
    this.#define(database, new Map([...this.ledger.state, ...emptied(table)]), () => {
      database.createTable(table, { keep, values: 'text' })
    })
  }

  /** A change of the definitions: durable when it returns. The database may add a commit of its own. */
  #define(database: Database, state: TablesState, act: () => void): void {
    const step: StateStep = this.ledger.begin({ did: 'define', state })
    const last = database.newest
    act()
    step.from = tickAfter(last)
    step.time = database.newest
    this.ledger.allDurable()
  }

  #hold(database: Database): void {
    if (this.ledger.held.size >= 2) return
    const name = `h${this.#writes}`
    if (this.ledger.held.has(name)) return
    const { through } = database.hold({ name, at: 'now', keyspace: 'crash' })
    this.ledger.held.set(name, through)
  }

  #release(database: Database): void {
    const [name] = this.ledger.held.keys()
    if (name === undefined) return
    // Once the release is on its way, nothing is promised any more.
    this.ledger.held.delete(name)
    database.release(name)
  }

  #note(database: Database): void {
    const { ledger } = this
    ledger.usedThrough = laterOf(ledger.usedThrough, database.newest)
    const { durableThrough } = database
    ledger.durable = Math.max(
      ledger.durable,
      ledger.steps.filter(({ time }) => time <= durableThrough).length,
    )
    ledger.handedOver = Math.max(ledger.handedOver, ledger.durable)
  }
}

/** Opens a disk as workloads do; jobs run at once, unless something stands in for a thread. */
export function openForCrash(
  files: FileSystem,
  clock: ReplayClock,
  policy: PolicyName,
  standIn?: StandIn,
): Database {
  const world = { files, clock, checksum: crc32, jobs: standIn && (() => standIn.start) }
  return openDatabase(world, { geometry: 'miniature', policy })
}

/**
 * The times as of which the state after so many steps must show: from each step on, through the tick before
 * the next one, and those that are asked for besides.
 */
export function* timesOf(
  steps: readonly StateStep[],
  besides: Iterable<HybridTime>,
): Generator<readonly [time: HybridTime, count: number]> {
  for (const [i, { time }] of steps.entries()) {
    yield [time, i + 1]
    const next = steps[i + 1]
    if (next !== undefined && tickBefore(next.from) > time) yield [tickBefore(next.from), i + 1]
  }
  for (const time of besides) {
    const count = steps.findLastIndex((step) => step.time <= time) + 1
    const next = steps[count]
    if (count > 0 && (next === undefined || next.from > time)) yield [time, count]
  }
}

/** A table without rows. */
function emptied(table: string): TablesState {
  return new Map([[table, new Map<string, string>()]])
}

function rowsAfter(
  rows: ReadonlyMap<string, string>,
  writes: ReadonlyMap<string, string | undefined>,
): ReadonlyMap<string, string> {
  const after = new Map(rows)
  for (const [key, value] of writes) {
    if (value === undefined) after.delete(key)
    else after.set(key, value)
  }
  return after
}

/** A state with some tables as they are in another one; those that are not there are gone. */
function withTables(state: TablesState, tables: readonly string[], from: TablesState): TablesState {
  const after = new Map(state)
  for (const table of tables) {
    const rows = from.get(table)
    if (rows === undefined) after.delete(table)
    else after.set(table, rows)
  }
  return after
}
