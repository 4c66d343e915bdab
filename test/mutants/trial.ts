/**
 * Trials: test files run on the sources with a mutant in them, in a process of their own, until one test fails.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { env, execPath } from 'node:process'
import { clearTimeout, setTimeout } from 'node:timers'
import { type Mutant } from './mutant.ts'

/** How the tests are run, from the root of the project. */
export const CONFIG_PATH = 'test/mutants/vitest.config.ts'

/** A mutant that makes a test run for ever is noticed too: five minutes, in milliseconds. */
const HANGS_AFTER_MILLIS = 300_000

/** Where a mutant is looked for when the file that should notice it does not: the fast and broad ones first. */
const ESCALATION: readonly string[] = [
  'test/model/laws.test.ts',
  'test/history/garbage.test.ts',
  'test/recovery/restore.test.ts',
  'test/store/open.test.ts',
  'test/store/policies.test.ts',
  'test/table/state-history.test.ts',
  'test/crash/crash.test.ts',
]

/** How a mutant died. */
export interface Death {
  readonly file: string
  readonly test: string
  /** Of a property: the case, or the call that crashed, and of its how many-th seed; `undefined` for an example. */
  readonly fell?: { readonly runs: number; readonly seed: number } | undefined
}

/** What came of a trial; nobody noticed where `death` is `undefined`. */
export interface Verdict {
  readonly mutant: Mutant
  readonly firstSeed: number
  readonly death: Death | undefined
  readonly seconds: number
}

/** Tries a mutant on one list of seeds. */
export async function tryMutant(mutant: Mutant, firstSeed: number): Promise<Verdict> {
  const begin = performance.now()
  let death: Death | undefined
  for (const file of new Set([mutant.killer, ...ESCALATION])) {
    death = await runTests([file], mutant, firstSeed)
    if (death !== undefined) break
  }
  return { mutant, firstSeed, death, seconds: (performance.now() - begin) / 1000 }
}

/** Runs test files on a mutant, or on the sources as they are, until the first failure. */
export async function runTests(
  files: readonly string[],
  mutant: Mutant | undefined,
  firstSeed: number,
): Promise<Death | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'mutant-'))
  try {
    const report = join(directory, 'report.json')
    const end = await runVitest(files, report, {
      MUTANT: mutant?.id ?? '',
      PALIMPSEST_SEED: String(firstSeed),
    })
    if (end === 'hangs') return { file: files.join(' '), test: 'runs for ever' }
    return end === 0 ? undefined : deathIn(JSON.parse(readFileSync(report, 'utf8')) as Report, firstSeed)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function runVitest(
  files: readonly string[],
  report: string,
  environment: Readonly<Record<string, string>>,
): Promise<number | 'hangs'> {
  const paths = ['run', '--config', CONFIG_PATH, '--root', '.', ...files]
  const child = spawn(
    execPath,
    ['node_modules/vitest/vitest.mjs', ...paths, '--reporter=json', `--outputFile=${report}`],
    { stdio: 'ignore', env: { ...env, ...environment } },
  )
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      resolve('hangs')
    }, HANGS_AFTER_MILLIS)
    child.on('error', reject)
    child.on('exit', (status) => {
      clearTimeout(timer)
      resolve(status ?? 1)
    })
  })
}

/** What vitest's JSON reporter says, as far as it is read here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string
    readonly message?: string
    readonly assertionResults: readonly {
      readonly status: string
      readonly title: string
      readonly failureMessages?: readonly string[]
    }[]
  }[]
}

/** The test that failed. Sources that do not load prove nothing: such a mutant is itself at fault. */
function deathIn({ testResults }: Report, firstSeed: number): Death {
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed === undefined) continue
    const [message = ''] = failed.failureMessages ?? []
    const file = name.substring(name.lastIndexOf('/test/') + 1)
    return { file, test: failed.title, fell: placeIn(message, firstSeed) }
  }
  throw new Error(`no test failed, but the run did: ${testResults.map(({ message }) => message).join(' ')}`)
}

/** What a failure says of its place: fast-check, by itself and through `test/model`, and the crash checks. */
function placeIn(message: string, firstSeed: number): Death['fell'] {
  const runs = /after (\d+) (?:tests|runs)| point=(\d+)/.exec(message)
  const seed = /(?:seed: |seed=|PALIMPSEST_SEED=)(-?\d+)/.exec(message)?.[1]
  if (runs === null || seed === undefined) return undefined
  return { runs: Number(runs[1] ?? runs[2]), seed: Number(seed) - firstSeed + 1 }
}
