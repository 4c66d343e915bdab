/**
 * A Bloom filter over the keys of a table: "surely absent" or "maybe there", never a wrong "absent".
 *
 * One 32-bit hash of the key gives all probes by double hashing (Kirsch and Mitzenmacher, "Less
 * Hashing, Same Performance", 2006), as in LevelDB. With ten bits a key and seven probes about 0.8 %
 * of absent keys pass.
 *
 * Encoded: one byte with the number of probes, then the bits.
 */
import { FormatError, wordAt } from '../base/binary.ts'

/** A hash of a key, of 32 bits with a sign: MurmurHash3 (Austin Appleby), x86 32-bit variant, seed 0. */
export function hashOfKey(key: Uint8Array): number {
  let hash = 0
  const whole = key.length & ~3
  for (let i = 0; i < whole; i += 4) hash = mixed(hash, wordAt(key, i))
  let tail = 0
  for (let i = key.length - 1; i >= whole; i--) tail = (tail << 8) | key[i]!
  return finished(hash ^ scramble(tail), key.length)
}

/** As {@link hashOfKey}, of a key that is so many whole words. */
export function hashOfWords(words: Int32Array, count: number): number {
  let hash = 0
  for (let i = 0; i < count; i++) hash = mixed(hash, words[i]!)
  return finished(hash, 4 * count)
}

function mixed(before: number, word: number): number {
  const hash = before ^ scramble(word)
  return (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
}

function finished(before: number, length: number): number {
  let hash = before ^ length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  // Without a sign, one half of all hashes would be numbers on the heap.
  return hash ^ (hash >>> 16)
}

function scramble(word: number): number {
  const product = Math.imul(word, 0xcc9e2d51)
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593)
}

/** The encoded filter over keys of these hashes. */
export function buildBloomFilter(hashes: readonly number[], bitsPerKey: number): Uint8Array {
  const bytes = Math.max(8, Math.ceil((hashes.length * bitsPerKey) / 8))
  const probes = Math.min(30, Math.max(1, Math.round(bitsPerKey * Math.LN2)))
  const filter = new Uint8Array(1 + bytes)
  filter[0] = probes
  const bits = bytes * 8
  for (const hash of hashes) {
    const step = stepOf(hash)
    let bit = hash
    for (let probe = probes; probe > 0; probe--) {
      const place = (bit >>> 0) % bits
      filter[1 + (place >>> 3)]! |= 1 << (place & 7)
      bit = (bit + step) | 0
    }
  }
  return filter
}

/** Refuses bytes that are no filter. */
export function checkBloomFilter(filter: Uint8Array): void {
  const probes = filter[0]
  if (filter.length < 2 || probes === undefined || probes < 1 || probes > 30) {
    throw new FormatError('not a Bloom filter')
  }
}

/** Whether a key of this hash may be in the set. */
export function mayContain(filter: Uint8Array, hash: number): boolean {
  const bits = (filter.length - 1) * 8
  const step = stepOf(hash)
  const share = 1 / bits
  let bit = hash
  for (let probe = filter[0]!; probe > 0; probe--) {
    // The rest of a division, by multiplying, which takes half the time. Of 32 bits a double gives the right
    // quotient, or where there is no rest perhaps one less.
    const number = bit >>> 0
    let place = number - Math.floor(number * share) * bits
    if (place === bits) place = 0
    if ((filter[1 + (place >>> 3)]! & (1 << (place & 7))) === 0) return false
    bit = (bit + step) | 0
  }
  return true
}

/** How far it is from a probe to the next. */
function stepOf(hash: number): number {
  return (hash >>> 17) | (hash << 15)
}
