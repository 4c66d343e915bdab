/**
 * The statistics of one table of a script, which several commands answer from.
 */
import { AssertionError } from '../../base/assert.ts'
import { type TableStats } from '../../database/stats.ts'
import { type ScriptSession } from './session.ts'

/** The statistics of a table; of the first one where none is named. */
export function statsOf(session: ScriptSession, table: string | undefined): TableStats {
  const name = session.fullName(table)
  const found = session.database.stats().tables.find((stats) => stats.name === name)
  if (found !== undefined) return found
  // The database refuses the name in its own words.
  session.database.table(name)
  throw new AssertionError(`the statistics of ${name} are missing`)
}
