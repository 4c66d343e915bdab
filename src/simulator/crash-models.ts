/**
 * What a crash does to things that were not synced: five models, from kind to hostile.
 *
 * | model          | unsynced writes and cuts                                            | unsynced names                |
 * | -------------- | ------------------------------------------------------------------- | ----------------------------- |
 * | `process-kill` | all there, and still unsynced                                       | all there, and still unsynced |
 * | `synced-only`  | all lost                                                            | all lost                      |
 * | `prefix`       | all up to a moment; the write at that moment torn                   | all up to that moment         |
 * | `weak`         | each kept, lost or torn; length without data or data without length | each kept or lost             |
 * | `hostile`      | as `weak`, and sectors of garbage or of stale bytes                 | each kept or lost             |
 *
 * Under every model what was synced is there. A disk writes sectors of 512 bytes whole, in pages of
 * 4096. No model finds every mistake: a kind one keeps what a hostile one mostly destroys.
 *
 * A model only draws fates; `disk.ts` carries them out. The same seed draws the same fates.
 */
import { checkChoice } from '../base/arguments.ts'
import { type PendingItem } from './disk.ts'
import { type Fate, type Fates, type LandedPiece, type LandedWrite } from './fates.ts'
import { type PendingWrite } from './inode.ts'
import { type Random, happens, pick } from './random.ts'

/** How much a crash destroys. */
export type CrashModel = 'process-kill' | 'synced-only' | 'prefix' | 'weak' | 'hostile'

/** All models, the kindest first. */
export const CRASH_MODELS: readonly CrashModel[] = [
  'process-kill',
  'synced-only',
  'prefix',
  'weak',
  'hostile',
]

/** The models under which the power goes, so that nothing unsynced is left in memory. */
export type PowerCutModel = Exclude<CrashModel, 'process-kill'>

/** Refuses what is none of the models: to draw from another would pass for a test of this one. */
export function checkModel(model: CrashModel): void {
  checkChoice('model of a crash', model, CRASH_MODELS)
}

/** Bytes that a disk writes whole or not at all. */
export const SECTOR_BYTES = 512
/** Bytes that the operating system hands to a disk together. */
const PAGE_BYTES = 4096

/** Draws what a power cut does to each pending item. `stale` are contents for sectors that hold old bytes. */
export function drawFates(
  model: PowerCutModel,
  items: readonly PendingItem[],
  random: Random,
  stale: readonly Uint8Array[],
): Fates {
  if (model === 'synced-only') return new Map()
  if (model === 'prefix') return drawPrefix(items, random)
  // One image loses little and the next one much: with equal odds all would look alike.
  const odds = pick(random, [0.1, 0.5, 0.9])
  const fates = new Map<number, Exclude<Fate, undefined>>()
  for (const item of items) {
    const fate =
      item.kind === 'write'
        ? drawWrite(item.write, model, odds, random, stale)
        : drawOther(item, odds, random)
    if (fate !== undefined) fates.set(item.order, fate)
  }
  return fates
}

function drawPrefix(items: readonly PendingItem[], random: Random): Fates {
  const cut = random.below(items.length + 1)
  const fates = new Map<number, Exclude<Fate, undefined>>()
  for (const item of items.slice(0, cut)) fates.set(item.order, 'kept')
  const last = items[cut]
  if (last?.kind === 'write') {
    const torn = headOf(last.write, random)
    if (torn !== undefined) fates.set(last.order, torn)
  }
  return fates
}

/** The first sectors of a write, where it has more than one. */
function headOf(write: PendingWrite, random: Random): LandedWrite | undefined {
  const sectors = piecesOf(write, SECTOR_BYTES)
  const count = random.below(sectors.length)
  const last = sectors[count - 1]
  return last === undefined ? undefined : { pieces: sectors.slice(0, count), length: endOf(last) }
}

function drawOther(item: PendingItem, odds: number, random: Random): Fate {
  if (!happens(random, odds)) return undefined
  const isMove =
    item.kind === 'entry' &&
    item.change.removes !== undefined &&
    item.change.binds !== undefined &&
    item.change.binds.directory !== item.change.removes.directory
  return isMove && happens(random, 0.5) ? 'both' : 'kept'
}

function drawWrite(
  write: PendingWrite,
  model: 'weak' | 'hostile',
  odds: number,
  random: Random,
  stale: readonly Uint8Array[],
): LandedWrite | undefined {
  const pieces = drawPieces(write, odds, random)
  const landed = { pieces, length: drawLength(write, pieces, random) }
  const soils = model === 'hostile' && happens(random, 0.4)
  return soils ? soil(write, landed, random, stale) : landed
}

/** Which bytes reach the disk: all, none, or of each page all, none or some sectors. */
function drawPieces(write: PendingWrite, odds: number, random: Random): readonly LandedPiece[] {
  if (!happens(random, 0.35)) return happens(random, odds) ? piecesOf(write, Infinity) : []
  return piecesOf(write, PAGE_BYTES).flatMap((page) => {
    if (!happens(random, 0.5)) return happens(random, odds) ? [page] : []
    return piecesOf(page, SECTOR_BYTES).filter(() => happens(random, odds))
  })
}

/** How far the file grows by a write: mostly as far as its data, else without data, or data without length. */
function drawLength(write: PendingWrite, pieces: readonly LandedPiece[], random: Random): number {
  const last = pieces.at(-1)
  const roll = random.next()
  if (roll < 0.6) return last === undefined ? 0 : endOf(last)
  if (roll < 0.75) return endOf(write)
  if (roll < 0.85) return 0
  return endOf(pick(random, piecesOf(write, SECTOR_BYTES)))
}

/** A write in whose sectors new, random, stale and no bytes stand side by side. */
function soil(
  write: PendingWrite,
  landed: LandedWrite,
  random: Random,
  stale: readonly Uint8Array[],
): LandedWrite {
  const pieces = piecesOf(write, SECTOR_BYTES).flatMap((sector): LandedPiece[] => {
    const roll = random.below(4)
    if (roll === 0) return [sector]
    if (roll === 1) return [{ at: sector.at, bytes: garbage(sector.bytes.length, random) }]
    if (roll === 2) return [{ at: sector.at, bytes: staleBytes(sector, random, stale) }]
    return []
  })
  // Dirt beyond the length would not be seen.
  return { pieces, length: happens(random, 0.8) ? endOf(write) : landed.length }
}

function garbage(length: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(length)
  let word = 0
  for (let i = 0; i < length; i++) {
    word = i % 4 === 0 ? random.below(2 ** 32) : word >>> 8
    bytes[i] = word
  }
  return bytes
}

/** What an earlier owner of the sector had written: the same place of some file, or any sector of it. */
function staleBytes(sector: LandedPiece, random: Random, stale: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(sector.bytes.length)
  if (stale.length === 0) return bytes
  const source = pick(random, stale)
  const within = sector.at % SECTOR_BYTES
  const anywhere = random.below(Math.ceil(source.length / SECTOR_BYTES)) * SECTOR_BYTES + within
  const from = happens(random, 0.5) ? sector.at : anywhere
  bytes.set(source.subarray(Math.min(from, source.length), from + bytes.length))
  return bytes
}

/** A write cut at every multiple of `unit` in the file. */
function piecesOf({ at, bytes }: LandedPiece, unit: number): LandedPiece[] {
  const pieces: LandedPiece[] = []
  for (let from = at; from < at + bytes.length;) {
    const to =
      unit === Infinity
        ? at + bytes.length
        : Math.min(at + bytes.length, (Math.floor(from / unit) + 1) * unit)
    pieces.push({ at: from, bytes: bytes.subarray(from - at, to - at) })
    from = to
  }
  return pieces
}

function endOf({ at, bytes }: LandedPiece): number {
  return at + bytes.length
}
