/** Levels in memory, with a clock that stands where it is put. */
import { type Database, openDatabase } from '../../src/database/database.ts'
import { PalimpsestLevel } from '../../src/level.ts'
import { type LevelOptions } from '../../src/level/options.ts'
import { checksum } from '../../src/platform/node-files.ts'
import { MemoryFiles } from '../../src/storage/memory-files.ts'
import { StandingClock } from '../store/scratch.ts'

/** The table of every level here. */
export const TABLE = 'level.data'

/** An open level, with what is under it. */
export interface Sample {
  readonly clock: StandingClock
  readonly database: Database
  readonly level: PalimpsestLevel
}

/** A level in a database of its own; a history that is kept for a minute unless told otherwise. */
export async function sample(options: LevelOptions = {}): Promise<Sample> {
  const clock = new StandingClock()
  const database = openDatabase({ files: new MemoryFiles(), clock, checksum }, { geometry: 'tiny' })
  const level = new PalimpsestLevel(database, TABLE, { keep: '1m', ...options })
  await level.open()
  return { clock, database, level }
}

/** The code of the error that an action ends in, and that of its cause. */
export async function codesOf(action: () => unknown): Promise<readonly unknown[]> {
  try {
    await action()
  } catch (error) {
    const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } }
    return cause === undefined ? [code] : [code, cause.code]
  }
  return []
}
