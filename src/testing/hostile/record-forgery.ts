/**
 * Forged record files: a log segment or a manifest with other records in it, every checksum right.
 *
 *     read the payloads ▶ change, drop, repeat or move some ▶ frame them again
 *
 * Checksums show that bytes are those that were written. They do not show that whoever wrote them was
 * in his right mind, so everything behind them has to be refused or understood by itself.
 */
import { type Checksum } from '../../base/checksum.ts'
import { readWholeFile } from '../../storage/files.ts'
import { MemoryFiles } from '../../storage/memory-files.ts'
import { type RecordMagic, RecordWriter, readRecords } from '../../storage/record-file.ts'

/** What a record file says: its kind, its number, the length of the one before, and its payloads. */
export interface RecordFileParts {
  readonly magic: RecordMagic
  readonly number: number
  readonly formerBytes: number
  readonly payloads: readonly Uint8Array[]
}

/** The parts of a whole file; `undefined` for one that is not whole. */
export function recordFileParts(
  bytes: Uint8Array,
  magic: RecordMagic,
  number: number,
  checksum: Checksum,
): RecordFileParts | undefined {
  const { records, formerBytes } = readRecords(bytes, magic, number, checksum)
  if (formerBytes === undefined) return undefined
  return { magic, number, formerBytes, payloads: records.map(({ payload }) => payload) }
}

/** The file of some parts, each record synced before the next. */
export function forgeRecordFile(parts: RecordFileParts, checksum: Checksum): Uint8Array {
  const files = new MemoryFiles()
  const { magic, number, formerBytes, payloads } = parts
  const writer = RecordWriter.create(files, 'forged', magic, number, checksum, formerBytes)
  for (const payload of payloads) {
    // A record has a payload; an empty one cannot be framed, whatever the forger wants.
    if (payload.length === 0) continue
    writer.append(payload)
    writer.sync()
  }
  return readWholeFile(files, 'forged')
}
