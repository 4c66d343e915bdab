/**
 * The testing kit, for users. It needs the package `fast-check`, which is an optional peer of this one.
 *
 * - For stores of one's own: the contract of a versioned store, the reference store, random operations, and
 *   the conformance suite.
 * - For this engine: golden scripts, and crashes at every call of a workload.
 */
export {
  type Awaitable,
  type Capability,
  type Entries,
  type Entry,
  type ScanRange,
  type StoreSnapshot,
  type StoreUnderTest,
  type VersionedStore,
  type Write,
  TICKS_PER_MICROSECOND,
  bytesOfKey,
  keyOfBytes,
} from './testing/versioned/contract.ts'
export { type Commit, ReferenceStore } from './testing/versioned/reference-store.ts'
export {
  type Moment,
  type Operation,
  type OperationKind,
  type Plan,
  type PlannedRange,
  type PlannedWrite,
} from './testing/versioned/plan.ts'
export {
  type PlanOptions,
  anyKey,
  anyKeys,
  anyMoment,
  anyPlan,
  anyValue,
} from './testing/versioned/arbitraries.ts'
export { type Met, type RunRecord, newRunRecord, runPlan } from './testing/versioned/run.ts'
export { type CheckStoreOptions, type CheckStoreReport, checkStore } from './testing/versioned/check-store.ts'
export { type Counterexample, type Replay, StoreFinding } from './testing/versioned/finding.ts'
export {
  type ConformanceCase,
  type ConformanceOptions,
  type ConformanceReport,
  type ConformanceResult,
  conformance,
  conformanceCases,
} from './testing/versioned/conformance.ts'
export { type CrashOptions, type CrashReport, CrashFinding, checkCrashes } from './testing/crash/crash.ts'
export {
  type ScriptMismatch,
  type ScriptParagraph,
  type ScriptReport,
  type ScriptStep,
  checkScript,
  runScript,
} from './testing/script/script.ts'
