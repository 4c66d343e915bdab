/**
 * The commands of scripts: one table, in chapters, in the order in which a reader meets them. A command
 * reads its arguments first and refuses what is malformed, before anything is run; what it then answers is
 * lines of text. A command that has nothing to say answers none.
 */
import { CLOCK_COMMANDS } from './clock.ts'
import { type Action, type ScriptCommand } from './command.ts'
import { HISTORY_COMMANDS } from './history.ts'
import { READING_COMMANDS } from './reading.ts'
import { RECOVERY_COMMANDS } from './recovery.ts'
import { RETENTION_COMMANDS } from './retention.ts'
import { STORAGE_COMMANDS } from './storage.ts'
import { TABLE_COMMANDS } from './tables.ts'
import { Arguments, malformed, wordsOf } from './words.ts'
import { WRITING_COMMANDS } from './writing.ts'

/** Commands that belong together. */
export interface ScriptChapter {
  readonly title: string
  readonly commands: readonly ScriptCommand[]
}

/** Every command, with the prefix `at MICROSECOND:` among those of time. */
export const SCRIPT_CHAPTERS: readonly ScriptChapter[] = [
  { title: 'Tables', commands: TABLE_COMMANDS },
  { title: 'Time', commands: CLOCK_COMMANDS },
  { title: 'Writing', commands: WRITING_COMMANDS },
  { title: 'Reading', commands: READING_COMMANDS },
  { title: 'History', commands: HISTORY_COMMANDS },
  { title: 'Retention', commands: RETENTION_COMMANDS },
  { title: 'Putting back', commands: RECOVERY_COMMANDS },
  { title: 'Storage', commands: STORAGE_COMMANDS },
]

/** The commands of all chapters. */
export const SCRIPT_COMMANDS: readonly ScriptCommand[] = SCRIPT_CHAPTERS.flatMap(({ commands }) => commands)

const BY_NAME: ReadonlyMap<string, ScriptCommand> = new Map(
  SCRIPT_COMMANDS.map((command) => [command.usage.split(' ')[0]!, command]),
)

export function readCommand(text: string, line: number): Action {
  const prefixed = /^at\s+(\S+?):\s+(\S.*)$/.exec(text)
  if (prefixed !== null) return readAt(prefixed[1]!, prefixed[2]!, line)
  const [first, ...words] = wordsOf(text, line)
  const command = first?.isBare ? BY_NAME.get(first.name) : undefined
  if (command === undefined) {
    const names = [...BY_NAME.keys()].join(', ')
    throw malformed(line, `there is no command ${JSON.stringify(first?.name ?? '')}; there are: ${names}`)
  }
  const given = new Arguments(words, line, command.usage)
  const action = command.read(given)
  given.end()
  return action
}

/** `at 5: put a=1` puts the clock at 5 first. */
function readAt(time: string, text: string, line: number): Action {
  const micros = new Arguments([], line, 'at MICROSECOND: COMMAND').micros(time)
  const action = readCommand(text, line)
  return (session) => {
    session.setClock(micros)
    return action(session)
  }
}
