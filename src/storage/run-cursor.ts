/**
 * A cursor over one sorted run: one table of level 0, or all tables of another level.
 *
 *     blocks   [a@9 a@5 b@7] [b@3 c@4] [c@2 c@1] [c@0 d@6]      c runs over three blocks
 *
 * The cursor stands on the first block of a key, where its newest version is, whichever way it came.
 */
import { compareBytes } from '../base/bytes.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Block } from './block.ts'
import { type Direction, type KeyCursor } from './cursor.ts'
import { searchFirst } from './search.ts'
import { type TableFile } from './table-file.ts'
import { type TableMeta } from './table-format.ts'
import { type Version } from './version.ts'

/** Moves over the keys of one sorted run of tables: one table of level 0, or all of another level. */
export class RunCursor implements KeyCursor {
  readonly #open: (table: number) => TableFile
  readonly #runs: readonly { number: number; first: Uint8Array; last: Uint8Array }[]
  readonly #direction: Direction
  #table: TableFile | undefined
  #tableIndex = 0
  #block: Block | undefined
  #blockIndex = 0
  #keyIndex = 0

  constructor(open: (table: number) => TableFile, tables: readonly TableMeta[], direction: Direction) {
    this.#open = open
    this.#runs = tables.map(({ number, first, last }) => ({ number, first: first.key, last: last.key }))
    this.#direction = direction
  }

  get key(): Uint8Array | undefined {
    return this.#block?.keyAt(this.#keyIndex)
  }

  seek(key: Uint8Array | undefined): void {
    if (this.#direction === 'forward') this.#seekFrom(key!)
    else this.#seekBelow(key)
  }

  advance(): void {
    const key = this.key!
    if (this.#direction === 'reverse') return this.#seekBelowHere(key)
    if (this.#keyIndex + 1 < this.#block!.keyCount) {
      this.#keyIndex++
      return
    }
    this.#seekAfter(key, this.#table!.firstBlockAfter(key))
  }

  newestIn(view: Stretches): Version | undefined {
    const block = this.#block!
    const k = this.#keyIndex
    for (let s = view.length - 1; s >= 0; s--) {
      const v = block.findTime(k, view[s]!.through)
      if (v === block.versionsTo(k)) {
        // Only the last key of a block can have older versions elsewhere.
        return k + 1 === block.keyCount ? this.#newestInRun(view) : undefined
      }
      const version = block.versionAt(v)
      if (version.time > view[s]!.after) return version
    }
    return undefined
  }

  #newestInRun(view: Stretches): Version | undefined {
    const key = this.key!
    for (
      let t = this.#tableIndex;
      t < this.#runs.length && compareBytes(this.#runs[t]!.first, key) <= 0;
      t++
    ) {
      const version = this.#open(this.#runs[t]!.number).findVersion(key, view)
      if (version !== undefined) return version
    }
    return undefined
  }

  #seekFrom(key: Uint8Array): void {
    const t = searchFirst(this.#runs, ({ last }) => compareBytes(last, key) >= 0)
    if (!this.#openTable(t)) return
    const table = this.#table!
    // The first version of the key stands in the block before the first block that begins at or above
    // it, unless that one ends below the key.
    const from = Math.max(0, table.firstBlockFrom(key) - 1)
    for (let b = from; b < table.index.length; b++) {
      this.#openBlock(b)
      this.#keyIndex = this.#block!.findKey(key)
      if (this.#keyIndex < this.#block!.keyCount) return
    }
    this.#block = undefined
  }

  /** To the first key above `key`, which may go on in blocks and tables to come, but ends before block `nextBlock` of the current table. */
  #seekAfter(key: Uint8Array, nextBlock: number): void {
    const last = nextBlock - 1
    if (last > this.#blockIndex) {
      this.#openBlock(last)
      if (this.#block!.keyCount > 1) {
        this.#keyIndex = 1
        return
      }
    }
    if (nextBlock < this.#table!.index.length) {
      this.#openBlock(nextBlock)
      this.#keyIndex = 0
      return
    }
    const t = searchFirst(this.#runs, (run) => compareBytes(run.last, key) > 0)
    if (!this.#openTable(t)) return
    this.#openBlock(Math.max(0, this.#table!.firstBlockAfter(key) - 1))
    this.#keyIndex = this.#block!.compareKeyAt(0, key) === 0 ? 1 : 0
    if (this.#keyIndex < this.#block!.keyCount) return
    this.#openBlock(this.#blockIndex + 1)
    this.#keyIndex = 0
  }

  /** To the last key below `key`, at its first block, where its newest version stands. */
  #seekBelow(key: Uint8Array | undefined): void {
    const behind =
      key === undefined
        ? this.#runs.length
        : searchFirst(this.#runs, ({ first }) => compareBytes(first, key) >= 0)
    if (!this.#openTable(behind - 1)) return
    const table = this.#table!
    this.#openBlock((key === undefined ? table.index.length : table.firstBlockFrom(key)) - 1)
    this.#keyIndex = (key === undefined ? this.#block!.keyCount : this.#block!.findKey(key)) - 1
    this.#moveToFirstOccurrence()
  }

  #seekBelowHere(key: Uint8Array): void {
    if (this.#keyIndex === 0) return this.#seekBelow(key)
    this.#keyIndex--
    this.#moveToFirstOccurrence()
  }

  /** From some block of the current key back to the first one. Only a block's first key can stand earlier. */
  #moveToFirstOccurrence(): void {
    if (this.#keyIndex > 0) return
    const key = this.key!
    const t = searchFirst(this.#runs, ({ last }) => compareBytes(last, key) >= 0)
    if (t === this.#tableIndex && this.#blockIndex === 0) return
    if (t !== this.#tableIndex) this.#openTable(t)
    this.#openBlock(Math.max(0, this.#table!.firstBlockFrom(key) - 1))
    this.#keyIndex = this.#block!.findKey(key)
    if (this.#keyIndex < this.#block!.keyCount) return
    this.#openBlock(this.#blockIndex + 1)
    this.#keyIndex = 0
  }

  #openTable(index: number): boolean {
    const run = this.#runs[index]
    this.#block = undefined
    if (run === undefined) return false
    this.#tableIndex = index
    this.#table = this.#open(run.number)
    return true
  }

  #openBlock(index: number): void {
    this.#blockIndex = index
    this.#block = this.#table!.block(index)
  }
}
