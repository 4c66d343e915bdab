/**
 * The versions of a memtable, numbered in the order in which they come, without an object for any of them: a
 * hundred thousand small objects that live for seconds are what a garbage collector is worst at.
 *
 *     number      0      1      2      3   …
 *     time        4      4      5      6           one column each
 *     chunk       0      0      0      1
 *     from        0     12     12      0
 *     length     12      ✝      8    300           ✝ tombstone
 *     chunks     [ values, one behind the other, up to 256 KiB ] [ … ]
 */
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Version } from './version.ts'

const VERSIONS_FIRST = 64
const CHUNK_BYTES_MIN = 1024
const CHUNK_BYTES_MAX = 256 * 1024
/** The length of what is not there; no value is as long. */
const TOMBSTONE = 0xffff_ffff

/** Versions by number, and bytes that belong to them. */
export class PackedVersions {
  #count = 0
  #times = new BigUint64Array(VERSIONS_FIRST)
  #chunkOf = new Uint32Array(VERSIONS_FIRST)
  #froms = new Uint32Array(VERSIONS_FIRST)
  #lengths = new Uint32Array(VERSIONS_FIRST)
  readonly #chunks: Uint8Array[] = []
  /** How much of the last chunk is taken. */
  #used = 0

  get count(): number {
    return this.#count
  }

  /** Takes in a version, whose value is copied, and answers its number. */
  add({ time, value }: Version): number {
    if (this.#count === this.#times.length) this.#grow()
    const number = this.#count++
    this.#times[number] = time
    if (value === undefined) this.#lengths[number] = TOMBSTONE
    else {
      this.#froms[number] = this.#copy(value)
      this.#chunkOf[number] = this.#chunks.length - 1
      this.#lengths[number] = value.length
    }
    return number
  }

  /** A copy of a key, which stands among the values. */
  keep(key: Uint8Array): Uint8Array {
    const from = this.#copy(key)
    return this.#chunks.at(-1)!.subarray(from, from + key.length)
  }

  timeAt(number: number): HybridTime {
    return this.#times[number] as HybridTime
  }

  /** A version; its value is a look at this memory. */
  versionAt(number: number): Version {
    const time = this.timeAt(number)
    const length = this.#lengths[number]!
    if (length === TOMBSTONE) return { time, value: undefined }
    const from = this.#froms[number]!
    return { time, value: this.#chunks[this.#chunkOf[number]!]!.subarray(from, from + length) }
  }

  /** Where in the last chunk the copy stands. */
  #copy(bytes: Uint8Array): number {
    const last = this.#chunks.at(-1)
    if (last === undefined || this.#used + bytes.length > last.length) {
      const next = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, 4 * (last?.length ?? 0)))
      this.#chunks.push(new Uint8Array(Math.max(next, bytes.length)))
      this.#used = 0
    }
    const from = this.#used
    this.#chunks.at(-1)!.set(bytes, from)
    this.#used += bytes.length
    return from
  }

  #grow(): void {
    const length = 2 * this.#times.length
    const times = new BigUint64Array(length)
    times.set(this.#times)
    this.#times = times
    this.#chunkOf = grown(this.#chunkOf, length)
    this.#froms = grown(this.#froms, length)
    this.#lengths = grown(this.#lengths, length)
  }
}

function grown(column: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const longer = new Uint32Array(length)
  longer.set(column)
  return longer
}
