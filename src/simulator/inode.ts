/**
 * A file of the simulated disk, apart from its names: what programs see (the live bytes), what the
 * disk has for certain (the durable bytes), and the writes and cuts between them, in order.
 *
 *     durable bytes ──▶ pending: append 512+100, truncate to 300, append 300+40 ──▶ live bytes
 *
 * - Syncing settles everything that is pending: the durable bytes are then the live ones.
 * - A failed sync *abandons* the writes that are pending: programs go on seeing them until the crash,
 *   and no later sync makes them durable. Where one of them lay is a hole of zeros.
 * - Memory is shared, never written twice: a buffer grows at its end only, and a cut is followed by a
 *   new buffer. So durable bytes, pending writes and crash images are looks at the same arrays.
 */
import { assert } from '../base/assert.ts'
import { NO_BYTES, copyOf } from '../base/bytes.ts'
import { type Fate, type LandedWrite } from './fates.ts'

/** An unsynced write at the end of a file. */
export interface PendingWrite {
  readonly kind: 'append'
  /** Its place among all that is pending on the disk. */
  readonly order: number
  readonly at: number
  readonly bytes: Uint8Array
  /** A sync failed over it: no sync will make it durable. */
  readonly abandoned: boolean
}

/** An unsynced cut of a file. */
export interface PendingCut {
  readonly kind: 'truncate'
  readonly order: number
  readonly length: number
}

/** What was done to a file and is not durable. */
export type PendingData = PendingWrite | PendingCut

/** What a power cut leaves of a file. */
export interface Remains {
  readonly file: Inode
  /** All that lies on the disk, where something landed behind the file's end: data that came without length. */
  readonly unseen: Uint8Array | undefined
}

/** A file, apart from its names. */
export class Inode {
  /** Tells files apart, through crashes too. */
  readonly id: number
  /** The name it was created under, for logs. */
  readonly label: string
  #buffer: Uint8Array
  #length: number
  /** Up to here others may look at the buffer, so it is not written again. */
  #shared: number
  #durable: Uint8Array
  #pending: PendingData[]

  constructor(id: number, label: string, durable: Uint8Array = NO_BYTES) {
    this.id = id
    this.label = label
    this.#buffer = durable
    this.#length = durable.length
    this.#shared = durable.length
    this.#durable = durable
    this.#pending = []
  }

  /** The length that programs see. */
  get length(): number {
    return this.#length
  }

  /** The bytes that programs see, to look at; they will not change. */
  get live(): Uint8Array {
    return this.isDurable ? this.#durable : this.#buffer.subarray(0, this.#length)
  }

  /** The bytes that the disk has for certain, to look at; the same object while they are the same. */
  get durable(): Uint8Array {
    return this.#durable
  }

  /** What is not durable, in order. */
  get pending(): readonly PendingData[] {
    return this.#pending
  }

  /** Whether what programs see will survive a power cut. */
  get isDurable(): boolean {
    return this.#pending.length === 0
  }

  /** A copy of bytes that programs see. */
  read(offset: number, length: number): Uint8Array {
    assert(offset + length <= this.#length, 'a read lies in the file')
    return copyOf(this.#buffer.subarray(offset, offset + length))
  }

  append(bytes: Uint8Array, order: number): void {
    if (bytes.length === 0) return
    const at = this.#length
    const end = at + bytes.length
    if (at < this.#shared || end > this.#buffer.length) this.#moveTo(Math.max(end, 2 * at, 64))
    this.#buffer.set(bytes, at)
    this.#length = end
    this.#shared = end
    this.#pending.push({ kind: 'append', order, at, bytes: this.#buffer.subarray(at, end), abandoned: false })
  }

  truncate(length: number, order: number): void {
    assert(length <= this.#length, 'a cut makes no file longer')
    if (length === this.#length) return
    this.#length = length
    this.#pending.push({ kind: 'truncate', order, length })
  }

  /** Makes durable what no failed sync has abandoned. */
  sync(): void {
    if (this.isDurable) return
    const abandoned = this.#pending.flatMap((data) =>
      data.kind === 'append' && data.abandoned ? [data] : [],
    )
    if (abandoned.length === 0) {
      this.#durable = this.#buffer.subarray(0, this.#length)
      this.#pending = []
      return
    }
    const settled = this.#pending.filter((data) => data.kind === 'truncate' || !data.abandoned)
    const { blocks, length } = landOn(this.#durable, settled, () => 'kept')
    this.#durable = blocks.subarray(0, length)
    this.#pending = abandoned.flatMap((write) => cutBy(write, settled))
  }

  /** What a failed sync does: the writes are taken for clean and forgotten. */
  abandon(): void {
    this.#pending = this.#pending.map((data) =>
      data.kind === 'append' ? { ...data, abandoned: true } : data,
    )
  }

  /** The same file with the same things pending, for another disk. */
  copy(): Inode {
    const copy = new Inode(this.id, this.label, this.#durable)
    if (this.isDurable) return copy
    copy.#pending = [...this.#pending]
    copy.#buffer = this.live
    copy.#length = this.#length
    copy.#shared = this.#length
    return copy
  }

  /** What a power cut leaves, of each pending thing what `fateOf` its order says. */
  afterPowerCut(fateOf: (order: number) => Fate): Remains {
    const touched = this.#pending.some((data) => fateOf(data.order) !== undefined)
    if (!touched) return { file: new Inode(this.id, this.label, this.#durable), unseen: undefined }
    const { blocks, length } = landOn(this.#durable, this.#pending, fateOf)
    const isUnseen = blocks.subarray(length).some((byte) => byte !== 0)
    const file = new Inode(this.id, this.label, blocks.subarray(0, length))
    return { file, unseen: isUnseen ? blocks : undefined }
  }

  #moveTo(capacity: number): void {
    const buffer = new Uint8Array(capacity)
    buffer.set(this.#buffer.subarray(0, this.#length))
    this.#buffer = buffer
  }
}

/**
 * What lies on the disk after some of what is pending reached it, and how many of these bytes the file has. Where
 * nothing landed there are zeros.
 */
function landOn(
  durable: Uint8Array,
  pending: readonly PendingData[],
  fateOf: (order: number) => Fate,
): { readonly blocks: Uint8Array; readonly length: number } {
  let extent = durable.length
  for (const data of pending)
    if (data.kind === 'append') extent = Math.max(extent, data.at + data.bytes.length)
  // What landed beyond the length stays there: a later write may move the length over it.
  const blocks = new Uint8Array(extent)
  blocks.set(durable)
  let length = durable.length
  for (const data of pending) {
    const fate = fateOf(data.order)
    if (fate === undefined) continue
    if (data.kind === 'truncate') {
      blocks.fill(0, data.length)
      length = Math.min(length, data.length)
      continue
    }
    const landed = typeof fate === 'string' ? landedWhole(data) : fate
    for (const piece of landed.pieces) blocks.set(piece.bytes, piece.at)
    length = Math.max(length, landed.length)
  }
  return { blocks, length }
}

/** A write that reached the disk whole, the length with it. */
function landedWhole(write: PendingWrite): LandedWrite {
  return { pieces: [{ at: write.at, bytes: write.bytes }], length: write.at + write.bytes.length }
}

/** What is left of an abandoned write under the cuts that came after it. */
function cutBy(write: PendingWrite, settled: readonly PendingData[]): PendingWrite[] {
  let end = write.at + write.bytes.length
  for (const data of settled) {
    if (data.kind === 'truncate' && data.order > write.order) end = Math.min(end, data.length)
  }
  return end <= write.at ? [] : [{ ...write, bytes: write.bytes.subarray(0, end - write.at) }]
}
