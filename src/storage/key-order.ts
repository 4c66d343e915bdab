/**
 * Puts keys in order that stand in memory, by three bytes at a time: these are made a number, together with which key
 * it is, so that the machine's own sort of numbers does the work. Keys whose three bytes are the same are
 * sorted by the next three.
 *
 *     number    24 bits: three bytes of the key  │  2 bits: how many it has  │  26 bits: which key
 *
 * A comparison of keys costs two looks at memory far apart, and a sort needs many: this takes a look at each key for
 * every three bytes in which it is not alone.
 *
 * Keys that come to those in order are sorted by themselves. Then each finds its place, and what stands between two
 * places moves in one go:
 *
 *     in order   a b c d e f g h i   new   c₁ h₁        a b c c₁ d e f g h h₁ i
 */
import { assert } from '../base/assert.ts'
import { type KeySpan, emptySpan } from './cursor.ts'

/** Says where the key of a number stands. */
export interface LocatedKeys {
  locateKey(key: number, span: KeySpan): void
}

const BYTES_AT_ONCE = 3
/** What a number is divided by to have the bytes alone. */
const KEYS_MAX = 2 ** 26

/** Sorts numbers of keys, which all differ, in place. */
export function sortKeys(keys: Uint32Array<ArrayBuffer>, located: LocatedKeys): void {
  assert(keys.length <= KEYS_MAX, 'the number of a key takes 26 bits')
  const sort = {
    keys,
    located,
    span: emptySpan(),
    words: new Float64Array(keys.length),
    before: new Uint32Array(keys.length),
  }
  // A list of what is left, and no calls of calls: keys may each begin with the one before, thousands of times.
  const left = [0, keys.length, 0]
  while (left.length > 0) {
    const [depth, high, low] = [left.pop()!, left.pop()!, left.pop()!]
    sortFrom(sort, low, high, depth, left)
  }
}

/** Keys by number, to be compared. */
export interface ComparedKeys {
  keyAt(key: number): Uint8Array
  /** How a key compares with another that stands elsewhere. */
  compareKey(key: number, other: Uint8Array): number
}

/** The numbers of keys that are in order and of some more that are so too, all in order. No key is in both. */
export function insertKeys(
  sorted: Uint32Array<ArrayBuffer>,
  more: Uint32Array<ArrayBuffer>,
  keys: ComparedKeys,
): Uint32Array<ArrayBuffer> {
  if (sorted.length === 0) return more
  const all = new Uint32Array(sorted.length + more.length)
  all.set(sorted)
  let end = sorted.length
  for (let i = more.length - 1; i >= 0; i--) {
    const place = countBefore(sorted, end, keys.keyAt(more[i]!), keys)
    all.copyWithin(place + i + 1, place, end)
    all[place + i] = more[i]!
    end = place
  }
  return all
}

/**
 * How many of the first `end` keys stand before one. It goes back from the last of them in steps that double until the
 * place must be among half of what is left: it is near where many keys come in.
 */
function countBefore(sorted: Uint32Array, end: number, key: Uint8Array, keys: ComparedKeys): number {
  let [low, high] = [0, end]
  for (let step = 1; low < high; step *= 2) {
    const probe = Math.max(end - step, (low + high) >>> 1)
    if (keys.compareKey(sorted[probe]!, key) < 0) low = probe + 1
    else high = probe
  }
  return low
}

interface KeySort {
  readonly keys: Uint32Array<ArrayBuffer>
  readonly located: LocatedKeys
  readonly span: KeySpan
  readonly words: Float64Array<ArrayBuffer>
  /** The keys before they are moved. */
  readonly before: Uint32Array<ArrayBuffer>
}

/** Sorts the keys from `low` to `high`, which are the same up to `depth`; adds what has to be sorted by later bytes to what is `left`. */
function sortFrom(sort: KeySort, low: number, high: number, depth: number, left: number[]): void {
  const { keys, words, before } = sort
  while (!readWords(sort, low, high, depth)) depth += BYTES_AT_ONCE
  words.subarray(low, high).sort()
  before.set(keys.subarray(low, high), low)
  for (let i = low; i < high; i++) keys[i] = before[low + (words[i]! % KEYS_MAX)]!
  for (let from = low; from < high;) {
    const bytes = Math.floor(words[from]! / KEYS_MAX)
    let to = from + 1
    while (to < high && Math.floor(words[to]! / KEYS_MAX) === bytes) to++
    if (to - from > 1) left.push(from, to, depth + BYTES_AT_ONCE)
    from = to
  }
}

/** Reads the bytes of the keys at `depth`, and says whether there are several. */
function readWords(sort: KeySort, low: number, high: number, depth: number): boolean {
  const { keys, located, span, words } = sort
  let differ = high - low < 2
  let first = -1
  for (let i = low; i < high; i++) {
    located.locateKey(keys[i]!, span)
    const word = wordAt(span, depth)
    if (i === low) first = word
    else if (word !== first) differ = true
    words[i] = word * KEYS_MAX + (i - low)
  }
  assert(differ || first % 4 === BYTES_AT_ONCE, 'no key is there twice')
  return differ
}

/** Three bytes of a key, zero behind its end, and how many there are: a key stands before those that it begins. */
function wordAt({ view, from, to }: KeySpan, depth: number): number {
  const at = from + depth
  const count = Math.max(0, Math.min(BYTES_AT_ONCE, to - at))
  const [a, b, c] = [
    count > 0 ? view.getUint8(at) : 0,
    count > 1 ? view.getUint8(at + 1) : 0,
    count > 2 ? view.getUint8(at + 2) : 0,
  ]
  return ((a << 16) | (b << 8) | c) * 4 + count
}
