/**
 * The main job: `start`.
 */
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { type Command } from 'commander'
import { type MainJobReport, type WindowReport } from '../lab/main-job.ts'
import { type Column } from './grid.ts'
import { examples } from './options.ts'
import { type Session } from './session.ts'
import { bytesText, countText, manyText, shellText } from './text.ts'

/** Adds the command that runs the main job. */
export function registerStart(program: Command, session: Session): void {
  program
    .command('start')
    .description('the main job: import a git history, prove every moment of it, weigh retention windows')
    .option('--keep-in <dir>', 'where the directory of the results is made', tmpdir())
    .addHelpText(
      'after',
      `
It takes the history of the repository that it stands in, or a generated one where that has fewer than
20 commits. Exit 1 if a commit that can be read is not what git recorded.`,
    )
    .addHelpText('after', examples(['palimpsest start', 'palimpsest start --keep-in . --json']))
    .action((flags: { keepIn: string }) => start(session, flags.keepIn))
}

async function start(session: Session, keptIn: string): Promise<void> {
  const { runMainJob } = await import('../lab/main-job.ts')
  const keepIn = session.path(keptIn)
  mkdirSync(keepIn, { recursive: true })
  const report = runMainJob({
    directory: session.io.cwd,
    keepIn,
    onProgress: (step, done, total) => session.progress(step, done, total),
  })
  session.exitCode = report.isProved ? 0 : 1
  await session.result(report, () => reportText(session, report))
}

/** What the main job found, for people. */
export async function reportText(session: Session, report: MainJobReport): Promise<string> {
  const { gridText } = await import('./grid.ts')
  return [
    session.styled('bold', 'History'),
    ...historyLines(report),
    '',
    session.styled('bold', 'Every moment read back, and compared with the tree that git recorded'),
    gridText(session, STEP_COLUMNS, stepRows(report)),
    '',
    session.styled('bold', 'What a retention window keeps, and what that costs'),
    gridText(session, WINDOW_COLUMNS, report.windows.map(windowRow)),
    '',
    report.isProved
      ? session.styled('green', 'Proved: every commit that can be read is what git recorded.')
      : session.styled('red', 'NOT PROVED: a commit is not what git recorded.'),
    '',
    `The databases stay in ${report.directory}. Try next:`,
    ...nextCommands(report).map((line) => `  ${line}`),
  ].join('\n')
}

function historyLines({ source, levels, compactions, writeAmplification }: MainJobReport): readonly string[] {
  return [
    `  ${source.because}`,
    `  ${manyText(source.commits, 'commit')} with ${manyText(source.changes, 'change')}, imported into ` +
      `${manyText(levels.length, 'level')} by ${manyText(compactions, 'compaction')}; ` +
      `write amplification ${writeAmplification.toFixed(2)}`,
  ]
}

const STEP_COLUMNS: readonly Column[] = [
  ['when', 'left'],
  ['commits', 'right'],
  ['matched', 'right'],
  ['mismatched', 'right'],
  ['unreadable', 'right'],
]

function stepRows({ steps }: MainJobReport): readonly (readonly string[])[] {
  return steps.map(({ step, verified: { commits, matched, mismatched, unreadable } }) => [
    step,
    ...[commits, matched, mismatched, unreadable].map(countText),
  ])
}

const WINDOW_COLUMNS: readonly Column[] = [
  ['window', 'right'],
  ['versions', 'right'],
  ['bytes', 'right'],
  ['write amp.', 'right'],
  ['readable from', 'left'],
  ['through', 'left'],
  ['verified', 'right'],
  ['refused', 'right'],
]

function windowRow(window: WindowReport): readonly string[] {
  const { share, versions, bytes, writeAmplification, readableFrom, readableThrough, verified } = window
  return [
    `${Number((share * 100).toPrecision(3))} %`,
    countText(versions),
    bytesText(bytes),
    writeAmplification.toFixed(2),
    secondsText(readableFrom),
    secondsText(readableThrough),
    countText(verified.matched),
    countText(verified.unreadable),
  ]
}

/** The ISO form without decimals, for a table. */
function secondsText(at: string): string {
  return at.replace(/\.\d+Z$/, 'Z')
}

function nextCommands({ database, windows, example }: MainJobReport): readonly string[] {
  const place = shellText(database)
  const key = example.path.startsWith('-') ? `-- ${shellText(example.path)}` : shellText(example.path)
  return [
    `npx palimpsest get ${place} git.files --as-of ${example.at} ${key}`,
    `npx palimpsest stats ${place}`,
    `npx palimpsest git verify ${shellText(windows[0]?.directory ?? database)}`,
  ]
}
