/**
 * An arena: memory that is given out piece by piece and goes all at once. It grows by chunks, so nothing in it ever
 * moves, and in a copy of the chunks everything is found at the same addresses.
 *
 *     address    which chunk × 256 KiB + where in it
 *     chunks     [ 1 KiB ] [ 4 KiB ] … [ 256 KiB ] [ one piece that is larger ] [ 256 KiB ] …
 *
 * Numbers in it are little-endian. It is zero where nobody wrote.
 */
import { assert } from '../base/assert.ts'
import { comparePart } from '../base/bytes.ts'
import { type HybridTime } from '../time/hybrid-time.ts'

const PLACE_BITS = 18
const CHUNK_BYTES_MIN = 1024
/** No chunk is larger, except for one piece that is. */
export const CHUNK_BYTES_MAX: number = 1 << PLACE_BITS
const PLACE_MASK = CHUNK_BYTES_MAX - 1
/** An address takes 32 bits. */
const CHUNKS_MAX = 2 ** (32 - PLACE_BITS)
/** Pieces begin at multiples of this. */
const ALIGNED = 8

/** Pieces of memory by address. */
export class Arena {
  readonly #bytes: Uint8Array[] = []
  readonly #views: DataView[] = []
  /** How much of the last chunk is taken. */
  #used = 0

  /** An empty arena, or one over chunks of another to read it. */
  constructor(chunks: readonly ArrayBufferLike[] = []) {
    for (const chunk of chunks) this.#add(chunk)
    this.#used = CHUNK_BYTES_MAX
  }

  /** Whether it has given out less than a quarter of the addresses that there are. */
  get isRoomy(): boolean {
    return this.#bytes.length < CHUNKS_MAX / 4
  }

  /** All its memory. */
  get chunks(): readonly ArrayBufferLike[] {
    return this.#bytes.map(({ buffer }) => buffer)
  }

  /** The address of a new piece, all zero, of one byte or more. */
  take(length: number): number {
    assert(length > 0, 'a piece has bytes')
    const last = this.#bytes.at(-1)
    // It ends before its chunk does: what has no bytes, at its end, stands at an address of this chunk too.
    if (last === undefined || this.#used + length >= last.length) {
      const next = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, 4 * (last?.length ?? 0)))
      this.#add(new ArrayBuffer(Math.max(next, length)))
      this.#used = 0
    }
    const place = this.#used
    this.#used = (place + length + ALIGNED - 1) & -ALIGNED
    return (this.#bytes.length - 1) * CHUNK_BYTES_MAX + place
  }

  u32(address: number): number {
    return this.#views[address >>> PLACE_BITS]!.getUint32(address & PLACE_MASK, true)
  }

  setU32(address: number, value: number): void {
    this.#views[address >>> PLACE_BITS]!.setUint32(address & PLACE_MASK, value, true)
  }

  time(address: number): HybridTime {
    return this.#views[address >>> PLACE_BITS]!.getBigUint64(address & PLACE_MASK, true) as HybridTime
  }

  setTime(address: number, time: HybridTime): void {
    this.#views[address >>> PLACE_BITS]!.setBigUint64(address & PLACE_MASK, time, true)
  }

  setBytes(address: number, bytes: Uint8Array): void {
    this.#bytes[address >>> PLACE_BITS]!.set(bytes, address & PLACE_MASK)
  }

  /** A look at bytes. */
  look(address: number, length: number): Uint8Array {
    const from = address & PLACE_MASK
    return this.chunkOf(address).subarray(from, from + length)
  }

  /** The chunk of an address: {@link placeOf} says where in it. */
  chunkOf(address: number): Uint8Array {
    return this.#bytes[address >>> PLACE_BITS]!
  }

  /** The same chunk, to be read as numbers. */
  viewOf(address: number): DataView {
    return this.#views[address >>> PLACE_BITS]!
  }

  /** How bytes compare with others. */
  compare(address: number, length: number, other: Uint8Array): number {
    const from = address & PLACE_MASK
    return comparePart(this.chunkOf(address), from, from + length, other)
  }

  #add(chunk: ArrayBufferLike): void {
    assert(this.#bytes.length < CHUNKS_MAX, 'an address takes 32 bits')
    this.#bytes.push(new Uint8Array(chunk))
    this.#views.push(new DataView(chunk))
  }
}

/** Where in its chunk an address is. */
export function placeOf(address: number): number {
  return address & PLACE_MASK
}
