/**
 * The tiered policy, also called universal or size-tiered: runs stand side by side, newest first, and
 * those of similar size are merged into one.
 *
 *     sizes    1 1 1 1 5   ──▶   4 5          the five, the newest, is larger than all four together
 *
 * Nothing happens below a number of runs. From then on the first rule that holds decides:
 *
 *     space amplification    all newer runs together are too large beside the oldest: merge everything
 *     size ratio             the next older run is larger than some newest ones together: merge these
 *     run count              merge the newest ones, whatever their sizes
 *
 * The rules and their order are RocksDB's. Its size-ratio rule and that of mini-lsm differ in what they
 * do when the first two runs differ too much; both are here. All runs stand in level 0; those that
 * another policy left in lower levels are older ones still, and a merge ends up in the level of the
 * oldest run that it takes.
 */
import { type Geometry } from './geometry.ts'
import { type CandidateScore, type CompactionChoice, type CompactionPlan } from './plan.ts'
import { type Run, type Shape, bytesOfTables, newestRunNumber } from './shape.ts'

/** A rule of tiering. */
export type TieredRule = 'space amplification' | 'size ratio' | 'run count'

/** What can be chosen about tiering. */
export interface TieredOptions {
  /** Nothing is merged while there are fewer runs. @defaultValue twice the tables of a full level 0 */
  readonly runs?: number | undefined
  /** The rules that apply. @defaultValue all */
  readonly rules?: readonly TieredRule[] | undefined
  /** Percent of the oldest run that all others together may have. @defaultValue 200 */
  readonly spaceAmplificationPercent?: number | undefined
  /** By how many percent runs may differ and be similar. @defaultValue 1 */
  readonly sizeRatioPercent?: number | undefined
  /** Where similar runs may begin: at the newest, as in mini-lsm, or anywhere, as in RocksDB. @defaultValue 'newest' */
  readonly sizeRatioFrom?: 'newest' | 'anywhere' | undefined
  /** Fewer runs are not merged by their size ratio. @defaultValue 2 */
  readonly minMergeWidth?: number | undefined
  /** More runs are not merged by their count. @defaultValue all */
  readonly maxMergeWidth?: number | undefined
}

interface PlacedRun extends Run {
  readonly level: number
  readonly bytes: number
}

/** Some runs in a row, `from` included, `to` not. */
interface Row {
  readonly from: number
  readonly to: number
}

interface Candidate extends CandidateScore {
  readonly row: Row
}

/** Chooses the next compaction of a tree. */
export function planTiered(shape: Shape, geometry: Geometry, options: TieredOptions = {}): CompactionPlan {
  const runs = shape.flatMap((level, number) =>
    level.map((run): PlacedRun => ({ ...run, level: number, bytes: bytesOfTables(run.tables) })),
  )
  const least = options.runs ?? 2 * geometry.level0Tables
  const enough = {
    candidate: 'runs',
    score: runs.length / least,
    because: `${runs.length} runs of the ${least} from which on they are merged`,
  }
  const rules = options.rules ?? ['space amplification', 'size ratio', 'run count']
  const candidates = rules.flatMap((rule) => RULES[rule](runs, options) ?? [])
  const scores = [
    enough,
    ...candidates.map(({ candidate, score, because }) => ({ candidate, score, because })),
  ]
  const winner = enough.score >= 1 ? candidates.find(({ score }) => score >= 1) : undefined
  return { choice: winner && choiceOf(shape, runs, winner), scores, picks: [] }
}

const RULES: Record<
  TieredRule,
  (runs: readonly PlacedRun[], options: TieredOptions) => Candidate | undefined
> = {
  'space amplification': bySpaceAmplification,
  'size ratio': bySizeRatio,
  'run count': byRunCount,
}

function bySpaceAmplification(
  runs: readonly PlacedRun[],
  { spaceAmplificationPercent: allowed = 200 }: TieredOptions,
): Candidate | undefined {
  if (runs.length < 2) return undefined
  const newer = bytesOf(runs.slice(0, -1))
  const oldest = runs.at(-1)!.bytes
  const percent = (100 * newer) / oldest
  return {
    candidate: 'space amplification',
    // Just as much as is allowed is allowed.
    score: percent === allowed ? 0.999 : percent / allowed,
    because: `the newer runs have ${newer} bytes, ${percentText(percent)} of the oldest, which has ${oldest}; ${allowed}% are allowed`,
    row: { from: 0, to: runs.length },
  }
}

function bySizeRatio(runs: readonly PlacedRun[], options: TieredOptions): Candidate | undefined {
  const { minMergeWidth: least = 2, sizeRatioPercent = 1, sizeRatioFrom = 'newest' } = options
  const ratio = (100 + sizeRatioPercent) / 100
  const row = sizeRatioFrom === 'newest' ? newestRow(runs, least, ratio) : similarRow(runs, least, ratio)
  const candidate = 'size ratio'
  if (row === undefined) return { candidate, score: 0, because: 'no runs of similar size', row: NO_ROW }
  const bytes = bytesOf(runs.slice(row.from, row.to))
  const next = runs[row.to]
  const beside = next === undefined ? 'there is no older one' : `the next older one has ${next.bytes}`
  const because = `${row.to - row.from} runs of similar size have ${bytes} bytes, ${beside}`
  return { candidate, score: 1, because, row }
}

const NO_ROW: Row = { from: 0, to: 0 }

/** mini-lsm: the fewest newest runs that are small beside the next older one. */
function newestRow(runs: readonly PlacedRun[], least: number, ratio: number): Row | undefined {
  let bytes = 0
  for (let to = 1; to < runs.length; to++) {
    bytes += runs[to - 1]!.bytes
    if (to >= least && runs[to]!.bytes > bytes * ratio) return { from: 0, to }
  }
  return undefined
}

/** RocksDB: the newest runs in a row of which none is larger than those before it together. */
function similarRow(runs: readonly PlacedRun[], least: number, ratio: number): Row | undefined {
  for (let from = 0; from + least <= runs.length; from++) {
    let bytes = runs[from]!.bytes
    let to = from + 1
    while (to < runs.length && runs[to]!.bytes <= bytes * ratio) bytes += runs[to++]!.bytes
    if (to - from >= least) return { from, to }
  }
  return undefined
}

function byRunCount(
  runs: readonly PlacedRun[],
  { maxMergeWidth = Infinity }: TieredOptions,
): Candidate | undefined {
  const to = Math.min(runs.length, maxMergeWidth)
  if (to < 2) return undefined
  const because = `the newest ${to} runs, whatever their sizes, to have fewer`
  return { candidate: 'run count', score: 1, because, row: { from: 0, to } }
}

function choiceOf(
  shape: Shape,
  runs: readonly PlacedRun[],
  { row, candidate, because }: Candidate,
): CompactionChoice {
  const merged = runs.slice(row.from, row.to)
  const [newest, oldest] = [merged[0]!, merged.at(-1)!]
  return {
    kind: 'merge',
    inputs: merged.map(({ level, tables }) => ({ level, tables })),
    outputLevel: oldest.level,
    // From a level above, everything newer in the output level is merged too.
    outputRun: newest.level === oldest.level ? newest.number : newestRunNumber(shape[oldest.level]!),
    because: `${candidate}: ${because}`,
  }
}

function bytesOf(runs: readonly PlacedRun[]): number {
  return runs.reduce((sum, { bytes }) => sum + bytes, 0)
}

function percentText(percent: number): string {
  return `${percent.toFixed(1).replace(/\.0$/, '')}%`
}
