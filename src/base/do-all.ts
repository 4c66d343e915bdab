/**
 * Steps of an end, each of which has to be made, whatever becomes of the others.
 */

/** Makes all steps in order, then throws what went wrong first. */
export function doAll(steps: readonly (() => void)[]): void {
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
