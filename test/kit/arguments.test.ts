/**
 * What callers get wrong is refused with a code, before anything is checked: a check that is told less than was
 * meant would pass and show nothing.
 */
import { describe, expect, test } from 'vitest'
import {
  type CrashOptions,
  type Plan,
  type StoreUnderTest,
  ReferenceStore,
  anyKeys,
  anyPlan,
  bytesOfKey,
  checkCrashes,
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

describe('runPlan is refused', () => {
  const commit = { kind: 'commit', writes: [{ key: 0, value: 'fresh' }], gap: 1 }
  const newest = { anchor: 'newest', back: 0, step: 0 }
  const get = { kind: 'get', key: 0, asOf: newest }
  const scan = { kind: 'scan', range: { from: undefined, to: undefined, reverse: false }, asOf: newest }
  const planOf = (...operations: readonly unknown[]): object => ({ keys: ['a'], operations })

  test.each<readonly [string, unknown]>([
    ['no plan', undefined],
    ['an empty object', {}],
    ['a plan without keys', { keys: [], operations: [commit] }],
    ['a plan whose keys are a text', { keys: 'abc', operations: [commit] }],
    ['a plan with a key that is no text', { keys: [1], operations: [commit] }],
    ['a plan without operations', { keys: ['a'] }],
    ['an operation that is none', planOf(undefined)],
    ['a kind of operation that there is not', planOf(commit, { ...get, kind: 'git' })],
    ['a commit without writes', planOf({ kind: 'commit', gap: 1 })],
    ['a write of a value that there is not', planOf({ ...commit, writes: [{ key: 0, value: 'x' }] })],
    ['a write to no key', planOf({ ...commit, writes: [{ value: 'fresh' }] })],
    ['a commit at the time of the last one', planOf(commit, { ...commit, gap: 0 })],
    ['a commit half a tick later', planOf(commit, { ...commit, gap: 0.5 })],
    ['a read as of nothing', planOf(commit, { kind: 'get', key: 0 })],
    ['a read as of what there is not', planOf(commit, { ...get, asOf: { ...newest, anchor: 'oldest' } })],
    ['a read as of a commit to come', planOf(commit, { ...get, asOf: { ...newest, back: -1 } })],
    ['a read two ticks beside', planOf(commit, { ...get, asOf: { ...newest, step: 2 } })],
    ['a scan of nothing', planOf(commit, { ...scan, range: undefined })],
    ['a bound in text', planOf(commit, { ...scan, range: { ...scan.range, from: 'a' } })],
    ['a scan of no direction', planOf(commit, { ...scan, range: {} })],
    ['a scan that is not supported', planOf(commit, { ...scan, range: { ...scan.range, reverse: true } })],
    ['an operation that is not supported', planOf(commit, { kind: 'collect', cutoff: newest })],
  ])('%s', async (_, plan) => {
    expect(await thrown(() => runPlan({ open }, plan as Plan))).toEqual(REFUSED)
  })

  test('nothing that is right', async () => {
    const collect = { kind: 'collect', cutoff: newest }
    const restore = { kind: 'restore', to: newest, gap: 1 }
    const others = [{ kind: 'reopen' }, { kind: 'snapshot' }, { kind: 'closeSnapshot', which: 0 }]
    const plan = planOf(commit, get, scan, collect, restore, ...others) as Plan
    await runPlan({ open, supports: ['collect', 'restore', 'reopen', 'snapshot'] }, plan)
  })
})

describe('a check of crashes is refused with', () => {
  const right = { seed: 1, operations: 2, points: 1, drawn: 1, singlesMax: 1 }

  test.each<readonly [string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['no seed', { ...right, seed: undefined }],
    ['a seed that is no whole number', { ...right, seed: 0.5 }],
    ['nothing that says how many operations', { ...right, operations: undefined }],
    ['no operations', { ...right, operations: 0 }],
    ['operations in text', { ...right, operations: '2' }],
    ['no points', { ...right, points: 0 }],
    ['less than no points', { ...right, points: -1 }],
    ['points that are no number', { ...right, points: NaN }],
    ['nothing that says how many images are drawn', { ...right, drawn: undefined }],
    ['less than no images', { ...right, drawn: -1 }],
    ['half a thing alone', { ...right, singlesMax: 0.5 }],
    ['images in full that are no number', { ...right, readInFull: NaN }],
  ])('%s', async (_, options) => {
    expect(await thrown(() => checkCrashes(options as CrashOptions))).toEqual(REFUSED)
  })

  test('nothing that is right', () => {
    const whole = { ...right, points: undefined, singlesMax: Infinity, readInFull: Infinity }
    expect(checkCrashes({ ...right, drawn: 0, readInFull: 0 }).images).toBeGreaterThan(0)
    expect(checkCrashes({ ...whole, drawn: 0 }).points).toBeGreaterThan(right.points)
  })
})

test('plans are refused for what there is not', async () => {
  const wrong: readonly unknown[] = [null, { supports: ['colect'] }, { operations: -1 }, { key: 'a' }]
  for (const options of wrong) expect(await thrown(() => anyPlan(options as object))).toEqual(REFUSED)
  expect(await thrown(() => anyKeys('a' as never))).toEqual(REFUSED)
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
