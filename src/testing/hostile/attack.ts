/**
 * Attacks on a database's directory, as data: a file damaged, gone, exchanged for another, or forged.
 *
 * Two kinds, of which different things are promised:
 * - *damage* leaves checksums as they were. It is refused, or the answers are right: all of them, or those
 *   after some prefix of the commits, where the end of the log is gone.
 * - *forgery* makes checksums right again. A forger can say whatever a writer could have said, so another
 *   answer may be what the files say now. It is refused with a code, or answered.
 */
import { type Checksum } from '../../base/checksum.ts'
import { bytesOfText, nearestTextOf } from '../../base/bytes.ts'
import { type Random, type RandomStream, pick, seededRandom } from '../../simulator/random.ts'
import { numberIn } from '../../storage/record-file.ts'
import { tableNumberOf } from '../../storage/table-format.ts'
import { type Damage, damagedBytes, drawDamage } from './damage.ts'
import { forgeJson } from './json-forgery.ts'
import { type RecordFileParts, forgeRecordFile, recordFileParts } from './record-forgery.ts'
import { type TableParts, forgeTable, tableParts, withBlocks } from './table-forgery.ts'

/** The files of a directory, by name. */
export type Directory = ReadonlyMap<string, Uint8Array>

/** What happens to the members of a list: records of a file, blocks of a table. */
type ListChange = 'drop' | 'repeat' | 'exchange'
const LIST_CHANGES: readonly ListChange[] = ['drop', 'repeat', 'exchange']

/** One attack. Members of lists are named by their place in them. */
export type Attack =
  | { readonly kind: 'damage'; readonly file: string; readonly damage: Damage }
  | { readonly kind: 'remove'; readonly file: string }
  /** Two files change names. */
  | { readonly kind: 'exchange'; readonly file: string; readonly other: string }
  /** A file has the bytes of another. */
  | { readonly kind: 'replace'; readonly file: string; readonly other: string }
  /** Records of a file, or blocks of a table, are dropped, doubled, or change places. */
  | {
      readonly kind: 'forge-list'
      readonly file: string
      readonly change: ListChange
      readonly at: number
      readonly other: number
    }
  /** A record of another file stands in the place of one of this. */
  | {
      readonly kind: 'forge-adopt'
      readonly file: string
      readonly at: number
      readonly from: string
      readonly other: number
    }
  /** Bytes of a record, or of a part of a table, are damaged. */
  | {
      readonly kind: 'forge-bytes'
      readonly file: string
      readonly part: 'record' | TablePart
      readonly at: number
      readonly damage: Damage
    }
  /** A field of an edit of the manifest is changed, by chance from a seed. */
  | { readonly kind: 'forge-json'; readonly file: string; readonly at: number; readonly seed: number }

type TablePart = 'block' | 'filter' | 'index' | 'facts'

/** Whether an attack makes checksums right again. */
export function isForgery({ kind }: Attack): boolean {
  return kind.startsWith('forge')
}

/** The directory after an attack. One that does not fit, because an earlier one changed the file, does nothing. */
export function attackedDirectory(directory: Directory, attack: Attack, checksum: Checksum): Directory {
  const bytes = directory.get(attack.file)
  if (bytes === undefined) return directory
  const changed = new Map(directory)
  const other = 'other' in attack && typeof attack.other === 'string' ? attack.other : undefined
  const donor = other === undefined ? undefined : directory.get(other)
  if (attack.kind === 'remove') changed.delete(attack.file)
  else if (attack.kind === 'damage') changed.set(attack.file, damagedBytes(bytes, attack.damage))
  else if (donor !== undefined) {
    changed.set(attack.file, donor)
    if (attack.kind === 'exchange') changed.set(other!, bytes)
  } else changed.set(attack.file, forged(directory, attack, checksum) ?? bytes)
  return changed
}

/** What {@link drawAttacks} draws. */
export type AttackKind = 'damage' | 'forgery'

/** Attacks of a kind, drawn one after the other: each sees what those before have left. */
export function drawAttacks(
  kind: AttackKind,
  directory: Directory,
  random: RandomStream,
  checksum: Checksum,
): readonly Attack[] {
  const attacks: Attack[] = []
  let current = directory
  const count = 1 + random.below(3)
  for (let i = 0; i < count && current.size > 0; i++) {
    const draw = kind === 'damage' ? drawDamaging : drawForgery
    const attack = draw(current, random.fork(`attack ${i}`), checksum)
    attacks.push(attack)
    current = attackedDirectory(current, attack, checksum)
  }
  return attacks
}

function drawDamaging(directory: Directory, random: Random): Attack {
  const names = [...directory.keys()].toSorted()
  const [file, other] = [pick(random, names), pick(random, names)]
  switch (random.below(8)) {
    case 0:
      return { kind: 'remove', file }
    case 1:
      return { kind: 'exchange', file, other }
    case 2:
      return { kind: 'replace', file, other }
    default:
      return { kind: 'damage', file, damage: drawDamage(random, directory.get(file)!.length) }
  }
}

function drawForgery(directory: Directory, random: Random, checksum: Checksum): Attack {
  const names = [...directory.keys()].toSorted()
  const [file, from] = [pick(random, names), pick(random, names)]
  const [at, other] = [random.below(1000), random.below(1000)]
  switch (random.below(6)) {
    case 0:
      return { kind: 'forge-list', file, change: pick(random, LIST_CHANGES), at, other }
    case 1:
      return { kind: 'forge-adopt', file, at, from, other }
    case 2:
      return { kind: 'forge-json', file: 'MANIFEST', at, seed: random.below(2 ** 32) }
    default:
      return drawForgedBytes(directory, file, at, random, checksum)
  }
}

function drawForgedBytes(
  directory: Directory,
  file: string,
  at: number,
  random: Random,
  checksum: Checksum,
): Attack {
  const isTable = tableNumberOf(file) !== undefined
  const part = isTable ? pick<TablePart>(random, ['block', 'filter', 'index', 'facts']) : 'record'
  const bytes = directory.get(file)!
  const pieces = isTable ? tablePieces(bytes, file, part, checksum) : partsOf(bytes, file, checksum)?.payloads
  const piece = pieces?.length ? pieces[at % pieces.length]! : new Uint8Array()
  return { kind: 'forge-bytes', file, part, at, damage: drawDamage(random, piece.length, [piece]) }
}

/** The file with what a forgery makes of it, if it has what the forgery changes. */
function forged(directory: Directory, attack: Attack, checksum: Checksum): Uint8Array | undefined {
  const { file } = attack
  const bytes = directory.get(file)!
  const number = tableNumberOf(file)
  if (number !== undefined) return forgedTable(bytes, number, attack, checksum)
  const parts = partsOf(bytes, file, checksum)
  if (parts === undefined || parts.payloads.length === 0) return undefined
  const payloads = forgedPayloads(
    parts.payloads,
    attack,
    (from) => partsOf(directory.get(from) ?? new Uint8Array(), from, checksum)?.payloads,
  )
  return payloads && forgeRecordFile({ ...parts, payloads }, checksum)
}

function forgedPayloads(
  payloads: readonly Uint8Array[],
  attack: Attack,
  payloadsOf: (file: string) => readonly Uint8Array[] | undefined,
): readonly Uint8Array[] | undefined {
  if (attack.kind === 'forge-list') return changedList(payloads, attack)
  if (!('at' in attack)) return undefined
  const at = attack.at % payloads.length
  if (attack.kind === 'forge-bytes') return payloads.with(at, damagedBytes(payloads[at]!, attack.damage))
  if (attack.kind === 'forge-json') {
    const text = forgeJson(seededRandom(attack.seed), nearestTextOf(payloads[at]!))
    return payloads.with(at, bytesOfText(text))
  }
  const donors = payloadsOf(attack.from) ?? []
  return donors.length === 0 ? undefined : payloads.with(at, donors[attack.other % donors.length]!)
}

function forgedTable(
  bytes: Uint8Array,
  number: number,
  attack: Attack,
  checksum: Checksum,
): Uint8Array | undefined {
  const parts = soundParts(bytes, number, checksum)
  if (parts === undefined) return undefined
  const { blocks } = parts
  if (attack.kind === 'forge-list')
    return forgeTable(withBlocks(parts, changedList(blocks, attack)), number, checksum)
  if (attack.kind !== 'forge-bytes') return undefined
  const { part, damage } = attack
  if (part === 'record') return undefined
  const at = attack.at % blocks.length
  const changed =
    part === 'block'
      ? withBlocks(parts, blocks.with(at, damagedBytes(blocks[at]!, damage)))
      : { ...parts, [part]: damagedBytes(parts[part], damage) }
  return forgeTable(changed, number, checksum)
}

function changedList<T>(
  list: readonly T[],
  { change, at, other }: { change: ListChange; at: number; other: number },
): readonly T[] {
  const [a, b] = [at % list.length, other % list.length]
  if (change === 'drop') return list.toSpliced(a, 1)
  if (change === 'repeat') return list.toSpliced(b, 0, list[a]!)
  return list.with(a, list[b]!).with(b, list[a]!)
}

function partsOf(bytes: Uint8Array, file: string, checksum: Checksum): RecordFileParts | undefined {
  const isLog = file.endsWith('.log')
  const number = isLog ? Number(file.replace('.log', '')) : numberIn(bytes)
  return recordFileParts(bytes, isLog ? 'PALIMLOG' : 'PALIMMAN', number, checksum)
}

function tablePieces(
  bytes: Uint8Array,
  file: string,
  part: TablePart | 'record',
  checksum: Checksum,
): readonly Uint8Array[] | undefined {
  const parts = soundParts(bytes, tableNumberOf(file)!, checksum)
  if (parts === undefined || part === 'record') return undefined
  return part === 'block' ? parts.blocks : [parts[part]]
}

/** The parts of a table that was not attacked before. */
function soundParts(bytes: Uint8Array, number: number, checksum: Checksum): TableParts | undefined {
  try {
    return tableParts(bytes, number, checksum)
  } catch {
    return undefined
  }
}
