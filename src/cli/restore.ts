/**
 * Putting things back: `restore`, `undo` and `restores`.
 */
import { type Command } from 'commander'
import { type Database } from '../database/database.ts'
import { type LaterWrite } from '../recovery/later-writes.ts'
import { type ListedRestore, type Restore } from '../recovery/recovery.ts'
import { formatExact } from '../time/hybrid-time.ts'
import { TIMES_HELP, examples, openToRead, openToWrite } from './options.ts'
import { type Session } from './session.ts'
import { linePart } from './table.ts'
import { manyText, screenText, shellText, timeText } from './text.ts'

interface RestoreFlags {
  readonly to: string
  readonly table?: string
  readonly dryRun?: true
}

/** Adds the commands that put things back. */
export function registerRestore(program: Command, session: Session): void {
  program
    .command('restore')
    .description('put a keyspace back to what it was at a time, in one commit; nothing is erased')
    .argument('<dir>', 'the directory of the database')
    .argument('<keyspace>', 'the keyspace, by the name that it had')
    .requiredOption('--to <time>', 'the time whose state comes back')
    .option('--table <table>', 'only this table of the keyspace')
    .option('-n, --dry-run', 'say what it would do, and do nothing')
    .addHelpText(
      'after',
      `${TIMES_HELP}\n${examples([
        'palimpsest restore history.palimpsest git --to -1d --dry-run',
        'palimpsest restore history.palimpsest git --to -5m --table files',
      ])}`,
    )
    .action((directory: string, keyspace: string, flags: RestoreFlags) =>
      restore(session, directory, keyspace, flags),
    )
  program
    .command('undo')
    .description('undo a restore; undoing an undo is a redo')
    .argument('<dir>', 'the directory of the database')
    .argument('<restore>', 'the id that restore printed')
    .option('-n, --dry-run', 'say what it would do, and do nothing')
    .addHelpText('after', examples(['palimpsest undo history.palimpsest restore-12']))
    .action((directory: string, id: string, flags: { dryRun?: true }) =>
      undo(session, directory, id, flags.dryRun === true),
    )
  program
    .command('restores')
    .description('list all restores and undos, oldest first')
    .argument('<dir>', 'the directory of the database')
    .addHelpText('after', examples(['palimpsest restores history.palimpsest']))
    .action((directory: string) => restores(session, directory))
}

async function restore(
  session: Session,
  directory: string,
  keyspace: string,
  { to, table, dryRun }: RestoreFlags,
): Promise<void> {
  if (dryRun === true) {
    using database = await openToRead(session, directory)
    return tell(session, directory, database.planRestore(keyspace, { to, table }))
  }
  using database = await openToWrite(session, directory)
  await tell(session, directory, await database.restore(keyspace, { to, table }))
}

async function undo(session: Session, directory: string, id: string, isDryRun: boolean): Promise<void> {
  if (isDryRun) {
    using database = await openToRead(session, directory)
    return tell(session, directory, database.planUndo(id), hiddenWrites(database, id))
  }
  using database = await openToWrite(session, directory)
  await tell(session, directory, await database.undo(id))
}

/** How many keys the undo hides that were written since, and the first of them. */
interface HiddenWrites {
  readonly count: number
  readonly first: readonly LaterWrite[]
}

/** That many are told of; the rest is counted. */
const HIDDEN_MAX = 20

function hiddenWrites(database: Database, id: string): HiddenWrites {
  const first: LaterWrite[] = []
  let count = 0
  for (const write of database.hiddenByUndo(id)) if (count++ < HIDDEN_MAX) first.push(write)
  return { count, first }
}

function hiddenLines({ count, first }: HiddenWrites): readonly string[] {
  if (count === 0) return ['  nothing was written since']
  const writes = first.map(({ table, key, time, isDelete }) => {
    const what = `${isDelete ? 'deleted' : 'written'} ${timeText(time)}`
    return `    ${screenText(table)} ${linePart(key)}  ${what}`
  })
  const rest = count > first.length ? [`    and ${manyText(count - first.length, 'key')} more`] : []
  return [`  hides what was written since: ${manyText(count, 'key')}`, ...writes, ...rest]
}

function hiddenJson({ count, first }: HiddenWrites): object {
  const writes = first.map(({ key, time, ...rest }) => {
    return { ...rest, key, time: formatExact(time) }
  })
  return { hides: { count, first: writes } }
}

async function tell(
  session: Session,
  directory: string,
  done: Restore,
  hidden?: HiddenWrites,
): Promise<void> {
  const { id, tables, time } = done
  const json = { ...restoreJson(done), ...(hidden === undefined ? {} : hiddenJson(hidden)) }
  await session.result(json, () => {
    const did = time === undefined ? 'would put back' : 'put back'
    const lines = tables.map(({ name, action }) => `  ${screenText(name)} ${ACTIONS[action]}`)
    return [
      `${did} ${screenText(done.keyspace)} to ${done.toAt}  ${formatExact(done.to)}: ${manyText(tables.length, 'table')}`,
      ...lines,
      ...(hidden === undefined ? [] : hiddenLines(hidden)),
    ].join('\n')
  })
  if (time !== undefined) session.note(`undo it with: palimpsest undo ${shellText(directory)} ${id}`)
}

const ACTIONS = {
  rewound: 'shows what it showed then',
  returns: 'was dropped since and comes back',
  hidden: 'was created since and is hidden',
} as const

async function restores(session: Session, directory: string): Promise<void> {
  using database = await openToRead(session, directory)
  const all = database.restores()
  if (session.isJson) {
    for (const each of all) session.json(restoreJson(each))
    return
  }
  await session.result(undefined, () =>
    all.length === 0 ? 'nothing was restored' : all.map(lineOf).join('\n'),
  )
}

function lineOf({ id, cause, keyspace, table, to, time, undoes, undoneBy }: ListedRestore): string {
  const what = screenText(table === undefined ? keyspace : `${keyspace}.${table}`)
  const how = cause === 'restore' ? `put ${what} back to ${timeText(to)}` : `undid ${undoes} of ${what}`
  const when = time === undefined ? '' : timeText(time)
  return `${id}  ${when}  ${how}${undoneBy === undefined ? '' : `; undone by ${undoneBy}`}`
}

/** Times are exact text, never numbers; what is not there is left out. */
function restoreJson({ to, time, ...rest }: Restore | ListedRestore): object {
  return { ...rest, to: formatExact(to), time: time === undefined ? undefined : formatExact(time) }
}
