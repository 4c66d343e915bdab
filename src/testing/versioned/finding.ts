/**
 * A finding: what was done to a store, what it should have answered then, and what it did.
 */
import { shortened, toldApart } from './prose.ts'

/** What leads to a wrong answer. */
export interface Counterexample {
  /** What was done, in prose, in order; the last one went wrong. */
  readonly operations: readonly string[]
  readonly expected: string
  readonly actual: string
}

/** What runs exactly one case of `checkStore` again. */
export interface Replay {
  readonly seed: number
  readonly path: string
  /** The runs that it took to find it. */
  readonly runs: number
}

/** A store does not do what a versioned store does. The message is all there is to say, to read. */
export class StoreFinding extends Error {
  override readonly name = 'StoreFinding'
  readonly counterexample: Counterexample
  /** `undefined` for a case that is not random. */
  readonly replay: Replay | undefined

  constructor(
    counterexample: Counterexample,
    options: { replay?: Replay | undefined; cause?: unknown } = {},
  ) {
    const { replay, cause } = options
    const lines = [...describe(counterexample), ...(replay === undefined ? [] : [replayLine(replay)])]
    super(lines.join('\n'), cause === undefined ? undefined : { cause })
    this.counterexample = counterexample
    this.replay = replay
  }
}

/** The one line that finds it again. */
export function replayLine({ seed, path }: Replay): string {
  return `replay: checkStore({ …, seed: ${seed}, path: '${path}' })`
}

function describe({ operations, expected, actual }: Counterexample): readonly string[] {
  const width = String(operations.length).length
  const [should, is] = toldApart(expected, actual)
  return [
    'the store is wrong:',
    ...operations.map((operation, i) => `  ${String(i + 1).padStart(width)}. ${shortened(operation)}`),
    `expected: ${should}`,
    `got:      ${is}`,
  ]
}
