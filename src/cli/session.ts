/**
 * One run of a command: where its results, notes and progress go, and what it ends with.
 *
 * Results go to stdout: text, or with `--json` one object (JSON Lines for lists). Everything else goes
 * to stderr. Notes and progress are for people: they appear only where stderr is a terminal.
 */
import { resolve } from 'node:path'
import { styleText } from 'node:util'
import { PalimpsestError } from '../base/errors.ts'
import { type Io } from './io.ts'
import { jsonText } from './text.ts'

/** How often a line of progress changes, at most. */
const PROGRESS_MILLIS = 100
/** Goes to the start of the line and empties it. */
const CLEAR_LINE = '\r\x1b[K'

/** One run of a command. */
export class Session {
  readonly io: Io
  /** Whether results are JSON. */
  isJson: boolean
  /** What the process ends with: 0, 1 for a failure or an absent key, 2 for wrong usage. */
  exitCode: 0 | 1 | 2 = 0
  #progressAt = -Infinity
  #hasProgress = false

  constructor(io: Io, isJson: boolean) {
    this.io = io
    this.isJson = isJson
  }

  /** A path as the user gave it, made absolute. Throws `INVALID_ARGUMENT` for none: it would be this very directory. */
  path(given: string): string {
    if (given === '') throw new PalimpsestError('INVALID_ARGUMENT', 'a path is empty; this directory is .')
    return resolve(this.io.cwd, given)
  }

  /** Prints a result: the value itself in JSON, or what it says to a person. */
  async result(value: unknown, text: () => string | Promise<string>): Promise<void> {
    if (this.isJson) return this.json(value)
    const printed = await text()
    this.clearProgress()
    this.io.stdout.write(`${printed}\n`)
  }

  /** Prints a value as a line of JSON. */
  json(value: unknown): void {
    this.clearProgress()
    this.io.stdout.write(`${jsonText(value)}\n`)
  }

  /** Prints a message. */
  message(text: string): void {
    this.clearProgress()
    this.io.stderr.write(`${text}\n`)
  }

  /** Prints a remark for people. */
  note(text: string): void {
    if (this.io.stderr.isTty && !this.isJson) this.message(text)
  }

  /** Shows how far something is, in one line that stays where it is. */
  progress(step: string, done: number, total?: number): void {
    const { stderr, env } = this.io
    if (!stderr.isTty || env['TERM'] === 'dumb') return
    const now = performance.now()
    if (now - this.#progressAt < PROGRESS_MILLIS) return
    this.#progressAt = now
    this.#hasProgress = true
    const share = total === undefined ? `${done}` : `${done}/${total}`
    stderr.write(CLEAR_LINE + `${step} ${share}`.slice(0, (stderr.columns ?? 80) - 1))
  }

  /** Takes the line of progress away. */
  clearProgress(): void {
    if (this.#hasProgress) this.io.stderr.write(CLEAR_LINE)
    this.#hasProgress = false
  }

  /** A text of the result in some style, where the terminal has any and nobody minds. */
  styled(style: 'bold' | 'dim' | 'green' | 'red', text: string): string {
    const { stdout, env } = this.io
    const isPlain = !stdout.isTty || env['TERM'] === 'dumb' || (env['NO_COLOR'] ?? '') !== ''
    return isPlain ? text : styleText(style, text, { validateStream: false })
  }
}
