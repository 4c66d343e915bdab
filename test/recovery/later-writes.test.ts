/** What an undo would hide: of keys that were absent all the time, nothing; and never more or less for what was collected. */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Database, type HybridTime, ReplayClock, type Table, hybridTime, open } from '../../src/index.ts'
import { tickBefore } from '../../src/time/hybrid-time.ts'
import { propertySeeds } from '../seeds.ts'
import { refusal } from '../storage/samples.ts'

const KEYS = ['a', 'b', 'c']
const START = 1_000

type Step =
  | { readonly do: 'put' | 'delete'; readonly key: string }
  | { readonly do: 'flush' | 'compact' | 'wait' }
  | { readonly do: 'hold' | 'restore'; readonly ago: number }

const anyKey = fc.constantFrom(...KEYS)
const anyAgo = fc.nat({ max: 12 })
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), key: anyKey }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('delete' as const), key: anyKey }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('flush' as const, 'wait' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('compact' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('hold' as const, 'restore' as const), ago: anyAgo }),
  },
)

interface World {
  readonly db: Database
  readonly table: Table<string, string>
  /** When the newest restore happened. */
  readonly since: HybridTime
  /** What an undo of it would hide. */
  readonly hidden: () => readonly string[]
}

/** Takes the steps, as far as they are possible. The state before each restore is held, so that it can be undone. */
function check(steps: readonly Step[], keep: string | number, expectations: (world: World) => void): void {
  const clock = new ReplayClock({ micros: START })
  using db = open({ memory: true }, { clock, geometry: 'miniature' })
  db.createKeyspace('k')
  const table = db.createTable<string, string>('k.t', { keep, values: 'text' })
  let micros = START
  let restored = db.restoreSync('k', { to: db.newest, table: 't' })
  for (const [i, step] of steps.entries()) {
    clock.set((micros += step.do === 'wait' ? 20 : 1))
    if (step.do === 'put') table.put(step.key, `${i}`)
    else if (step.do === 'delete') table.delete(step.key)
    else if (step.do === 'flush') db.flush()
    else if (step.do === 'compact') db.compact()
    else if (step.do === 'hold' || step.do === 'restore') {
      const to = hybridTime(Math.max(START, micros - step.ago), 3)
      // What is gone is refused.
      if (step.do === 'hold') refusal(() => db.hold({ name: `h${i}`, table: 'k.t', at: to }))
      else
        refusal(() => {
          restored = db.restoreSync('k', { to, table: 't' })
          db.hold({ name: `r${i}`, table: 'k.t', at: tickBefore(restored.time!) })
        })
    }
  }
  const { id, time } = restored
  const hidden = () => Array.from(db.hiddenByUndo(id), (write) => `${String(write.key)} ${write.isDelete}`)
  // The first one is not held, and its past may be gone.
  if (refusal(() => db.planUndo(id)) === undefined) expectations({ db, table, since: time!, hidden })
}

/** The keys that were written since a time and were there at that time or after it. */
function plainlyHidden({ db, table, since }: World): readonly string[] {
  const written = [...db.versions<string, string>('k.t')].filter(({ time }) => time > since)
  return KEYS.flatMap((key) => {
    const times = written.filter((version) => version.key === key).map(({ time }) => time)
    const wasThere = [since, ...times].some((asOf) => table.get(key, { asOf }) !== undefined)
    return times.length > 0 && wasThere ? [`${key} ${table.get(key) === undefined}`] : []
  })
}

function runs(property: (steps: readonly Step[]) => void): void {
  const anySteps = fc.array(anyStep, { minLength: 4, maxLength: 40 })
  for (const seed of propertySeeds([1, 2])) fc.assert(fc.property(anySteps, property), { seed, numRuns: 40 })
}

test('is every key that was written since, unless it was absent all the time', () => {
  runs((steps) => {
    check(steps, 'forever', (world) => {
      expect(world.hidden()).toEqual(plainlyHidden(world))
    })
  })
})

test.each([0, 5, 30])('is the same before and after a compaction, where %i microseconds are kept', (keep) => {
  runs((steps) => {
    check(steps, keep, ({ db, hidden }) => {
      const before = hidden()
      db.compact()
      expect(hidden()).toEqual(before)
    })
  })
})
