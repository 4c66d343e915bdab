/**
 * The directory that is attacked, and the list of all states of its tables.
 *
 *     step      0        1        2              3
 *     did       nothing  write    write          restore to 1
 *     state     S0       S1       S2             S3 = S1
 *
 * A read as of the time of step i has to show Si; where the log lost its end, and step k is the last that
 * is left, that of the lesser of i and k.
 */
import { defined } from '../../base/assert.ts'
import { type Checksum } from '../../base/checksum.ts'
import { type Database, openDatabase } from '../../database/database.ts'
import { type RandomStream, happens, pick, seededRandom } from '../../simulator/random.ts'
import { readWholeFile } from '../../storage/files.ts'
import { MemoryFiles } from '../../storage/memory-files.ts'
import { POLICY_NAMES } from '../../storage/policy.ts'
import { type PhysicalClock, type ClockReadings } from '../../time/clock.ts'
import { type HybridTime, hybridTime } from '../../time/hybrid-time.ts'
import { type Directory } from './attack.ts'

/** What tables hold: of each that exists its rows, as JSON. */
export type SceneState = ReadonlyMap<string, string>

/** A change of the tables. */
export interface SceneStep {
  readonly time: HybridTime
  readonly state: SceneState
}

/** A directory and everything that it should say. */
export interface Scene {
  readonly directory: Directory
  /** Oldest first; the first one is before anything happened. */
  readonly steps: readonly SceneStep[]
  /** When the workload ended. */
  readonly endMicros: number
  readonly checksum: Checksum
}

/** The table whose history is let go of at once: reads of its past may be refused. */
export const SHORT = 'k.short'
/** The tables of a scene. */
export const SCENE_TABLES: readonly string[] = ['k.a', 'k.b', SHORT]

const START_MICROS = 1_763_633_730_000_000
const STEP_MICROS = 1000

/** A machine's clock that stands still until it is moved. */
export class StandingClock implements PhysicalClock {
  micros: number

  constructor(micros: number) {
    this.micros = micros
  }

  now(): number {
    return this.micros
  }

  monotonic(): number {
    return this.micros
  }

  readings(): ClockReadings {
    return { wall: this.micros, monotonic: this.micros }
  }

  reserveThrough(micros: number): number {
    return micros + STEP_MICROS
  }
}

/** Opens a directory as the scene's database. */
export function openScene(
  files: MemoryFiles,
  micros: number,
  checksum: Checksum,
  options: {
    readonly readOnly?: boolean
    readonly create?: boolean
    readonly policy?: (typeof POLICY_NAMES)[number]
  } = {},
): Database {
  const world = { files, clock: new StandingClock(micros), checksum }
  return openDatabase(world, { geometry: 'miniature', ...options })
}

/** Files in memory with the content of a directory. */
export function filesOf(directory: Directory): MemoryFiles {
  const files = new MemoryFiles()
  for (const [name, bytes] of directory) {
    const file = files.create(name)
    file.append(bytes)
    file.close()
  }
  return files
}

/** The files of a directory, without its lock. */
function directoryOf(files: MemoryFiles): Directory {
  const names = (files.list('') ?? []).filter((name) => !name.startsWith('LOCK'))
  return new Map(names.toSorted().map((name) => [name, readWholeFile(files, name)]))
}

/** Runs a workload; `operations` is how much it does. Every other seed leaves a database that was not closed. */
export function buildScene(seed: number, operations: number, checksum: Checksum): Scene {
  const random = seededRandom(seed).fork('scene')
  const workload = new SceneWorkload(random, checksum)
  for (let i = 0; i < operations; i++) workload.step()
  const isClosed = seed % 2 === 0
  if (isClosed) workload.database.close()
  const { steps, micros } = workload
  return { directory: directoryOf(workload.files), steps, endMicros: micros, checksum }
}

/** Writes, restores, flushes, compactions, holds and reopenings, each with what it makes of the state. */
class SceneWorkload {
  readonly files = new MemoryFiles()
  readonly steps: SceneStep[] = [{ time: hybridTime(START_MICROS - 1), state: new Map() }]
  micros = START_MICROS
  database: Database
  readonly #random: RandomStream
  readonly #checksum: Checksum
  #rows: ReadonlyMap<string, ReadonlyMap<string, unknown>> = new Map()
  /** The rows after each step, as {@link steps} has their text. */
  readonly #history: ReadonlyMap<string, ReadonlyMap<string, unknown>>[] = [new Map()]
  #count = 0

  constructor(random: RandomStream, checksum: Checksum) {
    this.#random = random
    this.#checksum = checksum
    this.database = this.#open()
    this.database.createKeyspace('k')
    for (const name of SCENE_TABLES) {
      this.database.createTable(name, name === SHORT ? { keep: 0 } : {})
      this.#rows = new Map(this.#rows).set(name, new Map())
      this.#note(this.database.newest)
    }
  }

  step(): void {
    this.#count++
    this.micros += STEP_MICROS
    const kind = this.#random.below(20)
    if (kind < 13) this.#write()
    else if (kind < 15) this.database.flush(pick(this.#random, SCENE_TABLES))
    else if (kind < 16) this.database.compact(pick(this.#random, SCENE_TABLES))
    else if (kind < 17) this.database.hold({ name: `h${this.#count}`, table: 'k.a', at: 'now' })
    else if (kind < 19) this.#restore()
    else this.#reopen()
  }

  #open(): Database {
    const policy = pick(this.#random, POLICY_NAMES)
    return openScene(this.files, this.micros, this.#checksum, { policy })
  }

  #reopen(): void {
    this.database.close()
    this.database = this.#open()
  }

  #write(): void {
    const writes = Array.from({ length: 1 + this.#random.below(4) }, () => this.#drawWrite())
    const durability = pick(this.#random, ['os', 'disk'] as const)
    const rows = new Map<string, ReadonlyMap<string, unknown>>(this.#rows)
    for (const { table, key, value } of writes) {
      const changed = new Map(rows.get(table))
      if (value === undefined) changed.delete(key)
      else changed.set(key, value)
      rows.set(table, changed)
    }
    const { time } = this.database.batch(
      writes.map(({ table, key, value }) =>
        value === undefined ? { type: 'delete', table, key } : { type: 'put', table, key, value },
      ),
      { durability },
    )
    this.#rows = rows
    this.#note(time)
  }

  #drawWrite(): { readonly table: string; readonly key: string; readonly value: unknown } {
    const random = this.#random
    const text = 'x'.repeat(random.below(50))
    const value = happens(random, 0.2) ? undefined : { n: this.#count, text }
    return { table: pick(random, SCENE_TABLES), key: `key ${random.below(6)}`, value }
  }

  /** Puts the tables that keep their history back; the short one has none to go back to. */
  #restore(): void {
    const table = pick(this.#random, ['a', 'b'])
    const to = this.#drawStep(`k.${table}`)
    if (to === undefined) return
    const { time } = this.database.restoreSync('k', { to: this.steps[to]!.time, table })
    const name = `k.${table}`
    this.#rows = new Map(this.#rows).set(name, this.#history[to]!.get(name)!)
    this.#note(defined(time, 'the time of a restore that has happened'))
  }

  /** A step at which a table existed. */
  #drawStep(table: string): number | undefined {
    const steps = [...this.#history.keys()].filter((i) => this.#history[i]!.has(table))
    return steps.length === 0 ? undefined : pick(this.#random, steps)
  }

  #note(time: HybridTime): void {
    this.#history.push(this.#rows)
    const state = new Map([...this.#rows].map(([name, rows]) => [name, rowsText(rows)]))
    this.steps.push({ time, state })
  }
}

/** Rows as text, to compare. */
export function rowsText(rows: Iterable<readonly [key: string, value: unknown]>): string {
  return JSON.stringify([...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
