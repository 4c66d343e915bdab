/**
 * What a workload has done and what it was promised: the list of all states of its tables.
 *
 *     step      1        2          3            4
 *     did       write    write      restore to 1  write …
 *     time      t1       t2         t3
 *     state     S1       S2         S3 = S1       (in flight: perhaps)
 *
 * A crash may leave any prefix of the steps that is no shorter than what durability promised.
 */
import { type HybridTime, MIN_TIME } from '../../time/hybrid-time.ts'

/** The tables that exist, each with its rows. */
export type TablesState = ReadonlyMap<string, ReadonlyMap<string, string>>

/** A step that changed the state, or is under way. */
export interface StateStep {
  /** The commit's time lies from `from` through `time`; `MIN_TIME` while it is not known. */
  from: HybridTime
  time: HybridTime
  readonly did: 'write' | 'restore' | 'define'
  /** Of a write: its number. */
  readonly id?: number | undefined
  /** The state after it. */
  readonly state: TablesState
}

/** The states of a run, and what was promised of them. */
export class StateLedger {
  readonly steps: StateStep[] = []
  /** Steps that survive the death of the process. */
  handedOver = 0
  /** Steps that survive a power cut. */
  durable = 0
  /** The greatest time that was issued or used. */
  usedThrough: HybridTime = MIN_TIME
  /** Times of the tables with a short window that a hold keeps. */
  readonly held: Map<string, HybridTime> = new Map()

  /** The state after the first `count` steps. */
  stateAfter(count: number): TablesState {
    return this.steps[count - 1]?.state ?? NO_TABLES
  }

  /** The newest state. */
  get state(): TablesState {
    return this.stateAfter(this.steps.length)
  }

  /** A step begins: a crash may come before it returns, and it may survive. */
  begin(step: Pick<StateStep, 'did' | 'id' | 'state'>): StateStep {
    const begun = { ...step, from: MIN_TIME, time: MIN_TIME }
    this.steps.push(begun)
    return begun
  }

  /** The step that began was refused: nothing has changed. */
  takeBack(): void {
    this.steps.pop()
  }

  /** Everything so far survives a power cut. */
  allDurable(): void {
    this.durable = this.handedOver = this.steps.length
  }

  /** The number of the newest write among the first `count` steps; 0 if there is none. */
  newestWrite(count: number): number {
    return this.steps.slice(0, count).findLast(({ id }) => id !== undefined)?.id ?? 0
  }

  /** How many restores there are among the first `count` steps. */
  restoresIn(count: number): number {
    return this.steps.slice(0, count).filter(({ did }) => did === 'restore').length
  }

  /** How many steps there are through the write of a number. */
  countThrough(id: number): number {
    return this.steps.findIndex((step) => step.id === id) + 1
  }
}

/** The state before the first step. */
export const NO_TABLES: TablesState = new Map()
