/**
 * The history that stores are measured on: 50,000 keys of 16 bytes with 20 versions each, whose values have 100
 * bytes, written in commits of 100. Each round of 500 commits writes every key once, in another order.
 */
import { type RandomStream, seededRandom } from '../src/simulator/random.ts'
import { type Row, type VersionStore } from './peers/store.ts'

export const KEYS: number = 50_000
export const VERSIONS_PER_KEY = 20
export const VERSIONS = KEYS * VERSIONS_PER_KEY
export const KEYS_PER_COMMIT = 100
export const COMMITS = VERSIONS / KEYS_PER_COMMIT
export const SEED = 1
export const VALUE_BYTES = 100
/** How many units of work are made beforehand. */
export const UNITS = 64

/** Every key once in each of 20 rounds, each time in another order. */
export async function loadInto(
  store: Pick<VersionStore, 'commit' | 'settle'>,
  commits: number,
): Promise<void> {
  const random = seededRandom(SEED).fork('load')
  const order = Array.from({ length: KEYS }, (_, i) => i)
  for (let commit = 0; commit < commits; commit++) {
    const from = (commit * KEYS_PER_COMMIT) % KEYS
    if (from === 0) shuffle(order, random)
    const rows = order.slice(from, from + KEYS_PER_COMMIT).map((key): Row => {
      return { key: keyOf(key), value: valueOf(key, commit) }
    })
    const done = store.commit(rows, commit + 1)
    if (done !== undefined) await done
  }
  await store.settle()
}

export function keys(random: RandomStream, count: number): readonly Uint8Array[] {
  return Array.from({ length: count * UNITS }, () => keyOf(random.below(KEYS)))
}

export function readings(random: RandomStream, count: number, keysMax: number = KEYS) {
  // From the end of the first round on, every key is there.
  const first = COMMITS / VERSIONS_PER_KEY
  return Array.from({ length: count * UNITS }, () => {
    const number = random.below(keysMax)
    return { number, key: keyOf(number), time: first + 1 + random.below(COMMITS - first) }
  })
}

const encoder = new TextEncoder()

/** Sixteen bytes. */
export function keyOf(key: number): Uint8Array {
  return encoder.encode(`key:${String(key).padStart(12, '0')}`)
}

/** Bytes that differ between keys and commits. */
function valueOf(key: number, commit: number): Uint8Array {
  const value = new Uint8Array(VALUE_BYTES)
  let state = (key * 20_011 + commit) >>> 0
  for (let i = 0; i < VALUE_BYTES; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    value[i] = state >>> 24
  }
  return value
}

function shuffle(order: number[], random: RandomStream): void {
  for (let i = order.length - 1; i > 0; i--) {
    const other = random.below(i + 1)
    const kept = order[i]!
    order[i] = order[other]!
    order[other] = kept
  }
}
