/**
 * One attacked directory, opened and lived in: everything is read, checked, written to, flushed, merged,
 * restored, undone, closed, opened again and read once more.
 *
 * Whatever the attack was, each call answers or is refused with a `PalimpsestError`. After damage the
 * answers are right besides: those after all commits, or, where the log was damaged, after a prefix of
 * them. A refusal may come at any call, and a later one may be answered.
 */
import { equalBytes } from '../../base/bytes.ts'
import { PalimpsestError, type ErrorCode } from '../../base/errors.ts'
import { type Database, type DatabaseView } from '../../database/database.ts'
import { type Random } from '../../simulator/random.ts'
import { type MemoryFiles } from '../../storage/memory-files.ts'
import { type HybridTime } from '../../time/hybrid-time.ts'
import { type Attack, type Directory, attackedDirectory, isForgery } from './attack.ts'
import { SCENE_TABLES, SHORT, type Scene, filesOf, openScene, rowsText } from './scene.ts'

/** What became of an attacked directory. */
export interface TrialOutcome {
  /**
   * - `right`: every answer is that of all commits;
   * - `prefix`: every answer is that of a prefix of the commits;
   * - `other`: answers are what a forger says; a check finds it, or the files do not contradict themselves.
   */
  readonly answers: 'right' | 'prefix' | 'other' | 'none'
  /** The first refusal, if there was any. */
  readonly refusedBy: ErrorCode | undefined
  /** Whether a check of the files found faults. */
  readonly hasFaults: boolean
}

/** A call that threw something else than it may, or an answer that is not right. */
export class HostileFinding extends Error {
  override readonly name = 'HostileFinding'
}

/** What damage is refused with. */
export const DAMAGE_CODES: readonly ErrorCode[] = [
  ...(['NOT_A_DATABASE', 'MANIFEST_CORRUPT', 'LOG_CORRUPT', 'TABLE_CORRUPT', 'CATALOG_CORRUPT'] as const),
  // A merge or a flush that met damage ends the writing.
  'STORE_FAILED',
]

const HOUR_MICROS = 3_600_000_000
/** Rows that a trial writes, which are none of the scene's. */
const OWN_ROW = /^zz /

/** Attacks a scene's directory, and lives in it. Throws {@link HostileFinding}. */
export function tryAttacks(
  scene: Scene,
  attacks: readonly Attack[],
  options: { readonly readOnly: boolean; readonly random: Random },
): TrialOutcome {
  const attacked = attacks.reduce<Directory>(
    (directory, attack) => attackedDirectory(directory, attack, scene.checksum),
    scene.directory,
  )
  const trial = new Trial(scene, attacked, attacks, options)
  try {
    return trial.run()
  } catch (error) {
    const { message, stack } = error instanceof Error ? error : new Error(String(error))
    throw new HostileFinding(`${message}\n  attacks: ${JSON.stringify(attacks)}\n${stack ?? ''}`, {
      cause: error,
    })
  }
}

/** The answers of a database: of each table as of each step, and now. `undefined` where it was refused. */
type Answers = readonly ReadonlyMap<string, string | undefined>[]

class Trial {
  readonly #scene: Scene
  readonly #files: MemoryFiles
  readonly #options: { readonly readOnly: boolean; readonly random: Random }
  readonly #allowed: readonly ErrorCode[] | 'any'
  /** Whether the end of the log may be gone. */
  readonly #mayBeShorter: boolean
  #micros: number
  #refusedBy: ErrorCode | undefined

  constructor(
    scene: Scene,
    directory: Directory,
    attacks: readonly Attack[],
    options: { readonly readOnly: boolean; readonly random: Random },
  ) {
    this.#scene = scene
    this.#files = filesOf(directory)
    this.#options = options
    this.#allowed = attacks.some(isForgery) ? 'any' : DAMAGE_CODES
    this.#mayBeShorter = [...scene.directory].some(([name, bytes]) => {
      const left = directory.get(name)
      return name.endsWith('.log') && (left === undefined || !equalBytes(left, bytes))
    })
    this.#micros = scene.endMicros + HOUR_MICROS
  }

  run(): TrialOutcome {
    const database = this.#open()
    if (database === undefined) return this.#outcome('none', false)
    const answers = this.#answersOf(database)
    const count = this.#stepsShown(answers)
    const faults = this.#attempt(() => database.check().flatMap((one) => one.faults)) ?? []
    const hasFaults = faults.length > 0
    if (this.#options.readOnly) database.close()
    else this.#goOn(database, count)
    if (count === undefined) return this.#outcome('other', hasFaults)
    return this.#outcome(count === this.#scene.steps.length - 1 ? 'right' : 'prefix', hasFaults)
  }

  #outcome(answers: TrialOutcome['answers'], hasFaults: boolean): TrialOutcome {
    return { answers, refusedBy: this.#refusedBy, hasFaults }
  }

  #open(): Database | undefined {
    const { checksum } = this.#scene
    const { readOnly } = this.#options
    return this.#attempt(() => openScene(this.#files, this.#micros, checksum, { readOnly, create: false }))
  }

  /** Writes, and everything that moves files; then opens again. What was shown is shown still. */
  #goOn(database: Database, count: number | undefined): void {
    const { steps } = this.#scene
    const [table] = SCENE_TABLES
    const hasWritten = this.#attempt(() => database.table(table!).put('zz 1', { own: true })) !== undefined
    for (const name of SCENE_TABLES) {
      this.#attempt(() => {
        database.flush(name)
      })
      this.#attempt(() => {
        database.compact(name)
      })
    }
    const to = this.#options.random.below(steps.length)
    const isRestored = this.#tryRestore(database, to, count)
    this.#attempt(() => {
      database.close()
    })
    this.#micros += HOUR_MICROS
    const again = this.#open()
    if (again === undefined) return
    const answers = this.#answersOf(again)
    if (count !== undefined) {
      const isSame = answers.slice(0, -1).every((shown, i) => this.#fits(shown, Math.min(i, count)))
      this.#expect(isSame, 'the past is another after reopening')
      const own = this.#attempt(() => again.table(table!).get('zz 1'))
      const isKept = own !== undefined || this.#refusedBy !== undefined
      this.#expect(!hasWritten || isRestored || isKept, 'a commit was lost')
    }
    this.#attempt(() => {
      again.close()
    })
  }

  /** Restores a table, compares, and undoes it. Whether it was restored and not put back. */
  #tryRestore(database: Database, to: number, count: number | undefined): boolean {
    const [table] = SCENE_TABLES
    const { time } = this.#scene.steps[to]!
    const restore = this.#attempt(() => database.restoreSync('k', { to: time, table: 'a' }), RESTORE_CODES)
    if (restore === undefined) return false
    const now = this.#attempt(() => tableText(database, table!))
    if (count !== undefined && now !== undefined) {
      const expected = this.#scene.steps[Math.min(to, count)]!.state.get(table!)
      this.#expect(now === expected, `a restore gives ${now}, not ${expected}`)
    }
    return this.#attempt(() => database.undoSync(restore.id), RESTORE_CODES) === undefined
  }

  #answersOf(database: Database): Answers {
    const shown = this.#scene.steps.map(({ time }) => this.#shownAt(database, time))
    const now = SCENE_TABLES.map((name) => {
      const answer = this.#attempt(() =>
        database.tables.includes(name) ? tableText(database, name) : 'absent',
      )
      return [name, answer] as const
    })
    return [...shown, new Map(now)]
  }

  #shownAt(database: Database, time: HybridTime): ReadonlyMap<string, string | undefined> {
    const view = this.#attempt(() => database.asOf(time))
    const answers = SCENE_TABLES.map((name) => {
      if (view === undefined) return [name, undefined] as const
      const allowed: readonly ErrorCode[] = name === SHORT ? ['HISTORY_GONE'] : []
      const answer = this.#attempt(
        () => (view.tables.includes(name) ? tableText(view, name) : 'absent'),
        allowed,
      )
      return [name, answer] as const
    })
    return new Map(answers)
  }

  /** How many steps the answers show; `undefined` if they fit no prefix, which only a forger may do. */
  #stepsShown(answers: Answers): number | undefined {
    const all = this.#scene.steps.length - 1
    for (let count = all; count >= 0; count--) {
      const fits = answers.every((shown, i) => this.#fits(shown, Math.min(i, count)))
      if (!fits) continue
      this.#expect(count === all || this.#mayBeShorter, 'commits are gone, and the log is whole')
      return count
    }
    this.#expect(false, `the answers are those of no prefix: ${JSON.stringify(answers.map((a) => [...a]))}`)
    return undefined
  }

  #fits(shown: ReadonlyMap<string, string | undefined>, step: number): boolean {
    const { state } = this.#scene.steps[step]!
    return SCENE_TABLES.every((name) => {
      const answer = shown.get(name)
      return answer === undefined || answer === (state.get(name) ?? 'absent')
    })
  }

  /** What a forger says may be anything. */
  #expect(isRight: boolean, what: string): void {
    if (!isRight && this.#allowed !== 'any') throw new Error(what)
  }

  /** The answer of a call; `undefined` if it was refused with a code that is allowed. */
  #attempt<T>(call: () => T, alsoAllowed: readonly ErrorCode[] = []): T | undefined {
    try {
      return call()
    } catch (error) {
      if (!(error instanceof PalimpsestError)) throw error
      if (alsoAllowed.includes(error.code)) return undefined
      if (this.#allowed !== 'any' && !this.#allowed.includes(error.code)) throw error
      this.#refusedBy ??= error.code
      return undefined
    }
  }
}

/** A table that did not exist then cannot be restored, and one that is not there now has no name. */
const RESTORE_CODES: readonly ErrorCode[] = ['UNKNOWN_TABLE', 'UNKNOWN_KEYSPACE', 'HISTORY_GONE']

function tableText(source: Pick<Database, 'table'> | DatabaseView, name: string): string {
  const rows = Array.from(source.table(name).scan(), ({ key, value }) => [key, value] as const)
  return rowsText(rows.filter(([key]) => !OWN_ROW.test(key)))
}
