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
 * - its commits, restores and changes of definitions are a prefix of those that were issued, whole, without
 *   a hole, and no shorter than what durability promised;
 * - every read as of a time that must be readable gives what the prefix says, all others that or a refusal;
 * - a new commit gets a time above every time that was issued or used before;
 * - life goes on: one more durable commit survives a power cut, and opening again changes nothing.
 *
 * A write-ahead monitor watches the workload, and the recoveries of images that are read in full. What it finds
 * there needs no crash to be seen.
 */
import { type OptionNames, checkOptions, checkWhole } from '../../base/arguments.ts'
import { assert } from '../../base/assert.ts'
import { crc32 } from '../../base/checksum.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { type Database, type DatabaseView, openDatabase } from '../../database/database.ts'
import { type CrashChoice, describeChoice } from '../../simulator/crash-choices.ts'
import { CRASH_MODELS } from '../../simulator/crash-models.ts'
import { type FaultFiles } from '../../simulator/fault-files.ts'
import { SimulatedCrash } from '../../simulator/fault-plan.ts'
import { type RandomStream, happens, pick, sample, seededRandom } from '../../simulator/random.ts'
import { MIN_TIME, formatExact, microsOf } from '../../time/hybrid-time.ts'
import { ReplayClock } from '../../time/replay-clock.ts'
import { WriteAheadMonitor } from '../write-ahead/monitor.ts'
import { StandIn } from './stand-in.ts'
import { type StateLedger, type StateStep, type TablesState } from './states.ts'
import {
  type BeforeCall,
  KEPT,
  NUMBERS,
  SHORTEST_KEEP_MICROS,
  Workload,
  type WorkloadOptions,
  openForCrash,
  timesOf,
} from './workload.ts'

/** How much to try. */
export interface CrashOptions extends WorkloadOptions {
  /** Crash points that are tried, spread over all; all of them if left out. */
  readonly points?: number | undefined
  /** Images at each crash point that are drawn from the models, beside none, all, and each thing alone. */
  readonly drawn: number
  /** The most pending things that are kept or lost alone. */
  readonly singlesMax: number
  /**
   * Images of a point of which every state there was is read; of the others the newest ones and a few that
   * are drawn. All of them if left out.
   */
  readonly readInFull?: number | undefined
}

const CRASH_OPTIONS: OptionNames<CrashOptions> = {
  seed: true,
  operations: true,
  points: true,
  drawn: true,
  singlesMax: true,
  readInFull: true,
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
  /** Images of moments at which a flush or a merge had run, and its result waited to be installed. */
  readonly delayed: number
  /** Images whose recovery gave flushes or merges to what stands in for a thread, which each second one has. */
  readonly recoveredByThread: number
  /** Images by the model that drew them, or by what they keep: `none` is `synced-only`. */
  readonly byChoice: Readonly<Record<string, number>>
  /** Images by the call that the crash came before. */
  readonly byCall: Readonly<Record<string, number>>
}

/** The same while it is being counted. */
interface Counts {
  images: number
  duplicates: number
  shortened: number
  nested: number
  delayed: number
  recoveredByThread: number
  readonly byChoice: Record<string, number>
  readonly byCall: Record<string, number>
}

/** Of states that are not all read: so many of the newest, and so many others. */
const NEWEST_READ = 3
const OTHERS_READ = 4

/** So many times a short text fills a memtable of the geometry. */
const FILLING = 500

/** The most recoveries of one image that are cut. */
const RECOVERIES_CUT_MAX = 3

/** A crash after which a promise was broken, or a wrong order, with all that is needed to see it again. */
export class CrashFinding extends Error {
  override readonly name = 'CrashFinding'
}

/** Runs a workload and checks every crash. Throws {@link CrashFinding}; and `INVALID_ARGUMENT`. */
export function checkCrashes(options: CrashOptions): CrashReport {
  checkCrashOptions(options)
  const calls = countCalls(options)
  const random = seededRandom(options.seed).fork('points')
  const points = choosePoints(calls, options.points ?? calls + 1, random)
  const counts: Counts = {
    images: 0,
    duplicates: 0,
    shortened: 0,
    nested: 0,
    delayed: 0,
    recoveredByThread: 0,
    byChoice: {},
    byCall: {},
  }
  const workload = new Workload(options)
  const tryPoint = (point: number, call: string) => {
    if (!points.has(point)) return
    const before = counts.images
    tryImages(workload, point, options, counts)
    addTo(counts.byCall, call, counts.images - before)
  }
  runWatched(workload, options, tryPoint)
  tryPoint(calls + 1, 'the end')
  return { calls, points: points.size, ...counts }
}

/** A check that is told less than was meant would pass and show nothing. */
function checkCrashOptions(options: CrashOptions): void {
  checkOptions(options, CRASH_OPTIONS)
  const { operations, points, drawn, singlesMax, readInFull = Infinity } = options
  checkWhole('operations', operations, 1)
  if (points !== undefined) checkWhole('points', points, 1)
  checkWhole('drawn', drawn)
  if (singlesMax !== Infinity) checkWhole('singlesMax', singlesMax)
  if (readInFull !== Infinity) checkWhole('readInFull', readInFull)
}

function countCalls(options: CrashOptions): number {
  const workload = new Workload(options)
  runWatched(workload, options, () => undefined)
  return workload.files.operations
}

/** Runs a workload; what it finds by itself, without a crash, is said with what it takes to run it again. */
function runWatched(workload: Workload, options: CrashOptions, beforeCall: BeforeCall): void {
  try {
    workload.run(beforeCall)
  } catch (error) {
    throw error instanceof CrashFinding ? error : finding(error, replayOf(options))
  }
}

function choosePoints(calls: number, count: number, random: RandomStream): ReadonlySet<number> {
  const all = Array.from({ length: calls + 1 }, (_, i) => i + 1)
  if (count > calls) return new Set(all)
  return new Set(sample(random, all, count))
}

function tryImages(workload: Workload, point: number, options: CrashOptions, counts: Counts): void {
  const random = seededRandom(options.seed).fork(`point ${point}`)
  const { drawn, singlesMax, readInFull = Infinity } = options
  const seen = new Set<string>()
  for (const choice of workload.files.crashChoices({ random, drawn, singlesMax })) {
    const image = workload.files.crashImage(choice)
    // Of what is the same, more may be promised after the death of a process: what the engine never wrote is lost in both.
    const key = `${promisedOf(choice, workload.ledger)} ${image.imageKey()}`
    if (seen.has(key)) {
      counts.duplicates++
      continue
    }
    seen.add(key)
    counts.images++
    if (workload.isJobWaiting) counts.delayed++
    addTo(counts.byChoice, choice.kind === 'drawn' ? choice.model : choice.kind, 1)
    const isFull = seen.size <= readInFull
    try {
      const fork = random.fork(describeChoice(choice))
      const { survived, nested, jobs } = checkImage(image, choice, workload, fork, isFull)
      if (survived < workload.ledger.steps.length) counts.shortened++
      counts.nested += nested
      if (jobs > 0) counts.recoveredByThread++
    } catch (error) {
      const left = JSON.stringify(describeChoice(choice))
      throw finding(error, `${replayOf(options)} point=${point} image=${left}`)
    }
  }
}

/** The call that finds the same again: what is drawn at a point depends on all that it is told. */
export function replayOf(options: CrashOptions): string {
  const given = Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  )
  return `checkCrashes({ ${given.join(', ')} })`
}

function finding(error: unknown, place: string): CrashFinding {
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return new CrashFinding(`${message}\n  replay: ${place}\n${stack ?? ''}`, { cause: error })
}

function checkImage(
  image: FaultFiles,
  choice: CrashChoice,
  workload: Workload,
  random: RandomStream,
  isFull: boolean,
): { survived: number; nested: number; jobs: number } {
  const { ledger, policy } = workload
  const promised = promisedOf(choice, ledger)
  // The machine's clock may have been set back meanwhile.
  const clock = new ReplayClock({ micros: workload.micros - pick(random, [0, 0, 30, 5_000]) })
  const monitors: WriteAheadMonitor[] = []
  const fates = random.fork('jobs')
  const standIn = happens(fates, 0.5) ? new StandIn(fates) : undefined
  const open = (files: FaultFiles) => {
    if (!isFull) return openForCrash(files, clock, policy, standIn)
    const monitor = new WriteAheadMonitor(files, crc32)
    monitors.push(monitor)
    return openForCrash(monitor.files, clock, policy, standIn)
  }
  const { files, database, nested } = recover(image, open, isKill(choice), random)
  const survived = survivors(database, ledger, promised)
  checkFiles(files, database, standIn !== undefined)
  checkAnswers(database, ledger, survived, isFull ? undefined : random.fork('times'))
  if (database.tables.includes(NUMBERS)) {
    // Law 1, after the crash: whatever the clock of the machine says.
    // What stands in for a thread is given a flush now and then.
    const value = standIn !== undefined && happens(fates, 0.3) ? 'the crash'.repeat(FILLING) : 'the crash'
    const receipt = database.table<string, string>(NUMBERS).put('after', value, { durability: 'disk' })
    assert(receipt.time > ledger.usedThrough, `a time was used again: ${receipt.at}`)
    const left = files.crash('synced-only', random)
    const again = open(left)
    assert(again.table(NUMBERS).get('after') === value, 'a durable commit after the crash was lost')
    assert(survivors(again, ledger, promised) === survived, 'a second recovery gives another state')
    again.close()
    if (standIn !== undefined) checkLeft(left, clock)
  }
  for (const monitor of monitors) monitor.assertInOrder()
  return { survived, nested, jobs: standIn?.jobs ?? 0 }
}

/** How many steps an image has to have. */
function promisedOf(choice: CrashChoice, ledger: StateLedger): number {
  return isKill(choice) ? ledger.handedOver : ledger.durable
}

/** Whether the process dies, and the power stays. */
function isKill(choice: CrashChoice): boolean {
  return choice.kind === 'drawn' && choice.model === 'process-kill'
}

/** Opens an image; now and then the recovery itself is cut, before any of its calls, up to three times. */
function recover(
  image: FaultFiles,
  open: (files: FaultFiles) => Database,
  isOfKill: boolean,
  random: RandomStream,
): { files: FaultFiles; database: Database; nested: number } {
  let files = image
  let nested = 0
  for (let attempts = 0; attempts < RECOVERIES_CUT_MAX && happens(random, 0.3); attempts++) {
    const at = 1 + random.below(callsOfRecovery(files, open))
    // What only survives the death of a process may be lost to a power cut while it is recovered.
    const model = isOfKill ? 'process-kill' : pick(random, CRASH_MODELS)
    const attempt = files.crash('process-kill', random, { plan: [{ kind: 'crash', at }] })
    try {
      open(attempt).close()
      files = attempt.crash('process-kill', random)
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error
      files = attempt.crash(model, random)
      nested++
    }
  }
  return { files, database: open(files), nested }
}

/** How many calls that change the disk an opening makes, with the close after it. */
function callsOfRecovery(image: FaultFiles, open: (files: FaultFiles) => Database): number {
  const files = image.crashImage({ kind: 'drawn', model: 'process-kill', seed: 0 })
  open(files).close()
  return files.operations
}

/** How many steps there are. Every write has its number; of other steps only the last can be in doubt. */
function survivors(database: Database, ledger: StateLedger, promised: number): number {
  const issued = ledger.newestWrite(ledger.steps.length)
  const isThere = database.tables.includes(NUMBERS)
  const newest = Number((isThere ? database.table<string, string>(NUMBERS).get('id') : undefined) ?? 0)
  assert(newest <= issued, 'there are no writes that were never issued')
  const owed = ledger.newestWrite(promised)
  assert(newest >= owed, `write ${owed} was promised, ${newest} is the newest that survived`)
  const certain = Math.max(ledger.countThrough(newest), promised)
  const next = ledger.steps[certain]
  const restores = database.restores().length
  const hasHappened =
    next?.did === 'restore'
      ? restores > ledger.restoresIn(certain)
      : next?.did === 'define' && differenceOf(present(database), next.state) === undefined
  const survived = certain + (hasHappened ? 1 : 0)
  assert(restores === ledger.restoresIn(survived), `${restores} restores are listed`)
  return survived
}

function checkFiles(files: FaultFiles, database: Database, hasJobs: boolean): void {
  const checks = database.check()
  const faults = checks.flatMap((check) => check.faults)
  assert(faults.length === 0, `the files are not in order: ${faults.join('; ')}`)
  const onDisk = (files.list('') ?? []).filter((name) => name.endsWith('.table')).length
  const named = checks.reduce((sum, { tables }) => sum + tables, 0)
  // What a job has written is in use as soon as it is installed; what is in use no more waits for commits, or the close.
  assert(hasJobs ? onDisk >= named : onDisk === named, `${onDisk} table files, ${named} of them in use`)
}

/** What a database has left that was closed, as a reader sees it, which removes nothing. */
function checkLeft(files: FaultFiles, clock: ReplayClock): void {
  const reader = openDatabase({ files, clock, checksum: crc32 }, { readOnly: true })
  checkFiles(files, reader, false)
  reader.close()
}

/** Every state there was is there still, as far as it must be readable; if `random` is given, some are read. */
function checkAnswers(
  database: Database,
  ledger: StateLedger,
  survived: number,
  random: RandomStream | undefined,
): void {
  const nowMicros = microsOf(database.resolveTime('now'))
  const steps = timedSteps(database, ledger, survived)
  expectState('now', present(database), ledger.stateAfter(survived))
  const held = new Set(ledger.held.values())
  const times = [...timesOf(steps, held)]
  for (const [time, count] of random === undefined ? times : someOf(times, random)) {
    if (microsOf(time) > nowMicros) continue
    const view = database.asOf(time)
    const expected = ledger.stateAfter(count)
    const when = `as of ${formatExact(time)}`
    expectTables(when, view.tables, [...expected.keys()])
    for (const [table, rows] of expected) {
      try {
        expectState(when, new Map([[table, rowsOf(view, table)]]), new Map([[table, rows]]))
      } catch (error) {
        const isRefused = error instanceof PalimpsestError && error.code === 'HISTORY_GONE'
        if (!isRefused || table === KEPT || held.has(time)) throw error
        const isRecent = microsOf(time) >= nowMicros - SHORTEST_KEEP_MICROS
        assert(!isRecent, 'a time inside the shortest window is refused')
      }
    }
  }
}

/** The newest of some times, where crashes do their damage, and a few others. */
function someOf<T>(times: readonly T[], random: RandomStream): Iterable<T> {
  const others = times.slice(0, -NEWEST_READ)
  const drawn = others.length === 0 ? [] : Array.from({ length: OTHERS_READ }, () => pick(random, others))
  return new Set([...times.slice(-NEWEST_READ), ...drawn])
}

function addTo(counts: Record<string, number>, name: string, count: number): void {
  counts[name] = (counts[name] ?? 0) + count
}

/** The steps that survived. The last one may have been cut before its time was known; of a write it is asked for. */
function timedSteps(database: Database, ledger: StateLedger, survived: number): readonly StateStep[] {
  const steps = ledger.steps.slice(0, survived)
  const last = steps.at(-1)
  if (last === undefined || last.time > MIN_TIME) return steps
  const rest = steps.slice(0, -1)
  if (last.did !== 'write') return rest
  const [entry] = database.table(NUMBERS).scan({ gte: 'id', limit: 1 })
  assert(entry !== undefined && entry.time > (rest.at(-1)?.time ?? MIN_TIME), 'the times of commits rise')
  return [...rest, { ...last, from: entry.time, time: entry.time }]
}

/** The tables of the workload, with what they hold now. */
function present(database: Database): TablesState {
  const tables = database.tables.filter((name) => name !== NUMBERS)
  return new Map(tables.map((name) => [name, rowsOf(database, name)]))
}

function rowsOf(source: Pick<Database, 'table'> | DatabaseView, table: string): ReadonlyMap<string, string> {
  const rows = source.table<string, string>(table).scan()
  return new Map(Array.from(rows, ({ key, value }) => [key, value]))
}

function expectTables(when: string, found: readonly string[], expected: readonly string[]): void {
  const wanted = expected.toSorted()
  const tables = found.filter((name) => name !== NUMBERS)
  assert(
    JSON.stringify(tables) === JSON.stringify(wanted),
    `${when}: tables ${tables.join()}, not ${wanted.join()}`,
  )
}

function expectState(when: string, found: TablesState, expected: TablesState): void {
  const difference = differenceOf(found, expected)
  assert(difference === undefined, `${when}: ${difference}`)
}

function differenceOf(found: TablesState, expected: TablesState): string | undefined {
  const [a, b] = [found, expected].map(stateText)
  return a === b ? undefined : `found ${a}, expected ${b}`
}

function stateText(state: TablesState): string {
  return [...state]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([table, rows]) => `${table} ${JSON.stringify([...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)))}`)
    .join(' ')
}
