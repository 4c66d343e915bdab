/**
 * A scan: the keys of a range in order, each with its newest version in a view, one step at a time.
 *
 *     tree      a c d    ▸ step: a    ▸ step: c    │ b is written, c@9 too │    ▸ step: d
 *                                                  └ seek again, behind c
 *
 * The rule: writes, flushes and compactions may happen between two steps. A scan then forgets what it found ahead
 * (`found-rows.ts`), looks at the tree anew and goes on behind the last key that it handed out. It is no generator,
 * because a step is on the path of every row read.
 */
import { lookAt } from '../base/bytes.ts'
import { keyAfter } from '../base/key-range.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Direction, type KeyCursor } from './cursor.ts'
import { type FoundRow, FoundRows, type RowPlan } from './found-rows.ts'
import { type KeyedVersion, type Version } from './version.ts'

/** What is scanned: something whose cursors are good for one epoch each. */
export interface ScanSource {
  /** Changes whenever cursors made before must not be used any more. */
  readonly epoch: number
  /** A cursor over the keys that have a version in the view. */
  cursor(view: Stretches, direction: Direction): KeyCursor
}

/** What a scan is of. */
export interface ScanPlan extends RowPlan {
  readonly view: Stretches
  /** How many rows will be asked for, at most: no more are found ahead. */
  readonly limit: number
}

/** A scan, which stands at a key after each step that answered `true`. */
export class VersionScan<Value extends Uint8Array | undefined = Uint8Array | undefined> implements Iterable<
  KeyedVersion<Value>
> {
  readonly #source: ScanSource
  readonly #plan: ScanPlan
  readonly #rows: FoundRows
  /** How many rows may yet be found. */
  #left: number
  /** Stands at the last key that was taken in, or behind it. */
  #cursor: KeyCursor | undefined
  /** Whether what is there, if anything, was not taken in yet. */
  #isFresh = false
  #epoch: number | undefined
  #isOver = false
  /** What stopped it behind rows that are yet to be handed out. */
  #failure: { readonly error: unknown } | undefined

  constructor(source: ScanSource, plan: ScanPlan) {
    this.#source = source
    this.#plan = plan
    this.#rows = new FoundRows(plan)
    this.#left = plan.limit
  }

  /** Where it stands. */
  get row(): Readonly<FoundRow> {
    return this.#rows.row
  }

  /** The key it stands at: a look at the tree's memory. */
  get key(): Uint8Array {
    return lookAt(this.row.key)
  }

  /** The version that shows there; its value is a look at the tree's memory. */
  get version(): Version<Value> {
    return this.row.version.version as Version<Value>
  }

  /** To the next key that shows something; whether there is one. */
  step(): boolean {
    if (this.#isOver) return false
    if (this.#epoch !== this.#source.epoch) this.#lookAnew()
    else if (this.#rows.advance()) return true
    return this.#findMore()
  }

  /** It finds nothing more. What it stood at is not there any more. */
  end(): void {
    this.#isOver = true
    this.#rows.end()
  }

  *[Symbol.iterator](): Generator<KeyedVersion<Value>> {
    while (this.step()) {
      const { time, value } = this.version
      yield { key: this.key, time, value }
    }
  }

  /** Takes a cursor that is good to the first key behind the one it stands at. What was found ahead is forgotten. */
  #lookAnew(): void {
    const { range, view, direction } = this.#plan
    const { left } = this.#rows
    const last = left > 0 ? this.key : undefined
    if (left > 0) this.#left += left - 1
    this.#rows.startOver()
    const cursor = this.#source.cursor(view, direction)
    if (direction === 'forward') cursor.seek(last === undefined ? range.lower : keyAfter(last))
    else cursor.seek(last ?? range.upper)
    this.#cursor = cursor
    this.#epoch = this.#source.epoch
    this.#isFresh = true
    this.#failure = undefined
  }

  /** Finds the next rows; whether there are any. */
  #findMore(): boolean {
    const rows = this.#rows
    rows.clear(this.#left)
    try {
      if (this.#failure !== undefined) throw this.#failure.error
      this.#fill()
    } catch (error) {
      // Rows before damage are handed out first.
      if (rows.left === 0) {
        this.end()
        throw error
      }
      this.#failure = { error }
    }
    rows.letGoOfEarlier()
    rows.fetchValues()
    if (rows.left === 0) {
      this.end()
      return false
    }
    this.#left -= rows.left
    return true
  }

  #fill(): void {
    const rows = this.#rows
    const cursor = this.#cursor!
    if (!rows.hasRoom) return
    if (!this.#isFresh && cursor.isAtKey) cursor.advance()
    if (cursor.isAtKey) cursor.feed(rows, undefined)
    // Where there is room left, it stands behind the last key.
    this.#isFresh = rows.hasRoom
  }
}
