/**
 * Whole databases: `stats`, `check` and `compact`.
 */
import { type Command } from 'commander'
import { type DatabaseStats, type RecoveryStats, type TableStats, recoveryStats } from '../database/stats.ts'
import { type TabletCheck } from '../store/store.ts'
import { formatDuration } from '../time/duration.ts'
import { MIN_TIME, formatExact } from '../time/hybrid-time.ts'
import { type Column } from './grid.ts'
import { type Decision, decisionsText } from './decisions.ts'
import {
  type PolicyFlags,
  examples,
  openToLook,
  openToRead,
  openToWrite,
  pickerOption,
  policyOption,
} from './options.ts'
import { type Session } from './session.ts'
import { bytesText, countText, manyText, messageText, shellText } from './text.ts'

/** Adds the commands about whole databases. */
export function registerDatabase(program: Command, session: Session): void {
  program
    .command('stats')
    .description('print what a database holds and what that has cost')
    .argument('<dir>', 'the directory of the database')
    .addHelpText(
      'after',
      examples(['palimpsest stats history.palimpsest', 'palimpsest stats history.palimpsest --json']),
    )
    .action((directory: string) => stats(session, directory))
  program
    .command('check')
    .description('check every checksum and structural law, changing nothing; exit 1 on any fault')
    .argument('<dir>', 'the directory of the database')
    .addHelpText('after', examples(['palimpsest check history.palimpsest']))
    .action((directory: string) => check(session, directory))
  program
    .command('compact')
    .description('merge the files fully and drop what no readable time sees')
    .argument('<dir>', 'the directory of the database')
    .option('--table <table>', 'only this table: keyspace.table')
    .addOption(policyOption())
    .addOption(pickerOption())
    .option('--due', 'merge only what the policy finds due')
    .option('--explain', 'print each decision with the scores of all candidates')
    .addHelpText(
      'after',
      examples([
        'palimpsest compact history.palimpsest',
        'palimpsest compact history.palimpsest --table git.files',
        'palimpsest compact history.palimpsest --policy tiered --explain',
      ]),
    )
    .action((directory: string, flags: CompactFlags) => compact(session, directory, flags))
}

async function stats(session: Session, directory: string): Promise<void> {
  using database = await openToRead(session, directory)
  const found = database.stats()
  await session.result(found, () => statsText(session, found))
}

async function statsText(session: Session, found: DatabaseStats): Promise<string> {
  const { gridText } = await import('./grid.ts')
  const trees = [...found.tables, found.catalog].map((table) => {
    const beyond = table === found.catalog && table.keep !== 'forever' ? ', and as long as any table' : ''
    const heading = `${session.styled('bold', table.name)}: ${tableSummary(table, beyond)}`
    return `${heading}\n${gridText(session, LEVEL_COLUMNS, levelRows(table))}`
  })
  return [databaseSummary(found), ...trees].join('\n\n')
}

function databaseSummary(found: DatabaseStats): string {
  const { bytes, versions, compactions, logBytes, newest, durableThrough } = found
  const isKnown = durableThrough.time !== formatExact(MIN_TIME)
  return [
    `${manyText(versions, 'version')}, ${bytesText(bytes)} in tables, ${bytesText(logBytes)} of log; ` +
      manyText(compactions, 'compaction'),
    `newest time   ${newest.at}  ${newest.time}`,
    `durable to    ${isKnown ? `${durableThrough.at}  ${durableThrough.time}` : 'not known: nothing is in tables yet'}`,
  ].join('\n')
}

function tableSummary({ keep, cutoff, writeAmplification, totals }: TableStats, beyond: string): string {
  const kept =
    keep === 'forever' ? 'keeps history forever' : `keeps ${formatDuration(keep)}, from ${cutoff.at} on`
  const written = totals.flushedBytes === 0 ? '–' : writeAmplification.toFixed(2)
  return `${kept}${beyond}; write amplification ${written}`
}

const LEVEL_COLUMNS: readonly Column[] = [
  ['level', 'left'],
  ['runs', 'right'],
  ['tables', 'right'],
  ['bytes', 'right'],
  ['versions', 'right'],
  ['live', 'right'],
  ['superseded', 'right'],
  ['tombstones', 'right'],
]

function levelRows({ memtable, levels }: TableStats): readonly (readonly string[])[] {
  const rows = levels.map(({ level, runs, tables, bytes, versions, live, superseded, tombstones }) => {
    const counts = [versions, live, superseded, tombstones].map(countText)
    return [String(level), countText(runs), countText(tables), bytesText(bytes), ...counts]
  })
  return [['memory', '', '', bytesText(memtable.bytes), countText(memtable.versions), '', '', ''], ...rows]
}

async function check(session: Session, directory: string): Promise<void> {
  using database = await openToRead(session, directory)
  const tablets = database.check()
  const faults = tablets.flatMap((tablet) => tablet.faults)
  const isSound = faults.length === 0
  session.exitCode = isSound ? 0 : 1
  const recovery = recoveryStats(database.recovery)
  await session.result({ sound: isSound, faults, tablets, recovery }, () => {
    const summary = checkSummary(session, tablets, faults.length) + logSummary(recovery)
    return [...faults.map(messageText), summary].join('\n')
  })
}

function checkSummary(session: Session, tablets: readonly TabletCheck[], faults: number): string {
  const sum = (count: (tablet: TabletCheck) => number) =>
    tablets.reduce((all, tablet) => all + count(tablet), 0)
  const [read, unread] = [sum(({ tables }) => tables), sum(({ unreadTables }) => unreadTables)]
  const looked = [
    (unread === 0 ? '' : `${countText(read)} of `) + manyText(read + unread, 'table file'),
    manyText(
      sum(({ blocks }) => blocks),
      'block',
    ),
    manyText(
      sum(({ versions }) => versions),
      'version',
    ),
    bytesText(sum(({ bytes }) => bytes)),
  ].join(', ')
  const found =
    faults === 0 ? session.styled('green', 'sound') : session.styled('red', manyText(faults, 'fault'))
  const isWhole = tablets.every(({ isOrderChecked }) => isOrderChecked)
  return `${found}: checked ${looked}${isWhole ? '' : '; files of a tree with a fault were not held against each other'}`
}

/** What no table file has is in the log, which an opening reads to its end. */
function logSummary({ commits }: RecoveryStats): string {
  if (commits === 0) return ''
  return `; ${manyText(commits, 'commit')} of the log ${commits === 1 ? 'was' : 'were'} read when it was opened`
}

interface CompactFlags extends PolicyFlags {
  readonly table?: string
  readonly due?: true
  readonly explain?: true
}

async function compact(
  session: Session,
  directory: string,
  { table, due, explain, policy, picker }: CompactFlags,
): Promise<void> {
  if (table !== undefined && (policy ?? picker) !== undefined) {
    // To open a database with a policy changes it: a table that is not there is refused before.
    using found = await openToLook(session, directory)
    found.table(table)
  }
  using database = await openToWrite(session, directory, { policy, picker })
  const before = sizeOf(database.stats())
  const decisions: Decision[] = []
  database.on((event) => {
    if (event.kind !== 'compaction') return
    decisions.push({ table: database.tableOfTablet(event.tablet) ?? 'catalog', ...event })
  })
  if (due) database.flush(table)
  else database.compact(table)
  const after = sizeOf(database.stats())
  const about = { ...(table === undefined ? {} : { table }), policy: database.policy, before, after }
  await session.result(explain ? { ...about, decisions } : about, () => {
    const explained = explain ? `${decisionsText(session, decisions)}\n\n` : ''
    const versions = `${countText(before.versions)} → ${manyText(after.versions, 'version')}`
    const bytes = `${bytesText(before.bytes)} → ${bytesText(after.bytes)}`
    const what = table ?? 'all tables'
    const did = due ? `flushed ${what}, with ${workText(decisions)}` : `compacted ${what}`
    return `${explained}${did}: in the database with its catalog ${versions}, ${bytes} in table files`
  })
  session.note(`next: palimpsest stats ${shellText(directory)}`)
}

/** Compactions and moves, counted as `stats` counts them. */
function workText(decisions: readonly Decision[]): string {
  const moves = decisions.filter(({ how }) => how === 'move').length
  const merged = manyText(decisions.length - moves, 'compaction')
  return moves === 0 ? merged : `${merged}, ${manyText(moves, 'move')}`
}

function sizeOf({
  bytes,
  versions,
  logBytes,
}: DatabaseStats): Pick<DatabaseStats, 'bytes' | 'versions' | 'logBytes'> {
  return { bytes, versions, logBytes }
}
