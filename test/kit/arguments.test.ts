/**
 * What callers get wrong is refused with a code, before anything is checked: a check that is told less than was
 * meant would pass and show nothing.
 */
import { describe, expect, test } from 'vitest'
import {
  type StoreUnderTest,
  ReferenceStore,
  anyPlan,
  bytesOfKey,
  checkScript,
  checkStore,
  conformance,
  conformanceCases,
  runPlan,
  runScript,
} from '../../src/testing.ts'

const open = (): ReferenceStore => new ReferenceStore()
const REFUSED = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as unknown

/** What a call throws, at once or later. */
async function thrown(call: () => unknown): Promise<unknown> {
  try {
    await call()
  } catch (error) {
    return error
  }
  return 'nothing'
}

const SUBJECTS: readonly (readonly [what: string, subject: unknown])[] = [
  ['nothing', undefined],
  ['null', null],
  ['a store instead of how to make one', new ReferenceStore()],
  ['an empty object', {}],
  ['a store for open', { open: new ReferenceStore() }],
  ['a capability that there is not', { open, supports: ['colect', 'snapshot'] }],
  ['the name of a method of objects', { open, supports: ['toString'] }],
  ['a capability without a name', { open, supports: Array.from({ length: 1 }) }],
  ['a capability without a list', { open, supports: 'collect' }],
  ['refusals without cutoffs', { open, supports: ['refusal'] }],
]

describe.each(SUBJECTS)('%s', (_, given) => {
  const subject = given as StoreUnderTest

  test('is refused by checkStore', async () => {
    expect(await thrown(() => checkStore(subject))).toEqual(REFUSED)
  })

  test('is refused by conformance', async () => {
    expect(await thrown(() => conformance(subject))).toEqual(REFUSED)
    expect(await thrown(() => conformanceCases(subject))).toEqual(REFUSED)
  })

  test('is refused by runPlan', async () => {
    expect(await thrown(() => runPlan(subject, { keys: ['a'], operations: [] }))).toEqual(REFUSED)
  })
})

describe('what open makes has to be a store', () => {
  test.each([
    ['nothing', undefined],
    ['an object without methods', {}],
    ['a store that cannot scan', { commit: () => undefined, get: () => undefined }],
  ])('%s', async (_, made) => {
    const subject = { open: () => made } as unknown as StoreUnderTest
    expect(await thrown(() => checkStore(subject))).toEqual(REFUSED)
    const { results } = await conformance(subject)
    expect(results[0]!.error).toEqual(REFUSED)
  })
})

describe('a check is refused with', () => {
  test.each<readonly [string, object]>([
    ['no runs', { runs: 0 }],
    ['less than no runs', { runs: -1 }],
    ['half a run', { runs: 1.5 }],
    ['runs that are no number', { runs: NaN }],
    ['runs without end', { runs: Infinity }],
    ['runs in text', { runs: '100' }],
    ['less than no operations', { operations: -1 }],
    ['no operations', { operations: 0 }],
    ['operations that are no number', { operations: NaN }],
    ['a seed that is no number', { seed: 'x' }],
    ['a seed that is no whole number', { seed: 0.5 }],
    ['a path that is none', { seed: 1, path: 'x' }],
    ['an empty path', { seed: 1, path: '' }],
    ['a path without its seed', { path: '0:0' }],
    ['a path that leads nowhere', { seed: 1, path: '0:999999:0' }],
    ['a path that ends nowhere', { seed: 1, path: '0:999999' }],
    ['no time', { timeLimitMillis: 0 }],
    ['time that is no number', { timeLimitMillis: NaN }],
    ['a key that is no arbitrary', { key: 'a' }],
  ])('%s', async (_, options) => {
    expect(await thrown(() => checkStore({ open, ...options }))).toEqual(REFUSED)
  })
})

test('plans are refused for what there is not', async () => {
  const wrong: readonly unknown[] = [{ supports: ['colect'] }, { operations: -1 }, { key: 'a' }]
  for (const options of wrong) expect(await thrown(() => anyPlan(options as object))).toEqual(REFUSED)
})

test('keys have bytes only if they are of bytes', async () => {
  for (const key of ['\u65e5', 'a\u0100', '\u{1f600}', undefined, 5])
    expect(await thrown(() => bytesOfKey(key as string))).toEqual(REFUSED)
  expect(bytesOfKey('a\u00ff')).toEqual(Uint8Array.of(0x61, 0xff))
})

test('a script is a text', async () => {
  expect(await thrown(() => runScript(undefined as unknown as string))).toEqual(REFUSED)
  expect(await thrown(() => checkScript(new Uint8Array() as unknown as string))).toEqual(REFUSED)
})
