/**
 * Benchmarks by name: `npm run -s bench -- level --json`. There is one file for each.
 *
 * They are compiled, because Node 20 runs no TypeScript, and with the sources that they measure, so that
 * `bench/dist` is whole and no stale build is ever measured. It is not in git.
 */
import { stderr, stdout } from 'node:process'
import { Command } from 'commander'
import { type Benchmark } from './benchmark.ts'

const program = new Command('npm run -s bench --')
  .description('Findings go to stdout, how far it is to stderr.')
  .helpCommand(false)

add('compaction', 'how fast a full compaction merges, beside LevelDB', async () => {
  return (await import('./compaction.ts')).benchmarkCompaction
})
add('level', 'palimpsest/level beside classic-level, at what both can do', async () => {
  return (await import('./level.ts')).benchmarkLevel
})
add('memory', 'how much memory a process takes for ten times its cache', async () => {
  return (await import('./memory.ts')).benchmarkMemory
})
add('pauses', 'how long a put can take while many follow each other', async () => {
  return (await import('./pauses.ts')).benchmarkPauses
})
add('peers', 'this engine beside LMDB, SQLite and LevelDB, which it installs first', async () => {
  return (await import('./peers.ts')).benchmarkPeers
})
add('profile', 'in which functions the tasks of peers spend their time here', async () => {
  return (await import('./profile.ts')).benchmarkProfile
})
add('reads', 'single reads: by depth of history, cold, and what they allocate', async () => {
  return (await import('./reads.ts')).benchmarkReads
})
add('restore', 'restores and undos by size, and reads after a thousand of them', async () => {
  return (await import('./restore.ts')).benchmarkRestore
})
add('scans', 'what a scan of 100 keys as of a time is made of', async () => {
  return (await import('./scans.ts')).benchmarkScans
})
add('types', 'what the types of keys and values cost', async () => {
  return (await import('./types.ts')).benchmarkTypes
})
await program.parseAsync()

/** A benchmark that can be asked for. Only the one that is asked for is loaded. */
function add(name: string, about: string, load: () => Promise<Benchmark>): void {
  program
    .command(name)
    .description(about)
    .option('--json', 'as data, and nothing else on stdout')
    .action(async ({ json }: { json?: true }) => {
      const benchmark = await load()
      const { data, lines } = await benchmark((line) => stderr.write(`${line}\n`))
      stdout.write(json ? `${JSON.stringify(data)}\n` : `${lines.join('\n')}\n`)
    })
}
