/**
 * What is known of one file by the calls that were made on it: how much there is, how much of it is
 * durable, and, where it has some, its records.
 *
 *     ├── header ──┼── record ──┼── record ──┼── record ──┤
 *                               ▲ synced                  ▲ length
 *
 * Its bytes are durable once they are synced, and of any use once its name is durable too.
 */
import { copyOf } from '../../base/bytes.ts'
import { FILE_HEADER_BYTES, RECORD_HEADER_BYTES } from '../../storage/record-file.ts'

/** A file. */
export class KnownFile {
  length = 0
  synced = 0
  /** Whether a power cut leaves the name that it has. */
  isNamed = false
  /**
   * Whether another process wrote it, which may have failed to sync it: of what it has, no sync makes anything durable.
   * It is gone on with in another file.
   */
  isInDoubt = false

  /** Whether a power cut leaves it as it is. */
  get isDurable(): boolean {
    return this.isNamed && this.synced === this.length
  }

  append(bytes: Uint8Array): void {
    this.length += bytes.length
  }

  truncate(length: number): void {
    this.length = length
    this.synced = Math.min(this.synced, length)
  }

  sync(): void {
    if (!this.isInDoubt) this.synced = this.length
  }
}

/** A record: its bytes, and what they say once somebody has asked. */
interface KnownRecord<Content> {
  readonly payload: Uint8Array
  /** Where in the file it ends. */
  readonly end: number
  content?: Content
}

/** A file of records. They are decoded when somebody asks what they say, for most of what a crash left is not asked. */
export class KnownRecords<Content> extends KnownFile {
  readonly #decode: (payload: Uint8Array) => Content
  readonly #records: KnownRecord<Content>[] = []
  /** So many of them were synced, and so many of these were taken. */
  #syncedCount = 0
  #takenCount = 0

  constructor(decode: (payload: Uint8Array) => Content) {
    super()
    this.#decode = decode
  }

  /** How many records there are. */
  get count(): number {
    return this.#records.length
  }

  /** How many of them a power cut leaves. */
  get durableCount(): number {
    return this.isNamed ? this.#syncedCount : 0
  }

  /** What the records from one to before another one say; all of them if they are left out. */
  contents(from = 0, to: number = this.count): readonly Content[] {
    const asked = this.#records.slice(from, to)
    return asked.map((record) => (record.content ??= this.#decode(record.payload)))
  }

  /** What those say that a power cut leaves, and that were not taken before. */
  takeDurable(): readonly Content[] {
    const from = this.#takenCount
    if (this.durableCount <= from) return []
    this.#takenCount = this.durableCount
    return this.contents(from, this.#takenCount)
  }

  /** Takes a record that was there before anybody watched; its bytes have to stay as they are. */
  adopt(payload: Uint8Array, end: number): void {
    this.#records.push({ payload, end })
  }

  /** The first bytes of a file are its header; whole records follow. */
  override append(bytes: Uint8Array): void {
    const start = this.length
    super.append(bytes)
    const own = copyOf(bytes)
    const view = new DataView(own.buffer)
    for (let at = start === 0 ? FILE_HEADER_BYTES : 0; at < own.length;) {
      const from = at + RECORD_HEADER_BYTES
      at = from + view.getUint32(at, true)
      this.adopt(own.subarray(from, at), start + at)
    }
  }

  override truncate(length: number): void {
    super.truncate(length)
    while ((this.#records.at(-1)?.end ?? 0) > length) this.#records.pop()
    this.#syncedCount = Math.min(this.#syncedCount, this.count)
    this.#takenCount = Math.min(this.#takenCount, this.count)
  }

  override sync(): void {
    super.sync()
    if (!this.isInDoubt) this.#syncedCount = this.count
  }
}
