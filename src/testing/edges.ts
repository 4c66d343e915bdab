/**
 * Edges of time: where bugs by one tick live, and whether a run came to them. Nothing is judged here: it is
 * counted, so that nobody has to believe that random times get there.
 */
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Counts } from './counts.ts'
import { type Model } from './model.ts'
import { type ModelRestoreScope } from './model-facts.ts'

/** Counts the edges that a time lies at, as of which a table is asked. */
export function noteTime(model: Model, table: number, time: HybridTime, counts: Counts): void {
  const behind = time - model.windowOf(table)
  if (behind === -1n) counts.readsBeforeWindow++
  if (behind === 0n) counts.readsAtWindow++
  if (behind === 1n) counts.readsAfterWindow++
  if (!model.isReadable(table, time)) return
  const resets = model.changes.filter((change) => change.table === table && change.rows !== 'same')
  if (resets.some((change) => time === change.time - 1n)) counts.readsBeforeChange++
  if (resets.some((change) => time === change.time)) counts.readsAtChange++
  const bases = resets.flatMap(({ rows }) => (typeof rows === 'object' ? [rows.asOf] : []))
  if (bases.some((base) => time === base)) counts.readsAtBase++
  if (bases.some((base) => time === base + 1n)) counts.readsAfterBase++
}

/** Counts the edges at which a restore cuts the versions of its tables. */
export function noteTarget(model: Model, scope: ModelRestoreScope, to: HybridTime, counts: Counts): void {
  const numbers = model.inScope(scope).map(({ number }) => number)
  const times = model.versions.filter(({ table }) => numbers.includes(table)).map(({ time }) => time)
  if (times.some((time) => time === to)) counts.restoresAtVersion++
  if (times.some((time) => time === to + 1n)) counts.restoresBeforeVersion++
}
