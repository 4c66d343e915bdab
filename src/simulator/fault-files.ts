/**
 * The fault-injecting file system: a disk that counts and shows every call, fails where a plan says so,
 * and can crash before any call into the states of the crash models (`crash-models.ts`). What a real disk can
 * do beside that is listed in `docs/testing.md`.
 *
 * - Every call that changes or syncs something has a number, counted from 1: a crash point. Reads,
 *   opening and closing are counted by kind only, because crashing before them is crashing before the
 *   next change.
 * - After a crash each call on the old object and its handles throws {@link SimulatedCrash}, so that
 *   what a dead process still does cannot reach the disk. Its locks are free.
 * - An image can be built without crashing, at any moment, any number of times; images and the disk
 *   they come from do not disturb each other.
 * - Bytes are copied when they are written and when they are read. Names are listed in an order that
 *   depends on a seed and is not sorted, so that no one relies on it.
 */
import { type OptionNames, checkObject, checkOptions, checkWhole, kindOf } from '../base/arguments.ts'
import { defined } from '../base/assert.ts'
import { PalimpsestError } from '../base/errors.ts'
import { type FileOperation, checkCut, ioFailed, lockHeld, partsOfPath } from '../storage/file-rules.ts'
import { type AppendFile, type FileLock, type FileSystem, type RandomFile } from '../storage/files.ts'
import {
  type CrashChoice,
  type CrashChoiceOptions,
  checkCrashChoice,
  chooseCrashes,
  describeItem,
  fatesOfChoice,
} from './crash-choices.ts'
import { type CrashModel, checkModel, drawFates } from './crash-models.ts'
import { Disk, type FileFacts } from './disk.ts'
import {
  type ErrorFault,
  FaultCounter,
  type FaultPlan,
  type FlipFault,
  SimulatedCrash,
} from './fault-plan.ts'
import { type Inode } from './inode.ts'
import { type Random, checkRandom, checkSeed, hashText, seededRandom } from './random.ts'

/** A call that is about to be made, as plain data. */
export interface FileCall {
  readonly operation: FileOperation
  /** The number of this call among the state-changing ones, from 1; `undefined` if it changes nothing. */
  readonly index: number | undefined
  /** The path; of a call on a handle, the one it was opened by. */
  readonly path: string
  /** The other path of a rename or a link. */
  readonly to?: string | undefined
  /** Where a read or a write begins, or the length that a cut leaves. */
  readonly offset?: number | undefined
  /** How many bytes are read or written. */
  readonly length?: number | undefined
  /** The bytes that are to be written. They belong to the caller and are valid during the call only. */
  readonly bytes?: Uint8Array | undefined
}

/** What a fault-injecting file system is to do besides storing files. */
export interface FaultFilesOptions {
  /** What is to go wrong. */
  readonly plan?: FaultPlan | undefined
  /** Hears of every call before it is made; it may ask {@link FaultFiles.facts} and build images. */
  readonly onOperation?: ((call: FileCall) => void) | undefined
  /** Whether {@link FaultFiles.log} is kept. */
  readonly log?: boolean | undefined
  /** Orders the names that `list` returns; 0 if left out. */
  readonly seed?: number | undefined
}

const FILES_OPTIONS: OptionNames<FaultFilesOptions> = {
  plan: true,
  onOperation: true,
  log: true,
  seed: true,
}

const PASSIVE: ReadonlySet<FileOperation> = new Set(['openAppend', 'open', 'size', 'list', 'read', 'close'])

type CallDetails = Pick<FileCall, 'to' | 'offset' | 'length' | 'bytes'>

/** A file system in memory with faults and crashes. */
export class FaultFiles implements FileSystem {
  readonly #disk: Disk
  readonly #options: FaultFilesOptions
  readonly #faults: FaultCounter
  readonly #counts: Map<FileOperation, number> = new Map()
  readonly #locks: Map<string, FileLock> = new Map()
  readonly #log: string[] = []
  #operations = 0
  #crashed = false

  /** An empty disk. Throws `INVALID_ARGUMENT`. */
  constructor(options?: FaultFilesOptions)
  /** @internal */
  constructor(options: FaultFilesOptions, disk: Disk)
  constructor(options: FaultFilesOptions = {}, disk: Disk = new Disk()) {
    checkFilesOptions(options)
    this.#disk = disk
    this.#options = options
    this.#faults = new FaultCounter(options.plan ?? [])
  }

  /** How many state-changing calls were made. Crash points are 1 to this number, and one after the last. */
  get operations(): number {
    return this.#operations
  }

  /** How many calls of an operation were made, those that failed included. */
  count(operation: FileOperation): number {
    return this.#counts.get(operation) ?? 0
  }

  /** The calls so far, one a line, if the options ask for it. */
  get log(): readonly string[] {
    return this.#log
  }

  /** Whether the process ended, by the plan or by {@link crash}. */
  get crashed(): boolean {
    return this.#crashed
  }

  /** What a power cut may lose now, in the order in which it was done, in words. */
  get pending(): readonly string[] {
    return this.#disk.pending().map(describeItem)
  }

  /** Facts about the file of this name, after a crash too; `undefined` where there is none. */
  facts(path: string): FileFacts | undefined {
    return this.#disk.facts(path)
  }

  /** Whether the file or directory of this name would be there after every power cut, a file with all its bytes. */
  isDurable(path: string): boolean {
    return this.#disk.isDurable(path)
  }

  /** Ends the process, if it did not end already, and returns what the next one finds. Throws `INVALID_ARGUMENT`. */
  crash(model: CrashModel, random: Random, options: FaultFilesOptions = {}): FaultFiles {
    checkModel(model)
    checkRandom(random)
    const image = this.#draw(model, random, options)
    this.#crashed = true
    return image
  }

  /**
   * The crash images worth trying at this moment. Equal ones can be told by {@link imageKey}. Throws
   * `INVALID_ARGUMENT`.
   */
  crashChoices(options: CrashChoiceOptions): Generator<CrashChoice> {
    return chooseCrashes(this.#disk.pending(), options)
  }

  /**
   * What the next process would find if this one ended now, and the choice were made. Nothing ends. Throws
   * `INVALID_ARGUMENT` if the choice is not one of this moment.
   */
  crashImage(choice: CrashChoice, options: FaultFilesOptions = {}): FaultFiles {
    checkCrashChoice(choice)
    if (choice.kind === 'drawn') return this.#draw(choice.model, seededRandom(choice.seed), options)
    return this.#image(this.#disk.afterPowerCut(fatesOfChoice(choice, this.#disk.pending())), options)
  }

  /** The same text for images that hold the same. */
  imageKey(): string {
    return this.#disk.key()
  }

  create(path: string): AppendFile {
    const inode = this.#change('create', path, {}, () => this.#disk.createFile('create', path))
    return this.#appender(path, inode)
  }

  append(path: string): AppendFile {
    this.#start('openAppend', path)
    return this.#appender(path, this.#disk.tree.file('openAppend', path))
  }

  open(path: string): RandomFile {
    this.#start('open', path)
    return this.#reader(path, this.#disk.tree.file('open', path))
  }

  size(path: string): number | undefined {
    this.#start('size', path)
    return this.#disk.tree.findFile('size', path)?.length
  }

  truncate(path: string, length: number): void {
    this.#change('truncate', path, { offset: length }, () => {
      const inode = this.#disk.tree.file('truncate', path)
      checkCut(path, inode.length, length)
      this.#disk.truncate(inode, length)
    })
  }

  rename(from: string, to: string): void {
    this.#change('rename', from, { to }, () => this.#disk.rename(from, to))
  }

  link(from: string, to: string): void {
    this.#change('link', from, { to }, () => this.#disk.link(from, to))
  }

  remove(path: string): void {
    this.#change('remove', path, {}, () => this.#disk.remove(path))
  }

  list(directory: string): readonly string[] | undefined {
    this.#start('list', directory)
    const found = this.#disk.tree.findDirectory('list', directory)
    if (found === undefined) return undefined
    const lane = this.#options.seed ?? 0
    const ranked = [...found.entries.keys()].map((name) => ({ name, rank: hashText(name, lane) }))
    return ranked.toSorted((a, b) => a.rank - b.rank || (a.name < b.name ? -1 : 1)).map(({ name }) => name)
  }

  makeDirectory(path: string): void {
    this.#change('makeDirectory', path, {}, () => this.#disk.makeDirectory(path))
  }

  syncDirectory(path: string): void {
    const fault = this.#enter('syncDirectory', path)
    const directory = this.#disk.tree.directory('syncDirectory', path)
    if (fault?.kind === 'error') {
      this.#disk.abandonDirectory(directory)
      throw ioFailed('syncDirectory', path, fault.errno)
    }
    if (fault === undefined) this.#disk.syncDirectory(directory)
  }

  lock(path: string): FileLock {
    this.#start('lock', path)
    const { file } = this.#disk.tree.slot('lock', path)
    if (this.#locks.has(path)) throw lockHeld(path)
    // A lock whose holder is gone is taken over by taking its file.
    const inode = file ?? this.#disk.createFile('lock', path)
    let isOver = false
    const lock: FileLock = {
      release: () => {
        this.#expectAlive()
        if (isOver) return
        // Who fails to let go holds nothing any more, and may try again.
        if (this.#locks.get(path) === lock) this.#locks.delete(path)
        this.#start('unlock', path)
        isOver = true
        const isLeft = !this.#locks.has(path) && this.#disk.tree.node('unlock', path) === inode
        if (isLeft) this.#disk.remove(path)
      },
    }
    this.#locks.set(path, lock)
    return lock
  }

  #appender(path: string, inode: Inode): AppendFile {
    let isOpen = true
    const enter = (operation: FileOperation, details?: CallDetails) => {
      const fault = this.#enter(operation, path, details)
      if (!isOpen) throw ioFailed(operation, path, 'EBADF')
      return fault
    }
    return {
      get size() {
        return inode.length
      },
      append: (bytes) => {
        if (!(bytes instanceof Uint8Array))
          throw new PalimpsestError('INVALID_ARGUMENT', 'what is appended is a Uint8Array', { path })
        const fault = enter('append', { offset: inode.length, length: bytes.length, bytes })
        if (fault?.kind === 'error') this.#failAppend(path, inode, bytes, fault)
        this.#disk.append(inode, bytes)
      },
      sync: () => {
        const fault = enter('sync')
        if (fault?.kind === 'error') {
          inode.abandon()
          throw ioFailed('sync', path, fault.errno)
        }
        if (fault === undefined) this.#disk.sync(inode)
      },
      close: () => {
        const wasOpen = isOpen
        isOpen = false
        this.#close(path, wasOpen)
      },
    }
  }

  #failAppend(path: string, inode: Inode, bytes: Uint8Array, fault: ErrorFault): never {
    const written = fault.written ?? Math.floor(bytes.length / 2)
    this.#disk.append(inode, bytes.subarray(0, written))
    throw ioFailed('append', path, fault.errno)
  }

  #reader(path: string, inode: Inode): RandomFile {
    let isOpen = true
    return {
      size: inode.length,
      read: (offset, length) => {
        checkWhole('offset', offset)
        checkWhole('length', length)
        const fault = this.#enter('read', path, { offset, length })
        if (!isOpen) throw ioFailed('read', path, 'EBADF')
        if (fault?.kind === 'error') throw ioFailed('read', path, fault.errno)
        if (offset + length > inode.length) throw ioFailed('read', path, 'EOF')
        const bytes = inode.read(offset, length)
        if (fault?.kind === 'flip') flipBit(bytes, fault)
        return bytes
      },
      close: () => {
        const wasOpen = isOpen
        isOpen = false
        this.#close(path, wasOpen)
      },
    }
  }

  /** Closing twice does nothing; a handle is closed even if closing fails. */
  #close(path: string, wasOpen: boolean): void {
    if (wasOpen) this.#start('close', path)
    else this.#expectAlive()
  }

  #expectAlive(): void {
    if (this.#crashed) throw new SimulatedCrash(this.#operations)
  }

  /** Counts a call and fails it if the plan says so. */
  #start(operation: FileOperation, path: string, details?: CallDetails): void {
    const fault = this.#enter(operation, path, details)
    if (fault?.kind === 'error') throw ioFailed(operation, path, fault.errno)
  }

  /** Counts a call and makes it; if the plan says so it fails, before or after that. */
  #change<T>(operation: FileOperation, path: string, details: CallDetails, make: () => T): T {
    const fault = this.#enter(operation, path, details)
    if (fault?.kind !== 'error') return make()
    if (fault.took === true) make()
    throw ioFailed(operation, path, fault.errno)
  }

  /** Counts a call, shows it, and says what is to go wrong with it. */
  #enter(operation: FileOperation, path: string, details: CallDetails = {}) {
    this.#expectAlive()
    partsOfPath(path)
    const index = PASSIVE.has(operation) ? undefined : this.#operations + 1
    if (index !== undefined && this.#faults.crashesAt(index)) {
      this.#crashed = true
      throw new SimulatedCrash(this.#operations)
    }
    const call: FileCall = { operation, index, path, ...details }
    this.#options.onOperation?.(call)
    if (index !== undefined) this.#operations = index
    this.#counts.set(operation, this.count(operation) + 1)
    if (this.#options.log === true) this.#log.push(describeCall(call))
    return this.#faults.next(operation, path, details.to)
  }

  #draw(model: CrashModel, random: Random, options: FaultFilesOptions): FaultFiles {
    checkModel(model)
    if (model === 'process-kill') return this.#image(this.#disk.afterProcessDeath(), options)
    const stale = model === 'hostile' ? this.#disk.staleSources() : []
    return this.#image(
      this.#disk.afterPowerCut(drawFates(model, this.#disk.pending(), random, stale)),
      options,
    )
  }

  #image(disk: Disk, options: FaultFilesOptions): FaultFiles {
    // Whatever is spread is an object.
    checkObject('options', options)
    return new FaultFiles({ seed: this.#options.seed, ...options }, disk)
  }
}

/** The plan is checked by what counts its faults. */
function checkFilesOptions(options: FaultFilesOptions): void {
  checkOptions(options, FILES_OPTIONS)
  const { onOperation, seed } = options
  if (onOperation !== undefined && typeof onOperation !== 'function')
    throw new PalimpsestError('INVALID_ARGUMENT', `onOperation is a function, not ${kindOf(onOperation)}`)
  if (seed !== undefined) checkSeed(seed)
}

function flipBit(bytes: Uint8Array, fault: FlipFault): void {
  if (bytes.length === 0) return
  const bit = fault.bit % (8 * bytes.length)
  const at = Math.floor(bit / 8)
  bytes[at] = defined(bytes[at], 'a byte inside') ^ (1 << (bit % 8))
}

function describeCall({ index, operation, path, to, offset, length }: FileCall): string {
  const words = [index ?? '-', operation, JSON.stringify(path)]
  if (to !== undefined) words.push('to', JSON.stringify(to))
  if (length !== undefined) words.push(`${offset ?? 0}+${length}`)
  else if (offset !== undefined) words.push(`to ${offset}`)
  return words.join(' ')
}
