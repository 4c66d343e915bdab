/**
 * What the database says of itself, held against what it does: which versions are kept, what a read looked
 * at. They also tell where versions lie, so the places where blocks and files end within a key are read
 * here, on both sides.
 *
 *     versions of a key     a@9  a@8  a@7 │ a@6  a@5 │ a@4        as of 7 and as of 6, as of 5 and as of 4
 *     where they lie        block 0       │ block 1  │ next file
 */
import { type VersionPlace } from '../store/explain.ts'
import { type Key } from '../table/codec.ts'
import { type Table } from '../table/table.ts'
import { type HybridTime, formatExact } from '../time/hybrid-time.ts'
import { type ComparedTable, type Comparison, expectSame } from './comparison.ts'
import { type ModelVersion } from './model-facts.ts'
import { keyOf, keysOf, textOfValue } from './values.ts'

/** After a full compaction: of every version of a table that was ever written, whether it is kept. */
export function compareExplanations(comparison: Comparison, table: ComparedTable): void {
  const { db, model, counts } = comparison
  const kept = model.survivors(table.number)
  const handle = db.table<Key>(table.name)
  const placed: PlacedVersion[] = []
  for (const version of model.versions) {
    if (version.table !== table.number) continue
    const { verdict, stored, time } = handle.explainVersion(keyOf(table.keys, version.key), version.time)
    // The last tick of a microsecond asks for the newest version in it that is left, which may be an earlier one.
    const isKept = verdict === 'kept' && time === version.time
    const what = `${verdict}: ${version.key} at ${formatExact(version.time)} in ${table.name}`
    expectSame(`whether a version is kept that is ${what}`, isKept, kept.includes(version))
    if (stored !== undefined && time === version.time) placed.push({ ...version, stored })
    counts.explanations++
  }
  readEdges(comparison, table, handle, placed)
}

interface PlacedVersion extends ModelVersion {
  readonly stored: VersionPlace
}

/** Reads the last version of a block, or a file, and the first of the next, wherever one key goes on there. */
function readEdges(
  { model, counts }: Comparison,
  table: ComparedTable,
  handle: Table,
  placed: readonly PlacedVersion[],
): void {
  const last = new Map<string, PlacedVersion>()
  for (const version of placed) {
    const before = last.get(version.key)
    last.set(version.key, version)
    const edge = before === undefined ? undefined : edgeBetween(before.stored, version.stored)
    if (edge === undefined) continue
    const sides = [before!, version].filter(({ time }) => model.judge(table.number, time) === 'ok')
    for (const { key, time } of sides) {
      const value = textOfValue(table.values, handle.get(keyOf(table.keys, key), { asOf: time }))
      const what = `${key} of ${table.name} as of ${formatExact(time)}, where a ${edge} ends`
      expectSame(what, value, model.find(table.number, key, time)?.value)
    }
    if (sides.length < 2) continue
    if (edge === 'block') counts.blockEdges++
    else counts.fileEdges++
  }
}

/** What ends between two versions of one key that follow each other. */
function edgeBetween(a: VersionPlace, b: VersionPlace): 'block' | 'file' | undefined {
  if (a.place === 'memory' || b.place === 'memory' || a.level !== b.level) return undefined
  if (a.file !== b.file) return 'file'
  return a.block === b.block ? undefined : 'block'
}

/** What the explanations of reads of all keys say that they answer: now, and before the last version. */
export function compareExplainedReads(comparison: Comparison): void {
  const { db, model, tables, keys } = comparison
  for (const table of tables.filter(({ number }) => model.exists(number))) {
    const handle = db.table<Key>(table.name)
    for (const key of keysOf(table.keys, keys)) {
      const last = model.find(table.number, key, model.clock.used)
      compareExplainedRead(comparison, table, handle, { key, value: last?.value })
      const asOf = last && ((last.time - 1n) as HybridTime)
      if (asOf === undefined || model.judge(table.number, asOf) !== 'ok') continue
      const value = model.find(table.number, key, asOf)?.value
      compareExplainedRead(comparison, table, handle, { key, value, asOf })
    }
  }
}

/** What the explanation of a read says that it answers. */
export function compareExplainedRead(
  { counts }: Comparison,
  table: ComparedTable,
  handle: Table,
  {
    key,
    value,
    asOf,
  }: { readonly key: string; readonly value: string | undefined; readonly asOf?: HybridTime },
): void {
  const explained = handle.explainRead(keyOf(table.keys, key), { asOf })
  expectSame(
    `the explained read of ${key} in ${table.name}`,
    textOfValue(table.values, explained.value),
    value,
  )
  const searched = explained.steps.filter(
    (step) =>
      step.place === 'file' && step.level === 0 && (step.outcome === 'found' || step.outcome === 'nothing'),
  )
  if (searched.length > 1) counts.overlaps++
}
