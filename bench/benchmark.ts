/**
 * What a benchmark is, for the list of them.
 */

/** What a benchmark found: data for programs, and lines for people. */
export interface Findings {
  readonly data: object
  readonly lines: readonly string[]
}

/** A benchmark; it says on stderr how far it is. */
export type Benchmark = (progress: (line: string) => void) => Promise<Findings>
