/**
 * Shared memory in which a thread is given what is in a memtable, one at a time. It is kept from one to the next: memory that is
 * shared does not count for the garbage collector, so what is let go of would pile up. The copy is a few
 * milliseconds for 16 MiB.
 *
 *     memtable    [ 1 ] [ 4 ] … [ 256 KiB ] [ 256 KiB ] [ one large value ]
 *                   ▼     ▼        ▼           ▼             │
 *     shared      [ 1 ] [ 4 ] … [ 256 KiB ] [ 256 KiB ]      └▶ sent, and so copied by the system
 */
import { CHUNK_BYTES_MAX } from '../storage/arena.ts'
import { type PackedMemory } from '../storage/packed-versions.ts'

/** Shared memory for one memtable at a time. */
export class Handover {
  readonly #chunksMax: number
  readonly #chunks: SharedArrayBuffer[] = []

  /** `bytesMax` is what is kept at most; what goes beyond it is sent. */
  constructor(bytesMax: number) {
    this.#chunksMax = Math.ceil(bytesMax / CHUNK_BYTES_MAX)
  }

  /** The same memory, shared, until this is asked again. */
  share(memory: PackedMemory): PackedMemory {
    return { ...memory, chunks: memory.chunks.map((chunk, i) => this.#share(chunk, i)) }
  }

  /** Lets go of the memory, when nobody looks at what was shared any more. */
  letGo(): void {
    this.#chunks.length = 0
  }

  #share(chunk: ArrayBufferLike, index: number): ArrayBufferLike {
    const { byteLength } = chunk
    if (byteLength > CHUNK_BYTES_MAX || index >= this.#chunksMax) return chunk
    let shared = this.#chunks[index]
    if (shared === undefined || shared.byteLength < byteLength) {
      shared = new SharedArrayBuffer(byteLength)
      this.#chunks[index] = shared
    }
    new Uint8Array(shared).set(new Uint8Array(chunk))
    return shared
  }
}
