/**
 * The manifest: which tables stand where, for every tree of a database, as a log of edits.
 *
 * The file `MANIFEST` holds edits as JSON records; the first one says everything that stood when the
 * file was begun, and where that is much, the records after it do (`manifest-pieces.ts`). Each edit is synced before anything relies on it. Before the first edit of each run, and when the
 * edits have grown well beyond what they say, the file is begun anew beside the old one and takes its name by an atomic
 * rename. It has the next number, so that old sectors are never taken for records of the new one, at the same places:
 *
 *     run 1    MANIFEST 1   state │ edit │ edit │ (edit, lost in a crash: what it was may lie behind the end)
 *     run 2    MANIFEST 2   state │ edit │ edit │ …
 *
 * An edit is made durable only after the files that it adds, and after the log (why the log
 * goes first: see `store/installer.ts`). A torn last edit was never relied on and is cut off; other damage is refused.
 */
import { assert } from '../base/assert.ts'
import { FormatError } from '../base/binary.ts'
import { type Checksum } from '../base/checksum.ts'
import { bytesOfText, textOfBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type FileSystem, beginWith, readWholeFile, removeIfThere } from './files.ts'
import { decodeManifestEdit, encodeManifestEdit } from './manifest-format.ts'
import { planWholeEdits, textBytesOf } from './manifest-pieces.ts'
import {
  type Birth,
  type ManifestEdit,
  type ManifestState,
  applyManifestEdit,
  manifestFaults,
  newManifestState,
} from './manifest-state.ts'
import { type RecordFileContents, RecordWriter, numberIn, readRecords } from './record-file.ts'
import { shapeFaults } from './shape.ts'

/** The name of the manifest's file. Where it stands, there is a database. */
export const MANIFEST_PATH = 'MANIFEST'
/** The name under which a new manifest is written, before it takes the place of the old one. */
export const NEW_MANIFEST_PATH = 'MANIFEST.new'

const MAGIC = 'PALIMMAN'

/** A manifest is begun anew when it is larger than this and four times what it began with. */
const REWRITE_BYTES = 32 * 1024
/** So much of the text of a state is in memory at a time. */
const PIECE_BYTES = 4 * 1024 * 1024
/** An edit with more text goes into no record of its own: the file is begun anew, and says what stands after it. */
const EDIT_BYTES_MAX = 64 * 1024 * 1024

/** What the bytes of a manifest say. Throws `MANIFEST_CORRUPT`. */
export function stateIn(bytes: Uint8Array, checksum: Checksum): ManifestState {
  return decodeManifest(bytes, checksum).state
}

interface LoadedManifest {
  readonly number: number
  readonly state: ManifestState
  readonly contents: RecordFileContents
}

function decodeManifest(bytes: Uint8Array, checksum: Checksum): LoadedManifest {
  const number = numberIn(bytes)
  const contents = readRecords(bytes, MAGIC, number, checksum)
  const refuse = (offset: number, cause?: unknown): never => {
    const details = { file: MANIFEST_PATH, offset }
    throw new PalimpsestError('MANIFEST_CORRUPT', `the manifest is damaged: offset=${offset}`, details, cause)
  }
  if (contents.damagedAt !== undefined) refuse(contents.damagedAt)
  // What the file began with was durable before it took its name.
  if (contents.records.length === 0) refuse(0)
  let state: ManifestState | undefined
  let begunWith = 1
  for (const { offset, payload } of contents.records) {
    try {
      const edit = decodeManifestEdit(textOfBytes(payload))
      if (state === undefined && edit.birth === undefined) refuse(offset)
      if (state === undefined) begunWith += edit.more ?? 0
      state = applyManifestEdit(state ?? newManifestState(edit.birth!), edit)
    } catch (error) {
      refuse(offset, error)
    }
  }
  if (contents.records.length < begunWith) refuse(contents.wholeBytes)
  const last = contents.records.at(-1)!
  const [fault] = manifestFaults(state!)
  if (fault !== undefined) refuse(last.offset, new FormatError(fault))
  return { number, state: state!, contents }
}

/** The manifest of a database that is open for writing. */
export class Manifest {
  readonly #files: FileSystem
  readonly #checksum: Checksum
  /** The number of the file. (Every file of a manifest had 1 once.) */
  #number: number
  #state: ManifestState
  /** Of the file as it was found, which gets no edit, until this run begins its own. */
  #writer: RecordWriter
  #begunBytes: number
  /** Whether this run has begun the file. */
  #isOfThisRun = false

  private constructor(
    files: FileSystem,
    checksum: Checksum,
    number: number,
    state: ManifestState,
    writer: RecordWriter,
  ) {
    this.#files = files
    this.#checksum = checksum
    this.#number = number
    this.#state = state
    this.#writer = writer
    this.#begunBytes = writer.bytes
  }

  /** Begins the manifest of a new database: from here on the directory holds one. */
  static create(files: FileSystem, checksum: Checksum, birth: Birth): Manifest {
    const state = newManifestState(birth)
    const manifest = new Manifest(files, checksum, 1, state, beginFile(files, checksum, 1, state))
    manifest.#isOfThisRun = true
    return manifest
  }

  /** Opens the manifest for writing. */
  static open(files: FileSystem, checksum: Checksum): Manifest {
    removeIfThere(files, NEW_MANIFEST_PATH)
    const { number, state, contents } = decodeManifest(readWholeFile(files, MANIFEST_PATH), checksum)
    const writer = RecordWriter.resume(files, MANIFEST_PATH, MAGIC, number, checksum, contents)
    return new Manifest(files, checksum, number, state, writer)
  }

  get state(): ManifestState {
    return this.#state
  }

  /**
   * Makes an edit durable and then part of the state. If it throws, nothing may be written any more. An edit that
   * breaks the order of a tree, by which reads find their answers and which the next opening would refuse, is
   * never written (RocksDB: `force_consistency_checks`).
   */
  commit(edit: ManifestEdit): void {
    const next = applyManifestEdit(this.#state, edit)
    for (const { tree } of edit.trees ?? []) {
      const [fault] = shapeFaults(next.trees.get(tree)!.shape)
      assert(fault === undefined, `an edit leaves tables in order: ${fault}`)
    }
    if (textBytesOf(edit) > EDIT_BYTES_MAX) this.#rewrite(next)
    else this.#append(edit)
    this.#state = next
    if (this.#writer.bytes > Math.max(REWRITE_BYTES, 4 * this.#begunBytes)) this.#rewrite(next)
  }

  /**
   * Begins the file anew, unless this run has: then all that it says is durable. Of the file that was found, the sync of
   * the last edit may have failed, and so may that of its name: what was read may be in memory only, whatever a
   * later sync says, and a power cut leaves what it said before. Whoever relies on what it no longer says begins it anew.
   */
  beginAnew(): void {
    if (!this.#isOfThisRun) this.#rewrite(this.#state)
  }

  close(): void {
    this.#writer.close()
  }

  #append(edit: ManifestEdit): void {
    this.beginAnew()
    this.#writer.append(bytesOfText(encodeManifestEdit(edit)))
    this.#writer.sync()
  }

  #rewrite(state: ManifestState): void {
    const former = this.#writer
    this.#writer = beginFile(this.#files, this.#checksum, ++this.#number, state)
    this.#begunBytes = this.#writer.bytes
    this.#isOfThisRun = true
    // The last step: should it fail, the new one is still closed with the manifest.
    former.close()
  }
}

/** Writes a manifest that says a state, and gives it the manifest's name. */
function beginFile(
  files: FileSystem,
  checksum: Checksum,
  number: number,
  state: ManifestState,
): RecordWriter {
  removeIfThere(files, NEW_MANIFEST_PATH)
  return beginWith(RecordWriter.create(files, NEW_MANIFEST_PATH, MAGIC, number, checksum), (writer) => {
    for (const edit of planWholeEdits(state, PIECE_BYTES))
      writer.append(bytesOfText(encodeManifestEdit(edit)))
    writer.sync()
    files.rename(NEW_MANIFEST_PATH, MANIFEST_PATH)
    files.syncDirectory('')
    return writer
  })
}
