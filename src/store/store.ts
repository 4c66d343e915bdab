/**
 * The store: one open directory. Commits and reads of all its tables go through here, and nowhere else: a
 * read is judged by its {@link Readability}, a commit is followed by its {@link Maintenance}.
 */
import { bytesOfText } from '../base/bytes.ts'
import { doAll } from '../base/do-all.ts'
import { PalimpsestError } from '../base/errors.ts'
import { ALL_KEYS, prefixRange } from '../base/key-range.ts'
import { type Catalog, CatalogRows, definitionsOf } from '../catalog/catalog.ts'
import { type Moment, directiveFor } from '../catalog/promises.ts'
import { type CatalogChange, type Creation } from '../catalog/changes.ts'
import { type CatalogRow, DEFINITION_PATHS, type TableRow, readRow } from '../catalog/rows.ts'
import { planUpkeep } from '../catalog/upkeep.ts'
import { type CheckReport, checkTree } from '../storage/check.ts'
import { mergeVersions } from '../storage/compaction.ts'
import { type Geometry } from '../storage/geometry.ts'
import { type Birth } from '../storage/manifest-state.ts'
import { type Manifest } from '../storage/manifest.ts'
import { type Policy } from '../storage/policy.ts'
import { type TableFiles } from '../storage/table-files.ts'
import { type KeyedVersion, type Version } from '../storage/version.ts'
import { type VersionScan } from '../storage/version-scan.ts'
import { type VersionSpan } from '../storage/version-span.ts'
import { type CommitLog, type Durability } from '../tablet/commit-log.ts'
import { type TabletWrites, type Write } from '../storage/commit-record.ts'
import { SYSTEM_TABLET, type Tablet, type Tablets, tabletFor } from '../tablet/tablet.ts'
import { type HybridTime, MAX_TIME, MIN_TIME } from '../time/hybrid-time.ts'
import { type Stretches, stretch, union } from '../time/stretches.ts'
import { endLog } from './closing.ts'
import { type RecoveryReport, type StoreEvent } from './events.ts'
import { type HeldRead, type Steps } from './held-read.ts'
import { Maintenance } from './maintenance.ts'
import { type ChosenRead, type HeldTime, OpenReads, type ScanRequest } from './open-reads.ts'
import { type StoreParts } from './parts.ts'
import { Readability } from './readability.ts'
import { type ReadPoint, ReadPoints } from './read-points.ts'
import { NO_STALLS, type StallStats, compactionDebt } from './stalls.ts'

/** A check of one tablet's files. */
export interface TabletCheck extends CheckReport {
  readonly tablet: number
}

/** The writes of a commit, once its time is known. */
type CommitBuild = (time: HybridTime) => readonly TabletWrites[]

/** All times. */
const EVER = stretch(MIN_TIME, MAX_TIME)

interface Writing {
  readonly log: CommitLog
  readonly manifest: Manifest
  readonly maintenance: Maintenance
}

/** One open directory. */
export class Store {
  readonly #parts: StoreParts
  readonly #writing: Writing | undefined
  readonly #readability: Readability
  readonly #points = new ReadPoints(() => this.#catalog)
  readonly #rows = new CatalogRows()
  readonly #reads: OpenReads
  #catalog: Catalog
  #catalogVersion = 0
  #isOpen = true

  /** Takes parts that belong together; `openStore` finds them. */
  constructor(parts: StoreParts) {
    this.#parts = parts
    this.#rows.apply(this.tablets.get(SYSTEM_TABLET).scan(ALL_KEYS, EVER, 'forward'))
    this.#catalog = this.#rows.catalog()
    this.#readability = new Readability({
      ...{ clock: parts.clock, tablets: parts.tablets },
      catalog: () => this.#catalog,
      // A closed store has let the directory go, where another one may be at work.
      judgements: () => (this.#isOpen ? this.#writing?.maintenance : undefined),
    })
    this.#reads = new OpenReads({
      ...{ clock: parts.clock, tablets: parts.tablets, readability: this.#readability, points: this.#points },
      assertOpen: () => {
        this.assertOpen()
      },
    })
    const { log, manifest } = parts
    if (log === undefined || manifest === undefined) return
    const directiveOf = (tablet: number) => directiveFor(this.#catalog, tablet, this.moment())
    this.#writing = {
      ...{ log, manifest },
      maintenance: new Maintenance({ ...parts, log, manifest, directiveFor: directiveOf }),
    }
    // A crash may have come between the commit that freed tablets and the end of their files.
    this.#writing.maintenance.free([...this.#catalog.freed])
  }

  /** What exists now. */
  get catalog(): Catalog {
    return this.#catalog
  }

  /** Changes with every change of the catalog. */
  get catalogVersion(): number {
    return this.#catalogVersion
  }

  get isReadOnly(): boolean {
    return this.#writing === undefined
  }

  /** What the database is from its first moment on. */
  get birth(): Birth {
    return this.#parts.birth
  }

  /** What was found when it was opened. */
  get recovery(): RecoveryReport {
    return this.#parts.recovery
  }

  /** How its trees are compacted. */
  get policy(): Policy {
    return this.#parts.policy
  }

  get geometry(): Geometry {
    return this.#parts.geometry
  }

  get tables(): TableFiles {
    return this.#parts.tables
  }

  get tablets(): Tablets {
    return this.#parts.tablets
  }

  /** The newest time that was issued or used. */
  get lastTime(): HybridTime {
    return this.#parts.clock.last
  }

  /** Every commit at or before this time survives a power cut. */
  get durableThrough(): HybridTime {
    return this.#writing?.log.durableThrough ?? this.#parts.durableThrough
  }

  /** What writers waited for maintenance; nobody does in a store that is read only. */
  get stallStats(): StallStats {
    return this.#writing?.maintenance.stallStats ?? NO_STALLS
  }

  /** The bytes that compactions of all trees would have to rewrite until none is due, whoever may do that. */
  get debtBytes(): number {
    const { policy, geometry } = this.#parts
    return this.tablets
      .all()
      .reduce((sum, { state }) => sum + compactionDebt(state.shape, policy, geometry), 0)
  }

  /** Bytes of the commit log. */
  get logBytes(): number {
    return this.#writing?.log.bytes ?? this.#parts.logBytes
  }

  /** The current microsecond: a time is in the future if its microsecond is later. */
  get currentMicros(): number {
    return this.#parts.clock.currentMicros()
  }

  /** Calls `listener` with every event until the result is called. */
  listen(listener: (event: StoreEvent) => void): () => void {
    return this.#parts.events.listen(listener)
  }

  /** What existed at a time: definitions as of then, promises as of now. Throws `FUTURE_TIME`, `HISTORY_GONE`. */
  catalogAsOf(time: HybridTime): Catalog {
    this.use(time)
    this.#readability.checkCatalog(time)
    return { ...this.#catalog, ...definitionsOf(this.#rowsAsOf(DEFINITION_PATHS, time)) }
  }

  /** Refuses what needs an open store. Throws `CLOSED`. */
  assertOpen(): void {
    if (!this.#isOpen) throw new PalimpsestError('CLOSED', 'the database was closed')
  }

  /** Closes a time, so that no later commit gets it. Throws `FUTURE_TIME`. */
  use(time: HybridTime): void {
    this.assertOpen()
    this.#parts.clock.use(time)
  }

  /**
   * Where a read of a table looks: as of a time, or at what is there now. Throws `UNKNOWN_TABLE`,
   * `FUTURE_TIME`, `HISTORY_GONE`.
   */
  readPoint(tableId: number, asOf?: HybridTime): ReadPoint {
    this.assertOpen()
    if (asOf === undefined) return this.#presentPoint(tableId)
    return this.#points.at(this.#readableTable(tableId, asOf), asOf)
  }

  /** As {@link readPoint}, for one search that is over before the next point is asked for. */
  momentaryPoint(tableId: number, asOf?: HybridTime): ReadPoint {
    this.assertOpen()
    if (asOf === undefined) return this.#presentPoint(tableId)
    const settled = this.#points.settledAt(tableId, asOf)
    if (settled !== undefined) return settled
    const table = this.#readableTable(tableId, asOf)
    const point = this.#points.momentaryAt(table, asOf)
    const first = this.#readability.settledFrom(table)
    if (first !== undefined && first <= asOf) this.#points.settle(table, asOf, first, this.lastTime)
    return point
  }

  /** A table by its id: as it is now or, where it was dropped, as it was at a time. Throws `UNKNOWN_TABLE`. */
  tableOf(id: number, asOf?: HybridTime): TableRow {
    const now = this.#catalog.tables.get(id)
    const table = now ?? (asOf === undefined ? undefined : this.catalogAsOf(asOf).tables.get(id))
    if (table !== undefined) return table
    throw new PalimpsestError('UNKNOWN_TABLE', 'the table does not exist any more', { table: id })
  }

  /** The version of a key that shows at a read point; it may be a tombstone. Its value is a look at the engine's memory. */
  find({ tablets, view }: ReadPoint, key: Uint8Array): Version | undefined {
    return this.tablets.get(tabletFor(tablets, key)).find(key, view)
  }

  /** Says where the version of a key that shows at a read point stands, if there is one; it may be a tombstone. */
  locate({ tablets, view }: ReadPoint, key: Uint8Array, found: VersionSpan): boolean {
    return this.tablets.get(tabletFor(tablets, key)).locate(key, view, found)
  }

  /**
   * The keys of a range with a value at one time, in order. Throws as {@link readPoint} does, at once.
   * While it is being read, its time is held in memory.
   */
  scan(request: ScanRequest): HeldRead<VersionScan<Uint8Array>> {
    return this.#reads.scan(this.readPoint(request.table, request.asOf).table, request)
  }

  /**
   * A read of some times of a table, which are chosen when the first step is made, out of those then readable, and held
   * in memory while it goes on. Throws `HISTORY_GONE` where they cannot be read to the end.
   */
  reading<Found extends Steps>(choose: () => ChosenRead<Found>): HeldRead<Found> {
    return this.#reads.reading(choose)
  }

  /**
   * Holds a time of a table in memory: the one given, or the newest one there is, which is closed. Reads
   * at it go through {@link readPoint} and {@link scan} as any other. Throws as {@link readPoint} does.
   */
  holdTime(tableId: number, asOf?: HybridTime): HeldTime {
    return this.#reads.holdTime(this.readPoint(tableId, asOf).table, asOf)
  }

  /** Refuses times of a table that cannot be read. Throws `HISTORY_GONE`, naming the first. */
  assertReadable(table: TableRow, times: Stretches, moment?: Moment): void {
    this.assertOpen()
    this.#readability.checkAll(table, times, moment)
  }

  /** The newest time there is, at which a read of a table stays that asks for the present; readable at `moment`. */
  presentOf(table: TableRow, moment: Moment = this.moment()): HybridTime {
    this.assertOpen()
    return this.#readability.presentOf(table, moment)
  }

  /**
   * Every version that some tablets hold, in order, readable or not: to teach and to check. What stands
   * behind the last one may change while they are read. Each step throws `CLOSED` once the store is.
   */
  *versions(tablets: readonly number[]): Generator<KeyedVersion> {
    this.assertOpen()
    for (const version of mergeVersions(tablets.map((id) => this.tablets.get(id).versions()))) {
      yield version
      this.assertOpen()
    }
  }

  /** Commits writes, already grouped by tablet and each key once, atomically. */
  commit(writes: readonly TabletWrites[], durability: Durability): HybridTime {
    return this.#commit(() => writes, durability)
  }

  /** Commits a change of the catalog, durably. */
  commitCatalog(change: CatalogChange): HybridTime {
    let writes: readonly Write[] = []
    const build = (at: HybridTime) => {
      writes = change(at)
      return [{ tablet: SYSTEM_TABLET, writes }]
    }
    return this.#commit(build, 'disk', () => {
      this.#rows.apply(writes)
      this.#catalog = this.#rows.catalog()
      this.#catalogVersion++
      this.#points.forget()
    })
  }

  /** Commits a change that creates something and returns its id. */
  create({ id, change }: Creation): number {
    this.commitCatalog(change)
    return id
  }

  /** Makes every commit so far durable. */
  sync(): void {
    this.#writable().log.sync()
  }

  /** Writes the memtables of some tablets, or all, down. */
  flush(tablets?: readonly number[]): void {
    const { maintenance } = this.#writable()
    this.#parts.events.during(() => {
      for (const tablet of this.#chosen(tablets)) maintenance.flush(tablet)
      this.#keepUp()
      maintenance.removeUnneeded()
    })
  }

  /** Merges all that some tablets, or all, have into one run each, dropping what no readable time sees. */
  compact(tablets?: readonly number[]): void {
    const { maintenance } = this.#writable()
    this.#parts.events.during(() => {
      for (const tablet of this.#chosen(tablets)) maintenance.compactFully(tablet)
      this.#keepUp()
      maintenance.removeUnneeded()
    })
  }

  /** Plans something by what can be read now. Throws what `plan` throws; a time that it refuses is refused for ever. */
  plan<Plan>(plan: (moment: Moment) => Plan): Plan {
    this.assertOpen()
    return this.#readability.plan(plan)
  }

  /** What readable times depend on, now. */
  moment(): Moment {
    return this.#readability.moment()
  }

  /** Takes the wall clock for right again after a jump. */
  confirmClock(): void {
    this.assertOpen()
    this.#parts.clock.confirmJump()
  }

  /** Checks the files of every tablet; reads only. */
  check(): readonly TabletCheck[] {
    this.assertOpen()
    const open = (number: number) => this.tables.open(number)
    return this.tablets.all().map(({ id, state }) => ({ tablet: id, ...checkTree(state.shape, open) }))
  }

  /** Makes everything durable and lets the directory go. Closing twice does nothing. */
  close(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    // Reads that have begun ask at their next step, and are told `CLOSED`.
    this.#readability.endHolds()
    this.#parts.events.during(() => {
      this.#end()
    })
  }

  #end(): void {
    const { log, manifest, tables, letGo } = this.#parts
    doAll([
      () => {
        this.#stopWriting()
      },
      () => log?.close(),
      () => manifest?.close(),
      () => {
        tables.close()
      },
      letGo,
    ])
  }

  #stopWriting(): void {
    if (this.#writing === undefined) return
    const { maintenance, ...parts } = this.#writing
    maintenance.close()
    endLog({ ...this.#parts, ...parts }, maintenance)
  }

  #presentPoint(tableId: number): ReadPoint {
    return this.#points.knownPresent(tableId) ?? this.#points.present(this.tableOf(tableId))
  }

  /** A table that can be read as of a time. */
  #readableTable(id: number, asOf: HybridTime): TableRow {
    const table = this.tableOf(id, asOf)
    this.use(asOf)
    this.#readability.check(table, asOf)
    return table
  }

  /** Commits; `then` is what has to follow before anything else can happen. */
  #commit(build: CommitBuild, durability: Durability, then?: () => void): HybridTime {
    return this.#parts.events.during(() => this.#commitAndMaintain(build, durability, then))
  }

  #commitAndMaintain(build: CommitBuild, durability: Durability, then?: () => void): HybridTime {
    const { log, maintenance } = this.#writable()
    let touched: readonly number[] = []
    const bytesBefore = log.appendedBytes
    const time = log.commit((at) => {
      const tablets = build(at)
      touched = tablets.map(({ tablet }) => tablet)
      return tablets
    }, durability)
    then?.()
    try {
      maintenance.afterCommit(touched, log.appendedBytes - bytesBefore)
      this.#keepUp()
    } catch (error) {
      // The commit itself has succeeded and must be reported so; the next one will be refused.
      if (!(error instanceof PalimpsestError)) throw error
      this.#parts.events.emit({ kind: 'failure', error })
    }
    return time
  }

  /** After compactions: what of the catalog nobody can read any more is forgotten. */
  #keepUp(): void {
    const { maintenance } = this.#writable()
    if (!maintenance.takeCompacted()) return
    const writes = planUpkeep(this.#catalog, this.moment(), (ids) =>
      union(...ids.map((id) => this.tablets.get(id).occupiedTimes())),
    )
    if (writes.length === 0) return
    this.commitCatalog(() => writes)
    maintenance.free([...this.#catalog.freed])
  }

  #rowsAsOf(paths: readonly string[], time: HybridTime): readonly CatalogRow[] {
    const system = this.tablets.get(SYSTEM_TABLET)
    return paths.flatMap((path) => {
      const rows = system.scan(prefixRange(bytesOfText(path)), stretch(MIN_TIME, time), 'forward')
      return Array.from(rows, ({ key, value }) => readRow(key, value))
    })
  }

  #chosen(ids?: readonly number[]): readonly Tablet[] {
    return ids === undefined ? this.tablets.all() : ids.map((id) => this.tablets.get(id))
  }

  #writable(): Writing {
    this.assertOpen()
    if (this.#writing === undefined)
      throw new PalimpsestError('READ_ONLY', 'the database was opened for reading only')
    return this.#writing
  }
}
