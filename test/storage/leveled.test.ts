/** The leveled policy, as a pure function: which tables, where to, why, and what it keeps true. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOfText } from '../../src/base/bytes.ts'
import { compactionJob } from '../../src/storage/compaction.ts'
import { levelTargetBytes } from '../../src/storage/geometry.ts'
import { planLeveled } from '../../src/storage/leveled.ts'
import { type LevelPointers } from '../../src/storage/plan.ts'
import { DEFAULT_POLICY, planFullCompaction } from '../../src/storage/policy.ts'
import {
  EMPTY_SHAPE,
  type Run,
  type Shape,
  applyShapeEdit,
  bytesOfTables,
  lowestLevel,
  overlapsKeys,
  shapeFaults,
  tablesOf,
} from '../../src/storage/shape.ts'
import { type TableMeta } from '../../src/storage/table-format.ts'
import { holds } from '../time/property.ts'
import { shapeOf, smallGeometry, tick } from './samples.ts'

/** `a@9…c@3`: a table from one position to another, as text. Times within are from its number. */
function table(number: number, text: string, bytes = 100): TableMeta {
  const [first, last] = text.split('…').map((position) => {
    const [key, time = String(number)] = position.split('@')
    return { key: bytesOfText(key!), time: tick(Number(time)) }
  })
  const counts = { blocks: 1, keys: 1, versions: 1, live: 1, superseded: 0, tombstones: 0 }
  const [minTime, maxTime] = [tick(number), tick(number)]
  return { number, bytes, first: first!, last: last!, minTime, maxTime, ...counts }
}

/** Level 0 is full at 4 tables, level 1 at 1000 bytes, level 2 at 4000. */
const geometry = smallGeometry({ level0Tables: 4, level1Bytes: 1000, sizeRatio: 4 })
const plan = (shape: Shape, pointers: LevelPointers = []) => planLeveled(shape, pointers, geometry)
const numbers = (tables: readonly TableMeta[]) => tables.map(({ number }) => number)
const levelNumbers = (runs: readonly Run[]) => runs.map(({ tables }) => numbers(tables))

function chosen(shape: Shape, pointers?: LevelPointers) {
  const { choice } = plan(shape, pointers)
  if (choice === undefined) return undefined
  const levels = [...new Set(choice.inputs.map(({ level }) => level))]
  const inputs = levels.map((level) => [
    level,
    ...numbers(choice.inputs.filter((input) => input.level === level).flatMap(({ tables }) => tables)),
  ])
  return { kind: choice.kind, inputs, to: choice.outputLevel }
}

describe('when', () => {
  test('an empty tree has nothing to do', () => {
    expect(plan(EMPTY_SHAPE).choice).toBeUndefined()
  })

  test('every level but the lowest is scored by its size over its target, in words too', () => {
    const { scores, choice } = plan(
      shapeOf(
        [table(9, 'a…z')],
        [table(8, 'a…z', 500)],
        [table(7, 'a…z', 1000)],
        [],
        [],
        [],
        [table(1, 'a…z', 1e9)],
      ),
    )
    expect(choice).toBeUndefined()
    expect(scores).toEqual([
      { candidate: 'level 0', score: 0.25, because: 'level 0 has 1 of 4 tables' },
      { candidate: 'level 1', score: 0.5, because: 'level 1 has 500 of 1000 bytes' },
      { candidate: 'level 2', score: 0.25, because: 'level 2 has 1000 of 4000 bytes' },
      { candidate: 'level 3', score: 0, because: 'level 3 has 0 of 16000 bytes' },
      { candidate: 'level 4', score: 0, because: 'level 4 has 0 of 64000 bytes' },
      { candidate: 'level 5', score: 0, because: 'level 5 has 0 of 256000 bytes' },
    ])
    expect([1, 2, 3].map((level) => levelTargetBytes(geometry, level))).toEqual([1000, 4000, 16_000])
  })

  test('a level is compacted from its target on, not before', () => {
    const full = (bytes: number) => shapeOf([], [table(1, 'a…b', bytes)])
    expect(plan(full(999)).choice).toBeUndefined()
    expect(plan(full(1000)).choice?.because).toBe('level 1 has 1000 of 1000 bytes')
  })

  test('the highest score wins, of equal ones the upper level', () => {
    const level0 = [table(14, 'a…b'), table(13, 'a…b'), table(12, 'a…b'), table(11, 'a…b')]
    expect(chosen(shapeOf(level0, [table(1, 'x…z', 1500)]))?.inputs).toEqual([[1, 1]])
    expect(chosen(shapeOf(level0, [table(1, 'x…z', 1000)]))?.inputs).toEqual([[0, 14, 13, 12, 11]])
  })
})

describe('which', () => {
  test('level 0 goes whole, with all below that lies between its least and its greatest key', () => {
    const level0 = [table(14, 'b…c'), table(13, 'x…y'), table(12, 'b…c'), table(11, 'x…x')]
    // The new tables may run from b to y, over the gap in which table 3 lies.
    const level1 = [table(1, 'a…a'), table(2, 'c…d'), table(3, 'm…n'), table(4, 'z…z')]
    expect(chosen(shapeOf(level0, level1))).toEqual({
      kind: 'merge',
      inputs: [
        [0, 14, 13, 12, 11],
        [1, 2, 3],
      ],
      to: 1,
    })
  })

  test('of another level one table goes, round and round behind the last one', () => {
    const level1 = [table(1, 'a…b', 400), table(2, 'd…e', 400), table(3, 'g…h', 400)]
    const below = [table(4, 'a…z', 100)]
    let pointers: LevelPointers = []
    const picked: unknown[] = []
    for (let turn = 0; turn < 5; turn++) {
      const { inputs } = plan(shapeOf([], level1, below), pointers).choice!
      picked.push(...numbers(inputs[0]!.tables))
      pointers = [undefined, inputs[0]!.tables.at(-1)!.last]
    }
    expect(picked).toEqual([1, 2, 3, 1, 2])
  })

  test('a pointer whose table is gone leads to the next one', () => {
    const level1 = [table(1, 'a…b', 400), table(3, 'g…h', 700)]
    const from = (text: string) =>
      chosen(shapeOf([], level1, [table(4, 'a…z')]), [undefined, table(9, text).last])
    expect(from('c…e')?.inputs[0]).toEqual([1, 3])
    expect(from('c…g@4')?.inputs[0]).toEqual([1, 3])
    expect(from('c…g@3')?.inputs[0]).toEqual([1, 1])
    expect(from('x…z')?.inputs[0]).toEqual([1, 1])
  })

  test('tables to the right that hold older versions of the last key go along', () => {
    const level1 = [
      table(1, 'a…h@9', 400),
      table(2, 'h@8…h@5', 400),
      table(3, 'h@4…k', 400),
      table(4, 'l…m', 400),
    ]
    expect(chosen(shapeOf([], level1, [table(5, 'a…z')]))?.inputs[0]).toEqual([1, 1, 2, 3])
    // To the left there are newer ones only, which may stay above.
    expect(chosen(shapeOf([], level1, [table(5, 'a…z')]), [undefined, level1[0]!.last])?.inputs[0]).toEqual([
      1, 2, 3,
    ])
  })
})

describe('how', () => {
  test('where nothing below overlaps, the tables are moved', () => {
    expect(chosen(shapeOf([], [table(1, 'd…e', 1000)], [table(2, 'a…c'), table(3, 'f…z')]))).toEqual({
      kind: 'move',
      inputs: [[1, 1]],
      to: 2,
    })
  })

  test('level 0 is always merged, because its tables overlap each other', () => {
    const level0 = [table(14, 'a…b'), table(13, 'a…b'), table(12, 'a…b'), table(11, 'a…b')]
    expect(chosen(shapeOf(level0))).toEqual({ kind: 'merge', inputs: [[0, 14, 13, 12, 11]], to: 1 })
  })

  test('asked for everything, all levels become one run in the lowest level in use', () => {
    const full = (shape: Shape) => {
      const input = { policy: DEFAULT_POLICY, shape, pointers: [], geometry, cutoff: tick(0) }
      const { choice } = planFullCompaction(input)
      return (
        choice && [choice.kind, choice.outputLevel, ...choice.inputs.map(({ tables }) => numbers(tables))]
      )
    }
    expect(full(EMPTY_SHAPE)).toBeUndefined()
    expect(full(shapeOf([table(2, 'a…b'), table(1, 'a…b')]))).toEqual(['merge', 1, [2], [1]])
    expect(full(shapeOf([table(9, 'a…b')], [], [table(1, 'a…b'), table(2, 'c…d')]))).toEqual([
      'merge',
      2,
      [9],
      [1, 2],
    ])
  })
})

describe('a shape', () => {
  const level1 = [table(1, 'a…b'), table(3, 'd…e')]

  test('after an edit has the new tables in their places: level 0 newest first, the others by key', () => {
    const shape = shapeOf([table(7, 'a…z')], level1)
    const edited = applyShapeEdit(shape, {
      remove: [3],
      add: [
        { level: 0, run: 2, table: table(9, 'c…d') },
        { level: 1, run: 1, table: table(5, 'c…c') },
        { level: 3, run: 1, table: table(4, 'a…z') },
      ],
    })
    expect(edited.map(levelNumbers)).toEqual([[[9], [7]], [[1, 5]], [], [[4]], [], [], []])
    expect(shape.map(levelNumbers).slice(0, 2)).toEqual([[[7]], [[1, 3]]])
    expect(numbers(tablesOf(edited))).toEqual([9, 7, 1, 5, 4])
    expect([lowestLevel(edited), lowestLevel(EMPTY_SHAPE)]).toEqual([3, -1])
    expect(bytesOfTables(tablesOf(edited))).toBe(500)
  })

  test('a table that is moved is removed from one level and stands in another', () => {
    const moved = applyShapeEdit(shapeOf([], level1), {
      remove: [1],
      add: [{ level: 2, run: 1, table: level1[0]! }],
    })
    expect(moved.map(levelNumbers).slice(0, 3)).toEqual([[], [[3]], [[1]]])
  })

  test.each([
    ['tables of a level in order', shapeOf([table(9, 'a…z'), table(8, 'a…z')], level1), []],
    ['one key over two tables', shapeOf([], [table(1, 'a…b@9'), table(2, 'b@8…c')]), []],
    ['an overlap', shapeOf([], [table(1, 'a…d'), table(3, 'd…e')]), ['level 1: tables 1 and 3']],
    [
      'one key in the wrong order',
      shapeOf([], [table(1, 'a…b@8'), table(2, 'b@9…c')]),
      ['level 1: tables 1 and 2'],
    ],
    ['the wrong order', shapeOf([], [], [table(3, 'd…e'), table(1, 'a…b')]), ['level 2: tables 3 and 1']],
    ['level 0 oldest first', shapeOf([table(8, 'a…z'), table(9, 'a…z')]), ['level 0: runs 2 and 1']],
    [
      'two of one time',
      shapeOf([table(8, 'a…b'), { ...table(9, 'a…b'), minTime: tick(8) }]),
      ['level 0: runs 2 and 1'],
    ],
  ])('%s', (_, shape, faults) => {
    expect(shapeFaults(shape)).toEqual(faults.map((fault) => `${fault} are out of order`))
  })

  test.each([
    ['its keys', { last: { key: new Uint8Array(), time: tick(9) } }],
    ['its times', { minTime: tick(9), maxTime: tick(8) }],
  ])('a table the wrong way round, by %s', (_, facts) => {
    const shape = shapeOf([], [{ ...table(1, 'a…b'), ...facts }])
    expect(shapeFaults(shape)).toEqual(['level 1: table 1 ends before it begins'])
  })

  test('tables touch where they have a key in common', () => {
    const touches = (a: string, b: string) => overlapsKeys([table(1, a)], table(2, b))
    expect([
      touches('a…c', 'c…d'),
      touches('c…d', 'a…c'),
      touches('a…z', 'c…c'),
      touches('c…c', 'a…z'),
    ]).toEqual([true, true, true, true])
    expect([touches('a…b', 'c…d'), touches('c…d', 'a…b'), overlapsKeys([], table(1, 'a…z'))]).toEqual([
      false,
      false,
      false,
    ])
  })
})

describe('whatever the tree, a compaction', () => {
  /** Trees that obey the laws: disjoint times from level to level, disjoint keys within one. */
  const letters = 'abcdefghijklmnop'
  const level = fc
    .uniqueArray(fc.nat({ max: letters.length - 1 }), { maxLength: 10 })
    .map((cuts) => cuts.toSorted((a, b) => a - b))
  const trees = fc
    .tuple(
      fc.array(fc.tuple(fc.nat({ max: 15 }), fc.nat({ max: 15 })), { maxLength: 6 }),
      fc.array(level, { maxLength: 4 }),
    )
    .map(([flushed, levels]) => {
      let number = 1000
      const level0 = flushed.map(([a, b]) =>
        table(number--, `${letters[Math.min(a, b)]}…${letters[Math.max(a, b)]}`),
      )
      const others = levels.map((cuts) =>
        Array.from({ length: Math.floor(cuts.length / 2) }, (_, i) =>
          table(number--, `${letters[cuts[2 * i]!]}…${letters[cuts[2 * i + 1]!]}`, 500),
        ),
      )
      return shapeOf(level0, ...others)
    })

  test('leaves a tree that obeys the laws, even if its output is one table over all of its inputs', () => {
    let [merges, moves] = [0, 0]
    holds(
      fc.property(trees, fc.nat({ max: 15 }), (shape, at) => {
        expect(shapeFaults(shape)).toEqual([])
        const pointers = shape.map(() => table(1, `a…${letters[at]}`).last)
        const { choice } = plan(shape, pointers)
        if (choice === undefined) return
        const inputs = choice.inputs.flatMap(({ tables }) => tables)
        const keys = inputs
          .flatMap(({ first, last }) => [first, last])
          .toSorted((a, b) => Buffer.compare(a.key, b.key))
        const whole = { ...table(2000, 'a…a'), first: keys[0]!, last: keys.at(-1)! }
        const outputs = choice.kind === 'move' ? inputs : [whole]
        if (choice.kind === 'move') moves++
        else merges++
        const after = applyShapeEdit(shape, {
          remove: numbers(inputs),
          add: outputs.map((output) => ({ level: choice.outputLevel, run: choice.outputRun, table: output })),
        })
        expect(shapeFaults(after)).toEqual([])
      }),
      300,
    )
    expect(Math.min(merges, moves)).toBeGreaterThan(20)
  })

  test('is told of every table outside that has a key of it', () => {
    holds(
      fc.property(trees, (shape) => {
        const { choice } = plan(shape)
        if (choice === undefined) return
        const merged = choice.inputs.flatMap(({ tables }) => tables)
        const { elsewhere } = compactionJob(shape, choice, 'directive')
        const others = tablesOf(shape).filter((each) => !merged.includes(each))
        for (const other of others) {
          const sharesKey = Array.from(letters, bytesOfText).some((key) =>
            [merged, [other]].every((tables) =>
              tables.some(
                ({ first, last }) =>
                  Buffer.compare(first.key, key) <= 0 && Buffer.compare(key, last.key) <= 0,
              ),
            ),
          )
          expect(elsewhere.includes(other)).toBe(sharesKey)
        }
      }),
    )
  })
})
