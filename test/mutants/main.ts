/**
 * Plants bugs, one at a time, and asks whether the tests notice: `npm run -s mutants`.
 *
 *     --only M07,D01   these alone
 *     --seeds 20       so many lists of fresh seeds for each; one unless given
 *     --jobs 1         so many mutants at once; as many as there are cores unless given
 *     --json           every trial as data instead of the table
 *
 * First the test files are run on the sources as they are: a test that fails by itself kills everything. A mutant
 * that survives more than one list of seeds in twenty (with one list: at all) makes the exit code 1; the tests are
 * at fault then, not the mutant.
 */
import { availableParallelism } from 'node:os'
import { cwd, exit, stderr, stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { type Mutant, readMutants } from './mutant.ts'
import { type Verdict, countKills, formatLine, formatTable } from './report.ts'
import { runTrials } from './processes.ts'

/** Of twenty lists of seeds, so many may miss a mutant. */
const MISSES_IN_TWENTY = 1

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

const values = options()
const only = values.only?.split(',')
const mutants = readMutants(cwd()).filter(({ id }) => only?.includes(id) ?? true)
const unknown = only?.filter((id) => !mutants.some((mutant) => mutant.id === id)) ?? []
if (unknown.length > 0) fail(`no mutant ${unknown.join(', ')}`)
const seeds = Array.from({ length: Number(values.seeds) }, freshSeed)
const jobs = Number(values.jobs)

await checkHealth()
const verdicts = await inParallel(mutants, tryMutant)
stdout.write(values.json ? `${JSON.stringify(verdicts)}\n` : formatTable(verdicts))
const allowed = Math.floor((MISSES_IN_TWENTY * seeds.length) / 20)
exit(verdicts.some((verdict) => countKills(verdict) < seeds.length - allowed) ? 1 : 0)

function options() {
  try {
    const { values: given } = parseArgs({
      options: {
        only: { type: 'string' },
        seeds: { type: 'string', default: '1' },
        jobs: { type: 'string', default: String(availableParallelism()) },
        json: { type: 'boolean', default: false },
      },
    })
    return given
  } catch (error) {
    stderr.write(`${(error as Error).message}\n`)
    stderr.write('usage: npm run -s mutants -- [--only M07,D01] [--seeds 20] [--jobs 1] [--json]\n')
    exit(2)
  }
}

/** Without a mutant, everything that may kill one passes; of some mutants alone, what should kill them. */
async function checkHealth(): Promise<void> {
  const killers = mutants.map(({ killer }) => killer)
  const files = [...new Set(only === undefined ? [...ESCALATION, ...killers] : killers)]
  const first = seeds.slice(0, 1)
  const trials = await inParallel(files, (file) => runTrials(undefined, { files: [file], seeds: first }))
  const whys = trials
    .flat()
    .flatMap(({ death, fault }) => fault ?? (death && `${death.file}: ${death.test}`) ?? [])
  if (whys.length > 0) fail(`without a mutant, with seed ${first.join()}: ${whys.join(', ')}`)
  stderr.write(`without a mutant, ${files.length} test files pass\n`)
}

/** Tries a mutant on all lists of seeds, and says how it went while the others are still tried. */
async function tryMutant(mutant: Mutant): Promise<Verdict> {
  const files = [...new Set([mutant.killer, ...ESCALATION])]
  const verdict = { mutant, trials: await runTrials(mutant.id, { files, seeds }) }
  stderr.write(formatLine(verdict))
  return verdict
}

/** The results of all items, some of them worked on at a time. */
async function inParallel<T, U>(items: readonly T[], work: (item: T) => Promise<U>): Promise<readonly U[]> {
  const results: U[] = []
  let next = 0
  const worker = async () => {
    while (next < items.length) {
      const at = next++
      results[at] = await work(items[at]!)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return results
}

function freshSeed(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0]! & (2 ** 31 - 1)
}

function fail(why: string): never {
  stderr.write(`${why}\n`)
  exit(1)
}
