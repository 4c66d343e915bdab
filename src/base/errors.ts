/**
 * The one error class of the project, and the list of its codes.
 *
 * A code exists only if a caller would react differently to it. Every code has a heading in
 * `docs/errors.md` that says what to do; a test compares the two lists.
 */

/** Why an operation was refused or could not be done. The codes are stable; messages are not. */
export const ERROR_CODES = [
  /** An argument has the wrong type or shape. */
  'INVALID_ARGUMENT',
  /** A time expression, a duration or a hybrid time cannot be read. */
  'INVALID_TIME',
  /** The time lies after the clock's current microsecond. */
  'FUTURE_TIME',
  /** The time is no longer, or was never, readable. */
  'HISTORY_GONE',
  /** The key has the wrong type for its table, or is not well-formed text. */
  'INVALID_KEY',
  /** The value has the wrong type for its table, or cannot be stored. */
  'INVALID_VALUE',
  /** A key, a value or a batch is larger than the engine's limits. */
  'TOO_LARGE',
  /** No keyspace of this name, now or at the time asked for. */
  'UNKNOWN_KEYSPACE',
  /** No table of this name, now or at the time asked for. */
  'UNKNOWN_TABLE',
  /** A keyspace, table or hold of this name exists already. */
  'NAME_TAKEN',
  /** No restore of this id. */
  'UNKNOWN_RESTORE',
  /** The restore has been undone already. */
  'ALREADY_UNDONE',
  /** No hold of this name. */
  'UNKNOWN_HOLD',
  /** The directory holds something, but no database. */
  'NOT_A_DATABASE',
  /** Another process, or another handle of this one, has the database open for writing, or writes so busily that none can open it for reading. */
  'DATABASE_LOCKED',
  /** The handle, or the database under it, was closed. */
  'CLOSED',
  /** The database was opened for reading only. */
  'READ_ONLY',
  /** An earlier write or sync failed; the database takes no more writes until it is reopened. */
  'STORE_FAILED',
  /** A commit log has damage that is not a torn tail. */
  'LOG_CORRUPT',
  /** The manifest has damage that is not a torn tail. */
  'MANIFEST_CORRUPT',
  /** A table file is missing, or a checksum or a structural law fails. */
  'TABLE_CORRUPT',
  /** A row of the catalog cannot be read. */
  'CATALOG_CORRUPT',
  /** The operating system (or the simulated disk) refused an operation. */
  'IO_FAILED',
  /** The wall clock is beyond the allowed skew. */
  'CLOCK_SKEW',
  /** A trace or script is malformed; the line is named. */
  'INVALID_TRACE',
] as const

/** One of {@link ERROR_CODES}. */
export type ErrorCode = (typeof ERROR_CODES)[number]

/** Facts about an error, for programs: plain values by name. */
export type ErrorDetails = Readonly<Record<string, unknown>>

/** Every failure that a caller can meet, told apart by {@link PalimpsestError.code}. */
export class PalimpsestError extends Error {
  override readonly name = 'PalimpsestError'
  /** What kind of failure this is. */
  readonly code: ErrorCode
  /** Facts about the failure: names, times as exact text, offsets, paths. */
  readonly details: ErrorDetails

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.details = details
  }
}
