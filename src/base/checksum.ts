/**
 * Checksums: CRC-32 (IEEE 802.3, the one of zlib), with a pure implementation that needs nothing.
 * A platform may give a faster one of the same results.
 */

/** The CRC-32 of bytes as an unsigned 32-bit number; `seed` continues an earlier one. */
export type Checksum = (bytes: Uint8Array, seed?: number) => number

const POLYNOMIAL = 0xedb88320

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1
  return value
})

/** CRC-32, one byte at a time. */
export const crc32: Checksum = (bytes, seed = 0) => {
  let crc = ~seed
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}
