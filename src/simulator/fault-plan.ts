/**
 * Faults as data: which call of the file system fails, lies or is the last, decided before the run.
 *
 * Calls are counted, so the same plan on the same run hits the same call. A plan can be printed, kept
 * and shortened.
 */
import { checkChoice, checkWhole } from '../base/arguments.ts'
import { PalimpsestError } from '../base/errors.ts'
import { FILE_OPERATIONS, type FileOperation } from '../storage/file-rules.ts'

/** One fault. `nth` counts from 1 the calls that the fault is about, the failed ones too. */
export type Fault = CrashFault | ErrorFault | LieFault | FlipFault

/** The process ends instead of making the state-changing call number `at`, counted from 1. */
export interface CrashFault {
  readonly kind: 'crash'
  readonly at: number
}

/** Which calls a fault is about. */
interface CallFault {
  /** Counts from 1 the calls of this operation on such paths. */
  readonly nth: number
  /** Whether all later ones are hit as well. */
  readonly sticky?: boolean | undefined
  /** Only calls on a path that contains this text; of a rename or a link either path counts. */
  readonly path?: string | undefined
}

/** A call fails with an errno. A failed `append` writes a part first; a failed sync abandons what is pending. */
export interface ErrorFault extends CallFault {
  readonly kind: 'error'
  readonly operation: FileOperation
  readonly errno: string
  /** Bytes that a failed `append` writes before it fails; half of them if left out. */
  readonly written?: number | undefined
  /** Whether the call takes effect before it fails: of calls that change names, and of `truncate`. */
  readonly took?: boolean | undefined
}

/** A sync returns and makes nothing durable: to check that a test would see it. */
export interface LieFault extends CallFault {
  readonly kind: 'lie'
  readonly operation: 'sync' | 'syncDirectory'
}

/** A read returns one bit wrong; the file itself stays as it is. */
export interface FlipFault extends CallFault {
  readonly kind: 'flip'
  /** Which bit of the bytes read, counted round from the first. */
  readonly bit: number
}

/** Faults of a run, in no order. */
export type FaultPlan = readonly Fault[]

/** Calls that either take effect or do not, and may fail after they did. */
const WHOLE_CHANGES: readonly FileOperation[] = [
  'create',
  'truncate',
  'rename',
  'link',
  'remove',
  'makeDirectory',
]

/** The process ended here. Whoever catches it and goes on meets it again at the next call. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash'
  /** State-changing calls that were made before. */
  readonly operations: number

  constructor(operations: number) {
    super(`the simulated process ended after ${operations} file operations`)
    this.operations = operations
  }
}

/** A plan and how often each of its faults was near. */
export class FaultCounter {
  readonly #faults: readonly { readonly fault: Exclude<Fault, CrashFault>; calls: number }[]
  readonly #crashAt: number

  /** Throws `INVALID_ARGUMENT` where the plan has something that is no fault, or that could never strike. */
  constructor(plan: FaultPlan) {
    checkPlan(plan)
    this.#faults = plan.flatMap((fault) => (fault.kind === 'crash' ? [] : [{ fault, calls: 0 }]))
    this.#crashAt = Math.min(...plan.map((fault) => (fault.kind === 'crash' ? fault.at : Infinity)))
  }

  /** Whether the process ends instead of making the state-changing call of this number. */
  crashesAt(index: number): boolean {
    return index >= this.#crashAt
  }

  /** Counts a call, and says what is to go wrong with it; the first fault of the plan wins. */
  next(operation: FileOperation, path: string, to = ''): Exclude<Fault, CrashFault> | undefined {
    let hit: Exclude<Fault, CrashFault> | undefined
    for (const counted of this.#faults) {
      const { fault } = counted
      const about = fault.kind === 'flip' ? 'read' : fault.operation
      if (about !== operation || !isAbout(fault, path, to)) continue
      counted.calls++
      const strikes = counted.calls === fault.nth || (fault.sticky === true && counted.calls > fault.nth)
      if (strikes) hit ??= fault
    }
    return hit
  }
}

/** Callers without types may give anything, and a fault that never strikes would pass for a test that found nothing. */
function checkPlan(plan: FaultPlan): void {
  if (!Array.isArray(plan)) throw new PalimpsestError('INVALID_ARGUMENT', 'a plan is a list of faults')
  for (const fault of plan as readonly (Fault | null | undefined)[]) {
    if (typeof fault !== 'object' || fault === null)
      throw new PalimpsestError('INVALID_ARGUMENT', `a fault is an object, not ${String(fault)}`)
    checkChoice('kind of a fault', fault.kind, ['crash', 'error', 'lie', 'flip'])
    if (fault.kind === 'crash') checkWhole('at', fault.at, 1)
    else checkCallFault(fault)
  }
}

function checkCallFault(fault: Exclude<Fault, CrashFault>): void {
  checkWhole('nth', fault.nth, 1)
  if (fault.path !== undefined && typeof fault.path !== 'string')
    throw new PalimpsestError('INVALID_ARGUMENT', 'the path of a fault is a text that paths contain')
  checkFlag('sticky', fault.sticky)
  if (fault.kind === 'flip') return checkWhole('bit', fault.bit)
  if (fault.kind === 'lie') return checkChoice('operation', fault.operation, ['sync', 'syncDirectory'])
  checkChoice('operation', fault.operation, FILE_OPERATIONS)
  if (fault.written !== undefined) checkWhole('written', fault.written)
  checkFlag('took', fault.took)
  if (fault.took === true) checkChoice('operation that took effect', fault.operation, WHOLE_CHANGES)
  if (typeof fault.errno !== 'string' || fault.errno === '')
    throw new PalimpsestError('INVALID_ARGUMENT', 'an error has an errno, such as EIO', {
      errno: fault.errno,
    })
}

function checkFlag(what: string, value: boolean | undefined): void {
  if (value === undefined || typeof value === 'boolean') return
  throw new PalimpsestError('INVALID_ARGUMENT', `${what} is true or false, not ${String(value)}`, {
    [what]: value,
  })
}

function isAbout(fault: CallFault, path: string, to: string): boolean {
  return fault.path === undefined || path.includes(fault.path) || to.includes(fault.path)
}
