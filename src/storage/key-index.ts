/**
 * Things that have a key, found by it: by the hash that the filters of tables use, and then by its bytes.
 * A string made of each key, for a `Map` to hash again, would cost several times as much.
 */
import { equalBytes } from '../base/bytes.ts'
import { hashOfKey } from './bloom-filter.ts'

/** Something that has a key. */
export interface Keyed {
  readonly key: Uint8Array
}

/** Finds things by their key; no two of them have the same. */
export class KeyIndex<T extends Keyed> {
  /** Nearly every hash has one thing. */
  readonly #byHash = new Map<number, T | T[]>()

  /** The thing of a key. `hash` is the key's, where it is known. */
  find(key: Uint8Array, hash: number = hashOfKey(key)): T | undefined {
    const found = this.#byHash.get(hash | 0)
    if (found === undefined) return undefined
    if (Array.isArray(found)) return found.find((thing) => equalBytes(thing.key, key))
    return equalBytes(found.key, key) ? found : undefined
  }

  /** Takes in a thing whose key it does not have. */
  add(thing: T, hash: number = hashOfKey(thing.key)): void {
    // A number of 31 bits and a sign is held without a heap object.
    const name = hash | 0
    const found = this.#byHash.get(name)
    if (found === undefined) this.#byHash.set(name, thing)
    else if (Array.isArray(found)) found.push(thing)
    else this.#byHash.set(name, [found, thing])
  }
}
