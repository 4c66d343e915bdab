/**
 * The write-ahead monitor: watches the calls that an engine makes on its files, and says where something
 * was not durable that had to be ({@link ORDER_RULES}). It needs no crash: one run shows every wrong order
 * that the run has, whether or not a cut at that place would have been noticed.
 *
 *     engine ──▶ WatchedFiles ──▶ files
 *                     └─▶ monitor: what is written, what is durable ──▶ faults
 *
 * It reads what is written: records of the log, edits of the manifest. It knows nothing of how the engine came
 * to write them.
 */
import { type Checksum } from '../../base/checksum.ts'
import { type FileSystem } from '../../storage/files.ts'
import { judgeCall, judgeEdit, judgeFact } from './judge.ts'
import { KnownDirectory, roleOf } from './known-directory.ts'
import { ORDER_RULES, type OrderFault } from './rules.ts'
import { type WatchedCall, WatchedFiles } from './watched-files.ts'

/** Watches one directory through all the processes that open it. */
export class WriteAheadMonitor {
  /** The files of the directory: what is done to these is seen. */
  readonly files: FileSystem
  readonly #known: KnownDirectory
  readonly #faults: OrderFault[] = []

  /** Begins to watch a directory: one that is new, or what a process or a crash has left. */
  constructor(files: FileSystem, checksum: Checksum) {
    this.#known = new KnownDirectory(files, checksum)
    this.files = new WatchedFiles(files, (call) => {
      this.tell(call)
    })
  }

  /** The rules that were broken so far. */
  get faults(): readonly OrderFault[] {
    return this.#faults
  }

  /** Fails, naming the first rule that was broken. */
  assertInOrder(): void {
    const [fault] = this.#faults
    if (fault !== undefined)
      throw new Error(`out of order: ${fault.what}; the rule: ${ORDER_RULES[fault.rule]}`)
  }

  /** Hears of a call. */
  tell(call: WatchedCall): void {
    if (call.did === 'append') this.#append(call)
    else {
      this.#faults.push(...judgeCall(this.#known, call))
      this.#known.take(call)
    }
  }

  #append(call: WatchedCall): void {
    const known = this.#known
    const role = roleOf(call.path)
    const segment = role.kind === 'segment' ? known.log.segment(role.number) : undefined
    const edits = role.kind === 'manifest' ? known.manifest.file : undefined
    const before = (segment ?? edits)?.count ?? 0
    known.take(call)
    for (const fact of segment?.contents(before) ?? []) this.#faults.push(...judgeFact(known, fact))
    for (const [i, edit] of edits?.contents(before).entries() ?? [])
      this.#faults.push(...judgeEdit(known, before + i, edit))
  }
}
