/**
 * The records of the commit log.
 *
 *     commit    u8 1  u64 time  varint tablets { varint tablet  varint writes { u8 kind  key  [value] } }
 *     ceiling   u8 2  u64 time      no time above this one was issued or used before this record
 *     close     u8 3  u64 time      a clean close: no time above exactly this one was
 *
 * A commit is one record, so it is there in whole or not at all, over any number of tables (law 5).
 */
import { BinaryReader, BinaryWriter, FormatError } from '../base/binary.ts'
import { hashOfKey } from './bloom-filter.ts'
import { KeyIndex } from './key-index.ts'
import { type HybridTime } from '../time/hybrid-time.ts'

/** One write: a value, or `undefined` to delete. */
export interface Write {
  readonly key: Uint8Array
  readonly value: Uint8Array | undefined
}

/** The writes of a commit to one tablet, each key once. */
export interface TabletWrites {
  readonly tablet: number
  readonly writes: readonly Write[]
}

/** A record of the log. */
export type CommitLogRecord =
  | { readonly kind: 'commit'; readonly time: HybridTime; readonly tablets: readonly TabletWrites[] }
  | { readonly kind: 'ceiling' | 'close'; readonly time: HybridTime }

const COMMIT = 1
const CEILING = 2
const CLOSE = 3
const PUT = 0
const DELETE = 1

/** The most that a commit, a tablet and a write take beside keys and values: kinds, times, varints. */
const [COMMIT_BYTES, TABLET_BYTES, WRITE_BYTES] = [32, 16, 16]

/** The bytes of a record. */
export function encodeRecord(record: CommitLogRecord): Uint8Array {
  const writer = new BinaryWriter(record.kind === 'commit' ? sizeOf(record.tablets) : undefined)
  writer.u8(record.kind === 'commit' ? COMMIT : record.kind === 'ceiling' ? CEILING : CLOSE)
  writer.u64(record.time)
  if (record.kind === 'commit') {
    writer.varint(record.tablets.length)
    for (const { tablet, writes } of record.tablets) {
      writer.varint(tablet)
      writer.varint(writes.length)
      for (const { key, value } of writes) {
        writer.u8(value === undefined ? DELETE : PUT)
        writer.bytes(key)
        if (value !== undefined) writer.bytes(value)
      }
    }
  }
  return writer.written()
}

/** The bytes that a commit takes, or a few more: a writer that does not grow copies nothing. */
function sizeOf(tablets: readonly TabletWrites[]): number {
  let bytes = COMMIT_BYTES
  for (const { writes } of tablets) {
    bytes += TABLET_BYTES
    for (const { key, value } of writes) bytes += WRITE_BYTES + key.length + (value?.length ?? 0)
  }
  return bytes
}

/** Whether the writes of a commit to a tablet are wanted by whoever reads a log. */
export type WantsWrites = (tablet: number, time: HybridTime) => boolean

/**
 * Keys and values of the result are looks at `payload`. Tablets whose writes are not wanted are passed over, and
 * left out of it. Throws {@link FormatError}.
 */
export function decodeRecord(payload: Uint8Array, wants?: WantsWrites): CommitLogRecord {
  const reader = new BinaryReader(payload)
  const kind = reader.u8()
  const time = reader.u64() as HybridTime
  if (kind === CEILING || kind === CLOSE) {
    reader.end()
    return { kind: kind === CEILING ? 'ceiling' : 'close', time }
  }
  if (kind !== COMMIT) throw new FormatError(`unknown kind of record ${kind}`)
  const tablets: TabletWrites[] = []
  for (let t = reader.varint(); t > 0; t--) {
    const tablet = reader.varint()
    if (wants?.(tablet, time) === false) {
      for (let w = reader.varint(); w > 0; w--) passOverWrite(reader)
      continue
    }
    const writes: Write[] = []
    for (let w = reader.varint(); w > 0; w--) writes.push(readWrite(reader))
    if (hasTwice(writes)) throw new FormatError('a key stands twice')
    if (tablets.some((earlier) => earlier.tablet === tablet)) throw new FormatError('a tablet stands twice')
    tablets.push({ tablet, writes })
  }
  reader.end()
  return { kind: 'commit', time, tablets }
}

function hasTwice(writes: readonly Write[]): boolean {
  if (writes.length < 2) return false
  const index = new KeyIndex<Write>(writes.length)
  return writes.some((write) => {
    const hash = hashOfKey(write.key)
    const isKnown = index.find(write.key, hash) !== undefined
    if (!isKnown) index.add(write, hash)
    return isKnown
  })
}

function readWrite(reader: BinaryReader): Write {
  const kind = readKind(reader)
  const key = reader.bytes()
  return { key, value: kind === PUT ? reader.bytes() : undefined }
}

/** As {@link readWrite}, without making anything of it. */
function passOverWrite(reader: BinaryReader): void {
  const kind = readKind(reader)
  reader.passOverBytes()
  if (kind === PUT) reader.passOverBytes()
}

function readKind(reader: BinaryReader): typeof PUT | typeof DELETE {
  const kind = reader.u8()
  if (kind === PUT || kind === DELETE) return kind
  throw new FormatError(`unknown kind of write ${kind}`)
}
