/**
 * Reading tables: `get` and `scan`. Both read at one time, which every answer says.
 *
 * In text, what is text is printed as it is and everything else as JSON; `--json` tells them apart.
 */
import { type Command, CommanderError } from 'commander'
import { PalimpsestError } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type Key } from '../table/codec.ts'
import { type Entry, type ScanOptions, type Table } from '../table/table.ts'
import { type HybridTime } from '../time/hybrid-time.ts'
import { KEYS_HELP, TIMES_HELP, examples, openToRead, parseCount } from './options.ts'
import { type Session } from './session.ts'
import { jsonText, lineText, manyText, momentOf, momentText, screenText, timeText } from './text.ts'

interface ReadFlags {
  readonly asOf?: string
  readonly base64?: true
}

interface ScanFlags extends ReadFlags {
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
  readonly prefix?: string
  readonly limit?: number
  readonly reverse?: true
}

/** Adds the commands that read tables. */
export function registerTable(program: Command, session: Session): void {
  reading(program.command('get'))
    .description('print the value of a key; exit 1 where it has none')
    .argument('<key>', 'the key')
    .exitOverride(explainDash)
    .addHelpText('after', TIMES_HELP + KEYS_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest get history.palimpsest git.files README.md',
        'palimpsest get history.palimpsest git.files README.md --as-of -1d --json',
        'palimpsest get history.palimpsest git.files --as-of -5m -- -key-with-a-dash',
      ]),
    )
    .action((directory: string, table: string, key: string, flags: ReadFlags) =>
      get(session, directory, table, key, flags),
    )
  reading(program.command('scan'))
    .description('print the keys of a range with their values, in key order: key, tab, value')
    .option('--gt <key>', 'only keys after this one')
    .option('--gte <key>', 'only this key and those after it')
    .option('--lt <key>', 'only keys before this one')
    .option('--lte <key>', 'only this key and those before it')
    .option('--prefix <key>', 'only keys that begin with this')
    .option('--limit <count>', 'at most so many', parseCount)
    .option('--reverse', 'from the last key to the first')
    .addHelpText('after', TIMES_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest scan history.palimpsest git.files --prefix src/ --limit 10',
        'palimpsest scan history.palimpsest git.files --as-of -1d --reverse',
        'palimpsest scan history.palimpsest git.commits --json | head -3',
      ]),
    )
    .action((directory: string, table: string, flags: ScanFlags) => scan(session, directory, table, flags))
}

function reading(command: Command): Command {
  return command
    .argument('<dir>', 'the directory of the database')
    .argument('<table>', 'the full name of a table: keyspace.table')
    .option('--as-of <time>', 'read as of this time (default: now)')
    .option('--base64', 'keys are given in base64, for tables whose keys are bytes')
}

/** What looks like an unknown option may be a key. */
export function explainDash(error: CommanderError): never {
  if (error.code !== 'commander.unknownOption' || error.message.includes('Did you mean')) throw error
  const message = `${error.message}; a key that begins with - is written behind --`
  throw new CommanderError(error.exitCode, error.code, message)
}

async function get(
  session: Session,
  directory: string,
  name: string,
  given: string,
  flags: ReadFlags,
): Promise<void> {
  const key = keyOf(given, flags)
  using database = await openToRead(session, directory)
  const time = database.resolveTime(flags.asOf ?? 'now')
  const table = tableAsOf(database, name, time)
  const [entry] = table.scan({ gte: key, lte: key, limit: 1 })
  const asOf = momentOf(time)
  if (entry === undefined) {
    session.exitCode = 1
    if (session.isJson) session.json({ key, found: false, asOf })
    else session.message(`palimpsest: ${name} has no ${jsonText(key)} as of ${momentText(asOf)}`)
    return
  }
  await session.result({ ...rowOf(entry, time), found: true }, () => valueText(session, entry.value))
  session.note(`as of ${momentText(asOf)}, written ${timeText(entry.time)}`)
}

/** A table by the name that it had at a time. */
export function tableAsOf(database: Database, name: string, time: HybridTime): Table {
  try {
    return database.asOf(time).table(name)
  } catch (error) {
    if (!(error instanceof PalimpsestError) || error.code !== 'UNKNOWN_TABLE') throw error
    const message = `${error.message} (as of ${momentOf(time).at})`
    throw new PalimpsestError(error.code, message, { ...error.details, asOf: momentOf(time) }, error)
  }
}

/** Lines are handed on in pieces of this many characters. */
const PIECE_LENGTH = 1 << 16

async function scan(session: Session, directory: string, name: string, flags: ScanFlags): Promise<void> {
  const options = scanOptionsOf(flags)
  using database = await openToRead(session, directory)
  const time = database.resolveTime(flags.asOf ?? 'now')
  const table = tableAsOf(database, name, time)
  const count = await writeLines(session, table.scan(options), (entry) => rowOf(entry, time), entryLine)
  session.note(`${shownText(count, 'key', flags)} as of ${timeText(time)}`)
}

/** How many were shown; of as many as were asked for nobody knows how many more there are. */
export function shownText(
  count: number,
  noun: string,
  { limit, reverse }: Pick<ScanFlags, 'limit' | 'reverse'>,
): string {
  const many = manyText(count, noun)
  return count === limit ? `the ${reverse ? 'last' : 'first'} ${many}` : many
}

/** Prints a list, a line for each item, however long it is. Answers how many there are. */
export async function writeLines<T>(
  session: Session,
  items: Iterable<T>,
  row: (item: T) => object,
  line: (item: T) => string,
): Promise<number> {
  const { stdout } = session.io
  let piece = ''
  let count = 0
  for (const item of items) {
    piece += `${session.isJson ? jsonText(row(item)) : line(item)}\n`
    count++
    if (piece.length < PIECE_LENGTH) continue
    stdout.write(piece)
    piece = ''
    await stdout.drained()
  }
  stdout.write(piece)
  return count
}

function scanOptionsOf(flags: ScanFlags): ScanOptions {
  const { gt, gte, lt, lte, prefix, limit, reverse } = flags
  const bound = (given: string | undefined) => (given === undefined ? undefined : keyOf(given, flags))
  return {
    gt: bound(gt),
    gte: bound(gte),
    lt: bound(lt),
    lte: bound(lte),
    prefix: bound(prefix),
    limit,
    reverse,
  }
}

/** A key as it is given on the command line. Throws `INVALID_KEY`. */
export function keyOf(given: string, { base64 }: Pick<ReadFlags, 'base64'>): Key {
  if (base64 === undefined) return given
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(given)) {
    throw new PalimpsestError('INVALID_KEY', `${JSON.stringify(given)} is not base64`)
  }
  return new Uint8Array(Buffer.from(given, 'base64'))
}

/** An answer in JSON. */
function rowOf({ key, value, time }: Entry<Key, unknown>, asOf: HybridTime): object {
  return { key, value, ...momentOf(time), asOf: momentOf(asOf) }
}

function entryLine({ key, value }: Entry<Key, unknown>): string {
  return `${linePart(key)}\t${linePart(value)}`
}

/** A key or a value as a part of a line. */
export function linePart(part: unknown): string {
  return typeof part === 'string' ? lineText(part) : jsonText(part)
}

/** A value by itself: text goes to a file or a pipe as it is. */
function valueText(session: Session, value: unknown): string {
  if (typeof value !== 'string') return jsonText(value)
  return session.io.stdout.isTty ? screenText(value) : value
}
