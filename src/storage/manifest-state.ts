/**
 * What a manifest says, and the edits that change it: plain data and pure functions.
 */
import { type HybridTime, MIN_TIME, laterOf } from '../time/hybrid-time.ts'
import { type GeometryName } from './geometry.ts'
import { type LogPlace } from './log.ts'
import { type LevelPointers } from './plan.ts'
import { DEFAULT_POLICY, type Policy } from './policy.ts'
import {
  EMPTY_SHAPE,
  type Shape,
  type ShapeEdit,
  applyShapeEdit,
  placementsOf,
  shapeFaults,
  tablesOf,
} from './shape.ts'
import { TABLE_NUMBERS } from './table-format.ts'
import { type Position } from './version.ts'

/** Sums over the life of a tree. Bytes are file bytes. */
export interface TreeTotals {
  readonly flushes: number
  readonly flushedBytes: number
  readonly flushedVersions: number
  /** Compactions that merged; those that only moved tables to another level are in {@link moves}. */
  readonly compactions: number
  /** Compactions that took tables to another level as they are, and read and wrote nothing. */
  readonly moves: number
  readonly compactionReadBytes: number
  readonly compactionWrittenBytes: number
  readonly droppedVersions: number
  readonly droppedTombstones: number
}

/** No work done yet. */
export const NO_TOTALS: TreeTotals = {
  flushes: 0,
  flushedBytes: 0,
  flushedVersions: 0,
  compactions: 0,
  moves: 0,
  compactionReadBytes: 0,
  compactionWrittenBytes: 0,
  droppedVersions: 0,
  droppedTombstones: 0,
}

/** A tree as the manifest knows it. */
export interface TreeState {
  readonly shape: Shape
  /** Every version at or before this time is in a table: the log's older commits are done with. */
  readonly flushedThrough: HybridTime
  /** No time before this one is readable by what compaction has dropped here (law 4). */
  readonly ratchet: HybridTime
  readonly pointers: LevelPointers
  readonly totals: TreeTotals
}

/** A tree before its first flush. */
export const EMPTY_TREE: TreeState = {
  shape: EMPTY_SHAPE,
  flushedThrough: MIN_TIME,
  ratchet: MIN_TIME,
  pointers: [],
  totals: NO_TOTALS,
}

/** A change of one tree. What is left out stays. */
export interface TreeEdit extends ShapeEdit {
  readonly tree: number
  readonly flushedThrough?: HybridTime | undefined
  readonly ratchet?: HybridTime | undefined
  readonly pointer?: { readonly level: number; readonly position: Position } | undefined
  /** The new sums, not differences. */
  readonly totals?: TreeTotals | undefined
}

/** What a database is from its first moment on. */
export interface Birth {
  /** The sizes that shape its trees. */
  readonly geometry: GeometryName
  /** Whose time it keeps: the machine's, or that of the history that was replayed into it. */
  readonly clock: 'system' | 'replay'
}

/** A change of the database's files. What is left out stays. */
export interface ManifestEdit {
  readonly birth?: Birth | undefined
  /** How its trees are compacted from now on. */
  readonly policy?: Policy | undefined
  readonly trees?: readonly TreeEdit[] | undefined
  /** Trees that are gone, with all of their tables. */
  readonly removeTrees?: readonly number[] | undefined
  /** Every file number below this one may have been used. */
  readonly nextNumber?: number | undefined
  /** The oldest log segment that is still needed. */
  readonly firstSegment?: number | undefined
  /** The log had been synced through here when the edit was made. */
  readonly logSynced?: LogPlace | undefined
  /** The microsecond that it was when history was dropped or refused. */
  readonly judgedMicros?: number | undefined
  /** Of the first edit of a file: so many after it are a part of the state that the file began with. */
  readonly more?: number | undefined
}

/** Everything that the manifest says. */
export interface ManifestState {
  readonly birth: Birth
  readonly policy: Policy
  readonly trees: ReadonlyMap<number, TreeState>
  readonly nextNumber: number
  readonly firstSegment: number
  /** The log had been synced through here: one that ends before has lost what was promised. */
  readonly logSynced: LogPlace
  /** History was dropped or refused as of this microsecond, so it can never be earlier again (law 4). */
  readonly judgedMicros: number
}

/** The manifest of a new database. */
export function newManifestState(birth: Birth): ManifestState {
  return {
    ...{ birth, policy: DEFAULT_POLICY, trees: new Map(), nextNumber: 1, judgedMicros: 0 },
    ...{ firstSegment: 1, logSynced: { segment: 1, bytes: 0 } },
  }
}

/** The state after an edit. */
export function applyManifestEdit(state: ManifestState, edit: ManifestEdit): ManifestState {
  const trees = new Map(state.trees)
  for (const treeEdit of edit.trees ?? []) {
    trees.set(treeEdit.tree, applyTreeEdit(trees.get(treeEdit.tree) ?? EMPTY_TREE, treeEdit))
  }
  for (const tree of edit.removeTrees ?? []) trees.delete(tree)
  return {
    birth: edit.birth ?? state.birth,
    policy: edit.policy ?? state.policy,
    trees,
    nextNumber: edit.nextNumber ?? state.nextNumber,
    firstSegment: edit.firstSegment ?? state.firstSegment,
    logSynced: edit.logSynced ?? state.logSynced,
    judgedMicros: Math.max(edit.judgedMicros ?? 0, state.judgedMicros),
  }
}

function applyTreeEdit(tree: TreeState, edit: TreeEdit): TreeState {
  const { pointer } = edit
  return {
    shape: applyShapeEdit(tree.shape, edit),
    flushedThrough: edit.flushedThrough ?? tree.flushedThrough,
    ratchet: edit.ratchet === undefined ? tree.ratchet : laterOf(edit.ratchet, tree.ratchet),
    pointers: pointer
      ? Object.assign([...tree.pointers], { [pointer.level]: pointer.position })
      : tree.pointers,
    totals: edit.totals ?? tree.totals,
  }
}

/** What no manifest says, as sentences: runs out of order, a table in two places. */
export function manifestFaults(state: ManifestState): readonly string[] {
  const numbers = new Set<number>()
  const faults: string[] = []
  for (const [tree, { shape }] of state.trees) {
    for (const fault of shapeFaults(shape)) faults.push(`tree ${tree}: ${fault}`)
    for (const { number } of tablesOf(shape)) {
      if (numbers.has(number)) faults.push(`table ${number} stands in two places`)
      if (number >= Math.min(state.nextNumber, TABLE_NUMBERS))
        faults.push(`table ${number} has a number that was never given`)
      numbers.add(number)
    }
  }
  return faults
}

/** The numbers of all tables that it names. */
export function namedTables(state: ManifestState): readonly number[] {
  return [...state.trees.values()].flatMap(({ shape }) => tablesOf(shape).map(({ number }) => number))
}

/** The one edit that says all of a state. */
export function wholeEdit(state: ManifestState): ManifestEdit {
  const trees = [...state.trees].flatMap(([tree, { shape, flushedThrough, ratchet, pointers, totals }]) => {
    const add = placementsOf(shape)
    const pointerEdits = pointers.flatMap((position, level): TreeEdit[] =>
      position ? [{ tree, remove: [], add: [], pointer: { level, position } }] : [],
    )
    return [{ tree, remove: [], add, flushedThrough, ratchet, totals }, ...pointerEdits]
  })
  const { birth, policy, nextNumber, firstSegment, logSynced, judgedMicros } = state
  return { birth, policy, trees, nextNumber, firstSegment, logSynced, judgedMicros }
}
