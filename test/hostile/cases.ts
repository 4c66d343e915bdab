/**
 * How targets are attacked: case by case from a seed, each case by itself, so that one line runs it again:
 *
 *     replay: PALIMPSEST_SEED=7 PALIMPSEST_CASE=table-index/1234 npx vitest run test/hostile/decoders.test.ts
 *
 * A case fails if the target throws what is no refusal, understands an input wrongly, takes seconds over it,
 * or takes memory that its input does not account for.
 */
import { getHeapStatistics } from 'node:v8'
import { FormatError } from '../../src/base/binary.ts'
import { concatBytes } from '../../src/base/bytes.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Random, pick, seededRandom } from '../../src/simulator/random.ts'
import { damagedBytes, drawDamage } from '../../src/testing/hostile/damage.ts'
import { type Target, isRefusal } from './decoders.ts'

/** Counts of cases by what became of them: accepted, or refused by a code. */
export type Tally = Map<string, number>

/** The seed and the case to run instead of all others, if the environment names one. */
export const REPLAY: { readonly seed: number; readonly name: string; readonly number: number } | undefined =
  replayOf(process.env)

const MIB = 1024 * 1024
const MEMORY_MAX = 8 * MIB
const MILLIS_MAX = 5000

/** A seed that is new every time, unless the environment names one. */
export const FRESH_SEED: number = REPLAY?.seed ?? Number(process.env['PALIMPSEST_SEED'] ?? newSeed())

/** What is replayed, or all. A name that nobody has would try nothing, and pass. */
export function chosenOf<T>(all: readonly T[], nameOf: (one: T) => string): readonly T[] {
  if (REPLAY === undefined) return all
  const { name } = REPLAY
  const named = all.filter((one) => nameOf(one) === name)
  if (named.length === 0)
    throw new Error(`PALIMPSEST_CASE: there is no ${name}, but ${all.map(nameOf).join(', ')}`)
  return named
}

/** The name of a target in a replay line. */
export function replayNameOf({ name }: Target): string {
  return name.replaceAll(' ', '-')
}

/** Runs cases `from` through `from + count − 1` of a target. */
export function attackTarget(target: Target, seed: number, from: number, count: number, tally: Tally): void {
  for (let number = from; number < from + count; number++) {
    const input = inputOf(target, seededRandom(seed).fork(`${target.name} ${number}`))
    const outcome = tryInput(target, input, () => {
      const name = `${replayNameOf(target)}/${number}`
      return `replay: PALIMPSEST_SEED=${seed} PALIMPSEST_CASE=${name} npx vitest run test/hostile/decoders.test.ts`
    })
    tally.set(outcome, (tally.get(outcome) ?? 0) + 1)
  }
}

/** Reads one input. Answers `accepted`, or how it was refused. */
export function tryInput(target: Target, input: Uint8Array, replay: () => string): string {
  const fail = (what: string, cause?: unknown): never => {
    const hex = Buffer.from(input.subarray(0, 2000)).toString('hex')
    throw new Error(`${target.name}: ${what}\n  input: ${hex}\n  ${replay()}`, { cause })
  }
  const memory = memoryUsed()
  const begin = performance.now()
  const outcome = outcomeOf(target, input, fail)
  const grown = memoryUsed() - memory
  if (grown > MEMORY_MAX + 200 * input.length) fail(`takes ${(grown / MIB).toFixed(1)} MiB`)
  if (performance.now() - begin > MILLIS_MAX) fail('takes seconds')
  return outcome
}

function outcomeOf(
  target: Target,
  input: Uint8Array,
  fail: (what: string, cause?: unknown) => never,
): string {
  try {
    return target.read(input) ? 'accepted' : fail('was understood wrongly')
  } catch (error) {
    if (error instanceof FormatError)
      return isRefusal(error, target) ? 'FormatError' : fail(error.message, error)
    if (error instanceof PalimpsestError && isRefusal(error, target)) return error.code
    if (error instanceof Error && error.message.startsWith(`${target.name}: `)) throw error
    return fail(`threw ${String(error)}`, error)
  }
}

/** Memory in use, more or less: what is freed meanwhile only hides growth, it never shows as such. */
function memoryUsed(): number {
  const { used_heap_size: heap, external_memory: external } = getHeapStatistics()
  return heap + external
}

/** Mostly a good input with one to three damages; else a forged one, arbitrary bytes, or two pieces put together. */
function inputOf({ good, forge }: Target, random: Random): Uint8Array {
  const some = pick(random, good)
  const kind = random.below(20)
  if (kind === 0) return Uint8Array.from({ length: random.below(64) }, () => random.below(256))
  if (kind === 1) {
    const other = pick(random, good)
    return concatBytes([
      some.subarray(0, random.below(some.length + 1)),
      other.subarray(random.below(other.length + 1)),
    ])
  }
  if (forge !== undefined && kind < 10) return forge(random, some)
  let bytes = some
  for (let i = 1 + random.below(3); i > 0; i--)
    bytes = damagedBytes(bytes, drawDamage(random, bytes.length, good))
  return bytes
}

function replayOf(environment: NodeJS.ProcessEnv): typeof REPLAY {
  const { PALIMPSEST_SEED: seed, PALIMPSEST_CASE: which } = environment
  if (which === undefined) return undefined
  const [, name, number] = /^(.+)\/(\d+)$/.exec(which) ?? []
  if (name !== undefined && /^\d+$/.test(seed ?? ''))
    return { seed: Number(seed), name, number: Number(number) }
  throw new Error(
    `PALIMPSEST_CASE=${which} names no case of a seed: it takes name/number, and PALIMPSEST_SEED`,
  )
}

function newSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]!
}
