/**
 * The policies over trees of metadata: published sequences to the digit, the exact laws of write
 * amplification, the pickers, and the trigger for idle files.
 */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type Geometry } from '../../src/storage/geometry.ts'
import { planIdleGarbage } from '../../src/storage/idle-garbage.ts'
import { planLazyLeveled } from '../../src/storage/lazy-leveled.ts'
import { planLeveled } from '../../src/storage/leveled.ts'
import { PICKER_NAMES, type PickerName, pickTable } from '../../src/storage/pickers.ts'
import {
  DEFAULT_POLICY,
  POLICY_NAMES,
  choosePolicy,
  planCompaction,
  planFullCompaction,
} from '../../src/storage/policy.ts'
import { EMPTY_SHAPE, LEVELS_MAX, type Shape, applyShapeEdit } from '../../src/storage/shape.ts'
import { type TableMeta } from '../../src/storage/table-format.ts'
import { type TieredOptions, planTiered } from '../../src/storage/tiered.ts'
import { holds } from '../time/property.ts'
import { MetadataTree } from './metadata-tree.ts'
import { shapeOf, smallGeometry, tick } from './samples.ts'

const geometry = smallGeometry()

const tiered = (options: TieredOptions) => new MetadataTree((shape) => planTiered(shape, geometry, options))

describe('tiering', () => {
  test.each([
    [8, 742, 280, '1 1 4 5 21 28 140'],
    [16, 607, 350, '1 1 1 1 1 1 1 1 1 1 15 175'],
  ])('with %i runs does what mini-lsm does in 200 flushes', (runs, written, peak, sizes) => {
    const tree = tiered({ runs }).run(200)
    expect(tree.writeAmplification).toBe(written / 200)
    expect(tree.peak).toBe(peak)
    expect(tree.sizes.join(' ')).toBe(sizes)
  })

  /** The sizes after each flush, and what became of them. */
  function sequence(flushes: number, options: TieredOptions): string {
    const tree = tiered(options)
    return Array.from({ length: flushes }, () => {
      tree.flush()
      const before = tree.sizes.join(' ')
      return tree.compactOnce() ? `${before}⇒${tree.sizes.join(' ')}` : before
    }).join('; ')
  }

  test('by space amplification alone does what RocksDB documents', () => {
    expect(sequence(18, { runs: 1, rules: ['space amplification'], spaceAmplificationPercent: 25 })).toBe(
      '1; 1 1⇒2; 1 2⇒3; 1 3⇒4; 1 4; 1 1 4⇒6; 1 6; 1 1 6⇒8; 1 8; 1 1 8; 1 1 1 8⇒11; ' +
        '1 11; 1 1 11; 1 1 1 11⇒14; 1 14; 1 1 14; 1 1 1 14; 1 1 1 1 14⇒18',
    )
  })

  test('by size ratio alone does what RocksDB documents', () => {
    const options = {
      runs: 5,
      rules: ['size ratio'],
      sizeRatioPercent: 0,
      sizeRatioFrom: 'anywhere',
    } as const
    expect(sequence(27, options)).toBe(
      '1; 1 1; 1 1 1; 1 1 1 1; 1 1 1 1 1⇒5; 1 5; 1 1 5; 1 1 1 5; 1 1 1 1 5⇒4 5; 1 4 5; 1 1 4 5; ' +
        '1 1 1 4 5⇒3 4 5; 1 3 4 5; 1 1 3 4 5⇒2 3 4 5; 1 2 3 4 5; 1 1 2 3 4 5⇒16; 1 16; 1 1 16; 1 1 1 16; ' +
        '1 1 1 1 16⇒4 16; 1 4 16; 1 1 4 16; 1 1 1 4 16⇒3 4 16; 1 3 4 16; 1 1 3 4 16⇒2 3 4 16; ' +
        '1 2 3 4 16; 1 1 2 3 4 16⇒11 16',
    )
  })

  test('by run count merges the newest ones, as many as its width', () => {
    expect(sequence(8, { runs: 4, rules: ['run count'], maxMergeWidth: 3 })).toBe(
      '1; 1 1; 1 1 1; 1 1 1 1⇒3 1; 1 3 1; 1 1 3 1⇒5 1; 1 5 1; 1 1 5 1⇒7 1',
    )
  })

  test('says every rule and its score, also while there are too few runs', () => {
    const tree = tiered({ runs: 8 })
    for (let i = 0; i < 3; i++) tree.flush()
    expect(planTiered(tree.shape, geometry, { runs: 8 })).toEqual({
      choice: undefined,
      scores: [
        { candidate: 'runs', score: 3 / 8, because: '3 runs of the 8 from which on they are merged' },
        {
          candidate: 'space amplification',
          // Just as much as is allowed is not due.
          score: 0.999,
          because: 'the newer runs have 2 bytes, 200% of the oldest, which has 1; 200% are allowed',
        },
        { candidate: 'size ratio', score: 0, because: 'no runs of similar size' },
        {
          candidate: 'run count',
          score: 1,
          because: 'the newest 3 runs, whatever their sizes, to have fewer',
        },
      ].map((score) => (score.candidate === 'space amplification' ? { ...score, score: 0.999 } : score)),
      picks: [],
    })
  })

  test('takes over lower levels of another policy: a merge ends in the level of its oldest run', () => {
    const leveled = new MetadataTree((shape, pointers) =>
      planLeveled(shape, pointers, { ...geometry, level1Bytes: 16, level0Tables: 4 }),
    ).run(43)
    expect(leveled.shape.map((runs) => runs.length)).toEqual([3, 1, 1, 0, 0, 0, 0])
    const { choice } = planTiered(leveled.shape, geometry, {
      runs: 5,
      rules: ['run count'],
      maxMergeWidth: 4,
    })
    expect([choice?.inputs.map(({ level }) => level), choice?.outputLevel]).toEqual([[0, 0, 0, 1], 1])
  })
})

describe.each([4, 6, 10])('with a size ratio of %i', (T) => {
  test('full leveling writes (T+1)/2 into the first level and 1/T less into each below', () => {
    const full = { ...geometry, level0Tables: 1, level1Bytes: T, sizeRatio: T }
    const tree = new MetadataTree((shape, pointers) =>
      planLeveled(shape, pointers, full, { granularity: 'level' }),
    ).run(T ** 3)
    const ratios = [1, 2, 3].map((level) => tree.written[level]! / tree.entered[level]!)
    for (const [i, law] of [(T + 1) / 2, (T + 1) / 2 - 1 / T, (T + 1) / 2 - 1 / T].entries())
      expect(ratios[i]).toBeCloseTo(law, 12)
    expect(tree.entered.slice(0, 5)).toEqual([T ** 3, T ** 3, T ** 3, T ** 3, T ** 3])
  })

  test('lazy leveling writes each version once into a tiered level, and its last level as leveling does', () => {
    const lazy = { ...geometry, level0Tables: T, level1Bytes: T * T, sizeRatio: T }
    const tree = new MetadataTree((shape) => planLazyLeveled(shape, lazy)).run(T * T)
    expect(tree.written[1]! / tree.entered[1]!).toBeCloseTo((T + 1) / 2, 12)
    const [before, beforeEntered] = [tree.written[1]!, tree.entered[1]!]
    tree.run(T ** 3 - T * T)
    // Level 1 has become a tiered one: tiering writes 1 per level.
    expect(tree.written[1]! - before).toBe(tree.entered[1]! - beforeEntered)
    expect(tree.written[0]).toBe(tree.entered[0])
    expect(tree.written[2]! / tree.entered[2]!).toBeCloseTo((T + 1) / 2 - 1 / T, 12)
  })
})

describe('lazy leveling', () => {
  const lazy: Geometry = { ...geometry, level0Tables: 2, level1Bytes: 4, sizeRatio: 3 }
  const tree = () => new MetadataTree((shape) => planLazyLeveled(shape, lazy))

  test('has runs in every level but the last, which is one run', () => {
    const most = EMPTY_SHAPE.map(() => 0)
    const growing = tree()
    for (let i = 0; i < 200; i++) {
      growing.run(1)
      const last = Math.max(
        1,
        growing.shape.findLastIndex((runs) => runs.length > 0),
      )
      for (const [level, runs] of growing.shape.entries()) {
        expect(runs.length).toBeLessThan(level === last ? 2 : level === 0 ? 2 : 3)
        most[level] = Math.max(most[level]!, runs.length)
      }
    }
    expect(most.slice(1, 4)).toEqual([2, 2, 2])
  })

  test('scores every level by what makes it full', () => {
    const { scores } = planLazyLeveled(tree().run(13).shape, lazy)
    expect(scores.map(({ because }) => because)).toEqual([
      'level 0 has 1 of 2 runs',
      'level 1 has 1 of 3 runs',
      'level 2 is the last and has 10 of 12 bytes',
    ])
  })

  test('merges the runs that another policy left in the last level into one', () => {
    const merged = { ...geometry, level0Tables: 9 }
    const shape = EMPTY_SHAPE.with(2, [
      { number: 2, tables: [table(4, 'a…c')] },
      { number: 1, tables: [table(3, 'a…c')] },
    ])
    const { choice } = planLazyLeveled(shape, merged)
    expect(choice).toMatchObject({ kind: 'merge', outputLevel: 2, outputRun: 3 })
    expect(choice?.because).toBe('level 2 is the last and has 2 runs, not one')
    expect(choice?.inputs.map(({ level, tables }) => [level, tables[0]?.number])).toEqual([
      [2, 4],
      [2, 3],
    ])
  })

  test('the lowest level that there can be grows on', () => {
    const small = { ...lazy, level0Tables: 1, level1Bytes: 1, sizeRatio: 2 }
    const deep = new MetadataTree((shape) => planLazyLeveled(shape, small)).run(200)
    expect(deep.shape[LEVELS_MAX - 1]).toHaveLength(1)
    expect(planLazyLeveled(deep.shape, small).scores.at(-1)?.because).toMatch(/and there is none below it$/)
  })
})

/** A table of some keys, garbage and times. */
function table(number: number, keys: string, facts: Partial<TableMeta> = {}): TableMeta {
  const [from, to] = keys.split('…').map(bytesOfText)
  const counts = { blocks: 1, keys: 1, versions: 10, live: 10, superseded: 0, tombstones: 0 }
  const [minTime, maxTime] = [facts.minTime ?? tick(5), facts.maxTime ?? tick(50)]
  const bounds = { first: { key: from!, time: maxTime }, last: { key: to!, time: minTime } }
  return { number, bytes: 100, ...counts, ...bounds, minTime, maxTime, ...facts }
}

describe('a picker', () => {
  const level = [table(1, 'a…c'), table(2, 'd…f'), table(3, 'g…i')]
  const picked = (name: PickerName, tables: readonly TableMeta[], below: readonly TableMeta[] = []) =>
    tables[pickTable(name, tables, below, undefined).index]!.number

  test('takes the one with the least below it for its size', () => {
    const below = [table(4, 'a…b'), table(5, 'c…d'), table(6, 'e…e'), table(7, 'h…x', { bytes: 90 })]
    expect(picked('least-overlap', level, below)).toBe(3)
    const { picks } = pickTable('least-overlap', level, below, undefined)
    expect(picks).toEqual([
      { table: 1, score: 100 / 300, because: '200 bytes below for its 100' },
      { table: 2, score: 100 / 300, because: '200 bytes below for its 100' },
      { table: 3, score: 100 / 190, because: '90 bytes below for its 100' },
    ])
  })

  test('takes the one whose oldest version is oldest', () => {
    expect(picked('oldest', [level[0]!, table(2, 'd…f', { minTime: tick(4) }), level[2]!])).toBe(2)
  })

  test('takes the one with the largest share of garbage', () => {
    const some = [
      table(1, 'a…c', { superseded: 3, tombstones: 0, live: 7 }),
      table(2, 'd…f', { superseded: 2, tombstones: 2, live: 6 }),
      table(3, 'g…i', { versions: 100, superseded: 20, tombstones: 10, live: 70 }),
    ]
    expect(picked('most-garbage', some)).toBe(2)
  })

  test.each(PICKER_NAMES)('%s goes round where scores tie, and never drains the lowest keys only', (name) => {
    let pointer: TableMeta['last'] | undefined
    const turns = Array.from({ length: 7 }, () => {
      const { index } = pickTable(name, level, [], pointer)
      pointer = level[index]!.last
      return level[index]!.number
    })
    expect(turns).toEqual([1, 2, 3, 1, 2, 3, 1])
  })

  test('shows every table of its level with its score, and the choice is among the highest', () => {
    const small = smallGeometry({ level1Bytes: 200 })
    for (const picker of PICKER_NAMES) {
      const { choice, picks } = planLeveled(shapeOf([], level, [table(9, 'a…z')]), [], small, { picker })
      expect(picks.map((pick) => pick.table)).toEqual([1, 2, 3])
      const best = Math.max(...picks.map(({ score }) => score))
      expect(picks.find((pick) => pick.table === choice!.inputs[0]!.tables[0]!.number)?.score).toBe(best)
    }
  })
})

describe('an idle file', () => {
  const garbage = { superseded: 5, live: 5, minTime: tick(10), maxTime: tick(50), writtenAtCutoff: tick(0) }
  const chosen = (one: TableMeta, cutoff: number) =>
    planIdleGarbage(shapeOf([], [table(1, 'a…b'), one]), tick(cutoff)).choice

  test('is rewritten where it stands once history has left all of it behind', () => {
    const one = table(7, 'c…d', garbage)
    expect(chosen(one, 49)).toBeUndefined()
    expect(chosen(one, 50)).toEqual({
      kind: 'merge',
      inputs: [{ level: 1, tables: [one] }],
      outputLevel: 1,
      outputRun: 1,
      because: 'history has left table 7 behind: 5 of its 10 versions are superseded or tombstones',
    })
  })

  test('is not worth it for little garbage', () => {
    expect(chosen(table(7, 'c…d', { ...garbage, superseded: 2, live: 8 }), 90)).toBeUndefined()
    expect(chosen(table(7, 'c…d', { ...garbage, superseded: 1, tombstones: 2, live: 7 }), 90)).toBeDefined()
  })

  test('is none that was never merged: its first merge is to come', () => {
    expect(chosen(table(7, 'c…d', { ...garbage, writtenAtCutoff: undefined }), 90)).toBeUndefined()
  })

  test('is rewritten once: what that merge kept is kept for a reason that sizes do not show', () => {
    expect(chosen(table(7, 'c…d', { ...garbage, writtenAtCutoff: tick(49) }), 90)).toBeDefined()
    expect(chosen(table(7, 'c…d', { ...garbage, writtenAtCutoff: tick(50) }), 90)).toBeUndefined()
  })

  test('waits for the sizes: a level that is full goes first', () => {
    const shape = shapeOf([], [table(7, 'c…d', { ...garbage, bytes: 1e9 })])
    for (const name of POLICY_NAMES) {
      const policy = { ...DEFAULT_POLICY, name }
      const plan = (of: Shape) =>
        planCompaction({ policy, shape: of, pointers: [], geometry, cutoff: tick(90) }).choice?.because
      if (name !== 'tiered') expect(plan(shape)).toMatch(/^level 1/)
      expect(plan(shapeOf([], [table(7, 'c…d', garbage)]))).toMatch(/^history has left/)
    }
  })
})

describe('a policy', () => {
  test('is chosen by name; what is left out stays, and a name that there is not is refused', () => {
    expect(choosePolicy(DEFAULT_POLICY, {})).toEqual({ name: 'leveled', picker: 'round-robin' })
    const lazy = choosePolicy(DEFAULT_POLICY, { name: 'lazy-leveled' })
    expect(choosePolicy(lazy, { picker: 'oldest' })).toEqual({ name: 'lazy-leveled', picker: 'oldest' })
    for (const change of [{ name: 'fifo' }, { picker: 'newest' }, { name: 'constructor' }]) {
      let thrown: unknown
      try {
        choosePolicy(DEFAULT_POLICY, change)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(PalimpsestError)
      expect((thrown as PalimpsestError).code).toBe('INVALID_ARGUMENT')
    }
  })

  test('leaves a tree that obeys the laws whatever policies came before it, and always comes to rest', () => {
    const merges = new Map<string, number>()
    holds(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...POLICY_NAMES), fc.integer({ min: 1, max: 25 })), {
          maxLength: 8,
        }),
        fc.boolean(),
        (turns, fully) => {
          let policy = DEFAULT_POLICY
          const small = smallGeometry({ level0Tables: 2, level1Bytes: 4, sizeRatio: 3 })
          const input = (shape: Shape) => ({ policy, shape, pointers: [], geometry: small, cutoff: tick(0) })
          // The tree itself refuses a shape with a fault, and more than a hundred steps after a flush.
          const tree = new MetadataTree((shape) => planCompaction(input(shape)))
          for (const [name, flushes] of turns) {
            policy = { ...policy, name }
            const before = tree.compactions
            tree.run(flushes)
            merges.set(name, (merges.get(name) ?? 0) + tree.compactions - before)
            expect(tree.sizes.reduce((sum, size) => sum + size, 0)).toBe(tree.flushes)
            expectNewestFirst(tree.shape)
          }
          if (!fully || tree.flushes === 0) return
          const { choice } = planFullCompaction(input(tree.shape))
          const inputs = choice!.inputs.flatMap(({ tables }) => tables)
          const whole = { ...inputs[0]!, number: 9999, bytes: tree.flushes }
          const after = applyShapeEdit(tree.shape, {
            remove: inputs.map(({ number }) => number),
            add: [{ level: choice!.outputLevel, run: choice!.outputRun, table: whole }],
          })
          expect(after.flat()).toHaveLength(1)
          expect(planCompaction(input(after)).choice).toBeUndefined()
        },
      ),
    )
    for (const name of POLICY_NAMES) expect(merges.get(name)).toBeGreaterThan(100)
  })
})

/** Every table of these trees has all keys, so whole runs must be newer than those behind them. */
function expectNewestFirst(shape: Shape): void {
  const runs = shape.flat().map(({ tables }) => tables[0]!)
  for (const [i, { maxTime }] of runs.slice(1).entries()) expect(runs[i]!.minTime > maxTime).toBe(true)
}
