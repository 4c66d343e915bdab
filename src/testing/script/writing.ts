/**
 * The commands of scripts that write. Each is one commit.
 */
import { type DatabaseWrite } from '../../database/options.ts'
import { type Action, type ScriptCommand, silently } from './command.ts'
import { type ScriptSession } from './session.ts'
import { type Arguments, type Word } from './words.ts'

/** `put`, `delete`, `batch`. */
export const WRITING_COMMANDS: readonly ScriptCommand[] = [
  {
    usage: 'put KEY=VALUE…',
    about: 'sets keys in one commit; TABLE/KEY names a key of another table than the first',
    read: (given) => writing(given.rest('a key with a value').map((word) => putOf(word, given))),
  },
  {
    usage: 'delete KEY…',
    about: 'deletes keys in one commit',
    read: (given) => writing(given.rest('a key').map((word) => deleteOf(word, given))),
  },
  {
    usage: 'batch put KEY=VALUE… delete KEY…',
    about: 'sets and deletes keys in one commit',
    read: (given) => writing(batchOf(given)),
  },
]

/** A write of a script; its table is found when it is run. */
type ScriptWrite = (session: ScriptSession) => DatabaseWrite

function putOf({ table, name: key, value }: Word, given: Arguments): ScriptWrite {
  if (value === undefined) throw given.refusal(`${JSON.stringify(key)} has no value`)
  return (session) => ({ type: 'put', table: session.fullName(table), key, value })
}

function deleteOf({ table, name: key, value }: Word, given: Arguments): ScriptWrite {
  if (value !== undefined) throw given.refusal(`a key to delete has no value: ${JSON.stringify(key)}`)
  return (session) => ({ type: 'delete', table: session.fullName(table), key })
}

function batchOf(given: Arguments): readonly ScriptWrite[] {
  let read: typeof putOf | undefined
  const writes: ScriptWrite[] = []
  for (const word of given.rest('"put" or "delete"')) {
    if (word.isBare && word.name === 'put') read = putOf
    else if (word.isBare && word.name === 'delete') read = deleteOf
    else if (read === undefined) throw given.refusal('a batch begins with "put" or "delete"')
    else writes.push(read(word, given))
  }
  return writes
}

function writing(writes: readonly ScriptWrite[]): Action {
  return silently((session) => session.database.batch(writes.map((write) => write(session))))
}
