/**
 * Geometry: the sizes that shape a tree. They change cost, never answers (law 10), so a process may take
 * others than the one before it: files keep the sizes that they were written with.
 */
import { checkObject, checkWhole } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'

/** Sizes in bytes unless they say otherwise. */
export interface Geometry {
  /** A memtable that reaches this size is flushed. At most 1 GiB. */
  readonly memtableBytes: number
  /** Compaction begins a new table file at this size. At most 1 GiB. */
  readonly tableBytes: number
  /**
   * A block is closed when the next version would take it past this size; a key of up to half of it goes to the next one as a
   * whole. At most 1 GiB.
   */
  readonly blockBytes: number
  /** Bits of the Bloom filter for each key. At most 100. */
  readonly filterBitsPerKey: number
  /** Level 0 is compacted at this many tables; tiering begins at twice as many. */
  readonly level0Tables: number
  /** The target size of level 1. */
  readonly level1Bytes: number
  /**
   * How many times larger the target of each level is than that of the level above it; as many runs fill a
   * level of lazy leveling.
   */
  readonly sizeRatio: number
  /** A log segment is followed by a new one at this size. At most 1 GiB. */
  readonly segmentBytes: number
  /** When the log is larger than this, the tablets that pin its oldest segment are flushed. */
  readonly logBytes: number
}

/** The name of one of {@link GEOMETRIES}. */
export type GeometryName = 'default' | 'tiny' | 'miniature'

const KIB = 1024
const MIB = 1024 * KIB
const GIB = 1024 * MIB

/**
 * Named geometries. `tiny` takes small data through every level; `miniature` does so with a handful of
 * versions, for tests.
 */
export const GEOMETRIES: Readonly<Record<GeometryName, Geometry>> = {
  default: {
    memtableBytes: 16 * MIB,
    tableBytes: 8 * MIB,
    blockBytes: 32 * KIB,
    filterBitsPerKey: 10,
    level0Tables: 4,
    level1Bytes: 128 * MIB,
    sizeRatio: 10,
    segmentBytes: 32 * MIB,
    logBytes: 128 * MIB,
  },
  tiny: {
    memtableBytes: 12 * KIB,
    tableBytes: 32 * KIB,
    blockBytes: 1 * KIB,
    filterBitsPerKey: 10,
    level0Tables: 4,
    level1Bytes: 64 * KIB,
    sizeRatio: 4,
    segmentBytes: 64 * KIB,
    logBytes: 256 * KIB,
  },
  miniature: {
    memtableBytes: 512,
    tableBytes: 256,
    blockBytes: 96,
    filterBitsPerKey: 10,
    level0Tables: 2,
    level1Bytes: 512,
    sizeRatio: 2,
    segmentBytes: 512,
    logBytes: 4 * KIB,
  },
}

/** Sizes that are other than those of a named geometry. */
export type Sizes = { readonly [Size in keyof Geometry]?: Geometry[Size] | undefined }

/** The least that makes sense: a level that is not larger than the one above it never settles. */
const LEAST: Geometry = {
  memtableBytes: 1,
  tableBytes: 1,
  blockBytes: 1,
  filterBitsPerKey: 1,
  level0Tables: 1,
  level1Bytes: 1,
  sizeRatio: 2,
  segmentBytes: 1,
  logBytes: 1,
}

/**
 * The most that what is made by the sizes can hold: a block says in 31 bits where a value ends, a segment is read as a
 * whole, a memtable has addresses of 32 bits and gets a commit of up to 1 GiB at once.
 */
const MOST: Partial<Geometry> = {
  memtableBytes: GIB,
  tableBytes: GIB,
  blockBytes: GIB,
  filterBitsPerKey: 100,
  segmentBytes: GIB,
}

/** A named geometry with some other sizes. Throws `INVALID_ARGUMENT`. */
export function geometryOf(name: GeometryName, sizes: Sizes): Geometry {
  checkObject('sizes', sizes)
  const changed = Object.entries(sizes).flatMap(([size, value]) =>
    value === undefined ? [] : [[size, value] as const],
  )
  for (const [size, value] of changed) checkSize(size, value)
  return { ...GEOMETRIES[name], ...(Object.fromEntries(changed) as Partial<Geometry>) }
}

function checkSize(size: string, value: number): void {
  const least = Object.hasOwn(LEAST, size) ? LEAST[size as keyof Geometry] : undefined
  const names = Object.keys(LEAST).join(', ')
  if (least === undefined)
    throw new PalimpsestError('INVALID_ARGUMENT', `a size is one of ${names}, not ${size}`)
  checkWhole(size, value, least, MOST[size as keyof Geometry])
}

/** The size at which level `level` ≥ 1 is full, in bytes. */
export function levelTargetBytes(geometry: Geometry, level: number): number {
  return geometry.level1Bytes * geometry.sizeRatio ** (level - 1)
}

/** Whether there is a geometry of this name. */
export function isGeometryName(name: string): name is GeometryName {
  return Object.hasOwn(GEOMETRIES, name)
}
