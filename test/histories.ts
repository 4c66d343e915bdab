/**
 * How many random histories the long run has, of three kinds. A history is one list of operations that nobody
 * chose, carried out from the beginning to the end with every answer compared:
 *
 *     model        on a database on one side, on the obvious model on the other          milliseconds
 *     metamorphic  on 64 databases with 64 option sets, each held against the model      a second
 *     garbage      on lineages and the garbage rule, held against a list of all states   a fifth of a millisecond
 *
 * A metamorphic list counts once. The environment variable `PALIMPSEST_SHARE` takes a part of each, such as 0.01.
 */
import { env } from 'node:process'

const SHARE = Number(env['PALIMPSEST_SHARE'] ?? 1)

/** Histories of all kinds, if nobody asks for a part of them. */
export const HISTORIES: { readonly model: number; readonly metamorphic: number; readonly garbage: number } = {
  model: 10_500,
  metamorphic: 100,
  garbage: 189_400,
}

/** How many histories of a kind are to be run now. */
export function historiesOf(kind: keyof typeof HISTORIES): number {
  return Math.ceil(HISTORIES[kind] * SHARE)
}
