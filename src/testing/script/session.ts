/**
 * What a script works on: a database in memory and a clock that moves only when the script says so, so
 * that every run gives the same answers. The database is made at microsecond 0, before time moves.
 */
import { crc32 } from '../../base/checksum.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { type Database, openDatabase } from '../../database/database.ts'
import { type KeepInput } from '../../database/options.ts'
import { readWholeFile } from '../../storage/files.ts'
import { type GeometryName } from '../../storage/geometry.ts'
import { listSegments, segmentPath } from '../../storage/log.ts'
import { MemoryFiles } from '../../storage/memory-files.ts'
import { DEFAULT_POLICY, type Policy, type PolicyChange, choosePolicy } from '../../storage/policy.ts'
import { type CompactionEvent, type RecoveryReport, type StoreEvent } from '../../store/events.ts'
import { type Table } from '../../table/table.ts'
import { type HybridTime, MICROS_MAX, endOfMicrosecond } from '../../time/hybrid-time.ts'
import { ReplayClock } from '../../time/replay-clock.ts'
import { KEYSPACE } from './notation.ts'

/** The database and the clock of one script. */
export class ScriptSession {
  #files = new MemoryFiles()
  readonly #clock = new ReplayClock({ micros: 0 })
  /** The script's first table, under the name that it was given and by its tablet: that stays when it is renamed. */
  #first: { readonly name: string; readonly tablet: number } | undefined
  #geometry: GeometryName = 'default'
  #policy: Policy = DEFAULT_POLICY
  #decisions: CompactionEvent[] = []
  #database: Database | undefined

  /** The database, made when it is first asked for. */
  get database(): Database {
    return this.#made()
  }

  /** What the clock on the wall shows. */
  get micros(): number {
    return this.#clock.now()
  }

  /** Gives the database the sizes that shape its trees; only before it is made. */
  chooseGeometry(geometry: GeometryName): void {
    if (this.#database !== undefined)
      throw new PalimpsestError('INVALID_ARGUMENT', 'a geometry is chosen before anything else happens')
    this.#geometry = geometry
  }

  /** Says how files are merged from now on. A database that is open is opened anew. */
  choosePolicy(change: PolicyChange): void {
    this.#policy = choosePolicy(this.#policy, change)
    if (this.#database !== undefined) this.reopen()
  }

  /** The compactions of tables since they were last taken. */
  takeDecisions(): readonly CompactionEvent[] {
    const taken = this.#decisions.filter(({ tablet }) => this.database.tableOfTablet(tablet) !== undefined)
    this.#decisions = []
    return taken
  }

  /** Puts the clock at a microsecond, forwards or back. */
  setClock(micros: number): void {
    this.#made()
    this.#clock.set(checkedMicros(micros))
  }

  /** Moves the wall alone, as an operator or a faulty time server does. */
  jumpWall(micros: number): void {
    this.#made()
    this.#clock.jump(checkedMicros(this.micros + micros) - this.micros)
  }

  /** Closes the database and opens it again from its files. */
  reopen(): void {
    this.close()
    this.#made()
  }

  /**
   * The process dies, with the last bytes of the log torn off: the database is opened again from what the
   * operating system has.
   */
  crash(tornBytes: number): RecoveryReport {
    this.#made()
    this.#files = copyOfFiles(this.#files, tornBytes)
    this.#database = undefined
    return this.database.recovery
  }

  close(): void {
    this.#database?.close()
    this.#database = undefined
  }

  /** Creates a table of texts. */
  createTable(name: string, keep: KeepInput | undefined): void {
    this.database.createTable(this.fullName(name), { values: 'text', keep })
    this.#first ??= { name, tablet: this.#tabletOf(this.fullName(name)) }
  }

  /** The full name of a table; of the script's first one where none is named. */
  fullName(name: string | undefined): string {
    return `${KEYSPACE}.${this.shortName(name)}`
  }

  /** The name of a table as the script gave it. */
  shortName(name: string | undefined): string {
    const short = name ?? this.#nameOfFirst()
    if (short === undefined)
      throw new PalimpsestError('UNKNOWN_TABLE', 'the script has no table yet: begin with "table t"')
    return short.startsWith(`${KEYSPACE}.`) ? short.substring(KEYSPACE.length + 1) : short
  }

  /** A table; the script's first one where none is named. */
  table(name: string | undefined): Table<string, string> {
    return this.database.table(this.fullName(name))
  }

  /** The time that a script means: a bare number is a microsecond and means its end. */
  timeOf(text: string): HybridTime {
    if (!/^\d+$/.test(text)) return this.database.resolveTime(text)
    return endOfMicrosecond(checkedMicros(Number(text)))
  }

  /** The name of the first table: the one that it has now, or was given where there is no such table any more. */
  #nameOfFirst(): string | undefined {
    return this.#first && (this.database.tableOfTablet(this.#first.tablet) ?? this.#first.name)
  }

  /** The tablet of a table that there is. */
  #tabletOf(table: string): number {
    let tablet = 0
    while (this.database.tableOfTablet(tablet) !== table) tablet++
    return tablet
  }

  #made(): Database {
    this.#database ??= this.#open()
    return this.#database
  }

  #open(): Database {
    const world = { files: this.#files, clock: this.#clock, checksum: crc32 }
    const { name: policy, picker } = this.#policy
    const onEvent = (event: StoreEvent): void => {
      if (event.kind === 'compaction') this.#decisions.push(event)
    }
    const database = openDatabase(world, { geometry: this.#geometry, policy, picker, onEvent })
    if (database.keyspaces.length === 0) database.createKeyspace(KEYSPACE)
    return database
  }
}

/** The files as they are, locked by nobody; the last segment of the log is cut. */
function copyOfFiles(files: MemoryFiles, tornBytes: number): MemoryFiles {
  const copy = new MemoryFiles()
  const log = listSegments(files).map(segmentPath).at(-1)
  for (const path of files.list('') ?? []) {
    const bytes = readWholeFile(files, path)
    const length = path === log ? Math.max(0, bytes.length - tornBytes) : bytes.length
    const file = copy.create(path)
    file.append(bytes.subarray(0, length))
    file.close()
  }
  return copy
}

function checkedMicros(micros: number): number {
  if (micros >= 0 && micros <= MICROS_MAX) return micros
  throw new PalimpsestError('INVALID_TIME', `not a microsecond that there is: ${micros}`)
}
