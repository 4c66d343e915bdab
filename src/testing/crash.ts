/**
 * Crash checking: a workload runs on a fault-injecting disk, and at every call that changes the disk the
 * power is cut in many ways. Each image that could be left is opened and held against what had been
 * promised.
 *
 *     call   1   2   3   4   5   6 …          the workload's calls, run once
 *                    ├─▶ image, image, image …  what a crash before call 3 could leave
 *                          └─▶ reopen ─▶ check ─▶ commit ─▶ cut again ─▶ check
 *
 * After every crash (laws 1, 2, 5, 6):
 * - the database opens, and every file and structural law is in order; no file is left over;
 * - its commits are a prefix of those that were issued, whole, without a hole, and no shorter than what
 *   durability promised;
 * - every read as of a time that must be readable gives what the prefix says, all others that or a refusal;
 * - a new commit gets a time above every time that was issued or used before;
 * - life goes on: one more durable commit survives a power cut, and opening again changes nothing.
 */
import { assert } from '../base/assert.ts'
import { crc32 } from '../base/checksum.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type Database, openDatabase } from '../database/database.ts'
import { type CrashChoice, describeChoice } from '../simulator/crash-choices.ts'
import { CRASH_MODELS } from '../simulator/crash-models.ts'
import { FaultFiles } from '../simulator/fault-files.ts'
import { SimulatedCrash } from '../simulator/fault-plan.ts'
import { type RandomStream, happens, pick, seededRandom } from '../simulator/random.ts'
import { type Durability } from '../tablet/commit-log.ts'
import { type HybridTime, MIN_TIME, formatExact, hybridTime, laterOf, microsOf } from '../time/hybrid-time.ts'
import { ReplayClock } from '../time/replay-clock.ts'

/** How much to try. */
export interface CrashOptions {
  /** Decides the workload and every image. */
  readonly seed: number
  /** Operations of the workload. */
  readonly operations: number
  /** Crash points that are tried, spread over all; all of them if left out. */
  readonly points?: number | undefined
  /** Images at each crash point that are drawn from the models, beside none, all, and each thing alone. */
  readonly drawn: number
  /** The most pending things that are kept or lost alone. */
  readonly singlesMax: number
}

/** What was tried. */
export interface CrashReport {
  readonly calls: number
  readonly points: number
  /** Images that were opened. */
  readonly images: number
  /** Images that equalled an earlier one at the same point. */
  readonly duplicates: number
  /** Images in which some issued commit was missing. */
  readonly shortened: number
  /** Recoveries that crashed themselves, and were recovered. */
  readonly nested: number
}

/** A crash after which a promise was broken, with all that is needed to see it again. */
export class CrashFinding extends Error {
  override readonly name = 'CrashFinding'
}

const KEPT = 'crash.kept'
const SHORT = 'crash.short'
const KEYS = ['a', 'b', 'hot']
const DURABILITIES: readonly Durability[] = ['none', 'os', 'os', 'os', 'disk']
const SHORT_KEEP_MICROS = 200

interface RecordedCommit {
  readonly time: HybridTime
  /** `undefined` deletes. */
  readonly writes: ReadonlyMap<string, string | undefined>
}

/** What the workload has done and what it was promised, at some moment. */
interface Ledger {
  readonly commits: RecordedCommit[]
  /** Commits that survive the death of the process. */
  handedOver: number
  /** Commits that survive a power cut. */
  durable: number
  /** The greatest time that was issued or used. */
  usedThrough: HybridTime
  /** Times of the short table that a hold keeps. */
  readonly held: Map<string, HybridTime>
  isTableThere: boolean
}

/** Runs a workload and checks every crash. Throws {@link CrashFinding}. */
export function checkCrashes(options: CrashOptions): CrashReport {
  const calls = countCalls(options)
  const random = seededRandom(options.seed).fork('points')
  const points = choosePoints(calls, options.points ?? calls + 1, random)
  const counts = { images: 0, duplicates: 0, shortened: 0, nested: 0 }
  const workload = new Workload(options)
  const tryPoint = (point: number) => {
    if (!points.has(point)) return
    tryImages(workload, point, options, counts)
  }
  workload.run((index) => {
    tryPoint(index)
  })
  tryPoint(calls + 1)
  return { calls, points: points.size, ...counts }
}

function countCalls(options: CrashOptions): number {
  const workload = new Workload(options)
  workload.run(() => undefined)
  return workload.files.operations
}

function choosePoints(calls: number, count: number, random: RandomStream): ReadonlySet<number> {
  const all = Array.from({ length: calls + 1 }, (_, i) => i + 1)
  if (count > calls) return new Set(all)
  return new Set(Array.from({ length: count }, () => pick(random, all)))
}

function tryImages(
  workload: Workload,
  point: number,
  options: CrashOptions,
  counts: { images: number; duplicates: number; shortened: number; nested: number },
): void {
  const random = seededRandom(options.seed).fork(`point ${point}`)
  const { drawn, singlesMax } = options
  const seen = new Set<string>()
  for (const choice of workload.files.crashChoices({ random, drawn, singlesMax })) {
    const image = workload.files.crashImage(choice)
    const key = image.imageKey()
    if (seen.has(key)) {
      counts.duplicates++
      continue
    }
    seen.add(key)
    counts.images++
    try {
      const { survived, nested } = checkImage(image, choice, workload, random.fork(describeChoice(choice)))
      if (survived < workload.ledger.commits.length) counts.shortened++
      counts.nested += nested
    } catch (error) {
      const { message, stack } = error instanceof Error ? error : new Error(String(error))
      const place = `seed=${options.seed} operations=${options.operations} point=${point} image=${JSON.stringify(describeChoice(choice))}`
      throw new CrashFinding(`${message}\n  replay: ${place}\n${stack ?? ''}`, { cause: error })
    }
  }
}

/** The operations of a seed, run on a disk of its own. */
class Workload {
  files: FaultFiles
  readonly ledger: Ledger = {
    commits: [],
    handedOver: 0,
    durable: 0,
    usedThrough: MIN_TIME,
    held: new Map(),
    isTableThere: false,
  }
  readonly #random: RandomStream
  readonly #operations: number
  readonly #clock = new ReplayClock({ micros: 1_000_000, leadMicros: 50 })
  #writes = 0

  constructor({ seed, operations }: CrashOptions) {
    this.#random = seededRandom(seed).fork('workload')
    this.#operations = operations
    this.files = new FaultFiles()
  }

  /** Where the clock stands. */
  get micros(): number {
    return this.#clock.now()
  }

  run(beforeCall: (index: number) => void): void {
    this.files = new FaultFiles({
      onOperation: ({ index }) => {
        if (index !== undefined) beforeCall(index)
      },
    })
    let database = openAt(this.files, this.#clock)
    database.createKeyspace('crash')
    database.createTable(KEPT, { keep: 'forever', values: 'text' })
    database.createTable(SHORT, { keep: SHORT_KEEP_MICROS, values: 'text' })
    this.ledger.isTableThere = true
    for (let i = 0; i < this.#operations; i++) {
      this.#clock.advance(pick(this.#random, [0, 0, 1, 1, 2, 7, 60]))
      database = this.#step(database)
      this.#note(database)
    }
    database.close()
    this.#note(database)
    this.ledger.durable = this.ledger.handedOver = this.ledger.commits.length
  }

  #step(database: Database): Database {
    const kind = this.#random.below(20)
    const { ledger } = this
    if (kind < 11) this.#write(database)
    else if (kind < 13) database.flush()
    else if (kind === 13) database.compact()
    else if (kind === 14) database.sync()
    else if (kind === 15) this.#hold(database)
    else if (kind === 16) this.#release(database)
    else if (kind === 17) database.setRetention(pick(this.#random, [50, SHORT_KEEP_MICROS]), { table: SHORT })
    else if (kind === 18) {
      // A read as of now closes the microsecond: no later commit may be in it.
      const now = database.resolveTime('now')
      database.table(KEPT).get('a', { asOf: now })
      ledger.usedThrough = laterOf(ledger.usedThrough, now)
    } else {
      database.close()
      ledger.durable = ledger.handedOver = ledger.commits.length
      return openAt(this.files, this.#clock)
    }
    return database
  }

  #write(database: Database): void {
    const id = ++this.#writes
    const chosen = KEYS.filter(() => happens(this.#random, 0.5))
    const writes = new Map<string, string | undefined>()
    for (const key of chosen)
      writes.set(
        key,
        happens(this.#random, 0.25) ? undefined : `${key} ${id} ${'·'.repeat(this.#random.below(40))}`,
      )
    writes.set('id', `${id}`)
    const durability = pick(this.#random, DURABILITIES)
    // The commit is noted before it is made: a crash may come before it returns, and it may survive.
    const commit = { time: MIN_TIME, writes }
    this.ledger.commits.push(commit)
    const { time } = database.batch(
      [KEPT, SHORT].flatMap((table) =>
        Array.from(writes, ([key, value]) =>
          value === undefined
            ? { type: 'delete' as const, table, key }
            : { type: 'put' as const, table, key, value },
        ),
      ),
      { durability },
    )
    commit.time = time
    if (durability !== 'none') this.ledger.handedOver = this.ledger.commits.length
  }

  #hold(database: Database): void {
    if (this.ledger.held.size >= 2) return
    const name = `h${this.#writes}`
    if (this.ledger.held.has(name)) return
    const { through } = database.hold({ name, table: SHORT, at: 'now' })
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
    const durableThrough = database.durableThrough
    ledger.durable = Math.max(
      ledger.durable,
      ledger.commits.filter(({ time }) => time <= durableThrough).length,
    )
    ledger.handedOver = Math.max(ledger.handedOver, ledger.durable)
  }
}

function checkImage(
  image: FaultFiles,
  choice: CrashChoice,
  workload: Workload,
  random: RandomStream,
): { survived: number; nested: number } {
  const { ledger } = workload
  const isKill = choice.kind === 'drawn' && choice.model === 'process-kill'
  const promised = isKill ? ledger.handedOver : ledger.durable
  // The machine's clock may have been set back meanwhile.
  const clock = new ReplayClock({ micros: workload.micros - pick(random, [0, 0, 30, 5_000]) })
  const { files, database, nested } = recover(image, clock, isKill, random)
  const survived = survivors(database, ledger)
  assert(survived >= promised, `${promised} commits were promised, ${survived} survived`)
  checkWhole(files, database)
  if (ledger.isTableThere) checkAnswers(database, ledger, survived)
  if (!database.tables.includes(KEPT)) return { survived, nested }
  // Law 1, after the crash: whatever the clock of the machine says.
  const receipt = database.table<string, string>(KEPT).put('after', 'the crash', { durability: 'disk' })
  assert(receipt.time > ledger.usedThrough, `a time was used again: ${receipt.at}`)
  const again = openAt(files.crash('synced-only', random), clock)
  assert(again.table(KEPT).get('after') === 'the crash', 'a durable commit after the crash was lost')
  assert(survivors(again, ledger) === survived, 'a second recovery gives another state')
  again.close()
  return { survived, nested }
}

/** Opens an image; now and then the recovery itself is cut, up to three times. */
function recover(
  image: FaultFiles,
  clock: ReplayClock,
  isKill: boolean,
  random: RandomStream,
): { files: FaultFiles; database: Database; nested: number } {
  let files = image
  for (let nested = 0; nested < 3 && happens(random, 0.3); nested++) {
    const at = 1 + random.below(6)
    // What only survives the death of a process may be lost to a power cut while it is recovered.
    const model = isKill ? 'process-kill' : pick(random, CRASH_MODELS)
    const attempt = files.crash('process-kill', random, { plan: [{ kind: 'crash', at }] })
    try {
      openAt(attempt, clock).close()
      files = attempt.crash('process-kill', random)
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error
      files = attempt.crash(model, random)
    }
    if (nested === 2) return { files, database: openAt(files, clock), nested: 3 }
  }
  return { files, database: openAt(files, clock), nested: 0 }
}

/** How many commits there are: each writes its number. */
function survivors(database: Database, { commits }: Ledger): number {
  if (!database.tables.includes(SHORT)) return 0
  const id = database.table<string, string>(KEPT).get('id')
  const survived = id === undefined ? 0 : Number(id)
  assert(survived <= commits.length, 'there are no commits that were never issued')
  assert(database.table<string, string>(SHORT).get('id') === id, 'a commit is there in whole, over tables')
  return survived
}

function checkWhole(files: FaultFiles, database: Database): void {
  const checks = database.check()
  const faults = checks.flatMap((check) => check.faults)
  assert(faults.length === 0, `the files are not in order: ${faults.join('; ')}`)
  const onDisk = (files.list('') ?? []).filter((name) => name.endsWith('.table')).length
  const named = checks.reduce((sum, { tables }) => sum + tables, 0)
  assert(onDisk === named, `${onDisk} table files, ${named} of them in use`)
}

function checkAnswers(database: Database, ledger: Ledger, survived: number): void {
  const nowMicros = microsOf(database.resolveTime('now'))
  const prefix = prefixOf(database, ledger, survived)
  const times = prefix.map(({ time }) => time)
  for (const table of [KEPT, SHORT]) {
    if (!database.tables.includes(table)) continue
    checkState(database, table, undefined, prefix)
    for (const time of new Set(
      times.flatMap((t) => [t, (t - 1n) as HybridTime, hybridTime(microsOf(t), 4095)]),
    )) {
      if (time < times[0]! || microsOf(time) > nowMicros) continue
      const then = prefix.filter((commit) => commit.time <= time)
      const isPromised = table === KEPT || [...ledger.held.values()].includes(time)
      try {
        checkState(database, table, time, then)
      } catch (error) {
        const isRefused = error instanceof PalimpsestError && error.code === 'HISTORY_GONE'
        if (!isRefused || isPromised) throw error
        assert(microsOf(time) < nowMicros - 50, 'a time inside the shortest window is refused')
      }
    }
  }
}

/** The commits that survived. The last one may have been cut before its time was known; then it is asked for. */
function prefixOf(database: Database, ledger: Ledger, survived: number): readonly RecordedCommit[] {
  const prefix = ledger.commits.slice(0, survived)
  const last = prefix.at(-1)
  if (last === undefined || last.time > MIN_TIME) return prefix
  const [entry] = database.table(KEPT).scan({ gte: 'id', limit: 1 })
  assert(entry !== undefined && entry.time > (prefix.at(-2)?.time ?? MIN_TIME), 'the times of commits rise')
  return [...prefix.slice(0, -1), { ...last, time: entry.time }]
}

function checkState(
  database: Database,
  table: string,
  asOf: HybridTime | undefined,
  commits: readonly RecordedCommit[],
): void {
  const expected = new Map<string, string>()
  for (const { writes } of commits) {
    for (const [key, value] of writes) {
      if (value === undefined) expected.delete(key)
      else expected.set(key, value)
    }
  }
  const found = Array.from(
    database.table<string, string>(table).scan({ asOf, lt: 'zzz' }),
    ({ key, value }) => [key, value],
  )
  const wanted = [...expected].toSorted(([a], [b]) => (a < b ? -1 : 1))
  const when = asOf === undefined ? 'now' : `as of ${formatExact(asOf)}`
  assert(
    JSON.stringify(found) === JSON.stringify(wanted),
    `${table} ${when}: found ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`,
  )
}

function openAt(files: FaultFiles, clock: ReplayClock): Database {
  return openDatabase({ files, clock, checksum: crc32 }, { geometry: 'miniature' })
}
