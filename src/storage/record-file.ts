/**
 * Framed, checksummed records at the end of a growing file: the form of log segments and of the manifest.
 *
 *     file    magic[8]  u32 number  u64 former  u32 crc of the 20 bytes before
 *     record  u32 length  u32 payload crc  u64 synced  u32 header crc  payload[length]
 *
 * `synced` says: the first so many bytes of this file had been synced when the record was written. It
 * is what tells a torn tail from real damage. Damage with no later record that vouches for it was
 * never promised to anyone: the file ends there. Damage that a later record vouches for is refused.
 *
 *     ├── record ──┼── damage ──┼── record, synced ≥ its end ──┤     refused: it was durable once
 *     ├── record ──┼── damage ──┼── record, synced before it ──┤     a torn tail: cut there
 *
 * `former` is the length of the file that this one goes on from, which was whole and synced by then; a
 * file cannot know by itself that it was cut exactly between two records.
 *
 * A record's header checksum also covers the file's kind and number and the record's offset, so that a
 * stale sector of another file, or of another place in this one, is never taken for a record.
 */
import { BinaryWriter } from '../base/binary.ts'
import { type Checksum } from '../base/checksum.ts'
import { concatBytes } from '../base/bytes.ts'
import { assert } from '../base/assert.ts'
import { type AppendFile, type FileSystem, beginWith, removeIfThere } from './files.ts'

/** What kind of file the records are in: eight bytes at its start. */
export type RecordMagic = 'PALIMLOG' | 'PALIMMAN'

/** The length of the header of a file: one without records is no longer. */
export const FILE_HEADER_BYTES = 24
/** The part of it that tells the file from all others: its kind and its number. */
const IDENTITY_BYTES = 12
const NUMBER_AT = 8
/** The length of the header of a record; its payload comes next. */
export const RECORD_HEADER_BYTES = 20

/** A record that was read back. */
export interface FileRecord {
  /** Where in the file its header begins. */
  readonly offset: number
  readonly payload: Uint8Array
}

/** What is found where the records of a file end. */
export interface RecordFileEnd {
  /** The length of the file that this one goes on from; `undefined` where its own header is not whole. */
  readonly formerBytes: number | undefined
  /** The length up to which the file is whole: the end of the last good record. */
  readonly wholeBytes: number
  /** Bytes behind that: a torn tail. */
  readonly tornBytes: number
  /** Where damage begins that was durable once, if there is any. The records end before it. */
  readonly damagedAt?: number | undefined
}

/** A whole record file. */
export interface RecordFileContents extends RecordFileEnd {
  readonly records: readonly FileRecord[]
}

/** Appends records to one file. */
export class RecordWriter {
  readonly #file: AppendFile
  readonly #identity: number
  readonly #checksum: Checksum
  #syncedBytes: number
  /** Records that were accepted but not yet handed to the file, in order. */
  #held: Uint8Array[] = []
  #heldBytes = 0

  private constructor(file: AppendFile, identity: number, checksum: Checksum, syncedBytes: number) {
    this.#file = file
    this.#identity = identity
    this.#checksum = checksum
    this.#syncedBytes = syncedBytes
  }

  /**
   * Creates the file with its header, durably; its name is durable once the directory is synced.
   * `formerBytes` is the length of the file that it goes on from, if there is one.
   */
  static create(
    files: FileSystem,
    path: string,
    magic: RecordMagic,
    number: number,
    checksum: Checksum,
    formerBytes = 0,
  ): RecordWriter {
    return beginWith(files.create(path), (file) => {
      file.append(fileHeader(magic, number, formerBytes, checksum))
      file.sync()
      return new RecordWriter(file, identityOf(magic, number, checksum), checksum, FILE_HEADER_BYTES)
    })
  }

  /**
   * Goes on at the end of a file whose contents were read. A torn tail is cut off first, and what was only not
   * synced yet is made durable. What a failed sync has given up is not: see {@link repeat}.
   */
  static resume(
    files: FileSystem,
    path: string,
    magic: RecordMagic,
    number: number,
    checksum: Checksum,
    end: RecordFileEnd,
  ): RecordWriter {
    assert(end.damagedAt === undefined, 'a damaged file is refused, never written')
    if (end.tornBytes > 0) files.truncate(path, end.wholeBytes)
    return beginWith(files.append(path), (file) => {
      file.sync()
      return new RecordWriter(file, identityOf(magic, number, checksum), checksum, end.wholeBytes)
    })
  }

  /**
   * Goes on at the end of a copy of a file's whole records, which is durable before it takes the file's name. Of the
   * file itself a sync may have failed, unseen by this process: what was read may be in memory only, and stay there
   * whatever a later sync says. The copy is written as `newPath`, in the same directory, the root.
   */
  static repeat(
    files: FileSystem,
    [path, newPath]: readonly [path: string, newPath: string],
    magic: RecordMagic,
    number: number,
    checksum: Checksum,
    whole: Uint8Array,
  ): RecordWriter {
    removeIfThere(files, newPath)
    const copy = files.create(newPath)
    try {
      copy.append(whole)
      copy.sync()
    } finally {
      copy.close()
    }
    files.rename(newPath, path)
    files.syncDirectory('')
    const file = files.append(path)
    return new RecordWriter(file, identityOf(magic, number, checksum), checksum, whole.length)
  }

  /** The length of the file with everything that was appended or held. */
  get bytes(): number {
    return this.#file.size + this.#heldBytes
  }

  /** The length that has been synced. */
  get syncedBytes(): number {
    return this.#syncedBytes
  }

  /** Takes note that the first so many bytes were synced by somebody else who has the file open. */
  noteSynced(bytes: number): void {
    assert(bytes <= this.#file.size, 'what was synced had been written')
    this.#syncedBytes = Math.max(this.#syncedBytes, bytes)
  }

  /** Accepts a record without handing it to the file; it goes with the next {@link append} or {@link sync}. */
  hold(payload: Uint8Array): void {
    const record = this.#frame(payload)
    this.#held.push(record)
    this.#heldBytes += record.length
  }

  /** Hands a record, after all that is held, to the operating system. */
  append(payload: Uint8Array): void {
    this.hold(payload)
    this.release()
  }

  /** Returns when every record accepted so far will survive a power cut. */
  sync(): void {
    this.release()
    if (this.#syncedBytes === this.#file.size) return
    this.#file.sync()
    this.#syncedBytes = this.#file.size
  }

  /** Closes the file without syncing it. */
  close(): void {
    this.#file.close()
  }

  /** Hands all that is held to the operating system. */
  release(): void {
    if (this.#held.length === 0) return
    const bytes = this.#held.length === 1 ? this.#held[0]! : concatBytes(this.#held)
    this.#file.append(bytes)
    this.#held = []
    this.#heldBytes = 0
  }

  #frame(payload: Uint8Array): Uint8Array {
    assert(payload.length > 0, 'a record has a payload')
    const record = new Uint8Array(RECORD_HEADER_BYTES + payload.length)
    const view = new DataView(record.buffer)
    view.setUint32(0, payload.length, true)
    view.setUint32(4, this.#checksum(payload), true)
    view.setBigUint64(8, BigInt(this.#syncedBytes), true)
    view.setUint32(16, headerChecksum(this.#checksum, this.#identity, this.bytes, record, 0), true)
    record.set(payload, RECORD_HEADER_BYTES)
    return record
  }
}

/** The payloads behind a file's header. Returns where the last whole record ends. */
function* payloadsIn(source: RecordSource): Generator<Uint8Array, number> {
  let at = FILE_HEADER_BYTES
  for (;;) {
    const record = recordAt(source, at)
    if (record === undefined || source.checksum(record.payload) !== record.payloadChecksum) return at
    yield record.payload
    at += RECORD_HEADER_BYTES + record.payload.length
  }
}

/** The number that the header of a file says. Whoever reads the records checks the header. */
export function numberIn(bytes: Uint8Array): number {
  if (bytes.length < IDENTITY_BYTES) return 0
  return new DataView(bytes.buffer, bytes.byteOffset, IDENTITY_BYTES).getUint32(NUMBER_AT, true)
}

/**
 * The payloads of a whole file, and what is found at their end, which may be damage. `number` is what its name
 * says, if that says one; a file of another number is damaged.
 */
export function* payloadsOf(
  bytes: Uint8Array,
  magic: RecordMagic,
  number: number,
  checksum: Checksum,
): Generator<Uint8Array, RecordFileEnd> {
  const formerBytes = readFileHeader(bytes, magic, number, checksum)
  const source = sourceOf(bytes, magic, number, checksum)
  const wholeBytes = formerBytes === undefined ? 0 : yield* payloadsIn(source)
  const isVouchedFor = wholeBytes < bytes.length && someRecordVouchesFor(source, wholeBytes)
  const tornBytes = bytes.length - wholeBytes
  return { formerBytes, wholeBytes, tornBytes, damagedAt: isVouchedFor ? wholeBytes : undefined }
}

/** Reads a file back, with where its records begin. */
export function readRecords(
  bytes: Uint8Array,
  magic: RecordMagic,
  number: number,
  checksum: Checksum,
): RecordFileContents {
  const records: FileRecord[] = []
  const payloads = payloadsOf(bytes, magic, number, checksum)
  let offset = FILE_HEADER_BYTES
  let next = payloads.next()
  for (; !next.done; next = payloads.next()) {
    records.push({ offset, payload: next.value })
    offset += RECORD_HEADER_BYTES + next.value.length
  }
  return { ...next.value, records }
}

/** A file in which records are looked for. */
interface RecordSource {
  readonly bytes: Uint8Array
  readonly view: DataView
  readonly identity: number
  readonly checksum: Checksum
}

interface RawRecord {
  readonly payload: Uint8Array
  readonly payloadChecksum: number
  readonly syncedBytes: number
}

function sourceOf(bytes: Uint8Array, magic: RecordMagic, number: number, checksum: Checksum): RecordSource {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { bytes, view, identity: identityOf(magic, number, checksum), checksum }
}

/** The record whose header stands at `at`, if one does; its payload is not yet checked. */
function recordAt({ bytes, view, identity, checksum }: RecordSource, at: number): RawRecord | undefined {
  const room = bytes.length - at - RECORD_HEADER_BYTES
  if (room < 0) return undefined
  const length = view.getUint32(at, true)
  const syncedBytes = view.getUint32(at + 8, true) + view.getUint32(at + 12, true) * 2 ** 32
  // Cheap tests first: the search for later records asks at every offset.
  if (length === 0 || length > room || syncedBytes > at) return undefined
  if (headerChecksum(checksum, identity, at, bytes, at) !== view.getUint32(at + 16, true)) return undefined
  const from = at + RECORD_HEADER_BYTES
  return {
    payload: bytes.subarray(from, from + length),
    payloadChecksum: view.getUint32(at + 4, true),
    syncedBytes,
  }
}

/** Whether a record behind `offset` says that what stands there had been synced. */
function someRecordVouchesFor(source: RecordSource, offset: number): boolean {
  for (let at = offset + 1; at + RECORD_HEADER_BYTES <= source.bytes.length; at++) {
    const record = recordAt(source, at)
    if (record !== undefined && record.syncedBytes > offset) return true
  }
  return false
}

function fileHeader(magic: RecordMagic, number: number, formerBytes: number, checksum: Checksum): Uint8Array {
  const writer = new BinaryWriter(FILE_HEADER_BYTES)
  for (let i = 0; i < magic.length; i++) writer.u8(magic.charCodeAt(i))
  writer.u32(number)
  writer.u64(BigInt(formerBytes))
  writer.u32(checksum(writer.finish()))
  return writer.finish()
}

/** What the header of a file says of the one before, if it is the header of this kind and number. */
function readFileHeader(
  bytes: Uint8Array,
  magic: RecordMagic,
  number: number,
  checksum: Checksum,
): number | undefined {
  if (bytes.length < FILE_HEADER_BYTES) return undefined
  const view = new DataView(bytes.buffer, bytes.byteOffset, FILE_HEADER_BYTES)
  const formerBytes = Number(view.getBigUint64(IDENTITY_BYTES, true))
  const header = fileHeader(magic, number, formerBytes, checksum)
  return header.every((byte, i) => byte === bytes[i]) ? formerBytes : undefined
}

/** What tells a file from all others: the checksum of its kind and its number. */
function identityOf(magic: RecordMagic, number: number, checksum: Checksum): number {
  return checksum(fileHeader(magic, number, 0, checksum).subarray(0, IDENTITY_BYTES))
}

/** What the checksum of a record's header is over. */
const covered = new Uint8Array(28)
const coveredView = new DataView(covered.buffer)

/** Over the file's identity, the record's offset and the first 16 bytes of its header, which stands at `at`. */
function headerChecksum(
  checksum: Checksum,
  identity: number,
  offset: number,
  bytes: Uint8Array,
  at: number,
): number {
  coveredView.setUint32(0, identity, true)
  coveredView.setUint32(4, offset % 2 ** 32, true)
  coveredView.setUint32(8, Math.floor(offset / 2 ** 32), true)
  for (let i = 0; i < 16; i++) covered[12 + i] = bytes[at + i]!
  return checksum(covered)
}
