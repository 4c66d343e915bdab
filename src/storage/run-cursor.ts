/**
 * A cursor over one sorted run: one table of level 0, or all tables of another level.
 *
 *     blocks   [a@9 a@5 b@7] [b@3 c@4] [c@2 c@1] [c@0 d@6]      c runs over three blocks
 *     view of 3              ▲ b@3      ▲ c@2                    forward it finds the block in which a key shows,
 *                            b stands in two                     in reverse it begins at a key's first block
 *
 * Forward, a block is searched once for what shows at each of its keys, in one go over its columns; blocks
 * and tables whose times do not meet the view are passed over.
 */
import { type ByteSpan, compareBytes, compareSpanTo, compareSpans } from '../base/bytes.ts'
import { keyAfter } from '../base/key-range.ts'
import { type Stretches } from '../time/stretches.ts'
import { type Block, NOTHING } from './block.ts'
import {
  type Direction,
  type KeyCursor,
  type KeySink,
  type KeySpan,
  emptySpan,
  feedOneByOne,
  keyAtCursor,
} from './cursor.ts'
import { searchFirst } from './search.ts'
import { SoughtKey } from './sought-key.ts'
import { type TableFile } from './table-file.ts'
import { type TableMeta } from './table-format.ts'
import { VersionSpan } from './version-span.ts'

const NO_VERSIONS: number[] = []
/** Room for the keys of blocks that have some more. */
const SPARE_KEYS = 16

/** So many blocks are fetched at once at first, and at most: a cursor that goes on fetches twice as many each time. */
const FIRST_FETCHED_BLOCKS = 2
const FETCHED_BLOCKS_MAX = 8

/** Moves over the keys of one sorted run of tables that show something in a view. */
export class RunCursor implements KeyCursor {
  readonly #open: (table: number) => TableFile
  readonly #tables: readonly TableMeta[]
  readonly #view: Stretches
  readonly #direction: Direction
  readonly span: KeySpan = emptySpan()
  /** The last key of a block, for {@link feed}. */
  readonly #lastKey: KeySpan = emptySpan()
  isAtKey = false
  #tableIndex = 0
  #table: TableFile | undefined
  #blockIndex = 0
  #block: Block | undefined
  /** Blocks of the table before this one were fetched, and so many will be next. */
  #fetchedTo = 0
  #fetchNext = FIRST_FETCHED_BLOCKS
  #keyIndex = 0
  /**
   * Forward: which version shows at each key of the block from where the cursor came into it, or none. No typed array:
   * of this size, its memory is got outside of V8's heap, which takes longer than a block is searched.
   */
  #shown = NO_VERSIONS
  /** Which version of the block shows. Reverse: nothing, where what shows stands in a later block than the key begins in. */
  #version = NOTHING
  /** That one. */
  readonly #further = new VersionSpan()

  /** `tables` are the run, or those of its tables whose times meet the view. */
  constructor(
    open: (table: number) => TableFile,
    tables: readonly TableMeta[],
    view: Stretches,
    direction: Direction,
  ) {
    this.#open = open
    this.#tables = tables
    this.#view = view
    this.#direction = direction
  }

  get key(): Uint8Array | undefined {
    return keyAtCursor(this)
  }

  seek(key: Uint8Array | undefined): void {
    if (this.#direction === 'forward') this.#seekForward(key!)
    else {
      this.#goBelow(key)
      this.#standOrGoDown()
    }
  }

  advance(): void {
    if (this.#direction === 'forward') this.#advanceForward()
    else {
      this.#goDown()
      this.#standOrGoDown()
    }
  }

  locate(found: VersionSpan): void {
    if (this.#version === NOTHING) found.be(this.#further)
    else this.#block!.locateVersion(this.#version, found)
  }

  locateBeside(view: Stretches, found: VersionSpan): boolean {
    if (this.#version === NOTHING) return false
    const version = this.#block!.newestBehind(this.#keyIndex, this.#version, view)
    if (version === NOTHING) return false
    this.#block!.locateVersion(version, found)
    return true
  }

  feed(sink: KeySink, end: ByteSpan | undefined): void {
    if (this.#direction === 'reverse') return feedOneByOne(this, sink, end, -1)
    while (this.isAtKey) {
      if (end !== undefined && !this.#isBlockBefore(end)) return feedOneByOne(this, sink, end, 1)
      this.#feedFromBlock(sink)
      if (!sink.hasRoom) return
      this.#advanceForward()
    }
  }

  /** Gives the keys of this block that show something, from the one it stands at on. */
  #feedFromBlock(sink: KeySink): void {
    const { keyCount } = this.#block!
    for (let k = this.#keyIndex; k < keyCount; k++) {
      const version = this.#shown[k]!
      if (version === NOTHING) continue
      this.#version = version
      this.#place(k)
      sink.add(this)
      if (!sink.hasRoom) return
    }
  }

  /** Whether all keys of this block come before one. */
  #isBlockBefore(key: ByteSpan): boolean {
    const block = this.#block!
    block.locateKey(block.keyCount - 1, this.#lastKey)
    return compareSpans(this.#lastKey, key) < 0
  }

  #seekForward(key: Uint8Array): void {
    if (this.#goTo(key)) this.#standFrom(this.#keyIndex)
  }

  #advanceForward(): void {
    if (this.#standAmongShown(this.#keyIndex + 1)) return
    // The rest of the last key must not show as a key again.
    if (this.#goesOn()) this.#standBehindKey()
    else if (this.#goToNextBlock()) this.#standFrom(0)
  }

  /** Past a key that goes on: mostly it ends in the next block, but it may fill many. */
  #standBehindKey(): void {
    if (this.#table!.lastKeyEnd(this.#blockIndex) === 'next') {
      this.#goOnTo(this.#blockIndex + 1)
      this.#standFrom(1)
    } else this.#seekForward(keyAfter(this.key!))
  }

  /** To the first key from a place of this block on that shows something, in this block or behind it. */
  #standFrom(keyIndex: number): void {
    this.#searchFrom(keyIndex)
    let stands = this.#standAmongShown(keyIndex)
    while (!stands && this.#goToNextBlock()) {
      this.#searchFrom(0)
      stands = this.#standAmongShown(0)
    }
  }

  #searchFrom(keyIndex: number): void {
    const block = this.#block!
    if (this.#shown.length < block.keyCount) this.#shown = Array<number>(block.keyCount + SPARE_KEYS)
    const [times] = this.#view
    // Mostly so in scans of the present: then no times are compared.
    const showsAll = this.#view.length === 1 && this.#table!.isBlockWithin(times!, this.#blockIndex)
    if (showsAll) block.allNewest(keyIndex, this.#shown)
    else block.allNewestIn(keyIndex, this.#view, this.#shown)
  }

  #standAmongShown(keyIndex: number): boolean {
    const { keyCount } = this.#block!
    for (let k = keyIndex; k < keyCount; k++) {
      this.#version = this.#shown[k]!
      if (this.#version === NOTHING) continue
      this.#place(k)
      return true
    }
    return false
  }

  /** To the next block that has times of the view. */
  #goToNextBlock(): boolean {
    for (let t = this.#tableIndex, b = this.#blockIndex + 1; this.#goToTable(t); t++, b = 0) {
      const table = this.#table!
      const blocks = table.index.length
      while (b < blocks && !table.isBlockIn(this.#view, b)) b++
      if (b === blocks) continue
      this.#goOnTo(b)
      return true
    }
    return false
  }

  /** Reverse: stays if something shows here, or goes down to the first key where it does. */
  #standOrGoDown(): void {
    while (this.isAtKey && !this.#shows()) this.#goDown()
  }

  #shows(): boolean {
    this.#version = this.#block!.newestIn(this.#keyIndex, this.#view)
    return this.#version !== NOTHING || (this.#goesOn() && this.#locateInRun())
  }

  /** Reverse: to the key below this one. */
  #goDown(): void {
    // A block's first key can go back into earlier blocks.
    if (this.#keyIndex > 1) this.#place(this.#keyIndex - 1)
    else this.#goBelow(this.key)
  }

  /** To the last key below `key`, or of all, at its first block, where its newest version stands. */
  #goBelow(key: Uint8Array | undefined): void {
    const behind =
      key === undefined
        ? this.#tables.length
        : searchFirst(this.#tables, ({ first }) => compareBytes(first.key, key) >= 0)
    if (!this.#goToTable(behind - 1)) return
    const table = this.#table!
    const sought = key && new SoughtKey(key)
    this.#goToBlock((sought === undefined ? table.index.length : table.firstBlockFrom(sought)) - 1)
    this.#place((sought === undefined ? this.#block!.keyCount : this.#block!.findKey(sought)) - 1)
    // Only a block's first key can stand in earlier blocks, and in earlier tables.
    if (this.#keyIndex === 0) this.#goTo(this.key!)
  }

  /** To the first key at or above `key`, at its first block; whether there is one. */
  #goTo(key: Uint8Array): boolean {
    const t = searchFirst(this.#tables, ({ last }) => compareBytes(last.key, key) >= 0)
    if (!this.#goToTable(t)) return false
    // It stands in the block before the first block that begins at or above it, or else begins that one.
    const sought = new SoughtKey(key)
    const behind = this.#table!.firstBlockFrom(sought)
    if (behind > 0) {
      this.#goToBlock(behind - 1)
      const k = this.#block!.findKey(sought)
      if (k < this.#block!.keyCount) {
        this.#place(k)
        return true
      }
    }
    this.#goToBlock(behind)
    this.#place(0)
    return true
  }

  /** Whether versions of the key stand in the next block too. */
  #goesOn(): boolean {
    if (this.#keyIndex + 1 < this.#block!.keyCount) return false
    if (this.#blockIndex + 1 < this.#table!.index.length)
      return this.#table!.lastKeyEnd(this.#blockIndex) !== 'here'
    const next = this.#tables[this.#tableIndex + 1]
    return next !== undefined && compareSpanTo(this.span, next.first.key) === 0
  }

  #locateInRun(): boolean {
    const key = this.key!
    const sought = new SoughtKey(key)
    for (let t = this.#tableIndex; t < this.#tables.length; t++) {
      const { number, first } = this.#tables[t]!
      if (compareBytes(first.key, key) > 0) return false
      if (this.#open(number).locateVersion(sought, this.#view, this.#further)) return true
    }
    return false
  }

  #goToTable(index: number): boolean {
    const table = this.#tables[index]
    this.isAtKey = false
    if (table === undefined) return false
    if (index !== this.#tableIndex) this.#fetchedTo = 0
    this.#tableIndex = index
    this.#table = this.#open(table.number)
    return true
  }

  /**
   * Forward: to a block behind this one. The way to a block goes from object to object, each of which says where the next one
   * is: those of some blocks are fetched side by side.
   */
  #goOnTo(index: number): void {
    if (index >= this.#fetchedTo) {
      this.#fetchedTo = index + this.#fetchNext
      this.#fetchNext = Math.min(2 * this.#fetchNext, FETCHED_BLOCKS_MAX)
      this.#table!.fetchBlocks(index, this.#fetchedTo)
    }
    this.#goToBlock(index)
  }

  #goToBlock(index: number): void {
    this.#blockIndex = index
    this.#block = this.#table!.block(index)
  }

  #place(keyIndex: number): void {
    this.#keyIndex = keyIndex
    this.#block!.locateKey(keyIndex, this.span)
    this.isAtKey = true
  }
}
