/**
 * What the command line is given of the process that it runs in, so that a test can give it another.
 */

/** Where text goes. */
export interface Sink {
  /** Whether a person is looking at it. */
  readonly isTty: boolean
  /** How many characters fit on a line, where that is known. */
  readonly columns: number | undefined
  write(text: string): void
  /** Resolves when there is room for more. Rejects with {@link OutputClosed} when nobody reads any longer. */
  drained(): Promise<void>
}

/** The surroundings of one run. */
export interface Io {
  /** For results. */
  readonly stdout: Sink
  /** For messages. */
  readonly stderr: Sink
  /** The directory that paths are relative to. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
}

/** The reader of the output went away, as `head` does when it has seen enough. No failure. */
export class OutputClosed extends Error {
  override readonly name = 'OutputClosed'
}
