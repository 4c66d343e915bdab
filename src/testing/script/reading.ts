/**
 * The commands of scripts that read keys and ranges, now or as of a time.
 */
import { type Action, type ScriptCommand } from './command.ts'
import { keyText, plainText, versionText } from './notation.ts'
import { type ScriptSession } from './session.ts'
import { type Arguments, type Word } from './words.ts'

/** `get`, `scan`. */
export const READING_COMMANDS: readonly ScriptCommand[] = [
  {
    usage: 'get KEY… [as of TIME]',
    about: 'reads keys',
    read: (given) => {
      const asOf = given.asOf()
      const keys = given.rest('a key')
      for (const { value } of keys) if (value !== undefined) throw given.refusal('a key to read has no value')
      return (session) => keys.map((key) => getLine(session, key, asOf))
    },
  },
  {
    usage:
      'scan [TABLE] [as of TIME] [from=KEY|after=KEY] [to=KEY|before=KEY] [prefix=TEXT] [reverse] [limit=N]',
    about: 'reads the keys of a range in order, each with the time of its value',
    read: scanOf,
  },
]

function getLine(session: ScriptSession, { table, name }: Word, asOf: string | undefined): string {
  const value = session
    .table(table)
    .get(name, { asOf: asOf === undefined ? undefined : session.timeOf(asOf) })
  const key = keyText(table, name)
  return value === undefined ? `no ${key}` : `${key}=${plainText(value)}`
}

function scanOf(given: Arguments): Action {
  const [gte, gt] = [given.option('from'), given.option('after')]
  const [lte, lt] = [given.option('to'), given.option('before')]
  const prefix = given.option('prefix')
  const count = given.option('limit')
  const limit = count === undefined ? undefined : given.count(count)
  const reverse = given.flag('reverse')
  const asOf = given.asOf()
  const table = given.optionalName('a table')
  return (session) => {
    const time = asOf === undefined ? undefined : session.timeOf(asOf)
    const entries = session.table(table).scan({ gte, gt, lte, lt, prefix, limit, reverse, asOf: time })
    const shown = Array.from(entries, (entry) => plainText(entry.key) + versionText(entry))
    return [shown.length === 0 ? 'nothing' : shown.join(' ')]
  }
}
