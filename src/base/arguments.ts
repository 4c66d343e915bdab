/**
 * Checks of arguments: callers without types may pass anything, and are to be told what is wrong with it.
 */
import { PalimpsestError } from './errors.ts'

/** What a value is, in words: `null`, `a string`, `an array`. */
export function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (value instanceof Date) return 'a Date'
  const kind = Array.isArray(value) ? 'array' : typeof value
  return `${/^[ao]/.test(kind) ? 'an' : 'a'} ${kind}`
}

/** Refuses what is no object with names. A date has none: it is given where one was to say what it is for. Throws `INVALID_ARGUMENT`. */
export function checkObject(what: string, object: unknown): void {
  if (typeof object === 'object' && object !== null && !Array.isArray(object) && !(object instanceof Date))
    return
  throw new PalimpsestError('INVALID_ARGUMENT', `${what} are an object, not ${kindOf(object)}`)
}

/** The names of all options that there are. Who adds one to the type and forgets it here is told by the compiler. */
export type OptionNames<Options> = { readonly [Name in keyof Required<Options>]: true }

/**
 * Refuses what is no object with options, and an option that does not exist: one that is misspelled would say nothing. A
 * name without a value says nothing either. Throws `INVALID_ARGUMENT`.
 *
 * Reads of single keys come by here: it allocates nothing.
 */
export function checkOptions<Options extends object>(
  options: Options,
  names: OptionNames<NoInfer<Options>>,
): void {
  checkObject('options', options)
  for (const name in options) if (names[name] !== true) checkStrange(options, name, names)
}

/** Refuses a name that is none of an option. What was inherited is no option that anybody gave. */
function checkStrange(options: object, name: string, names: object): void {
  if (!Object.hasOwn(options, name) || (options as Record<string, unknown>)[name] === undefined) return
  const known = Object.keys(names)
  const message = `no option ${JSON.stringify(name)}, only ${known.join(', ')}`
  throw new PalimpsestError('INVALID_ARGUMENT', message, { option: name, known })
}

/** The options of these names alone, for a function that has no others. */
export function pickOptions<Options extends object>(options: Options, names: OptionNames<Options>): Options {
  const known = Object.keys(names) as (keyof Options)[]
  return Object.fromEntries(known.map((name) => [name, options[name]])) as Options
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
