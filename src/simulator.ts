/**
 * The other world, for users: a disk that fails and crashes where a plan says so, and chance from a seed.
 */
export { FaultFiles, type FaultFilesOptions, type FileCall } from './simulator/fault-files.ts'
export { type Fault, type FaultPlan, SimulatedCrash } from './simulator/fault-plan.ts'
export { CRASH_MODELS, type CrashModel } from './simulator/crash-models.ts'
export { type CrashChoice, type CrashChoiceOptions, describeChoice } from './simulator/crash-choices.ts'
export { type Random, type RandomStream, seededRandom } from './simulator/random.ts'
