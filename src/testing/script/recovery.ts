/**
 * The commands of scripts that put things back.
 */
import { type Restore } from '../../recovery/recovery.ts'
import { type ScriptCommand, orNothing } from './command.ts'
import { KEYSPACE, endText } from './notation.ts'

/** `restore`, `undo`, `restores`. */
export const RECOVERY_COMMANDS: readonly ScriptCommand[] = [
  {
    usage: 'restore [TABLE] to=TIME',
    about: 'puts everything, or one table, back to what it was at a time',
    read: (given) => {
      const to = given.option('to')
      if (to === undefined) throw given.refusal('the time to go back to is expected: to=TIME')
      const table = given.optionalName('a table')
      return (session) => {
        const options = { to: session.timeOf(to), table: table && session.shortName(table) }
        return restoreLines(session.database.restoreSync(KEYSPACE, options))
      }
    },
  },
  {
    usage: 'undo [RESTORE]',
    about: 'undoes a restore, the last one unless it is named',
    read: (given) => {
      const name = given.optionalName('the name of a restore')
      return (session) => {
        const last = session.database.restores().at(-1)?.id ?? 'restore-0'
        return restoreLines(session.database.undoSync(name ?? last))
      }
    },
  },
  {
    usage: 'restores',
    about: 'lists the restores and undos',
    read: () => (session) =>
      orNothing(
        session.database.restores().map(({ id, cause, to, undoes, undoneBy }) => {
          const what = cause === 'restore' ? `back to ${endText(to)}` : `undoes ${undoes}`
          return `${id}: ${what}${undoneBy === undefined ? '' : `, undone by ${undoneBy}`}`
        }),
      ),
  },
]

/** What a restore did: its name, and each table with what became of it. */
function restoreLines({ id, tables }: Restore): readonly string[] {
  const prefix = `${KEYSPACE}.`
  const names = tables.map(({ name, action }) => `${name.replace(prefix, '')} ${action}`)
  return [`${id}: ${orNothing(names).join(', ')}`]
}
