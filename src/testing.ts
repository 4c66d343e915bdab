/**
 * The testing kit, for users: golden scripts, and crashes at every call of a workload.
 */
export { type CrashOptions, type CrashReport, CrashFinding, checkCrashes } from './testing/crash/crash.ts'
export { type ScriptReport, checkScript, runScript } from './testing/script/script.ts'
