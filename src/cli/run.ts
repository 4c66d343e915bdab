/**
 * One run of the command line, from arguments to exit code.
 *
 *     0   done
 *     1   it failed, the key is absent, or a check found something
 *     2   the command line is wrong: an option, an argument, a time that cannot be read
 *
 * An expected failure is one line on stderr: `palimpsest: CODE: what happened`, or with `--json` one
 * object `{"error":{"code","message","details"}}`. Only a bug of this project shows a stack trace.
 */
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { type ErrorCode, PalimpsestError } from '../base/errors.ts'
import { registerDatabase } from './database.ts'
import { registerGit } from './git.ts'
import { registerHistory } from './history.ts'
import { registerHold } from './hold.ts'
import { registerHelp } from './help.ts'
import { type Io, OutputClosed } from './io.ts'
import { examples } from './options.ts'
import { registerRestore } from './restore.ts'
import { registerScript } from './script.ts'
import { Session } from './session.ts'
import { registerStart } from './start.ts'
import { registerTable } from './table.ts'
import { jsonText, messageText } from './text.ts'

/** Runs the command line with these arguments. Answers the exit code; throws nothing. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const session = new Session(io, asksForJson(argv))
  try {
    await parse(session, argv)
    await io.stdout.drained()
    return session.exitCode
  } catch (error) {
    session.clearProgress()
    if (error instanceof OutputClosed) return session.exitCode
    const failure = failureOf(error)
    session.message(session.isJson ? jsonText({ error: failure }) : failureText(failure))
    return USAGE_CODES.has(failure.code) ? 2 : 1
  }
}

/** Reads the arguments and runs the command that they name, or prints the help text that they get. */
async function parse(session: Session, argv: readonly string[]): Promise<void> {
  const printed = { stdout: '', stderr: '' }
  try {
    await programFor(session, printed).parseAsync(argv, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) {
      session.io.stdout.write(printed.stdout)
    } else if (error.code === 'commander.help' && !session.isJson) {
      session.io.stderr.write(printed.stderr)
      session.exitCode = 2
    } else {
      throw error
    }
  }
}

/** What a caller could have seen to be wrong before it asked. */
const USAGE_CODES: ReadonlySet<string> = new Set<ErrorCode>([
  'INVALID_ARGUMENT',
  'INVALID_TIME',
  'INVALID_KEY',
])

function programFor(session: Session, printed: { stdout: string; stderr: string }): Command {
  const program = new Command('palimpsest')
    .description('A multi-version key-value store: every write is kept, and every kept moment can be read.')
    .version(readVersion())
    .exitOverride()
    .enablePositionalOptions()
    .configureOutput({
      writeOut: (text) => (printed.stdout += text),
      writeErr: (text) => (printed.stderr += text),
      // Printed when it is caught, in the form that was asked for.
      outputError: () => undefined,
      getOutHelpWidth: () => session.io.stdout.columns ?? 80,
      getErrHelpWidth: () => session.io.stderr.columns ?? 80,
    })
    // What stands beside long names of commands is wrapped too, in what is left of 80 columns.
    .configureHelp({ minWidthToWrap: 20 })
    .hook('preAction', (_, command) => {
      session.isJson = command.optsWithGlobals()['json'] === true
    })
    .addHelpText(
      'after',
      examples([
        'palimpsest start',
        'palimpsest git import . history.palimpsest',
        'palimpsest git verify history.palimpsest',
        'palimpsest get history.palimpsest git.files README.md --as-of -1d',
        'palimpsest stats history.palimpsest --json',
      ]),
    )
  registerStart(program, session)
  registerGit(program, session)
  registerTable(program, session)
  registerHistory(program, session)
  registerDatabase(program, session)
  registerHold(program, session)
  registerRestore(program, session)
  registerScript(program, session)
  registerHelp(program)
  acceptJson(program)
  return program
}

/** Lets `--json` stand before and behind the name of a command. */
function acceptJson(command: Command): void {
  command.option('--json', 'print JSON: one object, or a line for each item of a list')
  for (const child of command.commands) acceptJson(child)
}

/** What is known of `--json` before the arguments could be read, or when they cannot be. */
function asksForJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return argv.slice(0, end === -1 ? argv.length : end).includes('--json')
}

interface Failure {
  readonly code: ErrorCode | 'INTERNAL'
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

/** What a command line does about a key of the wrong type: it has no types, and an option instead. */
function keyHint({ code, details }: PalimpsestError): string {
  if (code !== 'INVALID_KEY') return ''
  if (details['got'] === 'string') return '; give it in base64, with --base64'
  return details['got'] === 'bytes' ? '; leave out --base64' : ''
}

function failureOf(error: unknown): Failure {
  if (error instanceof PalimpsestError) {
    const { code, message, details } = error
    return { code, message: `${message}${keyHint(error)}`, details }
  }
  if (error instanceof CommanderError) return usageFailure(error)
  // A refusal of the operating system outside of the engine.
  if (error instanceof Error && 'syscall' in error) {
    const { syscall, path, code } = error as NodeJS.ErrnoException
    return { code: 'IO_FAILED', message: error.message, details: { operation: syscall, path, errno: code } }
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error))
  return { code: 'INTERNAL', message, details: { stack } }
}

function failureText({ code, message, details }: Failure): string {
  const line = `palimpsest: ${code}: ${messageText(message)}`
  return code === 'INTERNAL' ? `${line}\n${String(details['stack'])}` : line
}

function usageFailure(error: CommanderError): Failure {
  const isHelp = error.code === 'commander.help'
  const message = isHelp ? 'no command is given; --help names them' : error.message.replace(/^error: /, '')
  return { code: 'INVALID_ARGUMENT', message, details: {} }
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
