/**
 * A tree of metadata alone: flushes and merges of tables that exist only as numbers, by the very plans
 * that the engine carries out. Every table has all keys, and no version ever hides another, so a merge
 * is as large as its inputs.
 */
import { bytesOfText } from '../../src/base/bytes.ts'
import { type CompactionPlan, type LevelPointers } from '../../src/storage/plan.ts'
import { EMPTY_SHAPE, type Shape, applyShapeEdit, shapeFaults, tablesOf } from '../../src/storage/shape.ts'
import { type TableMeta } from '../../src/storage/table-format.ts'
import { tick } from './samples.ts'

/** What a policy is, to the simulator. */
export type Plan = (shape: Shape, pointers: LevelPointers) => CompactionPlan

/** A tree without data. Sizes are in flushes. */
export class MetadataTree {
  readonly #plan: Plan
  shape: Shape = EMPTY_SHAPE
  flushes = 0
  compactions = 0
  /** Written into each level, flushes included; moves cost nothing. */
  readonly written: number[] = EMPTY_SHAPE.map(() => 0)
  /** What came into each level from above, moved or written. */
  readonly entered: number[] = EMPTY_SHAPE.map(() => 0)
  /** The most that there ever was at once, inputs and outputs of a running merge both counted. */
  peak = 0
  #numbers = 0

  constructor(plan: Plan) {
    this.#plan = plan
  }

  /** The sizes of all runs, newest first. */
  get sizes(): readonly number[] {
    return this.shape.flat().map(({ tables }) => tables.reduce((sum, { bytes }) => sum + bytes, 0))
  }

  /** Everything written, over everything flushed. */
  get writeAmplification(): number {
    return this.written.reduce((sum, bytes) => sum + bytes, 0) / this.flushes
  }

  /** Flushes one unit. */
  flush(): void {
    this.flushes++
    const time = tick(this.flushes)
    const run = 1 + (this.shape[0]![0]?.number ?? 0)
    this.#apply([], 0, run, { bytes: 1, minTime: time, maxTime: time })
    this.written[0]!++
    this.entered[0]!++
  }

  /** Carries out one plan; says whether there was anything to do. */
  compactOnce(): boolean {
    const pointers = this.shape.map(() => undefined)
    const { choice } = this.#plan(this.shape, pointers)
    if (choice === undefined) return false
    const { inputs, outputLevel, outputRun, kind } = choice
    const merged = inputs.flatMap(({ tables }) => tables)
    const bytes = merged.reduce((sum, table) => sum + table.bytes, 0)
    const fromAbove = inputs.filter(({ level }) => level < outputLevel).flatMap(({ tables }) => tables)
    if (kind === 'merge') {
      this.peak = Math.max(
        this.peak,
        tablesOf(this.shape).reduce((sum, table) => sum + table.bytes, bytes),
      )
      this.written[outputLevel]! += bytes
      this.compactions++
    }
    this.entered[outputLevel]! += fromAbove.reduce((sum, table) => sum + table.bytes, 0)
    this.#apply(merged, outputLevel, outputRun, {
      bytes,
      minTime: merged.reduce(
        (time, table) => (table.minTime < time ? table.minTime : time),
        merged[0]!.minTime,
      ),
      maxTime: merged.reduce(
        (time, table) => (table.maxTime > time ? table.maxTime : time),
        merged[0]!.maxTime,
      ),
    })
    const faults = shapeFaults(this.shape)
    if (faults.length > 0) throw new Error(faults.join('\n'))
    return true
  }

  /** Flushes, then compacts until nothing is due, as often as asked. */
  run(flushes: number): this {
    for (let i = 0; i < flushes; i++) {
      this.flush()
      let steps = 0
      while (this.compactOnce()) if (++steps > 100) throw new Error('does not converge')
    }
    return this
  }

  #apply(
    removed: readonly TableMeta[],
    level: number,
    run: number,
    facts: Pick<TableMeta, 'bytes' | 'minTime' | 'maxTime'>,
  ): void {
    const counts = { blocks: 1, keys: 1, versions: 1, live: 1, superseded: 0, tombstones: 0 }
    const table: TableMeta = {
      ...counts,
      ...facts,
      number: ++this.#numbers,
      first: { key: bytesOfText('a'), time: facts.maxTime },
      last: { key: bytesOfText('z'), time: facts.minTime },
    }
    this.shape = applyShapeEdit(this.shape, {
      remove: removed.map(({ number }) => number),
      add: [{ level, run, table }],
    })
  }
}
