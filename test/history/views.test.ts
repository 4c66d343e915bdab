/**
 * Law 3, with real tables: views of nested restores and undos, which are many stretches, through a tree
 * whose compactions drop by the garbage rule. Two hot keys, whose versions run over many blocks and
 * tables.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { bytesOfText, textOfBytes } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { ALL_KEYS } from '../../src/base/key-range.ts'
import { type Directive, garbageFilter } from '../../src/history/garbage.ts'
import { checkTree } from '../../src/storage/check.ts'
import { GEOMETRIES, type Geometry } from '../../src/storage/geometry.ts'
import { type Job, type NumberRange, runJob } from '../../src/storage/job.ts'
import { type CompactionChoice } from '../../src/storage/plan.ts'
import { DEFAULT_POLICY, planCompaction, planFullCompaction } from '../../src/storage/policy.ts'
import {
  EMPTY_TREE,
  type TreeEdit,
  applyManifestEdit,
  newManifestState,
} from '../../src/storage/manifest-state.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { tablesOf } from '../../src/storage/shape.ts'
import { TableFiles } from '../../src/storage/table-files.ts'
import { Tree } from '../../src/storage/tree.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { type Stretches } from '../../src/time/stretches.ts'
import { NO_PLACE } from '../storage/samples.ts'
import { holds } from '../time/property.ts'
import { StateHistory, type Step, steps } from './states.ts'

const KEYS = ['a', 'b']

/** One version to a block, two or three to a table. */
const GEOMETRY: Geometry = {
  ...GEOMETRIES.miniature,
  ...{ blockBytes: 1, tableBytes: 70, level0Tables: 2, level1Bytes: 400, sizeRatio: 2 },
}

/** A tree whose values say when they were written. */
class HotTree {
  readonly #files = new MemoryFiles()
  readonly #tables = new TableFiles(this.#files, crc32, { cacheBytes: 0, openTables: 2 })
  #manifest = newManifestState({ geometry: 'miniature', clock: 'replay' })
  #numbers = 1
  readonly tree = new Tree<Directive>(1, EMPTY_TREE, { tables: this.#tables, geometry: GEOMETRY })

  /** How many tables there are. */
  get tables(): number {
    return tablesOf(this.tree.state.shape).length
  }

  write(versions: StateHistory['written']): void {
    const [first] = versions
    if (first === undefined) return
    const time = BigInt(first.time) as HybridTime
    const writes = versions.map(({ key, isTombstone }) => ({
      key: bytesOfText(KEYS[key]!),
      value: isTombstone ? undefined : bytesOfText(String(first.time)),
    }))
    this.tree.apply(time, writes)
  }

  flush(directive: Directive): void {
    this.tree.freeze()
    if (this.tree.frozenCount > 0) this.#run(this.tree.flushJob(directive, NO_PLACE, this.#reserve))
  }

  compact(directive: Directive, isFull: boolean): void {
    const { shape, pointers } = this.tree.state
    const { choice } = (isFull ? planFullCompaction : planCompaction)({
      ...{ policy: DEFAULT_POLICY, shape, pointers, geometry: GEOMETRY, cutoff: directive.cutoff },
    })
    if (choice === undefined) return
    const edit = this.#run(this.tree.mergeJob(choice, directive, this.#reserve), choice)
    this.#tables.remove(
      edit.remove.filter((number) => !edit.add.some(({ table }) => table.number === number)),
    )
  }

  faults(): readonly string[] {
    return checkTree(this.tree.state.shape, (number) => this.#tables.open(number)).faults
  }

  find(key: string, view: Stretches): number | undefined {
    const value = this.tree.find(bytesOfText(key), view)?.value
    return value && Number(textOfBytes(value))
  }

  scan(view: Stretches, direction: 'forward' | 'reverse'): readonly (readonly [string, number])[] {
    return Array.from(this.tree.scan(ALL_KEYS, view, direction), ({ key, value }) => [
      textOfBytes(key),
      Number(textOfBytes(value)),
    ])
  }

  readonly #reserve = (count: number): NumberRange => {
    this.#numbers += count
    return { first: this.#numbers - count, end: this.#numbers }
  }

  /** Runs a job and installs what it made. */
  #run(job: Job<Directive>, choice?: CompactionChoice): TreeEdit {
    const io = { files: this.#files, tables: this.#tables, geometry: GEOMETRY, filterFor: garbageFilter }
    const edit = this.tree.editOf(runJob(job, io), choice)
    this.#manifest = applyManifestEdit(this.#manifest, { trees: [edit] })
    this.tree.install(this.#manifest.trees.get(1)!)
    return edit
  }
}

/** Lets a step happen to both; what compactions are in the list of states are flushes and compactions here. */
function carryOut(step: Step, history: StateHistory, hot: HotTree): void {
  if (step.do === 'plan') return hot.flush(history.directive)
  if (step.do === 'forget') return history.forget(hot.tree.occupiedTimes())
  if (step.do === 'install') return hot.compact(history.directive, history.readableTicks.length % 3 === 0)
  const before = history.written.length
  history.carryOut(step)
  hot.write(history.written.slice(before))
}

test('every readable time shows its state, by key and by scans both ways (law 3)', () => {
  let [dropped, deepest, stretches, forgotten, closed] = [0, 0, 0, 0, 0]
  holds(
    fc.property(steps, (list) => {
      const history = new StateHistory()
      const hot = new HotTree()
      for (const step of list) {
        carryOut(step, history, hot)
        if (step.do !== 'install' && step !== list.at(-1)) continue
        expect(hot.faults()).toEqual([])
        for (const tick of history.readableTicks) {
          const view = history.view(tick)
          const times = KEYS.map((_, key) => history.expected(tick, key))
          const entries = KEYS.flatMap((key, i) => (times[i] === undefined ? [] : [[key, times[i]]]))
          expect([KEYS.map((key) => hot.find(key, view)), hot.scan(view, 'forward')]).toEqual([
            times,
            entries,
          ])
          expect(hot.scan(view, 'reverse')).toEqual(entries.toReversed())
          stretches = Math.max(stretches, view.length)
        }
        deepest = Math.max(deepest, hot.tables)
      }
      dropped += hot.tree.state.totals.droppedVersions
      forgotten += history.forgotten
      closed += history.closed
    }),
    200,
  )
  expect(dropped).toBeGreaterThan(300)
  expect(deepest, 'tables').toBeGreaterThan(4)
  expect(stretches, 'stretches in a view').toBeGreaterThan(3)
  expect(forgotten, 'generations forgotten').toBeGreaterThan(30)
  expect(closed, 'gaps closed').toBeGreaterThan(10)
})
