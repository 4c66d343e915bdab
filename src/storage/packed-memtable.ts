/**
 * A memtable as one run of bytes, to be sent to where it is flushed: its keys in no order, each with its
 * versions, oldest first. Sorting, which takes longer than packing, is left to whoever unpacks.
 *
 *     { key  varint versions { u64 time  u8 kind  [value] } }
 */
import { BinaryReader, BinaryWriter } from '../base/binary.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { Memtable } from './memtable.ts'

const TOMBSTONE = 0
const VALUE = 1

/** The bytes of a memtable, in memory of their own. */
export function packMemtable(memtable: Memtable): Uint8Array {
  const writer = new BinaryWriter(memtable.bytes)
  for (const [key, versions] of memtable.histories()) {
    writer.bytes(key)
    writer.varint(versions.length)
    for (const { time, value } of versions) {
      writer.u64(time)
      writer.u8(value === undefined ? TOMBSTONE : VALUE)
      if (value !== undefined) writer.bytes(value)
    }
  }
  return writer.finish()
}

/** The memtable of {@link packMemtable}; keys and values are looks at `bytes`. */
export function unpackMemtable(bytes: Uint8Array): Memtable {
  const memtable = new Memtable()
  const reader = new BinaryReader(bytes)
  while (reader.remaining > 0) {
    const key = reader.bytes()
    for (let versions = reader.varint(); versions > 0; versions--) {
      const time = reader.u64() as HybridTime
      memtable.add(key, { time, value: reader.u8() === TOMBSTONE ? undefined : reader.bytes() })
    }
  }
  return memtable
}
