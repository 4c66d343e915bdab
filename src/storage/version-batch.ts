/**
 * Some versions of one key, to be asked for one by one where they stand: no list of them is made.
 */
import { type ByteCopies } from '../base/bytes.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Block } from './block.ts'
import { type TimeOrder, type Version } from './version.ts'

/** Versions of one key, in the order of a walk. They stay what they are, whatever is written. */
export interface VersionBatch {
  readonly count: number
  timeAt(index: number): HybridTime
  isDeletionAt(index: number): boolean
  /** A copy of the value, or `undefined` for a deletion. Asked for twice, it may be the same copy. */
  valueAt(index: number): Uint8Array | undefined
}

/** All of a batch, made when they are asked for. */
export function* eachOf(batch: VersionBatch): Generator<Version> {
  for (let i = 0; i < batch.count; i++) yield { time: batch.timeAt(i), value: batch.valueAt(i) }
}

/** How versions are handed out. */
export interface BatchPlan {
  readonly order: TimeOrder
  /** Where the values are copied to. */
  readonly copies: ByteCopies
}

/** Versions that stand in a list, whose values are copies already. */
export class VersionList implements VersionBatch {
  readonly #versions: readonly Version[]
  readonly count: number

  constructor(versions: readonly Version[]) {
    this.#versions = versions
    this.count = versions.length
  }

  timeAt(index: number): HybridTime {
    return this.#versions[index]!.time
  }

  isDeletionAt(index: number): boolean {
    return this.valueAt(index) === undefined
  }

  valueAt(index: number): Uint8Array | undefined {
    return this.#versions[index]!.value
  }
}

/** No versions. */
export const NO_VERSIONS: VersionBatch = new VersionList([])

/** The values of a key that come to no more than this are copied in one piece. */
const COPIED_TOGETHER_MAX = 16 * 1024

/** Versions of a key that stand side by side in a block. */
export class BlockVersions implements VersionBatch {
  readonly #block: Block
  readonly #start: number
  readonly #step: 1 | -1
  readonly #copies: ByteCopies
  /** A copy of all values, if there is one: it costs less than a copy of each. */
  readonly #copied: ArrayBufferLike | undefined
  /** How far behind its place in the block a value stands in the copy. */
  readonly #shift: number
  readonly count: number

  /** Of a block, the versions of a key from `first` up to `end`; there is one at least. */
  constructor(block: Block, first: number, end: number, { order, copies }: BatchPlan) {
    const isFalling = order === 'newest first'
    this.#block = block
    this.#start = isFalling ? first : end - 1
    this.#step = isFalling ? 1 : -1
    this.#copies = copies
    this.count = end - first
    const from = block.valueFrom(first)
    const to = block.valueTo(end - 1)
    const isCopied = this.count > 1 && to - from <= COPIED_TOGETHER_MAX
    const copy = isCopied ? copies.copyOf(block.bytes.subarray(from, to)) : undefined
    this.#copied = copy?.buffer
    this.#shift = copy === undefined ? 0 : copy.byteOffset - from
  }

  timeAt(index: number): HybridTime {
    return this.#block.timeAt(this.#numberOf(index))
  }

  isDeletionAt(index: number): boolean {
    return this.#block.isTombstone(this.#numberOf(index))
  }

  valueAt(index: number): Uint8Array | undefined {
    const version = this.#numberOf(index)
    const block = this.#block
    if (block.isTombstone(version)) return undefined
    const from = block.valueFrom(version)
    const to = block.valueTo(version)
    return this.#copied === undefined
      ? this.#copies.copyOf(block.bytes.subarray(from, to))
      : new Uint8Array(this.#copied, from + this.#shift, to - from)
  }

  #numberOf(index: number): number {
    return this.#start + index * this.#step
  }
}
