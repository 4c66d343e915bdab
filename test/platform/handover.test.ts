/** What is handed over is what a memtable has; its memory is shared, kept, and no more than is allowed. */
import { expect, test } from 'vitest'
import { Handover } from '../../src/platform/handover.ts'
import { CHUNK_BYTES_MAX } from '../../src/storage/arena.ts'
import { type PackedMemory } from '../../src/storage/packed-versions.ts'

/** Memory of chunks of these lengths, each full of its number. */
function memoryOf(first: number, lengths: readonly number[]): PackedMemory {
  const chunks = lengths.map((length, i) => new Uint8Array(length).fill(first + i).buffer)
  return { chunks, lastKey: 1, keyCount: 2, versionCount: 3 }
}

const isShared = (chunk: ArrayBufferLike) => chunk instanceof SharedArrayBuffer

test('it has the same bytes at the same places, in memory that is taken again', () => {
  const handover = new Handover(4 * CHUNK_BYTES_MAX)
  const first = memoryOf(1, [1024, 4096, CHUNK_BYTES_MAX])
  const shared = handover.share(first)
  expect(shared).toEqual({ ...first, chunks: shared.chunks })
  expect(shared.chunks.map(isShared)).toEqual([true, true, true])
  expect(shared.chunks.map((chunk) => [...new Set(new Uint8Array(chunk))])).toEqual([[1], [2], [3]])
  const second = handover.share(memoryOf(11, [1024, 2048, CHUNK_BYTES_MAX, 5]))
  expect(second.chunks.slice(0, 3).every((chunk, i) => chunk === shared.chunks[i])).toBe(true)
  const seen = second.chunks.map((chunk) => [...new Uint8Array(chunk).subarray(0, 5)])
  expect(seen).toEqual([11, 12, 13, 14].map((byte) => Array.from({ length: 5 }, () => byte)))
})

test('a piece that is too short is made anew', () => {
  const handover = new Handover(CHUNK_BYTES_MAX)
  handover.share(memoryOf(1, [1024]))
  const { chunks } = handover.share(memoryOf(2, [2048]))
  expect(new Uint8Array(chunks[0]!)).toEqual(new Uint8Array(2048).fill(2))
})

test('what is larger than a chunk, or beyond what may be kept, is not shared', () => {
  const handover = new Handover(2 * CHUNK_BYTES_MAX)
  const memory = memoryOf(1, [1024, CHUNK_BYTES_MAX + 1, 1024])
  const { chunks } = handover.share(memory)
  expect(chunks.map(isShared)).toEqual([true, false, false])
  expect(chunks.slice(1)).toEqual(memory.chunks.slice(1))
})

test('memory that was let go of is not taken again', () => {
  const handover = new Handover(CHUNK_BYTES_MAX)
  const before = handover.share(memoryOf(1, [1024]))
  handover.letGo()
  const after = handover.share(memoryOf(2, [1024]))
  expect(new Uint8Array(before.chunks[0]!)).toEqual(new Uint8Array(1024).fill(1))
  expect(new Uint8Array(after.chunks[0]!)).toEqual(new Uint8Array(1024).fill(2))
})
