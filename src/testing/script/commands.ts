/**
 * The commands of scripts: one table. A command reads its arguments first and refuses what is malformed,
 * before anything is run; what it then answers is lines of text. A command that has nothing to say
 * answers none.
 */
import { AssertionError } from '../../base/assert.ts'
import { type DatabaseWrite, type HoldOptions, type KeepInput } from '../../database/options.ts'
import { type Restore } from '../../recovery/recovery.ts'
import { type KeptVersions } from '../../history/hold-usage.ts'
import { type Hold } from '../../store/holds.ts'
import { type StoredVersion } from '../../database/inspect.ts'
import { type TableStats } from '../../database/stats.ts'
import { GEOMETRIES, isGeometryName } from '../../storage/geometry.ts'
import { formatDuration } from '../../time/duration.ts'
import { formatExact } from '../../time/hybrid-time.ts'
import { type Action, type ScriptCommand } from './command.ts'
import { HISTORY_COMMANDS } from './history.ts'
import {
  KEYSPACE,
  countText,
  endText,
  fileText,
  fromText,
  keyText,
  plainText,
  stretchText,
  versionText,
} from './notation.ts'
import { type ScriptSession } from './session.ts'
import { Arguments, type Word, malformed, wordsOf } from './words.ts'

/** Every command but the prefix `at TIME:`, in the order in which a reader meets them. */
export const SCRIPT_COMMANDS: readonly ScriptCommand[] = [
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
    usage: 'geometry default|tiny|miniature',
    about: 'chooses the sizes that shape the trees, before anything else',
    read: (given) => {
      const name = given.name('the name of a geometry')
      if (!isGeometryName(name))
        throw given.refusal(`a geometry is one of ${Object.keys(GEOMETRIES).join(', ')}`)
      return silently((session) => session.chooseGeometry(name))
    },
  },
  {
    usage: 'clock [MICROSECOND]',
    about: 'puts the clock at a microsecond, or says where it stands',
    read: (given) => {
      const text = given.optionalName('a microsecond')
      if (text === undefined) return clockLines
      const micros = given.micros(text)
      return silently((session) => session.setClock(micros))
    },
  },
  {
    usage: 'advance DURATION',
    about: 'lets time pass',
    read: (given) => {
      const micros = given.duration(given.name('a duration'))
      return silently((session) => session.setClock(session.micros + micros))
    },
  },
  {
    usage: 'jump DURATION',
    about: 'moves the wall clock ahead without time passing, as a faulty time server does',
    read: (given) => {
      const micros = given.duration(given.name('a duration'))
      return silently((session) => session.jumpWall(micros))
    },
  },
  {
    usage: 'confirm',
    about: 'takes the wall clock for right after a jump',
    read: () => silently((session) => session.database.confirmClock()),
  },
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
  ...HISTORY_COMMANDS,
  {
    usage: 'keep [TABLE] DURATION|forever',
    about: 'says how long history is kept, of a table or of all that do not say otherwise',
    read: (given) => {
      const names = given.rest('a duration or "forever"').map(({ name }) => name)
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
  {
    usage: 'rename TABLE NAME',
    about: 'gives a table another name',
    read: (given) => {
      const names = given.rest('a table and its new name').map(({ name }) => name)
      const [table, name] = names
      if (table === undefined || name === undefined || names.length > 2)
        throw given.refusal('a table and its new name are expected')
      return silently((session) => session.database.renameTable(session.fullName(table), name))
    },
  },
  {
    usage: 'tables',
    about: 'lists the tables',
    read: () => (session) => orNothing(session.database.tables.map((name) => session.shortName(name))),
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
    usage: 'versions [TABLE]',
    about: 'lists what is still there of each key, readable or not, newest first',
    read: (given) => {
      const table = given.optionalName('a table')
      return (session) =>
        orNothing(versionLines(session.database.versions<string, string>(session.fullName(table))))
    },
  },
  {
    usage: 'levels [TABLE]',
    about: 'lists where the versions of a table lie: in memory, in which files of which level',
    read: (given) => {
      const table = given.optionalName('a table')
      return (session) => {
        const { versions } = statsOf(session, table).memtable
        const memory = versions === 0 ? [] : [`in memory: ${countText(versions, 'version')}`]
        return orNothing([...memory, ...session.database.files(session.fullName(table)).map(fileText)])
      }
    },
  },
  {
    usage: 'stats [TABLE]',
    about: 'says what a table holds and what was done to it',
    read: (given) => {
      const table = given.optionalName('a table')
      return (session) => [statsLine(statsOf(session, table))]
    },
  },
  {
    usage: 'flush [TABLE]',
    about: 'writes what is in memory down',
    read: (given) => {
      const table = given.optionalName('a table')
      return silently((session) => session.database.flush(table && session.fullName(table)))
    },
  },
  {
    usage: 'compact [TABLE]',
    about: 'merges all files and drops what no readable time sees',
    read: (given) => {
      const table = given.optionalName('a table')
      return silently((session) => session.database.compact(table && session.fullName(table)))
    },
  },
  {
    usage: 'reopen',
    about: 'closes the database and opens it again',
    read: () => silently((session) => session.reopen()),
  },
  {
    usage: 'check',
    about: 'checks every checksum and structural law',
    read: () => (session) => {
      const faults = session.database.check().flatMap((tablet) => tablet.faults)
      return faults.length === 0 ? ['sound'] : faults
    },
  },
]

const BY_NAME: ReadonlyMap<string, ScriptCommand> = new Map(
  SCRIPT_COMMANDS.map((command) => [command.usage.split(' ')[0]!, command]),
)

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

/** What a restore did: its name, and each table with what became of it. */
function restoreLines({ id, tables }: Restore): readonly string[] {
  const prefix = `${KEYSPACE}.`
  const names = tables.map(({ name, action }) => `${name.replace(prefix, '')} ${action}`)
  return [`${id}: ${names.join(', ')}`]
}

/** Reads a line of commands. Throws `INVALID_TRACE`. */
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

function silently(act: (session: ScriptSession) => void): Action {
  return (session) => {
    act(session)
    return []
  }
}

function orNothing(lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? ['nothing'] : lines
}

function keepOf(text: string): KeepInput {
  return /^\d+$/.test(text) ? Number(text) : text
}

function clockLines(session: ScriptSession): readonly string[] {
  return [`the clock shows ${session.micros}; the newest time is ${formatExact(session.database.newest)}`]
}

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

/** A line for each key, its versions newest first. */
function versionLines(versions: Iterable<StoredVersion<string, string>>): readonly string[] {
  const lines = new Map<string, string>()
  for (const version of versions) {
    const line = lines.get(version.key) ?? `${plainText(version.key)}:`
    lines.set(version.key, `${line} ${versionText(version)}`)
  }
  return [...lines.values()]
}

function statsOf(session: ScriptSession, table: string | undefined): TableStats {
  const name = session.fullName(table)
  const found = session.database.stats().tables.find((stats) => stats.name === name)
  if (found !== undefined) return found
  // The database refuses the name in its own words.
  session.database.table(name)
  throw new AssertionError(`the statistics of ${name} are missing`)
}

function statsLine({ versions, memtable, totals }: TableStats): string {
  const { flushes, compactions, moves, droppedVersions } = totals
  const held = `${countText(versions, 'version')}, ${memtable.versions} in memory`
  const done = [countText(flushes, 'flush'), countText(compactions, 'compaction'), countText(moves, 'move')]
  return `${held}; ${done.join(', ')}, ${countText(droppedVersions, 'version')} dropped`
}
