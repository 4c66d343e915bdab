/**
 * What the relative words of an operation mean in a run: which table, which key, which time.
 */
import { type ScanOptions } from '../table/table.ts'
import { type TimeInput } from '../time/expression.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import { type ComparedTable, type EntryText, versionText } from './comparison.ts'
import { type Model } from './model.ts'
import { type ModelScope, type ModelWrite } from './model-facts.ts'
import {
  type Delta,
  type KeepChoice,
  type Moment,
  type RangePlan,
  type ScopePlan,
  type WorldPlan,
  type WritePlan,
} from './operations.ts'
import { compareKeys, keyOf, keysOf } from './values.ts'

/** A time, and how it is said to the database. */
export interface AskedTime {
  readonly input: TimeInput
  readonly time: HybridTime
}

const LAST_TIME = 2n ** 64n - 1n

/** Takes plans at their word. */
export class Meaning {
  readonly #world: WorldPlan
  readonly #model: Model
  readonly #tables: readonly ComparedTable[]
  #written = 0

  /** `tables` grows as tables are made. */
  constructor(world: WorldPlan, model: Model, tables: readonly ComparedTable[]) {
    this.#world = world
    this.#model = model
    this.#tables = tables
  }

  /** One of the tables that exist. */
  tableOf(number: number): ComparedTable {
    const existing = this.#tables.filter((table) => this.#model.exists(table.number))
    return existing[number % existing.length]!
  }

  nameOf(number: number | undefined): string | undefined {
    return number === undefined ? undefined : this.tableOf(number).name
  }

  /** A key, as the model writes it. */
  keyOf({ keys: type }: ComparedTable, number: number): string {
    const keys = keysOf(type, this.#world.keys)
    return keys[number % keys.length]!
  }

  /** A write. Every value but the empty one is another. */
  writeOf({ table: number, key, size }: WritePlan): ModelWrite & { readonly to: ComparedTable } {
    const table = this.tableOf(number)
    const value = size === undefined ? undefined : size === 0 ? '' : `v${this.#written++}`.padEnd(size, '.')
    return { to: table, table: table.number, key: this.keyOf(table, key), value }
  }

  microsOf({ micros, windows }: Delta): number {
    return micros + windows * this.#world.windowMicros
  }

  keepOf(choice: Exclude<KeepChoice, 'default'>): number | 'forever' {
    return choice === 'forever' ? choice : Math.max(0, this.microsOf(choice))
  }

  scopeOf(plan: ScopePlan): ModelScope {
    if (plan === 'database') return plan
    return 'table' in plan ? { table: this.tableOf(plan.table).number } : { keyspace: `ks${plan.keyspace}` }
  }

  /** A scope in the words of the database. */
  targetOf(scope: ModelScope): { readonly table?: string; readonly keyspace?: string } {
    if (scope === 'database') return {}
    return 'table' in scope ? { table: this.#model.nameOf(scope.table)! } : { keyspace: scope.keyspace }
  }

  /** The time of a moment, where one is given. */
  askedAt(moment: Moment | undefined): AskedTime | undefined {
    return moment === undefined ? undefined : this.momentOf(moment)
  }

  momentOf(moment: Moment): AskedTime {
    const { holds } = this.#model
    const hold = holds[moment.index % Math.max(1, holds.length)]
    if (moment.form === 'name' && hold !== undefined) return { input: hold.name, time: hold.last }
    const moved = this.#anchorOf(moment) + BigInt(moment.micros) * 4096n + BigInt(moment.ticks)
    const time = (moved < 0n ? 0n : moved > LAST_TIME ? LAST_TIME : moved) as HybridTime
    const micros = time / 4096n
    // Unix time in microseconds has sixteen digits, and means the end of the microsecond.
    if (moment.form === 'micros' && micros.toString().length === 16)
      return { input: micros.toString(), time: (micros * 4096n + 4095n) as HybridTime }
    return { input: moment.form === 'exact' ? formatExact(time) : time, time }
  }

  /** What a scan has to give. */
  scanOf(table: ComparedTable, range: RangePlan, time: HybridTime): readonly EntryText[] {
    const { number, keys: type } = table
    const compare = (key: string, bound: number) => compareKeys(type, key, this.keyOf(table, bound))
    const { gt, gte, lt, lte, prefix, limit } = range
    const found = this.#model
      .scan(number, time)
      .filter(
        ({ key }) =>
          (gt === undefined || compare(key, gt) > 0) &&
          (gte === undefined || compare(key, gte) >= 0) &&
          (lt === undefined || compare(key, lt) < 0) &&
          (lte === undefined || compare(key, lte) <= 0) &&
          (prefix === undefined || key.startsWith(this.keyOf(table, prefix))),
      )
    const ordered = range.reverse ? found.toReversed() : found
    return ordered.slice(0, limit === undefined || limit === -1 ? undefined : limit).map(versionText)
  }

  /** The options of a scan. */
  scanOptionsOf(table: ComparedTable, range: RangePlan, asOf: TimeInput | undefined): ScanOptions {
    const bound = (number: number | undefined) =>
      number === undefined ? undefined : keyOf(table.keys, this.keyOf(table, number))
    const { gt, gte, lt, lte, prefix, reverse, limit } = range
    const bounds = { gt: bound(gt), gte: bound(gte), lt: bound(lt), lte: bound(lte), prefix: bound(prefix) }
    return { ...bounds, reverse, limit, asOf }
  }

  #anchorOf({ anchor, index }: Moment): bigint {
    const { clock, versions, changes, holds, tables } = this.#model
    const { number } = this.tableOf(index)
    switch (anchor) {
      case 'version':
        return versions.at(-1 - (index % Math.max(1, versions.length)))?.time ?? this.#model.newest
      case 'window':
        return this.#model.windowOf(number)
      case 'hold': {
        const hold = holds[index % Math.max(1, holds.length)]
        return hold === undefined ? this.#model.newest : index % 2 === 0 ? hold.first : hold.last
      }
      case 'created':
        return tables[number]!.created
      case 'change':
        return changes.at(-1 - (index % changes.length))!.time
      case 'newest':
        return this.#model.newest
      case 'now':
        return BigInt(clock.current) * 4096n
      case 'zero':
        return 0n
      case 'end of time':
        return LAST_TIME
    }
  }
}
