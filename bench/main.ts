/**
 * Benchmarks by name: `npm run -s bench -- level --json`. There is one file for each.
 *
 * They are compiled, because Node 20 runs no TypeScript, and with the sources that they measure, so that
 * `bench/dist` is whole and no stale build is ever measured. It is not in git.
 */
import { argv, exit, stderr, stdout } from 'node:process'
import { type Benchmark } from './benchmark.ts'

const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  compaction: async () => (await import('./compaction.ts')).benchmarkCompaction,
  level: async () => (await import('./level.ts')).benchmarkLevel,
  memory: async () => (await import('./memory.ts')).benchmarkMemory,
  pauses: async () => (await import('./pauses.ts')).benchmarkPauses,
  peers: async () => (await import('./peers.ts')).benchmarkPeers,
  profile: async () => (await import('./profile.ts')).benchmarkProfile,
  reads: async () => (await import('./reads.ts')).benchmarkReads,
  restore: async () => (await import('./restore.ts')).benchmarkRestore,
  scans: async () => (await import('./scans.ts')).benchmarkScans,
}

const [name = '', ...flags] = argv.slice(2)
const load = BENCHMARKS[name]
if (load === undefined || flags.some((flag) => flag !== '--json')) {
  stderr.write(`usage: npm run -s bench -- <${Object.keys(BENCHMARKS).join('|')}> [--json]\n`)
  exit(2)
}
const benchmark = await load()
const { data, lines } = await benchmark((line) => stderr.write(`${line}\n`))
stdout.write(flags.includes('--json') ? `${JSON.stringify(data)}\n` : `${lines.join('\n')}\n`)
