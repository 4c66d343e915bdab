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

/** Checks the crashes of workloads from a seed on, prints what was met, and fails if some kind never was. */
export function checkManyCrashes(first: number): void {
  const met = { workloads: 0, points: 0, images: 0, duplicates: 0, shortened: 0, nested: 0, delayed: 0 }
  const byChoice: Record<string, number> = {}
  const byCall: Record<string, number> = {}
  for (let seed = first; met.images < IMAGES; seed++) {
    const report = checkCrashes({ seed, operations: 25, drawn: DRAWN, singlesMax: 12, readInFull: 2 })
    met.workloads++
    for (const name of ['points', 'images', 'duplicates', 'shortened', 'nested', 'delayed'] as const)
      met[name] += report[name]
    add(byChoice, report.byChoice)
    add(byCall, report.byCall)
  }
  console.log(`crashes from seed ${first} on: ${JSON.stringify({ ...met, byChoice, byCall })}`)
  expect(met.shortened).toBeGreaterThan(0)
  expect(met.nested).toBeGreaterThan(0)
  // Every second workload has jobs that wait; a short run may have none.
  if (met.workloads >= 12) expect(met.delayed).toBeGreaterThan(0)
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
