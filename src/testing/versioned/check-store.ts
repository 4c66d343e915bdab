/**
 * Checks a store with random operations: draws runs, finds the first that goes wrong, makes it short, and
 * throws it with one line that finds it again.
 */
import * as fc from 'fast-check'
import { type OptionNames, checkOptions, checkWhole, pickOptions } from '../../base/arguments.ts'
import { PalimpsestError } from '../../base/errors.ts'
import { type PlanOptions, PLAN_OPTIONS, anyPlan } from './arbitraries.ts'
import { checkReplay, checkSubject } from './arguments.ts'
import { type StoreUnderTest } from './contract.ts'
import { StoreFinding } from './finding.ts'
import { type Met, newRunRecord, runPlan } from './run.ts'

/** How to check a store. */
export interface CheckStoreOptions extends StoreUnderTest, Omit<PlanOptions, 'supports'> {
  /** How many runs to try. @defaultValue 100 */
  readonly runs?: number | undefined
  /**
   * Decides every run. Of a number beyond 32 bits the lowest 32 do, with a sign: reports and replay lines have that one.
   * @defaultValue another one each time
   */
  readonly seed?: number | undefined
  /** With `seed`: the one case to run, from a replay line. */
  readonly path?: string | undefined
  /** Milliseconds for all runs. What is not done by then has failed. @defaultValue 60,000 */
  readonly timeLimitMillis?: number | undefined
}

const CHECK_OPTIONS: OptionNames<CheckStoreOptions> = {
  ...PLAN_OPTIONS,
  open: true,
  runs: true,
  seed: true,
  path: true,
  timeLimitMillis: true,
}

/** What was tried. */
export interface CheckStoreReport {
  readonly runs: number
  readonly seed: number
  /** What all runs together have met. */
  readonly met: Readonly<Met>
}

/**
 * Checks a store against the reference store. Throws a {@link StoreFinding} with the shortest run that was
 * found to go wrong, or one that says that time ran out; and `INVALID_ARGUMENT`.
 *
 * @example
 * await checkStore({ open: () => new MyStore(), supports: ['collect'] })
 */
export async function checkStore(options: CheckStoreOptions): Promise<CheckStoreReport> {
  checkSubject(options)
  checkOptions(options, CHECK_OPTIONS)
  const { runs = 100, seed, path, timeLimitMillis = 60_000 } = options
  checkWhole('runs', runs, 1)
  checkWhole('timeLimitMillis', timeLimitMillis, 1)
  checkReplay(seed, path)
  const record = newRunRecord()
  let tried = 0
  let isOver = false
  const plans = anyPlan(pickOptions<PlanOptions>(options, PLAN_OPTIONS))
  const property = fc.asyncProperty(plans, async (plan) => {
    // Behind a case that is run again and goes well, fast-check would try others.
    if (isOver) throw new fc.PreconditionFailure(true)
    tried++
    await runPlan(options, plan, record)
    isOver = path !== undefined && tried === 1
  })
  const details = await checked(property, {
    numRuns: runs,
    interruptAfterTimeLimit: timeLimitMillis,
    // A run that never ended has shown nothing.
    markInterruptAsFailure: true,
    ...(seed === undefined ? {} : { seed }),
    ...(path === undefined ? {} : { path }),
  })
  if (isOver || !details.failed) return { runs: details.numRuns, seed: details.seed, met: record.met }
  if (details.counterexamplePath !== null) throw findingOf(details, details.counterexamplePath)
  // Of a store that does not let itself be closed, what it did wrong before; no shorter run was looked for.
  if (record.found !== undefined) {
    const replay = { seed: details.seed, path: path ?? String(tried - 1), runs: tried }
    throw new StoreFinding(record.found.counterexample, { replay, cause: record.found.cause })
  }
  throw new StoreFinding({
    operations: [...record.operations],
    expected: `${runs} runs within ${timeLimitMillis} ms`,
    actual: `${details.numRuns}, and then so far`,
  })
}

/** As `fc.check`; a path that leads nowhere is the caller's mistake. */
async function checked<T>(
  property: fc.IAsyncProperty<T>,
  parameters: fc.Parameters<T>,
): Promise<fc.RunDetails<T>> {
  const { path, seed } = parameters
  const noCase = (cause?: unknown): PalimpsestError =>
    new PalimpsestError('INVALID_ARGUMENT', `there is no case ${path} of the seed ${seed}`, {}, cause)
  try {
    const details = await fc.check(property, parameters)
    if (!details.failed && details.numRuns === 0) throw noCase()
    return details
  } catch (cause) {
    throw path === undefined || cause instanceof PalimpsestError ? cause : noCase(cause)
  }
}

function findingOf<T>({ errorInstance, seed, numRuns }: fc.RunDetails<T>, path: string): Error {
  // Anything else is a fault of how the check was set up, such as a method that is missing.
  if (!(errorInstance instanceof StoreFinding)) return errorInstance as Error
  const replay = { seed, path, runs: numRuns }
  return new StoreFinding(errorInstance.counterexample, { replay, cause: errorInstance.cause })
}
