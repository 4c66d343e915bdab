/**
 * The commands of scripts about tables: making, naming and emptying them.
 */
import { type ScriptCommand, orNothing, silently } from './command.ts'
import { keepOf } from './retention.ts'

/** `table`, `tables`, `rename`, `truncate`, `drop`. */
export const TABLE_COMMANDS: readonly ScriptCommand[] = [
  {
    usage: 'table NAME [keep=DURATION|forever]',
    about: 'creates a table of texts; what names no table means the first one',
    read: (given) => {
      const keep = given.option('keep')
      const name = given.name('the name of the table')
      return silently((session) => session.createTable(name, keep === undefined ? undefined : keepOf(keep)))
    },
  },
  {
    usage: 'tables',
    about: 'lists the tables',
    read: () => (session) => orNothing(session.database.tables.map((name) => session.shortName(name))),
  },
  {
    usage: 'rename TABLE NAME',
    about: 'gives a table another name',
    read: (given) => {
      const names = given.names('a table with its new name')
      const [table, name] = names
      if (table === undefined || name === undefined || names.length > 2)
        throw given.refusal('a table and its new name are expected')
      return silently((session) => session.database.renameTable(session.fullName(table), name))
    },
  },
  {
    usage: 'truncate [TABLE]',
    about: 'empties a table; its past stays',
    read: (given) => {
      const table = given.optionalName('a table')
      return silently((session) => session.database.truncate(session.fullName(table)))
    },
  },
  {
    usage: 'drop TABLE',
    about: 'drops a table; its past stays',
    read: (given) => {
      const table = given.name('the name of the table')
      return silently((session) => session.database.dropTable(session.fullName(table)))
    },
  },
]
