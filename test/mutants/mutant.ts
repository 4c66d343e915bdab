/**
 * Mutants: bugs planted on purpose, one patch for each. A patch is a unified diff under a head that says what
 * it breaks, where such a bug was seen, and which test should notice:
 *
 *     The version that shows at the cutoff goes.
 *
 *     Seen: RocksDB #9106
 *     Killed by: test/history/garbage.test.ts
 *
 *     --- a/src/history/garbage.ts
 *     +++ b/src/history/garbage.ts
 *     @@ -86,3 +86,3 @@
 *          if (from === undefined || from > through) continue
 *     -    isSeen ||= meets(readable, tickBefore(from), through)
 *     +    isSeen ||= meets(readable, tickBefore(from), from)
 *          seenThrough[g] = tickBefore(from)
 *
 * A hunk is found by its lines, which stand in the file exactly once, and never by its line numbers: patches
 * live as long as the code that they break.
 */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'

/** Where the patches are, from the root of the project. */
export const PATCHES_PATH = 'test/mutants/patches'

/** Some lines of a file, as they are and as they become. */
export interface Hunk {
  readonly path: string
  readonly before: string
  readonly after: string
}

/** A planted bug. */
export interface Mutant {
  /** `M01` …: of the catalogue of mutants; `L01` …: bugs of other stores; `D01` …: rules of the design, broken. */
  readonly id: string
  readonly title: string
  /** Where such a bug was seen, or which rule it breaks. */
  readonly seen: string
  /** The test file that is expected to notice, from the root of the project. */
  readonly killer: string
  readonly hunks: readonly Hunk[]
}

/** All mutants below a root, in the order of their ids. */
export function readMutants(root: string): readonly Mutant[] {
  const names = readdirSync(join(root, PATCHES_PATH)).filter((name) => name.endsWith('.diff'))
  return names.toSorted().map((name) => {
    return parseMutant(basename(name, '.diff'), readFileSync(join(root, PATCHES_PATH, name), 'utf8'))
  })
}

/** Reads a patch. Throws where the head is not whole or there is nothing to change. */
export function parseMutant(id: string, text: string): Mutant {
  const [head = '', ...files] = text.split(/^--- a\/.*\n/m)
  const [title = ''] = head.split('\n', 1)
  const [seen, killer] = [fieldOf(head, 'Seen'), fieldOf(head, 'Killed by')]
  const hunks = files.flatMap(hunksOf)
  if (title === '' || seen === undefined || killer === undefined || hunks.length === 0)
    throw new Error(`${id}: a patch has a title, "Seen:", "Killed by:" and a diff`)
  return { id, title, seen, killer, hunks }
}

/** The text of a file with a mutant in it. Throws unless each hunk stands there exactly once. */
export function mutated({ id, hunks }: Mutant, path: string, text: string): string {
  return hunks
    .filter((hunk) => hunk.path === path)
    .reduce((rest, { before, after }) => {
      // Whole lines, so that the end of another line is never taken for one.
      const at = `\n${rest}`.indexOf(`\n${before}`)
      const again = `\n${rest}`.indexOf(`\n${before}`, at + 1)
      if (at === -1 || again !== -1)
        throw new Error(`${id}: its lines stand ${at === -1 ? 'nowhere' : 'more than once'} in ${path}`)
      return rest.substring(0, at) + after + rest.substring(at + before.length)
    }, text)
}

function fieldOf(head: string, name: string): string | undefined {
  return new RegExp(`^${name}: (.+)$`, 'm').exec(head)?.[1]
}

function hunksOf(file: string): readonly Hunk[] {
  const [first = '', ...hunks] = file.split(/^@@.*\n/m)
  const path = /^\+\+\+ b\/(.+)$/m.exec(first)?.[1]
  if (path === undefined) throw new Error('a diff names its file twice')
  return hunks.map((hunk) => {
    const lines = hunk.split(/(?<=\n)/)
    const side = (sign: string) =>
      lines
        .flatMap((line) => (line.startsWith(' ') || line.startsWith(sign) ? [line.substring(1)] : []))
        .join('')
    return { path, before: side('-'), after: side('+') }
  })
}
