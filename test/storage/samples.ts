/**
 * Sample data for the tests of storage: versions in order, views, tables in memory, and the plainest
 * answers there are, by walking over all versions.
 */
import * as fc from 'fast-check'
import { bytesOfText } from '../../src/base/bytes.ts'
import { crc32 } from '../../src/base/checksum.ts'
import { PalimpsestError } from '../../src/base/errors.ts'
import { type KeyCursor } from '../../src/storage/cursor.ts'
import { type FileSystem, readWholeFile } from '../../src/storage/files.ts'
import { GEOMETRIES, type Geometry } from '../../src/storage/geometry.ts'
import { type LogPlace } from '../../src/storage/log.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { LEVELS_MAX, type Shape } from '../../src/storage/shape.ts'
import { type TableMeta } from '../../src/storage/table-format.ts'
import { TableFiles } from '../../src/storage/table-files.ts'
import { type KeyedVersion, type Version } from '../../src/storage/version.ts'
import { VersionSpan } from '../../src/storage/version-span.ts'
import { type HybridTime } from '../../src/time/hybrid-time.ts'
import { type Stretches, stretch, union } from '../../src/time/stretches.ts'

/** The time of a number of ticks. */
export const tick = (value: number): HybridTime => BigInt(value) as HybridTime

/** A version for tests by hand; the value is text, `undefined` a tombstone. */
export const version = (key: string, time: number, value?: string): KeyedVersion => ({
  key: bytesOfText(key),
  time: tick(time),
  value: value === undefined ? undefined : bytesOfText(value),
})

/** Keys that try the borders: empty, zero bytes, runs of 0xff, prefixes of each other. */
export const KEYS: readonly Uint8Array[] = [
  [],
  [0],
  [0, 0],
  [0, 1],
  [1],
  [0x61],
  [0x61, 0],
  [0x61, 0x61],
  [0x61, 0x62],
  [0x62],
  [0xff],
  [0xff, 0xff],
].map((bytes) => Uint8Array.from(bytes))

/** Between and around {@link KEYS}. */
export const PROBES: readonly Uint8Array[] = [
  ...KEYS,
  ...[[0, 0, 0], [0, 2], [0x60], [0x61, 0, 0], [0x61, 0x61, 0x61], [0x63], [0xff, 0], [0xff, 0xff, 0]].map(
    (bytes) => Uint8Array.from(bytes),
  ),
]

/** The last tick that a version of {@link sortedVersions} has. */
export const LAST_TICK = 40

/** Says where a version stands, in memory of its own. */
export function locateAlone({ time, value }: Version, found: VersionSpan): void {
  const bytes = new Uint8Array(8 + (value?.length ?? 0))
  const view = new DataView(bytes.buffer)
  view.setBigUint64(0, time, true)
  bytes.set(value ?? [], 8)
  const isTombstone = value === undefined
  Object.assign(found, { view, from: 8, to: bytes.length, timeFrom: 0, isTombstone })
}

/** Unsigned order of bytes, written down once more so that the tests do not lean on the engine's. */
export const compareKeys = (a: Uint8Array, b: Uint8Array): number => Buffer.compare(a, b)

/** Key ascending, time descending. */
export function compareVersions(a: KeyedVersion, b: KeyedVersion): number {
  return compareKeys(a.key, b.key) || (a.time > b.time ? -1 : a.time < b.time ? 1 : 0)
}

const value = fc.oneof(
  { weight: 6, arbitrary: fc.uint8Array({ maxLength: 12 }) },
  { weight: 1, arbitrary: fc.nat({ max: 400 }).map((length) => new Uint8Array(length).fill(length)) },
)

/** Versions in order, several of most keys; no two of a key at one time. */
export function sortedVersions(
  range: { minLength?: number; maxLength?: number; keys?: readonly Uint8Array[] } = {},
): fc.Arbitrary<KeyedVersion[]> {
  const { minLength = 1, maxLength = 60, keys = KEYS } = range
  const one = fc.record({
    key: fc.nat({ max: keys.length - 1 }),
    time: fc.integer({ min: 1, max: LAST_TICK }),
    value: fc.option(value, { nil: undefined, freq: 5 }),
  })
  return fc
    .uniqueArray(one, { minLength, maxLength, selector: (each) => `${each.key}@${each.time}` })
    .map((all) => all.map((each) => ({ ...each, key: keys[each.key]!, time: tick(each.time) })))
    .map((all) => all.toSorted(compareVersions))
}

/** Sets of times in normal form: none, one stretch, or several with gaps. */
export const views: fc.Arbitrary<Stretches> = fc
  .array(fc.tuple(fc.nat({ max: LAST_TICK + 1 }), fc.nat({ max: LAST_TICK + 1 })), { maxLength: 4 })
  .map((bounds) => union(...bounds.map(([after, through]) => stretch(tick(after), tick(through)))))

const isIn = (view: Stretches, time: HybridTime) =>
  view.some(({ after, through }) => after < time && time <= through)

/** The newest version of a key in a view, by looking at all. */
export function newestOf(
  versions: readonly KeyedVersion[],
  key: Uint8Array,
  view: Stretches,
): KeyedVersion | undefined {
  return versions
    .filter((each) => compareKeys(each.key, key) === 0 && isIn(view, each.time))
    .reduce<KeyedVersion | undefined>(
      (best, each) => (best && best.time > each.time ? best : each),
      undefined,
    )
}

/** The keys of versions, each once, rising. */
export function keysOf(versions: readonly KeyedVersion[]): Uint8Array[] {
  const names = new Map(versions.map(({ key }) => [Buffer.from(key).toString('hex'), key]))
  return [...names.values()].toSorted(compareKeys)
}

/** A version as text, to compare and to read in a failure. */
export function shown(one: { time: HybridTime; value: Uint8Array | undefined } | undefined): string {
  if (one === undefined) return '-'
  return `@${one.time}=${one.value === undefined ? 'tombstone' : Buffer.from(one.value).toString('hex')}`
}

/** The version that shows where a cursor stands. */
export function newestAt(cursor: KeyCursor): Version {
  const found = new VersionSpan()
  cursor.locate(found)
  return found.version
}

/** What was found, as a version. */
export function located(locate: (found: VersionSpan) => boolean): Version | undefined {
  const found = new VersionSpan()
  return locate(found) ? found.version : undefined
}

/** Versions with their keys as text. */
export function allShown(all: Iterable<KeyedVersion>): string[] {
  return Array.from(all, (each) => `${Buffer.from(each.key).toString('hex')}${shown(each)}`)
}

/** The geometry of the tests: blocks of a few versions, tables of a few blocks. */
export function smallGeometry(changes: Partial<Geometry> = {}): Geometry {
  return { ...GEOMETRIES.tiny, blockBytes: 100, tableBytes: 400, ...changes }
}

/** The place in the log of memtables that are only ever flushed where they are. */
export const NO_PLACE: LogPlace = { segment: 1, bytes: 0 }

/** Table files in memory. */
export function tableFiles(
  files: FileSystem = new MemoryFiles(),
  cacheBytes = 1e6,
  openTables = 100,
): TableFiles {
  return new TableFiles(files, crc32, { cacheBytes, openTables })
}

/** Writes one table. */
export function writeTable(
  tables: TableFiles,
  number: number,
  versions: Iterable<KeyedVersion>,
  geometry: Geometry = smallGeometry(),
): TableMeta {
  const writer = tables.create(number, geometry)
  for (const each of versions) writer.add(each)
  return writer.finish()
}

/** Writes versions, which are in order, as the tables of a run, cut at some places, within keys too. */
export function writeRun(
  tables: TableFiles,
  versions: readonly KeyedVersion[],
  cuts: readonly number[],
  geometry?: Geometry,
): TableMeta[] {
  const places = [...new Set([0, ...cuts.filter((cut) => cut < versions.length)])].toSorted((a, b) => a - b)
  return places.map((from, i) => writeTable(tables, i + 1, versions.slice(from, places[i + 1]), geometry))
}

/** Writes a file whole, replacing what was there. */
export function putFile(files: FileSystem, path: string, bytes: Uint8Array): void {
  if (files.size(path) !== undefined) files.remove(path)
  const file = files.create(path)
  file.append(bytes)
  file.close()
}

/** A shape of leveling: each table of level 0 is a run, each other level is one. */
export function shapeOf(...levels: readonly (readonly TableMeta[])[]): Shape {
  return Array.from({ length: LEVELS_MAX }, (_, level) => {
    const tables = levels[level] ?? []
    if (level > 0) return tables.length === 0 ? [] : [{ number: 1, tables }]
    return tables.map((table, i) => ({ number: tables.length - i, tables: [table] }))
  })
}

/** A copy of a file system with one directory. */
export function copyFiles(files: FileSystem): MemoryFiles {
  const copy = new MemoryFiles()
  for (const name of files.list('') ?? []) putFile(copy, name, readWholeFile(files, name))
  return copy
}

/** The error with which an action is refused; anything but a {@link PalimpsestError} passes on. */
export function refusal(action: () => unknown): PalimpsestError | undefined {
  try {
    action()
    return undefined
  } catch (error) {
    if (error instanceof PalimpsestError) return error
    throw error
  }
}
