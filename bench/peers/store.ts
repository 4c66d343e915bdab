/**
 * What a store that keeps every version has to do, for ours and for what people would build instead: rows of
 * (key, time) in LMDB, SQLite or LevelDB. Keys and values are bytes, times what the store takes for them.
 */

/** A key with its value. */
export interface Row {
  readonly key: Uint8Array
  readonly value: Uint8Array
}

/** A promise where the store has no synchronous call. */
export type Answer<T> = T | Promise<T>

/** One store, open. Commits are numbered 1, 2, 3 … */
export interface VersionStore<Time = unknown> {
  /** One atomic commit. */
  commit(rows: readonly Row[], commit: number): Answer<void>
  /** The time of a commit, to read as of it: asked before it is measured, as who reads has it at hand. */
  timeOf(commit: number): Time
  /** The end of a load: everything handed over, nothing left to be written down. */
  settle(): Answer<void>
  /** The newest value of a key. */
  get(key: Uint8Array): Answer<Uint8Array | undefined>
  /** The value as of a time. */
  getAsOf(key: Uint8Array, time: Time): Answer<Uint8Array | undefined>
  /** How many of the first `limit` keys from `from` on have a value as of a time, and their bytes. */
  scanAsOf(from: Uint8Array, time: Time, limit: number): Answer<Tally>
  /** How many versions a key has, and their bytes. */
  history(key: Uint8Array): Answer<Tally>
  /** How many keys have another value as of `to` than as of `from`. */
  diff(from: Time, to: Time): Answer<number>
  /** What is left to be merged, in words. */
  debt(): string
  close(): Answer<void>
}

/** What a scan has seen: so that nothing can be left undone. */
export interface Tally {
  readonly count: number
  readonly bytes: number
}

/** How durable each commit is: handed to the system, or synced. */
export type Durability = 'os' | 'disk'

/** Opens a store in a directory. */
export type OpenStore = (directory: string, durability: Durability) => Promise<VersionStore>

/** A key and behind it the complement of a time, so that newer versions come first. */
export function versionKey(key: Uint8Array, time: number): Uint8Array {
  const bytes = new Uint8Array(key.length + 8)
  bytes.set(key)
  const view = new DataView(bytes.buffer)
  view.setUint32(key.length, 0xffff_ffff - Math.floor(time / 2 ** 32))
  view.setUint32(key.length + 4, 0xffff_ffff - (time >>> 0))
  return bytes
}

/** The time of a version's key. */
export function timeOfVersionKey(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + bytes.length - 8)
  return (0xffff_ffff - view.getUint32(0)) * 2 ** 32 + (0xffff_ffff - view.getUint32(4))
}

/** Whether a version's key is of a key. */
export function isOfKey(bytes: Uint8Array, key: Uint8Array): boolean {
  if (bytes.length !== key.length + 8) return false
  for (let i = 0; i < key.length; i++) if (bytes[i] !== key[i]) return false
  return true
}

/** Newer than any. */
export const LAST_TIME: number = 2 ** 52
