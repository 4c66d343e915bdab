/**
 * The other world, for users: a disk that fails and crashes where a plan says so, and chance from a seed; with what it
 * takes to open a database on it, or to be another file system.
 */
export { type Checksum, crc32 } from './base/checksum.ts'
export { type FileOperation } from './storage/file-rules.ts'
export { type AppendFile, type FileLock, type FileSystem, type RandomFile } from './storage/files.ts'
export { FaultFiles, type FaultFilesOptions, type FileCall } from './simulator/fault-files.ts'
export { type FileFacts } from './simulator/disk.ts'
export {
  type CrashFault,
  type ErrorFault,
  type Fault,
  type FaultPlan,
  type FlipFault,
  type LieFault,
  SimulatedCrash,
} from './simulator/fault-plan.ts'
export { CRASH_MODELS, type CrashModel } from './simulator/crash-models.ts'
export { type CrashChoice, type CrashChoiceOptions, describeChoice } from './simulator/crash-choices.ts'
export { type Random, type RandomStream, seededRandom } from './simulator/random.ts'
