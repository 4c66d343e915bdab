/**
 * What the tests of the documents read of Markdown: fenced blocks, headings, links.
 */
import { type SourceFile, ROOT, filesBelow } from '../house/source.ts'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** A fenced block. */
export interface Block {
  /** Its file and the line of its first fence, for people. */
  readonly place: string
  readonly language: string
  /** The words behind the language. `long`: run by the long tests only. */
  readonly flags: readonly string[]
  readonly lines: readonly string[]
}

/** The README and everything in `docs/`. */
export function documents(): readonly SourceFile[] {
  const readme = { path: 'README.md', text: readFileSync(join(ROOT, 'README.md'), 'utf8') }
  return [readme, ...filesBelow('docs', '.md')]
}

/** The fenced blocks of a document, in order. Throws if one is not closed. */
export function blocksOf({ path, text }: SourceFile): readonly Block[] {
  const blocks: Block[] = []
  let open: { place: string; info: readonly string[]; from: number } | undefined
  const lines = text.split('\n')
  for (const [i, line] of lines.entries()) {
    if (!line.startsWith('```')) continue
    if (open === undefined) {
      open = { place: `${path}:${i + 1}`, info: line.substring(3).trim().split(/\s+/), from: i + 1 }
    } else {
      const [language = '', ...flags] = open.info
      blocks.push({ place: open.place, language, flags, lines: lines.slice(open.from, i) })
      open = undefined
    }
  }
  if (open !== undefined) throw new Error(`${open.place}: a block is not closed`)
  return blocks
}

/** A document without its fenced blocks. */
export function proseOf({ text }: SourceFile): string {
  return text.replaceAll(/^```[^]*?^```$/gm, '')
}

/** The headings of a document, without their marks. */
export function headingsOf(file: SourceFile, depth?: number): readonly string[] {
  const marks = depth === undefined ? '#+' : '#'.repeat(depth)
  return Array.from(proseOf(file).matchAll(new RegExp(`^${marks} (.*)$`, 'gm')), ([, heading]) => heading!)
}

/** The anchor that a heading gets, by GitHub's rule. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
}

/** Where the links of a document lead, as they are written. */
export function linksOf(file: SourceFile): readonly string[] {
  return Array.from(proseOf(file).matchAll(/\]\(([^()\s]+)\)/g), ([, target]) => target!)
}
