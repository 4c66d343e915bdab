/**
 * How something came to be what it is: `history`, `diff` and `explain`.
 */
import { type Command } from 'commander'
import { PalimpsestError } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type ExplainNotation, readLines, versionLines } from '../database/explain-text.ts'
import { type Key } from '../table/codec.ts'
import {
  type Change,
  type Difference,
  type ReadExplanation,
  type VersionExplanation,
} from '../table/state-history.ts'
import { type HybridTime, MAX_TIME, MIN_TIME, tickAfter } from '../time/hybrid-time.ts'
import { type Stretch } from '../time/stretches.ts'
import { KEYS_HELP, TIMES_HELP, examples, openToRead, parseCount } from './options.ts'
import { type Session } from './session.ts'
import { explainDash, keyOf, linePart, shownText, tableAsOf, writeLines } from './table.ts'
import { lineText, momentOf, timeText } from './text.ts'

interface HistoryFlags {
  readonly from?: string
  readonly to?: string
  readonly limit?: number
  readonly reverse?: true
  readonly base64?: true
}

interface DiffFlags extends HistoryFlags {
  readonly prefix?: string
}

interface ExplainFlags {
  readonly asOf?: string
  readonly version?: string
  readonly base64?: true
}

/** Adds the commands about how something came to be what it is. */
export function registerHistory(program: Command, session: Session): void {
  aboutTable(program.command('history'))
    .description('print how what a key shows has changed, restores included; exit 1 where there is nothing')
    .argument('<key>', 'the key')
    .option('--from <time>', 'from this time on (default: as far back as history reaches)')
    .option('--to <time>', 'up to this time (default: now)')
    .option('--limit <count>', 'at most so many', parseCount)
    .option('--reverse', 'the newest change first')
    .exitOverride(explainDash)
    .addHelpText('after', TIMES_HELP + KEYS_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest history history.palimpsest git.files README.md',
        'palimpsest history history.palimpsest git.files README.md --reverse --limit 3 --json',
      ]),
    )
    .action((directory: string, table: string, key: string, flags: HistoryFlags) =>
      history(session, directory, table, key, flags),
    )
  aboutTable(program.command('diff'))
    .description('print the keys whose values differ between two times, in key order')
    .requiredOption('--from <time>', 'the time before')
    .option('--to <time>', 'the time after (default: now)')
    .option('--prefix <key>', 'only keys that begin with this')
    .option('--limit <count>', 'at most so many', parseCount)
    .option('--reverse', 'from the last key to the first')
    .addHelpText('after', TIMES_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest diff history.palimpsest git.files --from -2d --to -1d',
        'palimpsest diff history.palimpsest git.files --from -1h --json',
      ]),
    )
    .action((directory: string, table: string, flags: DiffFlags & { readonly from: string }) =>
      diff(session, directory, table, flags),
    )
  aboutTable(program.command('explain'))
    .description('tell what a read looked at, or why a version is kept and when it can go')
    .argument('<key>', 'the key')
    .option('--as-of <time>', 'explain the read as of this time (default: now)')
    .option(
      '--version <time>',
      'explain the version that was written at this time; exit 1 where there is none',
    )
    .exitOverride(explainDash)
    .addHelpText('after', TIMES_HELP + KEYS_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest explain history.palimpsest git.files README.md --as-of -1d',
        'palimpsest explain history.palimpsest git.files README.md --version 1763633730123456.0007',
      ]),
    )
    .action((directory: string, table: string, key: string, flags: ExplainFlags) =>
      explain(session, directory, table, key, flags),
    )
}

function aboutTable(command: Command): Command {
  return command
    .argument('<dir>', 'the directory of the database')
    .argument('<table>', 'the full name of a table: keyspace.table')
    .option('--base64', 'keys are given in base64, for tables whose keys are bytes')
}

async function history(
  session: Session,
  directory: string,
  name: string,
  given: string,
  flags: HistoryFlags,
): Promise<void> {
  const key = keyOf(given, flags)
  using database = await openToRead(session, directory)
  const { from, limit, reverse } = flags
  const to = timeOf(database, flags.to)
  const changes = tableAsOf(database, name, to).history(key, { from, to, limit, reverse })
  const count = await writeLines(session, changes, changeRow, changeLine)
  if (count === 0) session.exitCode = 1
  session.note(`${shownText(count, 'change', flags)} up to ${timeText(to)}`)
}

async function diff(
  session: Session,
  directory: string,
  name: string,
  flags: DiffFlags & { readonly from: string },
): Promise<void> {
  const prefix = flags.prefix === undefined ? undefined : keyOf(flags.prefix, flags)
  using database = await openToRead(session, directory)
  const { limit, reverse } = flags
  const [from, to] = [timeOf(database, flags.from), timeOf(database, flags.to)]
  const found = tableAsOf(database, name, to).diff({ from, to, prefix, limit, reverse })
  const count = await writeLines(session, found, differenceRow, differenceLine)
  const those = count === limit ? ' that' : ''
  session.note(`${shownText(count, 'key', flags)}${those} changed from ${timeText(from)} to ${timeText(to)}`)
}

async function explain(
  session: Session,
  directory: string,
  name: string,
  given: string,
  { asOf, version, ...flags }: ExplainFlags,
): Promise<void> {
  if (asOf !== undefined && version !== undefined)
    throw new PalimpsestError(
      'INVALID_ARGUMENT',
      'a read is explained --as-of a time, or a --version, not both',
    )
  const key = keyOf(given, flags)
  using database = await openToRead(session, directory)
  if (version !== undefined) {
    const explained = database.table<Key>(name).explainVersion(key, version)
    if (explained.verdict === 'absent') session.exitCode = 1
    return session.result(versionRow(explained), () => versionLines(explained, NOTATION).join('\n'))
  }
  const time = timeOf(database, asOf)
  const explained = tableAsOf(database, name, time).explainRead(key, { asOf: time })
  await session.result(readRow(explained), () => readLines(explained, NOTATION).join('\n'))
}

function timeOf(database: Database, time = 'now'): HybridTime {
  return database.resolveTime(time)
}

const NOTATION: ExplainNotation = {
  start: timeText,
  end: timeText,
  stretch: ({ after, through }) => {
    const first = after === MIN_TIME ? 'from the beginning' : `from ${timeText(tickAfter(after))}`
    if (tickAfter(after) === through) return `at ${timeText(through)}`
    return through === MAX_TIME ? `${first} on` : `${first} through ${timeText(through)}`
  },
  key: linePart,
  value: linePart,
  reason: lineText,
}

/** `2026-… (…)<tab>cause<tab>= value`, or `absent` in its place. */
function changeLine({ time, cause, value }: Change): string {
  const what = value === undefined ? 'absent' : `= ${linePart(value)}`
  return `${timeText(time)}\t${cause}\t${what}`
}

function changeRow({ key, time, cause, value, versionTime }: Change): object {
  const version = versionTime === undefined ? null : momentOf(versionTime)
  return { key, ...momentOf(time), cause, found: value !== undefined, value, version }
}

/** `+ key<tab>value`, `- key<tab>value`, or `~ key<tab>before<tab>after`. */
function differenceLine({ key, before, after }: Difference): string {
  if (before === undefined) return `+ ${linePart(key)}\t${linePart(after)}`
  if (after === undefined) return `- ${linePart(key)}\t${linePart(before)}`
  return `~ ${linePart(key)}\t${linePart(before)}\t${linePart(after)}`
}

function differenceRow({ key, before, after, beforeTime, afterTime }: Difference): object {
  const side = (value: unknown, time: HybridTime | undefined) =>
    time === undefined ? null : { value, ...momentOf(time) }
  return { key, before: side(before, beforeTime), after: side(after, afterTime) }
}

function readRow({ key, asOf, generation, view, steps, value, versionTime }: ReadExplanation): object {
  const version = versionTime === undefined ? null : momentOf(versionTime)
  const answer = { found: value !== undefined, value, version }
  return withMoments({ key, asOf, generation, view: view.map(stretchRow), steps, ...answer })
}

function versionRow({ generations, keepers, ...rest }: VersionExplanation): object {
  return withMoments({
    ...rest,
    generations: generations.map(({ seen, readable, ...judgement }) => {
      return { ...judgement, seen: seen.map(stretchRow), readable: readable.map(stretchRow) }
    }),
    keepers: keepers.map(({ promise, times, ...keeper }) => {
      const held = { ...promise, times: promise.times.map(stretchRow) }
      return { ...keeper, times: times.map(stretchRow), promise: held }
    }),
  })
}

/** A stretch in JSON: both ends belong to it; one without a last time goes on. */
function stretchRow({ after, through }: Stretch): object {
  const last = through === MAX_TIME ? null : momentOf(through)
  return { first: momentOf(tickAfter(after)), last }
}

const TIME_FIELDS = new Set([
  'time',
  'asOf',
  'start',
  'end',
  'minTime',
  'maxTime',
  'hiddenBy',
  'cutoff',
  'from',
  'canGoFrom',
])

/** The same data with every hybrid time in both of its forms. */
function withMoments(row: object): object {
  const entries = Object.entries(row).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'bigint' && TIME_FIELDS.has(name)) return [name, momentOf(value as HybridTime)]
    if (name === 'value' || name === 'key') return [name, value]
    if (Array.isArray(value))
      return [name, value.map((item) => (isObject(item) ? withMoments(item) : item) as unknown)]
    return [name, isObject(value) ? withMoments(value) : value]
  })
  return Object.fromEntries(entries) as object
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
