/**
 * The parts of a table file beside its data blocks, and what is known of a table without opening it.
 *
 *     data blocks      each with its u32 crc behind it
 *     filter           Bloom filter over the keys, crc
 *     index            one entry a block, crc
 *     facts            counts and bounds, crc
 *     footer           48 bytes: where the three parts are, format, crc with the table's number, magic
 *
 * `docs/format.md` has every byte.
 */
import { BinaryReader, BinaryWriter, FormatError } from '../base/binary.ts'
import { type Checksum } from '../base/checksum.ts'
import { copyOf } from '../base/bytes.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Position } from './version.ts'

/** Counts of versions by what they are within their file. */
export interface VersionCounts {
  /** Distinct keys. */
  readonly keys: number
  /** All versions: `live + superseded + tombstones`. */
  readonly versions: number
  /** Values that no newer version in the file hides. */
  readonly live: number
  /** Values with a newer version of their key before them. */
  readonly superseded: number
  /** Deletions. */
  readonly tombstones: number
}

/** What the file of a table says of itself: exact counts and bounds. */
export interface TableFacts extends VersionCounts {
  readonly first: Position
  readonly last: Position
  readonly minTime: HybridTime
  readonly maxTime: HybridTime
  readonly blocks: number
}

/** A table as the manifest knows it: plain data, enough for every decision of a policy. */
export interface TableMeta extends TableFacts {
  /** Its file's number, which no other file that a manifest ever named has. */
  readonly number: number
  /** Its file's length. */
  readonly bytes: number
  /** Of a table that a merge wrote: the first time of the window that the merge kept. */
  readonly writtenAtCutoff?: HybridTime | undefined
  /** Times between its first and its last one at which it is known to hold no version. */
  readonly emptyTimes?: Stretches | undefined
}

/** What is known of a block without reading it. Live is what no newer version in the file hides, in whichever block. */
export interface BlockFacts extends Pick<VersionCounts, 'live' | 'superseded' | 'tombstones'> {
  readonly first: Position
  readonly minTime: HybridTime
  readonly maxTime: HybridTime
}

/** One block as the index knows it. */
export interface BlockEntry extends BlockFacts {
  readonly offset: number
  /** Without the checksum behind it. */
  readonly length: number
}

/** Where a part of the file is; `length` without its checksum. */
export interface PartHandle {
  readonly offset: number
  readonly length: number
}

/** The end of a table file. */
export interface Footer {
  readonly filter: PartHandle
  readonly index: PartHandle
  readonly facts: PartHandle
}

/** Numbers of tables are below this, so that one takes a word wherever it is kept. */
export const TABLE_NUMBERS: number = 2 ** 29
/** The length of a checksum behind a part. */
export const CHECKSUM_BYTES = 4
/** The length of the footer. */
export const FOOTER_BYTES = 48
const FORMAT = 1
const MAGIC = 0x7c_54_41_50 // "PAT|"

/** The name of a table's file. */
export function tablePath(number: number): string {
  return `${number.toString().padStart(6, '0')}.table`
}

/** The number of a table file's name, or `undefined` for a name that no table file has. */
export function tableNumberOf(name: string): number | undefined {
  const number = Number(/^(\d{6,})\.table$/.exec(name)?.[1])
  return number < TABLE_NUMBERS && tablePath(number) === name ? number : undefined
}

/** The bytes of an index. */
export function encodeIndex(entries: readonly BlockEntry[]): Uint8Array {
  const writer = new BinaryWriter(64 * entries.length + 8)
  writer.varint(entries.length)
  for (const entry of entries) {
    writer.varint(entry.offset)
    writer.varint(entry.length)
    writePosition(writer, entry.first)
    writer.u64(entry.minTime)
    writer.u64(entry.maxTime)
    writer.varint(entry.live)
    writer.varint(entry.superseded)
    writer.varint(entry.tombstones)
  }
  return writer.finish()
}

/** The index of bytes; keys have memory of their own. Throws {@link FormatError}. */
export function decodeIndex(bytes: Uint8Array): readonly BlockEntry[] {
  const reader = new BinaryReader(bytes)
  const count = reader.varint()
  if (count === 0) throw new FormatError('an index without blocks')
  const entries: BlockEntry[] = []
  for (let i = 0; i < count; i++) {
    entries.push({
      offset: reader.varint(),
      length: reader.varint(),
      first: readPosition(reader),
      minTime: readTime(reader),
      maxTime: readTime(reader),
      live: reader.varint(),
      superseded: reader.varint(),
      tombstones: reader.varint(),
    })
  }
  reader.end()
  return entries
}

/** The bytes of the facts of a table. */
export function encodeFacts(facts: TableFacts): Uint8Array {
  const writer = new BinaryWriter()
  writePosition(writer, facts.first)
  writePosition(writer, facts.last)
  writer.u64(facts.minTime)
  writer.u64(facts.maxTime)
  for (const count of [
    facts.blocks,
    facts.keys,
    facts.versions,
    facts.live,
    facts.superseded,
    facts.tombstones,
  ]) {
    writer.varint(count)
  }
  return writer.finish()
}

/** The facts of bytes. Throws {@link FormatError}. */
export function decodeFacts(bytes: Uint8Array): TableFacts {
  const reader = new BinaryReader(bytes)
  const facts = {
    first: readPosition(reader),
    last: readPosition(reader),
    minTime: readTime(reader),
    maxTime: readTime(reader),
    blocks: reader.varint(),
    keys: reader.varint(),
    versions: reader.varint(),
    live: reader.varint(),
    superseded: reader.varint(),
    tombstones: reader.varint(),
  }
  reader.end()
  return facts
}

/** The bytes of the footer of table `number`. */
export function encodeFooter(footer: Footer, number: number, checksum: Checksum): Uint8Array {
  const writer = new BinaryWriter(FOOTER_BYTES)
  for (const { offset, length } of [footer.filter, footer.index, footer.facts]) {
    writer.u64(BigInt(offset))
    writer.u32(length)
  }
  writer.u32(FORMAT)
  writer.u32(footerChecksum(writer.finish(), number, checksum))
  writer.u32(MAGIC)
  return writer.finish()
}

/** Reads the footer of table `number`; its parts fill the end of a file of `fileBytes`. */
export function decodeFooter(
  bytes: Uint8Array,
  fileBytes: number,
  number: number,
  checksum: Checksum,
): Footer {
  const reader = new BinaryReader(bytes)
  const handle = (): PartHandle => ({ offset: Number(reader.u64()), length: reader.u32() })
  const footer = { filter: handle(), index: handle(), facts: handle() }
  const format = reader.u32()
  const expected = footerChecksum(bytes.subarray(0, FOOTER_BYTES - 8), number, checksum)
  if (reader.u32() !== expected || reader.u32() !== MAGIC)
    throw new FormatError(`no footer, or not that of table ${number}`)
  if (format !== FORMAT)
    throw new FormatError(`format ${format} is not known; this version reads format ${FORMAT}`)
  reader.end()
  const endOf = ({ offset, length }: PartHandle) => offset + length + CHECKSUM_BYTES
  const isWhole =
    endOf(footer.filter) === footer.index.offset &&
    endOf(footer.index) === footer.facts.offset &&
    endOf(footer.facts) === fileBytes - FOOTER_BYTES
  if (!isWhole) throw new FormatError('the parts do not fill the file')
  return footer
}

/** Continues that of the number, so that a file under the name of another is never taken for it. */
function footerChecksum(bytes: Uint8Array, number: number, checksum: Checksum): number {
  const name = new BinaryWriter(8)
  name.u64(BigInt(number))
  return checksum(bytes, checksum(name.finish()))
}

function writePosition(writer: BinaryWriter, { key, time }: Position): void {
  writer.bytes(key)
  writer.u64(time)
}

function readPosition(reader: BinaryReader): Position {
  return { key: copyOf(reader.bytes()), time: readTime(reader) }
}

function readTime(reader: BinaryReader): HybridTime {
  return reader.u64() as HybridTime
}
