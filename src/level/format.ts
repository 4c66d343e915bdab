/**
 * The two forms in which Level hands keys and values over, and takes them: text, for the encoding `utf8`
 * and all that stand on it, and bytes, for the others. The table has bytes.
 *
 * Having both saves a copy: text is read straight out of the engine's memory, bytes are copied, because
 * what comes out is in memory of its own.
 */
import { type TextScratch, bytesOfText, copyOf, nearestTextOf } from '../base/bytes.ts'

/** What an encoding of Level makes of a key or a value. */
export type LevelData = string | Uint8Array

/** The bytes of what Level hands over. They may be the caller's. */
export function bytesOf(data: LevelData): Uint8Array {
  return typeof data === 'string' ? bytesOfText(data) : data
}

/** As {@link bytesOf}, for a use that is over before the scratch is cleared. */
export function viewOf(data: LevelData, scratch: TextScratch): Uint8Array {
  return typeof data === 'string' ? scratch.bytesOf(data) : data
}

/** What Level takes, in the form that it calls `utf8` or `view`, of bytes that may be the engine's. */
export function dataOf(bytes: Uint8Array, format: string): LevelData {
  return format === 'utf8' ? nearestTextOf(bytes) : copyOf(bytes)
}
