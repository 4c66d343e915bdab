/**
 * Whether the deletions of a key took something away since a time.
 *
 *     view of now      k@1  ✝@2 ║ k@5  ✝@7  ✝@8       something: k@5, though ✝@8 alone deletes what is absent
 *     since 4          k@1  ✝@2 ║ ✝@7                 nothing: k was absent then, and nobody wrote it since
 *
 * Only versions that a readable time sees are asked: the others may be gone at any time. So are tombstones behind
 * which no value is left, but they have nothing behind them that could be taken for what they took away.
 */
import { type VersionBatch } from '../storage/version-batch.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { type Stretches, contains } from '../time/stretches.ts'
import { type Directive, judgeVersion } from './garbage.ts'
import { endOf } from './lineage.ts'

/**
 * Whether a key, of which a view shows a deletion made after `since`, had a value in that view at `since`, or was given
 * one after it. The batches are those of all its versions in its tablet, newest first.
 */
export function tookSomethingAway(
  { generations, readable }: Pick<Directive, 'generations' | 'readable'>,
  batches: Iterable<VersionBatch>,
  view: Stretches,
  since: HybridTime,
): boolean {
  const seenThrough = generations.map(endOf)
  for (const batch of batches) {
    for (let at = 0; at < batch.count; at++) {
      const time = batch.timeAt(at)
      const isSeen = judgeVersion(generations, readable, seenThrough, time)
      if (!isSeen || !contains(view, time)) continue
      if (!batch.isDeletionAt(at)) return true
      if (time <= since) return false
    }
  }
  return false
}
