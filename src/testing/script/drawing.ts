/**
 * A tree as a drawing: keys from left to right, the newest place on top, each file from its first key to
 * its last, with its number.
 *
 *                 a     b     c     d
 *     in memory   2 versions
 *     level 0     ├─5───────┤
 *                 ├─3─┤
 *     level 1     ├─1─┤ ├─2─────────┤
 *
 * A read of a key goes straight down and ends at the first file that has the answer.
 */
import { type StoredFile } from '../../database/inspect.ts'
import { countText, plainText } from './notation.ts'

/** Columns of the names at the left. */
const MARGIN = 12
/** Columns of the drawing. */
const WIDTH = 72
/** Columns of a key, where there are few keys. */
const KEY_WIDTH = 6

/** A file and the columns it is drawn in: from `left` on, `width` of them. */
interface Span {
  readonly number: number
  readonly left: number
  readonly width: number
}

/** The lines of the drawing. `keys` are those of all versions, in order, each once or more often. */
export function treeDrawing(
  files: readonly StoredFile<string>[],
  keys: readonly string[],
  versionsInMemory: number,
): readonly string[] {
  const axis = [...new Set(keys)]
  if (axis.length === 0) return ['nothing']
  const columnOf = columnsOf(axis)
  const lines = ['', ...placeLines(files, columnOf)]
  if (versionsInMemory > 0)
    lines.splice(1, 0, `${'in memory'.padEnd(MARGIN)}${countText(versionsInMemory, 'version')}`)
  lines[0] = ' '.repeat(MARGIN) + axisText(axis, columnOf)
  return lines.map((line) => line.trimEnd())
}

/** Where each key begins; where the one behind it would begin, it ends. */
function columnsOf(axis: readonly string[]): (key: string, isEnd: boolean) => number {
  const places = new Map(axis.map((key, i) => [key, i]))
  const longest = Math.max(...axis.map((key) => plainText(key).length))
  const wanted = Math.max(KEY_WIDTH, longest + 2)
  const width = Math.min(wanted, WIDTH / axis.length)
  return (key, isEnd) => Math.round((places.get(key)! + (isEnd ? 1 : 0)) * width)
}

type ColumnOf = ReturnType<typeof columnsOf>

/** The keys, where there is room for each; else the first and the last. */
function axisText(axis: readonly string[], columnOf: ColumnOf): string {
  const texts = axis.map(plainText)
  const fits = axis.every((key, i) => columnOf(key, true) - columnOf(key, false) > texts[i]!.length)
  if (fits) return axis.reduce((line, key, i) => line.padEnd(columnOf(key, false)) + texts[i]!, '')
  const last = texts.at(-1)!
  return `${texts[0]!} …`.padEnd(columnOf(axis.at(-1)!, true) - last.length - 1) + last
}

function placeLines(files: readonly StoredFile<string>[], columnOf: ColumnOf): readonly string[] {
  const lines: string[] = []
  let level: number | undefined
  for (const run of runsOf(files)) {
    for (const row of rowsOf(run.map((file) => spanOf(file, columnOf)))) {
      const name = run[0]!.level === level ? '' : `level ${run[0]!.level}`
      level = run[0]!.level
      lines.push(name.padEnd(MARGIN) + row.reduce((line, span) => line.padEnd(span.left) + boxOf(span), ''))
    }
  }
  return lines
}

/** The files of each sorted run, in the order in which they come. */
function runsOf(files: readonly StoredFile<string>[]): readonly (readonly StoredFile<string>[])[] {
  const runs = new Map<string, StoredFile<string>[]>()
  for (const file of files) {
    const name = `${file.level}.${file.run}`
    runs.set(name, [...(runs.get(name) ?? []), file])
  }
  return [...runs.values()]
}

function spanOf({ number, firstKey, lastKey }: StoredFile<string>, columnOf: ColumnOf): Span {
  const left = columnOf(firstKey, false)
  const leastWidth = String(number).length + 4
  return { number, left, width: Math.max(leastWidth, columnOf(lastKey, true) - left - 1) }
}

/** Files side by side; one that begins where the one before it ends, because a key runs on, gets a row of its own. */
function rowsOf(spans: readonly Span[]): readonly (readonly Span[])[] {
  const rows: Span[][] = []
  for (const span of spans) {
    const row = rows.find((each) => each.at(-1)!.left + each.at(-1)!.width < span.left)
    if (row === undefined) rows.push([span])
    else row.push(span)
  }
  return rows
}

function boxOf({ number, width }: Span): string {
  return `├${`─${number}`.padEnd(width - 2, '─')}┤`
}
