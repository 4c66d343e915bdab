/**
 * The conformance suite itself: its cases can fail, and its report says what happened.
 */
import { describe, expect, test } from 'vitest'
import { type VersionedStore, StoreFinding, conformance, conformanceCases } from '../../src/testing.ts'
import { FAULTS } from './stores/faults.ts'
import { EVERYTHING } from './stores/right.ts'
import { RulesStore } from './stores/rules-store.ts'

const right = { open: () => new RulesStore(), supports: EVERYTHING }

describe('the cases', () => {
  test('each have a name of their own and a rule', () => {
    const cases = conformanceCases(right)
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length)
    for (const { rule } of cases) expect(rule).toMatch(/^[A-Z].*\.$/)
  })

  test('can each fail: some planted fault breaks it', async () => {
    const failing = new Set<string>()
    for (const broken of Object.values(FAULTS)) {
      const { results } = await conformance({ open: () => new RulesStore(broken), supports: EVERYTHING })
      for (const { name, outcome } of results) if (outcome === 'failed') failing.add(name)
    }
    const all = conformanceCases(right).map(({ name }) => name)
    expect(all.filter((name) => !failing.has(name))).toEqual([])
  })

  test('are left out where they need what a store does not support', () => {
    const names = conformanceCases({ open: right.open, supports: ['collect'] }).map(({ name }) => name)
    expect(names).toContain('the version of the boundary is kept')
    expect(names).not.toContain('below the cutoff reads are refused')
    expect(names).not.toContain('a scan in reverse')
  })
})

describe('the report', () => {
  test('counts what passed, what failed and what is not supported', async () => {
    const plain = await conformance({ open: right.open })
    const { length } = plain.results
    expect(plain.failed).toBe(0)
    expect(plain.passed).toBe(conformanceCases({ open: right.open }).length)
    expect(plain.notSupported).toBe(length - plain.passed)
    expect(plain.notSupported).toBeGreaterThan(0)
  })

  test('names the rule that is broken, and tells how', async () => {
    const open = (): VersionedStore => new RulesStore(FAULTS['the first write of a commit wins'])
    const { results } = await conformance({ open })
    const failed = results.filter(({ outcome }) => outcome === 'failed')
    expect(failed.map(({ name }) => name)).toEqual(['the last write of a commit wins'])
    expect(failed[0]!.error).toBeInstanceOf(StoreFinding)
    expect((failed[0]!.error as StoreFinding).message).toMatch(/expected: "last"\ngot: {6}"first"$/)
  })

  test('has what a store that cannot be opened throws', async () => {
    const error = new Error('no disk')
    const open = (): VersionedStore => {
      throw error
    }
    const { passed, results } = await conformance({ open })
    expect(passed).toBe(0)
    expect(results[0]!.error).toBe(error)
  })

  test('has a case that does not end in time, what it had done, and those behind it', async () => {
    const never = new Promise<never>(() => undefined)
    const open = (): VersionedStore => {
      const store = new RulesStore()
      const get = store.get.bind(store)
      return Object.assign(store, { get: (key: string, at: bigint) => (key === 'b' ? never : get(key, at)) })
    }
    const { passed, failed, results } = await conformance({ open, timeLimitMillis: 50 })
    expect(passed).toBeGreaterThan(0)
    expect(failed).toBeGreaterThan(0)
    const { error } = results.find(({ outcome }) => outcome === 'failed')!
    expect(error).toBeInstanceOf(StoreFinding)
    const { operations, expected, actual } = (error as StoreFinding).counterexample
    expect(operations.at(-1)).toMatch(/^get "b" as of/)
    expect({ expected, actual }).toEqual({ expected: 'the case within 50 ms', actual: 'so far' })
  })

  test('has what a store that is never opened did not do', async () => {
    const open = (): Promise<never> => new Promise(() => undefined)
    const { passed, results } = await conformance({ open, timeLimitMillis: 1 })
    expect(passed).toBe(0)
    expect((results[0]!.error as StoreFinding).counterexample.operations).toEqual([])
  })

  test('has what was wrong before a store that does not let itself be closed', async () => {
    const broken = FAULTS['the first write of a commit wins']
    const close = (): Promise<never> => new Promise(() => undefined)
    const open = (): VersionedStore => Object.assign(new RulesStore(broken), { close })
    const { passed, results } = await conformance({ open, timeLimitMillis: 20 })
    expect(passed).toBe(0)
    const { error } = results.find(({ name }) => name === 'the last write of a commit wins')!
    expect((error as StoreFinding).message).toMatch(/expected: "last"\ngot: {6}"first"$/)
    expect((results[0]!.error as StoreFinding).counterexample.operations.at(-1)).toBe('close')
  })

  test.each([0, -1, 1.5, NaN])('has no limit of %d ms', async (timeLimitMillis) => {
    await expect(conformance({ ...right, timeLimitMillis })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })
})
