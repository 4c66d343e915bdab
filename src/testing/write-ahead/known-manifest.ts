/**
 * What is known of the manifest by the calls that were made on its file: what it says, and what it says
 * after a power cut.
 *
 *     MANIFEST       edit  edit  edit ─────────────────────┐ renamed over, and the directory synced:
 *     MANIFEST.new                     whole edit, synced ─┴▶ from here on the new one counts
 */
import { textOfBytes } from '../../base/bytes.ts'
import {
  type ManifestEdit,
  type ManifestState,
  applyManifestEdit,
  newManifestState,
} from '../../storage/manifest-state.ts'
import { decodeManifestEdit } from '../../storage/manifest-format.ts'
import { tablesOf } from '../../storage/shape.ts'
import { KnownRecords } from './known-file.ts'

/** The manifest, and the one that is to take its place. */
export class KnownManifest {
  #file: KnownRecords<ManifestEdit> | undefined
  #next: KnownRecords<ManifestEdit> | undefined
  /** So many edits are in {@link written}. */
  #edits = 0
  /** The tables of every state that a power cut may leave. */
  #named = new Set<number>()
  /** What it says; `undefined` while there is none. */
  written: ManifestState | undefined
  /** What it says after a power cut. */
  durable: ManifestState | undefined

  get file(): KnownRecords<ManifestEdit> | undefined {
    return this.#file
  }

  get next(): KnownRecords<ManifestEdit> | undefined {
    return this.#next
  }

  /** What the one says that is to take its place. */
  get nextWritten(): ManifestState | undefined {
    return this.#next && stateOf(this.#next.contents)
  }

  createNext(): void {
    this.#next = newFile()
  }

  removeNext(): void {
    this.#next = undefined
  }

  /** The new one takes the name. */
  rename(): void {
    this.#file = this.#next
    this.#next = undefined
    this.#edits = 0
    if (this.#file !== undefined) this.#file.isNamed = false
    this.settle()
  }

  /** A file that was there before anybody watched. */
  adopt(): KnownRecords<ManifestEdit> {
    this.#file = newFile()
    return this.#file
  }

  /** Takes in what was written, and what has become durable. */
  settle(): void {
    if (this.#file === undefined) return
    this.#write(this.#file.contents)
    // Until its name is durable, a power cut brings the old one back, as it was.
    if (!this.#file.isDurable) return
    this.durable = this.written
    this.#named = new Set(namedTables(this.durable))
  }

  #write(edits: readonly ManifestEdit[]): void {
    const isMore = edits.length >= this.#edits && this.#edits > 0
    this.written = isMore ? edits.slice(this.#edits).reduce(applyManifestEdit, this.written!) : stateOf(edits)
    for (const table of namedTables(this.written)) this.#named.add(table)
    this.#edits = edits.length
  }

  /** Whether it names a table now, or may do so after a power cut, which takes some of the last edits or none. */
  mayName(table: number): boolean {
    return this.#named.has(table)
  }
}

/** The numbers of the tables of a manifest. */
export function namedTables(state: ManifestState | undefined): ReadonlySet<number> {
  const trees = [...(state?.trees.values() ?? [])]
  return new Set(trees.flatMap(({ shape }) => tablesOf(shape).map(({ number }) => number)))
}

function newFile(): KnownRecords<ManifestEdit> {
  return new KnownRecords((payload) => decodeManifestEdit(textOfBytes(payload)))
}

function stateOf(edits: readonly ManifestEdit[]): ManifestState | undefined {
  const [first, ...rest] = edits
  if (first?.birth === undefined) return undefined
  return rest.reduce(applyManifestEdit, applyManifestEdit(newManifestState(first.birth), first))
}
