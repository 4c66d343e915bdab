/**
 * What a power cut does to one thing that was pending: the words in which `crash-models.ts` decides and
 * `disk.ts` carries out.
 */

/** Bytes that reached the disk, at an offset in a file. */
export interface LandedPiece {
  readonly at: number
  readonly bytes: Uint8Array
}

/** What of a write reached the disk: bytes, and the length up to which the file grew. */
export interface LandedWrite {
  readonly pieces: readonly LandedPiece[]
  readonly length: number
}

/**
 * What reached the disk of a write, a cut or a change of names: all of it, of a write a part, of a rename
 * to another directory only the new name, so that both are there. `undefined`: nothing.
 */
export type Fate = 'kept' | 'both' | LandedWrite | undefined

/** The fate of each pending thing, by its order. What is not in it is lost. */
export type Fates = ReadonlyMap<number, Exclude<Fate, undefined>>
