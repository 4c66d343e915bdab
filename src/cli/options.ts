/**
 * What several commands have in common: options and how they are read, and opening databases.
 */
import { InvalidArgumentError, Option } from 'commander'
import { PalimpsestError } from '../base/errors.ts'
import { type Database } from '../database/database.ts'
import { type OpenOptions } from '../database/options.ts'
import { parseDuration } from '../time/duration.ts'
import { type PickerName } from '../storage/pickers.ts'
import { type PolicyName } from '../storage/policy.ts'
import { tellRecovery } from './recovery.ts'
import { type Session } from './session.ts'

/** The part of a help text that shows how a command is used. */
export function examples(lines: readonly string[]): string {
  return ['', 'Examples:', ...lines.map((line) => `  ${line}`)].join('\n')
}

/** What a time may be, for help texts. */
export const TIMES_HELP: string = `
A time is ISO text (2025-11-20T10:15:30Z, or the day alone), Unix seconds,
milliseconds or microseconds, the exact form that answers have
(1763633730123456.0007), now, -5m, "minus 3d 4h", or the name of a hold or a
restore. It is inclusive. Where a git history was imported, now is the time of
its newest commit: -5m counts from there, and a later time lies in the future.
As of a time before a table was made, there is no such table.`

/** How keys are given, for help texts. */
export const KEYS_HELP: string = `
A key that begins with - is written behind --, the options before it.`

/** A count on the command line. */
export function parseCount(text: string): number {
  const count = /^\d+$/.test(text) ? Number(text) : NaN
  if (!Number.isSafeInteger(count)) throw new InvalidArgumentError('It is not a whole number.')
  return count
}

/** The option of a seed, with what the seed does. */
export function seedOption(what: string): Option {
  return new Option('--seed <n>', what).argParser(parseCount).default(1)
}

/** A length of history on the command line. */
export function parseKeep(text: string): string {
  if (text === 'forever') return text
  try {
    parseDuration(text)
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
    throw new InvalidArgumentError(
      `It is neither forever nor a duration such as 24h or 365d: ${error.message}.`,
    )
  }
  return text
}

/** How files are merged, as flags say it. */
export interface PolicyFlags {
  readonly policy?: PolicyName
  readonly picker?: PickerName
}

const POLICY_CHOICES: readonly PolicyName[] = ['leveled', 'tiered', 'lazy-leveled']
const PICKER_CHOICES: readonly PickerName[] = ['round-robin', 'least-overlap', 'oldest', 'most-garbage']

/** The option that says by which policy files are merged from now on. */
export function policyOption(): Option {
  return new Option('--policy <name>', 'how files are merged from now on (at first: leveled)').choices(
    POLICY_CHOICES,
  )
}

/** The option that says which table leveling merges next. */
export function pickerOption(): Option {
  return new Option(
    '--picker <name>',
    'which file of a full level leveling merges next (at first: round-robin)',
  ).choices(PICKER_CHOICES)
}

/** Opens a database that is there, to read it. */
export function openToRead(session: Session, directory: string): Promise<Database> {
  return openExisting(session, directory, { readOnly: true })
}

/** As {@link openToRead}, for a look before it is opened otherwise: that will tell what its opening found. */
export function openToLook(session: Session, directory: string): Promise<Database> {
  return openQuietly(session, directory, { readOnly: true })
}

/** Opens a database that is there, to change it. */
export function openToWrite(
  session: Session,
  directory: string,
  options: OpenOptions = {},
): Promise<Database> {
  return openExisting(session, directory, { ...options, readOnly: false })
}

async function openExisting(session: Session, directory: string, options: OpenOptions): Promise<Database> {
  const database = await openQuietly(session, directory, options)
  tellRecovery(session, database)
  return database
}

async function openQuietly(session: Session, directory: string, options: OpenOptions): Promise<Database> {
  const { open } = await import('../index.ts')
  return naming(directory, () => open(session.path(directory), { ...options, create: false }))
}

/** Opens a database; a refusal to take a directory for one says which directory, as it was given. */
export function naming(directory: string, open: () => Database): Database {
  try {
    return open()
  } catch (error) {
    if (!(error instanceof PalimpsestError) || error.code !== 'NOT_A_DATABASE') throw error
    // The cause is what was said before the full path was.
    const { message } = error.cause instanceof PalimpsestError ? error.cause : error
    throw new PalimpsestError(
      error.code,
      `${directory}: ${message}${othersText(error.details)}`,
      { ...error.details, directory },
      error,
    )
  }
}

/** What else a directory holds that is no database: the first names of it, if there are any. */
function othersText({ found }: PalimpsestError['details']): string {
  if (!Array.isArray(found) || found.length === 0) return ''
  return `, and is not empty: ${found.join(', ')}${found.length === FOUND_MAX ? ' …' : ''}`
}

/** So many names a refusal has at most. */
const FOUND_MAX = 5
