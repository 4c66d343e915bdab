/**
 * How edits of any size are written as records of a bounded one: the text of a key is twice as long as the key, a state
 * names two keys for each table, and no text may be longer than V8 allows.
 *
 *     state    birth, counts ── tree 1 ── tree 3 ─────────────────────────── tree 4
 *     records  [birth, counts, more: 2, tree 1, tree 3 …] [… of tree 3 …] [… of tree 3, tree 4]
 *
 * Every record is an edit as any other, so the state is their sum. How many there are says the first one: they were
 * synced together, so none of them vouches for another, and of a state no part may be taken for the whole.
 */
import { type ManifestEdit, type ManifestState, type TreeEdit, wholeEdit } from './manifest-state.ts'
import { type Placement } from './shape.ts'

/** More than the text takes of a table or of a tree, apart from what is of any length. */
const TEXT_BYTES = 640
/** As much of a stretch of time, and of the number of a table. */
const STRETCH_BYTES = 64
const NUMBER_BYTES = 17

/** About as many bytes as the text of an edit takes, and no fewer. */
export function textBytesOf({ trees = [], removeTrees = [] }: ManifestEdit): number {
  return TEXT_BYTES + NUMBER_BYTES * removeTrees.length + sumOf(trees.map(treeBytesOf))
}

/** The edits that together say all of a state, in their order: each of so many bytes of text, or little more. */
export function planWholeEdits(state: ManifestState, bytesMax: number): readonly ManifestEdit[] {
  const { trees = [], ...rest } = wholeEdit(state)
  const [first = [], ...others] = inParts(
    trees.flatMap((tree) => treeInParts(tree, bytesMax)),
    treeBytesOf,
    bytesMax,
  )
  const more = others.length > 0 ? others.length : undefined
  return [{ ...rest, more, trees: first }, ...others.map((part) => ({ trees: part }))]
}

/** What says all of a tree; the tables that come later go into the runs of those before. */
function treeInParts(edit: TreeEdit, bytesMax: number): readonly TreeEdit[] {
  const [first = [], ...others] = inParts(edit.add, tableBytesOf, bytesMax)
  return [{ ...edit, add: first }, ...others.map((add) => ({ tree: edit.tree, remove: [], add }))]
}

function treeBytesOf({ remove, add, pointer }: TreeEdit): number {
  const pointerBytes = 2 * (pointer?.position.key.length ?? 0)
  return TEXT_BYTES + pointerBytes + NUMBER_BYTES * remove.length + sumOf(add.map(tableBytesOf))
}

function tableBytesOf({ table: { first, last, emptyTimes = [] } }: Placement): number {
  return TEXT_BYTES + 2 * (first.key.length + last.key.length) + STRETCH_BYTES * emptyTimes.length
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A list in parts, each of no more than so many bytes, or of one item. */
function inParts<T>(items: readonly T[], bytesOf: (item: T) => number, bytesMax: number): readonly T[][] {
  const parts: T[][] = []
  let room = 0
  for (const item of items) {
    const bytes = bytesOf(item)
    if (parts.length === 0 || bytes > room) {
      parts.push([])
      room = bytesMax
    }
    parts.at(-1)!.push(item)
    room -= bytes
  }
  return parts
}
