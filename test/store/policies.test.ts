/**
 * Law 10: policies change cost, never answers. The same operations under every policy, and under one
 * that changes all the time, give the answers of a list of writes. And what they keep, once all is
 * merged, is exactly what retention promises.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Database, openDatabase } from '../../src/database/database.ts'
import { type OpenOptions } from '../../src/database/options.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { PICKER_NAMES } from '../../src/storage/pickers.ts'
import { POLICY_NAMES } from '../../src/storage/policy.ts'
import { type StoreEvent } from '../../src/store/events.ts'
import { type HybridTime, hybridTime } from '../../src/time/hybrid-time.ts'
import { ReplayClock } from '../../src/time/replay-clock.ts'
import { holds } from '../time/property.ts'

const KEEP = 200
type Choice = Pick<OpenOptions, 'policy' | 'picker'>

const EVERY_CHOICE: readonly Choice[] = [
  ...PICKER_NAMES.map((picker) => ({ policy: 'leveled' as const, picker })),
  { policy: 'tiered' },
  { policy: 'lazy-leveled' },
]

/** A database in memory that can be opened again, its events remembered. */
class Subject {
  readonly #files = new MemoryFiles()
  readonly clock = new ReplayClock({ micros: 0 })
  readonly events: StoreEvent[] = []
  database: Database

  constructor(choice: Choice, keep: number | 'forever') {
    this.database = this.#open({ geometry: 'miniature', ...choice })
    this.database.createKeyspace('k')
    this.database.createTable('k.t', { keep, values: 'text' })
  }

  get table() {
    return this.database.table<string, string>('k.t')
  }

  get compactions() {
    return this.events.filter((event) => event.kind === 'compaction')
  }

  reopen(options: OpenOptions): void {
    this.database.close()
    this.database = this.#open(options)
  }

  #open(options: OpenOptions): Database {
    const world = { files: this.#files, clock: this.clock, checksum: crc32 }
    return openDatabase(world, { ...options, onEvent: (event) => this.events.push(event) })
  }
}

interface Write {
  readonly time: HybridTime
  readonly key: string
  readonly value: string | undefined
}

/** What shows at a time, by looking at all writes. */
function stateAsOf(writes: readonly Write[], time: HybridTime): [string, string][] {
  const state = new Map<string, string | undefined>()
  for (const write of writes) if (write.time <= time) state.set(write.key, write.value)
  return [...state]
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
}

const write = fc.record({
  kind: fc.constant('write' as const),
  key: fc.nat({ max: 30 }),
  isDelete: fc.nat({ max: 3 }).map((n) => n === 0),
  micros: fc.nat({ max: 3 }),
  times: fc.integer({ min: 1, max: 40 }),
})
const operations = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: write },
    { weight: 1, arbitrary: fc.constantFrom('flush' as const, 'compact' as const, 'reopen' as const) },
  ),
  { minLength: 20, maxLength: 60 },
)

type Operation =
  typeof operations extends fc.Arbitrary<infer T extends readonly unknown[]> ? T[number] : never

/** Runs the operations, comparing with the list of writes now and then, and at the end. */
function expectAnswers(choices: readonly Choice[], all: readonly Operation[]): Subject {
  const subject = new Subject(choices[0]!, KEEP)
  const writes: Write[] = []
  let turn = 0
  for (const [i, operation] of all.entries()) {
    if (operation === 'flush') subject.database.flush()
    else if (operation === 'compact') subject.database.compact()
    else if (operation === 'reopen') subject.reopen(choices[++turn % choices.length]!)
    else {
      for (let t = 0; t < operation.times; t++) {
        subject.clock.advance(operation.micros)
        const key = `key-${(operation.key * (t + 1)) % 31}`
        const value = operation.isDelete ? undefined : `value ${i} ${t} ${'x'.repeat(20)}`
        const { time } = value === undefined ? subject.table.delete(key) : subject.table.put(key, value)
        writes.push({ time, key, value })
      }
    }
    if (i % 9 === 0 || i === all.length - 1) expectStates(subject, writes)
  }
  expect(subject.database.check().flatMap(({ faults }) => faults)).toEqual([])
  subject.database.close()
  return subject
}

function expectStates({ clock, table }: Subject, writes: readonly Write[]): void {
  const cutoff = hybridTime(Math.max(0, clock.now() - KEEP))
  const readable = writes.filter(({ time }) => time >= cutoff)
  const step = Math.ceil(readable.length / 4)
  for (const { time } of readable.filter((_, i) => i % step === 0 || i === readable.length - 1)) {
    const found = [...table.scan({ asOf: time })].map(({ key, value }) => [key, value])
    const expected = stateAsOf(writes, time)
    expect(found).toEqual(expected)
    for (const [key, value] of expected.slice(0, 3)) expect(table.get(key, { asOf: time })).toBe(value)
  }
  const lost = writes.findLast(({ time }) => time < cutoff)
  if (lost !== undefined) expect(codeOf(() => table.get('key-1', { asOf: lost.time }))).toBe('HISTORY_GONE')
}

function codeOf(action: () => unknown): string | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof PalimpsestError) return error.code
    throw error
  }
}

describe('the answers are those of a list of writes', () => {
  test.each(EVERY_CHOICE)('under %j', (choice) => {
    let compactions = 0
    holds(
      fc.property(operations, (all) => {
        compactions += expectAnswers([choice], all).compactions.filter(
          ({ policy, because }) => policy === choice.policy && !because.startsWith('asked for'),
        ).length
      }),
      2,
    )
    expect(compactions).toBeGreaterThan(50)
  })

  test('whatever policy comes after another', () => {
    const changes = fc.shuffledSubarray([...EVERY_CHOICE], { minLength: 2 })
    const used = new Set<string>()
    holds(
      fc.property(changes, operations, (choices, all) => {
        const often = all.flatMap((each, i) => (i % 5 === 0 ? ['reopen' as const, each] : [each]))
        for (const { policy } of expectAnswers(choices, often).compactions) used.add(policy)
      }),
      4,
    )
    expect(used).toEqual(new Set(POLICY_NAMES))
  })
})

describe.each(POLICY_NAMES)('%s', (policy) => {
  test.each([
    [50, 1, 300],
    [20, 3, 100],
    [100, 2, 0],
  ])('keeps N + U·R versions of %i keys at %i writes a tick, for %i ticks', (n, u, r) => {
    const subject = new Subject({ policy }, r)
    const rounds = r + 3 * n
    for (let tick = 0, key = 0; tick < rounds; tick++) {
      subject.clock.advance(1)
      const batch = Array.from({ length: u }, () => ({
        ...{ type: 'put' as const, key: `key-${key++ % n}`, value: `value ${tick}` },
      }))
      subject.table.batch(batch)
    }
    subject.database.compact()
    // As of the window's first tick each key has one version, and after it come U·R.
    const { versions } = subject.database.stats().tables[0]!
    expect(versions).toBe(n + u * r)
    subject.database.close()
  })

  test('is remembered, until another is chosen; reading does not choose', () => {
    const subject = new Subject({ policy, picker: 'oldest' }, 'forever')
    expect(subject.database.policy).toEqual({ name: policy, picker: 'oldest' })
    subject.reopen({})
    expect(subject.database.policy).toEqual({ name: policy, picker: 'oldest' })
    subject.reopen({ readOnly: true, policy: 'tiered' })
    expect(subject.database.policy.name).toBe(policy)
    for (const name of POLICY_NAMES) {
      subject.reopen({ policy: name })
      expect(subject.database.policy).toEqual({ name, picker: 'oldest' })
    }
    subject.database.close()
  })

  test('every decision has a reason and the scores of all candidates, the chosen one due', () => {
    const subject = new Subject({ policy }, 'forever')
    for (let i = 0; i < 500; i++) subject.table.put(`key-${i % 50}`, `value ${i} ${'x'.repeat(30)}`)
    const { compactions } = subject
    expect(compactions.length).toBeGreaterThan(10)
    for (const { because, scores } of compactions) {
      expect(because).not.toBe('')
      expect(Math.max(...scores.map(({ score }) => score))).toBeGreaterThanOrEqual(1)
    }
    subject.database.close()
  })
})

test('a merged file whose history has gone is rewritten without new writes to its keys, once', () => {
  const subject = new Subject({ policy: 'leveled' }, 100)
  const { clock } = subject
  for (let i = 0; i < 8; i++) subject.table.put('a', `value ${i}`)
  subject.database.compact()
  clock.advance(1000)
  const idle = () => subject.compactions.filter(({ because }) => because.startsWith('history has left'))
  subject.database.flush()
  expect(idle()).toMatchObject([{ droppedVersions: 7, inputs: [{ level: 1 }], outputLevel: 1 }])
  clock.advance(1000)
  subject.database.flush()
  subject.reopen({})
  subject.database.flush()
  expect(idle()).toHaveLength(1)
  expect(subject.table.get('a')).toBe('value 7')
  subject.database.close()
})

test('a hold that keeps the garbage of an idle file does not make it come back again and again', () => {
  const subject = new Subject({ policy: 'leveled' }, 100)
  const { clock, database } = subject
  const times = Array.from({ length: 8 }, (_, i) => subject.table.put('a', `value ${i}`).time)
  database.compact()
  for (const [i, at] of times.entries()) database.hold({ name: `h${i}`, table: 'k.t', at })
  for (let turn = 0; turn < 5; turn++) {
    clock.advance(1000)
    database.flush()
  }
  const idle = subject.compactions.filter(({ because }) => because.startsWith('history has left'))
  expect(idle).toMatchObject([{ droppedVersions: 0 }])
  expect(times.map((asOf) => subject.table.get('a', { asOf }))).toEqual(times.map((_, i) => `value ${i}`))
  database.close()
})

test('an unknown policy or picker is refused, and nothing is made', () => {
  const files = new MemoryFiles()
  const world = { files, clock: new ReplayClock({ micros: 0 }), checksum: crc32 }
  for (const options of [{ policy: 'fifo' }, { picker: 'newest' }])
    expect(codeOf(() => openDatabase(world, options as OpenOptions))).toBe('INVALID_ARGUMENT')
  expect(files.list('')).toEqual([])
})
