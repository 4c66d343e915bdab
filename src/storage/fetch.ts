/**
 * Asking for memory before it is needed:
 *
 *     one after the other   ask ░░░░ use  ask ░░░░ use  ask ░░░░ use
 *     fetched first         ask ask ask ░░░░ use use use
 *
 * A processor fetches lines of memory side by side, as long as nothing has to be decided by what stands in one of them
 * before the next is asked for. So something of every line is read, and added up, before anything is searched or copied.
 */

/** Of so many bytes memory is fetched at once, on most machines. */
const LINE_BYTES = 64
const LINE_WORDS = LINE_BYTES / 4
/** Of what is longer, the processor sees by itself where it goes on. */
const FETCHED_BYTES_MAX = 1024

/** What was read ends up here, so that no compiler leaves the reads out. */
let fetched = 0

/** Takes what was read, so that it was not read for nothing. */
export function noteFetched(sum: number): void {
  fetched = (fetched + sum) | 0
}

/** Fetches the bytes from `from` to `to`, or the first of them. */
export function fetchBytes(view: DataView, from: number, to: number): void {
  const length = to - from
  if (length <= 0) return
  // What has two or three lines, as most values have, needs no loop, at whose end the processor would guess wrong.
  if (length <= 2 * LINE_BYTES)
    noteFetched(view.getUint8(from) + view.getUint8((from + to) >>> 1) + view.getUint8(to - 1))
  else fetchLines(view, from, Math.min(to, from + FETCHED_BYTES_MAX) - 1)
}

function fetchLines(view: DataView, from: number, last: number): void {
  let sum = view.getUint8(last)
  for (let at = from; at < last; at += LINE_BYTES) sum += view.getUint8(at)
  noteFetched(sum)
}

/** Fetches the words from `from` to `to`. */
export function fetchWords(words: Uint32Array, from: number, to: number): void {
  let sum = 0
  for (let at = from; at < to; at += LINE_WORDS) sum += words[at]!
  noteFetched(sum)
}
