/** The process of one mutant: runs test files on its lists of seeds, and sends a {@link Trial} for each. */
import process, { argv, env, exit } from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { type TestModule, type Vitest, createVitest } from 'vitest/node'
import { type Death, type Order, type Trial, deathOf } from './trial.ts'
import config from './vitest.config.ts'

/** A mutant that makes a test run for ever is noticed too: five minutes, in milliseconds. */
const HANGS_AFTER_MILLIS = 300_000

process.on('disconnect', () => exit(1))
const { files, seeds } = JSON.parse(argv[2]!) as Order
const vitest = await startVitest()
for (const firstSeed of seeds) {
  const begin = performance.now()
  const end = await tryList(firstSeed)
  await tell({ firstSeed, seconds: (performance.now() - begin) / 1000, ...end })
  // Nothing but its end stops a thread that goes round in a circle.
  if (end.hangs === true) exit(0)
}
await vitest.close()
exit(0)

function startVitest(): Promise<Vitest> {
  const options = { ...config.test, config: false as const, watch: false, reporters: [{}] }
  return createVitest('test', options, { plugins: config.plugins ?? [] })
}

/** What came of a list of seeds. */
interface End extends Pick<Trial, 'death' | 'fault'> {
  readonly hangs?: boolean
}

async function tryList(firstSeed: number): Promise<End> {
  env['PALIMPSEST_SEED'] = String(firstSeed)
  for (const file of files) {
    const end = await Promise.race([runFile(file, firstSeed), hangs(file)])
    if (end !== 'lives') return end
  }
  return {}
}

async function runFile(file: string, firstSeed: number): Promise<End | 'lives'> {
  const specifications = await vitest.globTestSpecifications([file])
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications)
  const death = testModules.map((module) => deathIn(module, file, firstSeed)).find((one) => one !== undefined)
  if (death !== undefined) return { death }
  const errors = [...testModules.flatMap((module) => module.errors()), ...unhandledErrors]
  if (testModules.length === 1 && errors.length === 0) return 'lives'
  return { fault: `no test of ${file} failed, but the run did: ${errors.map(messageOf).join(' ')}` }
}

/** The first test that failed. */
function deathIn(module: TestModule, file: string, firstSeed: number): Death | undefined {
  const [failed] = module.children.allTests('failed')
  if (failed === undefined) return undefined
  return deathOf(file, failed.name, failed.result().errors?.[0]?.message ?? '', firstSeed)
}

function hangs(file: string): Promise<End> {
  const death = { file, test: 'runs for ever' }
  return setTimeout(HANGS_AFTER_MILLIS, { death, hangs: true }, { ref: false })
}

function tell(trial: Trial): Promise<void> {
  return new Promise((resolve) => {
    process.send!(trial, () => {
      resolve()
    })
  })
}

function messageOf(error: unknown): string {
  return (error as { readonly message?: string }).message ?? String(error)
}
