/**
 * Keeping times readable: `hold add`, `hold list` and `hold release`.
 */
import { type Command } from 'commander'
import { PalimpsestError } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type HoldOptions } from '../database/options.ts'
import { type KeptVersions } from '../history/hold-usage.ts'
import { type Hold, type NamedHold } from '../store/holds.ts'
import { parseDuration } from '../time/duration.ts'
import { tickAfter } from '../time/hybrid-time.ts'
import { type Stretch } from '../time/stretches.ts'
import { TIMES_HELP, examples, openToRead, openToWrite } from './options.ts'
import { type Session } from './session.ts'
import { writeLines } from './table.ts'
import { bytesText, lineText, manyText, momentOf, shellText, timeText } from './text.ts'

interface AddFlags extends Pick<HoldOptions, 'table' | 'keyspace' | 'owner' | 'reason'> {
  readonly at?: string
  readonly from?: string
  readonly through?: string
  readonly expires?: string
}

interface ListFlags {
  readonly usage?: true
}

/** Adds the commands about holds. */
export function registerHold(program: Command, session: Session): void {
  const hold = program
    .command('hold')
    .description('keep times readable beyond the window')
    .addHelpText(
      'after',
      examples([
        'palimpsest hold add history.palimpsest audit --at -1d --reason "kept until the audit"',
        'palimpsest hold list history.palimpsest --usage',
        'palimpsest hold release history.palimpsest audit',
      ]),
    )
  registerAdd(hold, session)
  hold
    .command('list')
    .description('list the holds in the order in which they were placed')
    .argument('<dir>', 'the directory of the database')
    .option('--usage', 'with what each alone keeps, and all together; reads every version once')
    .addHelpText('after', USAGE_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest hold list history.palimpsest',
        'palimpsest hold list history.palimpsest --usage',
      ]),
    )
    .action((directory: string, flags: ListFlags) => list(session, directory, flags))
  hold
    .command('release')
    .description('let a hold go; the next compaction may drop what it alone kept')
    .argument('<dir>', 'the directory of the database')
    .argument('<name>', 'the name of the hold')
    .addHelpText('after', examples(['palimpsest hold release history.palimpsest audit']))
    .action((directory: string, name: string) => release(session, directory, name))
}

const USAGE_HELP = `
What a hold keeps alone could be dropped if it were released and all else stayed
as it is. What two holds keep is kept by neither alone. Bytes are those of keys
and values, before they are packed into files.`

function registerAdd(hold: Command, session: Session): void {
  hold
    .command('add')
    .description('keep a time, or all times of a stretch, readable until it is released or expires')
    .argument('<dir>', 'the directory of the database')
    .argument('<name>', 'a name, which can be used as a time from then on')
    .option('--at <time>', 'the time to keep')
    .option('--from <time>', 'the first time to keep, together with --through')
    .option('--through <time>', 'the last time to keep')
    .option('--table <table>', 'only of this table: keyspace.table (default: of everything)')
    .option('--keyspace <keyspace>', 'only of the tables of this keyspace')
    .option('--owner <owner>', 'who wants it (default: user)')
    .option('--reason <text>', 'what it is for')
    .option('--expires <when>', 'a duration from now (30d), or a time to come; default: never')
    .addHelpText('after', TIMES_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest hold add history.palimpsest audit --at -1d --reason "kept until the audit"',
        'palimpsest hold add history.palimpsest week --from -7d --through now --table git.files --expires 30d',
      ]),
    )
    .action((directory: string, name: string, flags: AddFlags) => add(session, directory, name, flags))
}

async function add(
  session: Session,
  directory: string,
  name: string,
  { at, from, through, expires, table, keyspace, owner, reason }: AddFlags,
): Promise<void> {
  if (through !== undefined && from === undefined)
    throw new PalimpsestError('INVALID_ARGUMENT', 'a stretch has a first time: --from is missing')
  using database = await openToWrite(session, directory)
  // The flags of all commands are among those of this one.
  const options = { at, from, through, table, keyspace, owner, reason }
  const placed = database.hold({ name, ...options, ...expiryOf(expires) })
  await session.result(holdRow(placed), () => `holds ${holdText(placed)}`)
  session.note(`let it go with: palimpsest hold release ${shellText(directory)} ${name}`)
}

/** What begins like a duration is one from now on; everything else is a time. */
function expiryOf(given: string | undefined): Pick<HoldOptions, 'expiresIn' | 'expiresAt'> {
  if (given === undefined) return {}
  try {
    return { expiresIn: parseDuration(given) }
  } catch (error) {
    if (!(error instanceof PalimpsestError) || /^\s*\d+\s*[a-zµμ]/i.test(given)) throw error
    return { expiresAt: given }
  }
}

async function list(session: Session, directory: string, { usage }: ListFlags): Promise<void> {
  using database = await openToRead(session, directory)
  if (usage) return listUsage(session, database)
  const count = await writeLines(session, database.holds(), holdRow, holdText)
  session.note(manyText(count, 'hold'))
}

async function listUsage(session: Session, database: Database): Promise<void> {
  const { holds, together } = database.holdUsage()
  await writeLines(
    session,
    holds,
    ({ hold, alone }) => ({ ...holdRow(hold), alone }),
    ({ hold, alone }) => `${holdText(hold)}\n  alone keeps ${keptText(alone)}`,
  )
  if (session.isJson) session.json({ kind: 'together', ...together })
  else await session.result(undefined, () => `together ${keptText(together)} beyond the windows of tables`)
}

async function release(session: Session, directory: string, name: string): Promise<void> {
  using database = await openToWrite(session, directory)
  const released = database.holds().find((hold) => hold.kind === 'hold' && hold.name === name)
  database.release(name)
  await session.result({ released: true, ...holdRow(released!) }, () => `released ${holdText(released!)}`)
  session.note(`next: palimpsest compact ${shellText(directory)}`)
}

/** `audit: git.files`, and below it the times and the rest, a line each. */
function holdText(hold: Hold): string {
  const { on, times, since, until } = hold
  const heading = hold.kind === 'hold' ? hold.name : `cursor ${hold.id}`
  const about = hold.kind === 'hold' ? aboutText(hold) : ''
  return [
    `${heading}: ${on === '*' ? 'everything' : on}${about}`,
    ...times.map(stretchText),
    `  since ${timeText(since)}, until ${until === undefined ? 'it is released' : timeText(until)}`,
  ].join('\n')
}

function aboutText({ owner, reason }: NamedHold): string {
  return `, by ${lineText(owner)}${reason === '' ? '' : `: ${lineText(reason)}`}`
}

function stretchText({ after, through }: Stretch): string {
  const first = tickAfter(after)
  if (first === through) return `  at ${timeText(through)}`
  return `  from ${timeText(first)}\n  through ${timeText(through)}`
}

/** `from` and `through` both belong to it, and can be given to `hold add` again. */
function holdRow(hold: Hold): object {
  const { kind, on, times, since, until } = hold
  const about =
    hold.kind === 'hold' ? { name: hold.name, owner: hold.owner, reason: hold.reason } : { id: hold.id }
  return {
    kind,
    ...about,
    on,
    times: times.map(({ after, through }) => ({
      from: momentOf(tickAfter(after)),
      through: momentOf(through),
    })),
    since: momentOf(since),
    until: until === undefined ? null : momentOf(until),
  }
}

function keptText({ versions, bytes }: KeptVersions): string {
  return `${manyText(versions, 'version')}, ${bytesText(bytes)}`
}
