/**
 * Places at which searches ended, so that the next search for the same key begins there:
 *
 *     blocks with versions of a key, newest first      [a@9 a@8] [a@6 a@5] [a@3 a@1]
 *     a search as of 7 ended in                                   ▲ its place for all times from 5 through 7
 *
 * The rule: a place is right as long as its table belongs to the tree. Whatever stands before it is newer than the time
 * that was asked for, nothing enters the tables of a tree at or below their newest time, and none of them ever changes. It
 * is of no use where its table was replaced or is not open, or its block is not in memory: then the key is searched for,
 * and found in its next place.
 *
 * A history asks table by table, and for no time: where in a table a key has a place, it stands for ever.
 *
 * Places stand in one array, which grows up to what is set apart for it, each where its hash says or close behind:
 *
 *     hash  table  block  key  through through  from from │ hash  table …          8 words each
 *
 * Where all of those are taken, the first one has to go.
 */
import { type HybridTime, highOf, lowOf } from '../time/hybrid-time.ts'

/** No place is known. */
export const NOT_KNOWN = -1

const TABLE = 1
const BLOCK = 2
const KEY = 3
const THROUGH = 4
const FROM = 6
const PLACE_WORDS = 8
/** So many places are looked at. */
const NEAR = 8
const FIRST_WORDS = 64 * PLACE_WORDS

/** Where a search ended, and for which times it ends there. */
export interface FoundPlace {
  /** The number of the table: not 0. */
  readonly table: number
  /** The index of the block in the table, and that of the key in the block. */
  readonly block: number
  readonly key: number
  /** The time of the oldest version that the block has of the key. */
  readonly from: HybridTime
  /** The time that was asked for, but none after the newest that the tables of the tree had. */
  readonly through: HybridTime
}

/** Remembers places by the hash of their keys. */
export class FoundPlaces {
  readonly #wordsMax: number
  #words: Uint32Array = new Uint32Array(FIRST_WORDS)
  #count = 0

  /** Takes so many bytes at most, below 2 ** 33, and 2 KiB at least. */
  constructor(bytesMax: number) {
    this.#wordsMax = bytesMax / 4
  }

  /** The place as of a time of the key that has this hash, or of another that has it too; {@link NOT_KNOWN} if there is none. */
  find(hash: number, time: HybridTime): number {
    const words = this.#words
    const wanted = hash >>> 0
    const high = highOf(time)
    // Signed, as what is handed over: V8 may put a larger number on the heap.
    const low = lowOf(time) | 0
    let at = homeOf(words, hash)
    for (let i = 0; i < NEAR && words[at + TABLE] !== 0; i++) {
      if (words[at] === wanted && covers(words, at, high, low)) return at
      at = placeBehind(words, at)
    }
    return NOT_KNOWN
  }

  /** The first place in a table of the key that has this hash, as of whatever time; {@link NOT_KNOWN} if there is none. */
  findIn(table: number, hash: number): number {
    const words = this.#words
    const wanted = hash >>> 0
    let at = homeOf(words, hash)
    for (let i = 0; i < NEAR && words[at + TABLE] !== 0; i++) {
      if (words[at] === wanted && words[at + TABLE] === table) return at
      at = placeBehind(words, at)
    }
    return NOT_KNOWN
  }

  /** The number of the table of a place. */
  tableOf(place: number): number {
    return this.#words[place + TABLE]!
  }

  /** The index of the block of a place in its table. */
  blockOf(place: number): number {
    return this.#words[place + BLOCK]!
  }

  /** The index of the key of a place in its block. */
  keyOf(place: number): number {
    return this.#words[place + KEY]!
  }

  /** Takes in where a search for a key of this hash ended. */
  note(hash: number, { table, block, key, from, through }: FoundPlace): void {
    const times = [lowOf(through), highOf(through), lowOf(from), highOf(from)] as const
    const outcome = put(this.#words, Uint32Array.of(hash, table, block, key, ...times))
    if (outcome === 'more') this.#count++
    // The parts of the memory that are taken: where somebody had to go, a quarter is too much.
    const mostTaken = outcome === 'instead' ? 1 / 4 : 1 / 2
    const isCrowded = PLACE_WORDS * this.#count >= mostTaken * this.#words.length
    if (isCrowded && 2 * this.#words.length <= this.#wordsMax) this.#words = doubled(this.#words)
  }
}

/** Puts a place in: as one more than before, for one of the same, or instead of another. */
function put(words: Uint32Array, place: Uint32Array): 'more' | 'again' | 'instead' {
  const home = homeOf(words, place[0]!)
  let at = home
  for (let i = 0; i < NEAR; i++, at = placeBehind(words, at)) {
    const isFree = words[at + TABLE] === 0
    if (!isFree && !isReplacedBy(words, at, place)) continue
    words.set(place, at)
    return isFree ? 'more' : 'again'
  }
  words.set(place, home)
  return 'instead'
}

/** Whether a place is the same, which was now found as of another time, or was of no use to the search that found the other. */
function isReplacedBy(words: Uint32Array, at: number, place: Uint32Array): boolean {
  if (words[at] !== place[0]) return false
  const isSame = [TABLE, BLOCK, KEY].every((word) => words[at + word] === place[word])
  return isSame || covers(words, at, place[THROUGH + 1]!, place[THROUGH]!)
}

/** The same places in twice as much memory. */
function doubled(words: Uint32Array): Uint32Array {
  const more = new Uint32Array(2 * words.length)
  for (let at = 0; at < words.length; at += PLACE_WORDS)
    if (words[at + TABLE] !== 0) put(more, words.subarray(at, at + PLACE_WORDS))
  return more
}

/** Where a place of a hash stands, if it has a place to itself. */
function homeOf(words: Uint32Array, hash: number): number {
  return Math.imul(hash, PLACE_WORDS) & (words.length - 1)
}

function placeBehind(words: Uint32Array, at: number): number {
  return (at + PLACE_WORDS) & (words.length - 1)
}

/** Whether a place is one as of a time. */
function covers(words: Uint32Array, at: number, high: number, signedLow: number): boolean {
  const low = signedLow >>> 0
  const [throughHigh, fromHigh] = [words[at + THROUGH + 1]!, words[at + FROM + 1]!]
  const isThrough = high < throughHigh || (high === throughHigh && low <= words[at + THROUGH]!)
  return isThrough && (high > fromHigh || (high === fromHigh && low >= words[at + FROM]!))
}
