/**
 * What is known of the manifest by the calls that were made on its file: what it says, and what it says
 * after a power cut.
 *
 *     MANIFEST       edit  edit  edit ─────────────────────┐ renamed over, and the directory synced:
 *     MANIFEST.new                     whole edit, synced ─┴▶ from here on the new one counts
 */
import { textOfBytes } from '../../base/bytes.ts'
import { decodeManifestEdit } from '../../storage/manifest-format.ts'
import {
  type ManifestEdit,
  type ManifestState,
  applyManifestEdit,
  newManifestState,
} from '../../storage/manifest-state.ts'
import { tablesOf } from '../../storage/shape.ts'
import { type TableMeta } from '../../storage/table-format.ts'
import { KnownRecords } from './known-file.ts'

/** A file of edits, with what it says after each of them. */
export class KnownEdits extends KnownRecords<ManifestEdit> {
  readonly #states: ManifestState[] = []

  constructor() {
    super((payload) => decodeManifestEdit(textOfBytes(payload)))
  }

  /** What it says after so many edits; `undefined` where it says nothing. */
  stateAfter(count: number): ManifestState | undefined {
    for (const edit of this.contents(this.#states.length, count)) {
      const before = this.#states.at(-1) ?? (edit.birth && newManifestState(edit.birth))
      if (before === undefined) return undefined
      this.#states.push(applyManifestEdit(before, edit))
    }
    return this.#states[count - 1]
  }

  override truncate(length: number): void {
    super.truncate(length)
    if (this.#states.length > this.count) this.#states.length = this.count
  }
}

/** The manifest, and the one that is to take its place. */
export class KnownManifest {
  #file: KnownEdits | undefined
  #next: KnownEdits | undefined
  /** What a power cut leaves while the file's name is not durable. */
  #former: ManifestState | undefined

  get file(): KnownEdits | undefined {
    return this.#file
  }

  get next(): KnownEdits | undefined {
    return this.#next
  }

  /** What it says; `undefined` while there is none. */
  get written(): ManifestState | undefined {
    return this.#file?.stateAfter(this.#file.count)
  }

  /** What it says after a power cut, at the least. */
  get durable(): ManifestState | undefined {
    return this.#file?.isNamed === true ? this.#file.stateAfter(this.#file.durableCount) : this.#former
  }

  /** What the one says that is to take its place. */
  get nextWritten(): ManifestState | undefined {
    return this.#next?.stateAfter(this.#next.count)
  }

  createNext(): void {
    this.#next = new KnownEdits()
  }

  removeNext(): void {
    this.#next = undefined
  }

  /** The new one takes the name. */
  rename(): void {
    this.#former = this.durable
    this.#file = this.#next
    this.#next = undefined
  }

  /** A file that was there before anybody watched. */
  adopt(): KnownEdits {
    this.#file = new KnownEdits()
    return this.#file
  }

  syncNames(): void {
    if (this.#file !== undefined) this.#file.isNamed = true
  }

  /** Whether it names a table now, or may do so after a power cut, which takes some of the last edits or none. */
  mayName(table: number): boolean {
    if (namesTable(this.durable, table)) return true
    const { count = 0, durableCount = 0 } = this.#file ?? {}
    const pending = Array.from({ length: count - durableCount }, (_, i) => durableCount + i + 1)
    return pending.some((edits) => namesTable(this.#file?.stateAfter(edits), table))
  }
}

/** The tables that a manifest names. */
export function namedTables(state: ManifestState | undefined): readonly TableMeta[] {
  return [...(state?.trees.values() ?? [])].flatMap(({ shape }) => tablesOf(shape))
}

function namesTable(state: ManifestState | undefined, table: number): boolean {
  return namedTables(state).some(({ number }) => number === table)
}
