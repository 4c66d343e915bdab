/**
 * Fail-stop: after a failed write or sync of the log or the manifest, nobody knows what the disk holds,
 * and trying again would only hide it (a later sync that succeeds says nothing of what an earlier one
 * lost). So the first failure is final: every later write is refused, reads go on, and reopening finds
 * out what is there.
 */
import { PalimpsestError } from '../base/errors.ts'

/** Remembers the first failure of a store's writing side. */
export class FailStop {
  #cause: unknown

  /** Whether a failure has happened. */
  get hasFailed(): boolean {
    return this.#cause !== undefined
  }

  /** Refuses to go on after a failure. */
  check(): void {
    if (this.#cause === undefined) return
    throw new PalimpsestError(
      'STORE_FAILED',
      'an earlier write failed; the database takes no more writes until it is reopened',
      {},
      this.#cause,
    )
  }

  /** Runs a step whose failure is final. */
  guard<T>(step: () => T): T {
    this.check()
    try {
      return step()
    } catch (error) {
      this.#cause = error
      throw error
    }
  }

  /** Takes note of a failure that was reported in another way. */
  fail(error: unknown): void {
    this.#cause ??= error
  }
}
