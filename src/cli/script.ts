/**
 * Scripts of commands and what they answer: `script`. The golden tests run them by the same code.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { type Command, Option } from 'commander'
import { concatBytes, copyOf, textOfBytes } from '../base/bytes.ts'
import { PalimpsestError } from '../base/errors.ts'
import { attempt, readFileChunks } from '../lab/git/chunks.ts'
import { type ScriptReport } from '../testing/script/script.ts'
import { examples } from './options.ts'
import { type Session } from './session.ts'
import { lineText, manyText, screenText } from './text.ts'

interface ScriptFlags {
  readonly update?: true
  readonly source?: true
  readonly commands?: true
}

/** A script that has run: where it came from, what it said before, and what came of it. */
interface RunFile extends ScriptReport {
  readonly file: string
  readonly before: string
}

/** Adds the command that runs scripts. */
export function registerScript(program: Command, session: Session): void {
  program
    .command('script')
    .description(
      'run scripts and print them to read, with what they answer; exit 1 where one expects another answer',
    )
    .argument('[file...]', 'the scripts; - is standard input')
    .option('--source', 'print them as scripts, with the answers filled in')
    .addOption(
      new Option('--update', 'write the answers into the files instead of printing them').conflicts('source'),
    )
    .addOption(
      new Option('--commands', 'list the commands that a script can have').conflicts(['source', 'update']),
    )
    .addHelpText('after', SCRIPT_HELP)
    .addHelpText(
      'after',
      examples([
        'palimpsest script lessons/*.txt',
        'palimpsest script lessons/1-reading-the-past.txt --source',
        'palimpsest script mine.txt --update',
        "echo 'table t' | palimpsest script -",
      ]),
    )
    .action((files: readonly string[], flags: ScriptFlags) => script(session, files, flags))
}

const SCRIPT_HELP = `
A script runs on a database in memory, at a time that only it moves. Commands
stand one on each line; below a line --- stands what they are expected to
answer, up to a blank line:

  table t keep=forever
  at 3: put a=1
  get a as of 2
  get a as of 3
  ---
  no a
  a=1

at 3: puts the clock at microsecond 3 first. As of 3 means through the end of 3;
3.0001 is exact. Lines that begin with # are prose. --commands lists the
commands; docs/script.md has them too.`

async function script(session: Session, files: readonly string[], flags: ScriptFlags): Promise<void> {
  if (flags.commands) {
    if (files.length > 0)
      throw new PalimpsestError('INVALID_ARGUMENT', '--commands lists the commands, and runs no script')
    return listCommands(session)
  }
  if (files.length === 0) throw new PalimpsestError('INVALID_ARGUMENT', 'the name of a script is missing')
  if (flags.update && files.includes('-'))
    throw new PalimpsestError('INVALID_ARGUMENT', '--update needs files: standard input cannot be rewritten')
  const { checkScript } = await import('../testing/script/script.ts')
  // All are run before the first one is printed or rewritten: a malformed one leaves all as they are.
  const ran = files.map((file): RunFile => {
    const before = readScript(session, file)
    return { file, before, ...naming(file, () => checkScript(before)) }
  })
  for (const [i, one] of ran.entries()) {
    const heading = ran.length === 1 ? '' : `${i === 0 ? '' : '\n'}# ${one.file}\n\n`
    if (flags.update) await update(session, one)
    else await print(session, one, heading, flags.source === true)
  }
}

async function listCommands(session: Session): Promise<void> {
  const { SCRIPT_CHAPTERS } = await import('../testing/script/commands.ts')
  if (session.isJson) {
    for (const { title, commands } of SCRIPT_CHAPTERS)
      for (const { usage, about } of commands) session.json({ chapter: title, usage, about })
    return
  }
  const chapters = SCRIPT_CHAPTERS.map(({ title, commands }) => {
    const lines = commands.map(({ usage, about }) => `  ${usage}\n      ${about}`)
    return [session.styled('bold', title), ...lines].join('\n')
  })
  await session.result(undefined, () => chapters.join('\n\n'))
}

async function print(session: Session, ran: RunFile, heading: string, isSource: boolean): Promise<void> {
  const { file, text, paragraphs, blocks, mismatches } = ran
  const { scriptText } = await import('./script-text.ts')
  const steps = paragraphs.flat().filter((item) => typeof item !== 'string')
  const facts = { file, blocks, mismatches, steps, ...(isSource ? { source: text } : {}) }
  await session.result(facts, () =>
    isSource
      ? screenText(heading + text).trimEnd()
      : screenText(heading) + scriptText(session, paragraphs).trimEnd(),
  )
  if (mismatches.length === 0) return
  session.exitCode = 1
  if (session.isJson) return
  for (const { message } of mismatches) session.message(screenText(`${file}, ${message}`))
}

async function update(session: Session, ran: RunFile): Promise<void> {
  const { file, before, text, blocks, mismatches } = ran
  const isUpdated = text !== before
  if (isUpdated) attempt('write', file, () => writeFileSync(session.path(file), text))
  await session.result({ file, blocks, mismatches, updated: isUpdated }, () => {
    const done = isUpdated ? 'updated' : 'unchanged'
    return `${lineText(file)}: ${manyText(blocks, 'block')}, ${done}`
  })
}

function readScript(session: Session, file: string): string {
  const path = session.path(file)
  const bytes =
    file === '-'
      ? concatBytes(Array.from(readFileChunks(0), copyOf))
      : attempt('read', file, () => new Uint8Array(readFileSync(path)))
  try {
    return textOfBytes(bytes)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new PalimpsestError('INVALID_TRACE', `${file} is not text (UTF-8)`, { file }, error)
  }
}

/** Runs a script; the refusal of a malformed one says which file. */
function naming<T>(file: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof PalimpsestError) || error.code !== 'INVALID_TRACE') throw error
    throw new PalimpsestError(error.code, `${file}, ${error.message}`, { file, ...error.details }, error)
  }
}
