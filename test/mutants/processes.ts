/**
 * Processes: a mutant has one of its own, which loads the mutated sources once and goes through its lists of
 * seeds one after another:
 *
 *     main ──▶ process of M07 ──▶ list 1: garbage.test.ts fails
 *         │                  └──▶ list 2: garbage.test.ts passes, laws.test.ts fails
 *         └──▶ process of M08 ──▶ …
 *
 * A process that hangs ends with its answer about that list, and another one goes on. No process and no
 * file is left behind when this one ends, however it ends.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process, { env } from 'node:process'
import { fileURLToPath } from 'node:url'
import { type Order, type Trial } from './trial.ts'

const PROCESS_PATH = fileURLToPath(new URL('trial-process.js', import.meta.url))

const children = new Set<ChildProcess>()
const scratch = mkdtempSync(join(tmpdir(), 'mutants-'))
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})
process.on('SIGINT', () => process.exit(130))
process.on('SIGTERM', () => process.exit(143))

/** Tries a mutant, or the sources as they are, on lists of seeds. */
export async function runTrials(mutant: string | undefined, order: Order): Promise<readonly Trial[]> {
  const trials: Trial[] = []
  while (trials.length < order.seeds.length) {
    const seeds = order.seeds.slice(trials.length)
    const answers = await runProcess(mutant, { ...order, seeds })
    if (answers.length > 0) trials.push(...answers)
    else trials.push({ firstSeed: seeds[0]!, seconds: 0, fault: 'its process ended without an answer' })
  }
  return trials
}

function runProcess(mutant: string | undefined, order: Order): Promise<readonly Trial[]> {
  const child = fork(PROCESS_PATH, [JSON.stringify(order)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...env, MUTANT: mutant ?? '', TMPDIR: scratch },
  })
  children.add(child)
  return new Promise((resolve, reject) => {
    const trials: Trial[] = []
    child.on('message', (trial) => trials.push(trial as Trial))
    child.on('error', reject)
    child.on('close', () => {
      children.delete(child)
      resolve(trials)
    })
  })
}
