/**
 * A level answers as memory-level does, which stands for what Level is, whatever is done to both; and as
 * of the time after each step it answers later as it did then (law 2).
 */
import { type AbstractLevel } from 'abstract-level'
import * as fc from 'fast-check'
import { MemoryLevel } from 'memory-level'
import { expect, test } from 'vitest'
import { propertySeeds } from '../seeds.ts'
import { type Sample, sample } from './levels.ts'

type AnyLevel = AbstractLevel<string | Uint8Array>

type Step =
  | { readonly kind: 'batch'; readonly writes: readonly (readonly [key: string, value: string | null])[] }
  | { readonly kind: 'clear'; readonly options: object }
  | { readonly kind: 'read'; readonly options: object; readonly seek: string | undefined }
  | { readonly kind: 'flush' | 'compact' }

// Few keys, so that they meet; with a prefix of another, an empty one, one beyond ASCII and one of a sublevel.
const key = fc.constantFrom('', 'a', 'ab', 'b', 'ba', 'c', 'é', '!s!a', '!s!b', '\u{1f600}')
const range = fc.record(
  {
    ...{ gt: key, gte: key, lt: key, lte: key },
    reverse: fc.boolean(),
    limit: fc.integer({ min: -1, max: 4 }),
  },
  { requiredKeys: [] },
)
const anyStep = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      writes: fc.array(fc.tuple(key, fc.option(fc.string({ maxLength: 4 }))), { maxLength: 5 }),
    }),
  },
  fc.record({ kind: fc.constant('clear' as const), options: range }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      options: range,
      seek: fc.option(key, { nil: undefined }),
    }),
  },
  fc.record({ kind: fc.constantFrom('flush' as const, 'compact' as const) }),
)

async function take(db: AnyLevel, step: Step): Promise<unknown> {
  if (step.kind === 'clear') return db.clear(step.options)
  if (step.kind === 'batch') {
    return db.batch(
      step.writes.map(([k, value]) =>
        value === null ? { type: 'del', key: k } : { type: 'put', key: k, value },
      ),
    )
  }
  if (step.kind !== 'read') return undefined
  const iterator = db.iterator(step.options)
  if (step.seek !== undefined) iterator.seek(step.seek)
  const first = await iterator.next()
  return [first, ...(await iterator.all())]
}

async function stateOf(db: AnyLevel, options: object = {}): Promise<unknown> {
  return [
    await db.iterator(options).all(),
    await db
      .sublevel('s')
      .iterator({ ...options, reverse: true })
      .all(),
  ]
}

async function check(steps: readonly Step[]): Promise<void> {
  const { clock, database, level }: Sample = await sample()
  const model: AnyLevel = new MemoryLevel()
  const states: (readonly [asOf: bigint, state: unknown])[] = []
  for (const each of steps) {
    if (each.kind === 'flush') database.flush()
    if (each.kind === 'compact') database.compact()
    expect(await take(level, each)).toEqual(await take(model, each))
    states.push([database.newest, await stateOf(model)])
    clock.advance(1)
  }
  for (const [asOf, state] of states) expect(await stateOf(level, { asOf })).toEqual(state)
  await Promise.all([level.close(), model.close()])
}

test.each(propertySeeds())('random steps, seed %s', async (seed) => {
  const property = fc.asyncProperty(fc.array(anyStep, { maxLength: 25 }), check)
  await fc.assert(property, { seed, numRuns: 60 })
})
