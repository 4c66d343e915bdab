/**
 * What is known of one file by the calls that were made on it: how much there is, how much of it is
 * durable, and, where it has some, its records.
 *
 *     ├── header ──┼── record ──┼── record ──┼── record ──┤
 *                               ▲ synced                  ▲ length
 *
 * Its bytes are durable once they are synced, and of any use once its name is durable too.
 */
import { RECORD_HEADER_BYTES } from '../../storage/record-file.ts'

/** A file. */
export class KnownFile {
  length = 0
  synced = 0
  isNamed = false

  /** Whether a power cut leaves it as it is. */
  get isDurable(): boolean {
    return this.isNamed && this.synced === this.length
  }

  append(bytes: Uint8Array): unknown {
    this.length += bytes.length
    return undefined
  }

  truncate(length: number): void {
    this.length = length
    this.synced = Math.min(this.synced, length)
  }

  sync(): void {
    this.synced = this.length
  }
}

/** A file of records, of which it keeps what they say. */
export class KnownRecords<Content> extends KnownFile {
  readonly #decode: (payload: Uint8Array) => Content
  #records: { readonly content: Content; readonly end: number }[] = []

  constructor(decode: (payload: Uint8Array) => Content) {
    super()
    this.#decode = decode
  }

  /** What all records say. */
  get contents(): readonly Content[] {
    return this.#records.map(({ content }) => content)
  }

  /** What those say that a power cut leaves. */
  get durable(): readonly Content[] {
    const left = this.isNamed ? this.#records.filter(({ end }) => end <= this.synced) : []
    return left.map(({ content }) => content)
  }

  /** What those say that it may take. */
  get pending(): readonly Content[] {
    return this.contents.slice(this.durable.length)
  }

  /** The first bytes are a header; whole records follow. Answers what they say. */
  override append(bytes: Uint8Array): readonly Content[] {
    const start = this.length
    super.append(bytes)
    const before = this.#records.length
    if (start > 0) this.#read(bytes, start)
    return this.#records.slice(before).map(({ content }) => content)
  }

  /** Takes a record that was there before anybody watched. */
  adopt(payload: Uint8Array, end: number): void {
    this.#records.push({ content: this.#decode(payload), end })
  }

  override truncate(length: number): void {
    super.truncate(length)
    this.#records = this.#records.filter(({ end }) => end <= length)
  }

  #read(bytes: Uint8Array, start: number): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
    for (let at = 0; at < bytes.length;) {
      const from = at + RECORD_HEADER_BYTES
      at = from + view.getUint32(at, true)
      this.adopt(bytes.subarray(from, at), start + at)
    }
  }
}
