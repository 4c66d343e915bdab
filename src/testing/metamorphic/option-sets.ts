/**
 * Option sets: everything that may change cost and never answers (law 10), as factors with a few choices each,
 * and a list of combinations in which every two choices meet (`covering.ts`).
 *
 * The choices are extreme rather than likely: a block for each version, a cache of two blocks, a segment
 * for each commit, another policy in every second process.
 */
import { type RunOptions } from '../runner.ts'
import { type Combination, coveringCombinations } from './covering.ts'
import { every, holdsNobodyReadsBy } from './meanwhile.ts'

/** One thing that can be chosen. */
export interface Choice {
  readonly name: string
  readonly options: RunOptions
}

/** What can be chosen independently of all else. The first choice is the plain one. */
export interface Factor {
  readonly name: string
  readonly choices: readonly Choice[]
}

/** A choice of each factor. */
export interface OptionSet {
  /** The number of its choice for each factor. */
  readonly combination: Combination
  /** The choices that are not plain, in words. */
  readonly name: string
  readonly options: RunOptions
}

const KIB = 1024
const SAME_TIME = { micros: 0, windows: 0 }

/** A factor of `choices` by name, in their order: a name is no whole number, for those would come first. */
function factor(name: string, choices: Readonly<Record<string, RunOptions>>): Factor {
  return { name, choices: Object.entries(choices).map(([each, options]) => ({ name: each, options })) }
}

/** The factors. */
export const FACTORS: readonly Factor[] = [
  factor('policy', {
    leveled: { policy: 'leveled' },
    tiered: { policy: 'tiered' },
    'lazy-leveled': { policy: 'lazy-leveled' },
  }),
  factor('picker', {
    'round-robin': { picker: 'round-robin' },
    'least-overlap': { picker: 'least-overlap' },
    oldest: { picker: 'oldest' },
    'most-garbage': { picker: 'most-garbage' },
  }),
  factor('memtable', {
    'of 512': { sizes: { memtableBytes: KIB / 2 } },
    'of 70': { sizes: { memtableBytes: 70 } },
    'of 32768': { sizes: { memtableBytes: 32 * KIB } },
  }),
  factor('tables', {
    'of 256': { sizes: { tableBytes: 256 } },
    'of 1': { sizes: { tableBytes: 1 } },
    'of 4096': { sizes: { tableBytes: 4 * KIB } },
  }),
  factor('blocks', {
    'of 96': { sizes: { blockBytes: 96 } },
    'of 1': { sizes: { blockBytes: 1 } },
    'of 8192': { sizes: { blockBytes: 8 * KIB } },
  }),
  factor('bits of filters', {
    ten: { sizes: { filterBitsPerKey: 10 } },
    one: { sizes: { filterBitsPerKey: 1 } },
    forty: { sizes: { filterBitsPerKey: 40 } },
  }),
  factor('level 0', {
    'of two': { sizes: { level0Tables: 2 } },
    'of one': { sizes: { level0Tables: 1 } },
    'of five': { sizes: { level0Tables: 5 } },
  }),
  factor('levels', {
    'of 512 bytes, ratio 2': { sizes: { level1Bytes: 512, sizeRatio: 2 } },
    'of 200 bytes, ratio 3': { sizes: { level1Bytes: 200, sizeRatio: 3 } },
  }),
  factor('log', {
    'of 4 KiB': { sizes: { segmentBytes: 512, logBytes: 4 * KIB } },
    'of 300 bytes': { sizes: { segmentBytes: 1, logBytes: 300 } },
    'without limit': { sizes: { segmentBytes: 1024 * KIB, logBytes: 1024 * KIB } },
  }),
  factor('cache', {
    'of all blocks': { cacheBytes: 1024 * KIB },
    none: { cacheBytes: 0 },
    'of two blocks': { cacheBytes: 300 },
  }),
  factor('open files', { all: { openTables: 500 }, one: { openTables: 1 }, two: { openTables: 2 } }),
  factor('durability', {
    mixed: {},
    none: { durability: 'none' },
    os: { durability: 'os' },
    disk: { durability: 'disk' },
  }),
  factor('files', { 'in memory': { files: 'memory' }, simulated: { files: 'simulated disk' } }),
  factor('meanwhile', {
    nothing: {},
    flushes: { meanwhile: every(2, { do: 'flush' }) },
    compactions: { meanwhile: every(3, { do: 'compact' }) },
    processes: { meanwhile: every(3, { do: 'reopen', wall: SAME_TIME }) },
    'a process at once': { meanwhile: every(1, { do: 'reopen', wall: SAME_TIME }) },
    readers: { meanwhile: every(4, { do: 'openReader' }) },
    'holds nobody reads by': { meanwhile: holdsNobodyReadsBy },
  }),
  factor('every second process', {
    'as the first': {},
    'tiered, large blocks': { next: { policy: 'tiered', sizes: { blockBytes: 8 * KIB } } },
    'leveled, small files': { next: { policy: 'leveled', sizes: { tableBytes: 1 }, cacheBytes: 0 } },
    'lazy-leveled, small memtables': { next: { policy: 'lazy-leveled', sizes: { memtableBytes: 50 } } },
  }),
]

/** How many sets there are. */
const COUNT = 64

/** The option sets, all different. The first one is plain, and what the others are held against. */
export const OPTION_SETS: readonly OptionSet[] = coveringCombinations(
  FACTORS.map(({ choices }) => choices.length),
  COUNT,
).map((combination) => {
  const chosen = combination.map((choice, i) => ({
    factor: FACTORS[i]!,
    choice,
    ...FACTORS[i]!.choices[choice]!,
  }))
  const unusual = chosen.filter(({ choice }) => choice > 0)
  return {
    combination,
    name: unusual.map(({ factor: { name }, name: choice }) => `${name}: ${choice}`).join('; ') || 'plain',
    options: merged(chosen.map(({ options }) => options)),
  }
})

/** All of some options; sizes come from several of them. */
function merged(parts: readonly RunOptions[]): RunOptions {
  const sizes = Object.assign({}, ...parts.map((part) => part.sizes)) as RunOptions['sizes']
  return { ...(Object.assign({}, ...parts) as RunOptions), sizes }
}
