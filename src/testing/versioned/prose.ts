/**
 * What is done to a store and what it answers, in words. A text of an answer is exact: two answers have the
 * same text only if they are the same. {@link shortened} is for people.
 */
import { type Entry, type ScanRange, type Write } from './contract.ts'

const SHOWN_MAX = 60

/** A value, a key, or whatever else a store has answered. */
export function valueText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return quoted(value)
    case 'undefined':
      return 'nothing'
    case 'bigint':
      return String(value)
    case 'number':
    case 'boolean':
      return `the ${typeof value} ${value}`
    default:
      return value === null ? 'null' : `no text: ${Object.prototype.toString.call(value)}`
  }
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** What a scan has answered. */
export function entriesText(entries: readonly Entry[]): string {
  return entries.map(([key, value]) => `${valueText(key)} = ${valueText(value)}`).join(', ') || 'nothing'
}

/** The writes of a commit. */
export function writesText(writes: readonly Write[]): string {
  const words = writes.map(({ key, value }) =>
    value === undefined ? `delete ${valueText(key)}` : `${valueText(key)} = ${valueText(value)}`,
  )
  return words.join(', ') || 'no writes'
}

/** A scan's range. */
export function rangeText({ gte, lt, reverse = false }: ScanRange): string {
  const from = gte === undefined ? '' : ` from ${valueText(gte)}`
  const to = lt === undefined ? '' : ` to before ${valueText(lt)}`
  return `scan${from}${to}${from + to === '' ? ' everything' : ''}${reverse ? ', in reverse' : ''}`
}

/** What was thrown. */
export function thrownText(thrown: unknown): string {
  return `threw ${thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown)}`
}

/** A piece in quotes, and one of its characters. */
const PIECE = /"(?:\\.|[^"\\])*"/g
const CHARACTER = /\\u[\da-f]{4}|\\?[^]/g
/** So many characters are shown of where two long pieces differ. */
const DIFFERENT_MAX = 20

/** A text with its long pieces cut. */
export function shortened(text: string): string {
  return text.replaceAll(PIECE, (piece) =>
    piece.length <= SHOWN_MAX ? piece : `${piece.substring(0, SHOWN_MAX / 2)}…" (${piece.length - 2} long)`,
  )
}

/** Two texts with their long pieces cut; where that leaves them the same, with what differs first. */
export function toldApart(a: string, b: string): readonly [string, string] {
  const shown = [shortened(a), shortened(b)] as const
  const [piecesOfA, piecesOfB] = [a.match(PIECE) ?? [], b.match(PIECE) ?? []]
  const at = piecesOfA.findIndex((piece, i) => piece !== piecesOfB[i])
  if (shown[0] !== shown[1] || at < 0) return shown
  const [charactersOfA, charactersOfB] = [charactersOf(piecesOfA[at]!), charactersOf(piecesOfB[at]!)]
  const same = charactersOfA.findIndex((character, i) => character !== charactersOfB[i])
  // If the one is the beginning of the other, it ends there.
  const place = same < 0 ? charactersOfA.length : same
  const rest = (characters: readonly string[]): string =>
    `, and after ${place} characters of that "${characters.slice(place, place + DIFFERENT_MAX).join('')}"`
  return [shown[0] + rest(charactersOfA), shown[1] + rest(charactersOfB)]
}

/** The characters of a piece, as they are written, without the quotes around it. */
function charactersOf(piece: string): readonly string[] {
  return piece.substring(1, piece.length - 1).match(CHARACTER) ?? []
}
