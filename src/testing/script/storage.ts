/**
 * The commands of scripts that look under the answers: memory, files and levels, and what they cost.
 */
import { type StoredVersion } from '../../database/inspect.ts'
import { type TableStats } from '../../database/stats.ts'
import { GEOMETRIES, isGeometryName } from '../../storage/geometry.ts'
import { type RecoveryReport } from '../../store/events.ts'
import { type ScriptCommand, orNothing, silently } from './command.ts'
import { treeDrawing } from './drawing.ts'
import { countText, decisionText, fileText, plainText, startText, versionText } from './notation.ts'
import { statsOf } from './table-stats.ts'

/** `geometry`, `policy`, `flush`, `compact`, `decisions`, `versions`, `levels`, `draw`, `stats`, `cost`, `reopen`, `crash`, `check`. */
export const STORAGE_COMMANDS: readonly ScriptCommand[] = [
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
    usage: 'policy leveled|tiered|lazy-leveled [PICKER]',
    about: 'chooses how files are merged from now on, and which file of a full level leveling takes next',
    read: (given) => {
      const name = given.name('the name of a policy')
      const picker = given.optionalName('the name of a picker')
      return silently((session) => session.choosePolicy({ name, picker }))
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
    usage: 'decisions',
    about: 'lists the compactions since it was last asked, each with its reason',
    read: () => (session) => orNothing(session.takeDecisions().map(decisionText)),
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
    usage: 'draw [TABLE]',
    about: 'draws which keys each file of a table spans, the newest on top: what a read looks through',
    read: (given) => {
      const table = given.optionalName('a table')
      return (session) => {
        const name = session.fullName(table)
        const { versions } = statsOf(session, table).memtable
        const keys = Array.from(session.database.versions(name), ({ key }) => key)
        return treeDrawing(session.database.files(name), keys, versions)
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
    usage: 'cost [TABLE]',
    about: 'says what a table costs: in writes, in places that a read may have to search, in space',
    read: (given) => {
      const table = given.optionalName('a table')
      return (session) => {
        const shown = Array.from(session.table(table).scan()).length
        return [costLine(statsOf(session, table), shown)]
      }
    },
  },
  {
    usage: 'reopen',
    about: 'closes the database and opens it again',
    read: () => silently((session) => session.reopen()),
  },
  {
    usage: 'crash [torn=BYTES]',
    about: 'lets the process die, with the last bytes of the log torn off, and opens what is left',
    read: (given) => {
      const torn = given.option('torn')
      const bytes = torn === undefined ? 0 : given.count(torn)
      return (session) => [recoveryText(session.crash(bytes))]
    },
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

/** A line for each key, its versions newest first. */
function versionLines(versions: Iterable<StoredVersion<string, string>>): readonly string[] {
  const lines = new Map<string, string>()
  for (const version of versions) {
    const line = lines.get(version.key) ?? `${plainText(version.key)}:`
    lines.set(version.key, `${line} ${versionText(version)}`)
  }
  return [...lines.values()]
}

function statsLine({ versions, memtable, totals }: TableStats): string {
  const { flushes, compactions, moves, droppedVersions } = totals
  const held = `${countText(versions, 'version')}, ${memtable.versions} in memory`
  const done = [countText(flushes, 'flush'), countText(compactions, 'compaction'), countText(moves, 'move')]
  return `${held}; ${done.join(', ')}, ${countText(droppedVersions, 'version')} dropped`
}

/** Write, read and space amplification, in this order. */
function costLine({ versions, levels, writeAmplification, totals }: TableStats, shown: number): string {
  const written =
    totals.flushedBytes === 0
      ? 'nothing was flushed'
      : `written ${writeAmplification.toFixed(2)} times what was flushed`
  const runs = levels.reduce((sum, level) => sum + level.runs, 0)
  return (
    `${written}; a read may search ${countText(runs, 'run')}; ` +
    `${countText(versions, 'version')} for ${countText(shown, 'key')} that show`
  )
}

/** `3 commits from the log, through 5; 17 torn bytes cut off`. */
function recoveryText({ commits, newestCommit, tornBytes }: RecoveryReport): string {
  const torn = tornBytes === 0 ? '' : `; ${countText(tornBytes, 'torn byte')} cut off`
  return `${countText(commits, 'commit')} from the log, through ${startText(newestCommit)}${torn}`
}
