/**
 * The main job: `start`.
 */
import { tmpdir } from 'node:os'
import { type Command } from 'commander'
import { examples, parseCount, seedOption } from './options.ts'
import { type Session } from './session.ts'

interface StartFlags {
  readonly keepIn: string
  readonly seed: number
  readonly restoreTo?: string
  readonly rows?: number
}

/** Adds the command that runs the main job. */
export function registerStart(program: Command, session: Session): void {
  program
    .command('start')
    .description('the main job: import a git history, prove every moment of it, weigh policies, restore')
    .option('--keep-in <dir>', 'where the directory of the results is made', tmpdir())
    .option('--restore-to <commit>', 'the commit to restore, by its id or the beginning of it')
    .addOption(seedOption('chooses what is sampled and read, and the commit to restore'))
    .option('--rows <n>', 'rows that each of the nine databases gets at least (default: 40000)', parseCount)
    .addHelpText(
      'after',
      `
It takes the history of the repository that it stands in, or a generated one
where that has fewer than 20 commits. Exit 1 if a commit that can be read is not
what git recorded.`,
    )
    .addHelpText(
      'after',
      examples([
        'palimpsest start',
        'palimpsest start --restore-to 1f3a9c --seed 7',
        'palimpsest start --keep-in . --json',
      ]),
    )
    .action((flags: StartFlags) => start(session, flags))
}

async function start(session: Session, flags: StartFlags): Promise<void> {
  const { runMainJob } = await import('../lab/main-job/main-job.ts')
  const keepIn = session.path(flags.keepIn)
  const report = await runMainJob({
    directory: session.io.cwd,
    keepIn,
    seed: flags.seed,
    restoreTo: flags.restoreTo,
    rowsMin: flags.rows,
    onProgress: (step, done, total) => session.progress(step, done, total),
  })
  session.exitCode = report.isProved ? 0 : 1
  await session.result(report, async () => {
    const { reportText } = await import('./start-text.ts')
    return reportText(session, report)
  })
}
