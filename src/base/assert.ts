/**
 * Assertions for what cannot happen unless this project has a bug. They stay on in production.
 * What a caller, a file or a disk can cause is a `PalimpsestError` instead.
 */

/** A broken promise inside the engine. Never caught, never expected. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
}

/** Stops if a condition that the code relies on does not hold. The message names the rule. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new AssertionError(message)
}

/** The value, which the code knows to be there. */
export function defined<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new AssertionError(`${what} is missing`)
  return value
}
