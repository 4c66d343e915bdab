/**
 * Benchmarks by name: `npm run -s bench -- level --json`. There is one file for each.
 *
 * They are compiled, because Node 20 runs no TypeScript, and with the sources that they measure, so that
 * `bench/dist` is whole and no stale build is ever measured. It is not in git.
 */
import { argv, exit, stderr, stdout } from 'node:process'
import { type Benchmark } from './benchmark.ts'

/** A benchmark that can be asked for: what it measures, in a line, and where it is. */
interface Listed {
  readonly about: string
  readonly load: () => Promise<Benchmark>
}

/** By name. A map, so that no word is found that is not one of them. */
const BENCHMARKS: ReadonlyMap<string, Listed> = new Map<string, Listed>(
  Object.entries({
    compaction: {
      about: 'how fast a full compaction merges, beside LevelDB',
      load: async () => (await import('./compaction.ts')).benchmarkCompaction,
    },
    level: {
      about: 'palimpsest/level beside classic-level, at what both can do',
      load: async () => (await import('./level.ts')).benchmarkLevel,
    },
    memory: {
      about: 'how much memory a process takes for ten times its cache',
      load: async () => (await import('./memory.ts')).benchmarkMemory,
    },
    pauses: {
      about: 'how long a put can take while many follow each other',
      load: async () => (await import('./pauses.ts')).benchmarkPauses,
    },
    peers: {
      about: 'this engine beside LMDB, SQLite and LevelDB, which it installs first',
      load: async () => (await import('./peers.ts')).benchmarkPeers,
    },
    profile: {
      about: 'in which functions the tasks of peers spend their time here',
      load: async () => (await import('./profile.ts')).benchmarkProfile,
    },
    reads: {
      about: 'single reads: by depth of history, cold, and what they allocate',
      load: async () => (await import('./reads.ts')).benchmarkReads,
    },
    restore: {
      about: 'restores and undos by size, and reads after a thousand of them',
      load: async () => (await import('./restore.ts')).benchmarkRestore,
    },
    scans: {
      about: 'what a scan of 100 keys as of a time is made of',
      load: async () => (await import('./scans.ts')).benchmarkScans,
    },
  }),
)

const HELP_FLAGS = ['--help', '-h']

function helpText(): string {
  const lines = [...BENCHMARKS].map(([name, { about }]) => `  ${name.padEnd(12)}${about}\n`)
  return `usage: npm run -s bench -- <name> [--json]\n\n${lines.join('')}\nFindings go to stdout, how far it is to stderr.\n`
}

const words = argv.slice(2)
if (words.some((word) => HELP_FLAGS.includes(word))) {
  stdout.write(helpText())
  exit(0)
}
const [name = '', ...others] = words.filter((word) => word !== '--json')
const listed = BENCHMARKS.get(name)
if (listed === undefined || others.length > 0) {
  const unknown = listed === undefined ? name : others[0]
  if (unknown) stderr.write(`there is no ${JSON.stringify(unknown)}\n`)
  stderr.write(helpText())
  exit(2)
}
const benchmark = await listed.load()
const { data, lines } = await benchmark((line) => stderr.write(`${line}\n`))
stdout.write(words.includes('--json') ? `${JSON.stringify(data)}\n` : `${lines.join('\n')}\n`)
