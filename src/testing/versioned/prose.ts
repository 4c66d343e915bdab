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

/** A text with its long pieces cut. */
export function shortened(text: string): string {
  return text.replaceAll(/"(?:\\.|[^"\\])*"/g, (piece) =>
    piece.length <= SHOWN_MAX ? piece : `${piece.substring(0, SHOWN_MAX / 2)}…" (${piece.length - 2} long)`,
  )
}
