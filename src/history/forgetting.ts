/**
 * Keeping lineages small: what of them can be forgotten, and which gaps of a view can close.
 *
 *     put back to 2 at 6        view of the last generation    (0 ──2]  gap  (5 ────▶
 *     the window moves past 6   the first generation meets no readable time: forgotten
 *     a compaction drops what lay in the gap, and nothing can be written there any more
 *     so the gap closes         view of the last generation    (0 ──────────────────▶
 *
 * Readable times only shrink (law 4), so a generation that meets none never will again. A gap in which no
 * file and no memtable holds a version hides nothing. Both change no answer; they keep the rows of the
 * catalog few and short, and reads as fast as if nothing had ever been put back.
 */
import { type Stretches, meets, union } from '../time/stretches.ts'
import { type Generation, gapsOf, generationAt, isInForceDuring } from './lineage.ts'

/** A base of more stretches is not written out; it goes on being named by the time that it was taken from. */
export const BASE_STRETCHES_MAX = 64

/** What becomes of the generations of a table. */
export interface Forgetting {
  /** Those that nobody can read and nobody refers to. */
  readonly forgotten: readonly Generation[]
  /** Those whose base is written out, or has fewer gaps, in their new form. */
  readonly rewritten: readonly Generation[]
}

/**
 * Plans what to forget of a table. `generations` come in the order of their starts; `occupied` are times
 * outside of which the tablets of the last one hold no version.
 */
export function planForgetting(
  generations: readonly Generation[],
  readable: Stretches,
  occupied: Stretches,
  stretchesMax: number = BASE_STRETCHES_MAX,
): Forgetting {
  const kept = generations.filter((generation) => isInForceDuring(generation, readable))
  const last = generations.at(-1)
  const needed = new Set(kept)
  const rewritten: Generation[] = []
  // What is no longer readable stays while a base is taken from it, and so does what that one refers to.
  for (const generation of kept) {
    const closed = generation === last ? closeGaps(generation, occupied) : generation
    if (closed.base.length <= stretchesMax && (closed !== generation || !isBaseKept(generation))) {
      rewritten.push({ ...closed, baseAsOf: undefined })
    } else followBase(generation)
  }
  return { forgotten: generations.filter((generation) => !needed.has(generation)), rewritten }

  function isBaseKept({ baseAsOf }: Generation): boolean {
    return baseAsOf === undefined || kept.includes(generationAt(generations, baseAsOf)!)
  }

  function followBase({ baseAsOf }: Generation): void {
    const referred = baseAsOf === undefined ? undefined : generationAt(generations, baseAsOf)
    if (referred === undefined || needed.has(referred)) return
    needed.add(referred)
    followBase(referred)
  }
}

/** A generation whose gaps without a version are closed; itself if none is. */
function closeGaps(generation: Generation, occupied: Stretches): Generation {
  const empty = gapsOf(generation).filter(({ after, through }) => !meets(occupied, after, through))
  return empty.length === 0 ? generation : { ...generation, base: union(generation.base, empty) }
}

/** Whether anything can ever be forgotten of a table: most have one generation, in force, with no past. */
export function hasPast(generations: readonly Generation[]): boolean {
  const [only] = generations
  return generations.length > 1 || only?.end !== undefined || gapsOf(only).length > 0
}
