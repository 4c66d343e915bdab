/**
 * One line of a script, cut into words.
 *
 *     put a=1 b="two words" stock/c=3     # a comment
 *         ─── ───────────── ─────────
 *         key and value     table, key and value
 *
 * Words are parted by blanks. What holds a blank, `=`, `/` or `"` is written as a JSON string; a word
 * in quotes is never one of the language's own.
 */
import { PalimpsestError } from '../../base/errors.ts'
import { parseDuration } from '../../time/duration.ts'
import { MICROS_MAX } from '../../time/hybrid-time.ts'

/** One word: `name`, `name=value`, `table/name` or `table/name=value`. */
export interface Word {
  readonly table?: string | undefined
  readonly name: string
  readonly value?: string | undefined
  /** Whether it is nothing but a name, without quotes: only then it can be a word of the language. */
  readonly isBare: boolean
}

const WORD =
  /(?:([^\s"=/]+)\/)?(?:([^\s"=/]+)|("(?:[^"\\]|\\.)*"))(?:=(?:("(?:[^"\\]|\\.)*")|([^\s"]*)))?(?=\s|$)/y

/** The refusal of a line. */
export function malformed(line: number, why: string): PalimpsestError {
  return new PalimpsestError('INVALID_TRACE', `line ${line}: ${why}`, { line })
}

/** The words of a line. Throws `INVALID_TRACE`. */
export function wordsOf(text: string, line: number): readonly Word[] {
  const words: Word[] = []
  let at = endOfBlanks(text, 0)
  while (at < text.length && text[at] !== '#') {
    WORD.lastIndex = at
    const match = WORD.exec(text)
    if (match === null) throw malformed(line, `${JSON.stringify(text.substring(at))} cannot be read`)
    const [whole, table, plain, quoted, quotedValue, plainValue] = match
    const name = plain ?? unquoted(quoted!, line)
    const value = quotedValue === undefined ? plainValue : unquoted(quotedValue, line)
    words.push({ table, name, value, isBare: name === whole })
    at = endOfBlanks(text, at + whole.length)
  }
  return words
}

function endOfBlanks(text: string, from: number): number {
  let at = from
  while (/\s/.test(text.charAt(at))) at++
  return at
}

function unquoted(text: string, line: number): string {
  try {
    return JSON.parse(text) as string
  } catch {
    throw malformed(line, `${text} is not a JSON string`)
  }
}

/** The arguments of a command, taken one by one. Whatever does not fit is refused with the line. */
export class Arguments {
  readonly #line: number
  readonly #usage: string
  #left: readonly Word[]

  constructor(words: readonly Word[], line: number, usage: string) {
    this.#left = words
    this.#line = line
    this.#usage = usage
  }

  /** Takes a word of the language, wherever it stands. Answers whether it was there. */
  flag(name: string): boolean {
    const at = this.#left.findIndex((word) => word.isBare && word.name === name)
    this.#remove(at, 1)
    return at >= 0
  }

  /** Takes `name=value`, wherever it stands. Answers the value. */
  option(name: string): string | undefined {
    const at = this.#left.findIndex(
      (word) => word.table === undefined && word.name === name && word.value !== undefined,
    )
    return this.#remove(at, 1)?.value
  }

  /** Takes `as of TIME`, wherever it stands. Answers the time as it is written. */
  asOf(): string | undefined {
    const isWord = (at: number, name: string) => {
      const word = this.#left[at]
      return word !== undefined && word.isBare && word.name === name
    }
    const at = this.#left.findIndex((_, i) => isWord(i, 'as') && isWord(i + 1, 'of'))
    if (at < 0) return undefined
    const time = this.#left[at + 2]
    if (time === undefined) throw this.refusal('a time follows behind "as of"')
    this.#remove(at, 3)
    return this.#nameOf(time, 'a time')
  }

  /** Takes a word of the language and the time behind it, wherever they stand. Answers the time as it is written. */
  behind(name: string): string | undefined {
    const at = this.#left.findIndex((word) => word.isBare && word.name === name)
    if (at < 0) return undefined
    const time = this.#left[at + 1]
    if (time === undefined) throw this.refusal(`a time follows behind "${name}"`)
    this.#remove(at, 2)
    return this.#nameOf(time, 'a time')
  }

  /** Takes the next word: a name and nothing else. */
  name(what: string): string {
    const name = this.optionalName(what)
    if (name === undefined) throw this.refusal(`${what} is missing`)
    return name
  }

  /** As {@link name}, where there is one. */
  optionalName(what: string): string | undefined {
    const word = this.#remove(0, 1)
    return word && this.#nameOf(word, what)
  }

  /** Takes all that is left; there must be something. */
  rest(what: string): readonly Word[] {
    const rest = this.#left
    if (rest.length === 0) throw this.refusal(`${what} is missing`)
    this.#left = []
    return rest
  }

  /** As {@link rest}, where all of it is names and nothing else. */
  names(what: string): readonly string[] {
    return this.rest(what).map((word) => this.#nameOf(word, what))
  }

  /** Refuses what is left. */
  end(): void {
    const [word] = this.#left
    if (word !== undefined) throw this.refusal(`${JSON.stringify(word.name)} is not expected here`)
  }

  /** Reads a microsecond of the clock. */
  micros(text: string): number {
    const micros = /^\d+$/.test(text) ? Number(text) : NaN
    if (micros <= MICROS_MAX) return micros
    throw this.refusal(`${JSON.stringify(text)} is not a microsecond`)
  }

  /** Reads a length of time: microseconds, or a number with a unit. */
  duration(text: string): number {
    if (/^\d+$/.test(text)) return this.micros(text)
    try {
      return parseDuration(text)
    } catch (error) {
      if (!(error instanceof PalimpsestError)) throw error
      throw this.refusal(error.message)
    }
  }

  /** Reads a count. */
  count(text: string): number {
    if (/^\d{1,9}$/.test(text)) return Number(text)
    throw this.refusal(`${JSON.stringify(text)} is not a count`)
  }

  /** The refusal of the line, which says how the command is written. */
  refusal(why: string): PalimpsestError {
    return malformed(this.#line, `${why} (${this.#usage})`)
  }

  #nameOf(word: Word, what: string): string {
    if (word.table === undefined && word.value === undefined) return word.name
    throw this.refusal(`${what} is expected, not ${JSON.stringify(word.name)} with a table or a value`)
  }

  #remove(at: number, count: number): Word | undefined {
    const word = this.#left[at]
    if (word !== undefined) this.#left = this.#left.toSpliced(at, count)
    return word
  }
}
