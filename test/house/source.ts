/**
 * Source text for the house rules: which files there are, and what in them is code.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A file: its path from the project's root, with `/`, and its text. */
export interface SourceFile {
  readonly path: string
  readonly text: string
}

/** The project's root. */
export const ROOT: string = fileURLToPath(new URL('../..', import.meta.url))

/** The files below a directory of the project whose names end in `ending`. */
export function filesBelow(directory: string, ending: string): readonly SourceFile[] {
  return readdirSync(join(ROOT, directory), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name).substring(ROOT.length).replaceAll('\\', '/'))
    .toSorted()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }))
}

/**
 * The code of a text: the insides of comments, strings and regular expressions are blanks, so that what is
 * found in it is meant. Every character stands where it stood; the quotes of strings stay.
 */
export function codeOf(text: string): string {
  const code = blanks(text).split('')
  const keep = (from: number, to = from + 1): void => {
    for (let i = from; i < to; i++) code[i] = text.charAt(i)
  }
  // The brackets that are open: a template's `${` is closed by the brace that matches it.
  const open: string[] = []
  let at = 0
  while (at < text.length) {
    const rest = TEXT_LIKE.exec(text.substring(at, at + 4))?.[0]
    const inTemplate = open.at(-1) === '`'
    if (inTemplate) {
      if (text.startsWith('${', at)) {
        keep(at, at + 2)
        open.push('${')
        at += 2
      } else if (text[at] === '`') {
        keep(at)
        open.pop()
        at += 1
      } else at += text[at] === '\\' ? 2 : 1
      continue
    }
    const end = rest === undefined ? at + 1 : endOfTextLike(text, at, rest, code)
    if (rest === "'" || rest === '"') {
      keep(at)
      keep(end - 1)
    } else if (end === at + 1) {
      keep(at)
      const character = text[at]!
      if (character === '`' || character === '{') open.push(character)
      if (character === '}') open.pop()
    }
    at = end
  }
  return code.join('')
}

const TEXT_LIKE = /^(?:\/\*|\/\/|\/|'|")/
const STRING = /'(?:\\[^]|[^'\\])*'|"(?:\\[^]|[^"\\])*"/y
const REGEXP = /\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/y

/** Where the comment, string or regular expression that begins at `at` ends; `at + 1` if it is none. */
function endOfTextLike(text: string, at: number, opening: string, codeBefore: readonly string[]): number {
  if (opening === '/*') return text.indexOf('*/', at + 2) + 2
  if (opening === '//') return endOfLine(text, at)
  if (opening === '/' && !mayBeginExpression(codeBefore, at)) return at + 1
  const pattern = opening === '/' ? REGEXP : STRING
  pattern.lastIndex = at
  return pattern.test(text) ? pattern.lastIndex : at + 1
}

/** A slash behind a value divides; anywhere else it begins a regular expression. */
function mayBeginExpression(code: readonly string[], at: number): boolean {
  const before = code
    .slice(Math.max(0, at - 40), at)
    .join('')
    .trimEnd()
  return before === '' || /(?:[^\w$)\]'"`]|\b(?:return|typeof|case|in|of))$/.test(before)
}

function endOfLine(text: string, at: number): number {
  const end = text.indexOf('\n', at)
  return end < 0 ? text.length : end
}

function blanks(text: string): string {
  return text.replaceAll(/[^\n]/g, ' ')
}

/** What a file imports, type imports too: modules as they are written. */
export function importsOf(file: SourceFile): readonly string[] {
  const code = codeOf(file.text)
  return Array.from(code.matchAll(/\b(?:from|import)\s*\(?\s*(['"])( *)\1/g), (match) => {
    const from = match.index + match[0].length - 1 - match[2]!.length
    return file.text.substring(from, from + match[2]!.length)
  })
}

/** The project's file that an import names, or `undefined` for a package. */
export function resolveImport(file: SourceFile, specifier: string): string | undefined {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file.path), specifier) : undefined
}

/** The lines of a text on which a pattern is found, from 1. */
export function linesWith(text: string, pattern: RegExp): readonly number[] {
  return text.split('\n').flatMap((line, i) => (pattern.test(line) ? [i + 1] : []))
}
