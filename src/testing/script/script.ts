/**
 * Scripts: commands and what the engine answers, as text that reads well.
 *
 *     # As of a microsecond means: through its end.        a comment
 *     at 3: put a=1                                        commands, one on each line
 *     get a as of 3
 *     get a as of 2
 *     ---                                                  below the line: what they answer
 *     a=1
 *     no a
 *                                                          a blank line ends the block
 *
 * Running a script prints it again with the answers filled in; a script is right if nothing changes. A
 * refusal of the engine is an answer like any other, `error HISTORY_GONE: …`. Commands without anything
 * to say answer nothing; a block that answers nothing answers `ok`. A block without a line, or with
 * nothing below it, expects nothing yet. The commands are in `commands.ts`, their notation in `notation.ts`.
 *
 * The same code runs `palimpsest script <file>` and the golden tests.
 */
import { PalimpsestError } from '../../base/errors.ts'
import { type Action } from './command.ts'
import { readCommand } from './commands.ts'
import { errorText } from './notation.ts'
import { ScriptSession } from './session.ts'
import { malformed } from './words.ts'

/** The first line of a block that is not as expected. */
export interface ScriptMismatch {
  /** The line of the script that differs, or behind which an answer is missing. */
  readonly line: number
  /** The command that answered, or the last one of the block. */
  readonly command: string
  readonly commandLine: number
  /** What the script expects; `undefined` where it expects no more. */
  readonly expected: string | undefined
  /** What the engine answers; `undefined` where it answers no more. */
  readonly actual: string | undefined
  /** All of it, to read. */
  readonly message: string
}

/** A command that was run, and the lines that it answered: none if it had nothing to say. */
export interface ScriptStep {
  readonly line: number
  readonly command: string
  readonly answers: readonly string[]
}

/** A paragraph of a script that was run, to show: remarks as they are written, and commands. */
export type ScriptParagraph = readonly (string | ScriptStep)[]

/** What came of a script. */
export interface ScriptReport {
  /** The script with the answers filled in. */
  readonly text: string
  /** The same as data: what was said, what was run, what was answered. */
  readonly paragraphs: readonly ScriptParagraph[]
  /** Blocks that were run. */
  readonly blocks: number
  /** At most one for each block, in order. */
  readonly mismatches: readonly ScriptMismatch[]
}

/** Runs a script. Answers its text with the answers filled in. Throws `INVALID_TRACE`, `INVALID_ARGUMENT`. */
export function runScript(text: string): string {
  return checkScript(text).text
}

/** Runs a script and compares what it answers with what it expects. Throws `INVALID_TRACE`, `INVALID_ARGUMENT`. */
export function checkScript(text: string): ScriptReport {
  const parts = partsOf(text)
  const session = new ScriptSession()
  try {
    const lines: string[] = []
    const paragraphs: ScriptParagraph[] = []
    const mismatches: ScriptMismatch[] = []
    for (const part of parts) {
      lines.push(...part.lines)
      if (part.block === undefined) {
        if (part.lines[0] !== '') paragraphs.push(part.lines)
        continue
      }
      const steps = runBlock(part.block, session)
      const answers = answersOf(steps)
      lines.push(LINE, ...answers.map((answer) => answer.text))
      paragraphs.push(paragraphOf(part, steps))
      const mismatch = mismatchOf(part.block, answers)
      if (mismatch !== undefined) mismatches.push(mismatch)
    }
    const blocks = parts.filter(({ block }) => block !== undefined).length
    return { text: lines.map((line) => `${line}\n`).join(''), paragraphs, blocks, mismatches }
  } finally {
    session.close()
  }
}

/** What parts the commands of a block from what they answer. */
const LINE = '---'
const SILENT = 'ok'

interface CommandLine {
  readonly line: number
  readonly text: string
  readonly action: Action
}

interface Block {
  readonly commands: readonly CommandLine[]
  readonly expected: readonly string[]
  /** The line at which what it expects begins. */
  readonly expectedLine: number
}

/** Lines that stay as they are, and the block that they are the commands of. */
interface Part {
  readonly lines: readonly string[]
  readonly block?: Block | undefined
}

interface Answer {
  readonly text: string
  readonly step: ScriptStep
}

/** The paragraphs of a script and the blank lines between them. */
function partsOf(text: string): readonly Part[] {
  if (typeof text !== 'string') throw new PalimpsestError('INVALID_ARGUMENT', 'a script is a text')
  if (text.trim() === '') return []
  const lines = text.trimEnd().split(/\r?\n/)
  const parts: Part[] = []
  for (let from = 0; from < lines.length;) {
    let to = from
    while (to < lines.length && lines[to]!.trim() !== '') to++
    parts.push(to === from ? { lines: [''] } : partOf(lines.slice(from, to), from + 1))
    from = Math.max(to, from + 1)
  }
  return parts
}

function partOf(lines: readonly string[], firstLine: number): Part {
  const bars = lines.flatMap((line, i) => (line.trimEnd() === LINE ? [i] : []))
  const end = bars[0] ?? lines.length
  if (bars.length > 1) throw malformed(firstLine + bars[1]!, `a block has one line of "${LINE}"`)
  const commands = lines.slice(0, end).flatMap((whole, i) => {
    const text = whole.trim()
    const line = firstLine + i
    return text.startsWith('#') ? [] : [{ line, text, action: readCommand(text, line) }]
  })
  if (commands.length === 0) {
    if (bars.length > 0) throw malformed(firstLine + end, `there is no command above "${LINE}"`)
    return { lines }
  }
  const block = { commands, expected: lines.slice(end + 1), expectedLine: firstLine + end + 1 }
  return { lines: lines.slice(0, end), block }
}

function runBlock({ commands }: Block, session: ScriptSession): readonly ScriptStep[] {
  return commands.map((command) => {
    return { line: command.line, command: command.text, answers: runCommand(command, session) }
  })
}

function answersOf(steps: readonly ScriptStep[]): readonly Answer[] {
  const answers = steps.flatMap((step) => step.answers.map((text): Answer => ({ text, step })))
  return answers.length === 0 ? [{ text: SILENT, step: steps.at(-1)! }] : answers
}

/** The remarks of a block where they stand among its commands. */
function paragraphOf({ lines }: Part, steps: readonly ScriptStep[]): ScriptParagraph {
  const left = [...steps]
  return lines.map((line) => (line.trim().startsWith('#') ? line : left.shift()!))
}

function runCommand({ action }: CommandLine, session: ScriptSession): readonly string[] {
  try {
    return action(session)
  } catch (error) {
    if (!(error instanceof PalimpsestError)) throw error
    return [errorText(error)]
  }
}

function mismatchOf(block: Block, answers: readonly Answer[]): ScriptMismatch | undefined {
  const { commands, expected, expectedLine } = block
  if (expected.length === 0) return undefined
  const count = Math.max(expected.length, answers.length)
  for (let i = 0; i < count; i++) {
    const answer = answers[i]
    if (answer?.text === expected[i]) continue
    const last = commands.at(-1)!
    const { command, line: commandLine } = answer?.step ?? { command: last.text, line: last.line }
    const found = {
      line: expectedLine + i,
      command,
      commandLine,
      expected: expected[i],
      actual: answer?.text,
    }
    return { ...found, message: messageOf(found) }
  }
  return undefined
}

function messageOf({
  line,
  command,
  commandLine,
  expected,
  actual,
}: Omit<ScriptMismatch, 'message'>): string {
  const by = `${JSON.stringify(command)} (line ${commandLine})`
  const [is, should] = [JSON.stringify(actual), JSON.stringify(expected)]
  if (actual === undefined) return `line ${line}: nothing is answered after ${by}, but ${should} is expected`
  if (expected === undefined) return `line ${line}: ${by} answers ${is}, but no further answer is expected`
  return `line ${line}: ${by} answers ${is}, but ${should} is expected`
}
