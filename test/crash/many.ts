/**
 * Crash checks at scale: workload after workload, every call a crash point, until so many images were
 * opened; and what they were, by model and by the call that the crash came before.
 */
import { expect } from 'vitest'
import { checkCrashes } from '../../src/testing/crash/crash.ts'

/** Images of one file of long tests; there are two files, for two cores. */
const IMAGES = Number(process.env['PALIMPSEST_IMAGES'] ?? 100_000)
/** At each point these are tried beside none, all, and each pending thing alone; many are the same image. */
const DRAWN = 25

/** What is added up over the workloads. */
const SUMS = [
  'points',
  'images',
  'duplicates',
  'shortened',
  'nested',
  'delayed',
  'recoveredByThread',
] as const
type Sums = Record<'workloads' | (typeof SUMS)[number], number>

/** Checks the crashes of workloads from a seed on, prints what was met, and fails if some kind never was. */
export function checkManyCrashes(first: number): void {
  const met = { workloads: 0, ...Object.fromEntries(SUMS.map((name) => [name, 0])) } as Sums
  const byChoice: Record<string, number> = {}
  const byCall: Record<string, number> = {}
  for (let seed = first; met.images < IMAGES; seed++) {
    const report = checkCrashes({ seed, operations: 25, drawn: DRAWN, singlesMax: 12, readInFull: 2 })
    met.workloads++
    for (const name of SUMS) met[name] += report[name]
    add(byChoice, report.byChoice)
    add(byCall, report.byCall)
  }
  console.log(`crashes from seed ${first} on: ${JSON.stringify({ ...met, byChoice, byCall })}`)
  expect(met.shortened).toBeGreaterThan(0)
  expect(met.nested).toBeGreaterThan(0)
  // Every second workload has jobs that wait, and so has every second recovery; a short run may have none.
  if (met.workloads >= 12) expect(Math.min(met.delayed, met.recoveredByThread)).toBeGreaterThan(0)
  for (const choice of CHOICES) expect(byChoice[choice], choice).toBeGreaterThan(0)
  for (const call of CALLS) expect(byCall[call], call).toBeGreaterThan(0)
}

/** Every model (`none` is `synced-only`), and what is chosen beside them. */
const CHOICES = ['process-kill', 'none', 'prefix', 'weak', 'hostile', 'all', 'without', 'only']
/** Every call of the engine that changes the disk. */
const CALLS = [
  'append',
  'create',
  'lock',
  'makeDirectory',
  'remove',
  'rename',
  'sync',
  'syncDirectory',
  'unlock',
  'the end',
]

function add(sum: Record<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) sum[name] = (sum[name] ?? 0) + count
}
