/**
 * Git histories: `git import`, `git verify` and `git restore-check`.
 */
import { type Command, Option } from 'commander'
import { PalimpsestError } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type GeometryName } from '../storage/geometry.ts'
import {
  type PolicyFlags,
  examples,
  naming,
  openToRead,
  parseKeep,
  pickerOption,
  policyOption,
} from './options.ts'
import { tellRecovery } from './recovery.ts'
import { registerRestoreCheck } from './restore-check.ts'
import { type Session } from './session.ts'
import { countText, lineText, manyText, momentOf, momentText, shellText } from './text.ts'

interface ImportFlags extends PolicyFlags {
  readonly keep?: string
  readonly geometry?: GeometryName
  readonly contents?: true
}

/** Adds the commands about git histories. */
export function registerGit(program: Command, session: Session): void {
  const git = program
    .command('git')
    .description('git histories: paths are keys, commits are transactions')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      examples([
        'palimpsest git import . history.palimpsest',
        'palimpsest git verify history.palimpsest --json',
        'palimpsest git restore-check history.palimpsest',
      ]),
    )
  git
    .command('import')
    .description('import the first-parent history of a repository or of a log; again, adds what is new')
    .argument('<source>', 'a repository, a .gitlog file, or - for a log on standard input')
    .argument('<dir>', 'the directory of the database; made where there is none')
    .option(
      '--keep <duration>',
      'how long history is kept: forever, or 365d (default: as it was, at first forever)',
      parseKeep,
    )
    .addOption(
      new Option(
        '--geometry <name>',
        'for a new database: tiny takes small data through every level',
      ).choices(GEOMETRY_CHOICES),
    )
    .addOption(policyOption())
    .addOption(pickerOption())
    .option('--contents', 'store the contents of files too (from a repository only)')
    .addHelpText('after', IMPORT_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest git import . history.palimpsest --contents',
        'palimpsest git import toydb.gitlog toydb.palimpsest --keep 365d --geometry tiny',
        'git -c core.quotePath=false log --first-parent --reverse --raw --no-abbrev --no-renames \\',
        "    --diff-merges=first-parent --format='commit %H %T %ct' HEAD | palimpsest git import - x.palimpsest",
      ]),
    )
    .action((source: string, directory: string, flags: ImportFlags) =>
      importGit(session, source, directory, flags),
    )
  git
    .command('verify')
    .description('read every commit back and compare its tree with what git recorded; exit 1 on a mismatch')
    .argument('<dir>', 'the directory of the database')
    .addHelpText(
      'after',
      examples([
        'palimpsest git verify history.palimpsest',
        'palimpsest git verify history.palimpsest --json',
      ]),
    )
    .action((directory: string) => verifyGit(session, directory))
  registerRestoreCheck(git, session)
}

const GEOMETRY_CHOICES: readonly GeometryName[] = ['default', 'tiny']

const IMPORT_HELP = `
Makes the tables git.files (path: mode, object id, with --contents the text) and
git.commits. Every commit is one atomic batch at its committer time, or right
behind the commit before it where git's times go back. A malformed log is
refused before anything is made, and a commit that does not go on where the
database stands before it is written. An import that was killed goes on when it
is given again; some dozens of commits then get later times than git has. How
many got such times is said; git.commits has the time of git beside ours.`

async function importGit(
  session: Session,
  given: string,
  directory: string,
  { keep, geometry, contents, policy, picker }: ImportFlags,
): Promise<void> {
  const [{ open }, { assertTakesHistory, importHistory }, { openGitSource }] = await Promise.all([
    import('../index.ts'),
    import('../lab/git/import.ts'),
    import('./git-source.ts'),
  ])
  using source = openGitSource(session, given, contents === true)
  const path = session.path(directory)
  let isNew = true
  const { database, report } = importHistory(
    (clock) =>
      naming(directory, () => {
        // To open a database with a policy changes it: one that takes no history is refused before.
        using found =
          (policy ?? picker ?? geometry) === undefined
            ? undefined
            : openIfThere(() => open(path, { readOnly: true }))
        if (found !== undefined) assertTakesHistory(found)
        isNew = found === undefined
        return open(path, { clock, geometry, policy, picker })
      }),
    source.commits,
    {
      keep,
      readBlobs: contents && source.readBlobs,
      onProgress: (done) => session.progress('importing commits', done, source.total),
    },
  )
  tellRecovery(session, database)
  database.close()
  const { commits, changes, skipped, later, isWithoutContents } = report
  const [from, through] = [report.from && momentOf(report.from), report.through && momentOf(report.through)]
  const remarks: string[] = []
  if (isWithoutContents)
    remarks.push('--contents stores those of new commits: what was there already has none')
  if (!isNew && geometry !== undefined) {
    const kept = `${lineText(directory)} keeps the sizes that it was made with`
    remarks.push(`--geometry is for a new database: ${kept}`)
  }
  if (!session.isJson) for (const remark of remarks) session.message(`palimpsest: ${remark}`)
  await session.result({ commits, skipped, changes, later, from, through, directory, remarks }, () => {
    const added = `imported ${manyText(commits, 'commit')} (${manyText(changes, 'change')}) into ${lineText(directory)}`
    const span = from && through ? `, ${momentText(from)} to ${momentText(through)}` : ''
    const known = skipped === 0 ? '' : `; ${countText(skipped)} were there already`
    return `${added}${span}${known}${later === 0 ? '' : `; ${countText(later)} got later times than git has`}`
  })
  session.note(`next: palimpsest git verify ${shellText(directory)}`)
}

/** Opens a database, unless there is none. */
function openIfThere(open: () => Database): Database | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof PalimpsestError && error.code === 'NOT_A_DATABASE') return undefined
    throw error
  }
}

async function verifyGit(session: Session, directory: string): Promise<void> {
  const { verifyHistory } = await import('../lab/git/verify.ts')
  using database = await openToRead(session, directory)
  const found = verifyHistory(database, (done, total) => session.progress('verifying commits', done, total))
  if (found.mismatched > 0) session.exitCode = 1
  await session.result(found, () => {
    const { commits, matched, mismatched, unreadable, firstMismatch } = found
    const counts = `${countText(matched)} matched, ${countText(mismatched)} mismatched, ${countText(unreadable)} unreadable`
    const first =
      firstMismatch &&
      `\nfirst mismatch: commit ${firstMismatch.commit}: tree ${firstMismatch.expected} expected, ${firstMismatch.found} found`
    const style = mismatched > 0 ? 'red' : 'green'
    return `${manyText(commits, 'commit')}: ${session.styled(style, counts)}${first ?? ''}`
  })
}
