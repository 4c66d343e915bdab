/**
 * Checks of arguments: callers without types may pass anything, and are to be told what is wrong with it.
 */
import { PalimpsestError } from './errors.ts'

/** What a value is, in words: `null`, `a string`, `an array`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  const kind = Array.isArray(value) ? 'array' : typeof value
  return `${/^[ao]/.test(kind) ? 'an' : 'a'} ${kind}`
}

/** Refuses what is no object with options. Where they may be left out, their default is. Throws `INVALID_ARGUMENT`. */
export function checkOptions(options: unknown, what = 'options'): void {
  if (typeof options === 'object' && options !== null && !Array.isArray(options)) return
  throw new PalimpsestError('INVALID_ARGUMENT', `${what} are an object, not ${kindOf(options)}`)
}

/** Refuses what is no array. Throws `INVALID_ARGUMENT`. */
export function checkArray(what: string, array: unknown): void {
  if (Array.isArray(array)) return
  throw new PalimpsestError('INVALID_ARGUMENT', `${what} are an array, not ${kindOf(array)}`)
}

/** Refuses what is no whole number from `least` on and, where that is given, through `most`. Throws `INVALID_ARGUMENT`. */
export function checkWhole(what: string, number: unknown, least = 0, most?: number): void {
  const isWhole = Number.isSafeInteger(number) && (number as number) >= least
  if (isWhole && (number as number) <= (most ?? Infinity)) return
  const range = most === undefined ? `from ${least} on` : `from ${least} through ${most}`
  throw new PalimpsestError('INVALID_ARGUMENT', `${what} is a whole number ${range}, not ${String(number)}`, {
    [what]: number,
  })
}

/** Refuses what is none of those there are. Throws `INVALID_ARGUMENT`. */
export function checkChoice(what: string, choice: string, allowed: readonly string[]): void {
  if (allowed.includes(choice)) return
  throw new PalimpsestError('INVALID_ARGUMENT', `${what} is one of ${allowed.join(', ')}, not ${choice}`)
}

/** Refuses what is no text. Throws `INVALID_ARGUMENT`. */
export function checkText(what: string, text: unknown): void {
  if (typeof text === 'string') return
  throw new PalimpsestError('INVALID_ARGUMENT', `${what} is a text, not ${kindOf(text)}`)
}
