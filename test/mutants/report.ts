/**
 * What came of all mutants, as a table; which tests noticed, how often, and how late:
 *
 *     M07  20 of 20     6.3 s  A version is kept only if the time at which it was written can be read
 *          20  a version that is dropped is seen by no readable time (test/history/garbage.test.ts),
 *              at the latest in case 3 of seed 1
 */
import { type Mutant } from './mutant.ts'
import { type Death, type Place, type Trial, isLater } from './trial.ts'

/** What came of a mutant, list by list. */
export interface Verdict {
  readonly mutant: Mutant
  readonly trials: readonly Trial[]
}

/** The lists of seeds on which a mutant was noticed. */
export function countKills({ trials }: Verdict): number {
  return trials.filter(({ death }) => death !== undefined).length
}

/** One line about a mutant, to read while the others are still tried. */
export function formatLine(verdict: Verdict): string {
  const { mutant, trials } = verdict
  const seconds = trials.reduce((sum, trial) => sum + trial.seconds, 0).toFixed(1)
  const kills = `${countKills(verdict)} of ${trials.length}`
  return `${mutant.id.padEnd(4)} ${kills.padEnd(8)} ${seconds.padStart(6)} s  ${mutant.title}\n`
}

/** Everything about all mutants. */
export function formatTable(verdicts: readonly Verdict[]): string {
  const kills = verdicts.reduce((sum, verdict) => sum + countKills(verdict), 0)
  const lists = verdicts.reduce((sum, { trials }) => sum + trials.length, 0)
  const lines = verdicts.map((verdict) => [formatLine(verdict), ...linesOf(verdict)].join(''))
  return `${lines.join('')}${verdicts.length} mutants, noticed on ${kills} of ${lists} lists of seeds\n`
}

function linesOf({ mutant, trials }: Verdict): readonly string[] {
  const deaths = trials.flatMap(({ death }) => death ?? [])
  const tests = [...new Set(deaths.map((death) => nameOf(death, mutant)))]
  const noticed = tests.map((test) => {
    const all = deaths.filter((death) => nameOf(death, mutant) === test)
    return `${String(all.length).padStart(2)}  ${test}${placeOf(all)}`
  })
  const faults = trials.flatMap(({ fault }) => (fault === undefined ? [] : [` ?  ${fault}`]))
  const alive = trials.filter(({ death, fault }) => death === undefined && fault === undefined)
  const missed = alive.map(({ firstSeed }) => ` -  LIVES; replay: ${replayOf(mutant, firstSeed)}`)
  return [...noticed, ...faults, ...missed].map((line) => `     ${line}\n`)
}

function nameOf({ file, test }: Death, { killer }: Mutant): string {
  return `${test} (${file}${file === killer ? '' : `, not ${killer}`})`
}

/** The latest place of several deaths by one test. */
function placeOf(deaths: readonly Death[]): string {
  const places = deaths.flatMap(({ place }) => place ?? [])
  if (places.length === 0) return ''
  const { run, seed } = places.reduce((latest: Place, place) => (isLater(place, latest) ? place : latest))
  const words = places.length === 1 ? 'in' : 'at the latest in'
  return `, ${words} case ${run} of seed ${seed}`
}

function replayOf({ id, killer }: Mutant, firstSeed: number): string {
  const command = 'npx vitest run --root . --config test/mutants/vitest.config.ts'
  return `MUTANT=${id} PALIMPSEST_SEED=${firstSeed} ${command} ${killer}`
}
