/**
 * Damage to bytes, as data: what failing disks, careless copies and hostile people do to a file.
 *
 *     set  ──xx──     cut  ────     remove  ──  ──     repeat  ──ab·ab──     insert  ──xyz──
 *
 * Whoever finds a damage that is taken wrongly prints it as JSON, and can do it again. Nothing here knows
 * a format: the same damage goes to whole files, where checksums find it, and to the parts inside of them,
 * to which a forger gives new checksums.
 */
import { concatBytes, copyOf } from '../../base/bytes.ts'
import { type Random, pick } from '../../simulator/random.ts'

/** One change of some bytes. Places lie within the bytes, or at their end. */
export type Damage =
  /** Other bytes stand at a place. */
  | { readonly kind: 'set'; readonly at: number; readonly bytes: readonly number[] }
  /** Bits of one byte are turned over. */
  | { readonly kind: 'flip'; readonly at: number; readonly bits: number }
  /** What comes after a place is gone. */
  | { readonly kind: 'cut'; readonly at: number }
  /** Some bytes are gone. */
  | { readonly kind: 'remove'; readonly at: number; readonly length: number }
  /** Some bytes stand twice. */
  | { readonly kind: 'repeat'; readonly at: number; readonly length: number }
  /** Others stand between. */
  | { readonly kind: 'insert'; readonly at: number; readonly bytes: readonly number[] }

/** The bytes with a damage; the given ones stay as they are. */
export function damagedBytes(bytes: Uint8Array, damage: Damage): Uint8Array {
  const { at } = damage
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)]
  switch (damage.kind) {
    case 'cut':
      return copyOf(before)
    case 'set': {
      const changed = copyOf(bytes)
      for (const [i, byte] of damage.bytes.entries()) if (at + i < changed.length) changed[at + i] = byte
      return changed
    }
    case 'flip': {
      const changed = copyOf(bytes)
      if (at < changed.length) changed[at]! ^= damage.bits
      return changed
    }
    case 'remove':
      return concatBytes([before, after.subarray(damage.length)])
    case 'repeat':
      return concatBytes([before, after.subarray(0, damage.length), after])
    case 'insert':
      return concatBytes([before, Uint8Array.from(damage.bytes), after])
  }
}

/** Every prefix of bytes of a length, the empty one included, the whole one not. */
export function* everyCut(length: number): Generator<Damage> {
  for (let at = 0; at < length; at++) yield { kind: 'cut', at }
}

/** For every byte, each of the other values that it can have (`'values'`), or each of its bits turned over. */
export function* everyFlip(length: number, of: 'values' | 'bits'): Generator<Damage> {
  for (let at = 0; at < length; at++) {
    if (of === 'values') for (let bits = 1; bits < 256; bits++) yield { kind: 'flip', at, bits }
    else for (let bit = 0; bit < 8; bit++) yield { kind: 'flip', at, bits: 1 << bit }
  }
}

/** Bytes at the limits of what numbers of a format can say: of one byte, fixed width, and varints. */
const LIMITS: readonly (readonly number[])[] = [
  ...[0, 1, 2, 0x7f, 0x80, 0xfe, 0xff].map((byte) => [byte]),
  ...[0, 1, 0x7f, 0x80, 0xff].map((byte) => [byte, 0, 0, 0]),
  [0xff, 0xff, 0xff, 0x7f],
  [0, 0, 0, 0x80],
  [0xff, 0xff, 0xff, 0xff],
  Array<number>(8).fill(0),
  [...Array<number>(7).fill(0), 0x80],
  [...Array<number>(6).fill(0xff), 0x1f, 0],
  Array<number>(8).fill(0xff),
  [0x80, 0x00],
  [0x80, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [...Array<number>(7).fill(0xff), 0x0f],
  [...Array<number>(7).fill(0xff), 0x1f],
  Array<number>(10).fill(0x80),
]

const PIECE_MAX = 24

/** A damage of bytes of a length, drawn; `donors` are other bytes, of which pieces are put in. */
export function drawDamage(random: Random, length: number, donors: readonly Uint8Array[] = []): Damage {
  const at = random.below(length + 1)
  const piece = () => 1 + random.below(PIECE_MAX)
  switch (random.below(donors.length === 0 ? 6 : 7)) {
    case 0:
      return { kind: 'flip', at, bits: 1 + random.below(255) }
    case 1:
      return { kind: 'set', at, bytes: pick(random, LIMITS) }
    case 2:
      return { kind: 'cut', at }
    case 3:
      return { kind: 'remove', at, length: piece() }
    case 4:
      return { kind: 'repeat', at, length: piece() }
    case 5:
      return { kind: 'insert', at, bytes: pick(random, LIMITS) }
    default: {
      const donor = pick(random, donors)
      const from = random.below(donor.length + 1)
      return {
        kind: pick(random, ['set', 'insert']),
        at,
        bytes: [...donor.subarray(from, from + piece())],
      }
    }
  }
}
