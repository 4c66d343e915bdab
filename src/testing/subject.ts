/**
 * The subject: the database that is tested and the model beside it, through all of its processes.
 *
 * The database runs on files in memory, or on a simulated disk if the world crashes, and on a clock that
 * stands where it is put. Everything goes through its public face.
 */
import { pickOptions } from '../base/arguments.ts'
import { crc32 } from '../base/checksum.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { type OpenOptions, OPEN_OPTIONS } from '../database/options.ts'
import { FaultFiles } from '../simulator/fault-files.ts'
import { SimulatedCrash } from '../simulator/fault-plan.ts'
import { seededRandom } from '../simulator/random.ts'
import { type FileSystem } from '../storage/files.ts'
import { type GeometryName, type Sizes } from '../storage/geometry.ts'
import { type PickerName } from '../storage/pickers.ts'
import { type PolicyName } from '../storage/policy.ts'
import { MemoryFiles } from '../storage/memory-files.ts'
import { type StoreEvent } from '../store/events.ts'
import { type StartRunner } from '../store/open.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { type HybridTime, formatExact, parseExact } from '../time/hybrid-time.ts'
import { ReplayClock } from '../time/replay-clock.ts'
import {
  type ComparedTable,
  type Comparison,
  compareEverything,
  expectSame,
  expectThat,
} from './comparison.ts'
import { type Counts, noCounts } from './counts.ts'
import { compareExplainedReads } from './explanations.ts'
import { Ledger } from './ledger.ts'
import { Meaning } from './meaning.ts'
import { Model } from './model.ts'
import { Structure } from './structure.ts'
import { type CrashPlan, type Delta, type TablePlan, type WorldPlan } from './operations.ts'
import { WriteAheadMonitor } from './write-ahead/monitor.ts'

/** What a process may be told without any answer being different (law 10). */
export interface ProcessOptions {
  readonly sizes?: Sizes | undefined
  readonly policy?: PolicyName | undefined
  readonly picker?: PickerName | undefined
  readonly cacheBytes?: number | undefined
  readonly openTables?: number | undefined
}

/** What a database may be given without any answer being different (law 10). */
export interface SubjectOptions extends ProcessOptions {
  readonly geometry?: GeometryName | undefined
  /** The durability of every commit. */
  readonly durability?: Durability | undefined
  /** What it lies on, in a world that does not crash. */
  readonly files?: 'memory' | 'simulated disk' | undefined
  /** What every second process is told instead. */
  readonly next?: ProcessOptions | undefined
  /** Where flushes and compactions run. */
  readonly startRunner?: StartRunner | undefined
}

/** A day: how long the table keeps its history whose cutoff tells the now of retention. */
export const DAY_MICROS = 86_400_000_000
/** No operation touches this table, and its history is kept for a day, so that its cutoff tells retention's now. */
export const PROBE = 'probe.day'
/** How far ahead the clock reserves times: a database that crashed goes on behind that. */
const LEAD_MICROS = 2
/** At most so many commits of upkeep follow each other. */
const UPKEEP_MAX = 16n

/** A database and its model. */
export class Subject {
  readonly world: WorldPlan
  readonly model: Model
  /** The tables that operations are about. */
  readonly tables: ComparedTable[] = []
  readonly meaning: Meaning
  readonly ledger: Ledger = new Ledger()
  readonly counts: Counts = noCounts()
  /** Every answer and every time that the database gave, in order. */
  readonly transcript: string[] = []
  readonly #structure: Structure = new Structure(this.counts)
  readonly #options: SubjectOptions
  readonly #clock: ReplayClock
  #files: FileSystem
  #monitor: WriteAheadMonitor
  #db: Database
  /** How many processes there were before this one. */
  #processes = 0
  /** State-changing file calls until the process ends. */
  #callsLeft = Infinity

  constructor(world: WorldPlan, options: SubjectOptions) {
    this.world = world
    this.#options = options
    this.#clock = new ReplayClock({ micros: world.startMicros, leadMicros: LEAD_MICROS })
    this.model = new Model(world.startMicros)
    this.meaning = new Meaning(world, this.model, this.tables)
    const isDisk = !world.without.includes('crash') || options.files === 'simulated disk'
    this.#files = isDisk ? new FaultFiles({ onOperation: this.#onFileCall }) : new MemoryFiles()
    this.#monitor = new WriteAheadMonitor(this.#files, crc32)
    this.#db = this.#open()
    for (const name of ['probe', 'ks0', 'ks1']) {
      this.define(
        () => this.#db.createKeyspace(name),
        (time) => {
          this.model.createKeyspace(name, time)
        },
      )
    }
    const keep = { micros: DAY_MICROS, windows: 0 }
    this.createTable(PROBE, 'probe', { keys: 'text', values: 'text', keyspace: 0, keep })
  }

  /** The database of the current process. */
  get db(): Database {
    return this.#db
  }

  /** Whether the probe's day has begun, so that its cutoff tells the now of retention. */
  get knowsNow(): boolean {
    return this.world.startMicros > 2 * DAY_MICROS
  }

  /** Whether a new process may find the wall behind where retention's now has been. */
  get canReopenEarlier(): boolean {
    return this.world.canReopenEarlier && this.knowsNow
  }

  // Commits.

  /**
   * Makes a commit. Law 1: its time is the first one of the clock's microsecond, or the first one above every
   * time that was issued or used; `uses` is one that the call itself uses first.
   */
  commit(
    call: () => HybridTime,
    durability: Durability | undefined,
    inModel: (time: HybridTime) => void,
    uses: HybridTime = this.model.clock.used,
  ): void {
    const due = this.#dueTime(uses)
    this.ledger.begin(due, inModel)
    const time = call()
    const { clock } = this.model
    expectSame('the time of a commit', formatExact(time), formatExact(due))
    this.#countPlace(time)
    clock.use(time)
    this.ledger.end(time, durability ?? this.#options.durability ?? 'os')
    this.counts.commits++
    this.transcript.push(`commit ${formatExact(time)}`)
  }

  /** Counts where a new commit lies in its microsecond, and whether that has another one. */
  #countPlace(time: HybridTime): void {
    const { model, counts, ledger } = this
    const { wall, retained } = model.clock
    const micros = time / 4096n
    if (ledger.newest !== undefined && ledger.newest / 4096n === micros) counts.sharedMicros++
    if (time % 4096n === 0n && Number(micros) > Math.max(wall, retained)) counts.carries++
    if (time % 4096n === 4095n) counts.lastTicks++
  }

  /**
   * Changes the catalog: one durable commit, at the first time that is free after what the call `uses`. The
   * database may make another commit behind it, of its own: its upkeep.
   */
  define(
    call: () => unknown,
    inModel: (time: HybridTime) => void,
    uses: HybridTime = this.model.clock.used,
  ): void {
    const due = this.#dueTime(uses)
    const change = () => {
      call()
      expectThat(`no commit at ${formatExact(due)}`, this.#db.newest >= due)
      return due
    }
    this.commit(change, 'disk', inModel, uses)
  }

  /** The time that the next commit gets: the clock's microsecond where that is above all, else the next tick. */
  #dueTime(uses: HybridTime): HybridTime {
    const { used, wall, retained } = this.model.clock
    const next = (uses > used ? uses : used) + 1n
    const micros = BigInt(Math.max(wall, retained)) * 4096n
    return (next > micros ? next : micros) as HybridTime
  }

  createTable(name: string, keyspace: string, plan: TablePlan): void {
    const keep = plan.keep === 'default' ? undefined : this.meaning.keepOf(plan.keep)
    const { keys, values } = plan
    this.define(
      () => this.#db.createTable(name, { keys, values, keep }),
      (created) => {
        const { number } = this.model.createTable({ name, keyspace, keys, created }, keep)
        if (name !== PROBE) this.tables.push(this.#compared(number, plan))
      },
    )
  }

  /** A table under the name that it has. */
  #compared(number: number, { keys, values }: TablePlan): ComparedTable {
    const { model } = this
    return {
      ...{ number, keys, values },
      get name() {
        return model.nameOf(number) ?? `dropped table ${number}`
      },
    }
  }

  // Time.

  /** Time passes, or the wall is put back. */
  putClock(micros: number): void {
    this.#clock.set(Math.max(0, micros))
    this.model.clock.set(this.#clock.now())
    this.observe()
  }

  /** The wall moves alone. */
  jump(micros: number): void {
    this.#clock.jump(micros)
    this.model.clock.jump(micros)
    this.observe()
  }

  /** The microsecond that the wall shows. */
  get wall(): number {
    return this.#clock.now()
  }

  /** Looks at what depends on the now of retention: every window, and which holds are in force. */
  observe(): void {
    const { model } = this
    model.passTime()
    for (const { name, cutoff, levels } of this.#db.stats().tables) {
      const known = model.tables.find(({ number }) => model.nameOf(number) === name)
      expectSame(`the cutoff of ${name}`, cutoff.time, known && formatExact(model.windowOf(known.number)))
      if (levels.length > 1) this.counts.deepTrees++
    }
    const names = (holds: readonly { readonly name: string }[]) => holds.map(({ name }) => name).toSorted()
    const placed = this.#db.holds().filter((hold) => hold.kind === 'hold')
    expectSame('the holds in force', names(placed), names(model.holds))
  }

  /**
   * Takes in what the database used beyond what the model knows of: its upkeep, at the next free ticks. They
   * carry into the next microsecond only where the current one was used to its end.
   */
  syncUsed(): void {
    const { clock } = this.model
    const { newest } = this.#db
    expectThat(`the newest time ${formatExact(newest)} is below what was used`, newest >= clock.used)
    const latest = Math.max(clock.current, Number((clock.used + UPKEEP_MAX) / 4096n))
    expectThat(`the newest time ${formatExact(newest)} is in the future`, Number(newest / 4096n) <= latest)
    if (newest > clock.used) this.counts.upkeeps++
    this.ledger.noteOwn(clock.used, newest)
    clock.use(newest)
  }

  // Comparing.

  /** What there is to compare. */
  get comparison(): Comparison {
    const { model, tables, counts, world } = this
    return { db: this.#db, model, tables, keys: world.keys, counts }
  }

  /** Nothing was written before what it relies on was durable. */
  expectInOrder(): void {
    this.#monitor.assertInOrder()
  }

  /** Reads everything, and checks the structure of all files. */
  compareEverything(): void {
    this.syncUsed()
    compareEverything(this.comparison)
    compareExplainedReads(this.comparison)
    this.look()
    this.syncUsed()
  }

  /** Looks at what lies in the directory. */
  look(): void {
    this.#structure.look(this.#db, this.#files, this.#options.startRunner !== undefined)
    this.#structure.lookAtViews(this.#db, this.model, this.tables)
  }

  // Processes.

  /** Ends the process in good order, looks at what it left behind, and begins another. */
  reopen(wall: Delta, whenClosed: () => void): void {
    this.#db.close()
    this.ledger.promise('disk')
    whenClosed()
    this.counts.reopenings++
    this.#startProcess(wall, this.model.clock.used)
  }

  /** Ends the process, perhaps within something that it does, loses what was promised to nobody, and begins another. */
  crash(plan: CrashPlan, carryOutDuring: () => void): void {
    if (!(this.#files instanceof FaultFiles)) return
    const isWithin = this.#endsWithin(plan.calls, carryOutDuring)
    const promised = this.ledger.promisedAfter(plan.model, this.#db.durableThrough)
    this.expectInOrder()
    this.#files = this.#files.crash(plan.model, seededRandom(plan.seed), { onOperation: this.#onFileCall })
    this.#callsLeft = Infinity
    this.#monitor = new WriteAheadMonitor(this.#files, crc32)
    this.counts.crashes++
    if (isWithin) this.counts.crashesWithin++
    const { clock } = this.model
    // What was going on may have used the end of this microsecond, and a commit the next one.
    const latestMicros = clock.current + 1 + LEAD_MICROS
    this.#recover(plan.model, promised)
    this.#startProcess(plan.wall, ((BigInt(latestMicros) + 1n) * 4096n - 1n) as HybridTime)
  }

  /** A reader beside this process. */
  openReader(): Database {
    return this.#open(true)
  }

  close(): void {
    this.#db.close()
  }

  #open(readOnly = false): Database {
    const { policy, level0Tables } = this.world
    const { geometry = 'miniature', durability, next, startRunner, ...first } = this.#options
    const process = { policy, ...first, ...(this.#processes % 2 === 1 ? next : {}) }
    const options = {
      ...{ readOnly, geometry, durability, ...process },
      sizes: { level0Tables, ...process.sizes },
      onEvent: (event: StoreEvent) => {
        this.#onEvent(event)
      },
    }
    const clockAndFiles = { files: this.#monitor.files, clock: this.#clock }
    const world = { ...clockAndFiles, checksum: crc32, jobs: () => startRunner }
    return openDatabase(world, pickOptions<OpenOptions>(options, OPEN_OPTIONS))
  }

  #onEvent(event: StoreEvent): void {
    if (event.kind === 'flush') this.#structure.noteFlush(event.tablet)
    if (event.kind === 'compaction') this.counts.droppedVersions += event.droppedVersions
    if (event.kind === 'failure') throw event.error
  }

  /** Whether the process ended before it got to the end of what it was doing. */
  #endsWithin(calls: number, carryOutDuring: () => void): boolean {
    this.#callsLeft = calls
    try {
      carryOutDuring()
      return false
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error
      return true
    }
  }

  /** Laws 5 and 6: what is there are the first so many commits, whole, and all that had been promised. */
  #recover(model: string, promised: HybridTime): void {
    const reader = this.#open(true)
    const { newest } = reader
    reader.close()
    expectThat(`${model} left ${formatExact(newest)}, before ${formatExact(promised)}`, newest >= promised)
    if (this.ledger.settle(newest)) this.counts.losses++
    // Upkeep that was going on may have made commits that nobody saw.
    const due = this.#dueTime(this.model.clock.used)
    const isUpkeep = due <= newest && newest < due + UPKEEP_MAX
    const isKnown = isUpkeep || this.ledger.has(newest)
    expectThat(`${model} left a commit at ${formatExact(newest)} that nobody made`, isKnown)
    this.ledger.noteOwn(this.model.clock.used, newest)
    this.model.clock.use(newest)
    this.model.loseAfter(newest)
  }

  /** Opens the database in a new process, whose clock may show anything. */
  #startProcess(wall: Delta, latestUsed: HybridTime): void {
    const { clock } = this.model
    this.model.closeCursors()
    this.#processes++
    const shown = Math.max(0, this.#clock.now() + this.meaning.microsOf(wall))
    this.#clock.set(this.canReopenEarlier ? shown : Math.max(shown, clock.retained))
    this.#db = this.#open()
    const { newest } = this.#db
    expectSame('restores', this.#db.restores().length, this.model.restoreCount)
    const times = `${formatExact(newest)}, not from ${formatExact(clock.used)} through ${formatExact(latestUsed)}`
    expectThat(`a new process goes on at ${times}`, clock.used <= newest && newest <= latestUsed)
    clock.use(newest)
    this.#adoptNow()
    this.observe()
    if (this.world.watch !== 'the end') this.compareEverything()
  }

  /** Law 4: where the wall has gone back, windows have not, except for what nobody was told. */
  #adoptNow(): void {
    const { model } = this
    const cutoffs = new Map(
      this.#db.stats().tables.map(({ name, cutoff }) => [name, parseExact(cutoff.time)]),
    )
    const latest = Math.max(this.wall, model.clock.retained)
    const now = this.knowsNow ? Number(cutoffs.get(PROBE)! / 4096n) + DAY_MICROS : latest
    expectThat(
      `retention's now is ${now}, not from ${this.wall} through ${latest}`,
      now >= this.wall && now <= latest,
    )
    model.clock.restart(this.wall, now)
    if (this.canReopenEarlier) model.forgetNamesWindow()
    for (const { number } of model.tables) {
      const name = model.nameOf(number)
      if (name === undefined) continue
      const cutoff = cutoffs.get(name)!
      const { least, most } = model.windowAfterRestart(number)
      const range = `from ${formatExact(least)} through ${formatExact(most)}`
      expectThat(
        `the cutoff of ${name} is ${formatExact(cutoff)}, not ${range}`,
        least <= cutoff && cutoff <= most,
      )
      model.adoptWindow(number, cutoff)
    }
  }

  /** Counts down to the end of the process; afterwards nothing reaches the disk. */
  readonly #onFileCall = ({ index }: { readonly index: number | undefined }): void => {
    if (this.#callsLeft === 0) throw new SimulatedCrash(0)
    if (index !== undefined) this.#callsLeft--
  }
}
