/**
 * The write-ahead monitor: watches the calls that an engine makes on its files, and says where something
 * was not durable that had to be ({@link ORDER_RULES}). It needs no crash: one run shows every wrong order
 * that the run has, whether or not a cut at that place would have been noticed.
 *
 *     engine ──▶ WatchedFiles ──▶ files
 *                     └─▶ monitor: what is written, what is durable ──▶ faults
 *
 * It reads what is written: records of the log, edits of the manifest. It knows nothing of how the engine came
 * to write them.
 */
import { type Checksum } from '../../base/checksum.ts'
import { type FileSystem, readWholeFile } from '../../storage/files.ts'
import { listSegments, segmentPath } from '../../storage/log.ts'
import { type ManifestEdit, type ManifestState } from '../../storage/manifest-state.ts'
import { MANIFEST_PATH, NEW_MANIFEST_PATH } from '../../storage/manifest.ts'
import { type RecordMagic, readRecords } from '../../storage/record-file.ts'
import { tablesOf } from '../../storage/shape.ts'
import { tableNumberOf } from '../../storage/table-format.ts'
import { MIN_TIME, formatExact, laterOf } from '../../time/hybrid-time.ts'
import { KnownFile, type KnownRecords } from './known-file.ts'
import { KnownLog, type LogFact } from './known-log.ts'
import { KnownManifest, namedTables } from './known-manifest.ts'
import { ORDER_RULES, type OrderFault, type OrderRule } from './rules.ts'
import { type WatchedCall, WatchedFiles } from './watched-files.ts'

/** Watches one directory through all the processes that open it. */
export class WriteAheadMonitor {
  readonly #tables: Map<number, KnownFile> = new Map()
  readonly #log = new KnownLog()
  readonly #manifest = new KnownManifest()
  /** Whether everything that ever happened in the directory was seen. */
  readonly #sawAll: boolean
  readonly #faults: OrderFault[] = []

  /**
   * Begins to watch a directory. What a crash left in it may be there without being durable, so nothing is
   * taken to be but what an edit must have been sure of.
   */
  constructor(files: FileSystem, checksum: Checksum) {
    this.#sawAll = files.size(MANIFEST_PATH) === undefined
    if (this.#sawAll) return
    const adopt = (known: KnownRecords<unknown>, path: string, magic: RecordMagic, number: number) => {
      const bytes = readWholeFile(files, path)
      const { records, wholeBytes } = readRecords(bytes, magic, number, checksum)
      for (const [i, { payload }] of records.entries())
        known.adopt(payload, records[i + 1]?.offset ?? wholeBytes)
      known.length = bytes.length
    }
    adopt(this.#manifest.adopt(), MANIFEST_PATH, 'PALIMMAN', 1)
    this.#manifest.settle()
    const segments = listSegments(files)
    for (const number of segments) {
      const segment = this.#log.create(number)
      adopt(segment, segmentPath(number), 'PALIMLOG', number)
      // One that has a successor was durable before.
      const isLast = number === segments.at(-1)
      segment.isNamed = !isLast
      if (!isLast) segment.sync()
    }
    for (const { shape } of this.#manifest.written?.trees.values() ?? []) {
      for (const { maxTime } of tablesOf(shape))
        this.#log.durableThrough = laterOf(this.#log.durableThrough, maxTime)
    }
  }

  /** The rules that were broken so far. */
  get faults(): readonly OrderFault[] {
    return this.#faults
  }

  /** Fails, naming the first rule that was broken. */
  assertInOrder(): void {
    const [fault] = this.#faults
    if (fault !== undefined) throw new Error(`out of order: ${fault.what}; ${ORDER_RULES[fault.rule]}`)
  }

  /** Files that it watches. */
  watch(files: FileSystem): WatchedFiles {
    return new WatchedFiles(files, (call) => {
      this.tell(call)
    })
  }

  /** Hears of a call. */
  tell(call: WatchedCall): void {
    const { path } = call
    if (call.did === 'syncDirectory') return this.#syncNames(path)
    if (call.did === 'rename') return this.#rename(path, call.to)
    if (call.did === 'create') return this.#create(path)
    if (call.did === 'remove') return this.#remove(path)
    if (call.did === 'append') this.#append(path, call.bytes)
    else if (call.did === 'truncate') this.#fileOf(path)?.truncate(call.length)
    else this.#fileOf(path)?.sync()
    if (path === MANIFEST_PATH) this.#manifest.settle()
    else if (call.did === 'sync' && segmentOf(path) > 0) this.#log.settle()
  }

  #fileOf(path: string): KnownFile | undefined {
    if (path === MANIFEST_PATH) return this.#manifest.file
    if (path === NEW_MANIFEST_PATH) return this.#manifest.next
    return this.#log.segment(segmentOf(path)) ?? this.#tables.get(tableNumberOf(path) ?? 0)
  }

  #create(path: string): void {
    const table = tableNumberOf(path)
    const segment = segmentOf(path)
    if (table !== undefined) this.#tables.set(table, new KnownFile())
    else if (path === NEW_MANIFEST_PATH) this.#manifest.createNext()
    else if (segment > 0) {
      const before = this.#log.segment(segment - 1)
      this.#expect('segment before successor', before?.isDurable ?? true, `${path} is created`)
      this.#log.create(segment)
    }
  }

  #remove(path: string): void {
    const table = tableNumberOf(path)
    if (table !== undefined) {
      this.#expect('edit before unlink', !this.#manifest.mayName(table), `${path} is removed`)
      this.#tables.delete(table)
    } else if (path === NEW_MANIFEST_PATH) this.#manifest.removeNext()
    else if (segmentOf(path) > 0) this.#removeSegment(segmentOf(path), `${path} is removed`)
  }

  #removeSegment(number: number, what: string): void {
    const { durable } = this.#manifest
    const commits = this.#log.segment(number)?.contents.filter(({ kind }) => kind === 'commit') ?? []
    // One without a commit in it is made anew where a crash has cut its beginning.
    if (commits.length > 0) {
      const isLeft = durable !== undefined && durable.firstSegment > number
      this.#expect('edit before segment goes', isLeft, what)
    }
    for (const { time, tablets } of commits) {
      for (const tablet of tablets) {
        const isIn = this.#isInTables(tablet, time)
        this.#expect('tables before segment goes', isIn, `${what} with ${formatExact(time)} of ${tablet}`)
      }
    }
    this.#log.remove(number)
  }

  /** Whether a power cut leaves a write to a tablet without the log, or nobody can read it any more. */
  #isInTables(tablet: number, time: bigint): boolean {
    const tree = this.#manifest.durable?.trees.get(tablet)
    if (tree !== undefined) return time <= tree.flushedThrough
    return this.#log.isFreed(tablet) || !this.#sawAll
  }

  #rename(path: string, to: string): void {
    if (to !== MANIFEST_PATH) return
    const { next, nextWritten } = this.#manifest
    const isSynced = next !== undefined && next.synced === next.length && nextWritten !== undefined
    this.#expect('manifest before name', isSynced, `${path} is renamed`)
    if (nextWritten !== undefined) this.#judgeFirstSegment(nextWritten, `${path} is renamed`)
    this.#manifest.rename()
  }

  #syncNames(path: string): void {
    if (path !== '') return
    for (const table of this.#tables.values()) table.isNamed = true
    if (this.#manifest.file !== undefined) this.#manifest.file.isNamed = true
    this.#log.syncNames()
    this.#manifest.settle()
  }

  /**
   * Records are judged as they are handed over, for from then on a power cut may leave them: an edit by what the
   * manifest said before it.
   */
  #append(path: string, bytes: Uint8Array): void {
    const segment = this.#log.segment(segmentOf(path))
    if (path === MANIFEST_PATH) {
      for (const edit of this.#manifest.file?.append(bytes) ?? []) this.#judgeEdit(edit)
    } else if (segment !== undefined) {
      for (const fact of segment.append(bytes)) this.#judgeFact(fact)
    } else this.#fileOf(path)?.append(bytes)
  }

  #judgeFact({ kind, time }: LogFact): void {
    const isBelow = kind !== 'commit' || time <= this.#log.durableCeiling
    this.#expect('ceiling before time', isBelow, `a commit gets ${formatExact(time)}`)
  }

  #judgeEdit(edit: ManifestEdit): void {
    const { written } = this.#manifest
    const known = namedTables(written)
    const added = (edit.trees ?? []).flatMap(({ add }) => add.map(({ table }) => table))
    const fresh = added.filter(({ number }) => !known.has(number))
    for (const { number, bytes } of fresh) {
      const file = this.#tables.get(number)
      const isThere = file !== undefined && file.isDurable && file.length === bytes
      this.#expect('tables before edit', isThere, `an edit adds table ${number}`)
    }
    const newest = fresh.reduce((time, { maxTime }) => laterOf(time, maxTime), MIN_TIME)
    const isLogged = newest <= this.#log.durableThrough
    this.#expect('log before edit', isLogged, `an edit adds tables through ${formatExact(newest)}`)
    this.#judgePlan(edit)
    this.#judgePlaces(edit)
  }

  /** What an edit does to trees was planned by the catalog. */
  #judgePlan({ trees = [], removeTrees = [] }: ManifestEdit): void {
    if (trees.length > 0 || removeTrees.length > 0) {
      const [row] = this.#log.pendingOfCatalog
      const what = `an edit of trees, while ${row && formatExact(row.time)} is pending`
      this.#expect('catalog before edit', row === undefined, what)
    }
    for (const tree of removeTrees) {
      const isFreed = this.#log.isFreed(tree) || !this.#sawAll
      this.#expect('freed before removed', isFreed, `an edit removes tree ${tree}`)
    }
  }

  #judgePlaces({ logSynced, firstSegment }: ManifestEdit): void {
    if (logSynced !== undefined) {
      const { segment: number, bytes } = logSynced
      const segment = this.#log.segment(number)
      const isTrue = segment?.isNamed === true && bytes <= segment.synced
      this.#expect('synced before said', isTrue, `an edit says ${number}:${bytes} of the log is synced`)
    }
    if (firstSegment !== undefined) this.#judgeFirstSegment({ firstSegment }, 'an edit')
  }

  #judgeFirstSegment({ firstSegment }: Pick<ManifestState, 'firstSegment'>, what: string): void {
    const segment = this.#log.segment(firstSegment)
    const isDurable = segment !== undefined && segment.isNamed && segment.synced > 0
    this.#expect('segment before edit', isDurable, `${what} needs segment ${firstSegment}`)
  }

  #expect(rule: OrderRule, isKept: boolean, what: string): void {
    if (!isKept) this.#faults.push({ rule, what })
  }
}

function segmentOf(path: string): number {
  return Number(/^(\d{6,})\.log$/.exec(path)?.[1] ?? 0)
}
