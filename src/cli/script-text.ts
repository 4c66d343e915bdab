/**
 * A script that was run, as a text to read: prose in paragraphs, and each command with what it answered.
 *
 *     As of a time is inclusive: what was committed at that very time is seen.
 *
 *       > get a as of 3     a=1
 *       > scan
 *           a@3=1
 *           b@5=2
 *
 * Remarks that are indented, as drawings are, stay as they are; others fill the width of the terminal.
 */
import { type ScriptParagraph, type ScriptStep } from '../testing/script/script.ts'
import { type Session } from './session.ts'
import { screenText } from './text.ts'

/** Longer lines are hard to read, however wide the terminal is. */
const WIDTH_MAX = 92
const WIDTH_MIN = 40
const COMMAND = '  > '
const ANSWER = '      '

/** The text of a script; its first paragraph is its title. */
export function scriptText(session: Session, paragraphs: readonly ScriptParagraph[]): string {
  const width = Math.max(WIDTH_MIN, Math.min(WIDTH_MAX, session.io.stdout.columns ?? WIDTH_MAX))
  const texts = paragraphs.map((paragraph, i) => {
    const text = screenText(paragraphText(paragraph, width))
    return i === 0 && paragraph.every((item) => typeof item === 'string') ? inBold(session, text) : text
  })
  return texts.join('\n\n')
}

/** Each line by itself, so that a pager that cuts between lines shows both bold. */
function inBold(session: Session, text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? line : session.styled('bold', line)))
    .join('\n')
}

function paragraphText(paragraph: ScriptParagraph, width: number): string {
  const steps = paragraph.filter((item) => typeof item !== 'string')
  const column = answerColumn(steps, width)
  // Remarks in a row are one text; a blank line parts texts from commands.
  const parts: { readonly isProse: boolean; readonly items: (string | ScriptStep)[] }[] = []
  for (const item of paragraph) {
    const isProse = typeof item === 'string'
    const last = parts.at(-1)
    if (last?.isProse === isProse) last.items.push(item)
    else parts.push({ isProse, items: [item] })
  }
  return parts
    .map(({ items }) => {
      const remarks = items.filter((item) => typeof item === 'string')
      const commands = items.filter((item) => typeof item !== 'string')
      return [
        ...proseLines(remarks, width),
        ...commands.flatMap((step) => stepLines(step, column, width)),
      ].join('\n')
    })
    .join('\n\n')
}

/** Where answers of one line stand beside their commands: behind the longest one that leaves them room. */
function answerColumn(steps: readonly ScriptStep[], width: number): number {
  const short = steps.filter(({ answers }) => answers.length === 1)
  const longest = Math.max(0, ...short.map(({ command }) => command.length))
  const answer = Math.max(0, ...short.map(({ answers }) => answers[0]!.length))
  const column = COMMAND.length + longest + 3
  return column + answer <= width ? column : Infinity
}

function stepLines({ command, answers }: ScriptStep, column: number, width: number): readonly string[] {
  const line = COMMAND + command
  if (answers.length === 1 && column !== Infinity) return [line.padEnd(column) + answers[0]!]
  return [line, ...answers.flatMap((answer) => answerLines(answer, width))]
}

/** An answer on a line of its own, or on several with the later ones set in; a drawing is never broken. */
function answerLines(answer: string, width: number): readonly string[] {
  if (ANSWER.length + answer.length <= width || answer.includes('──')) return [ANSWER + answer]
  const lines = filled(answer.split(' '), width - ANSWER.length - 2)
  return lines.map((line, i) => `${ANSWER}${i === 0 ? '' : '  '}${line}`)
}

/** Remarks without their marks. */
function proseLines(remarks: readonly string[], width: number): readonly string[] {
  const lines: string[] = []
  let words: string[] = []
  const flow = (): void => {
    lines.push(...filled(words, width))
    words = []
  }
  for (const remark of remarks) {
    const text = remark.trim().replace(/^# ?/, '')
    if (text === '' || /^\s/.test(text)) {
      flow()
      lines.push(text)
    } else {
      words.push(...text.split(/\s+/))
    }
  }
  flow()
  return lines
}

function filled(words: readonly string[], width: number): readonly string[] {
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}
