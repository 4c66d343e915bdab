/**
 * What a command of scripts is.
 */
import { type ScriptSession } from './session.ts'
import { type Arguments } from './words.ts'

/** What a line does when it is run: the lines that it answers. */
export type Action = (session: ScriptSession) => readonly string[]

/** A command of the language. */
export interface ScriptCommand {
  /** How it is written; the first word is its name. */
  readonly usage: string
  /** What it does, as the end of a sentence. */
  readonly about: string
  /** Reads the arguments. Throws `INVALID_TRACE`. */
  readonly read: (given: Arguments) => Action
}

/** An action that has nothing to answer. */
export function silently(act: (session: ScriptSession) => void): Action {
  return (session) => {
    act(session)
    return []
  }
}

/** Lines, or `nothing` where there are none. */
export function orNothing(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? ['nothing'] : lines
}
