/**
 * The peers' packages: native code that stays out of the product's own install. They are installed on first
 * use, from `bench/package.json` and its lockfile.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// Compiled, this file lies two folders deeper.
const BENCH = fileURLToPath(new URL('../..', import.meta.url))

/** Installs them, if they are not there. Throws if that fails. */
export function installPeers(progress: (line: string) => void): void {
  if (existsSync(`${BENCH}/node_modules/better-sqlite3`)) return
  progress('installing the peers: better-sqlite3 is compiled, which takes about two minutes')
  // What npm says goes to stderr: stdout is for the findings.
  const { status } = spawnSync('npm', ['ci'], { cwd: BENCH, stdio: ['ignore', 2, 2] })
  if (status !== 0) throw new Error(`npm ci in bench/ has failed: exit ${String(status)}`)
}
