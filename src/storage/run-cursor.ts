/**
 * A cursor over one sorted run: one table of level 0, or all tables of another level.
 *
 *     blocks   [a@9 a@5 b@7] [b@3 c@4] [c@2 c@1] [c@0 d@6]      c runs over three blocks
 *
 * The cursor stands on the first block of a key, where its newest version is, whichever way it came.
 */
import { compareBytes, compareSpanTo } from '../base/bytes.ts'
import { keyAfter } from '../base/key-range.ts'
import { type Stretches, lastBefore } from '../time/stretches.ts'
import { type Block } from './block.ts'
import { type Direction, type KeyCursor, type KeySpan, emptySpan, keyAtCursor } from './cursor.ts'
import { searchFirst } from './search.ts'
import { type TableFile } from './table-file.ts'
import { type TableMeta } from './table-format.ts'
import { type Version } from './version.ts'

/** Moves over the keys of one sorted run of tables: one table of level 0, or all of another level. */
export class RunCursor implements KeyCursor {
  readonly #open: (table: number) => TableFile
  readonly #tables: readonly TableMeta[]
  readonly #direction: Direction
  readonly span: KeySpan = emptySpan()
  isAtKey = false
  #tableIndex = 0
  #table: TableFile | undefined
  #blockIndex = 0
  #block: Block | undefined
  #keyIndex = 0

  constructor(open: (table: number) => TableFile, tables: readonly TableMeta[], direction: Direction) {
    this.#open = open
    this.#tables = tables
    this.#direction = direction
  }

  get key(): Uint8Array | undefined {
    return keyAtCursor(this)
  }

  seek(key: Uint8Array | undefined): void {
    if (this.#direction === 'forward') this.#seekFrom(key!)
    else this.#seekBelow(key)
  }

  advance(): void {
    const next = this.#keyIndex + (this.#direction === 'forward' ? 1 : -1)
    // A block's first key can go back into earlier blocks, its last one on into later ones.
    if (this.#direction === 'reverse' && this.#keyIndex > 1) this.#stand(next)
    else if (this.#direction === 'reverse') this.#seekBelow(this.key)
    else if (next < this.#block!.keyCount) this.#stand(next)
    else this.#seekAfter()
  }

  newestIn(view: Stretches): Version | undefined {
    const block = this.#block!
    const k = this.#keyIndex
    for (let s = view.length - 1; s >= 0;) {
      const v = block.findTime(k, view[s]!.through)
      if (v === block.versionsTo(k)) return this.#goesOn() ? this.#newestInRun(view) : undefined
      const version = block.versionAt(v)
      if (version.time > view[s]!.after) return version
      s = lastBefore(view, version.time)
    }
    return undefined
  }

  newestBeside(view: Stretches): Version | undefined {
    return this.newestIn(view)
  }

  /** Whether versions of the key stand in the next block too. */
  #goesOn(): boolean {
    if (this.#keyIndex + 1 < this.#block!.keyCount) return false
    const next = this.#table!.index[this.#blockIndex + 1] ?? this.#tables[this.#tableIndex + 1]
    return next !== undefined && compareSpanTo(this.span, next.first.key) === 0
  }

  #newestInRun(view: Stretches): Version | undefined {
    const key = this.key!
    for (let t = this.#tableIndex; t < this.#tables.length; t++) {
      const { number, first } = this.#tables[t]!
      if (compareBytes(first.key, key) > 0) return undefined
      const version = this.#open(number).findVersion(key, view)
      if (version !== undefined) return version
    }
    return undefined
  }

  /** To the first key at or above `key`. */
  #seekFrom(key: Uint8Array): void {
    const t = searchFirst(this.#tables, ({ last }) => compareBytes(last.key, key) >= 0)
    if (this.#openTable(t)) this.#standFrom(key)
  }

  /** To the first key above this one, the last of its block, which may go on in blocks and tables to come. */
  #seekAfter(): void {
    if (this.#goesOn()) this.#seekFrom(keyAfter(this.key!))
    else if (this.#blockIndex + 1 < this.#table!.index.length) this.#standAt(this.#blockIndex + 1, 0)
    else if (this.#openTable(this.#tableIndex + 1)) this.#standAt(0, 0)
  }

  /** To the last key below `key`, or of all, at its first block, where its newest version stands. */
  #seekBelow(key: Uint8Array | undefined): void {
    const behind =
      key === undefined
        ? this.#tables.length
        : searchFirst(this.#tables, ({ first }) => compareBytes(first.key, key) >= 0)
    if (!this.#openTable(behind - 1)) return
    const table = this.#table!
    this.#openBlock((key === undefined ? table.index.length : table.firstBlockFrom(key)) - 1)
    this.#stand((key === undefined ? this.#block!.keyCount : this.#block!.findKey(key)) - 1)
    // Only a block's first key can stand in earlier blocks, and in earlier tables.
    if (this.#keyIndex === 0) this.#seekFrom(this.key!)
  }

  /** Within the current table, to the first key at or above `key`; there is one. */
  #standFrom(key: Uint8Array): void {
    // It stands in the block before the first block that begins at or above it, or else begins that one.
    const behind = this.#table!.firstBlockFrom(key)
    if (behind > 0) {
      this.#openBlock(behind - 1)
      const k = this.#block!.findKey(key)
      if (k < this.#block!.keyCount) return this.#stand(k)
    }
    this.#standAt(behind, 0)
  }

  #standAt(blockIndex: number, keyIndex: number): void {
    this.#openBlock(blockIndex)
    this.#stand(keyIndex)
  }

  #stand(keyIndex: number): void {
    this.#keyIndex = keyIndex
    this.#block!.locateKey(keyIndex, this.span)
    this.isAtKey = true
  }

  #openTable(index: number): boolean {
    const table = this.#tables[index]
    this.isAtKey = false
    if (table === undefined) return false
    this.#tableIndex = index
    this.#table = this.#open(table.number)
    return true
  }

  #openBlock(index: number): void {
    this.#blockIndex = index
    this.#block = this.#table!.block(index)
  }
}
