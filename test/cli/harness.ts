/**
 * Runs the command line inside of the test, with output that is caught, in a directory that goes away.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'
import { type Io, OutputClosed, type Sink } from '../../src/cli/io.ts'
import { run } from '../../src/cli/run.ts'

/** What a run left behind. */
export interface Outcome {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** The surroundings of a run that differ from a quiet pipe. */
export interface Surroundings {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdoutIsTty?: boolean
  readonly stderrIsTty?: boolean
  /** The reader of stdout goes away after so many writes. */
  readonly readsWrites?: number
  /** What comes of the output in the end, where it fails. */
  readonly outputFailure?: unknown
  /** How wide the terminal is, where it says so. */
  readonly columns?: number | 'unknown'
}

class CaughtSink implements Sink {
  text = ''
  writes = 0
  readonly isTty: boolean
  readonly columns: number | undefined
  readonly #readsWrites: number
  readonly #failure: unknown

  constructor(isTty: boolean, { readsWrites = Infinity, outputFailure, columns = 100 }: Surroundings) {
    this.isTty = isTty
    this.columns = columns === 'unknown' ? undefined : columns
    this.#readsWrites = readsWrites
    this.#failure = outputFailure
  }

  write(text: string): void {
    this.text += text
    this.writes++
  }

  async drained(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.writes > this.#readsWrites) throw new OutputClosed('closed')
  }
}

/** Runs the command line. */
export async function cli(argv: readonly string[], around: Surroundings = {}): Promise<Outcome> {
  const stdout = new CaughtSink(around.stdoutIsTty ?? false, around)
  const stderr = new CaughtSink(around.stderrIsTty ?? false, around)
  const io: Io = { stdout, stderr, cwd: around.cwd ?? tmpdir(), env: around.env ?? {} }
  const exitCode = await run(argv, io)
  return { exitCode, stdout: stdout.text, stderr: stderr.text }
}

/** A directory for the tests of one file. */
export function scratchDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'palimpsest-cli-test-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Expects a refusal: nothing on stdout, and one line with the code on stderr, in both forms. */
export async function expectRefusal(
  argv: readonly string[],
  { code, exitCode, says }: { code: string; exitCode: 1 | 2; says?: RegExp },
  around: Surroundings = {},
): Promise<void> {
  const inText = await cli(argv, around)
  expect(inText).toMatchObject({ exitCode, stdout: '' })
  expect(inText.stderr).toMatch(new RegExp(`^palimpsest: ${code}: [^\\n]+\\n$`))
  if (says !== undefined) expect(inText.stderr).toMatch(says)
  const inJson = await cli(['--json', ...argv], around)
  expect(inJson).toMatchObject({ exitCode, stdout: '' })
  expect(inJson.stderr).toMatch(/^[^\n]+\n$/)
  const { error } = JSON.parse(inJson.stderr) as { error: Record<string, unknown> }
  expect(error).toEqual({ code, message: expect.any(String), details: expect.any(Object) })
}
