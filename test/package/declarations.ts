/**
 * The declarations that are built for users, read as text: what each of them names, and where that is declared.
 *
 * The compiler writes them in one form, so patterns are enough: a declaration begins at the margin, and what a file
 * takes from others stands in braces behind `import` or `export`.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A declaration, and the names in it that lead to other declarations of the package. */
export interface Declared {
  readonly name: string
  /** Types that it shows, by the place of their declaration. */
  readonly shown: ReadonlyMap<string, string>
  /** Types of which it takes a part, or all members: a user sees those, and never the type. */
  readonly unfolded: readonly string[]
}

interface Module {
  /** What it takes from others: the name here, and the place of the declaration. */
  readonly taken: ReadonlyMap<string, { readonly path: string; readonly name: string }>
  readonly declarations: ReadonlyMap<string, string>
  /** The names that it exports, of its own and of others. */
  readonly exported: readonly string[]
}

const LISTS = /^(import|export) (?:type )?\{([^}]*)\} from '([^']*)';/gm
const DECLARATIONS =
  /^(export )?(?:declare )?(?:abstract )?(?:class|const|function|interface|type) (\w+)[^]*?(?=^(?:class|declare|export|interface|type)\b|(?![^]))/gm
/** The methods by which abstract-level asks a level: not for users. */
const HOOKS = /^ {4}_\w+\([^]*?;\n(?= {4}[\w#/]|\})/gm

/** The declarations of a directory. */
export class Declarations {
  readonly #root: string
  readonly #modules = new Map<string, Module>()

  constructor(root: string) {
    this.#root = root
  }

  /** The places of all that a file exports. */
  exportsOf(path: string): readonly string[] {
    return this.#module(path).exported.flatMap((name) => this.#placeOf(path, name) ?? [])
  }

  /** The declaration at a place, `path#name`. */
  at(place: string): Declared {
    const [path = '', name = ''] = place.split('#')
    const text = this.#module(path).declarations.get(name)!
    const unfolded = unfoldedIn(text)
    const shown = new Map<string, string>()
    const places: string[] = []
    for (const word of new Set(text.match(/\b[A-Z]\w*\b/g))) {
      const found = word === name ? undefined : this.#placeOf(path, word)
      if (found === undefined) continue
      if (unfolded.has(word)) places.push(found)
      else shown.set(found, word)
    }
    return { name, shown, unfolded: places }
  }

  #placeOf(path: string, name: string): string | undefined {
    const { taken, declarations } = this.#module(path)
    const from = taken.get(name)
    if (from !== undefined) return this.#placeOf(from.path, from.name)
    return declarations.has(name) ? `${path}#${name}` : undefined
  }

  #module(path: string): Module {
    const known = this.#modules.get(path) ?? readModule(this.#root, path)
    this.#modules.set(path, known)
    return known
  }
}

function readModule(root: string, path: string): Module {
  const text = readFileSync(join(root, path), 'utf8').replaceAll(/\/\*[^]*?\*\//g, '')
  const taken = new Map<string, { path: string; name: string }>()
  const exported: string[] = []
  for (const [, keyword, names = '', from = ''] of text.matchAll(LISTS)) {
    for (const item of names.split(',')) {
      const [name = '', here = name] = item
        .trim()
        .replace(/^type /, '')
        .split(' as ')
      if (keyword === 'export') exported.push(here)
      if (from.startsWith('.'))
        taken.set(here, { path: join(dirname(path), from.replace(/\.[jt]s$/, '.d.ts')), name })
    }
  }
  const declarations = new Map<string, string>()
  for (const [all, isExported, name = ''] of text.replaceAll(LISTS, '').matchAll(DECLARATIONS)) {
    // A function or a method with several signatures is one.
    declarations.set(name, (declarations.get(name) ?? '') + all.replaceAll(HOOKS, ''))
    if (isExported !== undefined) exported.push(name)
  }
  return { taken, declarations, exported }
}

/** The types that a declaration extends, or takes parts of. */
function unfoldedIn(text: string): ReadonlySet<string> {
  const parts = Array.from(
    text.matchAll(/(?:\b(?:Omit|Partial|Pick)<|\bkeyof |\btypeof )(\w+)/g),
    ([, name]) => name!,
  )
  let head = /^[^\n]*/.exec(text)![0]
  // What stands in angle brackets is shown.
  while (/<[^<>]*>/.test(head)) head = head.replaceAll(/<[^<>]*>/g, '')
  const bases = /\bextends ([^{]*)/.exec(head)?.[1] ?? ''
  return new Set([...parts, ...(bases.match(/\w+/g) ?? [])])
}
