/**
 * The commands of scripts about what stays readable: windows and holds.
 */
import { type HoldOptions, type KeepInput } from '../../database/options.ts'
import { type KeptVersions } from '../../history/hold-usage.ts'
import { type Hold } from '../../store/holds.ts'
import { formatDuration } from '../../time/duration.ts'
import { type Action, type ScriptCommand, orNothing, silently } from './command.ts'
import { countText, fromText, stretchText } from './notation.ts'
import { type ScriptSession } from './session.ts'
import { statsOf } from './table-stats.ts'
import { type Arguments } from './words.ts'

/** `keep`, `window`, `readable`, `hold`, `release`, `holds`. */
export const RETENTION_COMMANDS: readonly ScriptCommand[] = [
  {
    usage: 'keep [TABLE] DURATION|forever',
    about: 'says how long history is kept, of a table or of all that do not say otherwise',
    read: (given) => {
      const names = given.names('a duration or "forever"')
      const [table, keep] = names.length === 1 ? [undefined, names[0]!] : names
      if (keep === undefined || names.length > 2) throw given.refusal('a table and a duration are expected')
      return silently((session) =>
        session.database.setRetention(keepOf(keep), {
          table: table === undefined ? undefined : session.fullName(table),
        }),
      )
    },
  },
  {
    usage: 'window [TABLE]',
    about: 'says how long a table keeps its history and since when it can be read without a hold',
    read: (given) => {
      const table = given.optionalName('a table')
      return (session) => {
        const { keep, cutoff } = statsOf(session, table)
        const kept = keep === 'forever' ? 'forever' : formatDuration(keep)
        return [`keeps ${kept}: ${fromText(session.timeOf(cutoff.time))}`]
      }
    },
  },
  {
    usage: 'readable [TABLE]',
    about: 'lists the times as of which a table can be read',
    read: (given) => {
      const table = given.optionalName('a table')
      return (session) => session.database.readable(session.fullName(table)).map(stretchText)
    },
  },
  {
    usage: 'hold NAME at=TIME|from=TIME through=TIME [on=TABLE] [expires=DURATION]',
    about: 'keeps a time, or all times of a stretch, readable',
    read: holdOf,
  },
  {
    usage: 'release NAME',
    about: 'lets a hold go',
    read: (given) => {
      const name = given.name('the name of the hold')
      return silently((session) => session.database.release(name))
    },
  },
  {
    usage: 'holds [usage]',
    about: 'lists the holds, if asked with the versions that each of them alone keeps',
    read: (given) => {
      const withUsage = given.flag('usage')
      return (session) => (withUsage ? usageLines(session) : holdLines(session))
    },
  },
]

/** The holds. Nothing reads between two lines of a script, so that none are those of cursors. */
function holdLines(session: ScriptSession): readonly string[] {
  return orNothing(session.database.holds().map((hold) => holdText(session, hold)))
}

function usageLines(session: ScriptSession): readonly string[] {
  const { holds, together } = session.database.holdUsage()
  const keeps = ({ versions }: KeptVersions) => `keeps ${countText(versions, 'version')}`
  const lines = holds.map(({ hold, alone }) => `${holdText(session, hold)}: alone ${keeps(alone)}`)
  return lines.length === 0 ? ['nothing'] : [...lines, `together: ${keeps(together)} beyond the window`]
}

function holdText(session: ScriptSession, hold: Hold): string {
  const what = hold.on === '*' ? 'everything' : session.shortName(hold.on)
  const name = hold.kind === 'hold' ? hold.name : `cursor ${hold.id}`
  return `${name}: ${what} ${hold.times.map(stretchText).join(', ')}`
}

/** How long history is kept, as a script says it: bare numbers are microseconds. */
export function keepOf(text: string): KeepInput {
  return /^\d+$/.test(text) ? Number(text) : text
}

function holdOf(given: Arguments): Action {
  const [at, from, through] = [given.option('at'), given.option('from'), given.option('through')]
  const expires = given.option('expires')
  const expiresIn = expires === undefined ? undefined : given.duration(expires)
  const on = given.option('on')
  const name = given.name('the name of the hold')
  return silently((session) => {
    const timeOf = (text: string | undefined) => (text === undefined ? undefined : session.timeOf(text))
    const times = { at: timeOf(at), from: timeOf(from), through: timeOf(through) }
    const table = on === undefined ? undefined : session.fullName(on)
    session.database.hold({ name, table, ...times, expiresIn } satisfies HoldOptions)
  })
}
