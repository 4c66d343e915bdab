/**
 * What is known of a directory by the calls that were made on it: its tables, its log and its manifest.
 * It judges nothing.
 */
import { type Checksum } from '../../base/checksum.ts'
import { type FileSystem, readWholeFile } from '../../storage/files.ts'
import { NEW_SEGMENT_PATH, listSegments, segmentPath } from '../../storage/log.ts'
import { MANIFEST_PATH, NEW_MANIFEST_PATH } from '../../storage/manifest.ts'
import { FILE_HEADER_BYTES, type RecordMagic, numberIn, readRecords } from '../../storage/record-file.ts'
import { tableNumberOf } from '../../storage/table-format.ts'
import { KnownFile, type KnownRecords } from './known-file.ts'
import { KnownLog } from './known-log.ts'
import { KnownManifest } from './known-manifest.ts'
import { type WatchedCall } from './watched-files.ts'

/** What a path names. */
export type PathRole =
  | { readonly kind: 'manifest' | 'new manifest' | 'new segment' | 'other' }
  | { readonly kind: 'segment' | 'table'; readonly number: number }

/** A directory, through all the processes that open it. */
export class KnownDirectory {
  readonly tables: Map<number, KnownFile> = new Map()
  readonly log: KnownLog = new KnownLog()
  readonly manifest: KnownManifest = new KnownManifest()
  /** Whether everything that ever happened in it was seen. */
  readonly isNew: boolean

  /**
   * Takes in what is there. What a crash left may be there without being durable, and never get so, so nothing is taken
   * to be but what was a condition of what came later.
   */
  constructor(files: FileSystem, checksum: Checksum) {
    this.isNew = files.size(MANIFEST_PATH) === undefined
    if (this.isNew) return
    // A manifest's name does not say its number.
    const adopt = (known: KnownRecords<unknown>, path: string, magic: RecordMagic, named?: number) => {
      const bytes = readWholeFile(files, path)
      const { records, wholeBytes } = readRecords(bytes, magic, named ?? numberIn(bytes), checksum)
      for (const [i, { payload }] of records.entries())
        known.adopt(payload, records[i + 1]?.offset ?? wholeBytes)
      known.length = bytes.length
      known.isInDoubt = records.length > 0
    }
    adopt(this.manifest.adopt(), MANIFEST_PATH, 'PALIMMAN')
    const segments = listSegments(files)
    for (const number of segments) {
      const segment = this.log.create(number)
      adopt(segment, segmentPath(number), 'PALIMLOG', number)
      // One that has a successor was durable before.
      if (number === segments.at(-1)) continue
      segment.isNamed = true
      segment.isInDoubt = false
      segment.sync()
    }
    this.#adoptFirstSegment()
    this.log.settle()
  }

  /** That the segment is there which a manifest begins with was a condition of its edit; what is in it, was not. */
  #adoptFirstSegment(): void {
    const { written } = this.manifest
    const first = written && this.log.segment(written.firstSegment)
    if (first === undefined) return
    first.isNamed = true
    first.synced = Math.max(first.synced, Math.min(first.length, FILE_HEADER_BYTES))
  }

  /** The file at a path, if it is one of those that have an order. */
  fileOf(path: string): KnownFile | undefined {
    const role = roleOf(path)
    if (role.kind === 'segment') return this.log.segment(role.number)
    if (role.kind === 'table') return this.tables.get(role.number)
    if (role.kind === 'manifest') return this.manifest.file
    if (role.kind === 'new segment') return this.log.next
    return role.kind === 'new manifest' ? this.manifest.next : undefined
  }

  /** Takes in a call. */
  take(call: WatchedCall): void {
    if (call.did === 'create') this.#create(roleOf(call.path))
    else if (call.did === 'remove') this.#remove(roleOf(call.path))
    else if (call.did === 'append') this.fileOf(call.path)?.append(call.bytes)
    else if (call.did === 'truncate') this.fileOf(call.path)?.truncate(call.length)
    else if (call.did === 'sync') this.#sync(call.path)
    else if (call.did === 'rename') this.#rename(roleOf(call.to))
    else if (call.path === '') this.#syncNames()
  }

  #create(role: PathRole): void {
    if (role.kind === 'segment') this.log.create(role.number)
    else if (role.kind === 'table') this.tables.set(role.number, new KnownFile())
    else if (role.kind === 'new manifest') this.manifest.createNext()
    else if (role.kind === 'new segment') this.log.createNext()
  }

  #remove(role: PathRole): void {
    if (role.kind === 'segment') this.log.remove(role.number)
    else if (role.kind === 'table') this.tables.delete(role.number)
    else if (role.kind === 'new manifest') this.manifest.removeNext()
    else if (role.kind === 'new segment') this.log.removeNext()
  }

  #rename(to: PathRole): void {
    if (to.kind === 'manifest') this.manifest.rename()
    else if (to.kind === 'segment') this.log.rename(to.number)
  }

  #sync(path: string): void {
    this.fileOf(path)?.sync()
    this.log.settle()
  }

  #syncNames(): void {
    for (const table of this.tables.values()) table.isNamed = true
    this.manifest.syncNames()
    this.log.syncNames()
  }
}

/** Tells by its name what a file is. */
export function roleOf(path: string): PathRole {
  if (path === MANIFEST_PATH) return { kind: 'manifest' }
  if (path === NEW_MANIFEST_PATH) return { kind: 'new manifest' }
  if (path === NEW_SEGMENT_PATH) return { kind: 'new segment' }
  const segment = /^(\d{6,})\.log$/.exec(path)?.[1]
  if (segment !== undefined) return { kind: 'segment', number: Number(segment) }
  const table = tableNumberOf(path)
  return table === undefined ? { kind: 'other' } : { kind: 'table', number: table }
}
