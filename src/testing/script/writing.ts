/**
 * The commands of scripts that write. Each is one commit.
 */
import { type DatabaseWrite } from '../../database/options.ts'
import { type Action, type ScriptCommand, silently } from './command.ts'
import { type ScriptSession } from './session.ts'
import { type Arguments, type Word } from './words.ts'

/** `put`, `delete`, `batch`, `fill`. */
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
  {
    usage: 'fill [TABLE] keys=COUNT commits=COUNT',
    about: 'puts the keys k0, k1, … over and over in a scattered order, one commit each microsecond',
    read: (given) => {
      const [keys, commits] = ['keys', 'commits'].map((name) => {
        const count = given.option(name)
        if (count === undefined) throw given.refusal(`${name}=COUNT is missing`)
        return given.count(count)
      })
      if (keys === 0) throw given.refusal('there is at least one key to put')
      const table = given.optionalName('a table')
      return silently((session) => fill(session, table, keys!, commits!))
    },
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

/**
 * How many keys the next one is ahead. It is coprime to their number, so that every key has its turn before one
 * comes again: these are primes, and no count of a script is a multiple of all three.
 */
const STRIDES = [7919, 104_729, 1_299_709]

/** The keys have digits enough to stand in the order of their numbers; the value of a key is the number of its commit. */
function fill(session: ScriptSession, table: string | undefined, keys: number, commits: number): void {
  const target = session.table(table)
  const digits = String(keys - 1).length
  const stride = STRIDES.find((prime) => keys % prime !== 0)!
  for (let i = 0; i < commits; i++) {
    session.setClock(session.micros + 1)
    target.put(`k${String((i * stride) % keys).padStart(digits, '0')}`, String(i))
  }
}
