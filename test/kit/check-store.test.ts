/**
 * The random checker itself: what it prints can be read, runs again, and says when it did not end.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CheckStoreOptions,
  type Entry,
  type StoreUnderTest,
  type VersionedStore,
  ReferenceStore,
  StoreFinding,
  anyKey,
  anyKeys,
  anyMoment,
  anyPlan,
  anyValue,
  bytesOfKey,
  checkStore,
  keyOfBytes,
  runPlan,
} from '../../src/testing.ts'
import { compareBytes } from '../../src/base/bytes.ts'
import { FAULTS } from './stores/faults.ts'
import { EVERYTHING } from './stores/right.ts'
import { RulesStore } from './stores/rules-store.ts'

async function findingOf(options: CheckStoreOptions): Promise<StoreFinding> {
  const thrown = await checkStore(options).catch((error: unknown) => error)
  if (thrown instanceof StoreFinding) return thrown
  throw new Error(`nothing was found: ${String(thrown)}`)
}

/** A reference store with some methods that are others; they may use the store itself. */
function storeWith(
  other: Partial<VersionedStore> | ((store: ReferenceStore) => Partial<VersionedStore>),
): VersionedStore {
  const store = new ReferenceStore()
  const commit = store.commit.bind(store)
  const others = typeof other === 'function' ? other(store) : other
  return { commit, get: store.get.bind(store), scan: store.scan.bind(store), ...others }
}

describe('a finding', () => {
  const faulty = { open: () => new RulesStore(FAULTS['tombstones are ignored']), seed: 1 }

  test('tells the shortest story in prose', async () => {
    const { message } = await findingOf(faulty)
    expect(message).toMatch(
      /^the store is wrong:\n {2}1\. at 8192: "a" = "v1"\n {2}2\. at 8193: delete "a"\n {2}3\. .* as of 8193\nexpected: nothing\ngot: {6}.*"v1"\nreplay: checkStore\(\{ …, seed: 1, path: '[\d:]+' \}\)$/,
    )
  })

  test('is found again by one call with the seed and path of its replay line', async () => {
    const open = (): VersionedStore => new RulesStore(FAULTS['case does not count in the order'])
    const first = await findingOf({ open, seed: 1 })
    const { seed, path, runs } = first.replay!
    expect(runs).toBeGreaterThan(1)
    const again = await findingOf({ open, seed, path })
    expect(again.counterexample).toEqual(first.counterexample)
    expect(again.message).toBe(first.message)
    expect(again.replay!.runs).toBe(1)
  })

  test('is gone once the bug is: then its case is all that is run', async () => {
    for (const path of ['3', '3:1', '3:1:0']) {
      let opened = 0
      const open = (): VersionedStore => (opened++, storeWith({}))
      const { runs, met } = await checkStore({ open, seed: 1, path })
      expect([runs, opened, met.commit < 31]).toEqual([1, 1, true])
    }
  })

  test('has what the store threw as its cause', async () => {
    const error = new TypeError('not a function')
    const open = (): VersionedStore =>
      storeWith({
        scan: () => {
          throw error
        },
      })
    const finding = await findingOf({ open })
    expect(finding.counterexample.actual).toBe('threw TypeError: not a function')
    expect(finding.cause).toBe(error)
  })

  test('cuts what is long, and shows what cannot be seen', async () => {
    const { message } = await findingOf({
      open: () => storeWith({ get: () => undefined, scan: () => [] }),
      key: fc.constant('k\u0000\u00ff'.repeat(100)),
    })
    expect(message).toContain('"k\\u0000\\u00ffk')
    expect(message).toMatch(/…" \(\d+ long\)/)
    expect(Math.max(...message.split('\n').map(({ length }) => length))).toBeLessThan(200)
  })
})

describe('a finding about long values shows where they differ', () => {
  const long = 'long '.repeat(40)
  const lines = (expected: string, actual: string): readonly string[] =>
    new StoreFinding({
      operations: [],
      expected: JSON.stringify(expected),
      actual: JSON.stringify(actual),
    }).message
      .split('\n')
      .slice(-2)

  test('at their end', () => {
    expect(lines(`${long}1`, `${long}2`)).toEqual([
      'expected: "long long long long long long…" (201 long), and after 200 characters of that "1"',
      'got:      "long long long long long long…" (201 long), and after 200 characters of that "2"',
    ])
  })

  test('in their middle, cut there too', () => {
    const [expected, got] = lines(`${long}\na${long}`, `${long}\nb${long}`) as [string, string]
    expect(expected).toMatch(/ \(403 long\), and after 201 characters of that "along long long long"$/)
    expect(got).toMatch(/ \(403 long\), and after 201 characters of that "blong long long long"$/)
  })

  test('where one of them ends', () => {
    const [expected, got] = lines(`${long}\n`, `${long}ab`) as [string, string]
    expect(expected).toMatch(/after 200 characters of that "\\n"$/)
    expect(got).toMatch(/after 200 characters of that "ab"$/)
  })

  test('and nothing more where they can be told apart', () => {
    expect(lines(long, `${long}1`).join()).not.toContain('after')
  })

  test('of a scan with several of them', async () => {
    const open = (): VersionedStore =>
      storeWith((store) => ({
        scan: (...of) => Array.from(store.scan(...of), ([key, value]) => [key, value.replace(/ $/, '_')]),
      }))
    const { message } = await findingOf({ open, seed: 1 })
    const [expected, got] = message.split('\n').filter((line) => /^(?:expected|got):/.test(line))
    expect(expected!.substring(10)).not.toBe(got!.substring(10))
  })
})

describe('an answer of the wrong kind is found', () => {
  test.each<readonly [string, Partial<VersionedStore>, string]>([
    ['null for nothing', { get: () => null as unknown as undefined }, 'null'],
    ['a number for a value', { get: () => 1 as unknown as string }, 'the number 1'],
    [
      'bytes for a value',
      { get: () => new Uint8Array(1) as unknown as string },
      'no text: [object Uint8Array]',
    ],
    ['a time that is none', { commit: () => 5 as unknown as bigint }, 'the number 5'],
    ['a promise that fails', { get: () => Promise.reject(new Error('late')) }, 'threw Error: late'],
  ])('%s', async (_, other, actual) => {
    const finding = await findingOf({ open: () => storeWith(other) })
    expect(finding.counterexample.actual).toBe(actual)
  })

  test('entries without end', async () => {
    // A cursor that never gets past a key that ends with a zero byte, and so can never be read to its end.
    const withoutEnd = function* (entries: readonly Entry[]): Generator<Entry> {
      for (const entry of entries) {
        yield entry
        while (entry[0].endsWith('\0')) yield entry
      }
    }
    const open = (): VersionedStore =>
      storeWith((store) => ({ scan: (...of) => withoutEnd(store.scan(...of)) }))
    const finding = await findingOf({ open, seed: 1, key: fc.constantFrom('a', 'a\0') })
    expect(finding.counterexample.actual).toMatch(/^("a\\u0000" = "v1", ){11}and more$/)
  })

  test('a time that was there before', async () => {
    const open = (): VersionedStore =>
      storeWith((store) => ({ commit: (writes) => store.commit(writes, 8192n) }))
    const finding = await findingOf({ open })
    expect(finding.counterexample).toMatchObject({ expected: 'a time after 8192', actual: '8192' })
  })

  test('a cutoff that nobody asked for', async () => {
    const open = (): VersionedStore => storeWith({ collect: (cutoff) => cutoff + 1n })
    const finding = await findingOf({ open, supports: ['collect'] })
    expect(finding.counterexample.expected).toMatch(/^nothing, or a time at or before \d+$/)
  })
})

describe('the writes of a commit are a list of the store’s own', () => {
  type Writes = { key: string; value: string | undefined }[]
  const committing = (commit: (writes: Writes) => Writes): StoreUnderTest => ({
    open: () =>
      storeWith((store) => ({ commit: (writes, at) => store.commit(commit(writes as Writes), at) })),
  })

  test('what it loses of them is found', async () => {
    const losing = committing((writes) => {
      if (writes.length > 1) writes.pop()
      return writes
    })
    await findingOf(losing)
  })

  test('what it changes in them is found', async () => {
    const changing = committing((writes) => {
      for (const write of writes) write.value &&= 'changed'
      return writes
    })
    await findingOf(changing)
  })

  test('it may take them off one by one', async () => {
    const draining = committing((writes) => {
      const taken: Writes = []
      for (let write = writes.shift(); write !== undefined; write = writes.shift()) taken.push(write)
      return taken
    })
    await checkStore({ ...draining, runs: 20, seed: 1 })
  })

  test('the reference store keeps what it was given', () => {
    const store = new ReferenceStore()
    const writes = [{ key: 'a', value: 'x' }]
    store.commit(writes, 1n)
    writes[0]!.value = 'changed'
    writes.pop()
    expect(store.get('a', 1n)).toBe('x')
  })
})

describe('a check', () => {
  test('that does not end in time has failed', async () => {
    const never = new Promise<never>(() => undefined)
    let opened = 0
    const open = (): VersionedStore => (++opened < 4 ? storeWith({}) : storeWith({ get: () => never }))
    const { message, replay } = await findingOf({ open, timeLimitMillis: 200 })
    expect(message).toMatch(/\d\. get .*\nexpected: 100 runs within 200 ms\ngot: {6}\d, and then so far$/)
    expect(replay).toBeUndefined()
  })

  test('that waits for a wrong store to be closed says what it found', async () => {
    const never = new Promise<never>(() => undefined)
    let wasAsked = false
    const get = (): string => {
      wasAsked = true
      return 'never written'
    }
    const open = (): VersionedStore => storeWith({ get, close: () => (wasAsked ? never : undefined) })
    const { counterexample, message, replay } = await findingOf({ open, timeLimitMillis: 200 })
    expect(message).toMatch(/\nexpected: .*\ngot: {6}"never written"\nreplay: /)
    wasAsked = false
    const again = await findingOf({ open, timeLimitMillis: 200, seed: replay!.seed, path: replay!.path })
    expect(again).toMatchObject({ counterexample, replay: { ...replay, runs: 1 } })
  })

  test('that waits for a store to be opened says nothing of the store before', async () => {
    let opened = 0
    const never = new Promise<never>(() => undefined)
    const open = (): VersionedStore | Promise<never> => (++opened < 4 ? storeWith({}) : never)
    const { counterexample } = await findingOf({ open, timeLimitMillis: 200 })
    expect(counterexample.operations).toEqual(['open'])
  })

  test('says how much it has done', async () => {
    const report = await checkStore({ open: () => new ReferenceStore(), runs: 7, seed: 3 })
    expect(report).toMatchObject({ runs: 7, seed: 3 })
    expect(report.met.read).toBeGreaterThan(0)
    expect(report.met.collect).toBe(0)
  })

  test('takes the lowest 32 bits of its seed, and says those', async () => {
    const open = () => new ReferenceStore()
    for (const seed of [7, 2 ** 32 + 7, 2 ** 40 + 7])
      expect(await checkStore({ open, runs: 2, seed })).toMatchObject({ seed: 7 })
    expect(await checkStore({ open, runs: 2, seed: 2 ** 32 - 5 })).toMatchObject({ seed: -5 })
  })

  test('of a store without the methods of what it supports is refused', async () => {
    const check = checkStore({ open: () => storeWith({}), supports: ['collect'] })
    await expect(check).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
    const refusal = checkStore({ open: () => new ReferenceStore(), supports: ['refusal'] })
    await expect(refusal).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('lets each store go, of runs that failed too', async () => {
    let open = 0
    const counted = (): VersionedStore => {
      open++
      return storeWith({
        get: () => undefined,
        close: () => {
          open--
        },
      })
    }
    await findingOf({ open: counted })
    expect(open).toBe(0)
  })

  test('asks only for what is supported, and for given keys', async () => {
    const key = fc.constantFrom('only', 'these')
    const asked = new Set<string>()
    const open = (): VersionedStore => {
      const store = new ReferenceStore()
      return storeWith({
        commit: (writes, at) => {
          for (const write of writes) asked.add(write.key)
          return store.commit(writes, at)
        },
        get: (...of) => store.get(...of),
        scan: (range, asOf) => {
          expect(range.reverse ?? false).toBe(false)
          return store.scan(range, asOf)
        },
      })
    }
    await checkStore({ open, key, runs: 20 })
    expect([...asked].toSorted()).toEqual(['only', 'these'])
  })
})

describe('arbitraries', () => {
  const seeds = { seed: 1, numRuns: 300 }

  test('keys are bytes, one to a character, in the same order', () => {
    const pairs = fc.property(anyKey(), anyKey(), (a, b) => {
      expect(keyOfBytes(bytesOfKey(a))).toBe(a)
      expect(Math.sign(compareBytes(bytesOfKey(a), bytesOfKey(b)))).toBe(a < b ? -1 : a === b ? 0 : 1)
    })
    fc.assert(pairs, seeds)
  })

  test('keys of a run are different, and there is always one', () => {
    const keys = fc.sample(anyKeys(), seeds)
    for (const each of keys) {
      expect(each.length).toBeGreaterThan(0)
      expect(new Set(each).size).toBe(each.length)
    }
    const isPrefix = (each: readonly string[]): boolean =>
      each.some((a) => each.some((b) => a !== b && b.startsWith(a)))
    expect(keys.filter(isPrefix).length).toBeGreaterThan(keys.length / 3)
  })

  test('values are short, long, empty and of any characters; moments lie at all sides of things', () => {
    const values = fc.sample(anyValue(), seeds)
    expect(values.some((value) => /\p{Extended_Pictographic}/u.test(value))).toBe(true)
    const lengths = values.map(({ length }) => length)
    expect(lengths).toContain(0)
    expect(Math.max(...lengths)).toBeGreaterThan(255)
    const moments = fc.sample(anyMoment(), seeds).map(({ anchor, step }) => `${anchor} ${step}`)
    expect(new Set(moments).size).toBe(9)
  })

  test('half of the plans leave nothing out, a quarter each kind but commits', () => {
    const plans = fc
      .sample(anyPlan({ supports: EVERYTHING, operations: 1000 }), { seed: 1, numRuns: 400 })
      .map(({ operations }) => operations.map(({ kind }) => kind))
      // Long enough to have every kind that is not left out.
      .filter(({ length }) => length >= 150)
    expect(plans.length).toBeGreaterThan(150)
    const kinds = [...new Set(plans.flat())]
    expect(kinds).toHaveLength(8)
    const share = (isMeant: (plan: readonly string[]) => boolean): number =>
      plans.filter(isMeant).length / plans.length
    const whole = share((plan) => kinds.every((kind) => plan.includes(kind)))
    expect(whole).toBeGreaterThan(0.4)
    expect(whole).toBeLessThan(0.65)
    for (const kind of kinds) {
      const lacking = share((plan) => !plan.includes(kind))
      if (kind === 'commit') expect(lacking).toBe(0)
      else expect(Math.abs(lacking - 0.25), kind).toBeLessThan(0.1)
    }
  })

  test('plans can be run one by one, in properties of one’s own', async () => {
    const subject = { open: () => new ReferenceStore(), supports: EVERYTHING }
    const property = fc.asyncProperty(anyPlan({ supports: EVERYTHING }), (plan) => runPlan(subject, plan))
    await fc.assert(property, { seed: 1, numRuns: 5 })
  })
})
