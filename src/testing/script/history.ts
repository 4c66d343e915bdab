/**
 * The commands of scripts that ask how something came to be what it is.
 */
import { type ExplainNotation, readLines, versionLines } from '../../database/explain-text.ts'
import { type Change, type Difference } from '../../table/state-history.ts'
import { type ScriptCommand } from './command.ts'
import { endText, keyText, plainText, startText, stretchText } from './notation.ts'
import { type Arguments, type Word } from './words.ts'

/** `history`, `diff`, `explain`. */
export const HISTORY_COMMANDS: readonly ScriptCommand[] = [
  {
    usage: 'history KEY [from TIME] [to TIME] [reverse]',
    about: 'lists how what a key shows has changed, restores included',
    read: (given) => {
      const [from, to] = [given.behind('from'), given.behind('to')]
      const reverse = given.flag('reverse')
      const { table, name } = keyOf(given)
      return (session) => {
        const [first, last] = [from, to].map((time) =>
          time === undefined ? undefined : session.timeOf(time),
        )
        const changes = session.table(table).history(name, { from: first, to: last, reverse })
        const lines = Array.from(changes, changeLine)
        return lines.length === 0 ? ['nothing'] : lines
      }
    },
  },
  {
    usage: 'diff [TABLE] from TIME [to TIME]',
    about: 'lists the keys whose values differ between two times',
    read: (given) => {
      const [from, to] = [given.behind('from'), given.behind('to')]
      if (from === undefined) throw given.refusal('"from" and a time are missing')
      const table = given.optionalName('a table')
      return (session) => {
        const last = to === undefined ? undefined : session.timeOf(to)
        const found = session.table(table).diff({ from: session.timeOf(from), to: last })
        const lines = Array.from(found, differenceLine)
        return lines.length === 0 ? ['nothing'] : lines
      }
    },
  },
  {
    usage: 'explain KEY [as of TIME] [version TIME]',
    about: 'tells what a read looked at, or why a version is kept or may go',
    read: (given) => {
      const version = given.behind('version')
      const asOf = given.asOf()
      const { table, name } = keyOf(given)
      if (version !== undefined && asOf !== undefined)
        throw given.refusal('a read is explained "as of" a time, or a version, not both')
      return (session) => {
        if (version !== undefined)
          return versionLines(session.table(table).explainVersion(name, session.timeOf(version)), NOTATION)
        const time = asOf === undefined ? undefined : session.timeOf(asOf)
        return readLines(session.table(table).explainRead(name, { asOf: time }), NOTATION)
      }
    },
  },
]

function keyOf(given: Arguments): Word {
  const [word, ...more] = given.rest('a key')
  if (word === undefined || more.length > 0) throw given.refusal('one key is expected')
  if (word.value !== undefined) throw given.refusal('the key has no value')
  return word
}

const NOTATION: ExplainNotation = {
  start: startText,
  end: endText,
  stretch: stretchText,
  key: (key) => keyText(undefined, String(key)),
  value: (value) => plainText(String(value)),
  reason: plainText,
}

/** `6: 1 by restore, written at 2`; of a commit `6: 1`; of the first time that can be read `readable from 6: 1, written at 2`. */
function changeLine({ time, value, versionTime, cause }: Change<string, string>): string {
  const what = value === undefined ? 'absent' : plainText(value)
  if (cause === 'commit') return `${startText(time)}: ${what}`
  const written = versionTime === undefined ? '' : `, written at ${startText(versionTime)}`
  return cause === 'opening'
    ? `readable from ${startText(time)}: ${what}${written}`
    : `${startText(time)}: ${what} by ${cause}${written}`
}

function differenceLine({ key, before, after }: Difference<string, string>): string {
  const text = (value: string | undefined) => (value === undefined ? 'absent' : plainText(value))
  return `${plainText(key)}: ${text(before)} → ${text(after)}`
}
