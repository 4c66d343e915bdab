/**
 * Plants bugs, one at a time, and asks whether the tests notice: `npm run -s mutants`.
 *
 *     --only M07,D01   these alone
 *     --seeds 20       so many lists of fresh seeds for each; one unless given
 *     --jobs 1         so many trials at once; as many as there are cores unless given
 *
 * First the test files are run on the sources as they are: a test that fails by itself kills everything. A mutant
 * that survives more than one list of seeds in twenty (with one list: at all) makes the exit code 1; the tests are
 * at fault then, not the mutant.
 */
import { availableParallelism } from 'node:os'
import { cwd, exit, stderr, stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { type Mutant, readMutants } from './mutant.ts'
import { CONFIG_PATH, type Verdict, runTests, tryMutant } from './trial.ts'

/** Of twenty lists of seeds, so many may miss a mutant. */
const MISSES_IN_TWENTY = 1

const { values } = parseArgs({
  options: { only: { type: 'string' }, seeds: { type: 'string' }, jobs: { type: 'string' } },
})
const only = values.only?.split(',')
const mutants = readMutants(cwd()).filter(({ id }) => only?.includes(id) ?? true)
const unknown = only?.filter((id) => !mutants.some((mutant) => mutant.id === id)) ?? []
if (unknown.length > 0) fail(`no mutant ${unknown.join(', ')}`)

const seeds = Array.from({ length: Number(values.seeds ?? 1) }, freshSeed)
const jobs = Number(values.jobs ?? availableParallelism())

await checkHealth()
const trials = mutants.flatMap((mutant) => seeds.map((seed) => ({ mutant, seed })))
const verdicts = await inParallel(trials, ({ mutant, seed }) => tryAndTell(mutant, seed))
const kills = mutants.map(({ id }) => ({ id, count: countKills(id) }))
const missed = kills.filter(({ count }) => count < seeds.length)
const total = kills.reduce((sum, { count }) => sum + count, 0)
stdout.write(`${mutants.length} mutants, killed in ${total} of ${verdicts.length} trials\n`)
for (const { id, count } of missed) stdout.write(`${id} in ${count} of ${seeds.length}\n`)
const allowed = Math.floor((MISSES_IN_TWENTY * seeds.length) / 20)
exit(missed.some(({ count }) => count < seeds.length - allowed) ? 1 : 0)

/** Without a mutant, everything that is expected to kill one passes. */
async function checkHealth(): Promise<void> {
  const files = [...new Set(mutants.map(({ killer }) => killer))]
  const seed = freshSeed()
  const deaths = await inParallel(files, (file) => runTests([file], undefined, seed))
  const [death] = deaths.flatMap((one) => one ?? [])
  if (death !== undefined) fail(`without a mutant, ${death.file} fails: ${death.test}; seed ${seed}`)
}

async function tryAndTell(mutant: Mutant, seed: number): Promise<Verdict> {
  const verdict = await tryMutant(mutant, seed)
  stdout.write(`${lineOf(verdict)}\n`)
  return verdict
}

function lineOf({ mutant, firstSeed, death, seconds }: Verdict): string {
  const head = `${mutant.id.padEnd(4)} ${seconds.toFixed(1).padStart(5)} s  ${mutant.title}`
  const replay = `MUTANT=${mutant.id} PALIMPSEST_SEED=${firstSeed} npx vitest run --root . --config ${CONFIG_PATH}`
  if (death === undefined) return `${head}\n       SURVIVED; replay: ${replay} ${mutant.killer}`
  const { file, test, fell } = death
  const runs = fell === undefined ? 'an example' : `case ${fell.runs} of seed ${fell.seed}`
  const where = file === mutant.killer ? file : `${file}, not ${mutant.killer}`
  return `${head}\n       ${runs}: ${test} (${where})`
}

function countKills(id: string): number {
  return verdicts.filter(({ mutant, death }) => mutant.id === id && death !== undefined).length
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
