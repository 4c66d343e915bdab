/**
 * Forged table files: other blocks, another filter, index or facts, every checksum and the footer right.
 *
 *     [block][block] … [filter][index][facts][footer]     taken apart, changed, put together again
 */
import { concatBytes } from '../../base/bytes.ts'
import { type Checksum } from '../../base/checksum.ts'
import {
  CHECKSUM_BYTES,
  FOOTER_BYTES,
  type PartHandle,
  decodeFooter,
  decodeIndex,
  encodeFooter,
  encodeIndex,
} from '../../storage/table-format.ts'

/** The parts of a table file, without their checksums. */
export interface TableParts {
  readonly blocks: readonly Uint8Array[]
  readonly filter: Uint8Array
  readonly index: Uint8Array
  readonly facts: Uint8Array
}

/** The parts of a whole table file. Throws `FormatError` for one that is not whole. */
export function tableParts(bytes: Uint8Array, number: number, checksum: Checksum): TableParts {
  const end = bytes.subarray(Math.max(0, bytes.length - FOOTER_BYTES))
  const footer = decodeFooter(end, bytes.length, number, checksum)
  const part = ({ offset, length }: PartHandle) => bytes.subarray(offset, offset + length)
  const index = part(footer.index)
  return {
    blocks: decodeIndex(index).map(part),
    filter: part(footer.filter),
    index,
    facts: part(footer.facts),
  }
}

/** The file of some parts. The index is written as it is: it may say that the blocks are elsewhere. */
export function forgeTable(parts: TableParts, number: number, checksum: Checksum): Uint8Array {
  const pieces: Uint8Array[] = []
  let offset = 0
  const put = (part: Uint8Array): PartHandle => {
    const handle = { offset, length: part.length }
    pieces.push(part, checksumOf(part, checksum))
    offset += part.length + CHECKSUM_BYTES
    return handle
  }
  for (const block of parts.blocks) put(block)
  const footer = { filter: put(parts.filter), index: put(parts.index), facts: put(parts.facts) }
  pieces.push(encodeFooter(footer, number, checksum))
  return concatBytes(pieces)
}

/** The parts with other blocks, and an index that says where they are; what it says of them stays in its place. */
export function withBlocks(parts: TableParts, blocks: readonly Uint8Array[]): TableParts {
  let offset = 0
  const index = decodeIndex(parts.index)
    .slice(0, blocks.length)
    .map((entry, i) => {
      const placed = { ...entry, offset, length: blocks[i]!.length }
      offset += placed.length + CHECKSUM_BYTES
      return placed
    })
  return { ...parts, blocks, index: encodeIndex(index) }
}

function checksumOf(part: Uint8Array, checksum: Checksum): Uint8Array {
  const bytes = new Uint8Array(CHECKSUM_BYTES)
  new DataView(bytes.buffer).setUint32(0, checksum(part), true)
  return bytes
}
